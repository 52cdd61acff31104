//! Certification authorities, and certificates of theirs.

use std::sync::Arc;

use bulkhead_model::Certificate;
use bulkhead_model::upstream_tls::Trust;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};

/// An authority, with those above it but the root.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    above: Vec<CertificateDer<'static>>,
}

impl Authority {
    pub(super) fn root() -> Self {
        let issuer = CertifiedIssuer::self_signed(params(), KeyPair::generate().unwrap()).unwrap();
        Self { issuer, above: Vec::new() }
    }

    /// An authority that this one vouches for.
    pub(super) fn below(&self) -> Self {
        let issuer = CertifiedIssuer::signed_by(params(), KeyPair::generate().unwrap(), &self.issuer).unwrap();
        let above = [vec![issuer.der().clone()], self.above.clone()].concat();
        Self { issuer, above }
    }

    pub(super) fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        Arc::new(roots)
    }

    pub(super) fn trust(&self) -> Trust {
        Trust::Roots { roots: self.roots(), depth: None }
    }

    /// A certificate for `name`.
    pub(super) fn issue(&self, name: &str) -> Arc<CertifiedKey> {
        self.sign(CertificateParams::new([name.to_owned()]).unwrap())
    }

    /// One that has run out.
    pub(super) fn issue_expired(&self, name: &str) -> Arc<CertifiedKey> {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Arc<CertifiedKey> {
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        let chain = [vec![leaf.der().clone()], self.above.clone()].concat();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Arc::new(CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).unwrap())
    }
}

fn params() -> CertificateParams {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// What a gateway shows.
pub(super) fn identity(key: Arc<CertifiedKey>) -> Option<Arc<Certificate>> {
    Some(Arc::new(Certificate { origin: "shop/identity".into(), key }))
}

/// A server that shows `key`, speaks `alpn`, and asks for a certificate of `clients` if there are such.
pub(super) fn server(key: Arc<CertifiedKey>, alpn: &str, clients: Option<&Authority>) -> Arc<ServerConfig> {
    use rustls::server::WebPkiClientVerifier;
    use rustls::sign::SingleCertAndKey;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => builder.with_client_cert_verifier(
            WebPkiClientVerifier::builder_with_provider(clients.roots(), provider).build().unwrap(),
        ),
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
    config.alpn_protocols = if alpn.is_empty() { Vec::new() } else { vec![alpn.as_bytes().to_vec()] };
    Arc::new(config)
}
