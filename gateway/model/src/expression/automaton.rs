//! Some expressions in one machine that is in one state at a time: a byte of a path is one step, whatever they are.
//!
//! It is made in full before any request comes, so that neither its memory nor what a path costs is up to who asks.

use std::sync::Arc;

use super::determinize::{Budget, determinize};
use super::nfa::compile;
use super::{Costly, PathExpression};

/// Most that one automaton takes, in bytes: some thousand paths, and still what a processor has near at hand.
const MAX_BYTES: usize = 1 << 20;
/// How much more an automaton may take than its expressions one by one. What matches in parallel multiplies.
const MAX_GROWTH: usize = 8;
/// Most steps to make an automaton: some ten milliseconds.
const MAX_STEPS: usize = 4 << 20;

/// Where a path leads that is over, or can match nothing more; the lower bits say which expression is found.
const LAST: u32 = 1 << 31;
/// Where a path leads that is over, and nothing is found.
const NOTHING: u32 = LAST | NONE as u32;
/// No expression.
pub(super) const NONE: u16 = u16::MAX;

/// Some expressions, looked for at once.
#[derive(Debug)]
pub struct Automaton {
    /// In the order in which they were given.
    expressions: Box<[Arc<PathExpression>]>,
    /// Which of them each that is found is.
    order: Box<[u16]>,
    table: Table,
}

/// More than an automaton may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

impl Automaton {
    /// Looks for all of `expressions`; none of them is a plain text.
    pub(super) fn new(expressions: &[Arc<PathExpression>]) -> Result<Self, TooLarge> {
        let alone: usize = expressions.iter().map(|expression| expression.alone).sum();
        let budget = Budget { bytes: alone.saturating_mul(MAX_GROWTH).min(MAX_BYTES), steps: MAX_STEPS };
        let mut order: Vec<u16> = (0..u16::try_from(expressions.len()).map_err(|_| TooLarge)?).collect();
        let rank =
            |at: &u16| expressions.get(usize::from(*at)).map(|expression| super::set::rank(expression.written()));
        order.sort_by(|a, b| rank(a).cmp(&rank(b)));
        let in_order = order.iter().filter_map(|at| expressions.get(usize::from(*at)));
        let nfas = in_order.map(|expression| expression.nfa()).collect::<Result<Vec<_>, _>>().map_err(|_| TooLarge)?;
        let table = determinize(&nfas, budget)?;
        Ok(Self { expressions: expressions.into(), order: order.into(), table })
    }

    /// The expressions, the one first that is asked first.
    pub(super) fn ranked(&self) -> impl Iterator<Item = &Arc<PathExpression>> {
        self.order.iter().filter_map(|at| self.expressions.get(usize::from(*at)))
    }

    /// The place, in [`Self::ranked`], of the first one that matches at the beginning of `path`. Takes a step of what is `left` for
    /// each byte that it looks at.
    pub(super) fn find(&self, path: &[u8], left: &mut usize) -> Result<Option<usize>, Costly> {
        self.table.find(path, left)
    }

    /// What it takes, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.table.size()
    }
}

/// What an expression takes alone, in bytes.
pub(super) fn size_alone(text: &str, budget: Budget) -> Result<usize, super::BadExpression> {
    let nfa = compile(text, false)?;
    determinize(&[nfa], budget).map(|table| table.size()).map_err(|TooLarge| super::BadExpression::Wide)
}

/// States and where they lead.
#[derive(Debug)]
pub(super) struct Table {
    /// Bytes of one class are never told apart.
    pub(super) classes: Box<[u8; 256]>,
    rows: Vec<Row>,
    /// Of rows that are written out: a target for each class. Of others: of the classes that do not lead where most do.
    targets: Vec<u32>,
    /// The classes of the latter.
    keys: Vec<u8>,
}

/// A state.
#[derive(Clone, Copy, Debug)]
struct Row {
    most: u32,
    targets: u32,
    keys: u32,
    /// How many classes do not lead where most do; [`Row::DENSE`]: all are written out.
    others: u8,
    /// What is found if the path ends here.
    end: u16,
}

