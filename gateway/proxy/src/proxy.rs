//! Starting, watching and stopping the data threads.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use bulkhead_model::overload::Level;
use bulkhead_model::settings::Metrics;
use bulkhead_model::{Room, Settings, room};
use rustls::sign::CertifiedKey;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::access_log::Outlet;
use crate::certificates::Handshakes;
use crate::incidents::{self, Incidents};
use crate::ledger::{Account, Labels};
use crate::listen::{self, StartError};
use crate::passwords::Passwords;
use crate::phase::Phase;
use crate::pseudonym::Pseudonym;
use crate::publication::Publication;
use crate::spans::Spans;
use crate::tally::{Tally, ThreadTally};
use crate::worker::{self, Course, Listener};

/// Between the deadline of a drain and the return of [`Proxy::drain`]: time for cut connections to be closed.
const CUT_GRACE: Duration = Duration::from_millis(500);

/// What a process cannot change while it runs.
#[derive(Clone, Debug)]
pub struct Config {
    /// Addresses for plain HTTP. `[::]` serves IPv4 as well.
    pub http: Vec<SocketAddr>,
    /// Addresses for HTTP over TLS.
    pub https: Vec<SocketAddr>,
    /// Certificate that is shown where a snapshot has none, unless unknown names are refused. Without one such handshakes
    /// are refused as well.
    pub stand_in: Option<Arc<CertifiedKey>>,
    /// Data threads; at least 1.
    pub threads: usize,
    /// Name for threads and log lines.
    pub name: String,
    /// What the system lets this process have: the number of connections follows from it where settings do not say.
    pub room: Room,
}

/// What the threads and the handle share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) publication: Arc<Publication>,
    /// There if there is a TLS listener.
    pub(crate) handshakes: Option<Handshakes>,
    /// Where it listens for TLS itself.
    pub(crate) tls_port: Option<u16>,
    /// What this process calls itself.
    pub(crate) pseudonym: Pseudonym,
    /// Where passwords are checked.
    pub(crate) passwords: Passwords,
    /// The moment from which all threads count.
    pub(crate) epoch: Instant,
    pub(crate) room: Room,
    /// What goes wrong, on its way into the log.
    pub(crate) incidents: Incidents,
    pub(crate) emptied: Notify,
    /// Where lines of the access log go.
    pub(crate) log: Outlet,
    /// Where spans go.
    pub(crate) spans: Arc<Spans>,
    /// How long it accepts connections when it leaves, in milliseconds.
    pub(crate) window_ms: AtomicU64,
    /// Accept loops that still run.
    pub(crate) listening: AtomicUsize,
    tallies: Box<[Arc<ThreadTally>]>,
}

impl Shared {
    /// What the thread of this number counts.
    pub(crate) fn tally(&self, thread: usize) -> Arc<ThreadTally> {
        self.tallies.get(thread).cloned().unwrap_or_default()
    }

    pub(crate) fn threads(&self) -> usize {
        self.tallies.len()
    }

    /// Every thread's counters, added up.
    fn sum(&self) -> Tally {
        let mut sum = Tally::default();
        self.tallies.iter().for_each(|tally| tally.add_to(&mut sum));
        sum.access_log_dropped = self.log.dropped();
        (sum.spans_exported, sum.spans_dropped) = (self.spans.exported(), self.spans.dropped());
        sum
    }

    /// Writes log lines about what has gone wrong since it last did.
    pub(crate) fn tell_incidents(&self) {
        self.incidents.tell(&self.sum().refused);
    }

    fn open(&self) -> u64 {
        self.tallies.iter().map(|tally| tally.open.get()).sum()
    }

    /// Nobody is connected, and nobody can connect any longer.
    fn is_empty(&self) -> bool {
        self.listening.load(Ordering::Acquire) == 0 && self.open() == 0
    }
}

/// Running data threads. Dropping it ends them at once.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    addresses: Vec<SocketAddr>,
    tls_addresses: Vec<SocketAddr>,
    phase: watch::Sender<Phase>,
    level: watch::Sender<Level>,
    threads: Vec<JoinHandle<()>>,
}

impl Proxy {
    /// Binds every address on every thread and starts to serve. All listeners are bound when it returns.
    ///
    /// # Errors
    /// An address is in use or not ours, or the system has no more threads.
    pub fn start(config: Config, publication: Arc<Publication>) -> Result<Self, StartError> {
        let count = config.threads.max(1);
        let mut listeners: Vec<Vec<Listener>> = (0..count).map(|_| Vec::new()).collect();
        let addresses = bind(&config.http, false, &mut listeners)?;
        let tls_addresses = bind(&config.https, true, &mut listeners)?;
        let handshakes = if tls_addresses.is_empty() {
            None
        } else {
            Some(Handshakes::new(Arc::clone(&publication), config.stand_in).map_err(StartError::Tls)?)
        };
        let tls_port = tls_addresses.first().map(SocketAddr::port);
        let shared = Arc::new(Shared {
            tls_port,
            publication,
            handshakes,
            pseudonym: Pseudonym::new(),
            passwords: Passwords::new(&config.name, count),
            room: config.room,
            incidents: Incidents::new(),
            epoch: Instant::now(),
            emptied: Notify::new(),
            log: Outlet::new(),
            spans: Arc::default(),
            window_ms: AtomicU64::new(0),
            listening: AtomicUsize::new(count * (addresses.len() + tls_addresses.len())),
            tallies: (0..count).map(|_| Arc::default()).collect(),
        });
        shared.log.write_to(std::io::stdout()).map_err(StartError::Log)?;
        incidents::start(Arc::downgrade(&shared)).map_err(StartError::Incidents)?;
        let (phase, level) = (watch::Sender::new(Phase::Serving), watch::Sender::new(Level::Normal));
        let mut threads = Vec::with_capacity(count);
        for (index, listeners) in listeners.into_iter().enumerate() {
            let shared = Arc::clone(&shared);
            let course = Course { phases: phase.subscribe(), levels: level.subscribe() };
            let thread = std::thread::Builder::new()
                .name(format!("{}-{index}", config.name))
                .spawn(move || {
                    if let Err(error) = worker::run(shared, index, listeners, course) {
                        tracing::error!(%error, thread = index, "a data thread could not start its reactor");
                    }
                })
                .map_err(|source| StartError::Thread { thread: index, source })?;
            threads.push(thread);
        }
        Ok(Self { shared, addresses, tls_addresses, phase, level, threads })
    }

