//! Where the pods of a lane run, and what they carry.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Affinity, Toleration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::schema::{embedded, embedded_list, rules};

/// Which nodes the pods of a lane may and should run on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Placement {
    /// Labels that a node must carry to run pods of this lane.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "label_values")]
    pub node_selector: BTreeMap<String, String>,
    /// Taints of nodes that pods of this lane put up with, as in a pod.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "embedded_list::<Toleration>")]
    pub tolerations: Vec<Toleration>,
    /// Affinity to nodes and pods, as in a pod. Spreading over nodes and zones is already arranged by topologySpread.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "embedded::<Affinity>")]
    pub affinity: Option<Affinity>,
    /// How strictly pods of this lane are spread over nodes and zones. Preferred: as evenly as possible, but a pod that cannot
    /// be spread is still started. Required: such a pod waits; choose it only where nodes are plenty.
    pub topology_spread: TopologySpread,
    /// PriorityClass of the pods. Gateways should outrank what they serve, so that a full node evicts the application first.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 253), regex(pattern = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$"))]
    pub priority_class_name: String,
}

/// How strictly pods are spread over nodes and zones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum TopologySpread {
    /// As evenly as possible.
    #[default]
    Preferred,
    /// Pods that cannot be spread wait.
    Required,
}

/// What the pods of a lane carry beside the operator's own labels and annotations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct PodMetadata {
    /// Labels added to the pods. Labels under bulkhead.io/ and app.kubernetes.io/ belong to the operator.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "label_values", extend("x-kubernetes-validations" = foreign_keys(&["bulkhead.io/", "app.kubernetes.io/"])))]
    pub labels: BTreeMap<String, String>,
    /// Annotations added to the pods, for example for meshes or log collectors.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "annotation_values", extend("x-kubernetes-validations" = foreign_keys(&["bulkhead.io/"])))]
    pub annotations: BTreeMap<String, String>,
}

/// A map of label values (Kubernetes: 63 characters that begin and end alphanumeric).
pub(crate) fn label_values(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "maxProperties": 32,
        "additionalProperties": {
            "type": "string", "maxLength": 63, "pattern": "^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$",
        },
    })
}

/// A map of annotation values. 4096 bytes hold the longest load balancer annotation known (a list of certificates).
pub(crate) fn annotation_values(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "maxProperties": 64,
        "additionalProperties": { "type": "string", "maxLength": 4096 },
    })
}

/// The rules that every key of a map is one that Kubernetes accepts, and none begins with a prefix that belongs to the operator.
pub(crate) fn foreign_keys(reserved: &[&str]) -> Value {
    let none = reserved.iter().map(|prefix| format!("!key.startsWith('{prefix}')")).collect::<Vec<_>>().join(" && ");
    rules(&[
        (
            "self.all(key, !format.qualifiedName().validate(key).hasValue())",
            "every key must be a name of at most 63 characters, perhaps after a DNS prefix and a slash, such as example.com/team",
        ),
        (
            &format!("self.all(key, {none})"),
            &format!("keys under {} belong to the operator: choose another prefix", reserved.join(" and ")),
        ),
    ])
}
