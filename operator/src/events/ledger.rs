//! What was told lately, and how much of it. Pure; the time is an argument.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use crate::owner::InstanceId;

/// How long something that was told is not told again: as long as the API server keeps an Event by default.
const ONCE: Duration = Duration::from_secs(3600);
/// Events that one instance may cause at once, such as findings of a first look.
const BURST: u32 = 25;
/// Time after which it may cause one more.
const REFILL: Duration = Duration::from_secs(10);
/// Most things remembered of one instance. Of more, the oldest may be told twice.
const REMEMBERED: usize = 1024;

/// The memory of what was told.
#[derive(Debug, Default)]
pub struct Ledger {
    of: HashMap<InstanceId, Page>,
}

#[derive(Debug)]
struct Page {
    told: HashMap<u64, Instant>,
    /// When the budget is full again.
    full: Instant,
}

impl Ledger {
    /// Whether to tell what has this `print`, which then counts as told. What is over the budget is told at another look.
    pub fn admit(&mut self, id: &InstanceId, print: u64, now: Instant) -> bool {
        let page = self.of.entry(id.clone()).or_insert_with(|| Page { told: HashMap::new(), full: now });
        if page.told.get(&print).is_some_and(|when| now.saturating_duration_since(*when) < ONCE) {
            return false;
        }
        let full = page.full.max(now) + REFILL;
        if full.saturating_duration_since(now) > REFILL * BURST {
            return false;
        }
        page.full = full;
        if page.told.len() >= REMEMBERED {
            page.told.retain(|_, when| now.saturating_duration_since(*when) < ONCE);
        }
        if page.told.len() >= REMEMBERED
            && let Some(oldest) = page.told.iter().min_by_key(|(_, when)| **when).map(|(print, _)| *print)
        {
            page.told.remove(&oldest);
        }
        page.told.insert(print, now);
        true
    }

    /// Forgets every instance that is not among `known`.
    pub fn forget_all_but(&mut self, known: &BTreeSet<InstanceId>) {
        self.of.retain(|id, _| known.contains(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(uid: &str) -> InstanceId {
        InstanceId { namespace: "infra".to_owned(), name: "edge".to_owned(), uid: uid.to_owned() }
    }

    #[test]
    fn the_same_is_told_once_an_hour() {
        let (mut ledger, start) = (Ledger::default(), Instant::now());
        assert!(ledger.admit(&id("a"), 1, start));
        assert!(!ledger.admit(&id("a"), 1, start + ONCE - REFILL));
        assert!(ledger.admit(&id("a"), 2, start));
        assert!(ledger.admit(&id("b"), 1, start));
        assert!(ledger.admit(&id("a"), 1, start + ONCE));
    }

    #[test]
    fn a_flood_of_one_instance_is_cut_and_that_of_another_is_its_own() {
        let (mut ledger, start) = (Ledger::default(), Instant::now());
        let admitted = |ledger: &mut Ledger, of: &str, from: u64, at: Instant| {
            (from..from + 1000).filter(|print| ledger.admit(&id(of), *print, at)).count()
        };
        assert_eq!(admitted(&mut ledger, "a", 0, start), BURST as usize);
        assert_eq!(admitted(&mut ledger, "a", 0, start), 0);
        assert_eq!(admitted(&mut ledger, "b", 0, start), BURST as usize);
        assert_eq!(admitted(&mut ledger, "a", 0, start + REFILL * 3), 3);
        assert_eq!(admitted(&mut ledger, "a", 5000, start + ONCE), BURST as usize);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut ledger, mut now) = (Ledger::default(), Instant::now());
        for print in 0..3000 {
            now += REFILL / 5;
            ledger.admit(&id("a"), print, now);
        }
        assert!(ledger.of.values().all(|page| page.told.len() <= REMEMBERED));
        ledger.forget_all_but(&BTreeSet::new());
        assert!(ledger.of.is_empty());
    }
}
