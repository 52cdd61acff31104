//! Whether an endpoint is worth asking, as far as requests have shown: one that fails again and again is left out for a
//! while (outlier ejection), whatever routes lead to it.
//!
//! What counts as a failure is what befalls the connection: none came about, it broke, the answer was malformed or did not
//! come in time. What an application answers does not: a client could have others' endpoints ejected by asking for errors,
//! and whether an application can work is for its own readiness probe to say.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::backend::Endpoint;
use crate::moment::Moment;

/// Failures in a row that lead to an ejection: one bad answer is chance, five are not.
pub const FAILURES: u32 = 5;
/// How long the first ejection lasts; each further one lasts this much longer than the one before.
pub const EJECTION: Duration = Duration::from_secs(10);
/// Longest ejection, in multiples of [`EJECTION`]: an endpoint that was repaired is back in use after five minutes.
const LONGEST: u32 = 30;

/// What is known of one endpoint. Every thread reads it for each request and writes it only when something is wrong, so that the
/// line it lies in stays in every core's cache.
#[derive(Debug, Default)]
pub struct Health {
    /// Failures since the last success.
    failures: AtomicU32,
    /// Ejections that are not forgotten.
    ejections: AtomicU32,
    /// When the last ejection ends or ended, in microseconds; 0: none is remembered.
    until: AtomicU64,
}

impl Health {
    /// Whether it is left out at `now`.
    #[must_use]
    pub fn is_ejected(&self, now: Moment) -> bool {
        self.until.load(Ordering::Relaxed) > now.as_micros()
    }

    /// Whether there is nothing that a success could change.
    #[must_use]
    pub fn is_spotless(&self) -> bool {
        self.failures.load(Ordering::Relaxed) == 0 && self.until.load(Ordering::Relaxed) == 0
    }

    /// Notes that it has answered. One that has been in use for as long as its last ejection lasted is as good as new.
    pub fn succeeded(&self, now: Moment) {
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
        let until = self.until.load(Ordering::Relaxed);
        if until != 0 && now >= Moment::from_micros(until).after(length(self.ejections.load(Ordering::Relaxed))) {
            self.ejections.store(0, Ordering::Relaxed);
            self.until.store(0, Ordering::Relaxed);
        }
    }

    /// Notes a failure; whether there were enough of them in a row for an ejection.
    pub fn failed(&self) -> bool {
        self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1) >= FAILURES
    }

    fn eject(&self, now: Moment) {
        let ejections = self.ejections.load(Ordering::Relaxed).saturating_add(1).min(LONGEST);
        self.ejections.store(ejections, Ordering::Relaxed);
        self.until.store(now.after(length(ejections)).as_micros(), Ordering::Relaxed);
    }
}

fn length(ejections: u32) -> Duration {
    EJECTION.saturating_mul(ejections)
}

/// Lets one thread at a time eject an endpoint of a backend: two that count at the same moment would eject one too many. A
/// thread that finds it taken goes on without an ejection, and the next failure asks again; nobody ever waits.
#[derive(Debug, Default)]
pub struct Gate(AtomicBool);

