//! How many of a lane's pods may be evicted at once.

use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::lane::context::LaneContext;
use crate::{labels, metadata};

/// What the user chose, else by size: one of two or three pods, a quarter of more. A lane of one pod has none, or no node could be
/// drained. Pods that are not ready may always go (`AlwaysAllow`): they serve nobody, and would block the drain of a broken node.
pub(super) fn build(lane: &LaneContext<'_>) -> Option<PodDisruptionBudget> {
    let chosen = lane.spec.disruption.max_unavailable.clone();
    let max_unavailable = chosen.or_else(|| by_size(lane.spec.least_replicas()))?;
    Some(PodDisruptionBudget {
        metadata: metadata::owned(lane, lane.object_name()),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(max_unavailable),
            selector: Some(labels::pod_selector(lane.instance, lane.name)),
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()),
            ..PodDisruptionBudgetSpec::default()
        }),
        status: None,
    })
}

fn by_size(replicas: i32) -> Option<IntOrString> {
    match replicas {
        ..2 => None,
        2..=3 => Some(IntOrString::Int(1)),
        4.. => Some(IntOrString::String("25%".to_owned())),
    }
}
