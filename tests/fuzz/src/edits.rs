//! What we are told to write ourselves.

use bulkhead_http1::{
    Edits, Framing, HeadLimits, Lines, Name, Overlay, Progress, RequestHead, ResponseFraming, ResponseHead,
    parse_request, parse_response, write_request, write_response,
};

use super::plain::Message;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\nX-Mine: 1\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nX-Mine: 1\r\nContent-Length: 0\r\n\r\n";
/// Names of ours, of those that decide on framing and routing, and one that no rule knows.
const NAMES: &[Name] = &[Name::XRealIp, Name::Via, Name::Host, Name::ContentLength, Name::Connection, Name::Other];

/// Whatever an edit says, a head stays one head: no piece of a target, no host, no name and no value breaks out of its line or
/// decides on framing. The bytes are the pieces, one line each.
pub(crate) fn edits(bytes: &[u8]) {
    let pieces: Vec<&[u8]> = bytes.split(|&byte| byte == b'|').collect();
    let piece = |at: usize| pieces.get(at).copied().unwrap_or_default();
    let named = |at: usize| NAMES.get(at).copied().unwrap_or_default();
    let (mut request, mut response) = (RequestHead::default(), ResponseHead::default());
    let limits = HeadLimits::default();
    assert_eq!(parse_request(REQUEST, &limits, &mut request), Ok(Progress::Complete(REQUEST.len())));
    assert_eq!(parse_response(RESPONSE, &limits, false, &mut response), Ok(Progress::Complete(RESPONSE.len())));

    let set: Vec<(Name, &[u8])> = (0..NAMES.len()).map(|at| (named(at), piece(at + 3))).collect();
    let name = String::from_utf8_lossy(piece(9));
    let mut over = Overlay::default();
    over.set(&name, piece(10));
    let lines = Lines::new(&[(Name::XForwardedFor, piece(3))], &[(Name::Via, piece(4))]);
    let edits = Edits { set: &set, append: &set, over: Some(&over), lines: Some(&lines), ..Edits::default() };

    let mut out = Vec::new();
    write_request(&mut out, REQUEST, &request, &[piece(0), piece(1)], piece(2), Framing::Sized(0), &edits);
    let message = whole(&out);
    let parts: Vec<&[u8]> = message.start.split(|&byte| byte == b' ').collect();
    assert!(matches!(parts.as_slice(), [b"GET", [b'/', ..], b"HTTP/1.1"]), "{}", message.start.escape_ascii());
    assert_decided(&message, 1);

    let mut out = Vec::new();
    write_response(&mut out, RESPONSE, &response, ResponseFraming::Sized(0), false, false, &edits);
    let message = whole(&out);
    assert_eq!(message.start, b"HTTP/1.1 200 OK");
    assert_decided(&message, 0);
}

/// The message that these bytes are.
fn whole(bytes: &[u8]) -> Message<'_> {
    let read = Message::read(bytes, false);
    assert!(read.as_ref().is_ok_and(|message| message.rest.is_empty()), "{}", bytes.escape_ascii());
    read.unwrap_or_default()
}

/// What decides on framing and routing is there as often as the writer was told, and the field that came in is still there.
fn assert_decided(message: &Message<'_>, hosts: usize) {
    let count =
        |name: &str| message.fields.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes())).count();
    assert!(count("host") <= hosts, "a second Host");
    assert_eq!((count("content-length"), count("transfer-encoding"), count("connection")), (1, 0, 0));
    assert_eq!(count("upgrade"), 0);
    assert!(message.fields.len() <= 20, "more fields than edits");
}
