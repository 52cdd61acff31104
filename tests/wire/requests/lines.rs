//! The shape of a head: line ends, request line, field lines, odd bytes, methods and versions.

use super::{Case, bytes, forwarded, in_order, refused};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = request_lines();
    cases.extend(field_lines());
    cases.extend(methods());
    cases.extend(versions());
    cases
}

fn request_lines() -> Vec<Case> {
    vec![
        refused("a bare LF behind the request line", b"GET / HTTP/1.1\nHost: a.test\r\n\r\n", 400),
        refused("a bare LF behind a field", b"GET / HTTP/1.1\r\nHost: a.test\nX: y\r\n\r\n", 400),
        refused("a bare LF as the end of the head", b"GET / HTTP/1.1\r\nHost: a.test\r\n\n", 400),
        refused("bare LFs everywhere", b"GET / HTTP/1.1\nHost: a.test\n\n", 400),
        refused("a bare CR behind the request line", b"GET / HTTP/1.1\rHost: a.test\r\n\r\n", 400),
        forwarded(
            "an empty line before the request",
            b"\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n",
        ),
        in_order(
            "an empty line between two requests",
            b"GET /1 HTTP/1.1\r\nHost: a.test\r\n\r\n\r\nGET /2 HTTP/1.1\r\nHost: a.test\r\n\r\n",
            vec![bytes(b"GET /1 HTTP/1.1\r\nHost: a.test\r\n\r\n"), bytes(b"GET /2 HTTP/1.1\r\nHost: a.test\r\n\r\n")],
        ),
        refused("two empty lines before the request", b"\r\n\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n", 400),
        refused("a bare LF before the request", b"\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n", 400),
        refused("a space before the method", b" GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", 400),
        refused("two spaces before the target", b"GET  / HTTP/1.1\r\nHost: a.test\r\n\r\n", 400),
        // What stands behind the second space is the version, as far as anybody can tell.
        refused("two spaces before the version", b"GET /  HTTP/1.1\r\nHost: a.test\r\n\r\n", 505),
        refused("a tab before the target", b"GET\t/ HTTP/1.1\r\nHost: a.test\r\n\r\n", 400),
        refused("a space behind the version", b"GET / HTTP/1.1 \r\nHost: a.test\r\n\r\n", 400),
        refused("a TLS handshake", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    ]
}

fn field_lines() -> Vec<Case> {
    let mut cases = vec![
        refused("a space before a colon", b"GET / HTTP/1.1\r\nHost: a.test\r\nX : y\r\n\r\n", 400),
        refused("a space before the colon of Host", b"GET / HTTP/1.1\r\nHost : a.test\r\n\r\n", 400),
        refused("a folded line", b"GET / HTTP/1.1\r\nHost: a.test\r\nX: y\r\n z\r\n\r\n", 400),
        refused("a space before the first field", b"GET / HTTP/1.1\r\n Host: a.test\r\n\r\n", 400),
        refused("a field without a colon", b"GET / HTTP/1.1\r\nHost: a.test\r\nX\r\n\r\n", 400),
        refused("a field without a name", b"GET / HTTP/1.1\r\nHost: a.test\r\n: y\r\n\r\n", 400),
        refused("a name with a NUL", b"GET / HTTP/1.1\r\nHost: a.test\r\nX\0: y\r\n\r\n", 400),
        refused("a name with a byte beyond ASCII", b"GET / HTTP/1.1\r\nHost: a.test\r\nX\xe9: y\r\n\r\n", 400),
        forwarded(
            "an empty value",
            b"GET / HTTP/1.1\r\nHost: a.test\r\nX:\r\nY: \r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a.test\r\nX: \r\nY: \r\n\r\n",
        ),
        forwarded(
            "a value of opaque bytes",
            b"GET / HTTP/1.1\r\nHost: a.test\r\nX: caf\xc3\xa9 \xff\x80\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a.test\r\nX: caf\xc3\xa9 \xff\x80\r\n\r\n",
        ),
        forwarded(
            "a tab in a value",
            b"GET / HTTP/1.1\r\nHost: a.test\r\nX: y\tz\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a.test\r\nX: y\tz\r\n\r\n",
        ),
    ];
    for byte in [b'\r', 0, 1, 0x0b, 0x0c, 0x1b, 0x7f] {
        let request = [&b"GET / HTTP/1.1\r\nHost: a.test\r\nX: y"[..], &[byte], b"z\r\n\r\n"].concat();
        cases.push(refused("a control character in a value", request, 400));
    }
    cases
}

fn methods() -> Vec<Case> {
    let longest = "M".repeat(32);
    let with = |method: &str| format!("{method} / HTTP/1.1\r\nHost: a.test\r\n\r\n").into_bytes();
    let mut cases = vec![
        refused("a method of 33 bytes", with(&"M".repeat(33)), 400),
        refused("a method of 320 bytes", with(&"M".repeat(320)), 400),
        refused("a method with a slash", with("GE/T"), 400),
        refused("a method in brackets", with("(GET)"), 400),
        refused("a method with a NUL", with("GE\0T"), 400),
    ];
    for method in ["get", "G!T", "5GET", "PROPFIND", "PATCH", "M-SEARCH", &longest] {
        cases.push(forwarded("a method that is a token", with(method), with(method)));
    }
    for method in ["TRACE", "TRACK", "trace", "CONNECT", "connect"] {
        cases.push(refused("a method that would echo or tunnel", with(method), 405));
    }
    cases
}

fn versions() -> Vec<Case> {
    let mut cases = vec![
        refused("HTTP/0.9", b"GET /\r\n\r\n", 400),
        forwarded("HTTP/1.0", b"GET / HTTP/1.0\r\nHost: a.test\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"),
    ];
    // 400 would do as well; RFC 9110 section 15.6.6 has a status of its own for it.
    for version in
        ["HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "HTTP/1", "http/1.1", "HTTP/01.1", "HTTP /1.1", "ICAP/1.0", "HTTP/1,1"]
    {
        cases.push(refused(
            "a version that is not served",
            format!("GET / {version}\r\nHost: a.test\r\n\r\n").into_bytes(),
            505,
        ));
    }
    cases.push(refused("a version with a digit too many", b"GET / HTTP/1.10\r\nHost: a.test\r\n\r\n", 400));
    // The preface of HTTP/2 but for one letter.
    cases.push(refused("half a preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nXM\r\n\r\n", 505));
    cases
}
