//! Responses without content, with too much of it, and with too little.

use super::{Case, clean, fault, once};
use crate::support::backend::Then;

pub(super) fn cases() -> Vec<Case> {
    [without_content(), too_much(), truncated()].into_iter().flatten().collect()
}

fn without_content() -> Vec<Case> {
    vec![
        clean(
            "HEAD tells the length of GET",
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
        )
        .to("HEAD", "1.1"),
        clean(
            "HEAD answered in chunks has none",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
        )
        .to("HEAD", "1.1"),
        once(
            "HEAD answered with content",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
        )
        .to("HEAD", "1.1"),
        clean("204", b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n"),
        once(
            "204 with a length",
            b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nhi",
            b"HTTP/1.1 204 No Content\r\n\r\n",
        ),
        once(
            "204 in chunks",
            b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"HTTP/1.1 204 No Content\r\n\r\n",
        ),
        clean(
            "304 with the length of what it is about",
            b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 9\r\n\r\n",
            b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
        ),
        once(
            "304 with content",
            b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nhi",
            b"HTTP/1.1 304 Not Modified\r\n\r\n",
        ),
    ]
}

/// What stands behind a response is nobody's.
fn too_much() -> Vec<Case> {
    let ok = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
    let second = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
    vec![
        once("a second response", &[&ok[..], second].concat(), ok),
        once("a second response behind chunks", &[&chunked[..], second].concat(), chunked),
        once("more bytes than its length", &[&ok[..], b"!"].concat(), ok),
        once("a line end behind it", &[&ok[..], b"\r\n"].concat(), ok),
        once(
            "a second response behind 204",
            &[&b"HTTP/1.1 204 No Content\r\n\r\n"[..], second].concat(),
            b"HTTP/1.1 204 No Content\r\n\r\n",
        ),
    ]
}

fn truncated() -> Vec<Case> {
    let (sized, chunked) = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
    );
    vec![
        once("fewer bytes than its length", sized, sized).then(Then::Close).reset(),
        once("fewer bytes than its length, and a reset", sized, sized).then(Then::Reset).reset(),
        once("no last chunk", chunked, chunked).then(Then::Close).reset(),
        fault("half a head", b"HTTP/1.1 200 OK\r\nContent-Le").then(Then::Close),
        fault("nothing", b"").then(Then::Close),
        fault("a reset instead of an answer", b"").then(Then::Reset),
    ]
}
