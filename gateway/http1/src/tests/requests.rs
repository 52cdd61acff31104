//! Every way we know to make two parsers disagree about a request, and what we decide.

use super::refused::REQUESTS;
use super::{forwarded, get, request};
use crate::{Framing, HeadLimits, Method, Name, Progress, Refusal, RequestHead, TargetForm, Version, parse_request};

#[test]
fn what_parsers_could_read_in_two_ways_is_refused() {
    for &(bytes, refusal) in REQUESTS {
        assert_eq!(request(bytes), Err(refusal), "{}", bytes.escape_ascii());
    }
}

#[test]
fn refusals_do_not_wait_for_the_end_of_the_head() {
    let mut head = RequestHead::default();
    for bytes in [&b"GET / FTP"[..], b"\0", b"GET / HTTP/1.1\r\nHost : a", b"\n", b"GET / HTTP/1.1\r\nA: \x01"] {
        assert!(parse_request(bytes, &HeadLimits::default(), &mut head).is_err(), "{}", bytes.escape_ascii());
    }
}

#[test]
fn content_is_framed_by_exactly_one_field() {
    let cases: &[(&str, Framing)] = &[
        ("", Framing::None),
        ("Content-Length: 0\r\n", Framing::Sized(0)),
        ("Content-Length: 5\r\n", Framing::Sized(5)),
        ("content-LENGTH:5 \t\r\n", Framing::Sized(5)),
        ("Content-Length: 5\r\nContent-Length: 5\r\n", Framing::Sized(5)),
        ("Content-Length: 9223372036854775807\r\n", Framing::Sized(i64::MAX.cast_unsigned())),
        ("Transfer-Encoding: chunked\r\n", Framing::Chunked),
        ("Transfer-Encoding:\tChunked\r\n", Framing::Chunked),
        ("Transfer_Encoding: chunked\r\n", Framing::None),
        ("Content_Length: 5\r\n", Framing::None),
    ];
    for &(lines, framing) in cases {
        assert_eq!(request(&get(lines)).unwrap().framing, framing, "{lines:?}");
    }
}

#[test]
fn targets_are_reduced_to_what_is_routed() {
    let origin = |method, target: &str, host: &str| {
        let bytes = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes();
        let head = request(&bytes).unwrap_or_else(|refusal| panic!("{target}: {refusal}"));
        assert_eq!(head.authority.of(&bytes), host.as_bytes());
        (String::from_utf8_lossy(head.target.bytes(&bytes)).into_owned(), matches!(head.target, TargetForm::Asterisk))
    };
    for target in
        ["/", "//evil/x", "/..", "/%2e%2e/%2f", "/;x", "/a?b?c/d", "/é?ü", "/[a]?f[b]={c}|^`\\", "/:@!$&'()*+,;="]
    {
        assert_eq!(origin("GET", target, "a"), (target.to_owned(), false));
    }
    assert_eq!(origin("GET", "http://a/x?y", "a").0, "/x?y");
    assert_eq!(origin("GET", "HTTP://A:80//x", "a").0, "//x");
    assert_eq!(origin("GET", "https://a/x", "a:443").0, "/x");
    assert_eq!(origin("GET", "http://a:/x", "a").0, "/x");
    assert_eq!(origin("GET", "http://[::1]:8080/", "[::1]:8080").0, "/");
    assert_eq!(origin("GET", "http://a", "a"), ("/".to_owned(), false));
    assert_eq!(origin("OPTIONS", "http://a", "a"), ("*".to_owned(), true));
    assert_eq!(origin("OPTIONS", "*", "a"), ("*".to_owned(), true));
}

