//! Which requests of a lane have spans, and where those are sent.

use std::net::Ipv6Addr;
use std::num::NonZeroU128;

use crate::template::Template;

/// Traces of a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracing {
    /// Who takes the spans.
    pub collector: Collector,
    /// How many requests have one that come without a word on it.
    pub share: Share,
    /// What the lane is called in them: `service.name`.
    pub service: Box<str>,
    /// The namespace of its instance: `service.namespace`.
    pub namespace: Box<str>,
}

/// What a route says of its spans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans {
    /// Its requests have none, and what clients say of theirs passes through.
    pub off: bool,
    /// What clients say of theirs does not count: each request begins a trace.
    pub begins: bool,
    /// What they are called instead of method and path.
    pub name: Option<Template>,
}

/// A share of all requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(u32);

impl Share {
    /// So many of a million; more is all of them.
    #[must_use]
    pub const fn of_million(parts: u32) -> Self {
        Self(parts)
    }

    /// Whether a trace is in it. It depends on the last 56 bits alone, as OpenTelemetry has it (Probability Sampling, "Consistent
    /// Probability Sampling"): of two gateways on the way of a trace, the one with the larger share has all that the other has.
    #[must_use]
    pub const fn has(self, trace: NonZeroU128) -> bool {
        const ALL: u128 = 1 << 56;
        const MILLION: u32 = 1_000_000;
        let left_out = MILLION.saturating_sub(self.0) as u128;
        (trace.get() % ALL) * MILLION as u128 >= left_out * ALL
    }
}

/// A collector of OpenTelemetry: OTLP over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector {
    /// Whether it is spoken to under TLS.
    pub secure: bool,
    /// Its name, or its address without brackets.
    pub host: Box<str>,
    /// Its port.
    pub port: u16,
    /// What `Host` says.
    pub authority: Box<str>,
    /// Where spans are sent.
    pub path: Box<str>,
}

/// Where collectors take spans, below a URL that names none (OTLP specification, "OTLP/HTTP Request").
const PATH: &str = "/v1/traces";

impl Collector {
    /// Reads a URL: a scheme, a host, perhaps a port, perhaps a path. No user, no query.
    #[must_use]
    pub fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let is_of_path =
            |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'\\' | b'"' | b'<' | b'>');
        if !path.bytes().all(is_of_path) {
            return None;
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']')?;
                host.parse::<Ipv6Addr>().ok()?;
                (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
            }
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        let is_name = !host.is_empty() && host.len() <= 253 && host.bytes().all(is_of_name);
        if !is_name && !authority.starts_with('[') {
            return None;
        }
        let port = match port {
            None if secure => 443,
            None => 80,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|port| *port > 0)?
            }
            Some(_) => return None,
        };
        let path = if matches!(path, "" | "/") { PATH } else { path };
        Some(Self { secure, host: host.into(), port, authority: authority.into(), path: path.into() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_collector_has_a_host_and_perhaps_a_port_and_a_path() {
        for (url, read) in [
            ("http://otel:4318", Some((false, "otel", 4318, "otel:4318", "/v1/traces"))),
            ("https://otel.example.com/", Some((true, "otel.example.com", 443, "otel.example.com", "/v1/traces"))),
            ("HTTP://10.0.0.7", Some((false, "10.0.0.7", 80, "10.0.0.7", "/v1/traces"))),
            ("http://[2001:db8::1]:4318/a/b", Some((false, "2001:db8::1", 4318, "[2001:db8::1]:4318", "/a/b"))),
            ("http://[::1]", Some((false, "::1", 80, "[::1]", "/v1/traces"))),
            ("http://user:secret@otel", None),
            ("http://user@otel", None),
            ("http://otel:0", None),
            ("http://otel:65536", None),
            ("http://otel:+80", None),
            ("http://otel:", None),
            ("http://:4318", None),
            ("http://[::1", None),
            ("http://[::1]4318", None),
            ("http://[otel]", None),
            ("http://otel/a?b", None),
            ("http://otel/a b", None),
            ("http://otel?b", None),
            ("http://otel\r\nX: y", None),
            ("http://otel/\r\nX: y", None),
            ("http://otel/é", None),
            ("grpc://otel:4317", None),
            ("otel:4318", None),
            ("http://", None),
        ] {
            let found = Collector::parse(url);
            let found = found.as_ref().map(|it| (it.secure, &*it.host, it.port, &*it.authority, &*it.path));
            assert_eq!(found, read, "{url}");
        }
    }

    #[test]
    fn all_and_none_are_meant_literally() {
        for trace in [1, u128::MAX, 1 << 100, (1 << 56) - 1, 1 << 56] {
            let trace = NonZeroU128::new(trace).unwrap();
            assert!(Share::of_million(1_000_000).has(trace) && !Share::of_million(0).has(trace), "{trace:x}");
        }
    }

    proptest! {
        #[test]
        fn a_larger_share_has_all_that_a_smaller_one_has(trace in 1_u128.., parts in 0_u32..1_000_000, more in 0_u32..1000) {
            let trace = NonZeroU128::new(trace).unwrap();
            let smaller = Share::of_million(parts).has(trace);
            prop_assert!(!smaller || Share::of_million(parts.saturating_add(more)).has(trace));
            let place = (trace.get() % (1 << 56)) as f64 / (1_u64 << 56) as f64;
            let expected = place >= 1.0 - f64::from(parts) / 1e6;
            prop_assert!(smaller == expected || (place - (1.0 - f64::from(parts) / 1e6)).abs() < 1e-9);
        }
    }
}
