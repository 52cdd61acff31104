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
    /// From the start of a connection to the end of its TLS handshake.
    pub tls_handshake: Duration,
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
                tls_handshake: Duration::from_secs(10),
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
