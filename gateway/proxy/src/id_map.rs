//! Maps keyed by numbers of our own.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map from ids of backends or endpoints. Nobody outside chooses them, so that no secret is needed against made
/// collisions, and one multiplication spreads them.
pub(crate) type IdMap<V> = HashMap<u64, V, BuildHasherDefault<Spread>>;

/// Hashes one `u64`.
#[derive(Debug, Default)]
pub(crate) struct Spread(u64);

impl Hasher for Spread {
    fn write_u64(&mut self, id: u64) {
        /// 2^64 divided by the golden ratio: multiples of it are spread evenly over the top bits, which the map compares
        /// first, and odd, so that the low bits differ as the ids do.
        const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
        self.0 = id.wrapping_mul(FACTOR);
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(self.0.rotate_left(8) ^ u64::from(byte));
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
