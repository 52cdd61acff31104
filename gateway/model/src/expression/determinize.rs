//! How some machines that are in many states at once become one that is in one: by trying every byte in every state.
//!
//! Only what an anchored search needs is kept: which is the first of the expressions that matches any beginning of the path. So where
//! one has matched, those behind it are forgotten, and nobody asks how much of the path it was. Every step is counted: who writes an
//! expression decides neither on memory nor on time.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use regex_automata::nfa::thompson::{NFA, State};
use regex_automata::util::primitives::StateID;

use super::automaton::{NONE, Step, Table, TooLarge};
use super::nfa::{Side, holds};

/// Most states of all machines together: what is written down of each is a few bytes.
const MAX_NFA_STATES: usize = 1 << 18;

/// What may be spent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// On what is kept, in bytes.
    pub(super) bytes: usize,
    /// A state of a machine that is looked at, or a class of bytes that leads out of one.
    pub(super) steps: usize,
}

/// A state of one of the machines. Those of expressions that are asked first are smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Node {
    expression: u16,
    state: StateID,
}

/// A state of what is made: where all the machines are, none of them having looked any further yet, and what was found before.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    before: Side,
    found: u16,
    nodes: Box<[Node]>,
}

/// The machines in `nfas` as one; the first is asked first.
pub(super) fn determinize(nfas: &[NFA], budget: Budget) -> Result<Table, TooLarge> {
    let mut work = Work::new(nfas, budget.steps)?;
    let nodes =
        nfas.iter().zip(0..).map(|(nfa, expression)| Node { expression, state: nfa.start_anchored() }).collect();
    work.place(Key { before: Side::Edge, found: NONE, nodes });
    let mut table = Table::new(work.classes.of.clone());
    while let Some(key) = work.waiting.pop_front() {
        let (steps, end) = work.explore(&key)?;
        table.push(&steps, end);
        if table.size() > budget.bytes {
            return Err(TooLarge);
        }
    }
    table.shrink();
    Ok(table)
}

struct Work<'n> {
    nfas: &'n [NFA],
    classes: Classes,
    /// Some machine looks around: what follows a place matters there.
    looks: bool,
    known: HashMap<Rc<Key>, u32>,
    waiting: VecDeque<Rc<Key>>,
    /// By machine, where its states begin in `seen`.
    offsets: Vec<usize>,
    /// In which round a state was last seen.
    seen: Vec<u32>,
    round: u32,
    steps: usize,
    stack: Vec<Node>,
    /// By class, where it leads.
    buckets: Vec<Vec<Node>>,
}

impl<'n> Work<'n> {
    fn new(nfas: &'n [NFA], steps: usize) -> Result<Self, TooLarge> {
        let mut offsets = Vec::with_capacity(nfas.len());
        let mut states = 0_usize;
        for nfa in nfas {
            offsets.push(states);
            states += nfa.states().len();
        }
        if states > MAX_NFA_STATES {
            return Err(TooLarge);
        }
        let classes = Classes::of(nfas);
        let buckets = vec![Vec::new(); classes.sides.len()];
        Ok(Self {
            nfas,
            classes,
            looks: nfas.iter().any(|nfa| !nfa.look_set_any().is_empty()),
            known: HashMap::new(),
            waiting: VecDeque::new(),
            offsets,
            seen: vec![0; states],
            round: 0,
            steps: steps.checked_sub(states).ok_or(TooLarge)?,
            stack: Vec::new(),
            buckets,
        })
    }

    /// Where each class leads from a state, and what is found if the path ends there.
    fn explore(&mut self, key: &Key) -> Result<(Vec<Step>, u16), TooLarge> {
        let classes = self.classes.sides.len();
        let mut steps = vec![Step::Found(NONE); classes];
        let mut end = None;
        let sides: &[Side] = if self.classes.words { &[Side::Word, Side::Other] } else { &[Side::Other] };
        for after in sides {
            let (leaving, found) = self.close(key, *after)?;
            end = Some(found).filter(|_| !self.looks);
            self.spread(&leaving)?;
            let mut last: Option<(usize, Step)> = None;
            for class in 0..classes {
                if self.classes.words && self.classes.sides.get(class) != Some(after) {
                    self.buckets.get_mut(class).map(Vec::clear);
                    continue;
                }
                let step = self.step(class, found, last)?;
                last = Some((class, step));
                if let Some(slot) = steps.get_mut(class) {
                    *slot = step;
                }
            }
            for bucket in &mut self.buckets {
                bucket.clear();
            }
        }
        let end = match end {
            Some(found) => found,
            None => self.close(key, Side::Edge)?.1,
        };
        Ok((steps, end))
    }

    /// Where one class leads, given where the class before it does: neighbours mostly lead to the same place.
    fn step(&mut self, class: usize, found: u16, last: Option<(usize, Step)>) -> Result<Step, TooLarge> {
        if let Some(bucket) = self.buckets.get_mut(class) {
            bucket.sort_unstable();
            bucket.dedup();
        }
        let bucket = self.buckets.get(class).map(Vec::as_slice).unwrap_or_default();
        if bucket.is_empty() {
            return Ok(Step::Found(found));
        }
        if let Some((before, step)) = last
            && self.buckets.get(before).is_some_and(|other| other == bucket)
            && self.classes.sides.get(before) == self.classes.sides.get(class)
        {
            return Ok(step);
        }
        self.steps = self.steps.checked_sub(bucket.len()).ok_or(TooLarge)?;
        let before = if self.classes.words { self.classes.sides.get(class).copied() } else { None };
        let key = Key { before: before.unwrap_or(Side::Other), found, nodes: bucket.into() };
        Ok(Step::State(self.place(key)))
    }

