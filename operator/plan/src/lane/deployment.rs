//! The gateways of a lane.

use bulkhead_crds::fnv::fnv1a;
use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::labels::{self, ANNOTATION_OPERATOR_VERSION, ANNOTATION_TEMPLATE, map};
use crate::lane::context::LaneContext;
use crate::lane::pod;
use crate::metadata;

/// Old revisions kept to go back to: the last good one, and two that failed on the way to it.
const REVISION_HISTORY_LIMIT: i32 = 3;
/// Up to this many replicas one pod is added at a time; replacing more than a handful one by one takes too long.
const REPLACED_SINGLY: i32 = 4;

/// A Deployment that never has fewer ready pods than replicas while it is rolled out. `replicas` is left to the autoscaler where
/// there is one.
pub(super) fn build(lane: &LaneContext<'_>) -> Deployment {
    let template = pod::template(lane);
    Deployment {
        metadata: ObjectMeta {
            annotations: Some(map(&[
                (ANNOTATION_OPERATOR_VERSION, &lane.site.version),
                (ANNOTATION_TEMPLATE, &print(&template)),
            ])),
            ..metadata::owned(lane, lane.object_name())
        },
        spec: Some(DeploymentSpec {
            replicas: lane.spec.fixed_replicas(),
            selector: labels::pod_selector(lane.instance, lane.name),
            strategy: Some(strategy(lane.spec.least_replicas())),
            min_ready_seconds: Some(lane.spec.min_ready_seconds),
            progress_deadline_seconds: Some(lane.instance.spec().rollout.progress_deadline_seconds),
            revision_history_limit: Some(REVISION_HISTORY_LIMIT),
            template,
            paused: None,
        }),
        status: None,
    }
}

/// Equal for equal templates, in every version that writes them alike.
fn print(template: &PodTemplateSpec) -> String {
    // Fields in the order of their type. A JSON value would have them in one that depends on how serde_json is built.
    format!("{:016x}", fnv1a(serde_json::to_string(template).unwrap_or_default().as_bytes()))
}

fn strategy(replicas: i32) -> DeploymentStrategy {
    let max_surge =
        if replicas > REPLACED_SINGLY { IntOrString::String("25%".to_owned()) } else { IntOrString::Int(1) };
    DeploymentStrategy {
        type_: Some("RollingUpdate".to_owned()),
        rolling_update: Some(RollingUpdateDeployment {
            max_unavailable: Some(IntOrString::Int(0)),
            max_surge: Some(max_surge),
        }),
    }
}
