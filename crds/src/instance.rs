//! The resource a user writes: one traffic domain of two lanes.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::lane::Profile;
use crate::lane_spec::LaneSpec;
use crate::names::LaneName;
use crate::rollout::Rollout;
use crate::schema::rules;
use crate::scope::Scope;
use crate::status::GatewayInstanceStatus;
use crate::tls::SecretName;

/// Longest name of a GatewayInstance: with the longest suffix of its objects it still fits a label (63 characters).
pub const NAME_BYTES: usize = 40;

/// What a GatewayInstance is meant to be. `spec: {}` is complete: every field has a default.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "bulkhead.io",
    version = "v1alpha1",
    kind = "GatewayInstance",
    plural = "gatewayinstances",
    shortname = "gwi",
    category = "bulkhead",
    namespaced,
    status = "GatewayInstanceStatus",
    derive = "PartialEq",
    doc = "One traffic domain: a lane of gateways for traffic that enters the cluster and one for traffic between its \
           services, each with its own pods, identity, IngressClass, limits and status.",
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "N-S", type_ = "string", json_path = r#".status.lanes[?(@.name=="northSouth")].ready"#,
        description = "Ready and wanted gateways of the north-south lane."),
    printcolumn(name = "E-W", type_ = "string", json_path = r#".status.lanes[?(@.name=="eastWest")].ready"#,
        description = "Ready and wanted gateways of the east-west lane."),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Address", type_ = "string", json_path = ".status.lanes[0].addresses[0]", priority = 1),
    printcolumn(name = "Image", type_ = "string", json_path = ".status.lanes[0].image", priority = 1),
    validation = kube::core::Rule::new(
        "self.metadata.name.size() <= 40"
    ).message(
        "the name must not be longer than 40 characters, because the names of all its objects begin with it: \
         choose a shorter one"
    ),
    validation = kube::core::Rule::new(
        "self.metadata.name.matches('^[a-z][-a-z0-9]*$')"
    ).message(
        "the name must begin with a letter and must not contain a dot, because Services are named after it: \
         choose another one"
    ),
    validation = kube::core::Rule::new(
        "!has(self.spec.northSouth.ingressClass.name) || has(self.spec.eastWest.ingressClass.name) \
         || self.spec.northSouth.ingressClass.name != self.metadata.name + '-east-west'"
    ).message(
        "northSouth.ingressClass.name is the class that eastWest has by default: choose another name"
    ),
    validation = kube::core::Rule::new(
        "!has(self.spec.eastWest.ingressClass.name) || has(self.spec.northSouth.ingressClass.name) \
         || self.spec.eastWest.ingressClass.name != self.metadata.name + '-north-south'"
    ).message(
        "eastWest.ingressClass.name is the class that northSouth has by default: choose another name"
    ),
    validation = kube::core::Rule::new(
        "has(self.spec.northSouth.ingressClass.name) || !has(self.spec.northSouth.ingressClass.alsoServe) \
         || !((self.metadata.name + '-north-south') in self.spec.northSouth.ingressClass.alsoServe)"
    ).message(
        "northSouth.ingressClass.alsoServe names its own class, which it serves anyway: remove it there"
    ),
    validation = kube::core::Rule::new(
        "has(self.spec.eastWest.ingressClass.name) || !has(self.spec.northSouth.ingressClass.alsoServe) \
         || !((self.metadata.name + '-east-west') in self.spec.northSouth.ingressClass.alsoServe)"
    ).message(
        "northSouth.ingressClass.alsoServe names the class of eastWest: remove it there"
    ),
    validation = kube::core::Rule::new(
        "has(self.spec.northSouth.ingressClass.name) || !has(self.spec.eastWest.ingressClass.alsoServe) \
         || !((self.metadata.name + '-north-south') in self.spec.eastWest.ingressClass.alsoServe)"
    ).message(
        "eastWest.ingressClass.alsoServe names the class of northSouth: remove it there"
    ),
    validation = kube::core::Rule::new(
        "has(self.spec.eastWest.ingressClass.name) || !has(self.spec.eastWest.ingressClass.alsoServe) \
         || !((self.metadata.name + '-east-west') in self.spec.eastWest.ingressClass.alsoServe)"
    ).message(
        "eastWest.ingressClass.alsoServe names its own class, which it serves anyway: remove it there"
    )
)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rules(&[
    (
        "self.northSouth.enabled || self.eastWest.enabled",
        "at least one lane must be enabled: set northSouth.enabled or eastWest.enabled to true, or delete the instance",
    ),
    (
        "!has(self.northSouth.ingressClass.name) || !has(self.eastWest.ingressClass.name) \
         || self.northSouth.ingressClass.name != self.eastWest.ingressClass.name",
        "the lanes must not share a class: give northSouth.ingressClass.name and eastWest.ingressClass.name different values",
    ),
    (
        "!has(self.northSouth.ingressClass.alsoServe) || !has(self.eastWest.ingressClass.alsoServe) \
         || !self.northSouth.ingressClass.alsoServe.exists(class, class in self.eastWest.ingressClass.alsoServe)",
        "the lanes must not serve the same class: remove it from ingressClass.alsoServe of one lane",
    ),
    (
        "!has(self.northSouth.ingressClass.name) || !has(self.eastWest.ingressClass.alsoServe) \
         || !(self.northSouth.ingressClass.name in self.eastWest.ingressClass.alsoServe)",
        "eastWest must not serve the class of northSouth: remove it from eastWest.ingressClass.alsoServe",
    ),
    (
        "!has(self.eastWest.ingressClass.name) || !has(self.northSouth.ingressClass.alsoServe) \
         || !(self.eastWest.ingressClass.name in self.northSouth.ingressClass.alsoServe)",
        "northSouth must not serve the class of eastWest: remove it from northSouth.ingressClass.alsoServe",
    ),
    (
        "!(self.northSouth.ingressClass.default && self.eastWest.ingressClass.default)",
        "at most one lane's class may be the cluster's default: set ingressClass.default of one lane to false",
    ),
    (
        "self.northSouth.minReadySeconds < self.rollout.progressDeadlineSeconds \
         && self.eastWest.minReadySeconds < self.rollout.progressDeadlineSeconds",
        "rollout.progressDeadlineSeconds must be greater than minReadySeconds of both lanes, or no rollout can succeed: raise it",
    ),
])))]
pub struct GatewayInstanceSpec {
    /// Managed: the operator keeps everything as described here. Paused: it leaves what exists alone, for hand work in an emergency; traffic
    /// flows on, and deletion still works.
    pub management_state: ManagementState,
    /// Whether deletion of this GatewayInstance waits until this is set to false again.
    pub deletion_protection: bool,
    /// How Ingresses are read. Standard: as the Ingress specification says, annotations honoured within it. IngressNginx: with the quirks of
    /// ingress-nginx as well.
    pub profile: Profile,
    /// Image of the gateways. Set it to pin this instance; empty follows the operator, in the order of rollout.wave.
    #[schemars(length(max = 512), regex(pattern = r"^\S*$"))]
    pub image: String,
    /// Secrets in this namespace with which the image is pulled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub image_pull_secrets: Vec<SecretName>,
    /// Which part of the cluster the instance serves.
    pub scope: Scope,
    /// How a new revision of the gateways reaches this instance.
    pub rollout: Rollout,
    /// The lane for traffic that enters the cluster. By default two gateways behind a Service of type LoadBalancer.
    pub north_south: LaneSpec,
    /// The lane for traffic between the cluster's own services. By default two gateways behind a Service of type ClusterIP.
    pub east_west: LaneSpec,
}

/// Whether the operator acts on an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ManagementState {
    /// It does.
    #[default]
    Managed,
    /// It leaves what exists alone.
    Paused,
}

impl GatewayInstanceSpec {
    /// One of the two lanes.
    #[must_use]
    pub const fn lane(&self, lane: LaneName) -> &LaneSpec {
        match lane {
            LaneName::NorthSouth => &self.north_south,
            LaneName::EastWest => &self.east_west,
        }
    }

    /// The lanes that exist, in the order they are shown.
    pub fn enabled_lanes(&self) -> impl Iterator<Item = (LaneName, &LaneSpec)> {
        LaneName::ALL.into_iter().map(|lane| (lane, self.lane(lane))).filter(|(_, spec)| spec.enabled)
    }
}

#[cfg(test)]
mod tests;
