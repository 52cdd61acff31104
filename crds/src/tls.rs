//! How a lane speaks TLS with clients.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::lane::LaneTls;

/// TLS between clients and a lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Tls {
    /// Lowest version of TLS that is accepted: "1.2" or "1.3".
    pub min_version: TlsVersion,
    /// Secret of type kubernetes.io/tls in the namespace of this GatewayInstance, whose certificate is shown to clients that name no host or one
    /// without a certificate. When unset, a self-signed certificate is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_certificate: Option<SecretName>,
    /// Whether the handshake is refused when the client names no host or one without a certificate.
    #[serde(rename = "rejectUnknownSNI")]
    pub reject_unknown_sni: bool,
    /// Whether clients may resume sessions with tickets. Ticket keys never leave a pod.
    pub session_tickets: bool,
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            min_version: TlsVersion::default(),
            default_certificate: None,
            reject_unknown_sni: false,
            session_tickets: true,
        }
    }
}

impl Tls {
    /// What the lane document says of it.
    #[must_use]
    pub fn resolve(&self) -> LaneTls {
        LaneTls {
            min_version: self.min_version,
            default_certificate: self.default_certificate.clone(),
            reject_unknown_sni: self.reject_unknown_sni,
            session_tickets: self.session_tickets,
        }
    }
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum TlsVersion {
    /// RFC 5246.
    #[default]
    #[serde(rename = "1.2")]
    V12,
    /// RFC 8446.
    #[serde(rename = "1.3")]
    V13,
}

/// Names a Secret in the namespace of the GatewayInstance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretName {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"))]
    pub name: String,
}
