//! The certificate that is shown where nobody has given one.

use std::sync::Arc;

use bulkhead_proxy::CertifiedKey;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use thiserror::Error;

/// The name in it: reserved, so that no client can mean it (RFC 6761 section 6.4).
const NAME: &str = "bulkhead.invalid";

/// Why there is no certificate.
#[derive(Debug, Error)]
pub enum StandInError {
    /// It could not be made.
    #[error("cannot make a self-signed certificate")]
    Make(#[from] rcgen::Error),
    /// It could not be used.
    #[error("cannot use the self-signed certificate that was just made")]
    Use(#[from] rustls::Error),
}

/// A certificate that this process has signed itself, so that a TLS listener always has one to show. Clients that check
/// certificates refuse it, and its key never leaves the process.
///
/// # Errors
/// When the system gives no randomness.
pub fn certificate() -> Result<Arc<CertifiedKey>, StandInError> {
    let mut content = CertificateParams::new([NAME.to_owned()])?;
    content.distinguished_name = DistinguishedName::new();
    content.distinguished_name.push(DnType::CommonName, "Bulkhead stand-in certificate");
    let key = KeyPair::generate()?;
    let chain = vec![CertificateDer::from(content.self_signed(&key)?)];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Ok(Arc::new(CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_process_has_a_certificate_of_its_own() {
        let (one, other) = (certificate().unwrap(), certificate().unwrap());
        assert_ne!(one.cert, other.cert);
        one.keys_match().unwrap();
    }
}
