//! Every lane, from what the files say to what its process says.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use k8s_openapi::api::networking::v1::IngressClass;
use thiserror::Error;
use tokio::sync::mpsc;

use super::backends::{self, Backends};
use super::board::{Board, Row};
use super::desired::{Desired, DesiredLane, Generations, decide};
use super::event::Event;
use super::lane::{Lane, News, Run, Wanted};
use super::listen::{PortError, Ports, probe};
use super::log::Log;
use super::phase::{Observation, phase};
use super::process::Launch;
use super::state::{State, StateError};
use super::strays::strays;
use crate::args::UpArgs;
use crate::manifests::Inventory;
use crate::name::LaneId;
use bulkhead_crds::phase::Phase;

/// Why the fleet cannot run.
#[derive(Debug, Error)]
pub(crate) enum FleetError {
    /// A lane's address is not available.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The state folder cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The program does not know where it is.
    #[error("cannot find this program, which every lane runs")]
    Program(#[source] io::Error),
    /// The directory's name cannot be given to a lane.
    #[error("cannot pass the path {0} to a gateway: use one without commas and in UTF-8")]
    Path(PathBuf),
}

/// A lane and the settings it was last given.
struct Running {
    lane: Lane,
    given: DesiredLane,
    ending: bool,
}

/// All lanes, and what is known of them.
pub(crate) struct Fleet {
    pub(crate) board: Board,
    program: PathBuf,
    directory: PathBuf,
    threads: usize,
    show_logs: bool,
    state: State,
    ports: Ports,
    backends: Backends,
    generations: Generations,
    inventory: Inventory,
    lanes: BTreeMap<LaneId, Running>,
    news: mpsc::Sender<(LaneId, News)>,
    over: bool,
    cut: bool,
}

impl Fleet {
    /// No lanes yet, for manifests in `directory`.
    ///
    /// # Errors
    /// When no state can be kept.
    pub(crate) fn new(
        arguments: &UpArgs,
        directory: &Path,
        news: mpsc::Sender<(LaneId, News)>,
    ) -> Result<Self, FleetError> {
        let state = State::create()?;
        for path in [directory, state.path()] {
            // Gateways take a list of sources in one argument, separated by commas.
            if path.to_str().is_none_or(|text| text.contains(',')) {
                return Err(FleetError::Path(path.to_owned()));
            }
        }
        Ok(Self {
            board: Board::default(),
            program: std::env::current_exe().map_err(FleetError::Program)?,
            directory: directory.to_owned(),
            threads: arguments.threads.get(),
            show_logs: false,
            state,
            ports: Ports::new(arguments.http_port_base, arguments.listen.clone()),
            backends: Backends::default(),
            generations: Generations::default(),
            inventory: Inventory::default(),
            lanes: BTreeMap::new(),
            news,
            over: false,
            cut: false,
        })
    }

    /// Whether log lines of the lanes are copied to standard error.
    pub(crate) const fn show_logs(&mut self, show: bool) {
        self.show_logs = show;
    }

    /// Says where state and logs are.
    pub(crate) fn state_event(&self) -> Event {
        Event::state(self.state.path())
    }

    /// Whether every lane of `inventory` can have its addresses.
    ///
    /// # Errors
    /// When one cannot: better before the first lane is started than after it.
    pub(crate) fn check(&mut self, inventory: &Inventory) -> Result<(), FleetError> {
        for id in decide(inventory, &BTreeMap::new()).lanes.keys() {
            probe(id, self.ports.take(id)?)?;
        }
        Ok(())
    }

    /// Makes the lanes what `inventory` says.
    ///
    /// # Errors
    /// When state cannot be written.
    pub(crate) async fn follow(&mut self, mut inventory: Inventory) -> Result<(), FleetError> {
        inventory.keep_refused(&self.inventory);
        self.inventory = inventory;
        self.generations.stamp(&mut self.inventory);
        self.settle().await
    }

    async fn settle(&mut self) -> Result<(), FleetError> {
        let running = self.lanes.iter().filter(|(_, lane)| !lane.ending);
        let running = running.map(|(id, lane)| (id.clone(), lane.given.clone())).collect();
        let desired = decide(&self.inventory, &running);
        let (ports, mut problems) = backends::wanted(&self.inventory);
        problems.extend(self.backends.settle(ports).await);
        self.board.backends = self.backends.addresses();
        self.state.write_backends(&backends::slices(&self.board.backends))?;

        for (id, lane) in &mut self.lanes {
            if !desired.lanes.contains_key(id) {
                lane.ending = true;
                lane.lane.want(|wanted| wanted.run = Run::Drain);
            }
        }
        self.write_classes(&desired)?;
        for (id, lane) in &desired.lanes {
            self.give(id, lane)?;
        }
        self.show(&desired, problems);
        Ok(())
    }

    /// Classes of lanes that run or should. Those of lanes that end stay until they have: their last requests are still served.
    fn write_classes(&self, desired: &Desired) -> Result<(), FleetError> {
        let mut classes: BTreeMap<&LaneId, &IngressClass> =
            self.lanes.iter().map(|(id, lane)| (id, &lane.given.class)).collect();
        classes.extend(desired.lanes.iter().map(|(id, lane)| (id, &lane.class)));
        let classes: Vec<&IngressClass> = classes.into_values().collect();
        Ok(self.state.write_classes(&classes)?)
    }

