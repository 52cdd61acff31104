//! TLS towards endpoints: what is offered, and whose certificate is taken.

use std::cell::OnceCell;
use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};

use bulkhead_model::UpstreamTls;
use bulkhead_model::backend::Protocol;
use bulkhead_model::upstream_tls::{TlsVersions, Trust};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::sign::SingleCertAndKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::fault::Fault;
use crate::upstream::verifier::{Signatures, Trusted, Verifier};

/// Sessions kept to be resumed, of one endpoint and thread: as many tickets as a connection brings, and one connection more.
const SESSIONS: usize = 8;

/// TLS towards one endpoint, as one thread speaks it. Sessions are resumed with the same endpoint only: another one could not
/// read its tickets.
pub(crate) struct Tls {
    policy: Arc<UpstreamTls>,
    protocol: Protocol,
    config: OnceCell<Option<Arc<ClientConfig>>>,
}

impl Tls {
    pub(crate) fn new(policy: Arc<UpstreamTls>, protocol: Protocol) -> Self {
        Self { policy, protocol, config: OnceCell::new() }
    }

    /// Shakes hands over `stream`.
    ///
    /// # Errors
    /// The backend's certificate is not taken, or there is no session that `protocol` can be spoken on.
    pub(crate) async fn connect(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, Fault> {
        // What cannot be made is not tried again, and is told once.
        let config = self.config.get_or_init(|| match config(&self.policy, self.protocol) {
            Ok(made) => Some(Arc::new(made)),
            Err(error) => {
                tracing::warn!(%error, "TLS with a backend cannot be configured");
                None
            }
        });
        let config = config.as_ref().ok_or(Fault::UpstreamHandshake)?;
        let connector = TlsConnector::from(Arc::clone(config));
        let session = connector.connect(self.policy.name.clone(), stream).await.map_err(|error| classify(&error))?;
        // Who did not choose HTTP/2 would take its preface for a request (RFC 9113 §3.2).
        if self.protocol == Protocol::Http2 && session.get_ref().1.alpn_protocol() != Some(alpn(self.protocol)) {
            tracing::debug!("a backend did not choose HTTP/2 in its TLS handshake");
            return Err(Fault::UpstreamHandshake);
        }
        Ok(session)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("policy", &self.policy).field("protocol", &self.protocol).finish_non_exhaustive()
    }
}

/// The one protocol that is offered (RFC 7301).
const fn alpn(protocol: Protocol) -> &'static [u8] {
    match protocol {
        Protocol::Http1 => b"http/1.1",
        Protocol::Http2 => b"h2",
    }
}

fn config(policy: &UpstreamTls, protocol: Protocol) -> Result<ClientConfig, rustls::Error> {
    const BOTH: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
    const OLDER: &[&SupportedProtocolVersion] = &[&TLS12];
    const NEWER: &[&SupportedProtocolVersion] = &[&TLS13];
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    let provider = PROVIDER.get_or_init(|| Arc::new(aws_lc_rs::default_provider()));
    let versions = match policy.versions {
        TlsVersions::Both => BOTH,
        TlsVersions::V12 => OLDER,
        TlsVersions::V13 => NEWER,
    };
    let builder = ClientConfig::builder_with_provider(Arc::clone(provider)).with_protocol_versions(versions)?;
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier(&policy.trust, provider)?);
    let mut config = match &policy.identity {
        Some(identity) => {
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&identity.key))))
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![alpn(protocol).to_vec()];
    config.enable_sni = policy.asks_for_name;
    config.resumption = Resumption::in_memory_sessions(SESSIONS);
    Ok(config)
}

fn verifier(trust: &Trust, provider: &Arc<CryptoProvider>) -> Result<Arc<Verifier>, rustls::Error> {
    let algorithms = provider.signature_verification_algorithms;
    Ok(Arc::new(match trust {
        Trust::Anyone => Verifier { trusted: Trusted::Anyone, signatures: Signatures::Unread, algorithms },
        Trust::Roots { roots, depth } => {
            let built = WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(provider)).build();
            let by = built.map_err(|error| rustls::Error::General(error.to_string()))?;
            let trusted = Trusted::By { by, depth: depth.map_or(usize::MAX, usize::from) };
            Verifier { trusted, signatures: Signatures::Verified, algorithms }
        }
    }))
}

/// What went wrong, as far as it helps to tell it apart.
fn classify(error: &io::Error) -> Fault {
    tracing::debug!(%error, "a TLS handshake with a backend failed");
    match error.get_ref().and_then(|source| source.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(_)) => Fault::UpstreamUntrusted,
        Some(_) | None => Fault::UpstreamHandshake,
    }
}
