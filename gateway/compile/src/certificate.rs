//! A Secret's bytes, as a certificate with its key.

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead_model::x509::{self, Validity};
use bulkhead_model::{Certificate, HostPattern};
use rustls::client::verify_server_name;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use thiserror::Error;

/// Key of the chain in a Secret (Kubernetes: `kubernetes.io/tls`).
pub(crate) const CHAIN: &str = "tls.crt";
/// Key of the private key.
pub(crate) const KEY: &str = "tls.key";
/// Most certificates of a chain, and most bytes of all of them: every full handshake sends them, and clients give up on far
/// shorter chains.
const MAX_CHAIN: usize = 10;
const MAX_CHAIN_BYTES: usize = 64 << 10;

/// Why a Secret is no certificate. What it says never holds anything of the Secret's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum BadCertificate {
    #[error("has no {CHAIN}")]
    NoChain,
    #[error("has no {KEY}")]
    NoKey,
    #[error("has a {CHAIN} that holds no certificate in PEM form")]
    UnreadableChain,
    #[error("has a {CHAIN} of more than {MAX_CHAIN} certificates or {} KiB", MAX_CHAIN_BYTES >> 10)]
    LongChain,
    #[error(
        "has a {KEY} that holds no private key in PEM form, of a kind that can sign (RSA from 2048 bits, ECDSA, Ed25519)"
    )]
    UnreadableKey,
    #[error("has a {CHAIN} whose first certificate cannot be read")]
    UnreadableLeaf,
    #[error("has a {KEY} that is not the key of the first certificate of {CHAIN}")]
    KeyMismatch,
}

/// The certificate in the data of the Secret `origin`.
pub(crate) fn parse(origin: &str, data: &BTreeMap<String, Vec<u8>>) -> Result<Arc<Certificate>, BadCertificate> {
    let chain = data.get(CHAIN).ok_or(BadCertificate::NoChain)?;
    let key = data.get(KEY).ok_or(BadCertificate::NoKey)?;
    let chain = read_chain(chain)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| BadCertificate::UnreadableKey)?;
    let provider = aws_lc_rs::default_provider();
    let key = provider.key_provider.load_private_key(key).map_err(|_| BadCertificate::UnreadableKey)?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) => Ok(Arc::new(Certificate { origin: origin.into(), key: Arc::new(certified) })),
        Err(rustls::Error::InvalidCertificate(_)) => Err(BadCertificate::UnreadableLeaf),
        Err(_) => Err(BadCertificate::KeyMismatch),
    }
}

fn read_chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, BadCertificate> {
    let (mut chain, mut bytes) = (Vec::new(), 0);
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| BadCertificate::UnreadableChain)?;
        bytes += certificate.len();
        if chain.len() == MAX_CHAIN || bytes > MAX_CHAIN_BYTES {
            return Err(BadCertificate::LongChain);
        }
        chain.push(certificate);
    }
    if chain.is_empty() { Err(BadCertificate::UnreadableChain) } else { Ok(chain) }
}

/// When a certificate is valid; `None` if it does not say so in a form that can be read.
pub(crate) fn validity(certificate: &Certificate) -> Option<Validity> {
    x509::read(certificate.key.cert.first()?).map(|facts| facts.validity)
}

/// Whether clients that ask for `host` will find it in the certificate. A wildcard is taken for any name it stands for.
pub(crate) fn is_for(certificate: &Certificate, host: &HostPattern) -> bool {
    let name = match host {
        HostPattern::Exact(name) => name.to_string(),
        HostPattern::Wildcard(domain) => format!("any.{domain}"),
        HostPattern::Any => return true,
    };
    // Names that rustls does not take are those that no certificate can have; then nothing can be said.
    let Ok(name) = ServerName::try_from(name) else { return true };
    let leaf = certificate.key.cert.first().and_then(|leaf| ParsedCertificate::try_from(leaf).ok());
    leaf.is_some_and(|leaf| verify_server_name(&leaf, &name).is_ok())
}
