//! What looks through a path for all expressions of a host at once.

use std::panic::{RefUnwindSafe, UnwindSafe};

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::util::pool::Pool;
use regex_automata::{Anchored, Input, MatchKind};

use super::{Costly, MAX_HOST_BYTES, compile};

/// What an automaton remembers beyond what it must, for each thread, in bytes: some hundred states, which are what the paths of a site
/// come by, and for each byte that was compiled as much as is seen when every expression is in use.
const KEPT_BYTES: usize = 256 << 10;
/// See [`KEPT_BYTES`].
const KEPT_FACTOR: usize = 4;
/// Most that is remembered so, for each thread, in bytes.
const MAX_KEPT_BYTES: usize = 8 << 20;
/// Most that is remembered anew for one path, in bytes. Each byte is a state of an expression that the path could be in, so this is some
/// hundredths of a second.
const MAX_MADE_BYTES: usize = 4 << 20;

type Make = Box<dyn Fn() -> Cache + Send + Sync + UnwindSafe + RefUnwindSafe>;

/// An automaton that makes its states as it comes by them.
#[derive(Debug)]
pub(super) struct Engine {
    dfa: DFA,
    caches: Pool<Cache, Make>,
}

impl Engine {
    /// `None`: it would be too large.
    pub(super) fn new(texts: &[String]) -> Option<Self> {
        let nfa = compile(texts, 2 * MAX_HOST_BYTES).ok()?;
        let least = DFA::config().get_minimum_cache_capacity(&nfa).ok()?;
        let kept = nfa.memory_usage().saturating_mul(KEPT_FACTOR).saturating_add(KEPT_BYTES).min(MAX_KEPT_BYTES);
        let config = DFA::config().match_kind(MatchKind::LeftmostFirst).cache_capacity(least.saturating_add(kept));
        let dfa = DFA::builder().configure(config).build_from_nfa(nfa).ok()?;
        let same = dfa.clone();
        let make: Make = Box::new(move || same.create_cache());
        Some(Self { dfa, caches: Pool::new(make) })
    }

    /// The place of the first expression that matches at the beginning of `path`.
    pub(super) fn find(&self, path: &[u8]) -> Result<Option<usize>, Costly> {
        let (dfa, cache) = (&self.dfa, &mut *self.caches.get());
        let input = Input::new(path).anchored(Anchored::Yes);
        let mut state = dfa.start_state_forward(cache, &input).map_err(|_| Costly)?;
        let (mut found, mut made, mut size) = (None, 0_usize, cache.memory_usage());
        for byte in path {
            state = dfa.next_state(cache, state, *byte).map_err(|_| Costly)?;
            if state.is_match() {
                found = Some(dfa.match_pattern(cache, state, 0).as_usize());
            } else if state.is_dead() {
                return Ok(found);
            } else if state.is_quit() {
                return Err(Costly);
            }
            // What comes by states that are known makes none.
            let now = cache.memory_usage();
            made = made.saturating_add(now.saturating_sub(std::mem::replace(&mut size, now)));
            if made > MAX_MADE_BYTES {
                return Err(Costly);
            }
        }
        // A match is told one step late.
        let end = dfa.next_eoi_state(cache, state).map_err(|_| Costly)?;
        Ok(if end.is_match() { Some(dfa.match_pattern(cache, end, 0).as_usize()) } else { found })
    }
}
