//! What looks through a path for all expressions of a host at once.

use std::panic::{RefUnwindSafe, UnwindSafe};

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::pikevm::PikeVM;
use regex_automata::util::pool::Pool;
use regex_automata::{Anchored, Input, MatchKind};

use super::{Costly, MAX_HOST_BYTES, MAX_STEPS, compile};

/// What an automaton remembers beyond what it must, for each thread, in bytes: some hundred states, which are what the paths of a site
/// come by, and for each byte that was compiled as much as is seen when every expression is in use.
const KEPT_BYTES: usize = 256 << 10;
/// See [`KEPT_BYTES`].
const KEPT_FACTOR: usize = 4;
/// Most that is remembered so, for each thread, in bytes.
const MAX_KEPT_BYTES: usize = 8 << 20;
/// How often an automaton may forget everything before it is asked whether it gets on.
const CLEARS: usize = 1;
/// It gets on if it reads this many bytes by each state that it makes.
const BYTES_PER_STATE: usize = 10;

type Make = Box<dyn Fn() -> Cache + Send + Sync + UnwindSafe + RefUnwindSafe>;

/// An automaton that makes its states as it comes by them. Where they become too many, each step is taken by itself, as long as there
/// are not too many of those either.
#[derive(Debug)]
pub(super) struct Engine {
    dfa: DFA,
    pike: PikeVM,
    caches: Pool<Cache, Make>,
}

impl Engine {
    /// `None`: it would be too large.
    pub(super) fn new(texts: &[String]) -> Option<Self> {
        let nfa = compile(texts, 2 * MAX_HOST_BYTES).ok()?;
        let least = DFA::config().get_minimum_cache_capacity(&nfa).ok()?;
        let kept = nfa.memory_usage().saturating_mul(KEPT_FACTOR).saturating_add(KEPT_BYTES).min(MAX_KEPT_BYTES);
        let config = DFA::config()
            .match_kind(MatchKind::LeftmostFirst)
            .cache_capacity(least.saturating_add(kept))
            .minimum_cache_clear_count(Some(CLEARS))
            .minimum_bytes_per_state(Some(BYTES_PER_STATE));
        let dfa = DFA::builder().configure(config).build_from_nfa(nfa.clone()).ok()?;
        let pike = PikeVM::builder().build_from_nfa(nfa).ok()?;
        let same = dfa.clone();
        let make: Make = Box::new(move || same.create_cache());
        Some(Self { dfa, pike, caches: Pool::new(make) })
    }

    /// The place of the first expression that matches at the beginning of `path`.
    pub(super) fn find(&self, path: &[u8]) -> Result<Option<usize>, Costly> {
        let input = Input::new(path).anchored(Anchored::Yes);
        match self.dfa.try_search_fwd(&mut self.caches.get(), &input) {
            Ok(found) => Ok(found.map(|found| found.pattern().as_usize())),
            Err(_) => self.step(&input),
        }
    }

    fn step(&self, input: &Input<'_>) -> Result<Option<usize>, Costly> {
        let states = self.pike.get_nfa().states().len();
        if states.saturating_mul(input.haystack().len()) > MAX_STEPS {
            return Err(Costly);
        }
        let found = self.pike.search_slots(&mut self.pike.create_cache(), input, &mut []);
        Ok(found.map(|found| found.as_usize()))
    }
}
