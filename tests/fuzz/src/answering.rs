//! From a backend's bytes to those that a client gets.

use bulkhead_http1::{
    Decoder, Edits, HeadLimits, MAX_FIELDS, Progress, ResponseFraming, ResponseHead, parse_response, write_response,
};

use super::content::{decode, write};
use super::plain::Message;

/// What goes to a client of an accepted response is one response to everybody, with the same status, fields and content, and
/// nothing behind it. The first byte says whether it answers HEAD.
pub(crate) fn answering(bytes: &[u8]) {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let to_head = *first == b'H';
    let mut head = ResponseHead::default();
    let Ok(Progress::Complete(len)) = parse_response(bytes, &HeadLimits::default(), to_head, &mut head) else { return };
    let mut decoder = Decoder::for_response(head.framing);
    decoder.limit_trailers(MAX_FIELDS - head.fields.len());
    let Ok(decoded) = decode(decoder, bytes.get(len..).unwrap_or_default(), 5) else { return };

    // Chunks show a client that content is complete, where the connection's end did not.
    let framing = match head.framing {
        ResponseFraming::UntilClose => ResponseFraming::Chunked,
        framing => framing,
    };
    let mut out = Vec::new();
    write_response(&mut out, bytes, &head, framing, false, false, &Edits { upgrade: true, ..Edits::default() });
    match framing {
        ResponseFraming::Chunked => write(&mut out, &decoded.content, &decoded.trailers),
        _ => out.extend_from_slice(&decoded.content),
    }

    let read = Message::read(&out, framing == ResponseFraming::None);
    assert!(read.is_ok(), "{:?}: {}", read.err(), out.escape_ascii());
    let Ok(message) = read else { return };
    assert!(message.rest.is_empty(), "something stands behind the response: {}", message.rest.escape_ascii());
    assert!(
        message.start.starts_with(format!("HTTP/1.1 {} ", head.status).as_bytes()),
        "{}",
        message.start.escape_ascii()
    );
    assert_eq!(message.content, decoded.content);
    assert!(message.trailers.iter().copied().eq(decoded.trailers.iter()), "other trailers");
    let onward = head.fields.iter().filter(|field| field.forward);
    let onward: Vec<_> = onward.map(|field| (field.name.of(bytes), field.value.of(bytes))).collect();
    assert_eq!(message.fields.get(..onward.len()), Some(onward.as_slice()));
    let added = message.fields.len() - onward.len();
    let expected = match framing {
        ResponseFraming::None if head.upgrade => 2,
        ResponseFraming::None => usize::from(head.length_of_get.is_some()),
        _ => 1,
    };
    assert_eq!(added, expected, "fields that nobody asked for");
}
