//! A span as OTLP has it: the protobuf messages `Span`, `KeyValue`, `AnyValue` and `Status` of `opentelemetry/proto/trace/v1/trace.proto`,
//! its attributes named by the semantic conventions for HTTP spans.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bulkhead_model::TraceContext;

/// Methods that have a meaning of their own (RFC 9110 §9.3, RFC 5789): others would be attribute values that clients make up.
const METHODS: [&[u8]; 9] = [b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH"];
/// Most bytes of `user_agent.original`.
const AGENT_BYTES: usize = 256;
/// Most bytes of a span's name.
const NAME_BYTES: usize = 256;

/// Kinds of fields (Protocol Buffers, "Encoding").
const VARINT: u8 = 0;
const FIXED64: u8 = 1;
const BYTES: u8 = 2;
const FIXED32: u8 = 5;

/// `SpanKind`: a request that was served.
const SERVER: u64 = 2;
/// `StatusCode`.
const ERROR: u64 = 2;
/// `SpanFlags`: it is known whether the parent is elsewhere, and it is.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// What is known of a request. What is empty is left out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span<'s> {
    pub(crate) context: TraceContext,
    /// When it ended, since 1970.
    pub(crate) end: Duration,
    pub(crate) took: Duration,
    /// What it is called; empty: by method and route.
    pub(crate) name: &'s [u8],
    pub(crate) method: &'s [u8],
    /// Path and query.
    pub(crate) uri: &'s [u8],
    pub(crate) secure: bool,
    /// As the client wrote it.
    pub(crate) authority: &'s [u8],
    /// Path of the route as its author wrote it.
    pub(crate) route: &'s [u8],
    /// 0: no response was begun.
    pub(crate) status: u16,
    /// Of HTTP.
    pub(crate) version: &'s str,
    pub(crate) client: Option<IpAddr>,
    pub(crate) agent: &'s [u8],
    /// Why it did not end as it was meant to.
    pub(crate) fault: &'s str,
    /// Whether somebody else than its client is to blame.
    pub(crate) is_broken: bool,
    pub(crate) ingress: &'s [u8],
    pub(crate) service: &'s [u8],
    /// Who was asked last.
    pub(crate) upstream: Option<SocketAddr>,
    /// How many were.
    pub(crate) tries: u32,
}

impl Span<'_> {
    /// Writes it to the end of `out`, as the field `spans` of a message `ScopeSpans`.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        message(out, 2, |out| self.fields(out));
    }

    fn fields(&self, out: &mut Vec<u8>) {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        bytes(out, 1, &self.context.trace.get().to_be_bytes());
        bytes(out, 2, &self.context.span.get().to_be_bytes());
        let mut flags = u32::from(self.context.flags());
        if let Some(parent) = self.context.parent {
            bytes(out, 4, &parent.get().to_be_bytes());
            flags |= HAS_IS_REMOTE | IS_REMOTE;
        }
        message(out, 5, |out| self.name(out));
        number(out, 6, SERVER);
        fixed64(out, 7, nanos(self.end.saturating_sub(self.took)));
        fixed64(out, 8, nanos(self.end));
        self.attributes(out);
        if self.is_failed() {
            message(out, 15, |out| number(out, 3, ERROR));
        }
        key(out, 16, FIXED32);
        out.extend_from_slice(&flags.to_le_bytes());
    }

    /// A span of a server has failed if the server has: what a client did wrong is not its failure.
    const fn is_failed(&self) -> bool {
        self.status >= 500 || self.is_broken
    }

    fn method(&self) -> Option<&[u8]> {
        METHODS.into_iter().find(|known| *known == self.method)
    }

    fn name(&self, out: &mut Vec<u8>) {
        if !self.name.is_empty() {
            return text(out, self.name, NAME_BYTES);
        }
        out.extend_from_slice(self.method().unwrap_or(b"HTTP"));
        if !self.route.is_empty() {
            out.push(b' ');
            text(out, self.route, NAME_BYTES);
        }
    }

    fn attributes(&self, out: &mut Vec<u8>) {
        match self.method() {
            Some(method) => attribute(out, "http.request.method", method),
            None => {
                attribute(out, "http.request.method", b"_OTHER");
                attribute(out, "http.request.method_original", self.method);
            }
        }
        // The query is left out: people put what is secret into it.
        let path = self.uri.split(|byte| *byte == b'?').next().unwrap_or_default();
        attribute(out, "url.path", path);
        attribute(out, "url.scheme", if self.secure { b"https" } else { b"http" });
        let (host, port) = self.host_and_port();
        attribute(out, "server.address", host);
        if let Some(port) = port {
            integer(out, "server.port", port.into());
        }
        attribute(out, "http.route", self.route);
        if self.status != 0 {
            integer(out, "http.response.status_code", self.status.into());
        }
        attribute(out, "network.protocol.version", self.version.as_bytes());
        if let Some(client) = self.client {
            displayed(out, "client.address", client);
        }
        attribute(out, "user_agent.original", self.agent.get(..AGENT_BYTES).unwrap_or(self.agent));
        match self.fault {
            _ if !self.is_failed() => {}
            "" => displayed(out, "error.type", self.status),
            fault => attribute(out, "error.type", fault.as_bytes()),
        }
        attribute(out, "bulkhead.fault", self.fault.as_bytes());
        attribute(out, "bulkhead.ingress", self.ingress);
        attribute(out, "bulkhead.service", self.service);
        if let Some(upstream) = self.upstream {
            displayed(out, "bulkhead.upstream", upstream);
        }
        if self.tries > 1 {
            integer(out, "bulkhead.tries", self.tries.into());
        }
    }

    fn host_and_port(&self) -> (&[u8], Option<u16>) {
        let colon = self.authority.iter().rposition(|byte| *byte == b':');
        let split = colon.and_then(|colon| self.authority.split_at_checked(colon));
        let port = |digits: &[u8]| std::str::from_utf8(digits.get(1..)?).ok()?.parse().ok();
        match split.map(|(host, digits)| (host, port(digits))) {
            Some((host, Some(port))) => (host, Some(port)),
            _ => (self.authority, None),
        }
    }
}

