//! Which columns the table of lanes has, and how wide they are.

use crate::name::LaneId;
use crate::table::printable;
use crate::up::board::{Board, Row};

/// Columns between two columns.
const GAP: usize = 1;
/// Narrower than this, names of instances look alike.
const SHORTEST_INSTANCE: usize = 12;

/// A column, from left to right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Instance,
    Lane,
    Class,
    Phase,
    Address,
    Tls,
    Admin,
    Pid,
    Routes,
    Findings,
}

use Column::{Address, Admin, Class, Findings, Instance, Lane, Phase, Pid, Routes, Tls};

const ALL: [Column; 10] = [Instance, Lane, Class, Phase, Address, Tls, Admin, Pid, Routes, Findings];
/// What is left out before the name of an instance is cut, the first first.
const SPARE: [Column; 4] = [Pid, Admin, Tls, Class];
/// What is left out after that. Instance, lane and address are always there.
const LAST: [Column; 3] = [Routes, Findings, Phase];

impl Column {
    pub(super) const fn title(self) -> &'static str {
        match self {
            Instance => "INSTANCE",
            Lane => "LANE",
            Class => "CLASS",
            Phase => "PHASE",
            Address => "ADDRESS",
            Tls => "TLS",
            Admin => "ADMIN",
            Pid => "PID",
            Routes => "ROUTES",
            Findings => "FINDINGS",
        }
    }

    pub(super) fn cell(self, id: &LaneId, row: &Row) -> String {
        match self {
            Instance => id.instance.to_string(),
            Lane => id.lane.field().to_owned(),
            Class => printable(&row.class),
            Phase => row.phase.to_string(),
            Address => row.addresses.map(|addresses| addresses.http.to_string()).unwrap_or_default(),
            // The port alone: the address is the same.
            Tls => row.addresses.map(|addresses| format!(":{}", addresses.https.port())).unwrap_or_default(),
            Admin => row.addresses.map(|addresses| addresses.admin.to_string()).unwrap_or_default(),
            Pid => row.seen.pid.map(|pid| pid.to_string()).unwrap_or_default(),
            Routes => row.counts().map(|(_, routes, _)| routes.to_string()).unwrap_or_default(),
            Findings => match row.seen.report.as_ref().map(|report| (report.findings.errors, report.findings.warnings))
            {
                None => String::new(),
                Some((0, 0)) => "none".to_owned(),
                Some((errors, warnings)) => format!("{errors} err, {warnings} warn"),
            },
        }
    }
}

/// The columns that fit into `room`, with their widths. No cell is cut but the name of the instance.
pub(super) fn fit(board: &Board, room: usize) -> Vec<(Column, usize)> {
    let width = |column: Column| {
        let cells = board.lanes.iter().map(|(id, row)| column.cell(id, row).chars().count());
        cells.fold(column.title().len(), usize::max)
    };
    let mut columns: Vec<(Column, usize)> = ALL.map(|column| (column, width(column))).to_vec();
    for spare in SPARE {
        if total(&columns) > room {
            columns.retain(|(column, _)| *column != spare);
        }
    }
    shorten(&mut columns, room);
    for last in LAST {
        if total(&columns) > room {
            columns.retain(|(column, _)| *column != last);
            shorten(&mut columns, room);
        }
    }
    columns
}

fn total(columns: &[(Column, usize)]) -> usize {
    columns.iter().map(|(_, width)| width + GAP).sum::<usize>().saturating_sub(GAP)
}

/// Takes from the name of the instance what is too much.
fn shorten(columns: &mut [(Column, usize)], room: usize) {
    let excess = total(columns).saturating_sub(room);
    for (_, width) in columns.iter_mut().filter(|(column, _)| *column == Instance) {
        *width = width.saturating_sub(excess).max(SHORTEST_INSTANCE.min(*width));
    }
}

/// `text` in at most `width` characters, cut in the middle: names differ at their begin or at their end.
pub(super) fn cut_inside(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let tail = width.saturating_sub(1) / 2;
    let head = width.saturating_sub(1).saturating_sub(tail);
    text.chars().take(head).chain(['…']).chain(text.chars().skip(length.saturating_sub(tail))).collect()
}

/// `text` in at most `width` characters, with a mark where it was cut.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}
