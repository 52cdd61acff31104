//! What differs between places a compiler runs in.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::RootCertStore;

use crate::expression_rooms::ExpressionRoom;

/// What differs between places a compiler runs in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Endpoints on loopback are accepted: on a developer's machine only. In a cluster they would be the gateway's own pod.
    pub loopback_endpoints: bool,
    /// Where the process itself serves its admin pages, which are nobody's backend.
    pub own_admin: Vec<SocketAddr>,
    /// The zone it is in: endpoints that are meant for it are preferred. `None`: hints on zones are not looked at.
    pub zone: Option<Box<str>>,
    /// Whom hosts that annotations name prove themselves by. `None`: such hosts are not spoken to under TLS.
    pub platform: Option<PlatformRoots>,
    /// How much memory paths may take that are regular expressions.
    pub expressions: ExpressionRoom,
}

/// The certification authorities of the platform.
#[derive(Clone)]
pub struct PlatformRoots(pub Arc<RootCertStore>);

impl fmt::Debug for PlatformRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PlatformRoots").field(&self.0.len()).finish()
    }
}

/// Read once in a process: another reading is another set.
impl PartialEq for PlatformRoots {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for PlatformRoots {}
