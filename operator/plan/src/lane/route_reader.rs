//! What a lane's pods may read in the namespaces they serve.

use bulkhead_crds::lane::NamespaceSet;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, RoleBinding};

use crate::lane::binding::{read, role_ref, subjects};
use crate::lane::context::LaneContext;
use crate::{metadata, names};

/// Ingresses and where they lead. No Secret, and no verb that writes.
pub(super) fn build(lane: &LaneContext<'_>) -> ClusterRole {
    ClusterRole {
        metadata: metadata::cluster_scoped(lane, name(lane)),
        rules: Some(vec![
            read("networking.k8s.io", &["ingresses"]),
            read("", &["services"]),
            read("discovery.k8s.io", &["endpointslices"]),
        ]),
        aggregation_rule: None,
    }
}

/// The role in every namespace, when the scope says so.
pub(super) fn cluster_binding(lane: &LaneContext<'_>) -> Option<ClusterRoleBinding> {
    match lane.namespaces() {
        NamespaceSet::Names(_) => None,
        NamespaceSet::All => Some(ClusterRoleBinding {
            metadata: metadata::cluster_scoped(lane, name(lane)),
            role_ref: role_ref("ClusterRole", name(lane)),
            subjects: subjects(lane),
        }),
    }
}

/// The role in each namespace of a narrower scope, in order of name.
pub(super) fn scoped_bindings(lane: &LaneContext<'_>) -> Vec<RoleBinding> {
    let NamespaceSet::Names(namespaces) = lane.namespaces() else { return Vec::new() };
    let binding = |namespace: &String| RoleBinding {
        metadata: metadata::scoped(lane, namespace, name(lane)),
        role_ref: role_ref("ClusterRole", name(lane)),
        subjects: subjects(lane),
    };
    namespaces.iter().map(binding).collect()
}

fn name(lane: &LaneContext<'_>) -> String {
    names::route_reader(lane.instance.namespace(), lane.instance.name(), lane.name)
}
