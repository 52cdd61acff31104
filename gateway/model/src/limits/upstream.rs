//! Bounds on backends.

use super::Counter::{Fault, Nowhere};
use super::{Limit, Unit, count, kib, seconds};

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

/// Requests that share a connection, where the backend allows more (RFC 9113 §5.1.2).
pub const SHARED: Limit = Limit::new(
    "requests at once on an HTTP/2 connection to a backend, if that allows as many",
    count(100),
    "",
    "nothing; another connection to the backend is opened",
    Nowhere,
);
/// How long a shared connection takes requests, so that load finds its way to endpoints that came later.
pub const SHARED_AGE: Limit = Limit::new(
    "age at which an HTTP/2 connection to a backend takes no further request",
    seconds(3600),
    "",
    "nothing; another connection to the backend is opened",
    Nowhere,
);
/// Requests taken back on a shared connection at once before it takes no further one. Servers end a connection after 20 that they
/// have not looked at (h2, hyper), 128 in a second (Jetty), 200 in half a minute (Netty) or more: with this, the rate below and
/// all that may still be on the connection, it stays below each.
pub const SHARED_RESET_BURST: Limit = Limit::new(
    "requests taken back at once on an HTTP/2 connection to a backend",
    count(16),
    "",
    "nothing; further requests go on another connection",
    Nowhere,
);
/// The same, for ever.
pub const SHARED_RESET_RATE: Limit = Limit::new(
    "requests taken back in a second on an HTTP/2 connection to a backend",
    (2, Unit::PerSecond),
    "",
    "nothing; further requests go on another connection",
    Nowhere,
);
/// How much later those beyond that are taken back: time for the backend to look at the request first.
pub const SHARED_RESET_DELAY: Limit =
    Limit::new("delay of those that are taken back beyond that", seconds(1), "", "nothing", Nowhere);
/// Content that a backend may send ahead on one HTTP/2 response.
pub const RESPONSE_WINDOW: Limit = Limit::new(
    "bytes of content that a backend sends ahead on an HTTP/2 response",
    kib(64),
    "",
    "the sender waits for the receiver",
    Nowhere,
);
/// Content that a backend may send ahead on one HTTP/2 connection: as much as on all of its responses. With less, a few clients
/// that do not take theirs would keep every other one on the connection waiting.
pub const SHARED_WINDOW: Limit = Limit::new(
    "bytes of content that a backend sends ahead on an HTTP/2 connection",
    kib(64 * 100),
    "",
    "the sender waits for the receiver",
    Nowhere,
);
/// Content of one HTTP/2 request that waits for the backend's window.
pub const REQUEST_BUFFER: Limit = Limit::new(
    "bytes of a request that wait for the window of a backend's HTTP/2 stream",
    kib(128),
    "",
    "the sender waits for the receiver",
    Nowhere,
);
/// Bytes of a response's header list (RFC 9113 §6.5.2).
pub const RESPONSE_HEADER_LIST: Limit =
    Limit::new("bytes of a response's header list (HTTP/2)", kib(16), "", "502", Fault("bad_response"));
/// Silence of a backend after which it is asked, by PING, whether it is there.
pub const SILENCE: Limit = Limit::new(
    "silence of a backend, while requests wait on an HTTP/2 connection, after which it is sent a PING",
    seconds(30),
    "",
    "nothing",
    Nowhere,
);
/// Time in which a PING is answered.
pub const ANSWER: Limit = Limit::new(
    "time in which a backend answers a PING",
    seconds(10),
    "",
    "502, or the connection is reset once the response has begun",
    Fault("upstream_closed"),
);

/// All of them, in the order in which a request meets them.
pub(super) const UPSTREAM: [&Limit; 21] = [
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
    &SHARED,
    &SHARED_AGE,
    &SHARED_RESET_BURST,
    &SHARED_RESET_RATE,
    &SHARED_RESET_DELAY,
    &RESPONSE_WINDOW,
    &SHARED_WINDOW,
    &REQUEST_BUFFER,
    &RESPONSE_HEADER_LIST,
    &SILENCE,
    &ANSWER,
];
