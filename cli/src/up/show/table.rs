//! The live table.

use std::io;
use std::thread;

use crossterm::event::{self, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::DefaultTerminal;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Cell, Paragraph, Row, Wrap};
use tokio::sync::mpsc;

use super::Key;
use crate::name::LaneId;
use crate::table::printable;
use crate::up::board::{self, Board};
use crate::up::event::{Event, sentence};
use crate::up::phase::Phase;

/// Restarts that are remembered for the panel.
const RECENT: usize = 5;
/// Lines of the panel and the commands, at the least; a small terminal shows the lanes first.
const PANEL_LINES: u16 = 4;

/// A terminal that shows the board. Dropping it gives the terminal back.
pub(crate) struct Table {
    terminal: DefaultTerminal,
    recent: Vec<String>,
    attempts: Vec<String>,
}

impl Table {
    /// Takes the terminal, and sends what is typed to `keys`.
    pub(super) fn start(keys: mpsc::Sender<Key>) -> io::Result<Self> {
        let terminal = ratatui::try_init()?;
        // The thread ends with the process: reading a terminal cannot be interrupted.
        thread::Builder::new().name("keys".to_owned()).spawn(move || read_keys(&keys))?;
        Ok(Self { terminal, recent: Vec::new(), attempts: Vec::new() })
    }

    pub(super) fn tell(&mut self, events: &[Event], board: &Board) -> io::Result<()> {
        let restarts = events.iter().filter(|event| matches!(event, Event::Restart { .. }));
        self.recent.extend(restarts.map(ToString::to_string));
        let old = self.recent.len().saturating_sub(RECENT);
        self.recent.drain(..old);
        self.draw(board)
    }

    pub(super) fn suggest(&mut self, attempts: &[Event]) {
        self.attempts = attempts.iter().map(|event| event.to_string().trim().to_owned()).collect();
    }

    pub(super) fn draw(&mut self, board: &Board) -> io::Result<()> {
        let (recent, attempts) = (&self.recent, &self.attempts);
        self.terminal.draw(|frame| render(frame, board, recent, attempts)).map(drop)
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        // A terminal that is gone cannot be restored, and need not be.
        let _ = ratatui::try_restore();
    }
}

fn read_keys(keys: &mpsc::Sender<Key>) {
    while let Ok(event) = event::read() {
        let key = match event {
            event::Event::Resize(..) => Key::Resize,
            event::Event::Key(key) if key.kind != KeyEventKind::Release && is_quit(key.code, key.modifiers) => {
                Key::Quit
            }
            _ => continue,
        };
        if keys.blocking_send(key).is_err() {
            return;
        }
    }
}

fn is_quit(code: KeyCode, modifiers: KeyModifiers) -> bool {
    match code {
        KeyCode::Char('c') => modifiers.contains(KeyModifiers::CONTROL),
        KeyCode::Char('q') | KeyCode::Esc => true,
        _ => false,
    }
}

/// Lanes above, what is wrong below them, commands at the bottom.
fn render(frame: &mut Frame<'_>, board: &Board, recent: &[String], attempts: &[String]) {
    let notes = notes(board, recent);
    let lanes = u16::try_from(board.lanes.len()).unwrap_or(u16::MAX).saturating_add(3);
    let tries = u16::try_from(attempts.len()).unwrap_or(u16::MAX).saturating_add(2);
    let tries = if attempts.is_empty() { 0 } else { tries };
    let [top, middle, bottom, foot] = Layout::vertical([
        Constraint::Max(lanes),
        Constraint::Min(PANEL_LINES),
        Constraint::Max(tries),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    render_lanes(frame, board, top);
    let title = if notes.is_empty() { " no findings, no problems " } else { " findings and problems " };
    frame.render_widget(Paragraph::new(notes).wrap(Wrap { trim: false }).block(Block::bordered().title(title)), middle);
    if !attempts.is_empty() {
        let lines: Vec<Line<'_>> = attempts.iter().map(|command| Line::from(command.as_str())).collect();
        frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(" try ")), bottom);
    }
    frame.render_widget(Line::from(" q or Ctrl-C: drain and end").style(Style::new().fg(Color::DarkGray)), foot);
}