    /// The number of a state; one that is new waits to be explored.
    fn place(&mut self, key: Key) -> u32 {
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let (number, key) = (u32::try_from(self.known.len()).unwrap_or(u32::MAX), Rc::new(key));
        self.known.insert(Rc::clone(&key), number);
        self.waiting.push_back(key);
        number
    }

    /// All states that can be reached without a byte, of which a byte leads further; and the first expression that has matched by then.
    fn close(&mut self, key: &Key, after: Side) -> Result<(Vec<Node>, u16), TooLarge> {
        self.round += 1;
        let (mut leaving, mut found) = (Vec::new(), key.found);
        self.stack.clear();
        self.stack.extend(key.nodes.iter().rev());
        while let Some(node) = self.stack.pop() {
            let Node { expression, state } = node;
            let at = usize::from(expression);
            let (Some(nfa), Some(offset)) = (self.nfas.get(at), self.offsets.get(at)) else { return Err(TooLarge) };
            let Some(seen) = self.seen.get_mut(offset + state.as_usize()) else { return Err(TooLarge) };
            if std::mem::replace(seen, self.round) == self.round || expression >= found {
                continue;
            }
            self.steps = self.steps.checked_sub(1).ok_or(TooLarge)?;
            let to = |state: &StateID| Node { expression, state: *state };
            match nfa.state(state) {
                State::ByteRange { .. } | State::Sparse(_) | State::Dense(_) => leaving.push(node),
                State::Union { alternates } => self.stack.extend(alternates.iter().map(to)),
                State::BinaryUnion { alt1, alt2 } => self.stack.extend([to(alt1), to(alt2)]),
                State::Capture { next, .. } => self.stack.push(to(next)),
                State::Look { look, next } if holds(*look, key.before, after) => self.stack.push(to(next)),
                State::Look { .. } | State::Fail => {}
                State::Match { .. } => found = found.min(expression),
            }
        }
        leaving.retain(|node| node.expression < found);
        Ok((leaving, found))
    }

    /// Fills the buckets with where `leaving` lead.
    fn spread(&mut self, leaving: &[Node]) -> Result<(), TooLarge> {
        for Node { expression, state } in leaving {
            let Some(nfa) = self.nfas.get(usize::from(*expression)) else { return Err(TooLarge) };
            let mut lead = |start: u8, end: u8, next: StateID| {
                let classes = self.classes.range(start, end);
                self.steps = self.steps.checked_sub(classes.len()).ok_or(TooLarge)?;
                for bucket in self.buckets.get_mut(classes).into_iter().flatten() {
                    bucket.push(Node { expression: *expression, state: next });
                }
                Ok(())
            };
            match nfa.state(*state) {
                State::ByteRange { trans } => lead(trans.start, trans.end, trans.next)?,
                State::Sparse(all) => {
                    for trans in &all.transitions {
                        lead(trans.start, trans.end, trans.next)?;
                    }
                }
                State::Dense(all) => {
                    for (byte, next) in (0..=u8::MAX).zip(&all.transitions) {
                        lead(byte, byte, *next)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Bytes that no machine tells apart. Classes are in the order of bytes.
struct Classes {
    of: Box<[u8; 256]>,
    /// By class, what its bytes are.
    sides: Vec<Side>,
    /// Whether words are told from other bytes.
    words: bool,
}

impl Classes {
    fn of(nfas: &[NFA]) -> Self {
        let words = nfas.iter().any(|nfa| nfa.look_set_any().contains_word());
        // Where a class ends.
        let mut ends = [false; 256];
        let mut mark = |byte: u8| ends.get_mut(usize::from(byte)).into_iter().for_each(|end| *end = true);
        let mut ranges = |start: u8, end: u8| {
            start.checked_sub(1).into_iter().for_each(&mut mark);
            mark(end);
        };
        if words {
            for (start, end) in [(b'0', b'9'), (b'A', b'Z'), (b'_', b'_'), (b'a', b'z')] {
                ranges(start, end);
            }
        }
        for state in nfas.iter().flat_map(NFA::states) {
            match state {
                State::ByteRange { trans } => ranges(trans.start, trans.end),
                State::Sparse(all) => all.transitions.iter().for_each(|trans| ranges(trans.start, trans.end)),
                State::Dense(_) => (0..=u8::MAX).for_each(|byte| ranges(byte, byte)),
                _ => {}
            }
        }
        let (mut of, mut sides) = (Box::new([0; 256]), Vec::new());
        let mut begins = true;
        for ((byte, class), ends) in (0..=u8::MAX).zip(of.iter_mut()).zip(ends) {
            if begins {
                sides.push(Side::of(byte));
            }
            *class = u8::try_from(sides.len() - 1).unwrap_or(u8::MAX);
            begins = ends;
        }
        Self { of, sides, words }
    }

    /// The classes of some bytes.
    fn range(&self, start: u8, end: u8) -> std::ops::Range<usize> {
        let class = |byte: u8| self.of.get(usize::from(byte)).map_or(0, |class| usize::from(*class));
        class(start)..class(end) + 1
    }
}
