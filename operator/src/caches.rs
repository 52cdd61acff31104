//! What is known of the cluster without asking: stores that watches fill. `watch` fills them; gathering, pruning and observing read.

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead_crds::instance::GatewayInstance;
use bulkhead_crds::names::{self, LaneName};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Pod, Service};
use k8s_openapi::api::networking::v1::{Ingress, IngressClass};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DynamicObject, PartialObjectMeta};
use kube::runtime::reflector::{ObjectRef, Store};

use crate::kind::{Key, Kind};
use crate::owner::{InstanceId, label};

/// Metadata of one of our own objects.
pub type ChildMeta = PartialObjectMeta<DynamicObject>;
/// Metadata of a namespace.
pub type NamespaceMeta = PartialObjectMeta<Namespace>;

/// All stores.
#[derive(Clone)]
pub struct Caches {
    /// Every GatewayInstance.
    pub instances: Store<GatewayInstance>,
    /// Every IngressClass.
    pub classes: Store<IngressClass>,
    /// Every Ingress, without what nobody reads of it.
    pub ingresses: Store<Ingress>,
    /// Metadata of every namespace.
    pub namespaces: Store<NamespaceMeta>,
    /// Pods of lanes, without their specification.
    pub pods: Store<Pod>,
    /// Deployments of lanes.
    pub deployments: Store<Deployment>,
    /// Services of lanes.
    pub services: Store<Service>,
    /// Metadata of everything that the operator made.
    pub children: BTreeMap<Kind, Store<ChildMeta>>,
}

/// One of our own objects, as it was last seen.
#[derive(Clone, Debug)]
pub struct Child {
    /// Which object.
    pub key: Key,
    /// The lane that its label names.
    pub lane: Option<LaneName>,
    /// Its metadata.
    pub meta: ObjectMeta,
}

impl Caches {
    /// Our own object of this name, if it was seen.
    #[must_use]
    pub fn child(&self, key: &Key) -> Option<Arc<ChildMeta>> {
        let mut reference = ObjectRef::new_with(&key.name, key.kind.resource());
        if key.kind.namespaced() {
            reference = reference.within(&key.namespace);
        }
        self.children.get(&key.kind)?.get(&reference)
    }

    /// Every object that was made for an instance, in the order of their kinds and names.
    #[must_use]
    pub fn children_of(&self, instance: &InstanceId) -> Vec<Child> {
        self.children_where(|meta| instance.owns(meta))
    }

    /// Every object of ours whose metadata passes, in the order of their kinds and names.
    #[must_use]
    pub fn children_where(&self, wanted: impl Fn(&ObjectMeta) -> bool) -> Vec<Child> {
        let mut children: Vec<_> = self
            .children
            .iter()
            .flat_map(|(kind, store)| {
                store.state_filter(|object| wanted(&object.metadata)).into_iter().map(|o| child(*kind, &o))
            })
            .collect();
        children.sort_by(|left, right| left.key.cmp(&right.key));
        children
    }

    /// Whether a namespace exists and is not being deleted.
    #[must_use]
    pub fn namespace_takes_objects(&self, namespace: &str) -> bool {
        let found = self.namespaces.get(&ObjectRef::new(namespace));
        found.is_some_and(|namespace| namespace.metadata.deletion_timestamp.is_none())
    }

    /// Whether a namespace is being deleted, so that nothing can be made in it any more.
    #[must_use]
    pub fn namespace_ends(&self, namespace: &str) -> bool {
        let found = self.namespaces.get(&ObjectRef::new(namespace));
        found.is_some_and(|namespace| namespace.metadata.deletion_timestamp.is_some())
    }

    /// How many pods of an instance have not ended, whether they are being deleted or not.
    #[must_use]
    pub fn pods_left(&self, instance: &InstanceId) -> usize {
        let own =
            |pod: &Pod| pod.metadata.namespace.as_deref() == Some(&instance.namespace) && instance.owns(&pod.metadata);
        self.pods.state_filter(own).len()
    }

    /// Pods of one lane that are not being deleted, in order of their names.
    #[must_use]
    pub fn pods_of(&self, instance: &InstanceId, lane: LaneName) -> Vec<Arc<Pod>> {
        let mut pods = self.pods.state_filter(|pod| {
            let meta = &pod.metadata;
            meta.namespace.as_deref() == Some(&instance.namespace)
                && meta.deletion_timestamp.is_none()
                && label(meta, names::LABEL_INSTANCE) == Some(&instance.name)
                && label(meta, names::LABEL_LANE) == Some(lane.slug())
        });
        pods.sort_by(|left, right| left.metadata.name.cmp(&right.metadata.name));
        pods
    }
}

/// The child that one cached object is.
fn child(kind: Kind, object: &ChildMeta) -> Child {
    let meta = object.metadata.clone();
    let slug = label(&meta, names::LABEL_LANE);
    let lane = LaneName::ALL.into_iter().find(|lane| slug == Some(lane.slug()));
    Child { key: Key::of(kind, &meta), lane, meta }
}
