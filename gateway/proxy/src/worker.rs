//! One data thread: its listeners, its tasks, and everything its connections share with each other and with nobody else.

mod admission;

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{IpAddr, TcpListener as StdListener};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bulkhead_http1::{Overlay, RequestHead, ResponseHead};
use bulkhead_model::balance::Rotation;
use bulkhead_model::next_upstream::Statuses;
use bulkhead_model::overload::Level;
use bulkhead_model::rate_limit::Place;
use bulkhead_model::revision::Words;
use bulkhead_model::route::Weighted;
use bulkhead_model::{Answer, Backend, Filters, Moment, Settings};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::Instant;

use crate::access_log::Gathered;
use crate::buffer::Buffers;
use crate::certificates::Handshakes;
use crate::clock::DateClock;
use crate::dice::Dice;
use crate::exchange::page::Wanted;
use crate::exchange::record::Record;
use crate::exchange::{Copies, Twin};
use crate::fault::Fault;
use crate::http2::cork::Corks;
use crate::id_map::IdMap;
use crate::incidents::Incident;
use crate::ledger::Ledger;
use crate::passwords::Verdicts;
use crate::phase::Phase;
use crate::proxy::Shared;
use crate::publication::{Pinned, Reader};
use crate::registry::Registry;
use crate::rulings::Rulings;
use crate::spans;
use crate::tally::ThreadTally;
use crate::trace::Tracer;
use crate::upstream::{Groups, Pool};

pub(crate) use self::admission::Seated;
use self::admission::accept_until_draining;

/// How often idle upstream connections are looked over. Short against any keep-alive time that makes sense.
const SWEEP: Duration = Duration::from_secs(1);
/// Scratch structs kept per thread, for as many requests as are in flight at once on a busy core.
const KEPT_SCRATCH: usize = 64;
/// Largest head that is kept room for: as large as heads may be by default, and half as much again for what we add.
const KEPT_BYTES: usize = 48 << 10;
/// Rotations kept before they are forgotten: backends come and go, and a rotation may start anywhere.
const KEPT_ROTATIONS: usize = 1 << 16;

/// What the connections of one thread share.
pub(crate) struct Worker {
    /// Itself, for tasks that outlive what began them.
    pub(crate) me: Weak<Self>,
    /// Copies of requests that are on their way.
    pub(crate) copies: Rc<RefCell<Copies>>,
    pub(crate) shared: Arc<Shared>,
    /// What this thread counts.
    tally: Arc<ThreadTally>,
    pub(crate) reader: Reader,
    pub(crate) buffers: Rc<Buffers>,
    pub(crate) pool: Pool,
    pub(crate) registry: Rc<Registry>,
    /// Connections of HTTP/2 that have something to write.
    pub(crate) corks: Rc<Corks>,
    pub(crate) date: DateClock,
    pub(crate) fallback: Settings,
    #[expect(clippy::vec_box, reason = "a request holds a pointer: what is large must not lie in every connection")]
    scratch: RefCell<Vec<Box<Scratch>>>,
    in_flight: Cell<u64>,
    rotations: RefCell<IdMap<Rotation>>,
    pub(crate) groups: Groups,
    /// What services have said of requests.
    pub(crate) rulings: Rulings,
    pub(crate) dice: Dice,
    /// Lines of the access log.
    pub(crate) log: Gathered,
    /// Spans of requests.
    pub(crate) spans: spans::Gathered,
    /// Where traces come from.
    pub(crate) tracer: Tracer,
    /// What came of requests, by Ingress.
    pub(crate) ledger: Ledger,
    /// What is known of passwords.
    pub(crate) verdicts: Verdicts,
}