impl Row {
    const DENSE: u8 = u8::MAX;
    /// Most classes that are looked through one by one.
    const MAX_OTHERS: usize = 6;
}

/// Where a byte leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    State(u32),
    /// Nothing more matches; this was found.
    Found(u16),
}

impl Step {
    fn encode(self) -> u32 {
        match self {
            Self::State(state) => state,
            Self::Found(place) => LAST | u32::from(place),
        }
    }
}

impl Table {
    pub(super) const fn new(classes: Box<[u8; 256]>) -> Self {
        Self { classes, rows: Vec::new(), targets: Vec::new(), keys: Vec::new() }
    }

    /// Adds the next state: where each class leads, and what is found if the path ends.
    pub(super) fn push(&mut self, steps: &[Step], end: u16) {
        let offset = |list: usize| u32::try_from(list).unwrap_or(u32::MAX);
        let (targets, keys) = (offset(self.targets.len()), offset(self.keys.len()));
        let most = majority(steps);
        let others = steps.iter().enumerate().filter(|(_, step)| **step != most);
        let count = others.clone().count();
        if count > Row::MAX_OTHERS {
            self.targets.extend(steps.iter().map(|step| step.encode()));
            self.rows.push(Row { most: most.encode(), targets, keys, others: Row::DENSE, end });
            return;
        }
        for (class, step) in others {
            self.keys.extend(u8::try_from(class));
            self.targets.push(step.encode());
        }
        let others = u8::try_from(count).unwrap_or(Row::DENSE);
        self.rows.push(Row { most: most.encode(), targets, keys, others, end });
    }

    /// What is found in `path`.
    fn find(&self, path: &[u8], left: &mut usize) -> Result<Option<usize>, Costly> {
        let mut row = self.rows.first();
        let (near, far) = path.split_at_checked(*left).unwrap_or((path, b""));
        for byte in near {
            *left -= 1;
            let class = self.classes.get(usize::from(*byte)).copied().unwrap_or_default();
            let target = row.map_or(NOTHING, |row| self.step(row, class));
            if target & LAST != 0 {
                return Ok(place((target & u32::from(u16::MAX)) as u16));
            }
            row = self.rows.get(target as usize);
        }
        if far.is_empty() { Ok(row.and_then(|row| place(row.end))) } else { Err(Costly) }
    }

    fn step(&self, row: &Row, class: u8) -> u32 {
        let at = row.targets as usize;
        if row.others == Row::DENSE {
            return self.targets.get(at + usize::from(class)).copied().unwrap_or(row.most);
        }
        let keys = self.keys.get(row.keys as usize..row.keys as usize + usize::from(row.others)).unwrap_or_default();
        let other = keys.iter().position(|key| *key == class).and_then(|other| self.targets.get(at + other));
        other.copied().unwrap_or(row.most)
    }

    /// What it takes, in bytes.
    pub(super) fn size(&self) -> usize {
        let rows = size_of::<Row>() * self.rows.len();
        size_of::<Self>() + size_of::<[u8; 256]>() + rows + size_of::<u32>() * self.targets.len() + self.keys.len()
    }

    pub(super) fn shrink(&mut self) {
        self.rows.shrink_to_fit();
        self.targets.shrink_to_fit();
        self.keys.shrink_to_fit();
    }
}

fn place(found: u16) -> Option<usize> {
    (found != NONE).then_some(usize::from(found))
}

/// Where more than half of the classes lead, if that is so (the vote of Boyer and Moore).
fn majority(steps: &[Step]) -> Step {
    let (mut most, mut ahead) = (Step::Found(NONE), 0_usize);
    for step in steps {
        match (ahead, *step == most) {
            (0, _) => (most, ahead) = (*step, 1),
            (_, true) => ahead += 1,
            (_, false) => ahead -= 1,
        }
    }
    most
}
