//! Laws that hold for all bytes.

use std::num::NonZeroUsize;

use proptest::collection::vec;
use proptest::prelude::*;

use super::chunks::{decode, decode_with};
use super::forwarded;
use crate::field::HOP_BY_HOP;
use crate::{
    CHUNK_END, ChunkHead, Decoder, Edits, Framing, HeadLimits, LAST_CHUNK, Name, Progress, RequestHead,
    ResponseFraming, ResponseHead, may_trail, parse_request, parse_response, write_last_chunk, write_request,
    write_response,
};

/// Pieces that heads are made of, good and bad, so that random heads come near every rule.
const PIECES: &[&str] = &[
    "GET ",
    "POST ",
    "OPTIONS ",
    "connect ",
    "TWENTYBYTESOFAMETHOD",
    "/",
    "/a?b",
    "*",
    "http://a",
    "http://b/",
    " ",
    "#",
    " HTTP/1.1\r\n",
    " HTTP/1.0\r\n",
    " HTTP/2.0\r\n",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.0 304 \r\n",
    "HTTP/1.1 100 Continue\r\n",
    "Host: a\r\n",
    "Host:b\r\n",
    "Content-Length: 3\r\n",
    "Content-Length: 03\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Connection: ",
    "Transfer-Encoding:\tgzip, chunked\r\n",
    "close\r\n",
    "upgrade, x\r\n",
    "X-Real-IP\r\n",
    "Upgrade: websocket\r\n",
    "Expect: 100-continue\r\n",
    "X: 1 \r\n",
    "x_y: 1\r\n",
    "X:",
    "é",
    "\r\n",
    "\n",
    "\r",
    "\0",
    " folded\r\n",
    "\r\n\r\n",
    "3\r\nabc\r\n",
    "0\r\n\r\n",
];

/// The same for content.
const CONTENT_PIECES: &[&str] = &[
    "0",
    "3",
    "a",
    "\r\n",
    "\r",
    "\n",
    ";x",
    "abc",
    "X: 1\r\n",
    "Digest: ",
    "Digest:a \r\n",
    "0\r\n",
    "0\r\n\r\n",
    "3\r\nabc\r\n",
];

/// Whole trailer lines, of which some may pass.
fn trailer_lines() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        prop::sample::select(&["grpc-status", "Digest", "SERVER-TIMING", "Host", "content-length"][..])
            .prop_map(str::to_owned),
        "[A-Za-z_.-]{1,8}",
    ];
    (name, "[ \t]{0,2}([!-~é:]([ -~é:]{0,6}[!-~é])?)?[ \t]{0,2}")
        .prop_map(|(name, value)| format!("{name}:{value}\r\n"))
}

pub(super) fn near_heads() -> impl Strategy<Value = Vec<u8>> {
    let start = prop_oneof![
        Just("GET / HTTP/1.1\r\nHost: a\r\n"),
        Just("POST /a HTTP/1.0\r\nHost: a\r\n"),
        Just("HTTP/1.1 200 OK\r\n"),
        Just("TWENTYBYTESOFAMETHOD"),
        Just("")
    ];
    let pieces = vec(prop::sample::select(PIECES), 0..8);
    (start, pieces, prop_oneof![4 => Just("\r\n"), 1 => Just("")])
        .prop_map(|(start, pieces, end)| (start.to_owned() + &pieces.concat() + end).into_bytes())
}

/// A request that is accepted, with fields in any spelling.
pub(super) fn good_requests() -> impl Strategy<Value = Vec<u8>> {
    let method = prop::sample::select(&["GET", "HEAD", "POST", "get", "PROPFIND"][..]);
    let target = "(http://a)?/[a-zA-Z0-9%/;.~-]{0,12}(\\?[a-z=&\\[\\]|/?]{0,8})?";
    let framing = prop::sample::select(&["", "Content-Length: 7\r\n", "transfer-encoding:chunked\r\n"][..]);
    let other = ("[A-Za-z][A-Za-z0-9_-]{0,12}", "[!-~é]([ -~é]{0,10}[!-~é])?", "[ \t]{0,2}");
    let field = other.prop_map(|(name, value, space)| format!("X{name}:{space}{value}{space}\r\n"));
    let known = prop::sample::select(Name::KNOWN).prop_filter("has a meaning here", |name| {
        !matches!(name, Name::Host | Name::Expect | Name::ContentLength | Name::TransferEncoding)
    });
    let known = known.prop_map(|name| format!("{}: x\r\n", name.as_str()));
    (method, target, framing, vec(prop_oneof![field, known], 0..12), any::<prop::sample::Index>()).prop_map(
        |(method, target, framing, mut fields, at)| {
            fields.insert(at.index(fields.len() + 1), format!("Host: a\r\n{framing}"));
            format!("{method} {target} HTTP/1.1\r\n{}\r\n", fields.concat()).into_bytes()
        },
    )
}

