//! Who may open connections to a lane.

use k8s_openapi::api::networking::v1::NetworkPolicyPeer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::embedded_list;

/// The NetworkPolicy of a lane.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct NetworkPolicySpec {
    /// Managed: the operator keeps a NetworkPolicy that lets in traffic to the lane's ports and nothing else. "Off": none is made;
    /// the quotes are needed, because YAML takes the bare word for a boolean.
    pub mode: NetworkPolicyMode,
    /// Who may open connections to the traffic ports, as in a NetworkPolicy. Empty: everybody who can reach the Service.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "embedded_list::<NetworkPolicyPeer>")]
    pub from: Vec<NetworkPolicyPeer>,
}

/// Whether the operator keeps a NetworkPolicy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum NetworkPolicyMode {
    /// It does.
    #[default]
    Managed,
    /// It does not.
    Off,
}
