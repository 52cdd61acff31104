//! Numbers that need not be secret, only different.

use std::cell::Cell;
use std::hash::{BuildHasher, Hasher, RandomState};

/// One thread's source of numbers (SplitMix64: one multiplication less than a hash, and every number once in a period).
#[derive(Debug)]
pub(crate) struct Dice(Cell<u64>);

impl Default for Dice {
    /// Begins at another place in every thread and process, so that they do not march in step.
    fn default() -> Self {
        Self(Cell::new(RandomState::new().build_hasher().finish()))
    }
}

impl Dice {
    /// Any number.
    pub(crate) fn roll(&self) -> u64 {
        let state = self.0.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.0.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
