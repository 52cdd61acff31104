//! Which certificate a handshake is answered with, and by which rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use rustls::sign::CertifiedKey;

use crate::ciphers::Ciphers;
use crate::host::Host;
use crate::pattern::HostPattern;

/// A certificate chain with the private key of its leaf. The two belong together: that has been looked at.
pub struct Certificate {
    /// Where it comes from: `namespace/name` of a Secret, or a sentence.
    pub origin: Box<str>,
    /// What a handshake needs.
    pub key: Arc<CertifiedKey>,
}

/// Names the origin only: nothing of a key must end up in a log.
impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// Lowest version of TLS that is accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MinVersion {
    /// RFC 5246.
    #[default]
    V12,
    /// RFC 8446.
    V13,
}

/// What the two sides of a handshake may agree on. Sessions are resumed only under an equal policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TlsPolicy {
    /// Lowest version.
    pub min_version: MinVersion,
    /// Whether clients may resume sessions with tickets.
    pub tickets: bool,
    /// Whether HTTP/2 is offered (RFC 9113 §3.2). HTTP/1.1 always is.
    pub http2: bool,
    /// Cipher suites of TLS 1.2.
    pub ciphers: Ciphers,
    /// Whether of several cipher suites that both sides know the one is taken that we prefer, and not the client.
    pub server_order: bool,
}

impl Default for TlsPolicy {
    /// The documented defaults of a lane.
    fn default() -> Self {
        let (min_version, ciphers) = (MinVersion::V12, Ciphers::ALL);
        Self { min_version, tickets: true, http2: true, ciphers, server_order: false }
    }
}

impl TlsPolicy {
    /// The policy of a host in a lane that has this one. A host never lowers the version of its lane, nor offers what that does not.
    #[must_use]
    pub fn of_host(self, wish: TlsWish) -> Self {
        Self {
            min_version: wish.min_version.map_or(self.min_version, |wanted| wanted.max(self.min_version)),
            tickets: self.tickets,
            http2: self.http2 && wish.http2.unwrap_or(true),
            ciphers: wish.ciphers.unwrap_or(self.ciphers),
            server_order: wish.server_order.unwrap_or(self.server_order),
        }
    }
}

/// What a host says of the handshakes that name it. Of what it says nothing, the lane decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TlsWish {
    /// Lowest version.
    pub min_version: Option<MinVersion>,
    /// Whether HTTP/2 is offered.
    pub http2: Option<bool>,
    /// Cipher suites of TLS 1.2.
    pub ciphers: Option<Ciphers>,
    /// Whether our order of cipher suites counts.
    pub server_order: Option<bool>,
}

/// The certificates of a lane by the host they are for.
#[derive(Clone, Debug, Default)]
pub struct TlsTable {
    /// What holds for every handshake of which its host says nothing else.
    pub policy: TlsPolicy,
    /// Whether a handshake is refused when no certificate was configured for the name it asks for.
    pub reject_unknown: bool,
    /// Shown where nothing else is found.
    pub default: Option<Arc<Certificate>>,
    exact: BTreeMap<Arc<str>, Arc<Certificate>>,
    /// By domain, without the `*.`.
    wildcard: BTreeMap<Arc<str>, Arc<Certificate>>,
    /// Hosts that are meant to be reached by TLS, whether their certificate is there or not.
    meant: BTreeSet<HostPattern>,
}

impl TlsTable {
    /// The certificate for the server name of a handshake (RFC 6066 §3), or for one without a name: that of the exact
    /// host, of the wildcard one label above it, or the default unless unknown names are refused. Names are made canonical
    /// in the same way as the hosts of requests.
    #[must_use]
    pub fn find(&self, sni: Option<&str>) -> Option<&Arc<Certificate>> {
        let host = sni.and_then(|name| Host::parse(name.as_bytes()).ok());
        let named = host.as_ref().and_then(|host| self.of_host(host.as_str()));
        named.or_else(|| self.default.as_ref().filter(|_| !self.reject_unknown))
    }

    fn of_host(&self, host: &str) -> Option<&Arc<Certificate>> {
        let wildcard = || host.split_once('.').and_then(|(_, domain)| self.wildcard.get(domain));
        self.exact.get(host).or_else(wildcard)
    }

    /// The certificate that was set for a host.
    #[must_use]
    pub fn get(&self, host: &HostPattern) -> Option<&Arc<Certificate>> {
        match host {
            HostPattern::Exact(name) => self.exact.get(&**name),
            HostPattern::Wildcard(domain) => self.wildcard.get(&**domain),
            HostPattern::Any => None,
        }
    }

    /// Sets or removes the certificate of one host. What every other host gets is for [`Self::default`] to say.
    pub fn set(&mut self, host: &HostPattern, certificate: Option<Arc<Certificate>>) {
        let (map, name) = match host {
            HostPattern::Exact(name) => (&mut self.exact, name),
            HostPattern::Wildcard(domain) => (&mut self.wildcard, domain),
            HostPattern::Any => return,
        };
        match certificate {
            Some(certificate) => map.insert((**name).into(), certificate),
            None => map.remove(&**name),
        };
    }

    /// Notes whether a host is meant to be reached by TLS.
    pub fn mean(&mut self, host: &HostPattern, is_meant: bool) {
        if is_meant {
            self.meant.insert(host.clone());
        } else {
            self.meant.remove(host);
        }
    }

    /// Whether this very pattern was noted.
    #[must_use]
    pub fn means(&self, host: &HostPattern) -> bool {
        self.meant.contains(host)
    }

    /// Whether a canonical host is meant to be reached by TLS, or the wildcard one label above it.
    #[must_use]
    pub fn is_meant_for(&self, host: &str) -> bool {
        if self.meant.is_empty() {
            return false;
        }
        let wildcard =
            || host.split_once('.').is_some_and(|(_, domain)| self.means(&HostPattern::Wildcard(domain.into())));
        self.means(&HostPattern::Exact(host.into())) || wildcard()
    }

    /// Every host with its certificate: exact hosts by name, then wildcards by domain.
    pub fn iter(&self) -> impl Iterator<Item = (HostPattern, &Arc<Certificate>)> {
        let exact = self.exact.iter().map(|(name, of)| (HostPattern::Exact((&**name).into()), of));
        exact.chain(self.wildcard.iter().map(|(domain, of)| (HostPattern::Wildcard((&**domain).into()), of)))
    }
}

#[cfg(test)]
mod tests;
