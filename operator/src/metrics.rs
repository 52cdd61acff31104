//! Counts of what the operator did, and the state of its instances, in the text format of Prometheus. Labels take values from tables of
//! this program, or name an instance that exists, so that their number is bounded.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bulkhead_crds::instance::GatewayInstance;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use tokio::time::Instant;

use crate::kind::Kind;
use crate::webhook::tally::Tally;

mod backlog;
mod durations;

use backlog::Backlog;
use durations::Durations;

/// Counters since the start.
#[derive(Debug, Default)]
pub struct Metrics {
    failed_reconciles: AtomicU64,
    reconciles: Durations,
    backlog: Backlog,
    failures: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
    writes: Mutex<BTreeMap<(Kind, &'static str), u64>>,
    published: AtomicU64,
    told: AtomicU64,
    not_told: Mutex<BTreeMap<&'static str, u64>>,
    rollout: Mutex<Vec<(&'static str, usize)>>,
    /// Reviews of the webhook.
    pub reviews: Arc<Tally>,
}

impl Metrics {
    /// One reconcile ended.
    pub fn reconciled(&self, took: Duration, ok: bool) {
        self.failed_reconciles.fetch_add(u64::from(!ok), Ordering::Relaxed);
        self.reconciles.add(took);
    }

    /// A reconcile of an instance was asked for.
    pub fn asked(&self, namespace: &str, name: &str) {
        self.backlog.asked((namespace.to_owned(), name.to_owned()), Instant::now());
    }

    /// A reconcile of an instance begins.
    pub fn begun(&self, namespace: &str, name: &str) {
        self.backlog.begun(&(namespace.to_owned(), name.to_owned()), Instant::now());
    }

    /// A step failed, for a kind of reason.
    pub fn failed(&self, step: &'static str, kind: &'static str) {
        *self.failures.lock().unwrap_or_else(PoisonError::into_inner).entry((step, kind)).or_default() += 1;
    }

    /// An object was created or changed.
    pub fn applied(&self, kind: Kind) {
        self.wrote(kind, "applied");
    }

    /// An object was deleted.
    pub fn removed(&self, kind: Kind) {
        self.wrote(kind, "removed");
    }

    /// The status of an Ingress was written.
    pub fn published(&self) {
        self.published.fetch_add(1, Ordering::Relaxed);
    }

    /// How many lanes that follow the default image are in which state with it.
    pub fn rollout(&self, lanes: impl Into<Vec<(&'static str, usize)>>) {
        *self.rollout.lock().unwrap_or_else(PoisonError::into_inner) = lanes.into();
    }

    /// An Event was created.
    pub fn told(&self) {
        self.told.fetch_add(1, Ordering::Relaxed);
    }

    /// Findings were read and led to no Event.
    pub fn not_told(&self, why: &'static str, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let mut all = self.not_told.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.entry(why).or_default();
        *known = known.saturating_add(count);
    }

    fn wrote(&self, kind: Kind, change: &'static str) {
        *self.writes.lock().unwrap_or_else(PoisonError::into_inner).entry((kind, change)).or_default() += 1;
    }

    /// Everything as text: whether this replica `leads`, what it counted, and, from the one that leads, a gauge for every condition of
    /// every instance.
    #[must_use]
    pub fn text<'a>(
        &self,
        leads: bool,
        instances: impl IntoIterator<Item = &'a GatewayInstance, IntoIter: Clone>,
    ) -> String {
        let instances = instances.into_iter();
        let mut text = String::new();
        head(&mut text, "bulkhead_operator_leader", "gauge", "1 on the replica that acts, 0 on those that stand by.");
        let _ = writeln!(text, "bulkhead_operator_leader {}", u8::from(leads));
        self.write_reconciles(&mut text);
        self.backlog.write(&mut text, instances.clone(), Instant::now());
        head(
            &mut text,
            "bulkhead_operator_failures_total",
            "counter",
            "Steps that failed, by step and kind of reason.",
        );
        for ((step, kind), count) in self.failures.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = writeln!(text, "bulkhead_operator_failures_total{{step=\"{step}\",kind=\"{kind}\"}} {count}");
        }
        head(&mut text, "bulkhead_operator_object_changes_total", "counter", "Objects that were changed, by kind.");
        for ((kind, change), count) in self.writes.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let labels = format!("kind=\"{kind}\",change=\"{change}\"");
            let _ = writeln!(text, "bulkhead_operator_object_changes_total{{{labels}}} {count}");
        }
        const PUBLISHED: &str = "bulkhead_operator_ingress_status_writes_total";
        head(&mut text, PUBLISHED, "counter", "Ingresses that were told where they are reached, or no more.");
        let _ = writeln!(text, "{PUBLISHED} {}", self.published.load(Ordering::Relaxed));
        const TOLD: &str = "bulkhead_operator_events_total";
        head(&mut text, TOLD, "counter", "Events that were created.");
        let _ = writeln!(text, "{TOLD} {}", self.told.load(Ordering::Relaxed));
        const NOT_TOLD: &str = "bulkhead_operator_findings_not_told_total";
        head(&mut text, NOT_TOLD, "counter", "Findings that were read and led to no Event, by why, at each reading.");
        for (why, count) in self.not_told.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = writeln!(text, "{NOT_TOLD}{{why=\"{why}\"}} {count}");
        }
        const ROLLOUT: &str = "bulkhead_operator_rollout_lanes";
        head(&mut text, ROLLOUT, "gauge", "Lanes that follow the default image, by how far they are with it.");
        for (state, lanes) in self.rollout.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = writeln!(text, "{ROLLOUT}{{state=\"{state}\"}} {lanes}");
        }
        text.push_str(&self.reviews.text());
        // Every replica sees them, and a sum over replicas would count them twice.
        if leads {
            write_conditions(&mut text, instances);
        }
        text
    }

    fn write_reconciles(&self, text: &mut String) {
        head(text, "bulkhead_operator_reconcile_errors_total", "counter", "Reconciles that have to be tried again.");
        let errors = self.failed_reconciles.load(Ordering::Relaxed);
        let _ = writeln!(text, "bulkhead_operator_reconcile_errors_total {errors}");
        const DURATION: &str = "bulkhead_operator_reconcile_duration_seconds";
        self.reconciles.write(text, DURATION, "How long reconciles took.");
    }
}

