//! What a hostile or broken backend can say, and what we make of it.

use super::refused::RESPONSES;
use super::{forwarded, response};
use crate::{Decoded, Decoder, HeadLimits, Progress, Refusal, ResponseFraming, ResponseHead, Version, parse_response};

#[test]
fn what_leaves_the_end_of_a_response_in_doubt_is_refused() {
    for &(bytes, refusal) in RESPONSES {
        assert_eq!(response(bytes, false), Err(refusal), "{}", bytes.escape_ascii());
        assert_eq!(response(bytes, true), Err(refusal), "to HEAD: {}", bytes.escape_ascii());
    }
}

#[test]
fn content_ends_where_rfc_9112_says_and_only_then_the_connection_goes_on() {
    use ResponseFraming::{Chunked, None, Sized, UntilClose};
    let cases: &[(&str, bool, ResponseFraming, bool)] = &[
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", false, Sized(0), true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n", false, Sized(2), true),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\n", false, Chunked, true),
        ("HTTP/1.1 200 OK\r\n", false, UntilClose, false),
        ("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n", false, UntilClose, false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n", false, Sized(2), false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: \"\"\r\n", false, Sized(2), false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n", false, Sized(2), false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: Keep-Alive\r\n", false, Sized(2), true),
        ("HTTP/1.0 200 OK\r\n", false, UntilClose, false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n", true, None, true),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", true, None, true),
        ("HTTP/1.1 200 OK\r\n", true, None, true),
        ("HTTP/1.1 204 No Content\r\n", false, None, true),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n", false, None, true),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n", false, None, false),
        ("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n", false, None, false),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n", false, None, true),
        ("HTTP/1.1 100 Continue\r\n", false, None, true),
        ("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n", false, None, false),
    ];
    for &(lines, to_head, framing, persistent) in cases {
        let head = response(format!("{lines}\r\n").as_bytes(), to_head).unwrap();
        assert_eq!((head.framing, head.persistent), (framing, persistent), "{lines:?}");
    }
}

#[test]
fn only_a_101_that_names_websocket_and_nothing_else_switches_to_it() {
    let upgrade =
        |start: &str, lines: &str| response(format!("{start}\r\n{lines}\r\n").as_bytes(), false).unwrap().upgrade;
    let (switch, both) = ("HTTP/1.1 101 Switching Protocols", "Connection: upgrade\r\nUpgrade: WebSocket\r\n");
    assert!(upgrade(switch, both));
    assert!(!upgrade("HTTP/1.0 101 Switching Protocols", both));
    assert!(!upgrade("HTTP/1.1 200 OK", both));
    assert!(!upgrade(switch, ""));
    assert!(!upgrade(switch, "Upgrade: websocket\r\n"));
    assert!(!upgrade(switch, "Connection: upgrade\r\n"));
    assert!(!upgrade(switch, "Connection: upgrade\r\nUpgrade: h2c\r\n"));
    assert!(!upgrade(switch, "Connection: upgrade\r\nUpgrade: h2c, websocket\r\n"));
    assert!(!upgrade(switch, "Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: websocket\r\n"));
}

#[test]
fn an_answer_to_head_keeps_the_length_it_announces() {
    let length = |lines: &str, to_head| response(format!("{lines}\r\n").as_bytes(), to_head).unwrap().length_of_get;
    assert_eq!(length("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n", true), Some(9));
    assert_eq!(length("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n", false), None);
    assert_eq!(length("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n", true), None);
    assert_eq!(length("HTTP/1.1 200 OK\r\n", true), None);
}

#[test]
fn nothing_of_an_earlier_response_remains() {
    let first = b"HTTP/1.0 404 Gone\r\nConnection: close\r\nContent-Length: 9\r\nX: 1\r\n\r\n";
    let second = b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut head = ResponseHead::default();
    assert!(parse_response(first, &HeadLimits::default(), true, &mut head).is_ok());
    let memory = head.fields.as_ptr();
    assert!(parse_response(second, &HeadLimits::default(), false, &mut head).is_ok());
    assert_eq!(head, response(second, false).unwrap());
    assert_eq!(head.fields.as_ptr(), memory, "a reused head allocates again");
}

