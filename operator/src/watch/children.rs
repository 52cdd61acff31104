//! Which events of what the operator made ask for a reconcile: not those of a status that others write and that nobody here reads from
//! metadata.

use std::collections::HashMap;

use bulkhead_crds::instance::GatewayInstance;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher::Event;

use super::{concerns, object};
use crate::caches::ChildMeta;
use crate::kind::{Key, Kind};
use crate::version;

/// What was last seen of every object of one kind that others write a status into.
pub(super) struct Versions {
    kind: Kind,
    seen: HashMap<Key, String>,
}

impl Versions {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, seen: HashMap::new() }
    }

    /// Whom an event on a sealed object concerns.
    pub(super) fn concerned(&mut self, event: &Event<ChildMeta>) -> Vec<ObjectRef<GatewayInstance>> {
        if matches!(event, Event::Init) {
            self.seen.clear();
        }
        let Some(child) = object(event) else { return Vec::new() };
        if self.kind.has_status() && !self.is_news(event, child) {
            return Vec::new();
        }
        concerns::of_child(self.kind, &child.metadata)
    }

    fn is_news(&mut self, event: &Event<ChildMeta>, child: &ChildMeta) -> bool {
        let key = Key::of(self.kind, &child.metadata);
        if matches!(event, Event::Delete(_)) {
            self.seen.remove(&key);
            return true;
        }
        let version = version::sealed(&child.metadata).unwrap_or_default();
        let before = self.seen.insert(key, version.to_owned());
        before.as_deref() != Some(version)
    }
}

#[cfg(test)]
mod tests {
    use bulkhead_crds::names::{LABEL_INSTANCE, LABEL_INSTANCE_NAMESPACE};
    use serde_json::json;

    use super::*;

    fn autoscaler(generation: i64, status_time: &str) -> ChildMeta {
        let mut child: ChildMeta = serde_json::from_value(json!({
            "metadata": {
                "name": "edge-north-south", "namespace": "infra", "generation": generation,
                "labels": { LABEL_INSTANCE: "edge", LABEL_INSTANCE_NAMESPACE: "infra" },
                "managedFields": [{"manager": "kube-controller-manager", "subresource": "status", "time": status_time}],
            },
        }))
        .expect("metadata of an autoscaler");
        version::seal(Kind::HorizontalPodAutoscaler, &mut child.metadata);
        child
    }

    #[test]
    fn an_autoscaler_that_writes_its_status_asks_for_nothing_and_one_that_was_changed_or_deleted_does() {
        let mut versions = Versions::new(Kind::HorizontalPodAutoscaler);
        let steps = [
            ("seen for the first time", Event::Apply(autoscaler(1, "2026-01-01T00:00:00Z")), 1),
            ("status written", Event::Apply(autoscaler(1, "2026-01-01T00:00:15Z")), 0),
            ("changed", Event::Apply(autoscaler(2, "2026-01-01T00:00:15Z")), 1),
            ("deleted", Event::Delete(autoscaler(2, "2026-01-01T00:00:15Z")), 1),
            ("made anew", Event::Apply(autoscaler(2, "2026-01-01T00:00:15Z")), 1),
            ("a new list", Event::Init, 0),
            ("listed", Event::InitApply(autoscaler(2, "2026-01-01T00:00:15Z")), 1),
        ];
        for (step, event, asked) in steps {
            assert_eq!(versions.concerned(&event).len(), asked, "{step}");
        }
    }
}
