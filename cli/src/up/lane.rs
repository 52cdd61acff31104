//! Watches over one lane: starts its process, asks how it is, starts it again when it dies, drains it at the end.

use std::process::ExitStatus;
use std::time::Duration;

use bulkhead_crds::report::{GatewayReport, RouteReport, RoutesReport};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::listen::probe;
use super::phase::{Observation, phase};
use super::process::{Launch, Process};
use crate::admin;
use crate::name::LaneId;
use bulkhead_crds::phase::Phase;

/// Pause between two questions to a lane that does not listen yet: short, because somebody waits for it.
const ASK_SOON: Duration = Duration::from_millis(200);
/// Pause between two questions to a lane that listens.
const ASK: Duration = Duration::from_secs(1);
/// Pause before a lane that died is started again, the first time; doubled with every death.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// After this long a process counts as healthy, and its next death as the first.
const HEALTHY: Duration = Duration::from_secs(10);
/// Unanswered questions in a row after which nothing is known of a process any more.
const MISSES: u32 = 3;
/// What a process gets beyond its drain, to write its last responses and exit.
const DRAIN_MARGIN: Duration = Duration::from_secs(5);

/// What is wanted of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) run: Run,
    /// Generation of the lane document it should have loaded.
    pub(crate) generation: i64,
    /// How long its requests may take to end.
    pub(crate) drain: Duration,
}

/// Whether a lane should run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Run {
    /// It should.
    On,
    /// It should end once its requests have.
    Drain,
    /// It should end now.
    Kill,
}

/// What a lane has to tell.
#[derive(Debug)]
pub(crate) enum News {
    /// What is known of it now.
    Seen(Box<Observation>),
    /// What it has loaded.
    Routes(Vec<RouteReport>),
    /// Its process died and is started again after a pause.
    Died {
        /// How it ended.
        reason: String,
        /// The pause.
        pause: Duration,
    },
    /// It has ended for good, as wanted. Whether it had to be killed.
    Ended {
        /// Whether requests may have been cut.
        killed: bool,
    },
}

/// A lane that is watched over.
#[derive(Debug)]
pub(crate) struct Lane {
    wanted: watch::Sender<Wanted>,
    task: JoinHandle<()>,
}

impl Lane {
    /// Starts to watch over `id`.
    pub(crate) fn start(id: LaneId, launch: Launch, wanted: Wanted, news: mpsc::Sender<(LaneId, News)>) -> Self {
        let (sender, receiver) = watch::channel(wanted);
        let watcher =
            Watcher { id, launch, wanted: receiver, news, seen: Observation::default(), routes_of: None, misses: 0 };
        Self { wanted: sender, task: tokio::spawn(watcher.run()) }
    }

    /// Changes what is wanted. A lane that should end does not come back.
    pub(crate) fn want(&self, change: impl FnOnce(&mut Wanted)) {
        self.wanted.send_if_modified(|wanted| {
            let before = *wanted;
            change(wanted);
            before != *wanted
        });
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        // Its process is killed with it.
        self.task.abort();
    }
}

struct Watcher {
    id: LaneId,
    launch: Launch,
    wanted: watch::Receiver<Wanted>,
    news: mpsc::Sender<(LaneId, News)>,
    seen: Observation,
    /// Snapshot whose routes were told last.
    routes_of: Option<u64>,
    /// Questions in a row that were not answered.
    misses: u32,
}

impl Watcher {
    async fn run(mut self) {
        loop {
            let begin = Instant::now();
            let reason = match self.start() {
                Ok(mut process) => {
                    self.seen.obstacle.clear();
                    self.seen.pid = process.pid();
                    match self.attend(&mut process).await {
                        Some(status) => ended(&status),
                        None => return self.end(process).await,
                    }
                }
                Err(obstacle) => {
                    self.seen.obstacle.clone_from(&obstacle);
                    obstacle
                }
            };
            if begin.elapsed() >= HEALTHY {
                self.seen.deaths = 0;
            }
            let pause = pause(self.seen.deaths);
            self.seen.deaths = self.seen.deaths.saturating_add(1);
            self.seen.report = None;
            self.seen.pid = None;
            self.routes_of = None;
            self.tell(News::Died { reason, pause }).await;
            self.tell_seen().await;
            let leave = self.wanted.wait_for(|wanted| wanted.run != Run::On);
            if timeout(pause, leave).await.is_ok() {
                return self.tell(News::Ended { killed: false }).await;
            }
        }
    }

