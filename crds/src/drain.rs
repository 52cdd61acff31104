//! How a gateway leaves, and how many may leave at once.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::lane::LaneDrain;
use crate::schema::rule;

/// Seconds that a pod gets beyond its drain, for writing its last responses and exiting.
pub const TERMINATION_MARGIN_SECONDS: i32 = 5;

/// What happens between the signal to stop and the end of a gateway process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Drain {
    /// Seconds in which a stopping gateway is not ready but still accepts connections: long enough for kube-proxy and load balancers to learn
    /// that it goes.
    #[schemars(range(min = 0, max = 600))]
    pub lameduck_seconds: i32,
    /// Seconds after that in which requests under way may end. Then the rest is cut. Raise it for long downloads or WebSockets.
    #[schemars(range(min = 0, max = 3600))]
    pub timeout_seconds: i32,
}

impl Default for Drain {
    fn default() -> Self {
        Self { lameduck_seconds: 15, timeout_seconds: 60 }
    }
}

impl Drain {
    /// What the lane document says of this drain.
    #[must_use]
    pub fn resolve(&self) -> LaneDrain {
        LaneDrain { lameduck_ms: millis(self.lameduck_seconds), timeout_ms: millis(self.timeout_seconds) }
    }

    /// `terminationGracePeriodSeconds` of the pods: both phases and a margin.
    #[must_use]
    pub fn termination_grace_period_seconds(&self) -> i64 {
        i64::from(self.lameduck_seconds.max(0))
            + i64::from(self.timeout_seconds.max(0))
            + i64::from(TERMINATION_MARGIN_SECONDS)
    }
}

fn millis(seconds: i32) -> u64 {
    u64::from(seconds.max(0).unsigned_abs()) * 1000
}

/// How many pods of a lane an eviction may take away at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Disruption {
    /// Most pods that may be evicted at once, as a number or a percentage such as "25%". When unset: 1 for two or three replicas, 25% above that, and no
    /// PodDisruptionBudget for a single one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "count_or_percentage", extend("x-kubernetes-validations" = rule(
        "type(self) == int ? self >= 0 && self <= 1000 : string(self).matches('^(100|[1-9]?[0-9])%$')",
        "must be a number from 0 to 1000 or a percentage from 0% to 100%",
    )))]
    pub max_unavailable: Option<IntOrString>,
}

fn count_or_percentage(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "x-kubernetes-int-or-string": true, "maxLength": 4 })
}
