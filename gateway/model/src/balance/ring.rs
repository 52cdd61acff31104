//! Consistent hashing: endpoints own the arcs of a ring, and a key belongs to whoever owns the place it hashes to. An
//! endpoint that comes or goes takes or leaves its own arcs only.

use crate::index::hash;

/// Arcs of one endpoint. Its share of the ring is then within an eighth of what is due, one time in three beyond; what that
/// leaves uneven is levelled by the bound on loads.
const ARCS: u64 = 64;

/// The ends of arcs in order, each with its owner's place in the list.
#[derive(Debug, Default)]
pub(super) struct Ring(Box<[(u64, u32)]>);

impl Ring {
    /// The ring of the owners with these keys, in the order of the list they stand in.
    pub(super) fn new(keys: impl Iterator<Item = u64>) -> Self {
        let ends = keys.zip(0..).flat_map(|(key, at)| (0..ARCS).map(move |arc| (spread(key ^ spread(arc)), at)));
        let mut ends: Vec<_> = ends.collect();
        ends.sort_unstable();
        Self(ends.into())
    }

    /// Owners in the order in which they are to be asked for `key`: the one whose arc it is in, then those of the arcs that
    /// follow. Each comes up many times.
    pub(super) fn from(&self, key: u64) -> impl Iterator<Item = usize> {
        let first = self.0.partition_point(|(end, _)| *end < key);
        let (before, behind) = self.0.split_at_checked(first).unwrap_or_default();
        behind.iter().chain(before).map(|(_, at)| *at as usize)
    }
}

/// Where bytes belong on a ring. What clients choose goes in here: keys that meet in one place only burden that place up to
/// the bound on loads.
#[must_use]
pub fn key(bytes: &[u8]) -> u64 {
    spread(hash(bytes))
}

/// Spreads numbers that are close together or have few bits over all 64 bits (the finaliser of SplitMix64).
pub(super) const fn spread(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn owner(ring: &Ring, key: u64) -> usize {
        ring.from(key).next().unwrap()
    }

    #[test]
    fn an_empty_ring_has_no_owner() {
        assert!(Ring::new([].into_iter()).from(7).next().is_none());
    }

    proptest! {
        /// When one of n owners leaves, exactly its own keys move, and those are about K/n.
        #[test]
        fn about_one_nth_of_keys_moves_when_one_owner_leaves(count in 2_u64..24, leaves in 0_u64..24, seed: u64) {
            // So many that chance in the keys is small beside chance in the arcs.
            const KEYS: u64 = 8_000;
            let leaves = leaves % count;
            let names: Vec<u64> = (0..count).map(|n| key(&(seed ^ n).to_le_bytes())).collect();
            let rest: Vec<u64> = (0..count).filter(|n| *n != leaves).map(|n| names[n as usize]).collect();
            let (before, after) = (Ring::new(names.iter().copied()), Ring::new(rest.iter().copied()));
            let mut moved = 0;
            for n in 0..KEYS {
                let place = key(&n.to_le_bytes());
                let (old, new) = (names[owner(&before, place)], rest[owner(&after, place)]);
                if old != new {
                    prop_assert_eq!(old, names[leaves as usize], "only keys of the one that left move");
                    moved += 1;
                }
            }
            let due = KEYS / count;
            // An eighth is the standard deviation of a share: a quarter of it, or three times, is never seen.
            prop_assert!(moved * 4 > due && moved < due * 3, "{moved} of {KEYS} keys for one of {count}");
        }
    }
}