impl Gate {
    /// Ejects `endpoint`, which has failed often enough, unless more than half of `list` would be out then. Says whether it
    /// did.
    pub fn eject(&self, list: &[Arc<Endpoint>], endpoint: &Endpoint, now: Moment) -> bool {
        if self.0.swap(true, Ordering::Acquire) {
            return false;
        }
        let is_listed = list.iter().any(|one| std::ptr::eq(&raw const **one, endpoint));
        let out = list.iter().filter(|one| one.health.is_ejected(now)).count();
        let ejects = is_listed && !endpoint.health.is_ejected(now) && (out + 1) * 2 <= list.len();
        if ejects {
            endpoint.health.eject(now);
        }
        self.0.store(false, Ordering::Release);
        ejects
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(seconds: u64) -> Moment {
        Moment::from_micros(seconds * 1_000_000)
    }

    fn endpoints(count: u16) -> Vec<Arc<Endpoint>> {
        (0..count).map(|n| Arc::new(Endpoint::new(u64::from(n), ([10, 0, 0, 1], n).into()))).collect()
    }

    /// What a data thread does after a failure.
    fn fail(gate: &Gate, list: &[Arc<Endpoint>], at: usize, now: Moment) -> bool {
        list[at].health.failed() && gate.eject(list, &list[at], now)
    }

    #[test]
    fn the_fifth_failure_in_a_row_ejects_and_a_success_between_starts_anew() {
        let (gate, list) = (Gate::default(), endpoints(2));
        let now = seconds(7);
        for _ in 0..4 {
            assert!(!fail(&gate, &list, 0, now));
        }
        list[0].health.succeeded(now);
        for _ in 0..4 {
            assert!(!fail(&gate, &list, 0, now));
        }
        assert!(fail(&gate, &list, 0, now));
        assert!(list[0].health.is_ejected(now) && !list[1].health.is_ejected(now));
    }

    #[test]
    fn each_ejection_is_longer_until_the_endpoint_has_proved_itself() {
        let (gate, list) = (Gate::default(), endpoints(2));
        let mut now = seconds(100);
        for _ in 0..4 {
            fail(&gate, &list, 0, now);
        }
        for n in 1..=40 {
            assert!(fail(&gate, &list, 0, now), "the {n}th ejection");
            let end = now.after(EJECTION * n.min(30));
            let last = Moment::from_micros(end.as_micros() - 1);
            assert!(list[0].health.is_ejected(last) && !list[0].health.is_ejected(end), "the {n}th ejection");
            now = end;
        }
        // A success right after it came back does not make up for forty ejections.
        list[0].health.succeeded(now);
        for _ in 0..5 {
            fail(&gate, &list, 0, now);
        }
        assert!(list[0].health.is_ejected(now.after(Duration::from_secs(299))));
        let later = now.after(Duration::from_secs(600));
        list[0].health.succeeded(later);
        for _ in 0..5 {
            fail(&gate, &list, 0, later);
        }
        assert!(!list[0].health.is_ejected(later.after(EJECTION)));
    }

    #[test]
    fn an_endpoint_that_was_taken_out_is_nobodys_to_eject() {
        let (gate, list) = (Gate::default(), endpoints(4));
        let gone = Endpoint::new(9, ([10, 0, 0, 9], 1).into());
        assert!(!gate.eject(&list, &gone, seconds(1)));
    }

    proptest! {
        /// Whatever fails in whatever order, at no time is more than half of the endpoints ejected.
        #[test]
        fn at_most_half_is_ever_ejected(
            count in 1_u16..12,
            events in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>(), 0_u64..4), 0..400),
        ) {
            let (gate, list) = (Gate::default(), endpoints(count));
            let mut now = 0;
            for (who, fails, pause) in events {
                now += pause;
                let at = who.index(list.len());
                if fails {
                    fail(&gate, &list, at, seconds(now));
                } else {
                    list[at].health.succeeded(seconds(now));
                }
                let out = list.iter().filter(|one| one.health.is_ejected(seconds(now))).count();
                prop_assert!(out * 2 <= list.len(), "{out} of {}", list.len());
            }
        }
    }

    #[test]
    fn at_most_half_is_ejected_by_many_threads_at_once() {
        let (gate, list) = (Gate::default(), endpoints(9));
        let (gate, list) = (&gate, &list);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    for n in 0..1000 {
                        fail(gate, list, (thread + n) % list.len(), seconds(1));
                        assert!(list.iter().filter(|one| one.health.is_ejected(seconds(1))).count() <= 4);
                    }
                });
            }
        });
        assert_eq!(list.iter().filter(|one| one.health.is_ejected(seconds(1))).count(), 4);
    }
}
