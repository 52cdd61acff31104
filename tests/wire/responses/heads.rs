//! Status lines, field lines, interim responses and the size of a head.

use super::{Case, clean, fault};
use crate::support::backend::Then;

pub(super) fn cases() -> Vec<Case> {
    [heads(), status_lines(), interim(), limits()].into_iter().flatten().collect()
}

fn heads() -> Vec<Case> {
    [
        &b"X: y\r\n z"[..],
        b"X : y",
        b"X\0: y",
        b"X: \0",
        b"X",
        b": y",
        b"X: y\x01",
        b"X\r: y",
        b"Content-Length : 2",
        b"X: a\nY: b",
    ]
    .map(|line| {
        fault("a field line that is none", &[b"HTTP/1.1 200 OK\r\n", line, b"\r\nContent-Length: 2\r\n\r\nhi"].concat())
    })
    .into()
}

fn status_lines() -> Vec<Case> {
    let mut cases = vec![
        clean(
            "no reason",
            b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        ),
        clean(
            "an empty reason",
            b"HTTP/1.1 418 \r\nContent-Length: 2\r\n\r\nhi",
            b"HTTP/1.1 418 \r\nContent-Length: 2\r\n\r\nhi",
        ),
        clean(
            "the last status",
            b"HTTP/1.1 599 Odd\r\nContent-Length: 2\r\n\r\nhi",
            b"HTTP/1.1 599 Odd\r\nContent-Length: 2\r\n\r\nhi",
        ),
        fault("bare LFs", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi"),
        fault("an empty line before it", b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
        fault("no HTTP at all", b"SSH-2.0-OpenSSH_9.2\r\n"),
        fault("HTTP/0.9", b"<html>hi</html>").then(Then::Close),
        fault("a NUL in the reason", b"HTTP/1.1 200 O\0K\r\nContent-Length: 2\r\n\r\nhi"),
    ];
    for line in [
        "HTTP/1.1 099 X",
        "HTTP/1.1 600 X",
        "HTTP/1.1 999 X",
        "HTTP/1.1 20 X",
        "HTTP/1.1 2000 X",
        "HTTP/1.1 abc X",
        "HTTP/1.1 -200 X",
        "HTTP/1.1  200 OK",
        "HTTP/2 200 OK",
        "HTTP/1.2 200 OK",
        "HTTP/2.0 200 OK",
        "http/1.1 200 OK",
        "ICY 200 OK",
        " HTTP/1.1 200 OK",
        "200 OK",
    ] {
        cases.push(fault("a status line that is none", format!("{line}\r\nContent-Length: 2\r\n\r\nhi").as_bytes()));
    }
    cases
}

fn interim() -> Vec<Case> {
    let hint = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    vec![
        clean("an interim response ends here", format!("HTTP/1.1 100 Continue\r\n\r\n{ok}").as_bytes(), ok.as_bytes()),
        clean("as many interim responses as are taken", format!("{}{ok}", hint.repeat(10)).as_bytes(), ok.as_bytes()),
        fault("one interim response more", format!("{}{ok}", hint.repeat(11)).as_bytes()),
        fault("a flood of interim responses", hint.repeat(2000).as_bytes()),
        fault("interim responses and no final one", hint.as_bytes()).then(Then::Close),
        fault(
            "an interim response with content",
            format!("HTTP/1.1 103 X\r\nContent-Length: 2\r\n\r\nhi{ok}").as_bytes(),
        ),
        fault(
            "an interim response in chunks",
            format!("HTTP/1.1 103 X\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{ok}").as_bytes(),
        ),
        fault(
            "another protocol, unasked",
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        ),
    ]
}

/// A response head has 32 KiB and a hundred fields, as a request head has by default.
fn limits() -> Vec<Case> {
    let fields =
        |count: usize| format!("HTTP/1.1 200 OK\r\n{}Content-Length: 2\r\n\r\nhi", "X: y\r\n".repeat(count - 1));
    let sized = |bytes: usize| {
        let around = "HTTP/1.1 200 OK\r\nX: \r\nContent-Length: 2\r\n\r\n".len();
        format!("HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 2\r\n\r\nhi", "y".repeat(bytes - around))
    };
    vec![
        clean("100 fields", fields(100).as_bytes(), fields(100).as_bytes()),
        fault("101 fields", fields(101).as_bytes()),
        fault("1000 fields", fields(1000).as_bytes()),
        clean("a head of 32 KiB", sized(32 << 10).as_bytes(), sized(32 << 10).as_bytes()),
        fault("a head of 32 KiB and a byte", sized((32 << 10) + 1).as_bytes()),
        fault("a head of 320 KiB", sized(320 << 10).as_bytes()),
    ]
}