#[test]
fn the_reason_is_kept_and_never_needed() {
    let reason = |line: &str| {
        let bytes = format!("{line}\r\nContent-Length: 0\r\n\r\n");
        let head = response(bytes.as_bytes(), false).unwrap();
        String::from_utf8_lossy(head.reason.of(bytes.as_bytes())).into_owned()
    };
    assert_eq!(reason("HTTP/1.1 200 Very Well"), "Very Well");
    assert_eq!(reason("HTTP/1.1 200 "), "");
    assert_eq!(reason("HTTP/1.1 200"), "");
    assert_eq!(reason("HTTP/1.1 200 Très bien"), "");
}

#[test]
fn fields_of_the_hop_stay_behind_and_others_pass_even_with_underscores() {
    let bytes = b"HTTP/1.0 200 OK\r\nServer: x\r\nConnection: x-mine\r\nKeep-Alive: 5\r\nX-Mine: 1\r\nTE: x\r\nTrailer: x\r\n\
        Upgrade: h2c\r\nProxy-Authenticate: x\r\nSet-Cookie: a\r\nMy_Field: 1\r\nset-cookie: b\r\nContent-Length: 0\r\n\r\n";
    let head = response(bytes, false).unwrap();
    assert_eq!(head.version, Version::Http10);
    assert_eq!(forwarded(bytes, &head.fields), ["Server", "Set-Cookie", "My_Field", "set-cookie"]);
}

#[test]
fn a_head_beyond_its_limits_is_refused_before_it_is_complete() {
    let limits = HeadLimits { head_bytes: 40, target_bytes: 0, fields: 1 };
    let parse = |bytes: &[u8]| parse_response(bytes, &limits, false, &mut ResponseHead::default());
    assert_eq!(parse(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), Ok(Progress::Complete(38)));
    assert_eq!(parse(b"HTTP/1.1 200 OK\r\nX: aaaaaaaaaaaaaaaaaaa"), Ok(Progress::Partial));
    assert_eq!(parse(b"HTTP/1.1 200 OK\r\nX: aaaaaaaaaaaaaaaaaaaa"), Err(Refusal::HeadTooLarge));
    assert_eq!(parse(b"HTTP/1.1 200 OK\r\nA: 1\r\nB: 1\r\n\r\n"), Err(Refusal::TooManyFields));
    assert_eq!(parse(b""), Ok(Progress::Partial));
}

#[test]
fn no_limit_lifts_the_bound_on_fields_of_a_response() {
    let limits = HeadLimits { fields: 1000, ..HeadLimits::default() };
    let parse = |lines: usize| {
        let bytes = format!("HTTP/1.1 204 No Content\r\n{}\r\n", "A: 1\r\n".repeat(lines));
        parse_response(bytes.as_bytes(), &limits, false, &mut ResponseHead::default())
    };
    assert!(matches!(parse(100), Ok(Progress::Complete(_))));
    assert_eq!(parse(101), Err(Refusal::TooManyFields));
}

#[test]
fn what_follows_a_response_without_content_belongs_to_nobody() {
    for (status, to_head) in [("200 OK", true), ("204 No Content", false), ("304 Not Modified", false)] {
        let head = response(format!("HTTP/1.1 {status}\r\nETag: a\r\n\r\n").as_bytes(), to_head).unwrap();
        let mut decoder = Decoder::for_response(head.framing);
        let left_over = decoder.decode(&mut b"content".to_vec());
        assert_eq!(left_over, Ok(Decoded { consumed: 0, content: 0, end: true }), "{status}");
    }
    let head = response(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", false).unwrap();
    let decoded = Decoder::for_response(head.framing).decode(&mut b"okHTTP/1.1 200 OK".to_vec());
    assert_eq!(decoded, Ok(Decoded { consumed: 2, content: 2, end: true }));
}
