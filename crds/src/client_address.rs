//! How a lane learns the address of a client, and passes it on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::lane::LaneClientAddress;
use crate::lane_spec::cidr_list_rule;
use crate::schema::rule;

/// Said of a lane that would close every connection.
pub(crate) const NO_PEER_MAY_SPEAK: &str = "proxyProtocol Accept closes connections of peers outside of trustedCIDRs: list the addresses of your load balancer there";

/// How the client's address is learnt and passed on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rule(
    "self.?proxyProtocol.orValue('Off') == 'Off' || self.?trustedCIDRs.orValue([]).size() > 0",
    NO_PEER_MAY_SPEAK,
)))]
pub struct ClientAddress {
    /// Whether every connection begins with a PROXY protocol header (version 1 or 2). Accept: it must; one without is closed, and so is one from
    /// a peer that is not in trustedCIDRs, for whoever can write that header chooses its address. "Off": it must not; the quotes are needed,
    /// because YAML takes the bare word for a boolean.
    pub proxy_protocol: ProxyProtocol,
    /// Address blocks (CIDR) of the proxies in front of this lane, whose X-Forwarded-For, -Host and -Proto are believed, and whose PROXY
    /// protocol header is. Empty: nobody's are.
    #[serde(rename = "trustedCIDRs", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 128), inner(length(max = 43)), extend("x-kubernetes-list-type" = "set", "x-kubernetes-validations" = cidr_list_rule()))]
    pub trusted_cidrs: Vec<String>,
    /// What backends see in X-Forwarded-For. Replace: the client's address alone. Append: what a trusted proxy sent, continued.
    pub forwarded_for: ForwardedFor,
}

/// Whether connections begin with a PROXY protocol header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ProxyProtocol {
    /// They do not.
    #[default]
    Off,
    /// They must.
    Accept,
}

/// How `X-Forwarded-For` is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ForwardedFor {
    /// From the client's address alone.
    #[default]
    Replace,
    /// By continuing what a trusted proxy sent.
    Append,
}

impl ClientAddress {
    /// What the lane document says of these settings.
    #[must_use]
    pub fn resolve(&self) -> LaneClientAddress {
        LaneClientAddress {
            proxy_protocol: self.proxy_protocol == ProxyProtocol::Accept,
            trusted_cidrs: self.trusted_cidrs.clone(),
            append_forwarded_for: self.forwarded_for == ForwardedFor::Append,
        }
    }
}