    /// Gives a lane its settings, and starts it if it does not run. One that still ends is started once it has ended.
    fn give(&mut self, id: &LaneId, desired: &DesiredLane) -> Result<(), FleetError> {
        let wanted = wanted(desired);
        if let Some(running) = self.lanes.get_mut(id) {
            if !running.ending {
                self.state.write_document(id, &desired.document)?;
                running.given = desired.clone();
                running.lane.want(|current| *current = wanted);
            }
            return Ok(());
        }
        self.state.write_document(id, &desired.document)?;
        let Ok(addresses) = self.ports.take(id) else { return Ok(()) };
        let launch = Launch {
            program: self.program.clone(),
            document: self.state.document(id),
            sources: vec![self.directory.clone(), self.state.objects()],
            addresses,
            threads: self.threads,
            log: Log { file: self.state.log(id), shown_as: self.show_logs.then(|| id.to_string()) },
        };
        let lane = Lane::start(id.clone(), launch, wanted, self.news.clone());
        self.lanes.insert(id.clone(), Running { lane, given: desired.clone(), ending: false });
        Ok(())
    }

    /// Brings the board to what is desired. What lanes say comes later.
    fn show(&mut self, desired: &Desired, problems: Vec<String>) {
        let lanes: Vec<LaneId> = desired.lanes.keys().chain(desired.idle.keys()).cloned().collect();
        let strangers = self.ports.strangers(&lanes);
        let strangers = strangers.map(|lane| format!("--listen names {lane}, which is no lane of these manifests"));
        let none = || format!("there is no GatewayInstance in {}: write one, it is followed", self.directory.display());
        self.board.problems = self.inventory.problems.iter().cloned().chain(problems).chain(strangers).collect();
        self.board.problems.extend(strays(&self.inventory, desired));
        if self.inventory.instances.is_empty() {
            self.board.problems.insert(none());
        }
        self.board.problems = self.board.problems.iter().map(|text| self.shorten(text)).collect();
        self.board.instances = desired.verdicts.clone();
        self.board.lanes.retain(|id, _| lanes.contains(id) || self.lanes.contains_key(id));
        for (id, lane) in &desired.lanes {
            let addresses = self.ports.take(id);
            let row = self.board.lanes.entry(id.clone()).or_insert_with(|| idle(Phase::Pending));
            row.class.clone_from(&lane.document.classes.own);
            match addresses {
                Ok(addresses) => row.addresses = Some(addresses),
                Err(error) => row.seen.obstacle = error.to_string(),
            }
            row.phase = phase(&row.seen, lane.document.config_generation);
        }
        for (id, phase) in &desired.idle {
            if !self.lanes.contains_key(id) {
                self.board.lanes.insert(id.clone(), idle(*phase));
            }
        }
    }

    /// Takes what a lane has to tell. A death is told to the user at once.
    ///
    /// # Errors
    /// When state cannot be written.
    pub(crate) async fn take(&mut self, id: &LaneId, news: News) -> Result<Option<Event>, FleetError> {
        match news {
            News::Died { reason, pause } => return Ok(Some(Event::restart(id, reason, pause))),
            News::Ended { killed } => {
                self.cut |= killed;
                self.lanes.remove(id);
                self.ports.release(id);
                self.board.lanes.remove(id);
                if !self.over {
                    self.settle().await?;
                }
            }
            News::Seen(mut seen) => {
                if let Some(report) = &mut seen.report {
                    report.source_problems = report.source_problems.iter().map(|text| self.shorten(text)).collect();
                }
                let generation = self.lanes.get(id).map_or(0, |lane| lane.given.document.config_generation);
                if let Some(row) = self.board.lanes.get_mut(id) {
                    row.phase = phase(&seen, generation);
                    row.seen = *seen;
                }
            }
            News::Routes(routes) => {
                if let Some(row) = self.board.lanes.get_mut(id) {
                    row.routes = routes.into();
                }
            }
        }
        Ok(None)
    }

    /// Paths below the directory, as the user knows them.
    fn shorten(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.directory.display()), "")
    }

    /// Asks every lane to drain.
    pub(crate) fn drain(&mut self) {
        self.over = true;
        for lane in self.lanes.values_mut() {
            lane.ending = true;
            lane.lane.want(|wanted| wanted.run = Run::Drain);
        }
        self.board.lanes.retain(|id, _| self.lanes.contains_key(id));
    }

    /// Ends every lane at once.
    pub(crate) fn kill(&self) {
        self.lanes.values().for_each(|lane| lane.lane.want(|wanted| wanted.run = Run::Kill));
    }

    /// Whether every lane has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.lanes.is_empty()
    }

    /// Whether a lane had to be killed, and requests may have been cut.
    pub(crate) const fn has_cut(&self) -> bool {
        self.cut
    }
}

fn wanted(lane: &DesiredLane) -> Wanted {
    let drain = &lane.document.drain;
    Wanted {
        run: Run::On,
        generation: lane.document.config_generation,
        drain: Duration::from_millis(drain.lameduck_ms.saturating_add(drain.timeout_ms)),
    }
}

fn idle(phase: Phase) -> Row {
    let seen = Observation::default();
    Row { class: String::new(), phase, addresses: None, seen, routes: Default::default() }
}
