//! What is known of other objects when an instance is planned.

use std::collections::{BTreeMap, BTreeSet};

use bulkhead_crds::instance::GatewayInstance;
use bulkhead_crds::names::LaneName;
use k8s_openapi::api::networking::v1::IngressClass;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::keyring::KeyringInput;

/// Other objects, as they are now. The default is an empty cluster of unknown version.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gathered {
    /// Names of the namespaces that match `spec.scope.namespaces.selector`. Not looked at unless the scope is by selector.
    pub selected_namespaces: BTreeSet<String>,
    /// Names in `spec.scope.namespaces.names` of namespaces that do not exist now, or not for long. They are left out of the lane: nothing
    /// can be bound there, and a gateway that may not read a namespace of its scope never gets ready.
    pub absent_namespaces: BTreeSet<String>,
    /// What goes into each lane's keyring. A lane that is absent gets an empty one.
    pub keyrings: BTreeMap<LaneName, KeyringInput>,
    /// Images of lanes that do not take that of the installation yet, for it is not their turn.
    pub images: BTreeMap<LaneName, String>,
    /// The IngressClasses that exist.
    pub classes: Vec<IngressClass>,
    /// What other GatewayInstances claim. An entry for the planned instance itself is passed over.
    pub others: Vec<Claim>,
    /// Whether the instance may serve no other namespace than its own, nor classes but its own.
    pub confined: bool,
    /// Minor version of the API server, such as 33; fields that need a later one are refused. Nothing is refused when unknown.
    pub kubernetes_minor: Option<u32>,
}

/// The classes that a GatewayInstance means to serve. It holds them until it is gone, whether it was accepted or not, so that
/// no third instance gains and loses a class while two others quarrel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Namespace of the instance.
    pub namespace: String,
    /// Name of the instance.
    pub name: String,
    /// When it was created.
    pub created: Option<Time>,
    /// The classes of its enabled lanes, own and `alsoServe`.
    pub classes: BTreeSet<String>,
    /// Those among `classes` that are its lanes' own.
    pub own: BTreeSet<String>,
    /// Whether the instance is confined to its namespace. Its claims take nothing from one that is not.
    pub confined: bool,
}

impl Claim {
    /// What `instance` claims.
    #[must_use]
    pub fn of(instance: &GatewayInstance) -> Self {
        let name = instance.metadata.name.clone().unwrap_or_default();
        let lanes = instance.spec.enabled_lanes();
        let classes = lanes.flat_map(|(lane, spec)| {
            std::iter::once(spec.class_name(&name, lane)).chain(spec.ingress_class.also_serve.iter().cloned())
        });
        let own = instance.spec.enabled_lanes().map(|(lane, spec)| spec.class_name(&name, lane));
        Self {
            namespace: instance.metadata.namespace.clone().unwrap_or_default(),
            created: instance.metadata.creation_timestamp.clone(),
            classes: classes.collect(),
            own: own.collect(),
            name,
            confined: false,
        }
    }

    /// The same of an instance that is `confined`.
    #[must_use]
    pub fn confined(self, confined: bool) -> Self {
        Self { confined, ..self }
    }

    /// Whether this instance was there before `other`: by creation timestamp, then by namespace and name. One without a timestamp
    /// (from a file) is younger than every one with one.
    #[must_use]
    pub fn is_older_than(&self, other: &Self) -> bool {
        self.age() < other.age()
    }

    /// Whether both are of one instance.
    #[must_use]
    pub fn is_of_same_instance(&self, other: &Self) -> bool {
        (&self.namespace, &self.name) == (&other.namespace, &other.name)
    }

    fn age(&self) -> (bool, Option<&Time>, &str, &str) {
        (self.created.is_none(), self.created.as_ref(), &self.namespace, &self.name)
    }
}