/// Writes the messages around spans: an `ExportTraceServiceRequest` with one resource.
pub fn request(resource: &[(&str, &str)], version: &str, spans: &[u8], out: &mut Vec<u8>) {
    message(out, 1, |out| {
        message(out, 1, |out| resource.iter().for_each(|(name, value)| keyed(out, 1, name, value.as_bytes())));
        message(out, 2, |out| {
            message(out, 1, |out| {
                bytes(out, 1, b"bulkhead");
                bytes(out, 2, version.as_bytes());
            });
            out.extend_from_slice(spans);
        });
    });
}

/// Fields come with their length before them, which is known when they are written.
fn message(out: &mut Vec<u8>, field: u8, write: impl FnOnce(&mut Vec<u8>)) {
    key(out, field, BYTES);
    let begin = out.len();
    write(out);
    let end = out.len();
    varint(out, (end - begin) as u64);
    let length = out.len() - end;
    if let Some(written) = out.get_mut(begin..) {
        written.rotate_right(length);
    }
}

fn key(out: &mut Vec<u8>, field: u8, kind: u8) {
    varint(out, u64::from(field) << 3 | u64::from(kind));
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn number(out: &mut Vec<u8>, field: u8, number: u64) {
    key(out, field, VARINT);
    varint(out, number);
}

fn fixed64(out: &mut Vec<u8>, field: u8, number: u64) {
    key(out, field, FIXED64);
    out.extend_from_slice(&number.to_le_bytes());
}

fn bytes(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    key(out, field, BYTES);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// A collector refuses a whole batch for one text that is no UTF-8.
fn text(out: &mut Vec<u8>, text: &[u8], most: usize) {
    let text = text.get(..most).unwrap_or(text);
    for chunk in text.utf8_chunks() {
        out.extend_from_slice(chunk.valid().as_bytes());
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

fn attribute(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    if !value.is_empty() {
        keyed(out, 9, name, value);
    }
}

/// A `KeyValue` with a text.
fn keyed(out: &mut Vec<u8>, field: u8, name: &str, value: &[u8]) {
    message(out, field, |out| {
        bytes(out, 1, name.as_bytes());
        message(out, 2, |out| message(out, 1, |out| text(out, value, usize::MAX)));
    });
}

fn displayed(out: &mut Vec<u8>, name: &str, value: impl std::fmt::Display) {
    message(out, 9, |out| {
        bytes(out, 1, name.as_bytes());
        // A vector takes any text.
        message(out, 2, |out| message(out, 1, |out| drop(write!(out, "{value}"))));
    });
}

fn integer(out: &mut Vec<u8>, name: &str, value: u64) {
    message(out, 9, |out| {
        bytes(out, 1, name.as_bytes());
        message(out, 2, |out| number(out, 3, value));
    });
}
