//! Bounds on clients, whatever version of HTTP they speak.

use super::Counter::{Fault, Metric, Nowhere};
use super::{Limit, Unit, count, kib, seconds};

/// How many clients at once; 0 stands for what memory and descriptors allow.
pub const CONNECTIONS: Limit = Limit::new(
    "client connections of a process",
    count(0),
    "limits.connections",
    "the connection is closed at once",
    Metric("bulkhead_connections_over_limit_total"),
);
/// Behind the fixed part of a PROXY protocol header of version 2. Addresses take 36 bytes, what load balancers add to them some
/// hundreds; a certificate, which some can add, takes most of the rest. Version 1 has 107 bytes at most by its own rules.
pub const PROXY_HEADER: Limit =
    Limit::new("bytes of a PROXY protocol header", kib(4), "", "the connection is closed", Fault("proxy_malformed"));
/// From the start of a connection to the end of its TLS handshake, a PROXY protocol header before it included.
pub const TLS_HANDSHAKE: Limit = Limit::new(
    "TLS handshake, from the first byte to the last",
    seconds(10),
    "limits.tlsHandshakeTimeout",
    "the connection is closed",
    Fault("tls_timeout"),
);
/// From the start of a connection to the first byte of its first request. Honest clients connect because they have
/// something to say; those that connect ahead of need begin again.
pub const FIRST_BYTE: Limit = Limit::new(
    "first byte of a connection",
    seconds(10),
    "limits.firstByteTimeout",
    "the connection is closed",
    Metric("bulkhead_connections_idle_closed_total"),
);
/// From the first byte of a head to its last.
pub const HEAD_TIME: Limit = Limit::new(
    "request head, from the first byte to the last",
    seconds(10),
    "limits.requestHeadTimeout",
    "408, and the connection is closed",
    Fault("head_timeout"),
);
/// Bytes of a head.
pub const HEAD_BYTES: Limit = Limit::new(
    "bytes of a request head (HTTP/1.1)",
    kib(32),
    "limits.requestHeadBytes",
    "431, and the connection is closed",
    Fault("head_too_large"),
);
/// Bytes of a request target.
pub const TARGET_BYTES: Limit = Limit::new(
    "bytes of a request target",
    kib(8),
    "limits.requestTargetBytes",
    "414, and the connection is closed",
    Fault("target_too_long"),
);
/// Fields of a head. Trailers are counted for themselves.
pub const FIELDS: Limit = Limit::new(
    "header fields of a request",
    count(100),
    "limits.requestFields",
    "431, and the connection is closed",
    Fault("too_many_fields"),
);
/// Bytes of content.
pub const CONTENT_BYTES: Limit = Limit::new(
    "bytes of a request's content",
    kib(1024),
    "limits.requestContentBytes",
    "413, and the connection is closed",
    Fault("content_too_large"),
);
/// Longest pause within content, and how far it may fall behind its rate.
pub const CONTENT_IDLE: Limit = Limit::new(
    "pause while a request's content arrives",
    seconds(60),
    "limits.requestContentIdleTimeout",
    "408, and the connection is closed",
    Fault("content_timeout"),
);
/// Slowest rate of content. Two hundred and forty bytes a second is what a telephone modem of 1984 carried: no working
/// connection is slower, while a client that sends a byte now and then to hold a place is.
pub const CONTENT_RATE: Limit = Limit::new(
    "slowest rate of a request's content",
    (240, Unit::BytesPerSecond),
    "limits.requestContentRate",
    "408 once it is behind by the longest pause, and the connection is closed",
    Fault("content_too_slow"),
);
/// Longest time without progress of a response.
pub const RESPONSE_STALL: Limit = Limit::new(
    "time in which a client takes none of its response",
    seconds(60),
    "limits.responseStallTimeout",
    "the connection is reset",
    Fault("response_stalled"),
);
/// What counts as progress of a response: less is what a client does that only wants to keep its place.
pub const RESPONSE_PROGRESS: Limit = Limit::new(
    "bytes of a response that a client takes in that time",
    kib(1),
    "",
    "the connection is reset",
    Fault("response_stalled"),
);
/// Longest pause between requests.
pub const KEEP_ALIVE_IDLE: Limit = Limit::new(
    "pause between two requests of a connection",
    seconds(75),
    "limits.keepAliveIdleTimeout",
    "the connection is closed",
    Metric("bulkhead_connections_idle_closed_total"),
);
/// Requests of a connection.
pub const KEEP_ALIVE_REQUESTS: Limit = Limit::new(
    "requests of a connection",
    count(10_000),
    "limits.keepAliveRequests",
    "`Connection: close`, or GOAWAY",
    Metric("bulkhead_connections_worn_out_total"),
);
/// Age of a connection.
pub const KEEP_ALIVE_AGE: Limit = Limit::new(
    "age of a connection",
    seconds(3600),
    "limits.keepAliveAge",
    "`Connection: close` with its next response, or GOAWAY",
    Metric("bulkhead_connections_worn_out_total"),
);
/// Bytes of content held for one direction of one exchange.
pub const CONTENT_BUFFER: Limit = Limit::new(
    "bytes of content held for one direction of an exchange",
    kib(64),
    "",
    "the sender waits for the receiver",
    Nowhere,
);
/// Bytes that the kernel holds for a client and has not sent. Without a bound it takes megabytes for every client that does
/// not read.
pub const UNSENT: Limit = Limit::new(
    "bytes of a response that wait in the kernel to be sent",
    kib(128),
    "",
    "the sender waits for the receiver",
    Nowhere,
);

/// All of them, in the order in which a connection meets them.
pub(super) const CLIENT: [&Limit; 18] = [
    &CONNECTIONS,
    &PROXY_HEADER,
    &TLS_HANDSHAKE,
    &FIRST_BYTE,
    &HEAD_TIME,
    &HEAD_BYTES,
    &TARGET_BYTES,
    &FIELDS,
    &CONTENT_BYTES,
    &CONTENT_IDLE,
    &CONTENT_RATE,
    &RESPONSE_STALL,
    &RESPONSE_PROGRESS,
    &KEEP_ALIVE_IDLE,
    &KEEP_ALIVE_REQUESTS,
    &KEEP_ALIVE_AGE,
    &CONTENT_BUFFER,
    &UNSENT,
];
