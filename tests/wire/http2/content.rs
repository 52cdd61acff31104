//! Content and what follows it: lengths that are true or not, and trailers.

use bulkhead_tests::http2::frame::error::PROTOCOL_ERROR;

use super::{Case, Gets, POST, case, get, owned, post};

const MALFORMED: Gets = Gets::Reset(PROTOCOL_ERROR);

pub(super) fn cases() -> Vec<Case> {
    [framed(), lengths(), trailers()].into_iter().flatten().collect()
}

fn sized(length: usize, content: &str) -> Gets {
    Gets::Forwarded(format!("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: {length}\r\n\r\n{content}"))
}

fn framed() -> Vec<Case> {
    let chunked = |chunks: &str| {
        Gets::Forwarded(format!(
            "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"
        ))
    };
    vec![
        post("content with its length", &[("content-length", "5")], &["hello"], sized(5, "hello")),
        post("content with its length in frames", &[("content-length", "5")], &["he", "", "llo"], sized(5, "hello")),
        post("content of unknown length", &[], &["hello"], chunked("5\r\nhello\r\n")),
        post("a POST without content", &[], &[], Gets::Forwarded("POST / HTTP/1.1\r\nHost: a.test\r\n\r\n".to_owned())),
        post("a POST whose content is empty", &[("content-length", "0")], &[], sized(0, "")),
        post(
            "what looks like a request",
            &[("content-length", "30")],
            &["GET /x HTTP/1.1\r\nHost: xyz\r\n\r\n"],
            sized(30, "GET /x HTTP/1.1\r\nHost: xyz\r\n\r\n"),
        ),
    ]
}

/// RFC 9113 section 8.1.1.
fn lengths() -> Vec<Case> {
    let mut cases = Vec::new();
    for (length, content) in [("5", "hell"), ("5", "hello!"), ("1", ""), ("18446744073709551615", "x")] {
        cases.push(post(
            format!("a length of {length} for {content:?}"),
            &[("content-length", length)],
            &[content],
            MALFORMED,
        ));
    }
    cases.push(post("a length of 5 and no content", &[("content-length", "5")], &[], MALFORMED));
    cases.push(get("a GET with a length and no content", &[("content-length", "5")], MALFORMED));
    for length in ["+5", "-5", "0x5", "5 5", "5,5", "five", "18446744073709551616"] {
        cases.push(post(format!("the length {length:?}"), &[("content-length", length)], &["hello"], MALFORMED));
    }
    cases.push(post(
        "two lengths that differ",
        &[("content-length", "5"), ("content-length", "6")],
        &["hello"],
        MALFORMED,
    ));
    cases
}

/// RFC 9113 section 8.1, RFC 9110 section 6.5.
fn trailers() -> Vec<Case> {
    let with = |name: &str, trailers: &[(&str, &str)], gets| Case {
        content: vec!["hi"],
        trailers: Some(owned(trailers)),
        ..case(name, &POST, gets)
    };
    let chunked = || {
        Gets::Forwarded(
            "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n".to_owned(),
        )
    };
    vec![
        with("trailers", &[("x-checksum", "1")], chunked()),
        with(
            "trailers that would frame or route",
            &[("content-length", "9"), ("host", "evil.example"), ("authorization", "x")],
            chunked(),
        ),
        with("no trailers", &[], chunked()),
        // Malformed by RFC 9113 section 8.1; the codec drops them.
        with("trailers with a pseudo-field", &[(":path", "/")], chunked()),
        with("trailers with a status", &[(":status", "200")], chunked()),
        with("trailers that belong to a connection", &[("connection", "close")], MALFORMED),
    ]
}
