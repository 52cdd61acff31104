//! Bounds on backends.

use super::Counter::{Fault, Nowhere};
use super::{Limit, count, kib, seconds};

/// To establish one connection.
pub const CONNECT: Limit = Limit::new(
    "connecting to an endpoint; after it the next is tried",
    seconds(2),
    "upstream.connectTimeout",
    "504",
    Fault("connect_timeout"),
);
/// Requests in flight to one endpoint. Those that wait for a connection count, so that an endpoint that accepts none cannot collect
/// more of them; those that have switched protocols do not, or a backend that clients stay connected to would soon be full.
pub const REQUESTS_PER_ENDPOINT: Limit = Limit::new(
    "requests in flight to an endpoint, per thread; beyond it the next endpoint is asked",
    count(1024),
    "",
    "503 once all endpoints have as many",
    Fault("endpoints_full"),
);
/// Endpoints tried for one request.
pub const TRIES: Limit =
    Limit::new("endpoints tried for a request", count(2), "upstream.tries", "502", Fault("connect_failed"));
/// Longest time without progress of a request.
pub const SEND: Limit = Limit::new(
    "time in which a backend takes none of a request",
    seconds(60),
    "upstream.sendTimeout",
    "504",
    Fault("upstream_stalled"),
);
/// Longest pause of a response.
pub const READ: Limit = Limit::new(
    "pause before and within a response",
    seconds(60),
    "upstream.readTimeout",
    "504, or the connection is reset once the response has begun",
    Fault("upstream_timeout"),
);
/// Bytes of a response's head, and of each interim one.
pub const RESPONSE_HEAD_BYTES: Limit =
    Limit::new("bytes of a response head", kib(32), "", "502", Fault("bad_response"));
/// Fields of a response's head.
pub const RESPONSE_FIELDS: Limit =
    Limit::new("header fields of a response", count(100), "", "502", Fault("bad_response"));
/// Interim responses before the final one. Honest backends send one or two.
pub const INTERIM: Limit =
    Limit::new("interim responses (1xx) before the final one", count(10), "", "502", Fault("too_many_interim"));
/// Idle connections kept.
pub const MAX_IDLE: Limit = Limit::new(
    "idle connections kept per endpoint and thread",
    count(256),
    "upstream.maxIdlePerEndpoint",
    "nothing; the connection to the backend is closed",
    Nowhere,
);
/// How long an idle connection is kept.
pub const KEEP_ALIVE: Limit = Limit::new(
    "time for which an idle connection to a backend is kept",
    seconds(60),
    "upstream.keepAliveTimeout",
    "nothing; the connection to the backend is closed",
    Nowhere,
);

/// All of them, in the order in which a request meets them.
pub(super) const UPSTREAM: [&Limit; 10] = [
    &REQUESTS_PER_ENDPOINT,
    &CONNECT,
    &TRIES,
    &SEND,
    &READ,
    &RESPONSE_HEAD_BYTES,
    &RESPONSE_FIELDS,
    &INTERIM,
    &MAX_IDLE,
    &KEEP_ALIVE,
];
