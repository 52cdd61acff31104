//! When an instance takes a new gateway image, and what happens when the new one does not come up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a new revision of the gateways reaches this instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Rollout {
    /// Place in the queue when the operator brings a new default image: instances of wave 0 take it first, higher waves only
    /// after all lower ones run it well. Give test systems a low wave and the most precious instance the highest.
    #[schemars(range(min = 0, max = 1000))]
    pub wave: i32,
    /// Seconds that a lane may take until its new pods are available before the rollout counts as failed.
    #[schemars(range(min = 30, max = 86_400))]
    pub progress_deadline_seconds: i32,
    /// Whether a lane whose rollout failed goes back by itself to the last pod template that worked. The condition RolledOut
    /// tells that it did.
    pub auto_rollback: bool,
}

impl Default for Rollout {
    fn default() -> Self {
        Self { wave: 0, progress_deadline_seconds: 600, auto_rollback: true }
    }
}
