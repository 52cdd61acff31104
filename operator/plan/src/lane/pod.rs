//! The pod template of a lane: only what a gateway process cannot change while it runs.
//!
//! Neither settings nor the operator's version stand in it, so that changing them replaces no pod.

use k8s_openapi::api::core::v1::{
    LocalObjectReference, PodSecurityContext, PodSpec, PodTemplateSpec, SeccompProfile, Sysctl,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::labels;
use crate::lane::context::LaneContext;
use crate::lane::{container, spread};
use crate::site::Platform;

/// User and group of the process: `nonroot` of distroless images.
const NONROOT: i64 = 65532;

/// The template. Labels and annotations of the user stand beside ours, never in their place.
pub(super) fn template(lane: &LaneContext<'_>) -> PodTemplateSpec {
    let mut labels = labels::added_labels(&lane.spec.pod_metadata.labels);
    labels.extend(labels::ownership(lane.instance, lane.name));
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels),
            annotations: labels::added_annotations(&lane.spec.pod_metadata.annotations),
            ..ObjectMeta::default()
        }),
        spec: Some(spec(lane)),
    }
}

fn spec(lane: &LaneContext<'_>) -> PodSpec {
    let placement = &lane.spec.placement;
    let pull_secrets = lane.instance.spec().image_pull_secrets.iter();
    let pull_secrets: Vec<_> = pull_secrets.map(|secret| LocalObjectReference { name: secret.name.clone() }).collect();
    PodSpec {
        service_account_name: Some(lane.object_name()),
        automount_service_account_token: Some(true),
        // One variable per port of every Service in the namespace: nothing reads them, and thousands slow the start.
        enable_service_links: Some(false),
        containers: vec![container::gateway(lane)],
        image_pull_secrets: (!pull_secrets.is_empty()).then_some(pull_secrets),
        termination_grace_period_seconds: Some(lane.spec.drain.termination_grace_period_seconds()),
        security_context: Some(security_context(lane)),
        topology_spread_constraints: Some(spread::constraints(lane)),
        node_selector: Some(placement.node_selector.clone()).filter(|labels| !labels.is_empty()),
        tolerations: Some(placement.tolerations.clone()).filter(|tolerations| !tolerations.is_empty()),
        affinity: placement.affinity.clone(),
        priority_class_name: Some(placement.priority_class_name.clone()).filter(|name| !name.is_empty()),
        ..PodSpec::default()
    }
}

/// What the restricted Pod Security Standard asks of a pod.
fn security_context(lane: &LaneContext<'_>) -> PodSecurityContext {
    let user = match lane.site.platform {
        Platform::Kubernetes => Some(NONROOT),
        Platform::OpenShift => None,
    };
    let sysctls: Vec<_> = lane.spec.sysctls.entries().into_iter().map(sysctl).collect();
    PodSecurityContext {
        run_as_non_root: Some(true),
        run_as_user: user,
        run_as_group: user,
        seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".to_owned(), localhost_profile: None }),
        sysctls: (!sysctls.is_empty()).then_some(sysctls),
        ..PodSecurityContext::default()
    }
}

fn sysctl((name, value): (&'static str, String)) -> Sysctl {
    Sysctl { name: name.to_owned(), value }
}
