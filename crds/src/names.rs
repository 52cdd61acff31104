//! Every label, annotation, class and well-known name that two of our programs, or a user and we, must agree on.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// API group of everything we define.
pub const GROUP: &str = "bulkhead.io";
/// `spec.controller` of every IngressClass of ours. A class is ours only if its parameters and labels say so too.
pub const CONTROLLER: &str = "bulkhead.io/gateway";
/// Field manager of every server-side apply of the operator.
pub const FIELD_MANAGER: &str = "bulkhead-operator";

/// Label: name of the GatewayInstance that owns the object.
pub const LABEL_INSTANCE: &str = "bulkhead.io/instance";
/// Label: namespace of the GatewayInstance that owns the object (needed on cluster-scoped objects).
pub const LABEL_INSTANCE_NAMESPACE: &str = "bulkhead.io/instance-namespace";
/// Label: UID of the GatewayInstance that owns the object; a re-created instance of the same name owns nothing of the old one.
pub const LABEL_INSTANCE_UID: &str = "bulkhead.io/instance-uid";
/// Label: lane the object belongs to, as [`LaneName::slug`].
pub const LABEL_LANE: &str = "bulkhead.io/lane";
/// Label value of `app.kubernetes.io/managed-by` on everything the operator makes.
pub const MANAGED_BY: &str = "bulkhead-operator";
/// Finalizer on a GatewayInstance: its IngressClasses are cluster-scoped, so no owner reference can collect them.
pub const FINALIZER: &str = "bulkhead.io/ingress-class";
/// Type of a keyring Secret.
pub const KEYRING_SECRET_TYPE: &str = "bulkhead.io/keyring";
/// Annotation on a Service that asks `bulkhead up` for a built-in backend; the only value is `echo`.
pub const ANNOTATION_LOCAL_BACKEND: &str = "bulkhead.io/local-backend";

/// Port names and numbers inside a gateway pod. Above 1023, so that no privilege is needed to bind them.
pub const HTTP_PORT_NAME: &str = "http";
/// Container port that serves plain HTTP.
pub const HTTP_PORT: u16 = 8080;
/// Name of the TLS port.
pub const HTTPS_PORT_NAME: &str = "https";
/// Container port that serves TLS.
pub const HTTPS_PORT: u16 = 8443;
/// Name of the admin port.
pub const ADMIN_PORT_NAME: &str = "admin";
/// Container port of probes, metrics and status. Never on a traffic Service.
pub const ADMIN_PORT: u16 = 9090;

/// Key of the lane document inside its ConfigMap.
pub const LANE_DOCUMENT_KEY: &str = "lane.json";

/// One of the two lanes of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum LaneName {
    /// Traffic that enters the cluster.
    NorthSouth,
    /// Traffic between the cluster's own services.
    EastWest,
}

impl LaneName {
    /// Both lanes, in the order they are shown.
    pub const ALL: [Self; 2] = [Self::NorthSouth, Self::EastWest];

    /// The form that stands in object names and label values: `north-south`, `east-west`.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::NorthSouth => "north-south",
            Self::EastWest => "east-west",
        }
    }

    /// The form that stands in the API and in JSON: `northSouth`, `eastWest`.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::NorthSouth => "northSouth",
            Self::EastWest => "eastWest",
        }
    }

    /// Name of a lane's objects, and of its IngressClass unless the user chose one: `<instance>-<slug>`.
    #[must_use]
    pub fn object_name(self, instance: &str) -> String {
        format!("{instance}-{}", self.slug())
    }
}

impl fmt::Display for LaneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}
