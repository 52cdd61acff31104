//! One lane: a Deployment of gateways with everything around it.

use k8s_openapi::api::core::v1::ResourceRequirements;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client_address::ClientAddress;
use crate::drain::{Disruption, Drain};
use crate::ingress_class::IngressClassSpec;
use crate::limits::Limits;
use crate::names::LaneName;
use crate::network_policy::NetworkPolicySpec;
use crate::observability::{AccessLog, Metrics, Tracing};
use crate::placement::{Placement, PodMetadata};
use crate::scaling::{Autoscaling, DEFAULT_REPLICAS};
use crate::schema::{embedded, rule};
use crate::service::{ServiceSpec, ServiceType};
use crate::sysctls::Sysctls;
use crate::tls::Tls;
use crate::upstream::Upstream;

/// What one lane of an instance is made of. Lanes share nothing: neither pods nor identity nor class nor limits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rule(
    "!(has(self.replicas) && has(self.autoscaling))",
    "replicas and autoscaling exclude each other: remove replicas to let the autoscaler decide",
)))]
pub struct LaneSpec {
    /// Whether the lane exists. At least one lane must.
    pub enabled: bool,
    /// Which Ingresses the lane serves.
    pub ingress_class: IngressClassSpec,
    /// How many gateway pods to run. When neither this nor autoscaling is set, 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub replicas: Option<i32>,
    /// Lets load decide how many gateway pods run, instead of replicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autoscaling: Option<Autoscaling>,
    /// CPU and memory of a gateway pod, as in a container. The limit on connections follows the memory limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "embedded::<ResourceRequirements>")]
    pub resources: Option<ResourceRequirements>,
    /// Where the pods run.
    pub placement: Placement,
    /// Labels and annotations that the pods carry beside those of the operator.
    pub pod_metadata: PodMetadata,
    /// The Service through which clients reach the lane.
    pub service: ServiceSpec,
    /// How many pods may be evicted at once.
    pub disruption: Disruption,
    /// How a gateway leaves without cutting requests. A pod gets both times and 5 seconds before it is killed.
    pub drain: Drain,
    /// Seconds that a new pod must be ready before the next one is replaced. At least as long as a load balancer in front takes to find a pod healthy.
    #[schemars(range(min = 0, max = 600))]
    pub min_ready_seconds: i32,
    /// Who may open connections to the lane.
    pub network_policy: NetworkPolicySpec,
    /// Kernel settings of the pods.
    pub sysctls: Sysctls,
    /// How the client's address is learnt and passed on.
    pub client_address: ClientAddress,
    /// TLS between clients and the lane.
    pub tls: Tls,
    /// Bounds on clients.
    pub limits: Limits,
    /// Bounds on backends.
    pub upstream: Upstream,
    /// The access log.
    pub access_log: AccessLog,
    /// Traces.
    pub tracing: Tracing,
    /// Metrics beyond the standard ones.
    pub metrics: Metrics,
}

impl Default for LaneSpec {
    fn default() -> Self {
        Self {
            enabled: true,
            ingress_class: IngressClassSpec::default(),
            replicas: None,
            autoscaling: None,
            resources: None,
            placement: Placement::default(),
            pod_metadata: PodMetadata::default(),
            service: ServiceSpec::default(),
            disruption: Disruption::default(),
            drain: Drain::default(),
            min_ready_seconds: 10,
            network_policy: NetworkPolicySpec::default(),
            sysctls: Sysctls::default(),
            client_address: ClientAddress::default(),
            tls: Tls::default(),
            limits: Limits::default(),
            upstream: Upstream::default(),
            access_log: AccessLog::default(),
            tracing: Tracing::default(),
            metrics: Metrics::default(),
        }
    }
}

impl LaneSpec {
    /// Kind of Service in front of the lane: what the user chose, else outside for north-south and inside for east-west.
    #[must_use]
    pub fn service_type(&self, lane: LaneName) -> ServiceType {
        self.service.type_.unwrap_or_else(|| default_service_type(lane))
    }

    /// Name of the lane's IngressClass: what the user chose, else that of the lane's objects.
    #[must_use]
    pub fn class_name(&self, instance: &str, lane: LaneName) -> String {
        self.ingress_class.name.clone().unwrap_or_else(|| lane.object_name(instance))
    }

    /// Replicas to write into the Deployment; nothing when an autoscaler decides.
    #[must_use]
    pub fn fixed_replicas(&self) -> Option<i32> {
        match self.autoscaling {
            Some(_) => None,
            None => Some(self.replicas.unwrap_or(DEFAULT_REPLICAS)),
        }
    }

    /// Fewest replicas that the lane is meant to have.
    #[must_use]
    pub fn least_replicas(&self) -> i32 {
        self.autoscaling
            .as_ref()
            .map_or_else(|| self.replicas.unwrap_or(DEFAULT_REPLICAS), |scaling| scaling.min_replicas)
    }
}

/// Kind of Service of a lane unless the user chose one.
pub(crate) const fn default_service_type(lane: LaneName) -> ServiceType {
    match lane {
        LaneName::NorthSouth => ServiceType::LoadBalancer,
        LaneName::EastWest => ServiceType::ClusterIp,
    }
}

/// The rule that every item of a list is an address block.
pub(crate) fn cidr_list_rule() -> Value {
    rule(
        "self.all(block, isCIDR(block))",
        "every item must be an address block in CIDR notation, such as 10.0.0.0/8 or 2001:db8::/32",
    )
}
