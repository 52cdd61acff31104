//! Where content begins and ends: Content-Length, Transfer-Encoding, and both.

use super::{Case, bytes, forwarded, in_order, last, refused};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = both();
    cases.extend(codings());
    cases.extend(lengths());
    cases.extend(without_meaning());
    cases
}

/// A length and a coding: whoever believes the other one sees another request.
fn both() -> Vec<Case> {
    vec![
        refused(
            "a length before a coding",
            b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        refused(
            "a coding before a length",
            b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
            400,
        ),
        refused(
            "a coding and a length of nothing",
            b"GET / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
    ]
}

fn codings() -> Vec<Case> {
    vec![
        refused("identity, then chunked", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        refused("gzip and chunked", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
        refused("chunked twice in a line", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400),
        refused("chunked in two lines", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        refused("a coding that is nearly chunked", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
        refused("a coding in quotes", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", 400),
        refused("a coding with a parameter", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", 400),
        refused("an empty coding", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding:\r\n\r\n0\r\n\r\n", 400),
        refused("a coding with a comma behind it", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked,\r\n\r\n0\r\n\r\n", 400),
        refused("a vertical tab before the coding", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
        refused("chunked not last", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400),
        refused("identity alone", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: identity\r\n\r\n", 400),
        forwarded(
            "a tab before the coding",
            b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding:\tchunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        ),
        forwarded(
            "a coding in capitals",
            b"POST / HTTP/1.1\r\nHost: a.test\r\nTRANSFER-ENCODING: Chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        ),
        refused("a space before the colon of the coding", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
        refused("a folded coding", b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400),
        refused("a coding in HTTP/1.0", b"POST / HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ]
}

fn lengths() -> Vec<Case> {
    let mut cases = vec![
        refused(
            "a space before the colon of the length",
            b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length : 2\r\n\r\nhi",
            400,
        ),
        forwarded(
            "one length twice",
            b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
            b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi",
        ),
        refused(
            "two lengths",
            b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi",
            400,
        ),
        refused("a folded length", b"GET / HTTP/1.1\r\nHost: a.test\r\nContent-Length:\r\n 40\r\n\r\n", 400),
        refused(
            "a length behind tab-folded lines",
            b"GET / HTTP/1.1\r\nHost: a.test\r\nX: y\r\n\tContent-Length: 40\r\n\r\n",
            400,
        ),
        forwarded(
            "a length of nothing",
            b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n",
        ),
        forwarded(
            "spaces and tabs around a length",
            b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: \t2\t \r\n\r\nhi",
            b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi",
        ),
    ];
    // One row, many numbers that readers differ about.
    for text in [
        "2, 2",
        "2,3",
        "+2",
        "-1",
        "0x2",
        "",
        "2 2",
        "2_0",
        "1e1",
        "2.0",
        "02",
        "00",
        "'2'",
        "\u{662}",
        "2;",
        "18446744073709551615",
        "18446744073709551616",
        "9223372036854775808",
        "99999999999999999999999999999999999999999",
    ] {
        let request = format!("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: {text}\r\n\r\nhi");
        cases.push(refused("a length that is no plain number", request.into_bytes(), 400));
    }
    cases
}

/// Methods for which content means nothing: it is framed all the same, and never the next request.
fn without_meaning() -> Vec<Case> {
    vec![
        in_order(
            "GET with content that looks like a request",
            b"GET / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 39\r\n\r\nGET /x HTTP/1.1\r\nHost: evil.example\r\n\r\n",
            vec![bytes(b"GET / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 39\r\n\r\nGET /x HTTP/1.1\r\nHost: evil.example\r\n\r\n")],
        ),
        forwarded(
            "HEAD with content",
            b"HEAD / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi",
            b"HEAD / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi",
        ),
        forwarded(
            "OPTIONS with chunked content",
            b"OPTIONS / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
            b"OPTIONS / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        ),
        forwarded(
            "DELETE with content",
            b"DELETE /d HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi",
            b"DELETE /d HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi",
        ),
        in_order(
            "three requests in one go",
            b"GET /1 HTTP/1.1\r\nHost: a.test\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhiGET /3 HTTP/1.1\r\nHost: a.test\r\n\r\n",
            vec![
                bytes(b"GET /1 HTTP/1.1\r\nHost: a.test\r\n\r\n"),
                bytes(b"POST /2 HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi"),
                bytes(b"GET /3 HTTP/1.1\r\nHost: a.test\r\n\r\n"),
            ],
        ),
        in_order(
            "a chunked request and one behind it",
            b"POST /1 HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nGET /2 HTTP/1.1\r\nHost: a.test\r\n\r\n",
            vec![
                bytes(b"POST /1 HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"),
                bytes(b"GET /2 HTTP/1.1\r\nHost: a.test\r\n\r\n"),
            ],
        ),
        in_order(
            "HTTP/1.0 that asks to be kept",
            b"GET /1 HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\nHost: a.test\r\n\r\n",
            vec![bytes(b"GET /1 HTTP/1.1\r\nHost: a.test\r\n\r\n"), bytes(b"GET /2 HTTP/1.1\r\nHost: a.test\r\n\r\n")],
        ),
        last(
            "nothing is read behind a request that closes",
            b"GET /1 HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\nHost: a.test\r\n\r\n",
            b"GET /1 HTTP/1.1\r\nHost: a.test\r\n\r\n",
        ),
        last(
            "nothing is read behind HTTP/1.0",
            b"POST /1 HTTP/1.0\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhiGET /2 HTTP/1.1\r\nHost: a.test\r\n\r\n",
            b"POST /1 HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi",
        ),
    ]
}
