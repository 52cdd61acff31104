//! What the operator says of an instance.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::finding::Finding;
use crate::names::LaneName;

/// Most addresses shown per lane.
pub const ADDRESSES: usize = 16;

/// What the operator saw last. Conditions are the truth; everything else is derived from them or counts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct GatewayInstanceStatus {
    /// `metadata.generation` that this status speaks of. When it is lower, the operator has not yet looked at the latest change.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub observed_generation: Option<i64>,
    /// A summary for people: Pending, Running, Listening, Failed, Paused or Deleting. Later versions may add words; programs should read conditions.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 32))]
    pub phase: String,
    /// What holds of the instance: Accepted, Ready, Progressing, Degraded, Paused, FullyObeyed and, while it is being deleted, DeletionBlocked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions")]
    pub conditions: Vec<Condition>,
    /// The lanes, north-south first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 2), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub lanes: Vec<LaneStatus>,
}

impl GatewayInstanceStatus {
    /// What is said of one lane.
    #[must_use]
    pub fn lane(&self, name: LaneName) -> Option<&LaneStatus> {
        self.lanes.iter().find(|lane| lane.name == name)
    }
}

/// What the operator saw of one lane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LaneStatus {
    /// Which lane: northSouth or eastWest.
    pub name: LaneName,
    /// Name of the lane's IngressClass.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 253))]
    pub ingress_class: String,
    /// Image that the lane's Deployment asks for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 512))]
    pub image: String,
    /// Ready and wanted pods, such as 2/2.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 24))]
    pub ready: String,
    /// Pods that are wanted.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub replicas: i32,
    /// Pods that are ready.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub ready_replicas: i32,
    /// Pods that run the newest pod template.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub updated_replicas: i32,
    /// Addresses and host names at which clients reach the lane.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(max = 253)), extend("x-kubernetes-list-type" = "atomic"))]
    pub addresses: Vec<String>,
    /// Ingresses that the lane serves.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub ingresses: i32,
    /// Routes that the lane serves.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub routes: i32,
    /// What the lane could not take literally.
    #[serde(default)]
    pub findings: FindingsStatus,
    /// `metadata.generation` whose settings every ready pod of the lane has loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub config_generation: Option<i64>,
    /// What holds of the lane: Available, RolledOut, Exposed and ConfigLoaded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions")]
    pub conditions: Vec<Condition>,
}

impl LaneStatus {
    /// A lane of which nothing is known yet.
    #[must_use]
    pub fn new(name: LaneName) -> Self {
        Self {
            name,
            ingress_class: String::new(),
            image: String::new(),
            ready: String::new(),
            replicas: 0,
            ready_replicas: 0,
            updated_replicas: 0,
            addresses: Vec::new(),
            ingresses: 0,
            routes: 0,
            findings: FindingsStatus::default(),
            config_generation: None,
            conditions: Vec::new(),
        }
    }
}

/// Findings of a lane, counted, with the first few in full.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct FindingsStatus {
    /// How many things are not served.
    #[schemars(range(min = 0))]
    pub errors: i32,
    /// How many things are served otherwise than written.
    #[schemars(range(min = 0))]
    pub warnings: i32,
    /// The first findings, errors first. `bulkhead audit` lists all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "atomic"))]
    pub sample: Vec<Finding>,
}

/// A list of `metav1.Condition` with the bounds that Kubernetes gives its fields.
fn conditions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 16,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["lastTransitionTime", "message", "reason", "status", "type"],
            "properties": {
                "type": {
                    "description": "What the condition is about.",
                    "type": "string", "maxLength": 316,
                    "pattern": "^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
                },
                "status": {
                    "description": "Whether it holds: True, False or Unknown.",
                    "type": "string", "enum": ["True", "False", "Unknown"],
                },
                "reason": {
                    "description": "A word for why, for programs.",
                    "type": "string", "minLength": 1, "maxLength": 1024,
                    "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
                },
                "message": {
                    "description": "A sentence on why, and on what to do, for people.",
                    "type": "string", "maxLength": 32768,
                },
                "observedGeneration": {
                    "description": "metadata.generation that the condition speaks of.",
                    "type": "integer", "format": "int64", "minimum": 0,
                },
                "lastTransitionTime": {
                    "description": "When status last changed.",
                    "type": "string", "format": "date-time", "maxLength": 64,
                },
            },
        },
    })
}
