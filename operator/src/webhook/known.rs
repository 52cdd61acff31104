//! What verdicts are made of: the caches of this replica, as reconciles see them.

use std::sync::Arc;

use bulkhead_compile::class_of;
use bulkhead_crds::condition::ConditionType;
use bulkhead_crds::instance::GatewayInstance;
use bulkhead_crds::lane::{LaneDocument, LaneIdentity};
use bulkhead_crds::lane_spec::LaneSpec;
use bulkhead_crds::names::{CONTROLLER, LABEL_INSTANCE_UID, LaneName};
use k8s_openapi::api::networking::v1::Ingress;
use kube::runtime::reflector::ObjectRef;

use super::ingresses::{self, Server};
use super::instances;
use super::review::Known;
use super::verdict::Opinion;
use crate::conditions::find;
use crate::context::Context;
use crate::gather;
use crate::owner::{InstanceId, label};

/// The caches.
#[derive(Clone)]
pub struct Cluster(pub Arc<Context>);

impl Known for Cluster {
    fn instance(&self, instance: &GatewayInstance) -> Opinion {
        let gathered = gather::judged_by(instance, &InstanceId::of(&instance.metadata), &self.0);
        instances::opinion(instance, gathered.as_ref().map_err(ToString::to_string))
    }

    fn ingress(&self, ingress: &Ingress) -> Opinion {
        ingresses::opinion(ingress, &self.servers(ingress))
    }
}

impl Cluster {
    /// The lanes that serve an Ingress, or would.
    fn servers(&self, ingress: &Ingress) -> Vec<Server> {
        let Some(class) = class_of(ingress) else { return Vec::new() };
        let namespace = ingress.metadata.namespace.as_deref().unwrap_or_default();
        let instances = self.0.caches.instances.state();
        let serving = instances.iter().filter(|instance| serves(instance));
        serving.flat_map(|instance| self.lanes(instance, class, namespace)).collect()
    }

    /// The lanes of an instance that serve a class in a namespace.
    fn lanes(&self, instance: &GatewayInstance, class: &str, namespace: &str) -> Vec<Server> {
        let id = InstanceId::of(&instance.metadata);
        let name = instance.metadata.name.as_deref().unwrap_or_default();
        let wanted = instance.spec.enabled_lanes().filter(|(lane, spec)| {
            spec.class_name(name, *lane) == class || spec.ingress_class.also_serve.iter().any(|also| also == class)
        });
        let wanted: Vec<_> = wanted.collect();
        if wanted.is_empty() {
            return Vec::new();
        }
        // A scope that means nothing serves nobody.
        let Ok(namespaces) = gather::namespaces(instance, &id, &self.0) else { return Vec::new() };
        if namespaces.is_some_and(|namespaces| !namespaces.contains(namespace)) {
            return Vec::new();
        }
        let served = wanted.into_iter().filter(|(lane, spec)| {
            gather::classes(&id, *lane, spec, &self.0).contains(class) && !self.is_of_another(class, &id)
        });
        let server = |(lane, spec): (LaneName, &LaneSpec)| {
            let own = spec.class_name(name, lane);
            let identity =
                LaneIdentity { namespace: id.namespace.clone(), instance: id.name.clone(), uid: id.uid.clone(), lane };
            let mut document = LaneDocument::of(identity, &own, spec);
            document.profile = instance.spec.profile;
            Server { own: own == class, document }
        };
        served.map(server).collect()
    }

    /// Whether a class is that of another instance, whatever `alsoServe` says.
    fn is_of_another(&self, class: &str, id: &InstanceId) -> bool {
        self.0.caches.classes.get(&ObjectRef::new(class)).is_some_and(|class| {
            let controller = class.spec.as_ref().and_then(|spec| spec.controller.as_deref());
            controller == Some(CONTROLLER) && label(&class.metadata, LABEL_INSTANCE_UID) != Some(&id.uid)
        })
    }
}

/// Whether an instance is carried out: one that is not accepted serves what it served, which nobody knows here, and one that is on its way
/// out serves not for long.
fn serves(instance: &GatewayInstance) -> bool {
    let conditions = instance.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let accepted = find(conditions, ConditionType::Accepted).is_none_or(|accepted| accepted.status != "False");
    accepted && instance.metadata.deletion_timestamp.is_none()
}
