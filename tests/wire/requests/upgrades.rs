//! Protocol upgrades and expectations. Only WebSockets are passed through: any other upgrade is not seen, and the request goes on as the plain
//! one that RFC 9110 section 7.8 lets it be.

use super::{Case, bytes, forwarded, in_order, refused};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = upgrades();
    cases.extend(expectations());
    cases
}

fn upgrades() -> Vec<Case> {
    let plain = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
    vec![
        forwarded("clear-text HTTP/2", b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", plain),
        forwarded("settings of HTTP/2 alone", b"GET / HTTP/1.1\r\nHost: a.test\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", plain),
        forwarded("an upgrade that Connection does not name", b"GET / HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\n\r\n", plain),
        forwarded("an upgrade to an unknown protocol", b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: foo/2\r\n\r\n", plain),
        forwarded("an upgrade in HTTP/1.0", b"GET / HTTP/1.0\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", plain),
        forwarded(
            "an upgrade with content",
            b"POST / HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nhi",
            b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi",
        ),
        in_order(
            "what follows an upgrade that is not taken up is the next request",
            b"GET /1 HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\nGET /2 HTTP/1.1\r\nHost: a.test\r\n\r\n",
            vec![bytes(b"GET /1 HTTP/1.1\r\nHost: a.test\r\n\r\n"), bytes(b"GET /2 HTTP/1.1\r\nHost: a.test\r\n\r\n")],
        ),
    ]
}

fn expectations() -> Vec<Case> {
    let mut cases = vec![
        forwarded(
            "an expectation whose content does not wait",
            b"POST / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\nhi",
            b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi",
        ),
        forwarded(
            "an expectation twice",
            b"POST / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
            b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi",
        ),
        forwarded("an expectation without content", b"GET / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"),
        forwarded("an expectation in HTTP/1.0", b"GET / HTTP/1.0\r\nHost: a.test\r\nExpect: other\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"),
    ];
    for expect in ["200-ok", "100-continue, other", "100-continue;x=y", "\"100-continue\""] {
        let request =
            format!("POST / HTTP/1.1\r\nHost: a.test\r\nExpect: {expect}\r\nContent-Length: 2\r\n\r\nhi").into_bytes();
        cases.push(refused("an expectation that is not served", request, 417));
    }
    cases
}
