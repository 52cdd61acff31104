//! Where the content of a response begins and ends, and which fields go with it.

use super::{Case, clean, fault, once};
use crate::support::backend::Then;

pub(super) fn cases() -> Vec<Case> {
    [good(), lengths(), codings(), until_close()].into_iter().flatten().collect()
}

fn good() -> Vec<Case> {
    vec![
        clean("a length", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
        clean("no content", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        clean(
            "chunks, with an extension and a trailer that end here",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\nh\r\n1\r\ni\r\n0\r\nX-Trailer: z\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        ),
        clean(
            "fields of the connection end here",
            b"HTTP/1.1 200 OK\r\nConnection: X-Secret\r\nX-Secret: y\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nUpgrade: h2c\r\nTrailer: X\r\nX: y\r\nContent-Length: 2\r\n\r\nhi",
            b"HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 2\r\n\r\nhi",
        ),
        clean(
            "fields in their order, twice where they are, opaque bytes and odd names",
            b"HTTP/1.1 404 Nope\r\nset-cookie: a\r\nX_Y: caf\xc3\xa9\xff\r\nSet-Cookie: b\r\nContent-Length: 2\r\n\r\nhi",
            b"HTTP/1.1 404 Nope\r\nset-cookie: a\r\nX_Y: caf\xc3\xa9\xff\r\nSet-Cookie: b\r\nContent-Length: 2\r\n\r\nhi",
        ),
        once(
            "a backend that closes closes its own connection alone",
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        ),
        once("HTTP/1.0", b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
        clean(
            "HTTP/1.0 that asks to be kept",
            b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        ),
        once(
            "a Connection field that is no list costs the connection alone",
            b"HTTP/1.1 200 OK\r\nConnection: \"x\"\r\nContent-Length: 2\r\n\r\nhi",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        ),
    ]
}

fn lengths() -> Vec<Case> {
    let mut cases = vec![
        clean(
            "one length twice",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        ),
        fault("two lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi"),
        fault(
            "a length and a coding",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        ),
        fault(
            "a coding and a length",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        ),
    ];
    for text in ["2, 2", "2,3", "+2", "-1", "0x2", "", "02", "2 2", "18446744073709551616"] {
        cases.push(fault(
            "a length that is no plain number",
            format!("HTTP/1.1 200 OK\r\nContent-Length: {text}\r\n\r\nhi").as_bytes(),
        ));
    }
    cases
}

fn codings() -> Vec<Case> {
    let mut cases: Vec<Case> = ["gzip", "gzip, chunked", "chunked, chunked", "identity", "xchunked", "", "chunked;x"]
        .iter()
        .map(|coding| {
            fault(
                "a coding that is not chunked alone",
                format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\n\r\n0\r\n\r\n").as_bytes(),
            )
        })
        .collect();
    cases.push(fault("a coding in HTTP/1.0", b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"));
    for chunks in [
        "0x2\r\nhi\r\n0\r\n\r\n",
        "\r\nhi",
        "2\nhi\r\n0\r\n\r\n",
        "2\r\nhiya\r\n0\r\n\r\n",
        "ffffffffffffffff\r\n",
        "2 \r\nhi\r\n0\r\n\r\n",
        "0\r\nX: \0\r\n\r\n",
    ] {
        let response = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
        cases.push(fault("chunks that are wrong before anything was said", response.as_bytes()));
    }
    cases
}

fn until_close() -> Vec<Case> {
    vec![
        once(
            "content to the end of the connection",
            b"HTTP/1.1 200 OK\r\n\r\nhi",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        )
        .then(Then::Close),
        once("the same for HTTP/1.0", b"HTTP/1.1 200 OK\r\n\r\nhi", b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi")
            .then(Then::Close)
            .to("GET", "1.0")
            .closed(),
        once(
            "chunks for HTTP/1.0",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi",
        )
        .to("GET", "1.0")
        .closed(),
        once(
            "HTTP/1.0 without a length",
            b"HTTP/1.0 200 OK\r\n\r\nhi",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        )
        .then(Then::Close),
    ]
}