#[test]
fn methods_are_tokens_and_case_matters() {
    let method = |name: &str| {
        let bytes = format!("{name} / HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes();
        let method = request(&bytes).unwrap().method;
        assert_eq!(method.bytes(&bytes), name.as_bytes());
        method
    };
    assert_eq!(method("GET"), Method::Get);
    assert!(method("HEAD").is_head());
    assert!(method("PUT").is_idempotent() && !method("PUT").is_safe());
    assert!(!method("POST").is_idempotent() && !method("PATCH").is_idempotent());
    for other in ["get", "G!T", "5GET", "PROPFIND", "ABCDEFGHIJABCDEFGHIJABCDEFGHIJAB"] {
        assert!(matches!(method(other), Method::Other(_)) && !method(other).is_idempotent(), "{other}");
    }
}

#[test]
fn a_connection_persists_as_its_version_says() {
    let persistent = |version: &str, lines: &str| {
        request(format!("GET / {version}\r\nHost: a\r\n{lines}\r\n").as_bytes()).unwrap().persistent
    };
    let cases = [
        ("HTTP/1.1", "", true),
        ("HTTP/1.1", "Connection: close\r\n", false),
        ("HTTP/1.1", "Connection: x, CLOSE\r\n", false),
        ("HTTP/1.1", "Connection: keep-alive\r\nConnection: close\r\n", false),
        ("HTTP/1.1", "Connection: ,,\r\n", true),
        ("HTTP/1.0", "", false),
        ("HTTP/1.0", "Connection: Keep-Alive\r\n", true),
        ("HTTP/1.0", "Connection: keep-alive, close\r\n", false),
        ("HTTP/1.0", "Proxy-Connection: keep-alive\r\n", false),
    ];
    for (version, lines, expected) in cases {
        assert_eq!(persistent(version, lines), expected, "{version} {lines:?}");
    }
}

#[test]
fn only_a_websocket_asked_for_in_the_one_right_way_is_an_upgrade() {
    let upgrade = |method: &str, version: &str, lines: &str| {
        let bytes = format!("{method} / {version}\r\nHost: a\r\n{lines}\r\n").into_bytes();
        let head = request(&bytes).unwrap();
        assert_eq!(forwarded(&bytes, &head.fields), Vec::<&str>::new(), "{lines:?}");
        head.upgrade
    };
    let (both, one_one) = ("Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n", "HTTP/1.1");
    assert!(upgrade("GET", one_one, both));
    assert!(upgrade("GET", one_one, &format!("Content-Length: 0\r\n{both}")));
    assert!(!upgrade("POST", one_one, both));
    assert!(!upgrade("GET", "HTTP/1.0", both));
    assert!(!upgrade("GET", one_one, &format!("Content-Length: 1\r\n{both}")));
    assert!(!upgrade("GET", one_one, &format!("Transfer-Encoding: chunked\r\n{both}")));
    assert!(!upgrade("GET", one_one, "Upgrade: websocket\r\n"));
    assert!(!upgrade("GET", one_one, "Connection: upgrade\r\n"));
    assert!(!upgrade("GET", one_one, "Connection: upgrade\r\nUpgrade: websocket, h2c\r\n"));
    assert!(!upgrade("GET", one_one, "Connection: upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n"));
    assert!(!upgrade("GET", one_one, "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"));
}

#[test]
fn a_client_waits_for_100_only_if_it_says_so_and_has_content() {
    let waits = |version: &str, lines: &str| {
        request(format!("POST / {version}\r\nHost: a\r\n{lines}\r\n").as_bytes()).unwrap().expects_continue
    };
    assert!(waits("HTTP/1.1", "Content-Length: 1\r\nExpect: 100-Continue\r\n"));
    assert!(waits("HTTP/1.1", "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\nExpect: 100-continue\r\n"));
    assert!(!waits("HTTP/1.1", "Content-Length: 0\r\nExpect: 100-continue\r\n"));
    assert!(!waits("HTTP/1.1", "Content-Length: 1\r\nExpect:\r\n"));
    assert!(!waits("HTTP/1.0", "Content-Length: 1\r\nExpect: 100-continue\r\n"));
    assert!(!waits("HTTP/1.0", "Content-Length: 1\r\nExpect: anything\r\n"));
}

/// As in Traefik CVE-2024-45410 and APISIX CVE-2026-31908: by nomination in Connection, or by another spelling.
#[test]
fn what_belongs_to_this_hop_or_imitates_another_field_goes_no_further() {
    let bytes = get(
        "Keep-Alive: 1\r\nProxy-Connection: x\r\nTE: trailers\r\nTrailer: x\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\
         Proxy-Authorization: x\r\nProxy-Authenticate: x\r\nProxy: http://evil\r\nX_Real_IP: 1\r\nX.Real.IP: 1\r\n\
         Content_Length: 3\r\nConnection: x-MINE, close,Unknown\r\nExpect: 100-continue\r\nX-Mine: 1\r\n\
         Accept: */*\r\nx-mine: 2\r\nX-Mine2: 3\r\nCookie: a\r\nContent-Length: 0\r\n",
    );
    let head = request(&bytes).unwrap();
    assert_eq!(forwarded(&bytes, &head.fields), ["Accept", "X-Mine2", "Cookie"]);
}

#[test]
fn field_values_are_opaque_and_trimmed() {
    let bytes = b"GET / HTTP/1.1\r\nHost: a\r\nX:\t \xff\x80 b \t\r\nEmpty:  \r\n\r\n";
    let head = request(bytes).unwrap();
    let values: Vec<_> = head.fields.iter().map(|field| (field.id, field.value.of(bytes))).collect();
    assert_eq!(values, [(Name::Host, &b"a"[..]), (Name::Other, b"\xff\x80 b"), (Name::Other, b"")]);
}

#[test]
fn one_empty_line_before_the_request_is_skipped() {
    let bytes = b"\r\nGET / HTTP/1.0\r\nHost: a\r\n\r\n";
    let head = request(bytes).unwrap();
    assert_eq!((head.version, head.authority.of(bytes)), (Version::Http10, &b"a"[..]));
}

#[test]
fn limits_hold_for_complete_and_for_unfinished_heads() {
    let limits = HeadLimits { head_bytes: 60, target_bytes: 10, fields: 2 };
    let parse = |bytes: &[u8]| parse_request(bytes, &limits, &mut RequestHead::default());
    let padded = |len: usize| format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "y".repeat(len - 32)).into_bytes();
    assert_eq!(padded(60).len(), 60);
    assert_eq!(parse(&padded(60)), Ok(Progress::Complete(60)));
    assert_eq!(parse(&padded(61)), Err(Refusal::HeadTooLarge));
    assert_eq!(parse(&padded(200)[..59]), Ok(Progress::Partial));
    assert_eq!(parse(&padded(200)[..60]), Err(Refusal::HeadTooLarge));
    assert_eq!(parse(b"GET /234567890 HTTP/1.1\r\nHost: a\r\n\r\n"), Ok(Progress::Complete(36)));
    assert_eq!(parse(b"GET /2345678901 HTTP/1.1\r\nHost: a\r\n\r\n"), Err(Refusal::TargetTooLong));
    assert_eq!(parse(b"GET /234567890"), Ok(Progress::Partial));
    assert_eq!(parse(b"GET /2345678901"), Err(Refusal::TargetTooLong));
    assert_eq!(parse(b"GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\n\r\n"), Ok(Progress::Complete(33)));
    assert_eq!(parse(b"GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\n\r\n"), Err(Refusal::TooManyFields));
    assert_eq!(parse(&[b'A'; 33]), Err(Refusal::MethodTooLong));
    assert_eq!(parse(&[b'A'; 32]), Ok(Progress::Partial));
    assert_eq!(parse(format!("{} /", "A".repeat(33)).as_bytes()), Err(Refusal::MethodTooLong));
}

#[test]
fn no_limit_lifts_the_bound_on_fields() {
    let limits = HeadLimits { fields: 1000, ..HeadLimits::default() };
    let parse = |lines| parse_request(&get(&"A: 1\r\n".repeat(lines)), &limits, &mut RequestHead::default());
    assert!(matches!(parse(99), Ok(Progress::Complete(_))));
    assert_eq!(parse(100), Err(Refusal::TooManyFields));
}
