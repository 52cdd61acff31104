//! What backends may do to a lane, and how requests are shared among them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duration::Duration;
use crate::lane::LaneUpstream;

/// Bounds on backends of a lane, unless an Ingress says otherwise for its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Upstream {
    /// Longest time to establish one connection; after it the next endpoint is tried. From 10ms to 1m15s.
    #[schemars(extend("x-kubernetes-validations" = Duration::between("10ms", "1m15s")))]
    pub connect_timeout: Duration,
    /// Longest pause while a response arrives; after it the client is answered 504. From 100ms to 24h.
    #[schemars(extend("x-kubernetes-validations" = Duration::between("100ms", "24h")))]
    pub read_timeout: Duration,
    /// Longest time without progress while a backend takes a request. From 100ms to 24h.
    #[schemars(extend("x-kubernetes-validations" = Duration::between("100ms", "24h")))]
    pub send_timeout: Duration,
    /// Idle connections kept per endpoint and thread for the next request. 0 opens a connection for every request.
    #[schemars(range(min = 0, max = 10_000))]
    pub max_idle_per_endpoint: i32,
    /// How long an idle connection is kept. Keep it below the idle timeout of your backends. From 1s to 1h.
    #[schemars(extend("x-kubernetes-validations" = Duration::between("1s", "1h")))]
    pub keep_alive_timeout: Duration,
    /// Most endpoints tried for one request. A further one is tried only while the request cannot have been acted upon.
    #[schemars(range(min = 1, max = 10))]
    pub tries: i32,
    /// How an endpoint is chosen. RoundRobin: in turn. LeastRequests: the less busy of two picked at random. PeakEwma: the one of two picked
    /// at random that will be quicker, by its latency and what it has to do. Random: any.
    pub load_balance: LoadBalance,
    /// Whether Services of type ExternalName are followed: whoever may write a Service then decides by its name where the gateway connects. Loopback, link-local and metadata addresses are refused all the same.
    pub external_names: bool,
}

/// How an endpoint is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum LoadBalance {
    /// In turn.
    #[default]
    RoundRobin,
    /// The less busy of two picked at random.
    LeastRequests,
    /// Any.
    Random,
    /// The one of two picked at random that will be quicker, by its latency and what it has to do.
    PeakEwma,
}

impl Default for Upstream {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(2),
            read_timeout: Duration::from_secs(60),
            send_timeout: Duration::from_secs(60),
            max_idle_per_endpoint: 256,
            keep_alive_timeout: Duration::from_secs(60),
            tries: 2,
            load_balance: LoadBalance::default(),
            external_names: false,
        }
    }
}

impl Upstream {
    /// What the lane document says of these bounds.
    #[must_use]
    pub fn resolve(&self) -> LaneUpstream {
        LaneUpstream {
            connect_ms: self.connect_timeout.as_millis(),
            read_ms: self.read_timeout.as_millis(),
            send_ms: self.send_timeout.as_millis(),
            max_idle_per_endpoint: self.max_idle_per_endpoint.max(0).unsigned_abs(),
            keep_alive_ms: self.keep_alive_timeout.as_millis(),
            tries: self.tries.max(1).unsigned_abs(),
            load_balance: self.load_balance,
            external_names: self.external_names,
        }
    }
}
