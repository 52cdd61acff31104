//! What a gateway says of itself on its admin port: `/v1/status`, `/v1/routes` and `/v1/findings`. Read by the operator and by `bulkhead`.

use serde::{Deserialize, Serialize};

use crate::finding::Finding;
use crate::lane::LaneIdentity;

/// Findings shown in a report; the rest is counted there, and listed by `/v1/findings`.
pub const FINDINGS_SAMPLE: usize = 16;
/// Findings that `/v1/findings` lists: some 5 MB, far more than anybody reads; more are counted only.
pub const FINDINGS_LISTED: usize = 10_000;
/// Source problems shown in a report; more are counted in metrics only.
pub const SOURCE_PROBLEMS_SAMPLE: usize = 16;

/// `/v1/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayReport {
    /// Version of the gateway binary.
    pub version: String,
    /// Which lane this is; absent until the first lane document was read.
    pub identity: Option<LaneIdentity>,
    /// Listeners are bound and a first complete snapshot is served, and no drain has begun.
    pub ready: bool,
    /// A drain has begun.
    pub draining: bool,
    /// What readiness or progress waits for, as a sentence; empty when nothing is missing.
    pub waiting_for: String,
    /// `configGeneration` of the lane document that the served snapshot was made from.
    pub config_generation: i64,
    /// `revision` of the last lane document of which everything is in the served snapshot: its settings, its namespaces and its keyring.
    /// Empty before the first, or where the document has none.
    #[serde(default)]
    pub revision: String,
    /// Number of the snapshot that every data thread serves.
    pub snapshot: u64,
    /// The lane's classes, one entry each.
    pub classes: Vec<ClassReport>,
    /// Ingresses served.
    pub ingresses: u32,
    /// Routes served.
    pub routes: u32,
    /// Endpoints known.
    pub endpoints: u32,
    /// Findings of the served snapshot.
    pub findings: FindingsReport,
    /// What could not be read (a file with its line, a watch that is refused, an object that does not decode), a sentence
    /// each, in order, at most [`SOURCE_PROBLEMS_SAMPLE`]. The last good state of what they name is still served.
    #[serde(default)]
    pub source_problems: Vec<String>,
}

/// Whether a class is served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassReport {
    /// Name of the IngressClass.
    pub name: String,
    /// Whether its Ingresses are served.
    pub served: bool,
    /// Why not, as a sentence; empty when served.
    pub reason: String,
}

/// Findings, counted, with the first few in full.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FindingsReport {
    /// How many are errors.
    pub errors: u32,
    /// How many are warnings.
    pub warnings: u32,
    /// The first [`FINDINGS_SAMPLE`], errors first.
    pub sample: Vec<Finding>,
    /// Tells all of them, listed or not, from other ones: equal findings have an equal digest. The entity tag of `/v1/findings` is the
    /// same, in quotes. Empty where a gateway says none.
    #[serde(default)]
    pub digest: String,
}

/// `/v1/findings`: what [`GatewayReport::findings`] is a sample of. Its entity tag is their digest: a request with `If-None-Match` (RFC 9110,
/// section 13.1.2) is answered 304 while they are the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FindingsList {
    /// Which lane this is, as in [`GatewayReport::identity`].
    #[serde(default)]
    pub identity: Option<LaneIdentity>,
    /// How many are errors.
    pub errors: u32,
    /// How many are warnings.
    pub warnings: u32,
    /// How many of them are not listed.
    pub left_out: u32,
    /// The first [`FINDINGS_LISTED`], errors first.
    pub findings: Vec<Finding>,
}

/// `/v1/routes`: every route that is served, hosts in order, paths in order of precedence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoutesReport {
    /// Number of the snapshot.
    pub snapshot: u64,
    /// The routes.
    pub routes: Vec<RouteReport>,
}

/// One route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteReport {
    /// Host, `*.` form for wildcards, `*` for every other host.
    pub host: String,
    /// Path as written.
    pub path: String,
    /// `Exact`, `Prefix` or `Default`.
    pub path_type: String,
    /// `namespace/name` of the Ingress.
    pub ingress: String,
    /// `namespace/service:port`, or why there is none.
    pub backend: String,
    /// Endpoints that take requests now.
    pub endpoints: u32,
    /// Empty when it works; otherwise why requests are answered by the gateway itself.
    pub unavailable: String,
}
