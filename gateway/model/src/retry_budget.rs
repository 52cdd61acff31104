//! How many requests may be sent again. Where a backend fails as a whole, trying again only multiplies its load: so second
//! tries are paid for by first ones.

use crate::moment::Moment;

/// One try, in the unit in which budgets are kept: a millionth, so that neither a request nor a microsecond is worth nothing.
const TRY: u64 = 1_000_000;
/// What one request earns: a fifth of a try.
const PER_REQUEST: u64 = TRY / 5;
/// What one microsecond earns: ten tries a second, so that a backend that is seldom asked can be tried again at all.
const PER_MICROSECOND: u64 = 10;
/// Most that is saved up: what ten seconds earn. A shortage longer ago says nothing about now.
const MOST: u64 = 10 * 1_000_000 * PER_MICROSECOND;

/// The budget of one backend on one of a process's threads, which share what time earns evenly.
///
/// Law: of any requests and tries from its beginning to a moment, tries ≤ 20 % of requests + this thread's share of
/// (100 + 10 a second), but at least one.
#[derive(Debug)]
pub struct RetryBudget {
    balance: u64,
    at: Moment,
    threads: u64,
}

impl RetryBudget {
    /// A full budget.
    #[must_use]
    pub fn new(threads: usize, now: Moment) -> Self {
        let mut budget = Self { balance: 0, at: now, threads: (threads as u64).max(1) };
        budget.balance = budget.most();
        budget
    }

    /// Earns what a request earns.
    pub fn request(&mut self) {
        self.balance = (self.balance + PER_REQUEST).min(self.most());
    }

    /// Takes one try, if there is one.
    pub fn take(&mut self, now: Moment) -> bool {
        let earned = now.since(self.at).saturating_mul(PER_MICROSECOND) / self.threads;
        self.balance = self.balance.saturating_add(earned).min(self.most());
        self.at = self.at.max(now);
        match self.balance.checked_sub(TRY) {
            Some(rest) => {
                self.balance = rest;
                true
            }
            None => false,
        }
    }

    /// However many threads there are, each may try again once.
    fn most(&self) -> u64 {
        (MOST / self.threads).max(TRY)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_backend_that_is_seldom_asked_can_be_tried_again_ten_times_a_second() {
        let mut budget = RetryBudget::new(1, Moment::default());
        while budget.take(Moment::default()) {}
        for second in 1..5 {
            let now = Moment::from_micros(second * 1_000_000);
            assert_eq!((0..100).filter(|_| budget.take(now)).count(), 10);
        }
    }

    proptest! {
        /// The law, for any sequence of requests, tries and pauses on any number of threads.
        #[test]
        fn tries_never_exceed_the_law(
            threads in 1_usize..200,
            steps in prop::collection::vec((0_u32..40, 0_u32..40, 0_u64..3_000_000), 1..60),
        ) {
            let mut budget = RetryBudget::new(threads, Moment::default());
            let (mut requests, mut tries, mut now) = (0_f64, 0_f64, 0_u64);
            for (asks, wants, pause) in steps {
                (0..asks).for_each(|_| budget.request());
                requests += f64::from(asks);
                now += pause;
                tries += (0..wants).filter(|_| budget.take(Moment::from_micros(now))).count() as f64;
                let share = (100_f64 / threads as f64).max(1.0) + now as f64 / 1e5 / threads as f64;
                prop_assert!(tries <= requests / 5.0 + share + 1e-3, "{tries} tries after {requests} requests");
            }
        }

        /// As long as no more than a fifth of requests is tried again, none is refused.
        #[test]
        fn a_fifth_of_all_requests_can_always_be_tried_again(rounds in 1_usize..2000) {
            let mut budget = RetryBudget::new(1, Moment::default());
            for _ in 0..rounds {
                (0..5).for_each(|_| budget.request());
                prop_assert!(budget.take(Moment::default()));
            }
        }
    }
}
