//! Whose certificate is taken from a server.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};

/// Decides on the certificate that a server shows, and on the signature by which it proves that it has the key.
#[derive(Debug)]
pub(crate) struct Verifier {
    pub(crate) trusted: Trusted,
    pub(crate) signatures: Signatures,
    pub(crate) algorithms: WebPkiSupportedAlgorithms,
}

/// Whose certificates are taken.
#[derive(Debug)]
pub(crate) enum Trusted {
    /// Anybody's, unread.
    Anyone,
    /// Those that lead to a root.
    By {
        by: Arc<WebPkiServerVerifier>,
        /// Intermediate certificates that are looked at, from the server's own on: so no path is longer.
        depth: usize,
    },
}

/// What is done with signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signatures {
    /// The key of the certificate must have made them.
    Verified,
    /// Nothing: of a key that nobody vouches for they prove nothing, and backends whose certificates nobody checks have some that
    /// cannot be parsed.
    Unread,
}

impl Signatures {
    fn judge(
        self,
        verify: impl FnOnce() -> Result<HandshakeSignatureValid, rustls::Error>,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        match self {
            Self::Verified => verify(),
            Self::Unread => Ok(HandshakeSignatureValid::assertion()),
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match &self.trusted {
            Trusted::Anyone => Ok(ServerCertVerified::assertion()),
            Trusted::By { by, depth } => {
                let nearest = intermediates.get(..*depth).unwrap_or(intermediates);
                by.verify_server_cert(leaf, nearest, name, ocsp, now)
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.signatures.judge(|| verify_tls12_signature(message, leaf, signature, &self.algorithms))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.signatures.judge(|| verify_tls13_signature(message, leaf, signature, &self.algorithms))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
