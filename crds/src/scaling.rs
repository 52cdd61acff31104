//! How many pods a lane has when load decides.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscalerBehavior;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::{embedded, rule};

/// Replicas of a lane when the user sets neither `replicas` nor `autoscaling`: the fewest that survive the loss of one.
pub const DEFAULT_REPLICAS: i32 = 2;

/// A HorizontalPodAutoscaler for a lane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rule(
    "self.?minReplicas.orValue(2) <= self.maxReplicas",
    "minReplicas (2 when unset) must not be greater than maxReplicas: lower minReplicas or raise maxReplicas",
)))]
pub struct Autoscaling {
    /// Fewest replicas.
    #[serde(default = "default_replicas")]
    #[schemars(range(min = 1, max = 1000))]
    pub min_replicas: i32,
    /// Most replicas.
    #[schemars(range(min = 1, max = 1000))]
    pub max_replicas: i32,
    /// Use of CPU, in percent of what the pods request, that the autoscaler aims at. It needs resources.requests.cpu.
    #[serde(rename = "targetCPUUtilizationPercentage", default = "default_target")]
    #[schemars(range(min = 1, max = 1000))]
    pub target_cpu_utilization_percentage: i32,
    /// How fast to scale up and down, as in a HorizontalPodAutoscaler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "embedded::<HorizontalPodAutoscalerBehavior>")]
    pub behavior: Option<HorizontalPodAutoscalerBehavior>,
}

const fn default_replicas() -> i32 {
    DEFAULT_REPLICAS
}

/// Leaves a quarter of the CPU for the seconds until new pods are ready.
const fn default_target() -> i32 {
    75
}
