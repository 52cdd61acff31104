//! Which events of a GatewayInstance ask for a reconcile: not those of the status that the last reconcile wrote. One that gives up a class
//! asks for those who may have waited for it.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use bulkhead_crds::instance::GatewayInstance;
use bulkhead_plan::Claim;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher::Event;

/// What was last seen of every instance, apart from its status.
#[derive(Default)]
pub(super) struct Changes {
    seen: HashMap<ObjectRef<GatewayInstance>, u64>,
    /// The classes that every instance claims.
    claims: HashMap<ObjectRef<GatewayInstance>, BTreeSet<String>>,
}

impl Changes {
    /// The instance, if the event says more than that its status changed.
    pub(super) fn of(&mut self, event: &Event<GatewayInstance>) -> Vec<ObjectRef<GatewayInstance>> {
        match event {
            // A new list: everything may have changed, and what is not on it is forgotten.
            Event::Init => {
                self.seen.clear();
                Vec::new()
            }
            Event::InitDone => Vec::new(),
            Event::Delete(instance) => {
                self.seen.remove(&ObjectRef::from_obj(instance));
                Vec::new()
            }
            Event::Apply(instance) | Event::InitApply(instance) => {
                let reference = ObjectRef::from_obj(instance);
                let print = print(instance);
                let before = self.seen.insert(reference.clone(), print);
                if before == Some(print) { Vec::new() } else { vec![reference] }
            }
        }
    }
}

impl Changes {
    /// Classes that the instance of the event claimed and claims no longer. A new list gives up nothing: what it leaves out was
    /// deleted, which every instance that waits finds when it looks again.
    pub(super) fn freed(&mut self, event: &Event<GatewayInstance>) -> BTreeSet<String> {
        let (instance, now) = match event {
            Event::Init | Event::InitDone => return BTreeSet::new(),
            Event::Delete(instance) => (instance, BTreeSet::new()),
            Event::Apply(instance) | Event::InitApply(instance) => (instance, Claim::of(instance).classes),
        };
        let reference = ObjectRef::from_obj(instance);
        let before = self.claims.remove(&reference).unwrap_or_default();
        let freed = before.difference(&now).cloned().collect();
        if !now.is_empty() {
            self.claims.insert(reference, now);
        }
        freed
    }
}

/// Everything but status and what changes with it. The generation alone would miss the finalizer and a deletion.
fn print(instance: &GatewayInstance) -> u64 {
    let meta = &instance.metadata;
    let mut hasher = DefaultHasher::new();
    (&meta.uid, &meta.generation, &meta.finalizers, &meta.labels, &meta.annotations).hash(&mut hasher);
    meta.deletion_timestamp.is_some().hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use bulkhead_crds::status::GatewayInstanceStatus;
    use jiff::Timestamp;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;

    fn instance() -> GatewayInstance {
        let mut instance = GatewayInstance::new("edge", Default::default());
        instance.metadata.namespace = Some("infra".to_owned());
        instance.metadata.generation = Some(1);
        instance
    }

    fn asks(changes: &mut Changes, instance: &GatewayInstance) -> bool {
        !changes.of(&Event::Apply(instance.clone())).is_empty()
    }

    #[test]
    fn a_status_write_asks_for_nothing_and_every_other_change_does() {
        let mut changes = Changes::default();
        let mut edge = instance();
        assert!(asks(&mut changes, &edge));
        edge.status = Some(GatewayInstanceStatus { phase: "Pending".to_owned(), ..Default::default() });
        edge.metadata.resource_version = Some("2".to_owned());
        assert!(!asks(&mut changes, &edge));
        edge.metadata.generation = Some(2);
        assert!(asks(&mut changes, &edge));
        edge.metadata.finalizers = Some(vec!["somebody/else".to_owned()]);
        assert!(asks(&mut changes, &edge));
        edge.metadata.deletion_timestamp = Some(Time(Timestamp::UNIX_EPOCH));
        assert!(asks(&mut changes, &edge));
        assert!(!asks(&mut changes, &edge));
    }

    #[test]
    fn a_class_is_freed_when_its_instance_names_another_or_goes() {
        let class = |name: &str| {
            let mut edge = instance();
            edge.spec.north_south.ingress_class.name = Some(name.to_owned());
            edge.spec.east_west.enabled = false;
            edge
        };
        let mut changes = Changes::default();
        assert_eq!(changes.freed(&Event::Apply(class("a"))), BTreeSet::new());
        assert_eq!(changes.freed(&Event::Apply(class("a"))), BTreeSet::new());
        assert_eq!(changes.freed(&Event::Apply(class("b"))), ["a".to_owned()].into());
        assert_eq!(changes.freed(&Event::Delete(class("b"))), ["b".to_owned()].into());
        assert_eq!(changes.freed(&Event::Delete(class("b"))), BTreeSet::new());
    }

    #[test]
    fn a_new_list_and_a_new_instance_of_the_same_name_ask_again() {
        let mut changes = Changes::default();
        let mut edge = instance();
        assert!(asks(&mut changes, &edge));
        changes.of(&Event::Init);
        assert!(asks(&mut changes, &edge));
        edge.metadata.uid = Some("another".to_owned());
        assert!(asks(&mut changes, &edge));
    }
}
