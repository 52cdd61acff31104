//! What a lane's pods may read of the cluster.

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};

use crate::lane::binding::{read, role_ref, subjects};
use crate::lane::context::LaneContext;
use crate::{metadata, names};

/// IngressClasses, whatever the scope: they have no namespace, and a lane must see whether its class is still its own.
pub(super) fn build(lane: &LaneContext<'_>) -> ClusterRole {
    ClusterRole {
        metadata: metadata::cluster_scoped(lane, name(lane)),
        rules: Some(vec![read("networking.k8s.io", &["ingressclasses"])]),
        aggregation_rule: None,
    }
}

/// Gives that role to the pods.
pub(super) fn binding(lane: &LaneContext<'_>) -> ClusterRoleBinding {
    ClusterRoleBinding {
        metadata: metadata::cluster_scoped(lane, name(lane)),
        role_ref: role_ref("ClusterRole", name(lane)),
        subjects: subjects(lane),
    }
}

fn name(lane: &LaneContext<'_>) -> String {
    names::class_reader(lane.instance.namespace(), lane.instance.name(), lane.name)
}
