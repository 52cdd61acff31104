//! Bounds on HTTP/2 connections of clients (RFC 9113). The bounds on heads, content, times and keep-alive hold for each of
//! their requests as well.

use super::Counter::{Fault, Metric, Nowhere};
use super::{Limit, Unit, count, kib, seconds};

/// Requests at once (SETTINGS_MAX_CONCURRENT_STREAMS).
pub const H2_STREAMS: Limit = Limit::new(
    "requests at once on an HTTP/2 connection",
    count(100),
    "limits.http2.concurrentStreams",
    "the stream is refused (REFUSED_STREAM)",
    Metric("bulkhead_http2_streams_refused_total"),
);
/// Bytes of a header list as RFC 9113 §6.5.2 counts them: 32 more for every field. The codec of HTTP/2 answers for itself.
pub const H2_HEADER_LIST: Limit = Limit::new(
    "bytes of a request's header list (HTTP/2)",
    kib(16),
    "limits.http2.headerListBytes",
    "431",
    Metric("bulkhead_http2_streams_refused_total"),
);
/// Content a client may send ahead on one request.
pub const H2_STREAM_WINDOW: Limit = Limit::new(
    "bytes of content sent ahead on an HTTP/2 request",
    kib(64),
    "limits.http2.streamWindowBytes",
    "the sender waits for the receiver",
    Nowhere,
);
/// Content a client may send ahead on one connection.
pub const H2_CONNECTION_WINDOW: Limit = Limit::new(
    "bytes of content sent ahead on an HTTP/2 connection",
    kib(1024),
    "limits.http2.connectionWindowBytes",
    "the sender waits for the receiver",
    Nowhere,
);
/// Content of one response that waits for its client: one read's worth, as on a connection of HTTP/1.1.
pub const H2_SEND_BUFFER: Limit = Limit::new(
    "bytes of a response that wait for the client of an HTTP/2 stream",
    kib(64),
    "",
    "the sender waits for the receiver",
    Nowhere,
);
/// The same of all responses of a connection together: what four of them may have. More would wait here instead of in its backends,
/// since a socket takes half as much at once.
pub const H2_CONNECTION_STORE: Limit = Limit::new(
    "bytes of all responses that wait for the client of an HTTP/2 connection",
    kib(256),
    "",
    "the sender waits for the receiver",
    Nowhere,
);
/// What a response of which nothing waits may have waiting even then, so that none starves for others that their client does
/// not take: a quarter of a frame.
pub const H2_STREAM_STORE: Limit = Limit::new(
    "bytes that each response on it may have waiting even then",
    kib(4),
    "",
    "the sender waits for the receiver",
    Nowhere,
);
/// Requests that a client may take back at once. Whoever leaves a page takes back as many as run: twice that is honest.
pub const H2_RESET_BURST: Limit = Limit::new(
    "HTTP/2 requests taken back at once",
    count(200),
    "",
    "GOAWAY (ENHANCE_YOUR_CALM), and the connection is closed",
    Fault("too_many_resets"),
);
/// Requests that a client may take back for ever. A client whose every request runs into its own deadline makes some tens a
/// second; an attack (CVE-2023-44487) needs thousands.
pub const H2_RESET_RATE: Limit = Limit::new(
    "HTTP/2 requests taken back in a second",
    (100, Unit::PerSecond),
    "",
    "GOAWAY (ENHANCE_YOUR_CALM), and the connection is closed",
    Fault("too_many_resets"),
);
/// Requests that a client takes back before they were looked at, counted by the codec (CVE-2023-44487). Each is looked at as soon as
/// its connection has its turn.
pub const H2_UNSEEN_RESETS: Limit = Limit::new(
    "HTTP/2 requests taken back at once before they were looked at",
    count(20),
    "",
    "GOAWAY (ENHANCE_YOUR_CALM), and the connection is closed",
    Fault("too_many_resets"),
);
/// Streams that are reset because of what a client did on them, which it may do to have requests begun and not counted
/// (CVE-2025-8671). No honest client does it twice.
pub const H2_OWN_RESETS: Limit = Limit::new(
    "HTTP/2 streams of a connection that are reset for breaking the protocol",
    count(1024),
    "",
    "GOAWAY (ENHANCE_YOUR_CALM), and the connection is closed",
    Fault("too_many_resets"),
);
/// SETTINGS at once. Clients send them once, or each time they double a window, which is ten times in the life of a connection.
pub const H2_SETTINGS_BURST: Limit = Limit::new(
    "HTTP/2 SETTINGS frames at once",
    count(100),
    "",
    "GOAWAY (ENHANCE_YOUR_CALM), and the connection is closed",
    Fault("too_many_control_frames"),
);
/// The same, for ever.
pub const H2_SETTINGS_RATE: Limit = Limit::new(
    "HTTP/2 SETTINGS frames in a second",
    (1, Unit::PerSecond),
    "",
    "GOAWAY (ENHANCE_YOUR_CALM), and the connection is closed",
    Fault("too_many_control_frames"),
);
/// Other frames that carry no request and no content (PING, PRIORITY, empty DATA that ends nothing), at once: what the rate below
/// allows in a fifth of a second, in case all of it comes together.
pub const H2_CONTROL_BURST: Limit = Limit::new(
    "HTTP/2 control frames at once",
    count(1_000),
    "",
    "GOAWAY (ENHANCE_YOUR_CALM), and the connection is closed",
    Fault("too_many_control_frames"),
);
/// The same, for ever. gRPC clients that measure their bandwidth send a PING per round trip, which inside a cluster is
/// thousands a second; answering as many costs less than a hundredth of a core.
pub const H2_CONTROL_RATE: Limit = Limit::new(
    "HTTP/2 control frames in a second",
    (5_000, Unit::PerSecond),
    "",
    "GOAWAY (ENHANCE_YOUR_CALM), and the connection is closed",
    Fault("too_many_control_frames"),
);

/// How often a client whose requests run is asked, by PING, whether it is there. Long requests are the reason: a client that has lost its
/// network says nothing, and would keep them.
pub const H2_PING: Limit = Limit::new(
    "time between two events of an HTTP/2 connection with requests after which its client is sent a PING",
    seconds(30),
    "",
    "a PING",
    Nowhere,
);
/// Time in which it answers. Whoever is on the slowest of networks needs two.
pub const H2_PONG: Limit = Limit::new(
    "time in which a client answers a PING",
    seconds(10),
    "",
    "the connection is closed",
    Fault("client_gone"),
);

/// All of them.
pub(super) const HTTP2: [&Limit; 17] = [
    &H2_STREAMS,
    &H2_HEADER_LIST,
    &H2_STREAM_WINDOW,
    &H2_CONNECTION_WINDOW,
    &H2_SEND_BUFFER,
    &H2_CONNECTION_STORE,
    &H2_STREAM_STORE,
    &H2_RESET_BURST,
    &H2_RESET_RATE,
    &H2_UNSEEN_RESETS,
    &H2_OWN_RESETS,
    &H2_SETTINGS_BURST,
    &H2_SETTINGS_RATE,
    &H2_CONTROL_BURST,
    &H2_CONTROL_RATE,
    &H2_PING,
    &H2_PONG,
];
