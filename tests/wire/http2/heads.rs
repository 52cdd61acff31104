//! Heads: what is no field, what belongs to a connection, who is asked for, and what a backend of HTTP/1.1 would read otherwise.

use bulkhead_tests::http2::frame::error::PROTOCOL_ERROR;

use super::{Case, GET, Gets, POST, case, get, post, seen_get, with};

/// The request is malformed (RFC 9113 section 8.1.1).
const MALFORMED: Gets = Gets::Reset(PROTOCOL_ERROR);
/// What is malformed is found while the bytes of all streams are taken apart, and nothing behind it is trusted (RFC 9113 section 5.4.1).
const BROKEN: Gets = Gets::Ended(PROTOCOL_ERROR);

pub(super) fn cases() -> Vec<Case> {
    [plain(), fields(), of_connections(), pseudo(), paths(), hosts(), rewritten(), tunnels()]
        .into_iter()
        .flatten()
        .collect()
}

fn plain() -> Vec<Case> {
    vec![
        get("a request", &[("accept", "*/*"), ("x", "y")], seen_get("accept: */*\r\nx: y\r\n")),
        get("a value of any bytes but control characters", &[("x", "\u{e9}\t\"")], seen_get("x: \u{e9}\t\"\r\n")),
        get("an empty value", &[("x", "")], seen_get("x: \r\n")),
        get("the same name twice", &[("x", "1"), ("x", "2")], seen_get("x: 1\r\nx: 2\r\n")),
        case(
            "a HEAD",
            &with(&GET, ":method", Some("HEAD")),
            Gets::Forwarded("HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n".to_owned()),
        ),
        case(
            "another method",
            &with(&GET, ":method", Some("PURGE")),
            Gets::Forwarded("PURGE / HTTP/1.1\r\nHost: a.test\r\n\r\n".to_owned()),
        ),
        case("any order of pseudo-fields", &[GET[3], GET[2], GET[1], GET[0]], seen_get("")),
    ]
}

/// RFC 9113 section 8.2.1.
fn fields() -> Vec<Case> {
    let names = ["", "X", "x y", "x\r\ny", "x\0", "x\n", "x:y", "x\u{7f}", "\u{e9}", "x(y)"];
    let values = ["y\r\nz: 1", "y\rz", "y\nz", "y\0", "\0", "y\r\n\r\nGET /smuggled HTTP/1.1\r\n"];
    let mut cases: Vec<Case> =
        names.map(|name| get(format!("the name {}", name.escape_debug()), &[(name, "y")], BROKEN)).into();
    cases.extend(values.map(|value| get(format!("the value {}", value.escape_debug()), &[("x", value)], BROKEN)));
    cases
}

