//! The control thread: sources and lane document in, publications out, on a runtime of its own.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bulkhead_compile::{Options, PlatformRoots};
use bulkhead_proxy::Publication;
use rustls::RootCertStore;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::args::{LaneSource, Objects};
use crate::feed::{Feed, Origin};
use crate::lane::{self, LaneUpdate};
use crate::logging::chain;
use crate::names::{self, Found, System, Wanted};
use crate::rebuild::{CompilerPanic, Rebuild};
use crate::source::directory::DirectoryError;
use crate::source::watch::{ClientError, client};
use crate::source::{BATCHES, Batch};
use crate::state::{ControlState, RoutesQuestion, RoutesQuestions};

/// How often snapshots are freed that the last request has left, and certificates are looked at whose time has come.
const COLLECT: Duration = Duration::from_secs(1);
/// Lane documents that may wait: only the last counts.
const LANES: usize = 4;
/// Questions for routes that may wait.
const QUESTIONS: usize = 4;
/// First and longest pause after a panic of the compiler, before everything is read again. What made it panic is likely
/// still there.
const PANIC_PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// What the control thread works with.
pub struct Inputs {
    /// Where the lane document comes from.
    pub lane: LaneSource,
    /// Where objects come from.
    pub objects: Objects,
    /// Where this process itself serves its admin pages.
    pub own_admin: Vec<SocketAddr>,
    /// The zone this gateway is in, if that is known.
    pub zone: Option<Box<str>>,
    /// Where snapshots go.
    pub publication: Arc<Publication>,
}

/// The running control thread.
pub struct Control {
    /// What it knows.
    pub state: watch::Receiver<Arc<ControlState>>,
    /// Where to ask for routes.
    pub routes: RoutesQuestions,
    /// Resolves when the thread has ended, which it never should.
    pub ended: oneshot::Receiver<()>,
}

/// Why the control thread could not begin.
#[derive(Debug, Error)]
pub enum ControlError {
    /// The system gives no thread or no reactor.
    #[error("cannot start the control thread")]
    Thread(#[source] io::Error),
    /// No API server.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// No resolver.
    #[error("cannot prepare to look up names")]
    Names(#[from] hickory_resolver::net::NetError),
    /// No such directory.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// It ended before it had begun.
    #[error("the control thread ended while it started")]
    Ended,
}

/// Starts the control thread. Returns once its sources run; nothing needs to be known by then.
///
/// # Errors
/// When there is no API server to be found, or a directory cannot be read.
pub fn start(inputs: Inputs) -> Result<Control, ControlError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ControlError::Thread)?;
    let (state, states) = watch::channel(Arc::new(ControlState::default()));
    let (routes, questions) = mpsc::channel(QUESTIONS);
    let (end, ended) = oneshot::channel();
    let (begun, begin) = std::sync::mpsc::sync_channel(1);
    let body = move || {
        // Dropped when this thread ends, in whatever way.
        let _end = end;
        runtime.block_on(async {
            let started = Thread::start(inputs, state, questions).await;
            match started {
                Ok(thread) => {
                    // The starter waits for this.
                    let _ = begun.send(Ok(()));
                    thread.run().await;
                }
                Err(error) => {
                    let _ = begun.send(Err(error));
                }
            }
        });
    };
    thread::Builder::new().name("control".to_owned()).spawn(body).map_err(ControlError::Thread)?;
    begin.recv().map_err(|_| ControlError::Ended)??;
    Ok(Control { state: states, routes, ended })
}

struct Thread {
    origin: Origin,
    feed: Feed,
    lanes: mpsc::Receiver<LaneUpdate>,
    questions: mpsc::Receiver<RoutesQuestion>,
    rebuild: Rebuild,
    /// Hosts whose addresses are wanted.
    wanted: watch::Sender<Wanted>,
    found: mpsc::Receiver<Found>,
    publication: Arc<Publication>,
    panic_pause: Duration,
}

/// What wakes the control thread.
enum Wake {
    Batch(Batch),
    Lane(LaneUpdate),
    Question(RoutesQuestion),
    Collect,
    Found(Found),
    /// The process is ending.
    End,
}

