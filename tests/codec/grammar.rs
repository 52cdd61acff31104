//! Streams of bytes that come near every rule of framing.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// What a client may send: a few messages, some of them broken.
pub(crate) fn client_bytes() -> impl Strategy<Value = Vec<u8>> {
    let start = prop_oneof![
        4 => select(&["GET / ", "POST /a?b ", "HEAD /a ", "OPTIONS * ", "PUT //a/../b;c "][..]),
        1 => select(&["get / ", "CONNECT a:1 ", "GET http://a/x ", "GET http://b/ ", "GET * ", "GET a ", "GET /a#b ", "GET / / ", "G\"T / ", "\r\nGET / "][..]),
    ];
    let version = prop_oneof![
        8 => Just("HTTP/1.1\r\n"),
        1 => select(&["HTTP/1.0\r\n", "HTTP/1.1\n", "HTTP/2.0\r\n", "http/1.1\r\n", "HTTP/1.1 \r\n"][..]),
    ];
    let host = prop_oneof![8 => Just("Host: a\r\n"), 1 => select(&["", "Host: a\r\nHost: a\r\n", "Host:\r\n", "Host: a b\r\n", "host:A:80\r\n"][..])];
    messages((start, version, host).prop_map(|(start, version, host)| [start, version, host].concat()).boxed())
}

/// What a backend may send: a few messages, some of them broken.
pub(crate) fn backend_bytes() -> impl Strategy<Value = Vec<u8>> {
    let version = prop_oneof![8 => Just("HTTP/1.1"), 1 => select(&["HTTP/1.0", "HTTP/2.0", "\r\nHTTP/1.1"][..])];
    let status = prop_oneof![
        4 => select(&[" 200 OK\r\n", " 404\r\n", " 204 No Content\r\n", " 304 Not Modified\r\n", " 500 \r\n"][..]),
        1 => select(&[" 100 Continue\r\n", " 103 Early Hints\r\n", " 101 Switching Protocols\r\n", " 999 High\r\n", " 099 Low\r\n", "  200 OK\r\n", " 200 OK\n", " 200 \u{e9}\r\n", " 20 OK\r\n"][..]),
    ];
    messages((version, status).prop_map(|(version, status)| [version, status].concat()).boxed())
}

/// Messages that begin so.
fn messages(start: BoxedStrategy<String>) -> impl Strategy<Value = Vec<u8>> {
    let field = prop_oneof![
        3 => select(&["X: 1\r\n", "x-y:\t1 \r\n", "X:\r\n", "X: \u{e9}\r\n", "Connection: close\r\n", "Connection: keep-alive\r\n", "TE: trailers\r\n"][..]),
        1 => select(&["X : 1\r\n", "X: 1\n", " folded\r\n", "X: a\0\r\n", "X: a\rb\r\n", "X_Y: 1\r\n", "no colon\r\n", "Upgrade: h2c\r\n", "Expect: 100-continue\r\n", "Expect: more\r\n", "Connection: Host\r\n", "Connection: upgrade\r\nUpgrade: websocket\r\n"][..]),
    ];
    let framing = prop_oneof![
        2 => Just(""),
        4 => select(&["Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "Content-Length: 0\r\n"][..]),
        2 => select(&["Content-Length: 3\r\nContent-Length: 3\r\n", "content-length:3\t\r\n", "transfer-encoding:\tCHUNKED\r\n", "Content-Length: 03\r\n", "Content-Length: +3\r\n",
            "Content-Length: 3, 3\r\n", "Content-Length: 3\r\nContent-Length: 4\r\n", "Content-Length:\r\n", "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: gzip\r\n", "Transfer-Encoding: chunked, chunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: identity\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding: chunked,\r\n",
            "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "Transfer_Encoding: chunked\r\n", "Transfer-Encoding : chunked\r\n", "Content-Length: 99999999999999999999\r\n", "Content-Length: 9223372036854775808\r\n"][..]),
    ];
    let message =
        (start, vec(field, 0..3), framing, prop_oneof![16 => Just("\r\n"), 1 => select(&["\n", ""][..])], content());
    let message = message.prop_map(|(start, fields, framing, end, content)| {
        [start, fields.concat(), framing.to_owned(), end.to_owned(), content].concat()
    });
    vec(message, 1..4).prop_map(|messages| messages.concat().into_bytes())
}

/// Content in one framing or another, in most cases none.
fn content() -> impl Strategy<Value = String> {
    let size = select(
        &[
            "3\r\n",
            "3;a=b\r\n",
            "03\r\n",
            "3 \r\n",
            " 3\r\n",
            "+3\r\n",
            "0x3\r\n",
            "3\n",
            "3;a\n",
            "3;\rb\r\n",
            "4\r\n",
            "2\r\n",
            "G\r\n",
            "fffffffffffffffff\r\n",
        ][..],
    );
    let good = prop_oneof![3 => Just("3\r\n".to_owned()), 1 => size.prop_map(str::to_owned)];
    let data = prop_oneof![8 => Just("abc\r\n"), 1 => select(&["abc", "abc\n", "abcd\r\n", "ab\r\n", "abc\rX"][..])];
    let chunk = (good, data).prop_map(|(size, data)| size + data);
    let last = prop_oneof![4 => Just("0\r\n"), 1 => select(&["", "00\r\n", "0;a\r\n", "0\n", "-0\r\n"][..])];
    let trailer = select(
        &[
            "Digest: a\r\n",
            "Host: evil\r\n",
            "X : 1\r\n",
            "X: 1\n",
            " folded\r\n",
            "X: \0\r\n",
            "nothing\r\n",
            "X: 1\rY: 2\r\n",
        ][..],
    );
    let trailers = prop_oneof![3 => Just(Vec::new()), 1 => vec(trailer, 0..3)];
    let end = prop_oneof![8 => Just("\r\n"), 1 => select(&["\n", "\r", ""][..])];
    let chunked = (vec(chunk, 0..3), last, trailers, end)
        .prop_map(|(chunks, last, trailers, end)| chunks.concat() + last + &trailers.concat() + end);
    prop_oneof![3 => Just(String::new()), 2 => Just("abc".to_owned()), 4 => chunked]
}
