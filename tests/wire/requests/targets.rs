//! Forms of the request target. What its path may be is the table in `paths`.

use super::{Bytes, Case, answered, forwarded, refused};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = absolute();
    cases.extend(odd());
    cases
}

fn get(target: &[u8]) -> Bytes {
    [b"GET ", target, b" HTTP/1.1\r\nHost: a.test\r\n\r\n"].concat().into()
}

/// A URI as a target must agree with Host, and goes on as a path.
fn absolute() -> Vec<Case> {
    let mut cases = Vec::new();
    for (target, path) in [
        ("http://a.test/x?y", "/x?y"),
        ("HTTP://a.test/x", "/x"),
        ("https://a.test/x", "/x"),
        ("http://A.TEST/x", "/x"),
        ("http://a.test:80/x", "/x"),
        ("http://a.test", "/"),
        ("http://a.test//evil.example/x", "//evil.example/x"),
    ] {
        cases.push(forwarded("a URI of this host", get(target.as_bytes()), get(path.as_bytes())));
    }
    for target in [
        "http://b.example/",
        "http://a.test.evil.example/",
        "http://a.test:81/",
        "gopher://a.test/",
        "file:///etc/passwd",
        "ftp://a.test/",
        "http://user@a.test/",
        "http://user:pass@a.test/",
        "http://evil.example@a.test/",
        "http://a.test@evil.example/",
        "http://a.test,b.example/",
        "http:///x",
        "http://",
        "http:/a.test/x",
        "http:a.test",
        "http://a.test?x",
        "http://a.test#x",
        "http://a.test/#x",
        "http://a.test\\x",
        "//a.test\\@evil.example/",
    ] {
        cases.push(refused("a URI of anybody else, or of two hosts", get(target.as_bytes()), 400));
    }
    cases.push(refused("a URI and no Host", b"GET http://a.test/ HTTP/1.1\r\n\r\n", 400));
    cases
}

fn odd() -> Vec<Case> {
    let mut cases = vec![
        // RFC 9110 section 7.1: the server as a whole. Behind a gateway there is no such server.
        answered("OPTIONS for no resource", b"OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n", 404),
        refused("the asterisk for GET", get(b"*"), 400),
        refused("a tunnel", b"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n", 405),
        refused("a tunnel to a path", b"CONNECT /x HTTP/1.1\r\nHost: a.test\r\n\r\n", 405),
        forwarded("a path that begins as an authority does", get(b"//evil.example/x"), get(b"//evil.example/x")),
        forwarded("a URI within a path", get(b"/http://evil.example/x"), get(b"/http://evil.example/x")),
        forwarded("a path beyond ASCII", get(b"/caf\xc3\xa9"), get(b"/caf%C3%A9")),
    ];
    for target in [
        &b"x"[..],
        b"evil.example:80",
        b"@evil.example/x",
        b"?x",
        b"#",
        b"/a#f",
        b"/a?b#f",
        b"./a",
        b"%2fa",
        b"/a\0b",
        b"/a\x7fb",
        b"/a\xffb",
        b"/\x80",
        b"\\a",
    ] {
        cases.push(refused("a target that is no path", get(target), 400));
    }
    for byte in b"\"<>{}\\^`|" {
        cases.push(refused("a byte that no path has", get(&[b"/a", &[*byte][..], b"b"].concat()), 400));
    }
    // Behind the space begins the version.
    cases.push(refused("a space in a target", get(b"/a b"), 505));
    cases.push(refused("a tab in a target", get(b"/a\tb"), 400));
    cases
}
