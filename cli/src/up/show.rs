//! How changes reach the user: as lines, or as a table.

mod columns;
mod table;

use std::io::{self, IsTerminal, Write};

use tokio::sync::mpsc;

use self::table::Table;
use super::board::Board;
use super::event::Event;
use crate::args::UpOutput;

/// What the user asks for on the keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// End.
    Quit,
    /// The terminal has another size.
    Resize,
}

/// What is shown.
pub(crate) enum Show {
    /// One line per change.
    Plain,
    /// One JSON object per change.
    Json,
    /// The whole board.
    Table(Box<Table>),
}

impl Show {
    /// What `output` asks for, as far as there is a terminal.
    ///
    /// # Errors
    /// When the terminal cannot be set up.
    pub(crate) fn start(output: UpOutput, keys: mpsc::Sender<Key>) -> io::Result<Self> {
        let terminal = io::stdout().is_terminal() && io::stdin().is_terminal();
        match output {
            UpOutput::Json => Ok(Self::Json),
            UpOutput::Auto | UpOutput::Table if terminal => Ok(Self::Table(Box::new(Table::start(keys)?))),
            UpOutput::Auto | UpOutput::Table | UpOutput::Plain => Ok(Self::Plain),
        }
    }

    /// Whether lines of others may appear on standard error.
    pub(crate) const fn is_lines(&self) -> bool {
        matches!(self, Self::Plain | Self::Json)
    }

    /// Shows what happened, or the board after it.
    ///
    /// # Errors
    /// When standard output is closed.
    pub(crate) fn tell(&mut self, events: &[Event], board: &Board) -> io::Result<()> {
        match self {
            Self::Table(table) => table.tell(events, board),
            Self::Plain => lines(events, |event| Ok(event.to_string())),
            Self::Json => lines(events, |event| serde_json::to_string(event).map_err(io::Error::from)),
        }
    }

    /// Shows commands that reach a few routes.
    ///
    /// # Errors
    /// When standard output is closed.
    pub(crate) fn suggest(&mut self, attempts: &[Event], board: &Board) -> io::Result<()> {
        match self {
            Self::Plain => {
                writeln!(io::stdout(), "everything listens, try:")?;
                self.tell(attempts, board)
            }
            Self::Json => self.tell(attempts, board),
            Self::Table(table) => {
                table.suggest(attempts);
                table.draw(board)
            }
        }
    }
}

fn lines(events: &[Event], line: impl Fn(&Event) -> io::Result<String>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for event in events {
        writeln!(out, "{}", line(event)?)?;
    }
    out.flush()
}
