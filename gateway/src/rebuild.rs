//! The rebuild: changes in, published snapshots out. Lives on the control thread, knows nothing of where changes come from.
//!
//! The first change is compiled at once; what arrives while a compile runs is taken together by the next one. Whatever goes
//! wrong, what was published last stays in force.

use std::any::Any;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::SystemTime;

use bulkhead_compile::{Changes, Compiler, Kind, Options};
use bulkhead_crds::lane::LaneDocument;
use bulkhead_crds::report::RouteReport;
use bulkhead_proxy::Publication;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::lane::LaneUpdate;
use crate::names::{Found, Wanted};
use crate::source::{Batch, Scope};
use crate::state::ControlState;
use crate::store::Store;

/// Generations and revisions remembered for the report. Data threads take a new snapshot within milliseconds: two would do.
const GENERATIONS: usize = 16;

/// A compile, or the taking of a change, panicked: a defect of the compiler. The store must be filled anew.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the compiler failed, what was served last is kept while everything is read again: {0}")]
pub struct CompilerPanic(pub String);

/// The store with everything that follows from it.
pub struct Rebuild {
    store: Store,
    lane: Option<Box<LaneDocument>>,
    lane_problem: Option<String>,
    panic: Option<String>,
    publication: Arc<Publication>,
    state: ControlState,
    sender: watch::Sender<Arc<ControlState>>,
}

impl Rebuild {
    /// Nothing known, nothing published.
    #[must_use]
    pub fn new(options: Options, publication: Arc<Publication>, sender: watch::Sender<Arc<ControlState>>) -> Self {
        let (lane, lane_problem, panic, state) = (None, None, None, ControlState::default());
        let store = Store::new(Compiler::new(options));
        let rebuild = Self { store, lane, lane_problem, panic, publication, state, sender };
        rebuild.send(rebuild.state.clone());
        rebuild
    }

    /// The lane document in force.
    #[must_use]
    pub fn lane(&self) -> Option<&LaneDocument> {
        self.lane.as_deref()
    }

    /// Takes a lane document, or the news that there is none: then the last good one stays. Whether it is a new one.
    ///
    /// # Errors
    /// When the compiler panics.
    pub fn take_lane(&mut self, update: LaneUpdate) -> Result<bool, CompilerPanic> {
        match update {
            Ok(lane) => {
                self.lane_problem = None;
                if self.lane.as_ref() == Some(&lane) {
                    return Ok(false);
                }
                self.state.identity = Some(lane.identity.clone());
                self.state.drain = Some(lane.drain.clone());
                self.lane = Some(lane.clone());
                self.guarded(|this| this.store.compiler().set_lane(*lane)).map(|()| true)
            }
            Err(error) => {
                let problem = crate::logging::chain(&error);
                if self.lane_problem.as_ref() != Some(&problem) {
                    self.state.counters.lane_documents_refused += 1;
                    tracing::warn!(
                        problem,
                        in_force = self.lane.is_some(),
                        "no new lane document, the last good one stays"
                    );
                }
                self.lane_problem = Some(problem);
                Ok(false)
            }
        }
    }

    /// Says which lists have to be complete.
    ///
    /// # Errors
    /// When the compiler panics.
    pub fn expect(&mut self, lists: &BTreeSet<(Kind, Scope)>) -> Result<(), CompilerPanic> {
        self.guarded(|this| this.store.expect(lists))
    }

    /// Takes what a source has learnt.
    ///
    /// # Errors
    /// When the compiler panics.
    pub fn take(&mut self, batch: Batch) -> Result<(), CompilerPanic> {
        self.guarded(|this| this.store.take(batch))
    }

    /// Takes the addresses of a host that is asked by name.
    ///
    /// # Errors
    /// When the compiler panics.
    pub fn take_found(&mut self, found: &Found) -> Result<(), CompilerPanic> {
        self.guarded(|this| this.store.compiler().set_addresses(&found.name, found.addresses.iter().copied()))
    }

    /// Hosts that are asked by name, as of the last compile.
    ///
    /// # Errors
    /// When the compiler panics.
    pub fn names(&mut self) -> Result<Wanted, CompilerPanic> {
        self.guarded(|this| this.store.compiler().names())
    }

    /// Compiles what has changed and publishes it, once everything is known that the first snapshot needs.
    ///
    /// # Errors
    /// When the compiler panics.
    pub fn advance(&mut self) -> Result<(), CompilerPanic> {
        self.guarded(|this| this.store.compiler().set_time(unix_time()))?;
        if self.missing().is_empty() && self.store.compiler().is_dirty() {
            let begin = Instant::now();
            let changes = self.guarded(|this| this.store.compiler().compile())?;
            self.state.counters.compiles += 1;
            self.state.counters.compile_time += begin.elapsed();
            self.panic = None;
            self.publish(changes, begin);
        }
        self.note_revision();
        self.report();
        Ok(())
    }

    /// Compiles what the passing of time has changed, if anything.
    ///
    /// # Errors
    /// When the compiler panics.
    pub fn tick(&mut self) -> Result<(), CompilerPanic> {
        self.guarded(|this| this.store.compiler().set_time(unix_time()))?;
        if self.store.compiler().is_dirty() { self.advance() } else { Ok(()) }
    }

