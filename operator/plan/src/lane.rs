//! One lane: every object that makes it, one field a kind.

use std::fmt;

use bulkhead_crds::lane::LaneDocument;
use bulkhead_crds::names::LaneName;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{IngressClass, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use serde_json::Value;

use crate::keyring::RefusedEntry;
use context::LaneContext;

mod admin_service;
mod autoscaler;
mod binding;
mod class_reader;
mod container;
pub(crate) mod context;
mod deployment;
mod disruption_budget;
mod document;
mod ingress_class;
mod keyring;
mod network_policy;
mod pod;
mod role;
mod route_reader;
mod service;
mod service_account;
mod spread;
#[cfg(test)]
mod tests;

/// Every object of one lane. Whoever applies it should take it apart without `..`, so that a new object cannot be forgotten.
#[derive(Clone, PartialEq)]
pub struct LaneObjects {
    /// Which lane.
    pub lane: LaneName,
    /// What `lane_document` says, for those who want it without decoding.
    pub document: LaneDocument,
    /// Identity of the pods.
    pub service_account: ServiceAccount,
    /// Reads the lane document and the keyring, by name.
    pub role: Role,
    /// Gives `role` to the pods.
    pub role_binding: RoleBinding,
    /// Reads Ingresses, Services and EndpointSlices.
    pub route_reader: ClusterRole,
    /// Gives `route_reader` to the pods in the whole cluster; only when the scope is All.
    pub route_reader_binding: Option<ClusterRoleBinding>,
    /// Gives `route_reader` to the pods, once a namespace of the scope; empty when the scope is All. A namespace may not exist (yet).
    pub scoped_bindings: Vec<RoleBinding>,
    /// Reads IngressClasses, which have no namespace.
    pub class_reader: ClusterRole,
    /// Gives `class_reader` to the pods.
    pub class_reader_binding: ClusterRoleBinding,
    /// Copies of the Secrets that the lane's Ingresses refer to. Shard 0 always exists.
    pub keyring: Vec<Secret>,
    /// What could not go into the keyring; the routes that need it are without it.
    pub refused: Vec<RefusedEntry>,
    /// The lane document.
    pub lane_document: ConfigMap,
    /// Who may talk to the pods, and to whom they may talk; absent when switched off.
    pub network_policy: Option<NetworkPolicy>,
    /// Where clients reach the lane; absent when the user brings a Service.
    pub traffic_service: Option<Service>,
    /// Where the operator reaches the admin port of every pod.
    pub admin_service: Service,
    /// The gateways.
    pub deployment: Deployment,
    /// How many pods may be evicted at once; absent for a lane that could not lose one.
    pub disruption_budget: Option<PodDisruptionBudget>,
    /// Absent when the number of replicas is fixed.
    pub autoscaler: Option<HorizontalPodAutoscaler>,
    /// The class whose Ingresses the lane serves.
    pub ingress_class: IngressClass,
}

impl LaneObjects {
    pub(crate) fn of(lane: &LaneContext<'_>) -> Self {
        let keyring = keyring::build(lane);
        let document = document::build(lane, &keyring.secrets);
        Self {
            lane: lane.name,
            service_account: service_account::build(lane),
            role: role::build(lane, &document),
            role_binding: role::binding(lane),
            route_reader: route_reader::build(lane),
            route_reader_binding: route_reader::cluster_binding(lane),
            scoped_bindings: route_reader::scoped_bindings(lane),
            class_reader: class_reader::build(lane),
            class_reader_binding: class_reader::binding(lane),
            keyring: keyring.secrets,
            refused: keyring.refused,
            lane_document: document::config_map(lane, &document),
            document,
            network_policy: network_policy::build(lane),
            traffic_service: service::build(lane),
            admin_service: admin_service::build(lane),
            deployment: deployment::build(lane),
            disruption_budget: disruption_budget::build(lane),
            autoscaler: autoscaler::build(lane),
            ingress_class: ingress_class::build(lane),
        }
    }

    /// The objects as JSON with `apiVersion` and `kind`, each after those it needs. Keyring Secrets are among them.
    #[must_use]
    pub fn to_values(&self) -> Vec<Value> {
        let Self {
            lane: _,
            document: _,
            refused: _,
            service_account,
            role,
            role_binding,
            route_reader,
            route_reader_binding,
            scoped_bindings,
            class_reader,
            class_reader_binding,
            keyring,
            lane_document,
            network_policy,
            traffic_service,
            admin_service,
            deployment,
            disruption_budget,
            autoscaler,
            ingress_class,
        } = self;
        let mut values = vec![value(service_account), value(role), value(role_binding), value(route_reader)];
        values.extend(route_reader_binding.iter().map(value));
        values.extend(scoped_bindings.iter().map(value));
        values.extend([value(class_reader), value(class_reader_binding)]);
        values.extend(keyring.iter().map(value));
        values.push(value(lane_document));
        values.extend(network_policy.iter().map(value));
        values.extend(traffic_service.iter().map(value));
        values.extend([value(admin_service), value(deployment)]);
        values.extend(disruption_budget.iter().map(value));
        values.extend(autoscaler.iter().map(value));
        values.push(value(ingress_class));
        values
    }
}

/// Kubernetes types are plain data with text keys, for which this conversion has no failure.
fn value(object: &impl serde::Serialize) -> Value {
    serde_json::json!(object)
}

/// Names the lane only: a keyring must not end up in a log.
impl fmt::Debug for LaneObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaneObjects").field("lane", &self.lane).finish_non_exhaustive()
    }
}
