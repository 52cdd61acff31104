//! What a lane's pods may read in the instance's namespace.

use bulkhead_crds::lane::LaneDocument;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};

use crate::lane::binding::{read_named, role_ref, subjects};
use crate::lane::context::LaneContext;
use crate::{metadata, names};

/// Their own lane document and keyring, by name: a stolen token yields the keys of this lane and no other Secret.
pub(super) fn build(lane: &LaneContext<'_>, document: &LaneDocument) -> Role {
    Role {
        metadata: metadata::owned(lane, lane.object_name()),
        rules: Some(vec![
            read_named("configmaps", vec![names::lane_document(lane.instance.name(), lane.name)]),
            read_named("secrets", document.keyring.clone()),
        ]),
    }
}

/// Gives that role to the pods.
pub(super) fn binding(lane: &LaneContext<'_>) -> RoleBinding {
    RoleBinding {
        metadata: metadata::owned(lane, lane.object_name()),
        role_ref: role_ref("Role", lane.object_name()),
        subjects: subjects(lane),
    }
}
