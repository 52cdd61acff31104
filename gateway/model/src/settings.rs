//! Bounds and policies of a whole lane, resolved.

use std::time::Duration;

/// Settings that hold for every request of a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Bounds on clients.
    pub limits: Limits,
    /// Bounds on backends.
    pub upstream: Upstream,
    /// How forwarded fields are made.
    pub forwarded: Forwarded,
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
    /// From the first byte of a head to its last.
    pub head: Duration,
    /// Longest pause while content arrives.
    pub content_idle: Duration,
    /// Longest time without progress while a client takes its response.
    pub response_stall: Duration,
    /// Longest pause between two requests of a connection, or before the first.
    pub keep_alive_idle: Duration,
    /// Requests after which a connection is closed.
    pub keep_alive_requests: u32,
    /// Age after which a connection is closed at the next response.
    pub keep_alive_age: Duration,
    /// Most downstream connections of the process.
    pub connections: usize,
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
}

/// How forwarded fields are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forwarded {
    /// Continue an `X-Forwarded-For` that a trusted peer sent, instead of replacing it.
    pub append: bool,
    /// Peers whose forwarded fields are believed.
    pub trusted: Vec<Network>,
}

/// An address block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Its first address.
    pub address: std::net::IpAddr,
    /// Leading bits that count: up to 32 for IPv4, 128 for IPv6.
    pub prefix: u8,
}

impl Default for Settings {
    /// The documented defaults of a lane.
    fn default() -> Self {
        Self {
            limits: Limits {
                head_bytes: 32 << 10,
                target_bytes: 8 << 10,
                fields: 100,
                content_bytes: 1 << 20,
                head: Duration::from_secs(10),
                content_idle: Duration::from_secs(60),
                response_stall: Duration::from_secs(60),
                keep_alive_idle: Duration::from_secs(75),
                keep_alive_requests: 10_000,
                keep_alive_age: Duration::from_secs(3600),
                connections: 10_000,
            },
            upstream: Upstream {
                connect: Duration::from_secs(2),
                read: Duration::from_secs(60),
                send: Duration::from_secs(60),
                max_idle_per_endpoint: 256,
                keep_alive: Duration::from_secs(60),
                tries: 2,
            },
            forwarded: Forwarded::default(),
        }
    }
}
