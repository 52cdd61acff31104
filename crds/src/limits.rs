//! What a client may do to a lane.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duration::Duration;
use crate::lane::{LaneHttp2Limits, LaneLimits};
use crate::size::Size;

/// Bounds on clients of a lane. All hold per gateway process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Limits {
    /// Most bytes of a request's start line and header fields together. A larger head is answered 431. From 4Ki to 256Ki.
    #[schemars(extend("x-kubernetes-validations" = Size::between("4Ki", "256Ki")))]
    pub request_head_bytes: Size,
    /// Most bytes of a request target. A longer one is answered 414. From 256 to 64Ki.
    #[schemars(extend("x-kubernetes-validations" = Size::between("256", "64Ki")))]
    pub request_target_bytes: Size,
    /// Most header fields of a request, trailers included. More are answered 431.
    #[schemars(range(min = 10, max = 100))]
    pub request_fields: i32,
    /// Most bytes of a request's content, unless its Ingress says otherwise. More is answered 413. 0 is no limit; at most 1024Gi.
    #[schemars(extend("x-kubernetes-validations" = Size::between("0", "1024Gi")))]
    pub request_content_bytes: Size,
    /// Longest time from the start of a connection to the first byte of its first request. From 100ms to 24h.
    #[schemars(extend("x-kubernetes-validations" = Duration::between("100ms", "24h")))]
    pub first_byte_timeout: Duration,
    /// Longest time from the first byte of a request head to its last. From 100ms to 10m.
    #[schemars(extend("x-kubernetes-validations" = Duration::between("100ms", "10m")))]
    pub request_head_timeout: Duration,
    /// Longest pause while a request's content arrives. From 1s to 1h.
    #[schemars(extend("x-kubernetes-validations" = Duration::between("1s", "1h")))]
    pub request_content_idle_timeout: Duration,
    /// Slowest rate at which a request's content may arrive, in bytes a second. A client that falls behind it by
    /// `requestContentIdleTimeout` is answered 408. 0 is no limit.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub request_content_rate: i32,
    /// Longest time without progress while a client takes its response; less than 1Ki is no progress. From 1s to 1h.
    #[schemars(extend("x-kubernetes-validations" = Duration::between("1s", "1h")))]
    pub response_stall_timeout: Duration,
    /// Longest pause between two requests of a connection. Keep it above the idle timeout of a load balancer in front, or that one will send
    /// requests into closing connections. From 1s to 24h.
    #[schemars(extend("x-kubernetes-validations" = Duration::between("1s", "24h")))]
    pub keep_alive_idle_timeout: Duration,
    /// Requests after which a connection is closed, so that clients spread over new pods.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub keep_alive_requests: i32,
    /// Age after which a connection is closed at its next response. From 1s to 168h.
    #[schemars(extend("x-kubernetes-validations" = Duration::between("1s", "168h")))]
    pub keep_alive_age: Duration,
    /// Most client connections of one gateway process. 0 derives it from the pod's memory limit and file descriptors.
    #[schemars(range(min = 0, max = 10_000_000))]
    pub connections: i32,
    /// Longest TLS handshake. From 100ms to 5m.
    #[schemars(extend("x-kubernetes-validations" = Duration::between("100ms", "5m")))]
    pub tls_handshake_timeout: Duration,
    /// Bounds on HTTP/2 connections.
    pub http2: Http2Limits,
}

/// Bounds on HTTP/2 connections of clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Http2Limits {
    /// Most requests at once on one connection.
    #[schemars(range(min = 1, max = 1000))]
    pub concurrent_streams: i32,
    /// Most bytes of a request's header list, as RFC 9113 section 6.5.2 counts them. From 4Ki to 256Ki.
    #[schemars(extend("x-kubernetes-validations" = Size::between("4Ki", "256Ki")))]
    pub header_list_bytes: Size,
    /// Bytes of content that a client may send ahead on one request. From 16Ki to 16Mi.
    #[schemars(extend("x-kubernetes-validations" = Size::between("16Ki", "16Mi")))]
    pub stream_window_bytes: Size,
    /// Bytes of content that a client may send ahead on one connection. From 64Ki to 64Mi.
    #[schemars(extend("x-kubernetes-validations" = Size::between("64Ki", "64Mi")))]
    pub connection_window_bytes: Size,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_head_bytes: Size::from_kib(32),
            request_target_bytes: Size::from_kib(8),
            request_fields: 100,
            request_content_bytes: Size::from_kib(1024),
            first_byte_timeout: Duration::from_secs(10),
            request_head_timeout: Duration::from_secs(10),
            request_content_idle_timeout: Duration::from_secs(60),
            request_content_rate: 240,
            response_stall_timeout: Duration::from_secs(60),
            keep_alive_idle_timeout: Duration::from_secs(75),
            keep_alive_requests: 10_000,
            keep_alive_age: Duration::from_secs(3600),
            connections: 0,
            tls_handshake_timeout: Duration::from_secs(10),
            http2: Http2Limits::default(),
        }
    }
}

impl Default for Http2Limits {
    fn default() -> Self {
        Self {
            concurrent_streams: 100,
            header_list_bytes: Size::from_kib(16),
            stream_window_bytes: Size::from_kib(64),
            connection_window_bytes: Size::from_kib(1024),
        }
    }
}

impl Limits {
    /// What the lane document says of these limits. Values that no lane document can hold become the nearest that it can.
    #[must_use]
    pub fn resolve(&self) -> LaneLimits {
        LaneLimits {
            request_head_bytes: saturate(self.request_head_bytes),
            request_target_bytes: saturate(self.request_target_bytes),
            request_fields: u16::try_from(self.request_fields.max(0)).unwrap_or(u16::MAX),
            request_content_bytes: self.request_content_bytes.bytes(),
            first_byte_ms: self.first_byte_timeout.as_millis(),
            request_head_ms: self.request_head_timeout.as_millis(),
            request_content_idle_ms: self.request_content_idle_timeout.as_millis(),
            request_content_rate: self.request_content_rate.max(0).unsigned_abs(),
            response_stall_ms: self.response_stall_timeout.as_millis(),
            keep_alive_idle_ms: self.keep_alive_idle_timeout.as_millis(),
            keep_alive_requests: self.keep_alive_requests.max(0).unsigned_abs(),
            keep_alive_age_ms: self.keep_alive_age.as_millis(),
            connections: self.connections.max(0).unsigned_abs(),
            tls_handshake_ms: self.tls_handshake_timeout.as_millis(),
            http2: LaneHttp2Limits {
                concurrent_streams: self.http2.concurrent_streams.max(0).unsigned_abs(),
                header_list_bytes: saturate(self.http2.header_list_bytes),
                stream_window_bytes: saturate(self.http2.stream_window_bytes),
                connection_window_bytes: saturate(self.http2.connection_window_bytes),
            },
        }
    }
}

fn saturate(size: Size) -> u32 {
    u32::try_from(size.bytes()).unwrap_or(u32::MAX)
}