impl Thread {
    async fn start(
        inputs: Inputs,
        state: watch::Sender<Arc<ControlState>>,
        questions: mpsc::Receiver<RoutesQuestion>,
    ) -> Result<Self, ControlError> {
        let (updates, lanes) = mpsc::channel(LANES);
        let needs_client = inputs.objects == Objects::Kubernetes || matches!(inputs.lane, LaneSource::ConfigMap { .. });
        let client = if needs_client { Some(client().await?) } else { None };
        match (inputs.lane, &client) {
            (LaneSource::File(path), _) => lane::file::follow(path, updates).map_err(ControlError::Thread)?,
            (LaneSource::ConfigMap { namespace, name }, Some(client)) => {
                tokio::spawn(lane::config_map::follow(client.clone(), namespace, name, updates));
            }
            (LaneSource::ConfigMap { .. }, None) => return Err(ControlError::Ended),
        }
        let origin = match (inputs.objects, client) {
            (Objects::Directories(roots), _) => Origin::Directories(roots),
            (Objects::Kubernetes, Some(client)) => Origin::Kubernetes(client),
            (Objects::Kubernetes, None) => return Err(ControlError::Ended),
        };
        // In a cluster, an endpoint on loopback would be the gateway's own pod.
        let options = Options {
            loopback_endpoints: matches!(origin, Origin::Directories(_)),
            own_admin: inputs.own_admin,
            zone: inputs.zone,
            platform: platform_roots().map(PlatformRoots),
            ..Options::default()
        };
        let feed = Feed::start(&origin)?;
        let rebuild = Rebuild::new(options, Arc::clone(&inputs.publication), state);
        let (publication, panic_pause) = (inputs.publication, PANIC_PAUSES.0);
        let (wanted, wants) = watch::channel(Wanted::new());
        let (send, found) = mpsc::channel(names::WAITING);
        tokio::spawn(names::follow(System::new()?, wants, send));
        Ok(Self { origin, feed, lanes, questions, rebuild, wanted, found, publication, panic_pause })
    }

    async fn run(mut self) {
        if let Err(panic) = self.cover() {
            self.recover(&panic).await;
        }
        let mut collect = interval(COLLECT);
        collect.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let wake = tokio::select! {
                batch = self.feed.events.recv() => batch.map_or(Wake::End, Wake::Batch),
                update = self.lanes.recv() => update.map_or(Wake::End, Wake::Lane),
                // Its other end lives as long as this thread wants names.
                Some(found) = self.found.recv() => Wake::Found(found),
                question = self.questions.recv() => question.map_or(Wake::End, Wake::Question),
                _ = collect.tick() => Wake::Collect,
            };
            let outcome = match wake {
                Wake::Batch(batch) => self.take(batch),
                Wake::Lane(update) => self.take_lane(update),
                Wake::Found(found) => self.take_found(found),
                Wake::Question(question) => self.answer(question),
                Wake::Collect => {
                    self.publication.collect();
                    self.rebuild.tick()
                }
                Wake::End => return,
            };
            if let Err(panic) = outcome {
                self.recover(&panic).await;
            }
            if let Ok(names) = self.rebuild.names() {
                self.wanted.send_if_modified(|wanted| std::mem::replace(wanted, names) != *wanted);
            }
        }
    }

    /// Takes the addresses of a host, and of those that were found meanwhile.
    fn take_found(&mut self, first: Found) -> Result<(), CompilerPanic> {
        self.rebuild.take_found(&first)?;
        for _ in 0..names::WAITING {
            let Ok(found) = self.found.try_recv() else { break };
            self.rebuild.take_found(&found)?;
        }
        self.rebuild.advance()
    }

    /// Takes a batch and those that have arrived with it, up to a full queue of them, then compiles.
    fn take(&mut self, first: Batch) -> Result<(), CompilerPanic> {
        self.rebuild.take(first)?;
        for _ in 0..BATCHES {
            let Ok(batch) = self.feed.events.try_recv() else { break };
            self.rebuild.take(batch)?;
        }
        self.rebuild.advance()
    }

    fn take_lane(&mut self, update: LaneUpdate) -> Result<(), CompilerPanic> {
        if self.rebuild.take_lane(update)? {
            self.cover()?;
        }
        self.rebuild.advance()
    }

    fn cover(&mut self) -> Result<(), CompilerPanic> {
        let lists = self.feed.cover(self.rebuild.lane());
        self.rebuild.expect(&lists)
    }

    fn answer(&mut self, question: RoutesQuestion) -> Result<(), CompilerPanic> {
        let routes = self.rebuild.routes()?;
        // Whoever asked may have gone.
        let _ = question.send(routes);
        Ok(())
    }

    /// Reads everything again: the compiler may be half way through a change, and only a full list brings back what it lost.
    async fn recover(&mut self, panic: &CompilerPanic) {
        loop {
            let pause = self.panic_pause;
            tracing::error!(%panic, seconds = pause.as_secs(), "the compiler panicked, this is a defect: please report it");
            self.panic_pause = (pause * 2).min(PANIC_PAUSES.1);
            sleep(pause).await;
            match Feed::start(&self.origin) {
                Ok(feed) => {
                    self.feed = feed;
                    break;
                }
                Err(error) => tracing::error!(error = chain(&error), "the source cannot be read again yet"),
            }
        }
        if let Err(panic) = self.rebuild.forget().and_then(|()| self.cover()) {
            tracing::error!(%panic, "the compiler panicked while it was emptied");
        }
    }
}

/// The certification authorities of the platform, if it has any: an image may be without.
pub(crate) fn platform_roots() -> Option<Arc<RootCertStore>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    (!roots.is_empty()).then(|| Arc::new(roots))
}

#[cfg(test)]
mod tests;
