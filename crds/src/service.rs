//! The Service through which clients reach a lane.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::lane_spec::cidr_list_rule;
use crate::placement::{annotation_values, foreign_keys};
use crate::schema::rules;

/// How clients reach a lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rules(&[
    (
        "self.?httpPort.orValue(80) != self.?httpsPort.orValue(443)",
        "httpPort and httpsPort must differ: one port cannot serve both plain HTTP and TLS",
    ),
    (
        "!has(self.httpNodePort) || !has(self.httpsNodePort) || self.httpNodePort != self.httpsNodePort",
        "httpNodePort and httpsNodePort must differ",
    ),
    (
        "!has(self.type) || self.type in ['LoadBalancer', 'NodePort'] || (!has(self.httpNodePort) && !has(self.httpsNodePort))",
        "node ports need type LoadBalancer or NodePort: change the type, or remove httpNodePort and httpsNodePort",
    ),
    (
        "!has(self.type) || self.type == 'LoadBalancer' || (!has(self.loadBalancerClass) && self.?loadBalancerSourceRanges.orValue([]).size() == 0)",
        "loadBalancerClass and loadBalancerSourceRanges need type LoadBalancer: change the type, or remove them",
    ),
    (
        "!has(self.type) || self.type in ['LoadBalancer', 'NodePort'] || !has(self.externalTrafficPolicy)",
        "externalTrafficPolicy needs type LoadBalancer or NodePort: change the type, or remove it",
    ),
])))]
pub struct ServiceSpec {
    /// Kind of Service. LoadBalancer: reachable from outside through a load balancer of the platform. NodePort: through a port
    /// of every node. ClusterIP: inside the cluster only. None: no Service is made; bring your own. When unset, it is LoadBalancer
    /// for northSouth and ClusterIP for eastWest.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ServiceType")]
    pub type_: Option<ServiceType>,
    /// Annotations of the Service, for example the settings of a cloud's load balancer.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "annotation_values", extend("x-kubernetes-validations" = foreign_keys(&["bulkhead.io/"])))]
    pub annotations: BTreeMap<String, String>,
    /// Which implementation of load balancers serves the Service. Kubernetes does not let it change while the type is LoadBalancer: to
    /// change it, set type ClusterIP first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?$"))]
    pub load_balancer_class: Option<String>,
    /// Address blocks (CIDR) that may use the load balancer, where it supports that. Empty: everybody.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 128), inner(length(max = 43)), extend("x-kubernetes-list-type" = "set", "x-kubernetes-validations" = cidr_list_rule()))]
    pub load_balancer_source_ranges: Vec<String>,
    /// Which gateways take traffic from outside. Cluster: any, at the price of the client's address. Local: only those on the node where it
    /// arrives, which keeps the client's address. When unset, Kubernetes decides (Cluster).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "TrafficPolicy")]
    pub external_traffic_policy: Option<TrafficPolicy>,
    /// Which gateways take traffic from inside. Cluster: any. Local: only those on the client's node, and none if there is none. When
    /// unset, Kubernetes decides (Cluster).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "TrafficPolicy")]
    pub internal_traffic_policy: Option<TrafficPolicy>,
    /// Prefer gateways near the client: PreferClose or PreferSameZone (Kubernetes 1.34) for the zone, PreferSameNode (1.34) for the node.
    /// When unset, all are used evenly.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "TrafficDistribution")]
    pub traffic_distribution: Option<TrafficDistribution>,
    /// IP families of the Service: SingleStack, PreferDualStack or RequireDualStack. When unset, Kubernetes decides (SingleStack).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "IpFamilyPolicy")]
    pub ip_family_policy: Option<IpFamilyPolicy>,
    /// Port of the Service for plain HTTP.
    #[schemars(range(min = 1, max = 65_535))]
    pub http_port: i32,
    /// Port of the Service for TLS.
    #[schemars(range(min = 1, max = 65_535))]
    pub https_port: i32,
    /// Port of every node for plain HTTP; it must lie in the cluster's node port range. When unset, Kubernetes picks a free one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65_535))]
    pub http_node_port: Option<i32>,
    /// Port of every node for TLS; it must lie in the cluster's node port range. When unset, Kubernetes picks a free one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65_535))]
    pub https_node_port: Option<i32>,
}

impl Default for ServiceSpec {
    fn default() -> Self {
        Self {
            type_: None,
            annotations: BTreeMap::new(),
            load_balancer_class: None,
            load_balancer_source_ranges: Vec::new(),
            external_traffic_policy: None,
            internal_traffic_policy: None,
            traffic_distribution: None,
            ip_family_policy: None,
            http_port: 80,
            https_port: 443,
            http_node_port: None,
            https_node_port: None,
        }
    }
}

/// Kind of Service in front of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ServiceType {
    /// Reachable from outside through a load balancer of the platform.
    LoadBalancer,
    /// Reachable through a port of every node.
    NodePort,
    /// Reachable inside the cluster.
    #[serde(rename = "ClusterIP")]
    ClusterIp,
    /// No Service is made.
    None,
}

impl ServiceType {
    /// `spec.type` of the Service, or nothing when there is none to make.
    #[must_use]
    pub const fn service_type(self) -> Option<&'static str> {
        match self {
            Self::LoadBalancer => Some("LoadBalancer"),
            Self::NodePort => Some("NodePort"),
            Self::ClusterIp => Some("ClusterIP"),
            Self::None => None,
        }
    }
}

/// Which endpoints of a Service take traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum TrafficPolicy {
    /// Any.
    Cluster,
    /// Those on the same node.
    Local,
}

impl TrafficPolicy {
    /// The word Kubernetes uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "Cluster",
            Self::Local => "Local",
        }
    }
}

/// Which endpoints of a Service are preferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum TrafficDistribution {
    /// Those in the client's zone (older name).
    PreferClose,
    /// Those in the client's zone.
    PreferSameZone,
    /// Those on the client's node.
    PreferSameNode,
}

impl TrafficDistribution {
    /// The word Kubernetes uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PreferClose => "PreferClose",
            Self::PreferSameZone => "PreferSameZone",
            Self::PreferSameNode => "PreferSameNode",
        }
    }
}

/// IP families of a Service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum IpFamilyPolicy {
    /// One family.
    SingleStack,
    /// Both where the cluster has both.
    PreferDualStack,
    /// Both or failure.
    RequireDualStack,
}

impl IpFamilyPolicy {
    /// The word Kubernetes uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SingleStack => "SingleStack",
            Self::PreferDualStack => "PreferDualStack",
            Self::RequireDualStack => "RequireDualStack",
        }
    }
}
