//! Kernel settings of a lane's pods.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Kernel settings of the network namespace of a lane's pods. What is unset stays as the node has it.
///
/// Kubernetes calls some of them unsafe: a pod that asks for one is refused by every kubelet that was not started with
/// `--allowed-unsafe-sysctls` naming it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Sysctls {
    /// net.core.somaxconn: most connections that wait to be accepted, per listener. Unsafe: kubelets must allow it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 128, max = 65_535))]
    pub somaxconn: Option<i32>,
    /// net.ipv4.ip_local_port_range: first and last port of connections to backends, such as "1024 65535". Safe.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 11), regex(pattern = "^[1-9][0-9]{3,4} [1-9][0-9]{3,4}$"))]
    pub local_port_range: Option<String>,
    /// net.ipv4.tcp_tw_reuse: reuse of ports that wait after a close; 0 is off, 1 on, 2 for loopback only. Unsafe: kubelets must allow it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2))]
    pub tcp_tw_reuse: Option<i32>,
    /// net.ipv4.tcp_fin_timeout: seconds that a half-closed connection is kept. Safe.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3600))]
    pub tcp_fin_timeout: Option<i32>,
    /// net.ipv4.tcp_max_syn_backlog: most connections whose handshake is not complete, per listener. Unsafe: kubelets must allow it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 128, max = 1_048_576))]
    pub tcp_max_syn_backlog: Option<i32>,
    /// net.ipv4.tcp_keepalive_time: seconds of silence before a connection is probed. Safe.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 32_767))]
    pub tcp_keepalive_time: Option<i32>,
    /// net.ipv4.tcp_keepalive_intvl: seconds between two probes. Safe.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 32_767))]
    pub tcp_keepalive_interval: Option<i32>,
    /// net.ipv4.tcp_keepalive_probes: unanswered probes after which a connection is dropped. Safe.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 127))]
    pub tcp_keepalive_probes: Option<i32>,
}

impl Sysctls {
    /// Those that are set, as `(name, value)` pairs of a pod's security context, in order of name.
    #[must_use]
    pub fn entries(&self) -> Vec<(&'static str, String)> {
        let number = |value: Option<i32>| value.map(|value| value.to_string());
        [
            ("net.core.somaxconn", number(self.somaxconn)),
            ("net.ipv4.ip_local_port_range", self.local_port_range.clone()),
            ("net.ipv4.tcp_fin_timeout", number(self.tcp_fin_timeout)),
            ("net.ipv4.tcp_keepalive_intvl", number(self.tcp_keepalive_interval)),
            ("net.ipv4.tcp_keepalive_probes", number(self.tcp_keepalive_probes)),
            ("net.ipv4.tcp_keepalive_time", number(self.tcp_keepalive_time)),
            ("net.ipv4.tcp_max_syn_backlog", number(self.tcp_max_syn_backlog)),
            ("net.ipv4.tcp_tw_reuse", number(self.tcp_tw_reuse)),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
        .collect()
    }
}