fn limits() -> impl Strategy<Value = HeadLimits> {
    (1usize..200, 0usize..12, 0usize..6).prop_map(|(head_bytes, target_bytes, fields)| HeadLimits {
        head_bytes,
        target_bytes,
        fields,
    })
}

/// What the parser says of every prefix must agree with what it says of the whole.
fn prefixes_agree<H: PartialEq + std::fmt::Debug, E: std::fmt::Debug>(
    bytes: &[u8],
    parse: impl Fn(&[u8]) -> (Result<Progress, E>, H),
) -> Result<(), TestCaseError> {
    let (whole, whole_head) = parse(bytes);
    for end in 0..bytes.len() {
        match (parse(&bytes[..end]), &whole) {
            ((Ok(Progress::Complete(len)), head), Ok(Progress::Complete(whole))) => {
                prop_assert_eq!((len, &head), (*whole, &whole_head));
            }
            ((Ok(Progress::Partial), _), Ok(Progress::Complete(len))) => prop_assert!(end < *len),
            ((Ok(Progress::Partial), _) | (Err(_), _), Err(_)) => {}
            ((Ok(Progress::Partial), _), Ok(Progress::Partial)) => {}
            (prefix, whole) => prop_assert!(false, "at {}: {:?}, but whole {:?}", end, prefix, whole),
        }
    }
    Ok(())
}

