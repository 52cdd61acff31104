//! How long to wait before an instance that failed is tried again. kube's error policy has no memory, so this keeps one.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::owner::InstanceId;

/// First wait.
const FIRST: Duration = Duration::from_secs(1);
/// Longest wait: an instance that somebody repaired is noticed within it even when no event tells.
const LONGEST: Duration = Duration::from_secs(60);

/// Failures in a row, per instance.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: Mutex<HashMap<InstanceId, u32>>,
}

impl Backoff {
    /// Counts one more failure and says how long to wait.
    pub fn failed(&self, instance: &InstanceId) -> Duration {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let count = failures.entry(instance.clone()).or_default();
        *count = count.saturating_add(1);
        wait(*count, spread(instance))
    }

    /// Forgets all failures of an instance that succeeded or is gone.
    pub fn succeeded(&self, instance: &InstanceId) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(instance);
    }

    /// Forgets the failures of every instance that is not among `known`.
    pub fn forget_all_but(&self, known: &BTreeSet<InstanceId>) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).retain(|id, _| known.contains(id));
    }
}

/// Wait after the `count`th failure in a row: doubled each time up to the longest, then up to a quarter longer by `spread` in 0..=255,
/// so that instances that failed together do not return together.
fn wait(count: u32, spread: u8) -> Duration {
    let doubled = FIRST.saturating_mul(1_u32.checked_shl(count.saturating_sub(1)).unwrap_or(u32::MAX));
    let base = doubled.min(LONGEST);
    base + (base / 4) * u32::from(spread) / 255
}

/// A byte that differs between instances.
fn spread(instance: &InstanceId) -> u8 {
    instance.uid.bytes().fold(0, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(uid: &str) -> InstanceId {
        InstanceId { namespace: "infra".to_owned(), name: "edge".to_owned(), uid: uid.to_owned() }
    }

    #[test]
    fn waits_double_up_to_a_minute() {
        let waits: Vec<_> = (1..=8).map(|count| wait(count, 0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(wait(u32::MAX, 0), LONGEST);
        assert_eq!(wait(u32::MAX, 255), Duration::from_secs(75));
    }

    #[test]
    fn success_forgets_the_failures_of_that_instance_only() {
        let backoff = Backoff::default();
        let (edge, shop) = (instance("a"), instance("b"));
        let first = backoff.failed(&edge);
        let second = backoff.failed(&edge);
        backoff.failed(&shop);
        let later = backoff.failed(&shop);
        assert!(second > first);
        backoff.succeeded(&edge);
        assert_eq!(backoff.failed(&edge), first);
        backoff.forget_all_but(&BTreeSet::from([shop.clone()]));
        assert_eq!(backoff.failed(&edge), first);
        assert!(backoff.failed(&shop) > later);
    }
}