/// Parsed heads and the head that is being written: allocated once, used for many requests.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) request: RequestHead,
    pub(crate) response: ResponseHead,
    /// The head that leaves.
    pub(crate) out: Vec<u8>,
    /// Values of fields that we set.
    pub(crate) values: Vec<u8>,
    /// A canonical authority, where the one that came is not.
    pub(crate) authority: Vec<u8>,
    /// The cookie that the client is given, if any.
    pub(crate) cookie: Vec<u8>,
    /// What stands behind the value of such a cookie, if the request's backend has sessions.
    pub(crate) attributes: Vec<u8>,
    /// Of which statuses the backend's answer is not passed on, but another endpoint asked.
    pub(crate) passing: Passing,
    /// The host that was asked for, if the request is not to be forwarded.
    pub(crate) host: Vec<u8>,
    /// What the route answers instead of a backend.
    pub(crate) answer: Option<Box<Answer>>,
    /// The filters of the request's route, if it has any.
    pub(crate) filters: Option<Arc<Filters>>,
    /// That it is there, where its client may have so many at once.
    pub(crate) place: Option<Place>,
    /// A copy of the request, until all of it has been sent.
    pub(crate) mirror: Option<Box<Twin>>,
    /// What they change of the head for the backend.
    pub(crate) to_backend: Overlay,
    /// What they change of every response, of our own as well.
    pub(crate) to_client: Overlay,
    /// What a backend's answer says otherwise, if the route has filters that say so.
    pub(crate) words: Option<Arc<Words>>,
    /// What a page would be asked for with instead of an error, if the route has any.
    pub(crate) page: Wanted,
    /// For the access log.
    pub(crate) record: Record,
}

/// Statuses for which another endpoint is asked, until then.
#[derive(Debug, Default)]
pub(crate) struct Passing {
    pub(crate) statuses: Statuses,
    pub(crate) until: Option<Moment>,
}

impl Worker {
    pub(crate) fn tally(&self) -> &ThreadTally {
        &self.tally
    }

    /// Counts a fault, and leaves word of it. `detail`: what it was about.
    pub(crate) fn blame(&self, fault: Fault, client: IpAddr, detail: impl FnOnce() -> String) {
        self.tally.fault(fault);
        self.shared.incidents.note(Incident::Fault(fault), Some(client), detail);
    }

    /// What TLS handshakes are answered with; `None` where there is no TLS listener.
    pub(crate) fn handshakes(&self) -> Option<&Handshakes> {
        self.shared.handshakes.as_ref()
    }

    /// The newest snapshot, noting that this thread serves it.
    pub(crate) fn current(&self) -> Option<Rc<Pinned>> {
        self.reader.current(|number| self.tally().served.set(number))
    }

    pub(crate) fn scratch(&self) -> Box<Scratch> {
        self.scratch.borrow_mut().pop().unwrap_or_default()
    }

    pub(crate) fn give_back(&self, scratch: Box<Scratch>) {
        if scratch.out.capacity().max(scratch.values.capacity()) > KEPT_BYTES {
            return;
        }
        let mut kept = self.scratch.borrow_mut();
        if kept.len() < KEPT_SCRATCH {
            kept.push(scratch);
        }
    }

    /// Counts an exchange as long as the result lives.
    pub(crate) fn begin(&self) -> InFlight<'_> {
        self.count_in_flight(self.in_flight.get() + 1);
        InFlight(self)
    }

    fn count_in_flight(&self, count: u64) {
        self.in_flight.set(count);
        self.tally().in_flight.set(count);
    }

    /// Gives back what was only kept to be faster later.
    fn let_go_of_what_is_kept(&self) {
        self.buffers.clear();
        self.scratch.borrow_mut().clear();
    }

    /// The backend whose turn it is. A list of several is known by its first.
    pub(crate) fn turn<'b>(&self, backends: &'b [Weighted]) -> Option<&'b Arc<Backend>> {
        let first = match backends {
            [] => return None,
            [only] => return Some(&only.backend),
            [first, ..] => first.backend.id,
        };
        let mut rotations = self.rotations.borrow_mut();
        if rotations.len() >= KEPT_ROTATIONS {
            rotations.clear();
        }
        rotations.entry(first).or_default().turn(backends)
    }

    /// `at`, as the model counts time.
    pub(crate) fn moment(&self, at: Instant) -> Moment {
        let since = at.saturating_duration_since(self.shared.epoch);
        Moment::default().after(since)
    }

    /// The same in milliseconds.
    pub(crate) fn millis(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.shared.epoch).as_millis()).unwrap_or(u64::MAX)
    }

    fn note_open(&self) {
        self.tally().open.set(self.registry.open() as u64);
        if self.registry.open() == 0 {
            self.shared.emptied.notify_waiters();
        }
    }
}

/// One exchange that is in flight, however it ends.
pub(crate) struct InFlight<'w>(&'w Worker);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.count_in_flight(self.0.in_flight.get().saturating_sub(1));
    }
}

