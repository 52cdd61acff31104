//! What a TLS handshake is answered with.
//!
//! There are as many configurations as there are policies, made once and kept for the life of the process: the keys of
//! session tickets live in them, so sessions can be resumed across every change that leaves the policy as it is. Which
//! certificate is shown is decided in each handshake, by the snapshot that is the newest then. A host that wants client
//! certificates has one made for each handshake, without tickets: a client is asked each time, so that no session outlives
//! what it was begun with.

use std::fmt;
use std::sync::Arc;

use bulkhead_model::tls::{MinVersion, TlsPolicy};
use bulkhead_model::{ClientAuth, Host};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};

use crate::peer::Asking;
use crate::publication::Publication;

/// Whether HTTP/2 is spoken behind a handshake. What is not spoken is not offered, whatever a lane wants.
const SPEAKS_HTTP2: bool = true;

/// What is spoken behind a handshake, as the two sides have agreed in it (RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// RFC 9112; also where the client has named no protocol.
    Http1,
    /// RFC 9113.
    Http2,
}

impl Protocol {
    /// As ALPN identifies it (RFC 7301 §6, RFC 9113 §3.2).
    const fn id(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }

    /// The protocol with this identifier. rustls agrees on none that was not offered.
    pub(crate) fn agreed(id: Option<&[u8]>) -> Self {
        if id == Some(Self::Http2.id()) { Self::Http2 } else { Self::Http1 }
    }

    /// What is offered, the better one first.
    const fn offered(policy: TlsPolicy) -> &'static [Self] {
        if SPEAKS_HTTP2 && policy.http2 { &[Self::Http2, Self::Http1] } else { &[Self::Http1] }
    }
}

/// Versions of TLS that are spoken, the better one first.
const BOTH: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
/// The same where RFC 5246 is not accepted.
const NEWER: &[&SupportedProtocolVersion] = &[&TLS13];

/// Every configuration, and the certificates behind all of them.
pub(crate) struct Handshakes {
    provider: Arc<CryptoProvider>,
    certificates: Arc<Certificates>,
    configs: Vec<(TlsPolicy, Arc<ServerConfig>)>,
}

/// How one handshake goes on.
pub(crate) struct Answer {
    pub(crate) config: Arc<ServerConfig>,
    /// Whether there is a certificate for it. Without one it fails, with an alert.
    pub(crate) known: bool,
    /// The canonical host whose clients are asked for a certificate; `None`: this one is not asked.
    pub(crate) asked_for: Option<Box<str>>,
}

impl Handshakes {
    /// Makes every configuration.
    ///
    /// # Errors
    /// When the system gives no randomness for ticket keys.
    pub(crate) fn new(
        publication: Arc<Publication>,
        stand_in: Option<Arc<CertifiedKey>>,
    ) -> Result<Self, rustls::Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let certificates = Arc::new(Certificates { publication, stand_in });
        let mut configs = Vec::new();
        for min_version in [MinVersion::V12, MinVersion::V13] {
            for (tickets, http2) in [(true, true), (true, false), (false, true), (false, false)] {
                let policy = TlsPolicy { min_version, tickets, http2 };
                configs.push((policy, Arc::new(config(policy, &provider, &certificates)?)));
            }
        }
        Ok(Self { provider, certificates, configs })
    }

    /// The answer to a client's first message, which rustls has put together however many pieces it came in; `None` only for a
    /// policy that does not exist.
    pub(crate) fn answer(&self, hello: &ClientHello<'_>) -> Option<Answer> {
        let known = self.certificates.find(hello.server_name()).is_some();
        let snapshot = self.certificates.publication.load();
        let policy = snapshot.as_ref().map_or_else(TlsPolicy::default, |snapshot| snapshot.tls.policy);
        // Made canonical by the function that routes requests: no spelling of a name leads around its policy.
        let host = hello.server_name().and_then(|name| Host::parse(name.as_bytes()).ok());
        if let (Some(host), Some(snapshot)) = (&host, &*snapshot)
            && let asked @ [_, ..] = snapshot.hosts.client_auth(host.as_bytes())
        {
            let config = Arc::new(self.asking(policy, asked).ok()?);
            return Some(Answer { config, known, asked_for: Some(host.as_str().into()) });
        }
        let config = self.configs.iter().find(|(of, _)| *of == policy).map(|(_, config)| Arc::clone(config))?;
        Some(Answer { config, known, asked_for: None })
    }

    /// A configuration that asks for client certificates: a few small allocations, beside a handshake that costs a thousand times that.
    fn asking(&self, policy: TlsPolicy, asked: &[Arc<ClientAuth>]) -> Result<ServerConfig, rustls::Error> {
        let subjects = match asked {
            [only] => Arc::clone(only.roots.subjects()),
            // Those of one policy would keep clients from showing what another wants.
            _ => Arc::default(),
        };
        let algorithms = self.provider.signature_verification_algorithms;
        let verifier = Arc::new(Asking { subjects, algorithms });
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(versions(policy))?
            .with_client_cert_verifier(verifier);
        let mut config = builder.with_cert_resolver(Arc::<Certificates>::clone(&self.certificates));
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.alpn_protocols = protocols(policy);
        Ok(config)
    }
}

impl fmt::Debug for Handshakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshakes").field("configs", &self.configs.len()).finish_non_exhaustive()
    }
}

/// Server configurations differ in what rustls cannot change in one: versions and tickets.
fn config(
    policy: TlsPolicy,
    provider: &Arc<CryptoProvider>,
    certificates: &Arc<Certificates>,
) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(versions(policy))?
        .with_no_client_auth()
        .with_cert_resolver(Arc::<Certificates>::clone(certificates));
    config.alpn_protocols = protocols(policy);
    // Sessions are held by clients, in tickets, or by nobody: what a server holds for each client is not bounded.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    if policy.tickets {
        // Its key is changed every six hours, and what the last one has sealed is read for six more.
        config.ticketer = aws_lc_rs::Ticketer::new()?;
    } else {
        config.send_tls13_tickets = 0;
    }
    Ok(config)
}

const fn versions(policy: TlsPolicy) -> &'static [&'static SupportedProtocolVersion] {
    match policy.min_version {
        MinVersion::V12 => BOTH,
        MinVersion::V13 => NEWER,
    }
}

fn protocols(policy: TlsPolicy) -> Vec<Vec<u8>> {
    Protocol::offered(policy).iter().map(|protocol| protocol.id().to_vec()).collect()
}

/// Finds certificates in the newest snapshot.
struct Certificates {
    publication: Arc<Publication>,
    stand_in: Option<Arc<CertifiedKey>>,
}

impl Certificates {
    fn find(&self, sni: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let snapshot = self.publication.load();
        let Some(snapshot) = &*snapshot else { return self.stand_in.clone() };
        match snapshot.tls.find(sni) {
            Some(certificate) => Some(Arc::clone(&certificate.key)),
            None if snapshot.tls.reject_unknown => None,
            None => self.stand_in.clone(),
        }
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.find(hello.server_name())
    }
}

/// Nothing of a key must end up in a log.
impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").finish_non_exhaustive()
    }
}