/// RFC 9113 section 8.2.2.
fn of_connections() -> Vec<Case> {
    let lines = [
        ("connection", "close"),
        ("connection", "keep-alive"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("upgrade", "websocket"),
        ("transfer-encoding", "chunked"),
        ("transfer-encoding", "identity"),
        ("te", "gzip"),
        ("te", "trailers, gzip"),
    ];
    let mut cases: Vec<Case> =
        lines.map(|(name, value)| get(format!("{name}: {value}"), &[(name, value)], MALFORMED)).into();
    // What may be asked for goes on as a field of the next connection.
    cases.push(get("te: trailers", &[("te", "trailers")], seen_get("Connection: TE\r\nTE: trailers\r\n")));
    cases
}

/// RFC 9113 section 8.3.
fn pseudo() -> Vec<Case> {
    let mut cases = Vec::new();
    for name in [":method", ":scheme", ":path"] {
        cases.push(case(format!("no {name}"), &with(&GET, name, None), MALFORMED));
    }
    for (name, value) in GET {
        cases.push(get(format!("{name} twice"), &[(name, value)], MALFORMED));
        cases.push(case(
            format!("{name} after a field"),
            &[&with(&GET, name, None)[..], &[("x", "y"), (name, value)]].concat(),
            MALFORMED,
        ));
    }
    for (name, value, gets) in [
        (":status", "200", MALFORMED),
        (":protocol", "websocket", MALFORMED),
        (":unknown", "x", BROKEN),
        (":", "x", BROKEN),
        (":Path", "/", BROKEN),
    ] {
        cases.push(case(format!("the pseudo-field {name}"), &[&GET[..], &[(name, value)]].concat(), gets));
    }
    for method in ["", "G T", "GET ", "GET\r\n", "G\0T", "GET / HTTP/1.1\r\nX:", "(GET)"] {
        cases.push(case(format!("the method {}", method.escape_debug()), &with(&GET, ":method", Some(method)), BROKEN));
    }
    for scheme in ["ht tp", "http:", "http://a.test/\r\n"] {
        cases.push(case(
            format!("the scheme {}", scheme.escape_debug()),
            &with(&GET, ":scheme", Some(scheme)),
            MALFORMED,
        ));
    }
    for scheme in ["", "1http", "ftp", "file", "ws"] {
        cases.push(case(format!("the scheme {scheme}"), &with(&GET, ":scheme", Some(scheme)), Gets::Answered(400)));
    }
    cases
}

fn paths() -> Vec<Case> {
    let path = |path| with(&GET, ":path", Some(path));
    let mut cases = Vec::new();
    for malformed in [
        "",
        "x",
        "evil.example:80",
        "http://a.test/",
        "//a.test/ HTTP/1.1\r\n",
        "/ HTTP/1.1\r\nX: y",
        "/a b",
        "/\r\n",
        "/\0",
        "/\t",
        "/<a>",
    ] {
        cases.push(case(format!("the path {}", malformed.escape_debug()), &path(malformed), MALFORMED));
    }
    for refused in ["*", "/%00", "/%zz", "/a\\b"] {
        cases.push(case(format!("the path {refused}"), &path(refused), Gets::Answered(400)));
    }
    for (sent, seen) in [
        ("//evil.example/x", "//evil.example/x"),
        ("/a/../b", "/b"),
        ("/%41", "/A"),
        ("/?", "/?"),
        ("/\u{e9}", "/%C3%A9"),
        // The codec cuts a fragment off before anybody sees it.
        ("/a#f", "/a"),
        ("/a?b#c", "/a?b"),
    ] {
        let seen = Gets::Forwarded(format!("GET {seen} HTTP/1.1\r\nHost: a.test\r\n\r\n"));
        cases.push(case(format!("the path {sent}"), &path(sent), seen));
    }
    cases.push(case(
        "a request about the server as a whole",
        &with(&path("*"), ":method", Some("OPTIONS")),
        Gets::Answered(404),
    ));
    cases
}

fn hosts() -> Vec<Case> {
    let authority = |value| with(&GET, ":authority", value);
    let mut cases = Vec::new();
    for refused in ["user@a.test", "user:pass@a.test", "a.test:x", "a..test", "*.test"] {
        cases.push(case(format!("the authority {refused}"), &authority(Some(refused)), Gets::Answered(400)));
    }
    for malformed in [
        "",
        "a.test, b.example",
        "a.test:80:80",
        "[::1",
        "a.test/",
        "a.test/b@c",
        "a test",
        "a.test?x",
        "a.test#x",
        "a.test\r\nX: y",
        "a.test\0",
        "http://a.test",
    ] {
        cases.push(case(format!("the authority {}", malformed.escape_debug()), &authority(Some(malformed)), MALFORMED));
    }
    cases.push(case("nobody is asked for", &authority(None), Gets::Answered(400)));
    for host in ["b.example", "a.test:81", "", "a.test, b.example"] {
        cases.push(get(format!("the host {host} besides the authority"), &[("host", host)], Gets::Answered(400)));
    }
    cases.push(get("two equal hosts", &[("host", "a.test"), ("host", "a.test")], Gets::Answered(400)));
    cases.push(get("two hosts", &[("host", "a.test"), ("host", "b.example")], Gets::Answered(400)));
    cases.push(get("an equal host besides the authority", &[("host", "a.test")], seen_get("")));
    cases.push(get("an equal host in capitals", &[("host", "A.TEST")], seen_get("")));
    cases.push(case(
        "a host instead of the authority",
        &[&authority(None)[..], &[("host", "a.test")]].concat(),
        seen_get(""),
    ));
    cases.push(case("an authority in capitals", &authority(Some("A.TEST")), seen_get("")));
    cases.push(case(
        "an authority with a port",
        &authority(Some("a.test:81")),
        Gets::Forwarded("GET / HTTP/1.1\r\nHost: a.test:81\r\n\r\n".to_owned()),
    ));
    cases
}

/// What means another thing in HTTP/1.1.
fn rewritten() -> Vec<Case> {
    let drops = |line| get(format!("{line:?}, which a backend could take for another"), &[line], seen_get(""));
    let mut cases = vec![
        get(
            "cookies in crumbs",
            &[("cookie", "a=1"), ("x", "y"), ("cookie", "b=2")],
            seen_get("x: y\r\ncookie: a=1; b=2\r\n"),
        ),
        get("one cookie", &[("cookie", "a=1; b=2")], seen_get("cookie: a=1; b=2\r\n")),
        get("spaces around a value", &[("x", " y ")], seen_get("x: y\r\n")),
        get("a tab before a value", &[("x", "\ty")], seen_get("x: y\r\n")),
        get("an expectation without content", &[("expect", "100-continue")], seen_get("")),
        post(
            "an expectation",
            &[("expect", "100-continue"), ("content-length", "2")],
            &["hi"],
            Gets::Forwarded("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi".to_owned()),
        ),
        post(
            "an expectation in other letters, twice",
            &[("expect", "100-Continue"), ("expect", "100-continue"), ("content-length", "2")],
            &["hi"],
            Gets::Forwarded("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi".to_owned()),
        ),
        get("an expectation of something else", &[("expect", "200-ok")], Gets::Answered(417)),
        get("an expectation of more", &[("expect", "100-continue, 200-ok")], Gets::Answered(417)),
    ];
    cases.extend([("transfer_encoding", "chunked"), ("content_length", "9"), ("x_real_ip", "1.2.3.4")].map(drops));
    cases.extend(
        [
            ("x-forwarded-for", "1.2.3.4"),
            ("x-real-ip", "1.2.3.4"),
            ("forwarded", "for=1.2.3.4"),
            ("x-forwarded-host", "evil.example"),
        ]
        .map(drops),
    );
    cases.extend([("http2-settings", "AAMAAABk"), ("proxy-authorization", "Basic eDp5")].map(drops));
    cases
}

fn tunnels() -> Vec<Case> {
    let connect = [(":method", "CONNECT"), (":authority", "a.test:80")];
    let extended = [&POST[1..], &[(":method", "CONNECT"), (":protocol", "websocket")]].concat();
    vec![
        case("a tunnel", &connect, Gets::Answered(405)),
        case("a tunnel with a path", &with(&GET, ":method", Some("CONNECT")), MALFORMED),
        case("a WebSocket, which was not offered", &extended, MALFORMED),
        case("a TRACE", &with(&GET, ":method", Some("TRACE")), Gets::Answered(405)),
        case("a TRACK", &with(&GET, ":method", Some("TRACK")), Gets::Answered(405)),
    ]
}
