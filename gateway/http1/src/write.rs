//! The way out: heads written anew from typed parts.

use std::ops::Range;

use crate::field::is_token;
use crate::framing::is_bodiless;
use crate::{
    Field, Framing, Lines, Name, NameSet, Overlay, RequestHead, ResponseFraming, ResponseHead, TargetForm, bytes,
    reason_phrase,
};

/// What changes between the head that came in and the one that leaves.
///
/// Content-Length, Transfer-Encoding, Connection and (in requests) Host are not edited but passed to the functions that
/// write. A field that could break out of its line, or name one of these or Upgrade, is left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Edits<'a> {
    /// Known names to leave out.
    pub remove: NameSet,
    /// Further names to leave out, in any case; names that [`Name`] does not know.
    pub remove_more: &'a [&'a str],
    /// Beginnings of further names to leave out, in lower case.
    pub remove_prefixes: &'a [&'a str],
    /// Fields that were rendered before, instead of all that came in with the same names.
    pub lines: Option<&'a Lines>,
    /// What the route wants otherwise; its lines stand behind the rendered ones, which they do not replace.
    pub over: Option<&'a Overlay>,
    /// Fields instead of all that came in with the same name.
    pub set: &'a [(Name, &'a [u8])],
    /// Fields beside those that came in with the same name: one more Set-Cookie, Via.
    pub append: &'a [(Name, &'a [u8])],
    /// Passes an upgrade to WebSocket on: of a request that asks for one, and of the response that switches to it.
    pub upgrade: bool,
    /// Asks the backend for trailers, in a request whose client takes them.
    pub trailers: bool,
    /// Tells the backend that its connection ends with this request (RFC 9112 §9.6).
    pub close: bool,
}

/// Writes a request head to the end of `out`.
///
/// `target` is written piece after piece and must be canonical already; a byte that would end the target is written
/// percent-encoded, and one that is neither a path nor the `*` that came in gets a `/` before it. `host` is the value of
/// Host. The head is HTTP/1.1 and asks for a persistent connection.
pub fn write_request(
    out: &mut Vec<u8>,
    buf: &[u8],
    head: &RequestHead,
    target: &[&[u8]],
    host: &[u8],
    framing: Framing,
    edits: &Edits<'_>,
) {
    out.extend_from_slice(head.method.bytes(buf));
    out.push(b' ');
    if !is_whole_target(head.target, target) {
        out.push(b'/');
    }
    for piece in target {
        put_target(out, piece);
    }
    out.extend_from_slice(b" HTTP/1.1\r\n");
    put_line(out, b"Host", host);
    put_fields(out, buf, &head.fields, edits);
    match framing {
        Framing::None => {}
        Framing::Sized(length) => put_length(out, length),
        Framing::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
    }
    if edits.upgrade && head.upgrade {
        out.extend_from_slice(UPGRADE);
    } else if edits.close {
        out.extend_from_slice(b"Connection: close\r\n");
    } else if edits.trailers && head.trailers {
        out.extend_from_slice(TRAILERS);
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes a response head to the end of `out`, always HTTP/1.1 (RFC 9112 §2.3).
///
/// `close` announces the end of the connection, and so does [`ResponseFraming::UntilClose`]; `http10_keep_alive` tells a
/// client of HTTP/1.0 that the connection stays. Statuses that have no content get no framing. With
/// [`ResponseFraming::None`] an answer to HEAD keeps the length it announced. Chunks are not for clients of HTTP/1.0.
pub fn write_response(
    out: &mut Vec<u8>,
    buf: &[u8],
    head: &ResponseHead,
    framing: ResponseFraming,
    close: bool,
    http10_keep_alive: bool,
    edits: &Edits<'_>,
) {
    let reason = match head.reason.of(buf) {
        b"" => reason_phrase(head.status).as_bytes(),
        reason => reason,
    };
    put_status_line(out, head.status, reason);
    put_fields(out, buf, &head.fields, edits);
    let framing = if is_bodiless(head.status) { ResponseFraming::None } else { framing };
    match (framing, head.length_of_get) {
        (ResponseFraming::Sized(length), _) => put_length(out, length),
        (ResponseFraming::None, Some(length)) if !is_bodiless(head.status) => put_length(out, length),
        (ResponseFraming::Chunked, _) => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        (ResponseFraming::None | ResponseFraming::UntilClose, _) => {}
    }
    if edits.upgrade && head.upgrade {
        out.extend_from_slice(UPGRADE);
    } else {
        put_connection(out, close || framing == ResponseFraming::UntilClose, http10_keep_alive);
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes a whole response of our own to the end of `out`: the registered reason phrase, `fields` but for those that `over`
/// replaces, its lines, the length of `content`, and the content unless the request was HEAD or the status has none. Date is the
/// caller's field. Returns where in `out` the content begins.
pub fn write_own_response(
    out: &mut Vec<u8>,
    status: u16,
    close: bool,
    (fields, over): (&[(&str, &[u8])], &Overlay),
    content: &[u8],
    head_only: bool,
) -> usize {
    put_status_line(out, status, reason_phrase(status).as_bytes());
    for &(name, value) in fields {
        if !over.names().contains(Name::find(name.as_bytes())) && !over.has(name.as_bytes()) {
            put_named(out, name, value);
        }
    }
    out.extend_from_slice(over.as_bytes());
    if !is_bodiless(status) {
        put_length(out, content.len() as u64);
    }
    put_connection(out, close, false);
    out.extend_from_slice(b"\r\n");
    let begin = out.len();
    if !head_only && !is_bodiless(status) {
        out.extend_from_slice(content);
    }
    begin
}

/// What no edit may write: whoever reads the head would frame or route by it, or take the connection for another one.
pub(crate) const DECIDED: NameSet =
    NameSet::of(&[Name::Connection, Name::ContentLength, Name::Host, Name::TransferEncoding, Name::Upgrade]);

/// RFC 6455 §4.1 and §4.2.2: both sides say it alike.
const UPGRADE: &[u8] = b"Connection: Upgrade\r\nUpgrade: websocket\r\n";

/// RFC 9110 §10.1.4: TE is for the next hop only, and Connection says so.
const TRAILERS: &[u8] = b"Connection: TE\r\nTE: trailers\r\n";

fn put_fields(out: &mut Vec<u8>, buf: &[u8], fields: &[Field], edits: &Edits<'_>) {
    let rendered =
        edits.lines.map_or(NameSet::EMPTY, Lines::names).union(edits.over.map_or(NameSet::EMPTY, Overlay::names));
    let gone = edits.set.iter().fold(edits.remove.union(rendered), |gone, &(name, _)| gone.with(name));
    // Lines that stand as they would be written, one behind the other, are one copy.
    let mut run = 0..0;
    for field in fields {
        if !field.forward || gone.contains(field.id) || (field.id == Name::Other && edits.names(buf, field)) {
            continue;
        }
        match field.as_written() {
            Some(line) if line.start == run.end => run.end = line.end,
            Some(line) => put_run(out, buf, std::mem::replace(&mut run, line)),
            None => {
                put_run(out, buf, std::mem::take(&mut run));
                put_field(out, buf, field);
            }
        }
    }
    put_run(out, buf, run);
    out.extend_from_slice(edits.lines.map_or(&[], Lines::as_bytes));
    out.extend_from_slice(edits.over.map_or(&[], Overlay::as_bytes));
    for &(name, value) in edits.set.iter().chain(edits.append) {
        if !DECIDED.contains(name) && name != Name::Other {
            put_line(out, name.as_bytes(), value);
        }
    }
}

impl Edits<'_> {
    /// Whether the edits replace or remove the field by the spelling of its name.
    #[inline]
    fn names(&self, buf: &[u8], field: &Field) -> bool {
        let name = field.name.of(buf);
        let same = |other: &str| other.as_bytes().eq_ignore_ascii_case(name);
        let begins =
            |prefix: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()));
        self.remove_more.iter().any(|&other| same(other))
            || self.remove_prefixes.iter().any(|&prefix| begins(prefix))
            || self.over.is_some_and(|over| over.has(name))
    }
}

/// Writes lines that stand in `buf` as they are written.
fn put_run(out: &mut Vec<u8>, buf: &[u8], run: Range<usize>) {
    out.extend_from_slice(buf.get(run).unwrap_or_default());
}

/// Writes a field that came in otherwise than it leaves.
#[cold]
fn put_field(out: &mut Vec<u8>, buf: &[u8], field: &Field) {
    out.extend_from_slice(field.name.of(buf));
    out.extend_from_slice(b": ");
    out.extend_from_slice(field.value.of(buf));
    out.extend_from_slice(b"\r\n");
}

/// Writes a field of the caller's by name, unless the name is not one or is not for the caller to set.
fn put_named(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    let name = name.as_bytes();
    if is_token(name) && !DECIDED.contains(Name::find(name)) {
        put_line(out, name, value);
    }
}

/// Writes a field line, unless the value would end it early.
#[inline]
pub(crate) fn put_line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    if bytes::is_value(value) {
        out.extend_from_slice(name);
        out.extend_from_slice(b": ");
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
    }
}

