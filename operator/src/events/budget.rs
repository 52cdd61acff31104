//! How much may be told: so many at once, then one more after a while. Pure; the time is an argument.

use std::time::Duration;

use tokio::time::Instant;

/// How many at once, and the time after which there may be one more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    pub(super) burst: u32,
    pub(super) refill: Duration,
}

impl Rate {
    /// Most in any time of this length.
    #[cfg(test)]
    pub(super) fn most(self, within: Duration) -> usize {
        self.burst as usize + usize::try_from(within.as_millis() / self.refill.as_millis()).unwrap_or(usize::MAX)
    }
}

/// What is left of a [`Rate`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Budget {
    /// When all of it is there again.
    full: Option<Instant>,
}

impl Budget {
    /// Whether there is any left.
    pub(super) fn has_any(&self, rate: Rate, now: Instant) -> bool {
        self.after(rate, now).saturating_duration_since(now) <= rate.refill * rate.burst
    }

    pub(super) fn spend(&mut self, rate: Rate, now: Instant) {
        self.full = Some(self.after(rate, now));
    }

    pub(super) fn is_full(&self, now: Instant) -> bool {
        self.full.is_none_or(|full| full <= now)
    }

    fn after(&self, rate: Rate, now: Instant) -> Instant {
        self.full.map_or(now, |full| full.max(now)) + rate.refill
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_the_burst_at_once_and_then_one_after_each_refill() {
        let rate = Rate { burst: 3, refill: Duration::from_secs(10) };
        let (mut budget, start) = (Budget::default(), Instant::now());
        let mut spent = |at: Instant| {
            let mut count = 0;
            while budget.has_any(rate, at) {
                budget.spend(rate, at);
                count += 1;
            }
            count
        };
        assert_eq!(spent(start), 3);
        assert_eq!(spent(start + rate.refill / 2), 0);
        assert_eq!(spent(start + rate.refill), 1);
        assert_eq!(spent(start + rate.refill * 100), 3);
        assert_eq!(rate.most(rate.refill * 10), 13);
    }
}