fn write_conditions<'a>(text: &mut String, instances: impl IntoIterator<Item = &'a GatewayInstance>) {
    const CONDITION: &str = "bulkhead_instance_condition";
    head(
        text,
        CONDITION,
        "gauge",
        "1 where a condition of an instance or of its lane is True, 0 where False, -1 where Unknown.",
    );
    for instance in instances {
        let name = instance.metadata.name.as_deref().unwrap_or_default();
        let namespace = instance.metadata.namespace.as_deref().unwrap_or_default();
        let mut line = |lane: &str, condition: &Condition| {
            let value = match condition.status.as_str() {
                "True" => "1",
                "False" => "0",
                _ => "-1",
            };
            let of =
                format!("namespace=\"{namespace}\",name=\"{name}\",lane=\"{lane}\",condition=\"{}\"", condition.type_);
            let _ = writeln!(text, "{CONDITION}{{{of}}} {value}");
        };
        let Some(status) = &instance.status else { continue };
        status.conditions.iter().for_each(|condition| line("", condition));
        for lane in &status.lanes {
            lane.conditions.iter().for_each(|condition| line(lane.name.slug(), condition));
        }
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counts_and_conditions_are_told() {
        let metrics = Metrics::default();
        metrics.reconciled(Duration::from_millis(30), true);
        metrics.reconciled(Duration::from_secs(90), false);
        metrics.failed("apply", "forbidden");
        metrics.applied(Kind::Service);
        metrics.not_told("later", 3);
        metrics.not_told("later", 4);
        let instance: GatewayInstance = serde_json::from_value(json!({
            "apiVersion": "bulkhead.io/v1alpha1", "kind": "GatewayInstance",
            "metadata": { "name": "edge", "namespace": "infra" }, "spec": {},
            "status": { "conditions": [{
                "type": "Ready", "status": "True", "reason": "Ready", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z",
            }] },
        }))
        .expect("an instance");
        let text = metrics.text(true, [&instance]);
        for line in [
            "bulkhead_operator_leader 1",
            "bulkhead_operator_reconcile_duration_seconds_bucket{le=\"0.020\"} 0",
            "bulkhead_operator_reconcile_duration_seconds_bucket{le=\"0.100\"} 1",
            "bulkhead_operator_reconcile_duration_seconds_bucket{le=\"+Inf\"} 2",
            "bulkhead_operator_reconcile_duration_seconds_sum 90.030",
            "bulkhead_operator_reconcile_errors_total 1",
            "bulkhead_operator_failures_total{step=\"apply\",kind=\"forbidden\"} 1",
            "bulkhead_operator_findings_not_told_total{why=\"later\"} 7",
            "bulkhead_operator_object_changes_total{kind=\"Service\",change=\"applied\"} 1",
            "bulkhead_instance_condition{namespace=\"infra\",name=\"edge\",lane=\"\",condition=\"Ready\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(!metrics.text(false, [&instance]).contains("bulkhead_instance_condition"));
    }
}