    fn start(&self) -> Result<Process, String> {
        probe(&self.id, self.launch.addresses).map_err(|error| error.to_string())?;
        self.launch.start().map_err(|error| format!("cannot start a process for {}: {error}", self.id))
    }

    /// Asks how the process is until it ends, or until it should. `None` when it should.
    async fn attend(&mut self, process: &mut Process) -> Option<std::io::Result<ExitStatus>> {
        self.tell_seen().await;
        let mut asking = self.wanted.clone();
        loop {
            let wanted = *self.wanted.borrow_and_update();
            if wanted.run != Run::On {
                return None;
            }
            let listens = phase(&self.seen, wanted.generation) == Phase::Listening;
            let pause = if listens { ASK } else { ASK_SOON };
            let answer = tokio::select! {
                status = process.ended() => return Some(status),
                changed = asking.changed() => match changed {
                    Ok(()) => continue,
                    // Nobody wants anything of this lane any more.
                    Err(_) => return None,
                },
                answer = self.ask(pause) => answer,
            };
            self.take(answer).await;
        }
    }

    /// How the process says it is, and its routes if they are not known yet.
    async fn ask(&self, pause: Duration) -> (Option<GatewayReport>, Option<Vec<RouteReport>>) {
        sleep(pause).await;
        let address = self.launch.addresses.admin;
        let Ok(report) = admin::get::<GatewayReport>(address, "/v1/status").await else { return (None, None) };
        let routes = if self.routes_of == Some(report.snapshot) {
            None
        } else {
            admin::get::<RoutesReport>(address, "/v1/routes").await.ok().map(|report| report.routes)
        };
        (Some(report), routes)
    }

    async fn take(&mut self, (report, routes): (Option<GatewayReport>, Option<Vec<RouteReport>>)) {
        if report.is_none() {
            self.misses = self.misses.saturating_add(1);
            // A busy machine may be late once; what was known then still holds.
            if self.misses < MISSES {
                return;
            }
        } else {
            self.misses = 0;
        }
        if let Some(routes) = routes {
            self.routes_of = report.as_ref().map(|report| report.snapshot);
            self.tell(News::Routes(routes)).await;
        }
        self.seen.report = report;
        self.tell_seen().await;
    }

    /// Drains, or kills. A process that does not leave in time is killed.
    async fn end(mut self, mut process: Process) {
        self.seen.ending = true;
        self.tell_seen().await;
        process.terminate();
        let drain = self.wanted.borrow().drain.saturating_add(DRAIN_MARGIN);
        let killed = tokio::select! {
            _ = process.ended() => false,
            () = sleep(drain) => true,
            // Also when nobody is left to want anything.
            _ = self.wanted.wait_for(|wanted| wanted.run == Run::Kill) => true,
        };
        if killed {
            process.kill().await;
        }
        self.tell(News::Ended { killed }).await;
    }

    async fn tell_seen(&self) {
        self.tell(News::Seen(Box::new(self.seen.clone()))).await;
    }

    async fn tell(&self, news: News) {
        // Nobody listens any more: `up` is at its end, and with it this lane.
        let _ = self.news.send((self.id.clone(), news)).await;
    }
}

fn pause(deaths: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(deaths)).min(LONGEST_PAUSE)
}

fn ended(status: &std::io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => format!("its process ended with {status}"),
        Err(error) => format!("its process was lost: {error}"),
    }
}

#[cfg(test)]
mod tests;
