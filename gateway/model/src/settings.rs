//! Bounds and policies of a whole lane, resolved.

use std::sync::Arc;
use std::time::Duration;

use crate::access_log::{AccessLog, Format};
use crate::balance::Method;
use crate::budget::Budget;
use crate::limits;
use crate::next_upstream::NextUpstream;
use crate::tracing::Tracing;

/// Settings that hold for every request of a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Bounds on clients.
    pub limits: Limits,
    /// Bounds on backends.
    pub upstream: Upstream,
    /// How forwarded fields are made.
    pub forwarded: Forwarded,
    /// The `Strict-Transport-Security` of every response under TLS (RFC 6797 §6.1), instead of a backend's own; `None`: backends
    /// decide.
    pub strict_transport: Option<&'static str>,
    /// What is written down about each request.
    pub access_log: AccessLog,
    /// What is counted of requests besides.
    pub metrics: Metrics,
    /// Which requests have spans; `None`: none has, and what clients say of theirs passes through.
    pub tracing: Option<Arc<Tracing>>,
}

/// How finely requests are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Metrics {
    /// All together.
    #[default]
    Standard,
    /// By Ingress as well.
    ByIngress,
    /// By Ingress and host as well.
    ByHost,
}

impl Settings {
    /// Whether anything is to be noted of single requests.
    #[must_use]
    pub const fn records(&self) -> bool {
        !matches!(self.access_log.format, Format::Off)
            || !matches!(self.metrics, Metrics::Standard)
            || self.tracing.is_some()
    }
}

/// Bounds on clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of a request head, start line included.
    pub head_bytes: usize,
    /// Most bytes of a request target.
    pub target_bytes: usize,
    /// Most fields of a head, at most 100 (the codec's own bound).
    pub fields: usize,
    /// Most bytes of a request's content; `u64::MAX` is no limit.
    pub content_bytes: u64,
    /// From the start of a connection to the first byte of its first request.
    pub first_byte: Duration,
    /// From the first byte of a head to its last.
    pub head: Duration,
    /// Longest pause while content arrives, and how far it may fall behind its rate.
    pub content_idle: Duration,
    /// Slowest rate of content, in bytes a second; 0 is no limit.
    pub content_rate: u32,
    /// Longest time without progress while a client takes its response.
    pub response_stall: Duration,
    /// Bytes that are progress of a response.
    pub response_progress: usize,
    /// Longest pause between two requests of a connection, or before the first.
    pub keep_alive_idle: Duration,
    /// Requests after which a connection is closed.
    pub keep_alive_requests: u32,
    /// Age after which a connection is closed at the next response.
    pub keep_alive_age: Duration,
    /// Most downstream connections of the process; 0 is as many as memory and descriptors allow.
    pub connections: usize,
    /// From the start of a connection to the end of its TLS handshake.
    pub tls_handshake: Duration,
    /// Bounds on HTTP/2 connections.
    pub http2: Http2,
}

/// Bounds on HTTP/2 connections of clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http2 {
    /// Most requests at once on one connection.
    pub streams: u32,
    /// Most bytes of a header list (RFC 9113 §6.5.2). Its fields are bounded by [`Limits::fields`], pieces of a cookie among
    /// them.
    pub header_list_bytes: u32,
    /// Bytes of content that a client may send ahead on one request.
    pub stream_window: u32,
    /// Bytes of content that a client may send ahead on one connection.
    pub connection_window: u32,
    /// Bytes of one response that wait for the client's window.
    pub send_buffer: usize,
    /// Bytes of all responses of one connection that were handed over to be written.
    pub connection_store: usize,
    /// Bytes of them that a response of which none wait may hand over in any case.
    pub stream_store: usize,
    /// Requests that a client may take back.
    pub resets: Budget,
    /// SETTINGS frames that a client may send.
    pub settings_frames: Budget,
    /// Other frames without request or content that a client may send.
    pub control_frames: Budget,
    /// Silence of a client with requests after which it is asked whether it is there.
    pub ping: Duration,
    /// How long it may take to answer.
    pub pong: Duration,
}

/// Bounds on backends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// To establish one connection.
    pub connect: Duration,
    /// Longest pause while a response arrives.
    pub read: Duration,
    /// Longest time without progress while a backend takes a request.
    pub send: Duration,
    /// Idle connections kept per endpoint and thread.
    pub max_idle_per_endpoint: usize,
    /// How long an unused connection is kept.
    pub keep_alive: Duration,
    /// Most endpoints tried for one request; at least 1.
    pub tries: u32,
    /// When another one is.
    pub next: NextUpstream,
    /// Whether a connection is closed after its request.
    pub closes: bool,
    /// How an endpoint is chosen, where requests do not belong together.
    pub method: Method,
    /// Requests in flight to one endpoint from one thread.
    pub requests_per_endpoint: u32,
}

/// How forwarded fields are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forwarded {
    /// Continue an `X-Forwarded-For` that a trusted peer sent, instead of replacing it.
    pub append: bool,
    /// Peers whose forwarded fields are believed, and whose PROXY protocol header is.
    pub trusted: Vec<Network>,
    /// Whether every connection begins with such a header, and is closed when it does not, or comes from another peer.
    pub proxy_protocol: bool,
    /// Ports by which clients know the lane; `None`: those that it listens on.
    pub ports: Option<Ports>,
}

