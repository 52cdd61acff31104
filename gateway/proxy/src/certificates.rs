//! What a TLS handshake is answered with: by the host that it names, in the snapshot that is the newest then.
//!
//! Which certificate is shown is decided in each handshake, whatever its configuration. A host that wants client certificates has a
//! configuration made for each handshake, without tickets: a client is asked each time, so that no session outlives what it was begun with.

use std::fmt;
use std::sync::Arc;

use bulkhead_model::tls::TlsPolicy;
use bulkhead_model::{Host, HostPattern};
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::configs::Configs;
use crate::publication::Publication;

/// Every configuration, and the certificates behind all of them.
pub(crate) struct Handshakes {
    certificates: Arc<Certificates>,
    configs: Configs,
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
    /// Makes the configuration that lanes begin with: what it needs, all of them do.
    ///
    /// # Errors
    /// When the system gives no randomness for ticket keys.
    pub(crate) fn new(
        publication: Arc<Publication>,
        stand_in: Option<Arc<CertifiedKey>>,
    ) -> Result<Self, rustls::Error> {
        let certificates = Arc::new(Certificates { publication, stand_in });
        let configs = Configs::new(Arc::<Certificates>::clone(&certificates));
        configs.get(TlsPolicy::default())?;
        Ok(Self { certificates, configs })
    }

    /// The answer to a client's first message, which rustls has put together however many pieces it came in.
    ///
    /// # Errors
    /// When the system gives no randomness for ticket keys.
    pub(crate) fn answer(&self, hello: &ClientHello<'_>) -> Result<Answer, rustls::Error> {
        let known = self.certificates.find(hello.server_name()).is_some();
        let snapshot = self.certificates.publication.load();
        let Some(snapshot) = &*snapshot else {
            return Ok(Answer { config: self.configs.get(TlsPolicy::default())?, known, asked_for: None });
        };
        // Made canonical by the function that routes requests: no spelling of a name leads around its policy.
        let host = hello.server_name().and_then(|name| Host::parse(name.as_bytes()).ok());
        let table = match &host {
            Some(host) => snapshot.hosts.most_specific(host.as_bytes()),
            None => snapshot.hosts.get(&HostPattern::Any),
        };
        let policy = table.map_or(snapshot.tls.policy, |table| snapshot.tls.policy.of_host(table.tls()));
        if let (Some(host), Some(table)) = (&host, table)
            && let asked @ [_, ..] = table.client_auth()
        {
            let config = Arc::new(self.configs.asking(policy, asked)?);
            return Ok(Answer { config, known, asked_for: Some(host.as_str().into()) });
        }
        Ok(Answer { config: self.configs.get(policy)?, known, asked_for: None })
    }
}

impl fmt::Debug for Handshakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshakes").finish_non_exhaustive()
    }
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
