//! How often something may happen: so many times at once, and so many times a second for ever.

/// A bound on how often something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Most times at once.
    pub burst: u32,
    /// Times a second that are earned back.
    pub per_second: u32,
}

/// Thousandths of one time: what is earned in a millisecond is rarely a whole one.
const WHOLE: u64 = 1000;

/// What is left of a [`Budget`]. A full one at first.
#[derive(Clone, Copy, Debug)]
pub struct Purse {
    /// In thousandths.
    left: u64,
    /// Milliseconds on the caller's clock.
    at: u64,
}

impl Purse {
    /// Full, at `now` milliseconds on a clock that never goes back.
    #[must_use]
    pub const fn full(budget: Budget, now: u64) -> Self {
        Self { left: budget.burst as u64 * WHOLE, at: now }
    }

    /// Spends one; `false` when there is none left, which does not spend anything.
    pub fn spend(&mut self, budget: Budget, now: u64) -> bool {
        let earned = now.saturating_sub(self.at).saturating_mul(budget.per_second.into());
        let left = self.left.saturating_add(earned).min(u64::from(budget.burst) * WHOLE);
        (self.left, self.at) = (left, self.at.max(now));
        let affordable = left >= WHOLE;
        if affordable {
            self.left = left - WHOLE;
        }
        affordable
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BUDGET: Budget = Budget { burst: 3, per_second: 2 };

    #[test]
    fn a_burst_is_let_through_and_then_only_the_rate() {
        let mut purse = Purse::full(BUDGET, 1000);
        let spent: Vec<bool> = [1000, 1000, 1000, 1000, 1499, 1500, 1500, 1600, 2000, 9000, 9000, 9000, 9000]
            .map(|now| purse.spend(BUDGET, now))
            .to_vec();
        let (yes, no) = (true, false);
        assert_eq!(spent, [yes, yes, yes, no, no, yes, no, no, yes, yes, yes, yes, no]);
    }

    proptest! {
        #[test]
        fn never_more_than_burst_and_rate(
            burst in 0_u32..50,
            per_second in 0_u32..100,
            pauses in proptest::collection::vec(0_u64..200, 1..300),
        ) {
            let budget = Budget { burst, per_second };
            let (mut purse, mut now, mut spent) = (Purse::full(budget, 7), 7, 0_u64);
            for pause in pauses {
                now += pause;
                spent += u64::from(purse.spend(budget, now));
                prop_assert!(spent * 1000 <= u64::from(burst) * 1000 + (now - 7) * u64::from(per_second));
            }
        }
    }
}
