//! What the groups of an expression have matched of a path.

use std::ops::Range;

use regex_automata::nfa::thompson::{NFA, State};
use regex_automata::util::primitives::StateID;

use super::Costly;
use super::nfa::{Side, holds};
use crate::limits;

/// Groups that a target can name, and the whole.
const GROUPS: usize = 10;
/// Most states of an expression times bytes of a path: what was tried is written down, a bit for each.
const MAX_TRIES: usize = 4 << 20;
/// Most that is tried.
const MAX_STEPS: usize = limits::EXPRESSION_TRIES.size();

/// What each group has matched. The whole is the group 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Groups([(Option<usize>, Option<usize>); GROUPS]);

impl Groups {
    /// Where in the path a group has matched.
    pub(crate) fn get(&self, group: usize) -> Option<Range<usize>> {
        let (start, end) = self.0.get(group)?;
        Some((*start)?..(*end)?)
    }
}

/// What is to be done yet.
enum Job {
    Try(StateID, usize),
    /// What was tried with another end of a group has failed.
    Restore(usize, bool, Option<usize>),
}

/// What the groups of `nfa` match at the beginning of `path`, by trying: what is written first comes first, and nothing is tried twice.
pub(super) fn find(nfa: &NFA, path: &[u8]) -> Result<Option<Groups>, Costly> {
    let tries = nfa.states().len().saturating_mul(path.len() + 1);
    if tries > MAX_TRIES {
        return Err(Costly);
    }
    let mut search =
        Search { nfa, path, tried: vec![0; tries.div_ceil(64)], groups: Groups::default(), left: MAX_STEPS };
    let mut jobs = vec![Job::Try(nfa.start_anchored(), 0)];
    while let Some(job) = jobs.pop() {
        match job {
            Job::Restore(group, is_end, old) => search.set(group, is_end, old),
            Job::Try(state, at) => {
                if search.advance(state, at, &mut jobs)? {
                    return Ok(Some(search.groups));
                }
            }
        }
    }
    Ok(None)
}

struct Search<'s> {
    nfa: &'s NFA,
    path: &'s [u8],
    tried: Vec<u64>,
    groups: Groups,
    left: usize,
}

impl Search<'_> {
    /// Goes on from a state until it matches, which it returns, or can go no further.
    fn advance(&mut self, mut state: StateID, mut at: usize, jobs: &mut Vec<Job>) -> Result<bool, Costly> {
        loop {
            if !self.is_first(state, at) {
                return Ok(false);
            }
            self.left = self.left.checked_sub(1).ok_or(Costly)?;
            let byte = self.path.get(at);
            let next = match self.nfa.state(state) {
                State::ByteRange { trans } => byte.filter(|byte| trans.matches_byte(**byte)).map(|_| trans.next),
                State::Sparse(all) => byte.and_then(|byte| all.matches_byte(*byte)),
                State::Dense(all) => byte.and_then(|byte| all.matches_byte(*byte)),
                other => {
                    let Some(next) = self.free(other, at, jobs) else {
                        return Ok(matches!(other, State::Match { .. }));
                    };
                    state = next;
                    continue;
                }
            };
            let Some(next) = next else { return Ok(false) };
            (state, at) = (next, at + 1);
        }
    }

    /// Where a state leads without a byte.
    fn free(&mut self, state: &State, at: usize, jobs: &mut Vec<Job>) -> Option<StateID> {
        match state {
            State::Look { look, next } => {
                let side = |byte: Option<&u8>| byte.map_or(Side::Edge, |byte| Side::of(*byte));
                let before = at.checked_sub(1).and_then(|before| self.path.get(before));
                holds(*look, side(before), side(self.path.get(at))).then_some(*next)
            }
            State::Union { alternates } => {
                let (first, rest) = alternates.split_first()?;
                jobs.extend(rest.iter().rev().map(|state| Job::Try(*state, at)));
                Some(*first)
            }
            State::BinaryUnion { alt1, alt2 } => {
                jobs.push(Job::Try(*alt2, at));
                Some(*alt1)
            }
            State::Capture { next, group_index, slot, .. } => {
                let (group, is_end) = (group_index.as_usize(), slot.as_usize() % 2 == 1);
                if let Some((start, end)) = self.groups.0.get(group) {
                    jobs.push(Job::Restore(group, is_end, if is_end { *end } else { *start }));
                    self.set(group, is_end, Some(at));
                }
                Some(*next)
            }
            _ => None,
        }
    }

    fn set(&mut self, group: usize, is_end: bool, at: Option<usize>) {
        if let Some((start, end)) = self.groups.0.get_mut(group) {
            *(if is_end { end } else { start }) = at;
        }
    }

    /// Whether this has not been tried yet.
    fn is_first(&mut self, state: StateID, at: usize) -> bool {
        let place = state.as_usize() * (self.path.len() + 1) + at;
        let Some(word) = self.tried.get_mut(place / 64) else { return false };
        let bit = 1_u64 << (place % 64);
        let is_first = *word & bit == 0;
        *word |= bit;
        is_first
    }
}