proptest! {
    /// Whether and how a request head is accepted does not depend on where reads end.
    #[test]
    fn a_request_head_means_the_same_however_it_arrives(bytes in near_heads(), limits in prop_oneof![Just(HeadLimits::default()), limits()]) {
        prefixes_agree(&bytes, |prefix| {
            let mut head = RequestHead::default();
            (parse_request(prefix, &limits, &mut head), if prefix.is_empty() { RequestHead::default() } else { head })
        })?;
    }

    /// Whether and how a response head is accepted does not depend on where reads end.
    #[test]
    fn a_response_head_means_the_same_however_it_arrives(bytes in near_heads(), to_head: bool) {
        prefixes_agree(&bytes, |prefix| {
            let mut head = ResponseHead::default();
            (parse_response(prefix, &HeadLimits::default(), to_head, &mut head), head)
        })?;
    }

    /// No line of an accepted head ends in a way that another parser could miss, or see where there is none.
    #[test]
    fn accepted_heads_have_whole_line_ends_only(bytes in near_heads()) {
        let (mut request, mut response) = (RequestHead::default(), ResponseHead::default());
        let taken = [
            parse_request(&bytes, &HeadLimits::default(), &mut request),
            parse_response(&bytes, &HeadLimits::default(), false, &mut response),
        ];
        for progress in taken {
            if let Ok(Progress::Complete(taken)) = progress {
                let head = String::from_utf8_lossy(&bytes[..taken]).replace("\r\n", "");
                prop_assert!(!head.contains(['\r', '\n', '\0']), "{:?}", head);
            }
        }
    }

    /// A head that is reused means what a fresh one means.
    #[test]
    fn nothing_of_an_earlier_head_remains(first in near_heads(), second in good_requests()) {
        let (mut reused, mut fresh) = (RequestHead::default(), RequestHead::default());
        let _ = parse_request(&first, &HeadLimits::default(), &mut reused);
        prop_assert_eq!(parse_request(&second, &HeadLimits::default(), &mut reused), Ok(Progress::Complete(second.len())));
        prop_assert_eq!(parse_request(&second, &HeadLimits::default(), &mut fresh), Ok(Progress::Complete(second.len())));
        prop_assert_eq!(reused, fresh);
    }

    /// What is written is accepted by our own parser, says the same, and holds nothing of the hop it came by.
    #[test]
    fn a_written_request_reads_as_the_one_it_came_from(bytes in good_requests()) {
        let (mut head, mut again, mut out) = (RequestHead::default(), RequestHead::default(), Vec::new());
        prop_assert_eq!(parse_request(&bytes, &HeadLimits::default(), &mut head), Ok(Progress::Complete(bytes.len())));
        let target = head.target.bytes(&bytes);
        write_request(&mut out, &bytes, &head, &[target], b"a", head.framing, &Edits::default());
        prop_assert_eq!(parse_request(&out, &HeadLimits::default(), &mut again), Ok(Progress::Complete(out.len())));
        prop_assert_eq!(again.method.bytes(&out), head.method.bytes(&bytes));
        prop_assert_eq!(again.target.bytes(&out), target);
        prop_assert_eq!(again.framing, head.framing);
        prop_assert_eq!(forwarded(&out, &again.fields), forwarded(&bytes, &head.fields));
        let values = |buf: &[u8], head: &RequestHead| {
            head.fields.iter().filter(|field| field.forward).map(|field| field.value.of(buf).to_vec()).collect::<Vec<_>>()
        };
        prop_assert_eq!(values(&out, &again), values(&bytes, &head));
        let framing = |id| matches!(id, Name::ContentLength | Name::TransferEncoding);
        let hop = again.fields.iter().find(|field| HOP_BY_HOP.contains(field.id) && !framing(field.id));
        prop_assert_eq!(hop, None);
        prop_assert!(again.persistent && !again.upgrade && !again.expects_continue);
    }

    /// Whatever head a backend gets accepted, what we write of it says the same about its content.
    #[test]
    fn a_written_response_is_framed_as_the_one_it_came_from(bytes in near_heads(), to_head: bool, close: bool) {
        let (mut head, mut again, mut out) = (ResponseHead::default(), ResponseHead::default(), Vec::new());
        if let Ok(Progress::Complete(_)) = parse_response(&bytes, &HeadLimits::default(), to_head, &mut head) {
            write_response(&mut out, &bytes, &head, head.framing, close, false, &Edits::default());
            prop_assert_eq!(parse_response(&out, &HeadLimits::default(), to_head, &mut again), Ok(Progress::Complete(out.len())));
            prop_assert_eq!((again.status, again.framing, again.length_of_get), (head.status, head.framing, head.length_of_get));
            prop_assert_eq!(forwarded(&out, &again.fields), forwarded(&bytes, &head.fields));
            let lasts = !close && head.framing != ResponseFraming::UntilClose && head.status != 101;
            prop_assert_eq!(again.persistent, lasts);
        }
    }

    /// Chunks that we write decode to what went in, wherever reads end; the next request is not touched.
    #[test]
    fn chunks_decode_to_what_was_encoded(pieces in vec(vec(any::<u8>(), 1..40), 0..6), step in 1usize..50) {
        let mut bytes = Vec::new();
        for piece in &pieces {
            bytes.extend_from_slice(ChunkHead::new(NonZeroUsize::new(piece.len()).unwrap()).as_bytes());
            bytes.extend_from_slice(piece);
            bytes.extend_from_slice(CHUNK_END);
        }
        bytes.extend_from_slice(LAST_CHUNK);
        let len = bytes.len();
        bytes.extend_from_slice(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        prop_assert_eq!(decode(Framing::Chunked, &bytes, step), Ok((pieces.concat(), len)));
    }

    /// What bytes decode to, which trailers come behind it, or why they are refused, does not depend on where reads end.
    #[test]
    fn content_means_the_same_however_it_arrives(
        pieces in vec(prop::sample::select(CONTENT_PIECES), 0..12),
        size in 0u64..20,
        step in 1usize..8,
    ) {
        let bytes = pieces.concat().into_bytes();
        let decode = |mut decoder: Decoder, step| {
            let decoded = decode_with(&mut decoder, &bytes, step);
            (decoded, decoder.trailers().as_bytes().to_vec())
        };
        for framing in [Framing::None, Framing::Sized(size), Framing::Chunked] {
            prop_assert_eq!(decode(Decoder::new(framing), step), decode(Decoder::new(framing), usize::MAX));
        }
        use ResponseFraming::{Chunked, None, Sized, UntilClose};
        for framing in [None, Sized(size), Chunked, UntilClose] {
            prop_assert_eq!(decode(Decoder::for_response(framing), step), decode(Decoder::for_response(framing), usize::MAX));
        }
    }

    /// What passes of any trailer section can be passed on: its fields are those that may pass, in their order, and once
    /// written they are read again as the same.
    #[test]
    fn trailers_that_pass_read_as_the_ones_they_came_from(lines in vec(trailer_lines(), 0..8), step in 1usize..9) {
        let bytes = format!("0\r\n{}\r\n", lines.concat());
        let (mut first, mut second, mut out) = (Decoder::new(Framing::Chunked), Decoder::new(Framing::Chunked), Vec::new());
        prop_assert!(decode_with(&mut first, bytes.as_bytes(), step).is_ok());
        let expected = lines.iter().filter_map(|line| line.split_once(':'));
        let expected = expected.filter(|(name, _)| may_trail(name.as_bytes(), false));
        let expected = expected.map(|(name, value)| (name.as_bytes(), value.as_bytes().trim_ascii()));
        prop_assert!(first.trailers().iter().eq(expected), "{:?}", first.trailers());
        write_last_chunk(&mut out, first.trailers());
        prop_assert_eq!(decode_with(&mut second, &out, step), Ok((Vec::new(), out.len())));
        prop_assert_eq!(second.trailers().as_bytes(), first.trailers().as_bytes());
    }

    /// No bytes make the codec panic.
    #[test]
    fn arbitrary_bytes_are_decided_on(mut bytes in vec(any::<u8>(), 0..300), limits in limits(), to_head: bool) {
        let _ = parse_request(&bytes, &limits, &mut RequestHead::default());
        let _ = parse_response(&bytes, &limits, to_head, &mut ResponseHead::default());
        let _ = Decoder::new(Framing::Chunked).decode(&mut bytes);
    }
}