    /// Where it serves plain HTTP, with the ports that were really taken.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where it serves HTTP over TLS, with the ports that were really taken.
    #[must_use]
    pub fn tls_addresses(&self) -> &[SocketAddr] {
        &self.tls_addresses
    }

    /// The smallest number of a snapshot that any data thread serves; 0 before the first.
    #[must_use]
    pub fn served(&self) -> u64 {
        self.shared.tallies.iter().map(|tally| tally.served.get()).min().unwrap_or_default()
    }

    /// Every thread's counters, added up.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.shared.sum()
    }

    /// What came of the requests of every Ingress; `None`: the lane does not ask for it.
    #[must_use]
    pub fn accounts(&self) -> Option<BTreeMap<Labels, Account>> {
        if self.with_settings(|settings| settings.metrics) == Metrics::Standard {
            return None;
        }
        let mut sums = BTreeMap::new();
        self.shared.tallies.iter().for_each(|tally| tally.book.add_to(&mut sums));
        Some(sums)
    }

    /// Where spans of requests wait for whoever sends them.
    #[must_use]
    pub fn spans(&self) -> Arc<Spans> {
        Arc::clone(&self.shared.spans)
    }

    /// Open downstream connections.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.open()
    }

    /// Most open downstream connections, as the settings and the process's means have it.
    #[must_use]
    pub fn most_connections(&self) -> usize {
        self.with_settings(|settings| self.shared.room.connections(&settings.limits))
    }

    /// Bytes that clients may make this process hold right now.
    #[must_use]
    pub fn held(&self) -> u64 {
        let in_flight = self.shared.tallies.iter().map(|tally| tally.in_flight.get()).sum();
        self.with_settings(|settings| room::held(&settings.limits, self.shared.open(), in_flight))
    }

    fn with_settings<T>(&self, with: impl FnOnce(&Settings) -> T) -> T {
        match &*self.shared.publication.load() {
            Some(snapshot) => with(&snapshot.settings),
            None => with(&Settings::default()),
        }
    }

    /// From now on load is shed as `level` says. Connections that wait learn of it at once.
    pub fn press(&self, level: Level) {
        self.level.send_replace(level);
    }

    /// Whether every data thread still runs.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.threads.iter().all(|thread| !thread.is_finished())
    }

    /// From now on every response says `Connection: close`; connections are still accepted. Those that outlive their requests
    /// (HTTP/2, WebSocket) are ended one after the other within `window`.
    pub fn lameduck(&self, window: Duration) {
        self.shared.window_ms.store(u64::try_from(window.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.enter(Phase::Lameduck);
    }

    /// Stops accepting, closes idle connections and waits for requests in flight, at most `deadline`; then closes what is
    /// left. Returns how many connections were cut.
    pub async fn drain(&self, deadline: Duration) -> u64 {
        self.enter(Phase::Draining);
        self.wait_until_empty(Instant::now() + deadline).await;
        let cut = self.shared.open();
        self.enter(Phase::Cut);
        self.wait_until_empty(Instant::now() + CUT_GRACE).await;
        self.shared.log.settle(Instant::now() + CUT_GRACE).await;
        self.shared.tell_incidents();
        cut
    }

    fn enter(&self, phase: Phase) {
        self.phase.send_if_modified(|now| {
            let moves = phase > *now;
            *now = phase.max(*now);
            moves
        });
    }

    async fn wait_until_empty(&self, until: Instant) {
        loop {
            let mut emptied = std::pin::pin!(self.shared.emptied.notified());
            // Registered before the count is read, or the last connection could leave in between.
            emptied.as_mut().enable();
            if self.shared.is_empty() || tokio::time::timeout_at(until, emptied).await.is_err() {
                return;
            }
        }
    }
}

/// Binds every address for every thread; the addresses that were really taken.
fn bind(addresses: &[SocketAddr], secure: bool, threads: &mut [Vec<Listener>]) -> Result<Vec<SocketAddr>, StartError> {
    let mut taken = Vec::with_capacity(addresses.len());
    for address in addresses {
        let bound = listen::bind(*address, threads.len())?;
        taken.extend(bound.first().and_then(|listener| listener.local_addr().ok()));
        for (thread, socket) in threads.iter_mut().zip(bound) {
            thread.push(Listener { socket, secure });
        }
    }
    Ok(taken)
}