    /// Forgets everything that is known, after a panic, so that all of it is compiled anew once it is known again. What was
    /// published stays.
    ///
    /// # Errors
    /// When the compiler panics even at that.
    pub fn forget(&mut self) -> Result<(), CompilerPanic> {
        let lane = self.lane.clone();
        self.guarded(|this| {
            this.store.forget();
            if let Some(lane) = lane {
                this.store.compiler().set_lane(*lane);
            }
        })
    }

    /// The routes as they are now.
    ///
    /// # Errors
    /// When the compiler panics.
    pub fn routes(&mut self) -> Result<Vec<RouteReport>, CompilerPanic> {
        self.guarded(|this| this.store.compiler().routes())
    }

    /// Endpoints first: a route must not appear before its endpoints.
    fn publish(&mut self, changes: Changes, begin: Instant) {
        let endpoints = changes.endpoints.len();
        for (backend, endpoints) in changes.endpoints {
            backend.publish(endpoints);
        }
        let published = changes.snapshot.is_some();
        if let Some(snapshot) = changes.snapshot {
            note(&mut self.state.generations, snapshot.number, &snapshot.config_generation);
            self.state.published = snapshot.number;
            self.state.counters.snapshots += 1;
            self.publication.publish(snapshot);
            self.publication.collect();
        }
        if let Some(findings) = changes.findings {
            self.state.findings = findings.into();
        }
        self.state.counts = self.store.compiler().counts();
        self.state.certificates = self.store.compiler().certificates();
        self.state.counters.endpoint_changes += endpoints as u64;
        if published || endpoints > 0 {
            self.log(published, endpoints, begin);
        }
    }

    fn log(&self, routes: bool, endpoints: usize, begin: Instant) {
        let identity = self.state.identity.as_ref();
        tracing::info!(
            instance = identity.map(|identity| format!("{}/{}", identity.namespace, identity.instance)),
            lane = identity.map(|identity| identity.lane.field()),
            generation = self.lane.as_ref().map(|lane| lane.config_generation),
            snapshot = self.state.published,
            routes_changed = routes,
            backends_changed = endpoints,
            ingresses = self.state.counts.ingresses,
            routes = self.state.counts.routes,
            endpoints = self.state.counts.endpoints,
            findings = self.state.findings.len(),
            micros = u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX),
            "applied a change"
        );
    }

    /// Once the lists and the keyring that the lane document names were all read, what is published holds everything of it.
    fn note_revision(&mut self) {
        let Some(lane) = &self.lane else { return };
        if self.panic.is_none() && self.missing().is_empty() && self.store.has_read(&lane.keyring) {
            note(&mut self.state.revisions, self.state.published, &lane.revision);
        }
    }

    /// What the first snapshot waits for.
    fn missing(&self) -> Vec<String> {
        let lane = self.lane.is_none().then(|| match &self.lane_problem {
            Some(problem) => format!("the lane document ({problem})"),
            None => "the lane document".to_owned(),
        });
        let lists =
            self.store.incomplete().map(|(kind, scope)| format!("the list of kind {} in {scope}", kind.as_str()));
        lane.into_iter().chain(lists).collect()
    }

    /// Tells the rest of the process how things stand.
    fn report(&mut self) {
        let mut waiting_for = self.missing();
        // Not only after a compile: a class may come or go while no Ingress names it, and then there is nothing to compile.
        if waiting_for.is_empty() {
            self.state.classes = self.store.compiler().classes();
        }
        waiting_for.extend(self.panic.clone());
        self.state.waiting_for = waiting_for;
        self.state.source_problems = self.lane_problem.clone().into_iter().chain(self.store.problems()).collect();
        self.send(self.state.clone());
    }

    fn send(&self, state: ControlState) {
        self.sender.send_replace(Arc::new(state));
    }

    /// A panic must not take the thread with it that alone can take the next, perhaps better, change.
    fn guarded<T>(&mut self, body: impl FnOnce(&mut Self) -> T) -> Result<T, CompilerPanic> {
        let outcome = catch_unwind(AssertUnwindSafe(|| body(self)));
        outcome.map_err(|payload| {
            let panic = CompilerPanic(describe(payload.as_ref()));
            self.state.counters.compile_panics += 1;
            self.panic = Some(panic.to_string());
            self.report_panic();
            panic
        })
    }

    /// After a panic the store is not asked for anything.
    fn report_panic(&mut self) {
        self.state.waiting_for = self.panic.clone().into_iter().collect();
        self.send(self.state.clone());
    }
}

/// Notes what holds from snapshot `number` on.
fn note<T: PartialEq + Clone>(notes: &mut Vec<(u64, T)>, number: u64, what: &T) {
    if notes.last().is_none_or(|(_, last)| last != what) {
        notes.push((number, what.clone()));
        let excess = notes.len().saturating_sub(GENERATIONS);
        notes.drain(..excess);
    }
}

/// Seconds since 1970, as the node's clock has it.
fn unix_time() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn describe(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().map(str::to_owned);
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no reason given".to_owned())
}

#[cfg(test)]
mod tests;
