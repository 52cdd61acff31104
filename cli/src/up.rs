//! `bulkhead up`: a fleet without Kubernetes.
//!
//! ```text
//! directory → Inventory → plan → Desired → state folder, processes → what they say → Board → table or lines
//! ```
//!
//! [`fleet`] tells that story. `desired`, `phase`, `board` and `attempts` are pure; `folder` (beside this module), `backends`, `lane` and `process` touch
//! the world; `event` and `show` are what the user sees.

mod attempts;
mod backends;
mod board;
mod desired;
mod echo;
mod event;
mod fleet;
mod lane;
pub(crate) mod listen;
mod log;
mod phase;
mod process;
mod show;
mod state;
mod strays;

use std::io;
use std::process::ExitCode;

use thiserror::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use self::attempts::attempts;
use self::board::Board;
use self::event::Event;
use self::fleet::{Fleet, FleetError};
use self::show::{Key, Show};
use crate::args::{UpArgs, UpOutput};
use crate::folder::{Folder, FolderError};

/// Threads of this process. It watches and shows; the work is done in the lanes' processes.
const THREADS: usize = 2;
/// Messages that may wait for the loop: whoever is faster is held back.
const WAITING: usize = 64;

/// Why `up` cannot run.
#[derive(Debug, Error)]
enum UpError {
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),
    #[error("cannot use the terminal, try --output plain")]
    Terminal(#[source] io::Error),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Fleet(#[from] FleetError),
}

/// Runs until a signal or a key says to end, then drains.
pub(crate) fn run(arguments: UpArgs) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
    let outcome = runtime.map_err(UpError::Runtime).and_then(|runtime| runtime.block_on(up(arguments)));
    outcome.unwrap_or_else(|error| crate::complain(&error))
}

async fn up(arguments: UpArgs) -> Result<ExitCode, UpError> {
    let mut signals = Signals::listen().map_err(UpError::Signals)?;
    let folder = Folder::open(&arguments.directory)?;
    let inventory = folder.inventory();
    let (news_sender, mut news) = mpsc::channel(WAITING);
    let mut fleet = Fleet::new(&arguments, folder.root(), news_sender)?;
    // Before anything is shown or started: a mistake on the command line is one line of error.
    fleet.check(&inventory)?;
    let (change_sender, mut changes) = mpsc::channel(WAITING);
    folder.follow(change_sender)?;
    let (key_sender, mut keys) = mpsc::channel(WAITING);
    let mut screen = Screen::start(arguments.output, key_sender).map_err(UpError::Terminal)?;
    fleet.show_logs(arguments.logs && screen.show.is_lines());

    let mut told = screen.show.tell(&[fleet.state_event()], &fleet.board);
    fleet.follow(inventory).await?;
    loop {
        told = told.and_then(|()| screen.update(&fleet.board));
        if told.is_err() {
            // Nobody sees any more what happens here.
            break;
        }
        tokio::select! {
            Some(inventory) = changes.recv() => fleet.follow(inventory).await?,
            Some((id, news)) = news.recv() => {
                if let Some(restart) = fleet.take(&id, news).await? {
                    told = screen.show.tell(&[restart], &fleet.board);
                }
            }
            Some(key) = keys.recv() => match key {
                Key::Quit => break,
                Key::Resize => told = screen.show.tell(&[], &fleet.board),
            },
            () = signals.next() => break,
        }
    }
    drain(&mut fleet, screen.leave(), &mut news, &mut signals).await
}

/// Lets every lane end its requests. A further signal ends all of them at once.
async fn drain(
    fleet: &mut Fleet,
    mut screen: Screen,
    news: &mut mpsc::Receiver<(crate::name::LaneId, lane::News)>,
    signals: &mut Signals,
) -> Result<ExitCode, UpError> {
    crate::say("bulkhead: draining, once more to end at once");
    fleet.drain();
    while !fleet.is_over() {
        let _ = screen.update(&fleet.board);
        tokio::select! {
            Some((id, news)) = news.recv() => {
                fleet.take(&id, news).await?;
            }
            () = signals.next() => {
                let lanes: Vec<String> = fleet.board.lanes.keys().map(ToString::to_string).collect();
                let lanes = lanes.join(", ");
                crate::say(&format!("bulkhead: ending at once, what these lanes still serve is cut: {lanes}"));
                fleet.kill();
            }
        }
    }
    let _ = screen.update(&fleet.board);
    Ok(if fleet.has_cut() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What is shown, and what was shown last.
struct Screen {
    show: Show,
    shown: Board,
    suggested: bool,
}

impl Screen {
    fn start(output: UpOutput, keys: mpsc::Sender<Key>) -> io::Result<Self> {
        Ok(Self { show: Show::start(output, keys)?, shown: Board::default(), suggested: false })
    }

    /// Shows what is new since the last time.
    fn update(&mut self, board: &Board) -> io::Result<()> {
        let events = board.changes_since(&self.shown);
        if *board != self.shown {
            self.shown = board.clone();
            self.show.tell(&events, board)?;
        }
        if !self.suggested && board.is_listening() {
            self.suggested = true;
            let attempts: Vec<Event> =
                attempts(board).into_iter().map(|(id, command)| Event::attempt(&id, command)).collect();
            self.show.suggest(&attempts, board)?;
        }
        Ok(())
    }

    /// Gives a table's terminal back; the end is told in lines.
    fn leave(self) -> Self {
        let show = if self.show.is_lines() { self.show } else { Show::Plain };
        Self { show, suggested: true, ..self }
    }
}

/// The signals that ask to end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}