/// The ports of whatever stands in front of a lane and passes connections on as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// For plain HTTP.
    pub http: u16,
    /// For TLS.
    pub https: u16,
}

/// An address block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Its first address.
    pub address: std::net::IpAddr,
    /// Leading bits that count: up to 32 for IPv4, 128 for IPv6.
    pub prefix: u8,
}

impl Network {
    /// Whether `address` lies in the block. Addresses of the other family never do.
    #[must_use]
    pub fn contains(&self, address: std::net::IpAddr) -> bool {
        use std::net::IpAddr::{V4, V6};
        let prefix = u32::from(self.prefix);
        match (self.address, address) {
            (V4(block), V4(one)) => {
                same_prefix(block.to_bits().into(), one.to_bits().into(), 32_u32.saturating_sub(prefix))
            }
            (V6(block), V6(one)) => same_prefix(block.to_bits(), one.to_bits(), 128_u32.saturating_sub(prefix)),
            _ => false,
        }
    }
}

/// Whether two addresses agree but for the last `free` bits.
fn same_prefix(a: u128, b: u128, free: u32) -> bool {
    (a ^ b).checked_shr(free).unwrap_or_default() == 0
}

impl Default for Settings {
    /// The documented defaults of a lane.
    fn default() -> Self {
        Self {
            limits: Limits {
                head_bytes: limits::HEAD_BYTES.size(),
                target_bytes: limits::TARGET_BYTES.size(),
                fields: limits::FIELDS.size(),
                content_bytes: limits::CONTENT_BYTES.default,
                first_byte: limits::FIRST_BYTE.time(),
                head: limits::HEAD_TIME.time(),
                content_idle: limits::CONTENT_IDLE.time(),
                content_rate: limits::CONTENT_RATE.number(),
                response_stall: limits::RESPONSE_STALL.time(),
                response_progress: limits::RESPONSE_PROGRESS.size(),
                keep_alive_idle: limits::KEEP_ALIVE_IDLE.time(),
                keep_alive_requests: limits::KEEP_ALIVE_REQUESTS.number(),
                keep_alive_age: limits::KEEP_ALIVE_AGE.time(),
                connections: limits::CONNECTIONS.size(),
                tls_handshake: limits::TLS_HANDSHAKE.time(),
                http2: Http2::default(),
            },
            upstream: Upstream {
                connect: limits::CONNECT.time(),
                read: limits::READ.time(),
                send: limits::SEND.time(),
                max_idle_per_endpoint: limits::MAX_IDLE.size(),
                keep_alive: limits::KEEP_ALIVE.time(),
                tries: limits::TRIES.number(),
                next: NextUpstream::default(),
                closes: false,
                method: Method::default(),
                requests_per_endpoint: limits::REQUESTS_PER_ENDPOINT.number(),
            },
            forwarded: Forwarded::default(),
            strict_transport: None,
            access_log: AccessLog::default(),
            metrics: Metrics::default(),
            tracing: None,
        }
    }
}

impl Default for Http2 {
    fn default() -> Self {
        let budget =
            |burst: limits::Limit, rate: limits::Limit| Budget { burst: burst.number(), per_second: rate.number() };
        Self {
            streams: limits::H2_STREAMS.number(),
            header_list_bytes: limits::H2_HEADER_LIST.number(),
            stream_window: limits::H2_STREAM_WINDOW.number(),
            connection_window: limits::H2_CONNECTION_WINDOW.number(),
            send_buffer: limits::H2_SEND_BUFFER.size(),
            connection_store: limits::H2_CONNECTION_STORE.size(),
            stream_store: limits::H2_STREAM_STORE.size(),
            resets: budget(limits::H2_RESET_BURST, limits::H2_RESET_RATE),
            settings_frames: budget(limits::H2_SETTINGS_BURST, limits::H2_SETTINGS_RATE),
            control_frames: budget(limits::H2_CONTROL_BURST, limits::H2_CONTROL_RATE),
            ping: limits::H2_PING.time(),
            pong: limits::H2_PONG.time(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Network;

    #[test]
    fn a_block_holds_its_own_addresses_only() {
        for (block, prefix, address, inside) in [
            ("10.0.0.0", 8, "10.255.1.2", true),
            ("10.0.0.0", 8, "11.0.0.1", false),
            ("10.1.2.3", 32, "10.1.2.3", true),
            ("10.1.2.3", 32, "10.1.2.2", false),
            ("0.0.0.0", 0, "203.0.113.9", true),
            ("0.0.0.0", 0, "::1", false),
            ("2001:db8::", 32, "2001:db8:ffff::1", true),
            ("2001:db8::", 32, "2001:db9::1", false),
            ("::", 0, "2001:db8::1", true),
        ] {
            let network = Network { address: block.parse().unwrap(), prefix };
            assert_eq!(network.contains(address.parse().unwrap()), inside, "{block}/{prefix} {address}");
        }
    }
}