fn render_lanes(frame: &mut Frame<'_>, board: &Board, area: Rect) {
    let header = ["INSTANCE", "LANE", "CLASS", "PHASE", "ADDRESS", "TLS", "ROUTES", "FINDINGS"];
    let header = Row::new(header).style(Style::new().add_modifier(Modifier::BOLD));
    let rows = board.lanes.iter().map(|(id, row)| lane(id, row));
    let widest = |cell: &dyn Fn(&LaneId, &board::Row) -> usize, header: usize| {
        let cells = board.lanes.iter().map(|(id, row)| cell(id, row));
        Constraint::Length(u16::try_from(cells.fold(header, usize::max)).unwrap_or(u16::MAX))
    };
    let widths = [
        widest(&|id, _| id.instance.to_string().chars().count(), 8),
        Constraint::Length(10),
        widest(&|_, row| row.class.chars().count(), 5),
        Constraint::Length(9),
        Constraint::Length(21),
        Constraint::Length(6),
        Constraint::Length(6),
        Constraint::Min(8),
    ];
    let block = Block::bordered().title(" bulkhead up ");
    frame.render_widget(ratatui::widgets::Table::new(rows, widths).header(header).block(block), area);
}

fn lane<'a>(id: &LaneId, row: &board::Row) -> Row<'a> {
    let findings = row.seen.report.as_ref().map(|report| &report.findings);
    let findings = findings.map_or_else(String::new, |found| match (found.errors, found.warnings) {
        (0, 0) => "none".to_owned(),
        (errors, warnings) => format!("{errors} err, {warnings} warn"),
    });
    Row::new([
        Cell::from(id.instance.to_string()),
        Cell::from(id.lane.field()),
        Cell::from(printable(&row.class)),
        Cell::from(Span::styled(row.phase.to_string(), Style::new().fg(color(row.phase)))),
        Cell::from(row.addresses.map(|addresses| addresses.http.to_string()).unwrap_or_default()),
        // The port alone: the address is the same.
        Cell::from(row.addresses.map(|addresses| format!(":{}", addresses.https.port())).unwrap_or_default()),
        Cell::from(row.counts().map(|(_, routes, _)| routes.to_string()).unwrap_or_default()),
        Cell::from(findings),
    ])
}

const fn color(phase: Phase) -> Color {
    match phase {
        Phase::Listening => Color::Green,
        Phase::Failed => Color::Red,
        Phase::Pending | Phase::Running | Phase::Paused | Phase::Deleting => Color::Yellow,
    }
}

/// What is wrong or was, a line each.
fn notes<'a>(board: &Board, recent: &[String]) -> Vec<Line<'a>> {
    let mut lines: Vec<String> = Vec::new();
    let refused = board.instances.iter().filter(|(_, verdict)| !verdict.accepted || !verdict.not_obeyed.is_empty());
    lines.extend(refused.map(|(name, verdict)| Event::instance(name, verdict).to_string()));
    for (id, row) in board.lanes.iter().filter(|(_, row)| !row.reason().is_empty()) {
        lines.push(format!("{id}  {}", printable(row.reason())));
    }
    lines.extend(board.all_problems().into_iter().map(printable));
    for (id, row) in &board.lanes {
        lines.extend(row.findings().iter().map(|finding| format!("{id}  {}", sentence(finding))));
    }
    lines.extend(recent.iter().cloned());
    lines.into_iter().map(Line::from).collect()
}

#[cfg(test)]
mod tests {
    use bulkhead_crds::names::LaneName;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::name::InstanceName;
    use crate::up::phase::Observation;

    fn board() -> Board {
        let instance = InstanceName { namespace: "port".to_owned(), name: "quay".to_owned() };
        let row = board::Row {
            class: "quay-north-south".to_owned(),
            phase: Phase::Failed,
            addresses: None,
            seen: Observation { obstacle: "the port is taken".to_owned(), ..Observation::default() },
            routes: std::sync::Arc::default(),
        };
        Board { lanes: [(LaneId { instance, lane: LaneName::NorthSouth }, row)].into(), ..Board::default() }
    }

    fn screen(width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let attempts = ["curl http://127.0.0.1:8080/".to_owned()];
        terminal.draw(|frame| render(frame, &board(), &[], &attempts)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn lanes_problems_and_commands_share_the_screen() {
        let screen = screen(120, 20);
        for part in [
            "port/quay",
            "northSouth",
            "quay-north-south",
            "Failed",
            "the port is taken",
            "curl http://127.0.0.1:8080/",
        ] {
            assert!(screen.contains(part), "{part} is missing:\n{screen}");
        }
    }

    #[test]
    fn any_size_can_be_drawn() {
        for (width, height) in [(1, 1), (10, 3), (40, 8), (300, 100)] {
            screen(width, height);
        }
    }

    #[test]
    fn only_the_documented_keys_quit() {
        assert!(is_quit(KeyCode::Char('c'), KeyModifiers::CONTROL));
        assert!(is_quit(KeyCode::Char('q'), KeyModifiers::NONE));
        assert!(!is_quit(KeyCode::Char('c'), KeyModifiers::NONE));
    }
}
