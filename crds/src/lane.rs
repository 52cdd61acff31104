//! The lane document: everything one lane's gateways must know that can change while they run.
//!
//! The operator (or `bulkhead up`) writes it, the gateway watches it. What a process cannot change at run time (ports,
//! threads, image) is not here but in the pod template. All values are resolved: no defaults are left to the reader,
//! durations are milliseconds, sizes are bytes.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::fnv::fnv1a;
use crate::lane_spec::LaneSpec;
use crate::names::LaneName;
use crate::observability::{AccessLog, Metrics, Tracing};
use crate::tls::{SecretName, TlsVersion};
use crate::upstream::LoadBalance;

/// The only version there is. A gateway refuses a document of another version and keeps the last good one.
pub const LANE_DOCUMENT_VERSION: &str = "bulkhead.io/lane/v1";

/// Settings of one lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LaneDocument {
    /// [`LANE_DOCUMENT_VERSION`].
    pub version: String,
    /// Which instance and lane this is.
    pub identity: LaneIdentity,
    /// `metadata.generation` of the GatewayInstance this was made from; gateways report it back as loaded.
    pub config_generation: i64,
    /// Stands for everything else in the document: two that differ have different revisions, whatever they were made from. Gateways
    /// report it back, unread, once they serve by all of it. Empty where nobody compares.
    #[serde(default)]
    pub revision: String,
    /// Which classes' Ingresses to serve.
    pub classes: LaneClasses,
    /// In which namespaces.
    pub scope: LaneScope,
    /// Which dialect the manifests are written in.
    pub profile: Profile,
    /// How the client's address is learnt and passed on.
    pub client_address: LaneClientAddress,
    /// Ports by which clients know the lane. `None`: those that gateways listen on.
    #[serde(default)]
    pub service_ports: Option<LanePorts>,
    /// How TLS is spoken with clients.
    pub tls: LaneTls,
    /// Bounds on clients.
    pub limits: LaneLimits,
    /// Bounds on backends.
    pub upstream: LaneUpstream,
    /// How a gateway leaves.
    pub drain: LaneDrain,
    /// What is written down about each request.
    #[serde(default)]
    pub access_log: AccessLog,
    /// What is counted of requests besides the standard metrics.
    #[serde(default)]
    pub metrics: Metrics,
    /// Which requests have spans, and who takes them.
    #[serde(default)]
    pub tracing: Tracing,
    /// Names of the keyring Secrets, in the instance's namespace.
    pub keyring: Vec<String>,
}

impl LaneDocument {
    /// What a lane's own specification says, all of it resolved, for a lane that serves `class` in every namespace. Whoever
    /// knows more of the instance (its scope, profile, generation and keyring) puts that in.
    #[must_use]
    pub fn of(identity: LaneIdentity, class: &str, spec: &LaneSpec) -> Self {
        Self {
            version: LANE_DOCUMENT_VERSION.to_owned(),
            identity,
            config_generation: 0,
            revision: String::new(),
            classes: LaneClasses {
                own: class.to_owned(),
                also_serve: spec.ingress_class.also_serve.iter().cloned().collect(),
            },
            scope: LaneScope { namespaces: NamespaceSet::All, host_ownership: HostOwnership::default() },
            profile: Profile::default(),
            client_address: spec.client_address.resolve(),
            service_ports: None,
            tls: spec.tls.resolve(),
            limits: spec.limits.resolve(),
            upstream: spec.upstream.resolve(),
            drain: spec.drain.resolve(),
            access_log: spec.access_log.clone(),
            metrics: spec.metrics.clone(),
            tracing: spec.tracing.clone(),
            keyring: Vec::new(),
        }
    }

    /// The same document with the revision of its content.
    #[must_use]
    pub fn stamped(self) -> Self {
        let blank = Self { revision: String::new(), ..self };
        // Plain data, which cannot fail to be written.
        let text = serde_json::to_string(&blank).unwrap_or_default();
        Self { revision: format!("{:016x}", fnv1a(text.as_bytes())), ..blank }
    }
}

/// Who a gateway is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LaneIdentity {
    /// Namespace of the GatewayInstance.
    pub namespace: String,
    /// Name of the GatewayInstance.
    pub instance: String,
    /// UID of the GatewayInstance.
    pub uid: String,
    /// Lane.
    pub lane: LaneName,
}

/// The classes of a lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LaneClasses {
    /// The lane's own IngressClass. Served only while the object says that it is this lane's (controller, parameters, UID and lane labels).
    pub own: String,
    /// Foreign classes served by name, for side-by-side migration.
    pub also_serve: BTreeSet<String>,
}

/// Namespaces a lane serves, resolved from selectors by the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LaneScope {
    /// Which namespaces.
    pub namespaces: NamespaceSet,
    /// Who may claim a host.
    pub host_ownership: HostOwnership,
}

/// A resolved set of namespaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NamespaceSet {
    /// Every namespace.
    All,
    /// Just these.
    Names(BTreeSet<String>),
}

impl NamespaceSet {
    /// Whether `namespace` is in the set.
    #[must_use]
    pub fn contains(&self, namespace: &str) -> bool {
        match self {
            Self::All => true,
            Self::Names(names) => names.contains(namespace),
        }
    }
}

/// Who may claim a host name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum HostOwnership {
    /// Rules of several namespaces for one host are merged.
    #[default]
    Shared,
    /// The namespace of the oldest Ingress owns the host; rules of others for it are refused with a finding.
    Namespace,
}

