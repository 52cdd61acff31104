//! Instances that wait for their reconcile, and how long they did.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bulkhead_crds::instance::GatewayInstance;
use tokio::time::Instant;

use super::durations::Durations;
use super::head;

/// Namespace and name of an instance.
type Who = (String, String);

/// Since when who waits. However often somebody is asked for, it waits once, and from the first time on.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    since: Mutex<HashMap<Who, Instant>>,
    waits: Durations,
}

impl Backlog {
    /// A reconcile was asked for.
    pub(super) fn asked(&self, who: Who, now: Instant) {
        self.since().entry(who).or_insert(now);
    }

    /// A reconcile begins. One that comes back by itself did not wait.
    pub(super) fn begun(&self, who: &Who, now: Instant) {
        let since = self.since().remove(who);
        if let Some(since) = since {
            self.waits.add(now.saturating_duration_since(since));
        }
    }

    /// Writes what waits of `instances`. One that was deleted while it waited is never begun, and is forgotten.
    pub(super) fn write<'a>(
        &self,
        text: &mut String,
        instances: impl Iterator<Item = &'a GatewayInstance>,
        now: Instant,
    ) {
        let named = |instance: &GatewayInstance| {
            let name = instance.metadata.name.clone().unwrap_or_default();
            (instance.metadata.namespace.clone().unwrap_or_default(), name)
        };
        let known: std::collections::HashSet<Who> = instances.map(named).collect();
        let (waiting, oldest) = {
            let mut since = self.since();
            since.retain(|who, _| known.contains(who));
            (since.len(), since.values().min().copied())
        };
        const DEPTH: &str = "bulkhead_operator_queue_depth";
        head(text, DEPTH, "gauge", "Instances that wait for their reconcile.");
        let _ = writeln!(text, "{DEPTH} {waiting}");
        const OLDEST: &str = "bulkhead_operator_queue_oldest_seconds";
        head(text, OLDEST, "gauge", "For how long the first of them has waited.");
        let age = oldest.map_or(0.0, |since| now.saturating_duration_since(since).as_secs_f64());
        let _ = writeln!(text, "{OLDEST} {age:.3}");
        self.waits.write(text, "bulkhead_operator_queue_wait_seconds", "How long reconciles waited to begin.");
    }

    fn since(&self) -> MutexGuard<'_, HashMap<Who, Instant>> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn who(name: &str) -> Who {
        ("infra".to_owned(), name.to_owned())
    }

    #[test]
    fn who_waits_does_so_from_the_first_time_it_was_asked_for() {
        let (backlog, start) = (Backlog::default(), Instant::now());
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        backlog.asked(who("a"), start);
        backlog.asked(who("a"), after(300));
        backlog.asked(who("gone"), start);
        let mut instance = GatewayInstance::new("a", Default::default());
        instance.metadata.namespace = Some("infra".to_owned());
        let text = |now| {
            let mut text = String::new();
            backlog.write(&mut text, [&instance].into_iter(), now);
            text
        };
        let waits = text(after(1_500));
        for line in ["bulkhead_operator_queue_depth 1", "bulkhead_operator_queue_oldest_seconds 1.500"] {
            assert!(waits.lines().any(|found| found == line), "{line} is not in\n{waits}");
        }
        backlog.begun(&who("a"), after(2_000));
        backlog.begun(&who("a"), after(9_000));
        let begun = text(after(9_000));
        for line in [
            "bulkhead_operator_queue_depth 0",
            "bulkhead_operator_queue_oldest_seconds 0.000",
            "bulkhead_operator_queue_wait_seconds_sum 2.000",
            "bulkhead_operator_queue_wait_seconds_count 1",
        ] {
            assert!(begun.lines().any(|found| found == line), "{line} is not in\n{begun}");
        }
    }
}