/// A socket of a thread, and what is spoken on it.
pub(crate) struct Listener {
    pub(crate) socket: StdListener,
    /// Whether connections begin with a TLS handshake.
    pub(crate) secure: bool,
}

/// What a thread is told to do.
#[derive(Clone)]
pub(crate) struct Course {
    pub(crate) phases: watch::Receiver<Phase>,
    pub(crate) levels: watch::Receiver<Level>,
}

/// Runs a data thread until its proxy is dropped.
pub(crate) fn run(shared: Arc<Shared>, index: usize, listeners: Vec<Listener>, course: Course) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let worker = Rc::new_cyclic(|me| Worker {
        me: Weak::clone(me),
        copies: Rc::default(),
        reader: Reader::new(Arc::clone(&shared.publication)),
        tally: shared.tally(index),
        shared,
        buffers: Rc::default(),
        pool: Pool::default(),
        registry: Rc::default(),
        corks: Rc::default(),
        date: DateClock::default(),
        fallback: Settings::default(),
        scratch: RefCell::default(),
        in_flight: Cell::default(),
        rotations: RefCell::default(),
        groups: Groups::default(),
        rulings: Rulings::default(),
        dice: Dice::default(),
        log: Gathered::default(),
        spans: spans::Gathered::default(),
        tracer: Tracer::default(),
        ledger: Ledger::default(),
        verdicts: Verdicts::default(),
    });
    LocalSet::new().block_on(&runtime, async move {
        for Listener { socket, secure } in listeners {
            let listener = TcpListener::from_std(socket)?;
            spawn_local(accept(Rc::clone(&worker), listener, secure, course.clone()));
        }
        spawn_local(follow_snapshots(Rc::clone(&worker)));
        spawn_local(sweep(Rc::clone(&worker)));
        let corks = Rc::clone(&worker.corks);
        spawn_local(async move { corks.drain().await });
        let gathering = Rc::clone(&worker);
        spawn_local(async move { gathering.log.drain(&gathering.shared.log).await });
        let gathering = Rc::clone(&worker);
        spawn_local(async move { gathering.spans.drain(&gathering.shared.spans).await });
        spawn_local(follow_levels(Rc::clone(&worker), course.levels));
        follow_phases(&worker, course.phases).await;
        Ok(())
    })
}

async fn accept(worker: Rc<Worker>, listener: TcpListener, secure: bool, course: Course) {
    accept_until_draining(&worker, listener, secure, course).await;
    worker.log.hurry(&worker.shared.log);
    worker.spans.hurry(&worker.shared.spans);
    worker.shared.listening.fetch_sub(1, Ordering::Release);
    worker.shared.emptied.notify_waiters();
}

/// Takes up each snapshot as it comes, so that an idle thread does not keep an old one alive.
async fn follow_snapshots(worker: Rc<Worker>) {
    let mut published = worker.shared.publication.subscribe();
    loop {
        worker.current();
        if published.changed().await.is_err() {
            return;
        }
    }
}

async fn sweep(worker: Rc<Worker>) {
    let mut ticks = tokio::time::interval(SWEEP);
    loop {
        ticks.tick().await;
        let current = worker.current();
        let settings = current.as_ref().map_or(&worker.fallback, |pinned| &pinned.snapshot().settings);
        let level = worker.registry.level();
        worker.groups.sweep(worker.moment(Instant::now()));
        worker.pool.sweep(Instant::now(), level.idle(settings.upstream.keep_alive));
        if level > Level::Normal {
            worker.let_go_of_what_is_kept();
        }
    }
}

/// Passes each phase on to the connections. Returns when the proxy is gone.
async fn follow_phases(worker: &Worker, mut phases: watch::Receiver<Phase>) {
    while phases.changed().await.is_ok() {
        let phase = *phases.borrow_and_update();
        let window = Duration::from_millis(worker.shared.window_ms.load(Ordering::Relaxed));
        worker.registry.enter(phase, window);
    }
}

/// Passes each level of overload on to the connections.
async fn follow_levels(worker: Rc<Worker>, mut levels: watch::Receiver<Level>) {
    while levels.changed().await.is_ok() {
        let level = *levels.borrow_and_update();
        worker.registry.press(level);
    }
}