/// Which dialect of Ingress a lane speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Profile {
    /// The Ingress specification, with annotations honoured within it.
    #[default]
    Standard,
    /// The quirks of ingress-nginx as well.
    IngressNginx,
}

/// How the client's address is learnt and passed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LaneClientAddress {
    /// Whether every connection starts with a PROXY protocol header. One that does not, or whose peer is not trusted, is closed.
    pub proxy_protocol: bool,
    /// Peers (CIDR) whose forwarded fields and PROXY protocol header are believed. Empty: nobody's.
    pub trusted_cidrs: Vec<String>,
    /// Whether a trusted `X-Forwarded-For` is continued instead of replaced.
    pub append_forwarded_for: bool,
}

/// The ports of the Service in front of a lane: what clients connect to, whatever its pods listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LanePorts {
    /// For plain HTTP.
    pub http: u16,
    /// For TLS.
    pub https: u16,
}

/// How TLS is spoken with clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LaneTls {
    /// Lowest version that is accepted.
    pub min_version: TlsVersion,
    /// Secret in the instance's namespace, whose certificate is shown where no other is found. `None`: one that the gateway
    /// has signed itself.
    pub default_certificate: Option<SecretName>,
    /// Whether the handshake is refused where no certificate is found, instead of showing the default one.
    pub reject_unknown_sni: bool,
    /// Whether clients may resume sessions with tickets.
    pub session_tickets: bool,
}

impl Default for LaneTls {
    /// The documented defaults of a lane.
    fn default() -> Self {
        crate::tls::Tls::default().resolve()
    }
}

/// Bounds on what clients may do. Milliseconds and bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LaneLimits {
    /// Most bytes of a request head, start line included.
    pub request_head_bytes: u32,
    /// Most bytes of a request target.
    pub request_target_bytes: u32,
    /// Most fields of a head.
    pub request_fields: u16,
    /// Most bytes of a request's content; 0 is no limit.
    pub request_content_bytes: u64,
    /// From the start of a connection to its first byte.
    pub first_byte_ms: u64,
    /// From the first byte of a head to its last.
    pub request_head_ms: u64,
    /// Longest pause while a request's content arrives.
    pub request_content_idle_ms: u64,
    /// Slowest rate of a request's content, in bytes a second; 0 is no limit.
    pub request_content_rate: u32,
    /// Longest time without progress while a client takes its response.
    pub response_stall_ms: u64,
    /// Longest pause between two requests of a connection.
    pub keep_alive_idle_ms: u64,
    /// Requests after which a connection is closed.
    pub keep_alive_requests: u32,
    /// Age after which a connection is closed at the next response.
    pub keep_alive_age_ms: u64,
    /// Most downstream connections per gateway process; 0 derives it from memory and descriptors.
    pub connections: u32,
    /// From the start of a connection to the end of its TLS handshake.
    pub tls_handshake_ms: u64,
    /// Bounds on HTTP/2 connections.
    pub http2: LaneHttp2Limits,
}

/// Bounds on HTTP/2 connections of clients. Bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LaneHttp2Limits {
    /// Most requests at once on one connection.
    pub concurrent_streams: u32,
    /// Most bytes of a request's header list.
    pub header_list_bytes: u32,
    /// Content that a client may send ahead on one request.
    pub stream_window_bytes: u32,
    /// Content that a client may send ahead on one connection.
    pub connection_window_bytes: u32,
}

/// Bounds on what backends may do. Milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LaneUpstream {
    /// To establish one connection.
    pub connect_ms: u64,
    /// Longest pause while a response arrives.
    pub read_ms: u64,
    /// Longest time without progress while a backend takes a request.
    pub send_ms: u64,
    /// Idle connections kept per endpoint and thread.
    pub max_idle_per_endpoint: u32,
    /// How long an unused connection is kept.
    pub keep_alive_ms: u64,
    /// Most endpoints tried for one request.
    pub tries: u32,
    /// How an endpoint is chosen.
    #[serde(default)]
    pub load_balance: LoadBalance,
    /// Whether Services of type ExternalName are followed.
    #[serde(default)]
    pub external_names: bool,
}

/// How a gateway leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LaneDrain {
    /// Not ready, but still accepting: long enough for every client to learn that this endpoint is gone.
    pub lameduck_ms: u64,
    /// After that, how long requests in flight may take.
    pub timeout_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_changes_with_the_content_and_with_nothing_else() {
        let identity = |uid: &str| LaneIdentity {
            namespace: "port".to_owned(),
            instance: "harbour".to_owned(),
            uid: uid.to_owned(),
            lane: LaneName::EastWest,
        };
        let document = LaneDocument::of(identity("u"), "pier", &LaneSpec::default()).stamped();
        assert_eq!(document.clone().stamped(), document);
        let with = |change: fn(&mut LaneDocument)| {
            let mut other = document.clone();
            change(&mut other);
            other.stamped().revision
        };
        let others = [
            with(|other| other.scope.namespaces = NamespaceSet::Names(["a".to_owned()].into())),
            with(|other| other.keyring.push("pier-keyring-1".to_owned())),
            with(|other| other.config_generation = 9),
        ];
        for (n, other) in others.iter().enumerate() {
            assert!(*other != document.revision && !others.iter().skip(n + 1).any(|later| later == other), "{n}");
        }
    }
}
