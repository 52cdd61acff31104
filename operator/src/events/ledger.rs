//! What was told lately, and how much of it. Pure; the time is an argument.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use super::budget::{Budget, Rate};
use crate::owner::InstanceId;

/// How long something that was told is not told again: as long as the API server keeps an Event by default, with the minute that it takes
/// to forget many at once.
pub(crate) const ONCE: Duration = Duration::from_secs(62 * 60);
/// Changes of the conditions of one instance.
const CONDITIONS: Rate = Rate { burst: 25, refill: Duration::from_secs(10) };
/// Findings that the gateways of one instance report, such as those of a first look.
const FINDINGS: Rate = Rate { burst: 100, refill: Duration::from_secs(1) };
/// Findings about one object: its author may change it every second, and a gateway that lies need not even wait for that.
const OBJECT: Rate = Rate { burst: 25, refill: Duration::from_secs(60) };
/// Findings of all instances together.
const ALL: Rate = Rate { burst: 500, refill: Duration::from_millis(100) };
/// Things remembered before those that may be told again are forgotten.
const REMEMBERED: usize = 1 << 16;
/// Objects remembered before those with a full budget are forgotten.
const OBJECTS: usize = 1 << 14;
/// Least time between two looks for what can be forgotten.
const SWEEP: Duration = Duration::from_secs(60);

/// What something is about, each with a budget of its own: a flood of findings must not drown the condition that says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// A condition of the instance.
    Condition,
    /// A finding about the object with this hash of its identity.
    Finding(u64),
}

/// What is to be done with something that there is to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Tell it; it counts as told.
    Tell,
    /// It was told.
    Known,
    /// There has been too much lately.
    Later,
}

/// The memory of what was told. What is not older than [`ONCE`] is bounded by the rates, and what is older by [`REMEMBERED`].
#[derive(Debug, Default)]
pub struct Ledger {
    of: HashMap<InstanceId, Page>,
    objects: HashMap<u64, Budget>,
    all: Budget,
    /// Things told in all pages.
    remembered: usize,
    swept: Option<Instant>,
}

#[derive(Debug, Default)]
struct Page {
    told: HashMap<u64, Instant>,
    conditions: Budget,
    findings: Budget,
}

impl Ledger {
    /// Whether to tell what has this `print`.
    pub fn admit(&mut self, id: &InstanceId, topic: Topic, print: u64, now: Instant) -> Verdict {
        if self.told(id, print).is_some_and(|when| now.saturating_duration_since(when) < ONCE) {
            return Verdict::Known;
        }
        self.sweep(now);
        let page = self.of.entry(id.clone()).or_default();
        match topic {
            Topic::Condition if page.conditions.has_any(CONDITIONS, now) => page.conditions.spend(CONDITIONS, now),
            Topic::Finding(object)
                if page.findings.has_any(FINDINGS, now)
                    && self.all.has_any(ALL, now)
                    && self.objects.get(&object).is_none_or(|budget| budget.has_any(OBJECT, now)) =>
            {
                page.findings.spend(FINDINGS, now);
                self.all.spend(ALL, now);
                self.objects.entry(object).or_default().spend(OBJECT, now);
            }
            Topic::Condition | Topic::Finding(_) => return Verdict::Later,
        }
        if page.told.insert(print, now).is_none() {
            self.remembered += 1;
        }
        Verdict::Tell
    }

    /// When this was last told, as far as it is remembered.
    #[must_use]
    pub fn told(&self, id: &InstanceId, print: u64) -> Option<Instant> {
        self.of.get(id)?.told.get(&print).copied()
    }

    /// Takes back that something was told; what it cost is spent.
    pub fn was_not(&mut self, id: &InstanceId, print: u64) {
        if self.of.get_mut(id).is_some_and(|page| page.told.remove(&print).is_some()) {
            self.remembered -= 1;
        }
    }

    /// Forgets every instance that is not among `known`.
    pub fn forget_all_but(&mut self, known: &BTreeSet<InstanceId>) {
        self.of.retain(|id, _| known.contains(id));
        self.remembered = self.of.values().map(|page| page.told.len()).sum();
    }

