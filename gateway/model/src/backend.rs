//! Backends and their endpoints: the part of the configuration that changes without any compile.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::{ArcSwap, Guard};

use crate::balance::{self, Affinity};
use crate::health::{Gate, Health};
use crate::moment::Moment;
use crate::upstream_tls::UpstreamTls;

/// One port of one Service, as routes refer to it, spoken to in one way. Lives as long as any route of any snapshot points at
/// it; snapshots share it, so its endpoints can change without a compile. Two ways of speaking to one port are two backends,
/// with endpoints of their own: no route ever uses a connection that was made under other rules.
#[derive(Debug)]
pub struct Backend {
    /// Never used twice in the life of a process, so that a thread may key its own state (cursors, pools) by it.
    pub id: u64,
    /// `namespace/service:port`, for people.
    pub name: Box<str>,
    /// What is spoken with it.
    pub protocol: Protocol,
    /// The TLS that is spoken below it; `None`: clear text.
    pub tls: Option<Arc<UpstreamTls>>,
    /// Which requests belong together and go to one endpoint; `None`: none do.
    pub affinity: Option<Affinity>,
    endpoints: ArcSwap<Endpoints>,
    /// How often the endpoints were replaced.
    version: AtomicU64,
    gate: Gate,
}

/// What is spoken with a backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// HTTP/1.1 (RFC 9112).
    #[default]
    Http1,
    /// HTTP/2 (RFC 9113): with prior knowledge where it is in clear text, and no other version than that under TLS.
    Http2,
}

impl Backend {
    /// A backend in clear text that has `endpoints` until told otherwise.
    #[must_use]
    pub fn new(id: u64, name: Box<str>, protocol: Protocol, endpoints: Arc<Endpoints>) -> Self {
        Self {
            id,
            name,
            protocol,
            tls: None,
            affinity: None,
            endpoints: ArcSwap::new(endpoints),
            version: AtomicU64::new(0),
            gate: Gate::default(),
        }
    }

    /// The same, spoken to under `tls` if there is any.
    #[must_use]
    pub fn under(self, tls: Option<Arc<UpstreamTls>>) -> Self {
        Self { tls, ..self }
    }

    /// The same, with requests kept together by `affinity` if there is any.
    #[must_use]
    pub fn bound_by(self, affinity: Option<Affinity>) -> Self {
        Self { affinity, ..self }
    }

    /// Another number whenever the endpoints are others than before. Costs one load, where [`Self::endpoints`] costs many steps.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Notes that `endpoint` has failed a request; whether it is ejected for it.
    pub fn failed(&self, endpoint: &Endpoint, now: Moment) -> bool {
        endpoint.health.failed() && self.gate.eject(&self.endpoints().list, endpoint, now)
    }

    /// The endpoints now. The guard must not be held across a wait.
    pub fn endpoints(&self) -> Guard<Arc<Endpoints>> {
        self.endpoints.load()
    }

    /// Replaces the endpoints for every thread and every snapshot at once. Those that are no longer listed are retired,
    /// so that idle connections to them are closed; what is in flight on them ends in peace.
    pub fn publish(&self, next: Arc<Endpoints>) {
        let before = self.endpoints.swap(Arc::clone(&next));
        // Release: a thread that sees the number also sees the endpoints.
        self.version.fetch_add(1, Ordering::Release);
        for gone in before.list.iter().filter(|old| !next.list.iter().any(|new| Arc::ptr_eq(old, new))) {
            gone.retired.store(true, Ordering::Relaxed);
        }
    }
}

/// The endpoints of a backend that may be asked now.
#[derive(Debug, Default)]
pub struct Endpoints {
    /// In order of address. Those that terminate are listed only when nothing is ready.
    pub list: Box<[Arc<Endpoint>]>,
}

/// One address of a backend. Keeps its identity (and with it its pooled connections) while slices around it change.
#[derive(Debug)]
pub struct Endpoint {
    /// Never used twice in the life of a process.
    pub id: u64,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its place among all addresses that there may be, the same in every process.
    pub key: u64,
    /// Whether it is worth asking, as far as requests have shown.
    pub health: Health,
    retired: AtomicBool,
}

impl Endpoint {
    /// An endpoint that is in use.
    #[must_use]
    pub fn new(id: u64, address: SocketAddr) -> Self {
        let key = match address.ip() {
            IpAddr::V4(v4) => balance::key(&[&v4.octets()[..], &address.port().to_be_bytes()].concat()),
            IpAddr::V6(v6) => balance::key(&[&v6.octets()[..], &address.port().to_be_bytes()].concat()),
        };
        Self { id, address, key, health: Health::default(), retired: AtomicBool::new(false) }
    }

    /// Whether it was taken out: connections to it must not be kept.
    #[must_use]
    pub fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Relaxed)
    }
}
