//! How fast a response is sent: at once up to a number of bytes, and evenly from there on.

use std::num::NonZeroU64;
use std::time::Duration;

/// Longest pause between two pieces: clients, and all that stands before them, give up on what stands still for long.
const PAUSES_PER_SECOND: u64 = 4;

/// The rate of each response of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bandwidth {
    /// Bytes of content a second.
    pub rate: NonZeroU64,
    /// Bytes of content that are sent before as fast as they can be.
    pub after: u64,
}

impl Bandwidth {
    /// How many bytes may be sent next, when `sent` were before; at least one.
    #[must_use]
    pub fn piece(&self, sent: u64) -> usize {
        let free = self.after.saturating_sub(sent);
        let piece = if free > 0 { free } else { self.rate.get().div_ceil(PAUSES_PER_SECOND) };
        usize::try_from(piece).unwrap_or(usize::MAX)
    }

    /// How long after its begin a response may go on that has `sent` so many bytes.
    #[must_use]
    pub fn due(&self, sent: u64) -> Duration {
        let slow = u128::from(sent.saturating_sub(self.after));
        let nanos = slow * 1_000_000_000 / u128::from(self.rate.get());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_comes_first_is_free_and_the_rest_takes_its_time() {
        let bandwidth = Bandwidth { rate: NonZeroU64::new(1000).unwrap(), after: 300 };
        for (sent, piece, millis) in [(0, 300, 0), (299, 1, 0), (300, 250, 0), (550, 250, 250), (2300, 250, 2000)] {
            assert_eq!((bandwidth.piece(sent), bandwidth.due(sent)), (piece, Duration::from_millis(millis)), "{sent}");
        }
    }

    proptest! {
        /// However long a response is, it never pauses for longer than a quarter of a second and what rounding adds, and goes on.
        #[test]
        fn no_pause_is_long(rate in 1024_u64.., after: u64, sent in 0_u64..1 << 40) {
            let bandwidth = Bandwidth { rate: NonZeroU64::new(rate).unwrap(), after };
            let piece = bandwidth.piece(sent) as u64;
            prop_assert!(piece > 0);
            let pause = bandwidth.due(sent.saturating_add(piece)).saturating_sub(bandwidth.due(sent));
            prop_assert!(pause <= Duration::from_millis(251), "{pause:?}");
        }
    }
}