    fn sweep(&mut self, now: Instant) {
        if self.remembered < REMEMBERED && self.objects.len() < OBJECTS
            || self.swept.is_some_and(|when| now.saturating_duration_since(when) < SWEEP)
        {
            return;
        }
        self.swept = Some(now);
        self.objects.retain(|_, budget| !budget.is_full(now));
        for page in self.of.values_mut() {
            page.told.retain(|_, when| now.saturating_duration_since(*when) < ONCE);
        }
        self.remembered = self.of.values().map(|page| page.told.len()).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(uid: &str) -> InstanceId {
        InstanceId { namespace: "infra".to_owned(), name: "edge".to_owned(), uid: uid.to_owned() }
    }

    /// How many of `prints` about what `topic` says are admitted at a time.
    fn admitted(
        ledger: &mut Ledger,
        of: &str,
        prints: std::ops::Range<u64>,
        topic: impl Fn(u64) -> Topic,
        at: Instant,
    ) -> usize {
        prints.filter(|print| ledger.admit(&id(of), topic(*print), *print, at) == Verdict::Tell).count()
    }

    #[test]
    fn the_same_is_told_once_while_the_api_server_keeps_it() {
        let (mut ledger, start) = (Ledger::default(), Instant::now());
        let mut admit = |of, print, at| ledger.admit(&id(of), Topic::Condition, print, at);
        assert_eq!(admit("a", 1, start), Verdict::Tell);
        assert_eq!(admit("a", 1, start + ONCE - Duration::from_secs(1)), Verdict::Known);
        assert_eq!(admit("a", 2, start), Verdict::Tell);
        assert_eq!(admit("b", 1, start), Verdict::Tell);
        assert_eq!(admit("a", 1, start + ONCE), Verdict::Tell);
        ledger.was_not(&id("b"), 1);
        assert_eq!(ledger.admit(&id("b"), Topic::Condition, 1, start), Verdict::Tell);
        assert_eq!(ledger.remembered, 3);
    }

    #[test]
    fn a_flood_of_one_instance_is_cut_and_that_of_another_is_its_own() {
        let (mut ledger, start) = (Ledger::default(), Instant::now());
        let condition = |_| Topic::Condition;
        assert_eq!(admitted(&mut ledger, "a", 0..1000, condition, start), 25);
        assert_eq!(admitted(&mut ledger, "a", 0..1000, condition, start), 0);
        assert_eq!(admitted(&mut ledger, "b", 0..1000, condition, start), 25);
        assert_eq!(admitted(&mut ledger, "a", 0..1000, condition, start + CONDITIONS.refill * 3), 3);
    }

    #[test]
    fn findings_are_cut_by_object_by_instance_and_in_all_and_conditions_are_told_all_the_same() {
        let (mut ledger, start) = (Ledger::default(), Instant::now());
        assert_eq!(admitted(&mut ledger, "a", 0..1000, |_| Topic::Finding(7), start), 25);
        assert_eq!(admitted(&mut ledger, "a", 1000..2000, Topic::Finding, start), 75);
        assert_eq!(admitted(&mut ledger, "a", 3000..3001, |_| Topic::Condition, start), 1);
        for of in ["b", "c", "d", "e"] {
            assert_eq!(admitted(&mut ledger, of, 5000..6000, Topic::Finding, start), 100, "{of}");
        }
        assert_eq!(admitted(&mut ledger, "f", 7000..8000, Topic::Finding, start), 0);
        assert_eq!(admitted(&mut ledger, "f", 7000..7001, |_| Topic::Condition, start), 1);
        let later = start + Duration::from_secs(2);
        assert_eq!(admitted(&mut ledger, "a", 8000..9000, Topic::Finding, later), 2);
        assert_eq!(admitted(&mut ledger, "f", 7000..8000, Topic::Finding, later), 18);
    }

    /// Four hours of a gateway that makes up other findings all the time, then an instance that goes.
    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut ledger, start) = (Ledger::default(), Instant::now());
        let instances = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
        let mut most = (0, 0);
        for second in 0..4 * 3600_u64 {
            let now = start + Duration::from_secs(second);
            for of in instances {
                let prints = second * 10..second * 10 + 3;
                admitted(&mut ledger, of, prints, Topic::Finding, now);
            }
            most = (most.0.max(ledger.remembered), most.1.max(ledger.objects.len()));
        }
        let slack = usize::try_from(SWEEP.as_secs()).expect("a minute") * 10;
        assert!(most.0 > REMEMBERED - slack && most.0 <= REMEMBERED + slack, "{most:?}");
        assert!(most.1 <= OBJECTS.max(ALL.most(OBJECT.refill)) + slack, "{most:?}");
        assert!(ALL.most(ONCE) < REMEMBERED, "what may not be told again fits");
        assert_eq!(ledger.remembered, ledger.of.values().map(|page| page.told.len()).sum::<usize>());
        ledger.forget_all_but(&BTreeSet::new());
        assert_eq!((ledger.of.len(), ledger.remembered), (0, 0));
    }
}
