//! How nginx works within: buffers, and how it speaks with backends. Most of it asks for nothing here.

use super::reader::{Reader, Stake};
use super::row::{Group, Row, State, Use};

const CONNECTION: &str = "connection-proxy-header";

/// Content of responses.
const STREAMED: State = State::Implied(
    "Responses are passed on as they come, in bounded memory and without files, which is what ingress-nginx does unless it is told otherwise.",
);
/// Content of requests.
const HANDED_ON: State = State::Implied("The content of requests is never gathered, so there is no buffer to size.");
/// Heads of responses.
const ROOMY: State = State::Implied(
    "Heads of responses may have 32 KiB, whatever their route: more than this buffer holds unless it is set to more.",
);
/// Protocols that are not HTTP.
const FASTCGI: State = State::Refused(
    "Put a server that speaks HTTP in front of the FastCGI process, in the same Pod, and lead the route to its port.",
);

pub(super) const ROWS: &[Row] = &[
    Row::new(
        "proxy-request-buffering",
        Group::Proxying,
        Use::Must,
        State::Approximated(
            "Content is passed on as it comes, whatever the value: a backend sees slow uploads, though none that is slower than the lane's limit.",
        ),
    ),
    Row::new("proxy-buffering", Group::Proxying, Use::Must, STREAMED),
    Row::new("proxy-buffer-size", Group::Proxying, Use::Must, ROOMY),
    Row::new("proxy-buffers-number", Group::Proxying, Use::Must, STREAMED),
    Row::new("proxy-busy-buffers-size", Group::Proxying, Use::Must, STREAMED),
    Row::new("proxy-max-temp-file-size", Group::Proxying, Use::Must, STREAMED),
    Row::new("client-body-buffer-size", Group::Proxying, Use::Must, HANDED_ON),
    Row::new(
        "proxy-http-version",
        Group::Backend,
        Use::Rare,
        State::Approximated(
            "Backends are always asked in HTTP/1.1, or HTTP/2 where the annotation backend-protocol says so. One that knows HTTP/1.0 only answers all the same.",
        ),
    ),
    Row::new(CONNECTION, Group::Backend, Use::Should, State::Obeyed),
    Row::new(
        "http2-push-preload",
        Group::Backend,
        Use::Never,
        State::Implied("Browsers do not take pushed responses any more, and nginx does not push them."),
    ),
    Row::new(
        "proxy-ssl-ciphers",
        Group::Backend,
        Use::Rare,
        State::Ignored(
            "Remove the annotation: with backends only ciphers without known weaknesses are offered, and the backend chooses among them.",
        ),
    ),
    Row::new("fastcgi-index", Group::Backend, Use::Rare, FASTCGI),
    Row::new("fastcgi-params-configmap", Group::Backend, Use::Rare, FASTCGI),
];

/// Whether each request has a connection of its own to the backend.
pub(super) fn closes(reader: &mut Reader<'_, '_>) -> bool {
    reader.word(CONNECTION, &[("close", true), ("keep-alive", false)], Stake::Comfort).unwrap_or_default()
}