fn put_length(out: &mut Vec<u8>, length: u64) {
    out.extend_from_slice(b"Content-Length: ");
    out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn put_connection(out: &mut Vec<u8>, close: bool, keep_alive: bool) {
    if close {
        out.extend_from_slice(b"Connection: close\r\n");
    } else if keep_alive {
        out.extend_from_slice(b"Connection: keep-alive\r\n");
    }
}

fn put_status_line(out: &mut Vec<u8>, status: u16, reason: &[u8]) {
    if status == 200 && reason == b"OK" {
        return out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(itoa::Buffer::new().format(status).as_bytes());
    out.push(b' ');
    out.extend_from_slice(reason);
    out.extend_from_slice(b"\r\n");
}

/// Whether the pieces make a target that every recipient takes for a path, never for an authority or a URI.
fn is_whole_target(came_in: TargetForm, pieces: &[&[u8]]) -> bool {
    match pieces.iter().find_map(|piece| piece.first()) {
        Some(b'/') => true,
        Some(b'*') => came_in == TargetForm::Asterisk,
        _ => false,
    }
}

/// Writes a piece of a target. Space, control characters and `#` would end it, or make two targets of one.
pub(crate) fn put_target(out: &mut Vec<u8>, mut piece: &[u8]) {
    if bytes::is_whole_in_target(piece) {
        return out.extend_from_slice(piece);
    }
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or_default();
    while let Some(at) = piece.iter().position(|&byte| bytes::ends_target(byte)) {
        let (clean, rest) = piece.split_at_checked(at).unwrap_or_default();
        out.extend_from_slice(clean);
        let Some((&byte, rest)) = rest.split_first() else { return };
        out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 0xf)]);
        piece = rest;
    }
    out.extend_from_slice(piece);
}
