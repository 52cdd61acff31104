//! How a backend is spoken to under TLS: whom to believe, which name to ask for, who to say we are.

use std::fmt;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::ServerName;

use crate::tls::Certificate;

/// TLS towards one backend. Everything in it has been parsed; two backends never share a connection, so two of these do not
/// either.
#[derive(Debug)]
pub struct UpstreamTls {
    /// Whose certificates are taken.
    pub trust: Trust,
    /// Whom the certificate must be for, and the name that the handshake asks for where it does.
    pub name: ServerName<'static>,
    /// Whether the handshake asks for [`Self::name`] (RFC 6066 §3).
    pub asks_for_name: bool,
    /// Shown to backends that ask for a client certificate.
    pub identity: Option<Arc<Certificate>>,
    /// Versions that are offered.
    pub versions: TlsVersions,
}

/// Which certificates of a backend are taken.
#[derive(Clone)]
pub enum Trust {
    /// Any: the connection is encrypted, and nobody knows with whom.
    Anyone,
    /// Those that lead to one of these roots.
    Roots {
        /// Certification authorities. Never empty.
        roots: Arc<RootCertStore>,
        /// Most intermediate certificates between the backend's own and a root; `None`: as many as a verifier takes.
        depth: Option<u8>,
    },
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anyone => f.write_str("Anyone"),
            Self::Roots { roots, depth } => {
                f.debug_struct("Roots").field("roots", &roots.len()).field("depth", depth).finish()
            }
        }
    }
}

/// Versions of TLS that are offered to a backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersions {
    /// RFC 5246 and RFC 8446, the better one first.
    #[default]
    Both,
    /// RFC 5246 only.
    V12,
    /// RFC 8446 only.
    V13,
}
