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
use super::columns::{self, Column};
use crate::name::LaneId;
use crate::table::printable;
use crate::up::board::{self, Board};
use crate::up::event::{Event, sentence};
use bulkhead_crds::phase::Phase;

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
        for event in events {
            if let Event::Restart { lane, .. } | Event::Back { lane } = event {
                // That it starts again is no news once it is back, or has died again.
                let stale = format!("{lane}  ");
                self.recent.retain(|line| !line.starts_with(&stale));
                self.recent.push(event.to_string());
            }
        }
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

/// Lanes above, what is wrong below them, commands at the bottom. Where there is not enough room, commands go first.
fn render(frame: &mut Frame<'_>, board: &Board, recent: &[String], attempts: &[String]) {
    let notes = notes(board, recent);
    let lines = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
    let panel = if notes.is_empty() { 1 } else { PANEL_LINES };
    let room = frame.area().height.saturating_sub(1).saturating_sub(panel);
    let lanes = lines(board.lanes.len()).saturating_add(3).min(room);
    let left = room.saturating_sub(lanes);
    let tries = if attempts.is_empty() || left < 3 { 0 } else { lines(attempts.len()).saturating_add(2).min(left) };
    let panel = if notes.is_empty() { Constraint::Length(1) } else { Constraint::Min(panel) };
    let [top, middle, bottom, foot, _] = Layout::vertical([
        Constraint::Length(lanes),
        panel,
        Constraint::Length(tries),
        Constraint::Length(1),
        Constraint::Fill(if notes.is_empty() { 1 } else { 0 }),
    ])
    .areas(frame.area());
    render_lanes(frame, board, top);
    if notes.is_empty() {
        frame.render_widget(Line::from(" no findings, no problems"), middle);
    } else {
        let block = Block::bordered().title(" findings and problems ");
        frame.render_widget(Paragraph::new(notes).wrap(Wrap { trim: false }).block(block), middle);
    }
    if tries > 0 {
        let width = usize::from(bottom.width.saturating_sub(2));
        let lines: Vec<Line<'_>> = attempts.iter().map(|command| Line::from(columns::cut(command, width))).collect();
        frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(" try ")), bottom);
    }
    frame.render_widget(Line::from(" q or Ctrl-C: drain and end").style(Style::new().fg(Color::DarkGray)), foot);
}

fn render_lanes(frame: &mut Frame<'_>, board: &Board, area: Rect) {
    // Borders above and below, and the header.
    let room = usize::from(area.height.saturating_sub(3));
    let hidden = if board.lanes.len() > room { board.lanes.len() - room.saturating_sub(1) } else { 0 };
    let shown = board.lanes.iter().take(board.lanes.len() - hidden);
    let columns = columns::fit(board, usize::from(area.width.saturating_sub(2)));
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let header = Row::new(columns.iter().map(|(column, _)| column.title())).style(bold);
    let row = |(id, row): (&LaneId, &board::Row)| {
        Row::new(columns.iter().map(|(column, width)| {
            let style = if *column == Column::Phase { Style::new().fg(color(row.phase)) } else { Style::new() };
            Cell::from(Span::styled(columns::cut_inside(&column.cell(id, row), *width), style))
        }))
    };
    let widths = columns.iter().map(|(_, width)| Constraint::Length(u16::try_from(*width).unwrap_or(u16::MAX)));
    let table = ratatui::widgets::Table::new(shown.map(row), widths).header(header);
    frame.render_widget(table.block(Block::bordered().title(" bulkhead up ")), area);
    if hidden > 0 && area.height > 3 {
        let place = Rect { x: area.x + 1, y: area.bottom() - 2, width: area.width.saturating_sub(2), height: 1 };
        frame.render_widget(Line::from(format!("+{hidden} more")), place.intersection(frame.area()));
    }
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
        if row.more_findings() > 0 {
            lines.push(Event::more(id, row.more_findings(), row.addresses).to_string());
        }
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
    use crate::up::listen::Addresses;
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
    fn no_size_cuts_an_address_and_what_does_not_fit_is_counted() {
        let mut board = board();
        let (id, mut row) = board.lanes.pop_first().unwrap();
        row.seen.obstacle.clear();
        row.addresses = Some(Addresses {
            http: "127.0.0.1:8080".parse().unwrap(),
            https: "127.0.0.1:8180".parse().unwrap(),
            admin: "127.0.0.1:8280".parse().unwrap(),
        });
        for number in 0..6 {
            let name = format!("a-rather-long-name-of-an-instance-{number}");
            let instance = InstanceName { name, ..id.instance.clone() };
            board.lanes.insert(LaneId { instance, ..id }, row.clone());
        }
        for (width, height, more) in [(140, 40, false), (80, 24, false), (60, 14, false), (60, 10, true)] {
            let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
            let attempts = vec!["curl http://127.0.0.1:8080/".to_owned(); 6];
            terminal.draw(|frame| render(frame, &board, &[], &attempts)).unwrap();
            let screen = terminal.backend().to_string();
            let rows = if more { 5 } else { 6 };
            let listed = screen.lines().filter(|line| line.contains("127.0.0.1:8080") && line.contains("northSouth"));
            assert_eq!(listed.count(), rows.min(usize::from(height) - 6), "{screen}");
            assert_eq!(screen.contains("more"), more, "{screen}");
            assert_eq!(screen.contains("127.0.0.1:8280"), width == 140, "{screen}");
            assert_eq!(screen.contains('…'), width < 140, "{screen}");
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
