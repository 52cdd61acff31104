//! Metadata of planned objects.

use bulkhead_crds::names::GROUP;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use crate::instance::Uid;
use crate::labels;
use crate::lane::context::LaneContext;

/// Metadata of an object in the instance's own namespace. It goes when the instance goes.
pub(crate) fn owned(lane: &LaneContext<'_>, name: String) -> ObjectMeta {
    ObjectMeta { owner_references: owner(lane), ..in_namespace(lane, lane.instance.namespace(), name) }
}

/// Metadata of a cluster-scoped object. An owner reference to a namespaced instance would never be honoured, so labels alone
/// tell the owner.
pub(crate) fn cluster_scoped(lane: &LaneContext<'_>, name: String) -> ObjectMeta {
    ObjectMeta { name: Some(name), labels: Some(labels::ownership(lane.instance, lane.name)), ..ObjectMeta::default() }
}

/// Metadata of an object in any namespace. An owner reference works only inside the owner's own.
pub(crate) fn scoped(lane: &LaneContext<'_>, namespace: &str, name: String) -> ObjectMeta {
    if namespace == lane.instance.namespace() { owned(lane, name) } else { in_namespace(lane, namespace, name) }
}

fn in_namespace(lane: &LaneContext<'_>, namespace: &str, name: String) -> ObjectMeta {
    ObjectMeta { namespace: Some(namespace.to_owned()), ..cluster_scoped(lane, name) }
}

fn owner(lane: &LaneContext<'_>) -> Option<Vec<OwnerReference>> {
    match &lane.instance.uid {
        Uid::StandIn(_) => None,
        Uid::Real(uid) => Some(vec![OwnerReference {
            api_version: format!("{GROUP}/v1alpha1"),
            kind: "GatewayInstance".to_owned(),
            name: lane.instance.name().to_owned(),
            uid: uid.clone(),
            controller: Some(true),
            block_owner_deletion: Some(true),
        }]),
    }
}
