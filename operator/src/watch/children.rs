//! Which events of what the operator made ask for a reconcile: not those of a status that others write and that nobody here reads from
//! metadata.

use std::collections::HashMap;
use std::future;

use bulkhead_crds::instance::GatewayInstance;
use futures::StreamExt;
use kube::Resource;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher::Event;

use super::{Events, concerns, object};
use crate::caches::ChildMeta;
use crate::kind::{Key, Kind};
use crate::version;

/// Of what is labelled as ours, which anybody can do, what bears a name that the plan of the instance that it names gives it. What no longer
/// does is as good as deleted.
pub(super) fn admitted<K: Resource + Send + 'static>(kind: Kind, events: Events<K>) -> Events<K> {
    events.filter_map(move |event| future::ready(admit(kind, event))).boxed()
}

fn admit<K: Resource>(kind: Kind, event: Event<K>) -> Option<Event<K>> {
    let is_one = object(&event).is_none_or(|object| !concerns::of_child(kind, object.meta()).is_empty());
    match event {
        Event::Apply(object) if !is_one => Some(Event::Delete(object)),
        Event::InitApply(_) if !is_one => None,
        event => Some(event),
    }
}

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
    fn what_only_bears_our_labels_is_not_let_in_and_what_no_longer_has_our_name_is_gone() {
        let named = |name: &str| {
            let mut child = autoscaler(1, "2026-01-01T00:00:00Z");
            child.metadata.name = Some(name.to_owned());
            child
        };
        let admit = |event| admit(Kind::HorizontalPodAutoscaler, event);
        assert!(matches!(admit(Event::InitApply(named("edge-north-south"))), Some(Event::InitApply(_))));
        assert!(matches!(admit(Event::Apply(named("edge-north-south"))), Some(Event::Apply(_))));
        assert!(admit(Event::InitApply(named("settings-of-a-tenant"))).is_none());
        assert!(matches!(admit(Event::Apply(named("settings-of-a-tenant"))), Some(Event::Delete(_))));
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
