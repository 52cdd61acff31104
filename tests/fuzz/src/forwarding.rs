//! From a client's bytes to those that a backend gets.

use bulkhead_http1::{
    Decoder, Edits, Framing, HeadLimits, MAX_FIELDS, Progress, RequestHead, TargetForm, Trailers, parse_request,
    write_request,
};
use bulkhead_model::{Host, Target};

use super::content::{decode, write};
use super::plain::Message;

/// Names that end at this hop, framing aside.
const HOP_BY_HOP: &[&str] = &[
    "http2-settings",
    "keep-alive",
    "proxy",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "expect",
];

/// What goes to a backend of an accepted request is one request to everybody, with the same method, resource and content, and
/// nothing behind it; of the hop it came by nothing is left.
pub(crate) fn forwarding(bytes: &[u8]) {
    let Some((head, content, trailers, target, host)) = accept(bytes) else { return };
    let mut out = Vec::new();
    let edits = Edits { upgrade: true, trailers: true, ..Edits::default() };
    write_request(&mut out, bytes, &head, &[target.as_bytes()], host.as_bytes(), head.framing, &edits);
    match head.framing {
        Framing::Chunked => write(&mut out, &content, &trailers),
        Framing::None | Framing::Sized(_) => out.extend_from_slice(&content),
    }

    let read = Message::read(&out, false);
    assert!(read.is_ok(), "{:?}: {}", read.err(), out.escape_ascii());
    let Ok(message) = read else { return };
    assert!(message.rest.is_empty(), "something stands behind the request: {}", message.rest.escape_ascii());
    let start = [head.method.bytes(bytes), b" ", target.as_bytes(), b" HTTP/1.1"].concat();
    assert_eq!(message.start, start);
    assert_eq!(message.content, content);
    assert!(message.trailers.iter().copied().eq(trailers.iter()), "other trailers");

    let mut fields = message.fields.into_iter();
    assert_eq!(fields.next(), Some((&b"Host"[..], host.as_bytes())));
    let onward = head.fields.iter().filter(|field| field.forward);
    for expected in onward.map(|field| (field.name.of(bytes), field.value.of(bytes))) {
        assert_eq!(fields.next(), Some(expected));
        assert!(!HOP_BY_HOP.iter().any(|name| expected.0.eq_ignore_ascii_case(name.as_bytes())));
    }
    let framed = usize::from(head.framing != Framing::None);
    let connected = if head.upgrade || head.trailers { 2 } else { 0 };
    assert_eq!(fields.count(), framed + connected, "fields that nobody asked for");

    let mut again = RequestHead::default();
    assert!(matches!(parse_request(&out, &HeadLimits::default(), &mut again), Ok(Progress::Complete(_))));
    assert_eq!(
        (again.framing, again.upgrade, again.target.bytes(&out)),
        (head.framing, head.upgrade, target.as_bytes())
    );
}

/// The parts of a request that is forwarded, with its target and host as they are routed.
fn accept(bytes: &[u8]) -> Option<(RequestHead, Vec<u8>, Trailers, String, Host)> {
    let mut head = RequestHead::default();
    let Ok(Progress::Complete(len)) = parse_request(bytes, &HeadLimits::default(), &mut head) else { return None };
    let host = Host::parse(head.authority.of(bytes)).ok()?;
    let target = match head.target {
        TargetForm::Asterisk => "*".to_owned(),
        TargetForm::Root | TargetForm::Origin(_) => {
            let target = Target::parse(head.target.bytes(bytes)).ok()?;
            let written = target.query.map_or_else(|| target.path.to_vec(), |query| [&*target.path, query].join(&b'?'));
            String::from_utf8(written).expect("path and query are UTF-8")
        }
    };
    let mut decoder = Decoder::new(head.framing);
    decoder.limit_trailers(MAX_FIELDS - head.fields.len());
    let decoded = decode(decoder, bytes.get(len..)?, 5).ok()?;
    Some((head, decoded.content, decoded.trailers, target, host))
}
