//! The class whose Ingresses a lane serves.

use bulkhead_crds::names::{CONTROLLER, GROUP};
use k8s_openapi::api::networking::v1::{IngressClass, IngressClassParametersReference, IngressClassSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::labels::{ANNOTATION_DEFAULT_CLASS, map};
use crate::lane::context::LaneContext;
use crate::metadata;

/// An IngressClass that names this instance in its parameters, and its UID and lane in its labels. It is the cluster's default only
/// when the user says so: of several defaults the newest wins, so an unasked one would take Ingresses from others.
pub(super) fn build(lane: &LaneContext<'_>) -> IngressClass {
    let default = lane.spec.ingress_class.is_default;
    IngressClass {
        metadata: ObjectMeta {
            annotations: default.then(|| map(&[(ANNOTATION_DEFAULT_CLASS, "true")])),
            ..metadata::cluster_scoped(lane, lane.instance.class_name(lane.name))
        },
        spec: Some(IngressClassSpec {
            controller: Some(CONTROLLER.to_owned()),
            parameters: Some(IngressClassParametersReference {
                api_group: Some(GROUP.to_owned()),
                kind: "GatewayInstance".to_owned(),
                scope: Some("Namespace".to_owned()),
                namespace: Some(lane.instance.namespace().to_owned()),
                name: lane.instance.name().to_owned(),
            }),
        }),
    }
}
