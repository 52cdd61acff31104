//! A client that was asked for a certificate: for which host, what it has shown, and what backends are told of it.

use std::cell::{Ref, RefCell};
use std::net::IpAddr;
use std::sync::Arc;

use bulkhead_http1::{Lines, Name};
use bulkhead_model::client_auth::Verdict;
use bulkhead_model::{ClientAuth, distinguished_name, x509};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, SignatureScheme};

use crate::exchange::forwarded;

/// Most certificates, and most bytes of all of them, that a client may show. Strangers choose them, and they are kept as long as
/// the connection; the chains that people use are a quarter of it.
const MAX_CHAIN: usize = 10;
const MAX_CHAIN_BYTES: usize = 16 << 10;
/// Most bytes of a name as text. One that is longer is not told.
const MAX_NAME_BYTES: usize = 4 << 10;
/// Characters of a line of PEM (RFC 7468 §2).
const PEM_LINE: usize = 64;

/// Asks for a certificate and takes any whose key the client has. Whether it is any good is judged for each request.
#[derive(Debug)]
pub(crate) struct Asking {
    /// The issuers that are named to the client. None: it chooses without.
    pub(crate) subjects: Arc<[DistinguishedName]>,
    pub(crate) algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for Asking {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.subjects
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let bytes = others.iter().fold(own.len(), |bytes, other| bytes + other.len());
        if others.len() >= MAX_CHAIN || bytes > MAX_CHAIN_BYTES {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// A client that was asked for a certificate.
pub(crate) struct Peer {
    /// The canonical host that the handshake was for.
    name: Box<str>,
    /// What it has shown, its own certificate first.
    chain: Box<[CertificateDer<'static>]>,
    /// What that came to under the policy that was asked for last.
    judged: RefCell<Option<Judged>>,
}

struct Judged {
    policy: Arc<ClientAuth>,
    verdict: Verdict,
    /// Made when a backend is first told.
    identity: Option<Identity>,
}

/// What backends are told.
pub(crate) struct Identity {
    /// Everything that is said of an untrusted client.
    pub(crate) lines: Lines,
    /// Only what comes of the certificate.
    pub(crate) own: Lines,
    /// The certificate in PEM form, percent-encoded; empty if there is none.
    pub(crate) certificate: Box<[u8]>,
}

impl Peer {
    pub(crate) fn new(name: Box<str>, chain: &[CertificateDer<'_>]) -> Self {
        let chain = chain.iter().map(|certificate| certificate.clone().into_owned()).collect();
        Self { name, chain, judged: RefCell::new(None) }
    }

    /// The canonical host that the handshake was for.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What the chain comes to under a policy. Judged once for each policy, so also when the policy changes under an open connection.
    pub(crate) fn verdict(&self, policy: &Arc<ClientAuth>) -> Verdict {
        let mut judged = self.judged.borrow_mut();
        match &*judged {
            Some(last) if Arc::ptr_eq(&last.policy, policy) || last.policy == *policy => last.verdict,
            _ => {
                let verdict = policy.judge(&self.chain, UnixTime::now());
                *judged = Some(Judged { policy: Arc::clone(policy), verdict, identity: None });
                verdict
            }
        }
    }

    /// What backends are told, of a client that was judged before.
    pub(crate) fn identity(&self, pseudonym: &str, address: IpAddr, port: u16) -> Option<Ref<'_, Identity>> {
        if let Some(Judged { verdict, identity: identity @ None, .. }) = &mut *self.judged.borrow_mut() {
            *identity = Some(self.identify(*verdict, pseudonym, address, port));
        }
        Ref::filter_map(self.judged.borrow(), |judged| judged.as_ref()?.identity.as_ref()).ok()
    }

    fn identify(&self, verdict: Verdict, pseudonym: &str, address: IpAddr, port: u16) -> Identity {
        let verify = match verdict {
            Verdict::Verified => "SUCCESS".to_owned(),
            Verdict::Missing => "NONE".to_owned(),
            Verdict::Untrusted => "FAILED:its issuer is not known".to_owned(),
            Verdict::OfAnother => "FAILED:it is for somebody else".to_owned(),
            Verdict::Refused(why) => format!("FAILED:{why}"),
        };
        let leaf = self.chain.first();
        let facts = leaf.and_then(|leaf| x509::read(leaf));
        let text = |names| distinguished_name::text(names, MAX_NAME_BYTES);
        let subject = facts.and_then(|facts| text(facts.subject)).unwrap_or_default();
        let issuer = facts.and_then(|facts| text(facts.issuer)).unwrap_or_default();
        let all: [(Name, &[u8]); 3] = [
            (Name::SslClientVerify, verify.as_bytes()),
            (Name::SslClientSubjectDn, subject.as_bytes()),
            (Name::SslClientIssuerDn, issuer.as_bytes()),
        ];
        // An anonymous client has no names, and an empty one would be one.
        let told: Vec<_> = all.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        Identity {
            lines: forwarded::lines(pseudonym, address, port, true, &told),
            own: Lines::new(&told, &[]),
            certificate: leaf.map(|leaf| escaped_pem(leaf)).unwrap_or_default(),
        }
    }
}

/// A certificate in PEM form with everything percent-encoded that is not unreserved (RFC 3986 §2.3), as nginx sends it.
fn escaped_pem(der: &[u8]) -> Box<[u8]> {
    let mut text = String::with_capacity(der.len() * 3 / 2 + 100);
    text.push_str("-----BEGIN%20CERTIFICATE-----%0A");
    let mut column = 0;
    for group in der.chunks(3) {
        for character in base64(group) {
            match character {
                '+' => text.push_str("%2B"),
                '/' => text.push_str("%2F"),
                '=' => text.push_str("%3D"),
                other => text.push(other),
            }
        }
        column += 4;
        if column == PEM_LINE {
            text.push_str("%0A");
            column = 0;
        }
    }
    if column > 0 {
        text.push_str("%0A");
    }
    text.push_str("-----END%20CERTIFICATE-----%0A");
    text.into_bytes().into()
}

/// One to three octets in base64 (RFC 4648 §4).
fn base64(group: &[u8]) -> [char; 4] {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let octet = |at: usize| usize::from(group.get(at).copied().unwrap_or_default());
    let bits = octet(0) << 16 | octet(1) << 8 | octet(2);
    let digit = |shift: usize| DIGITS.get(bits >> shift & 0x3f).map_or('=', |digit| char::from(*digit));
    let pad = |at: usize, digit| if group.len() > at { digit } else { '=' };
    [digit(18), digit(12), pad(1, digit(6)), pad(2, digit(0))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_padded() {
        for (octets, text) in [(&b"f"[..], "Zg=="), (b"fo", "Zm8="), (b"foo", "Zm9v"), (&[0xff, 0xef, 0xbe], "/+++")] {
            assert_eq!(base64(octets).iter().collect::<String>(), text);
        }
    }

    #[test]
    fn a_certificate_is_told_in_lines_of_pem_without_a_byte_that_is_reserved() {
        let text = String::from_utf8(escaped_pem(&[0xfb; 100]).into_vec()).unwrap();
        let lines: Vec<_> = text.split("%0A").collect();
        assert_eq!(lines.first(), Some(&"-----BEGIN%20CERTIFICATE-----"));
        assert_eq!(lines[lines.len() - 2..], ["-----END%20CERTIFICATE-----", ""]);
        let columns = |line: &str| line.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=").len();
        assert_eq!((columns(lines[1]), columns(lines[2]), columns(lines[3])), (64, 64, 8));
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-%".contains(&byte)), "{text}");
    }
}
