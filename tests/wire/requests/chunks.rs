//! Chunks: sizes, ends, extensions and trailers. What is wrong is found on the way, so that a backend may have begun to see the request
//! (content is not held back until it is complete): it sees a broken connection, never the last chunk.

use super::{Bytes, Case, cut, forwarded};

const HEAD: &str = "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n";

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> =
        WRONG.iter().map(|(name, chunks, good)| cut(name, with_head(chunks), 400, with_head(good))).collect();
    cases.extend(GOOD.iter().map(|(name, chunks, seen)| forwarded(name, with_head(chunks), with_head(seen))));
    cases.extend(large());
    cases
}

fn with_head(chunks: &[u8]) -> Bytes {
    [HEAD.as_bytes(), chunks].concat().into()
}

/// What is special, the content as sent, and the chunks that are good before the one that is not.
type Row = (&'static str, &'static [u8], &'static [u8]);

const WRONG: &[Row] = &[
    ("a size in C notation", b"0x2\r\nhi\r\n0\r\n\r\n", b""),
    ("a size with a plus", b"+2\r\nhi\r\n0\r\n\r\n", b""),
    ("a size below nothing", b"-2\r\nhi\r\n0\r\n\r\n", b""),
    ("a size with an underscore", b"1_0\r\n0123456789abcdef\r\n0\r\n\r\n", b""),
    ("no size", b"\r\nhi\r\n0\r\n\r\n", b""),
    ("a size that is an extension alone", b";x\r\nhi\r\n0\r\n\r\n", b""),
    ("a space before a size", b" 2\r\nhi\r\n0\r\n\r\n", b""),
    ("a tab before a size", b"\t2\r\nhi\r\n0\r\n\r\n", b""),
    ("a size beyond 64 bits", b"10000000000000002\r\nhi\r\n0\r\n\r\n", b""),
    ("a size of 64 bits", b"ffffffffffffffff\r\nhi\r\n0\r\n\r\n", b""),
    ("a second size in C notation", b"3\r\nabc\r\n0x2\r\nhi\r\n0\r\n\r\n", b"3\r\nabc\r\n"),
    ("more leading zeros than any size needs", b"00000000000000002\r\nhi\r\n0\r\n\r\n", b""),
    ("a space behind a size", b"2 \r\nhi\r\n0\r\n\r\n", b""),
    ("a tab behind a size", b"2\t\r\nhi\r\n0\r\n\r\n", b""),
    ("a bare LF behind a size", b"2\nhi\r\n0\r\n\r\n", b""),
    ("a bare CR behind a size", b"2\rhi\r\n0\r\n\r\n", b""),
    ("a bare LF behind data", b"2\r\nhi\n0\r\n\r\n", b"2\r\nhi\r\n"),
    ("a bare CR behind data", b"2\r\nhi\r0\r\n\r\n", b"2\r\nhi\r\n"),
    ("data longer than its size", b"2\r\nhiya\r\n0\r\n\r\n", b"2\r\nhi\r\n"),
    ("data shorter than its size", b"4\r\nhi\r\n0\r\n\r\n", b"4\r\nhi\r\n"),
    ("two bytes of anything as the end of a chunk", b"2\r\nhiXX0\r\n\r\n", b"2\r\nhi\r\n"),
    ("an extension with a bare LF", b"2;a\nhi\r\n0\r\n\r\n", b""),
    ("an extension with a bare CR", b"2;a\rb\r\nhi\r\n0\r\n\r\n", b""),
    ("an extension with a NUL", b"2;a=\0\r\nhi\r\n0\r\n\r\n", b""),
    ("the last size with a bare LF", b"2\r\nhi\r\n0\n\r\n", b"2\r\nhi\r\n"),
    ("the last chunk ended by a bare LF", b"2\r\nhi\r\n0\r\n\n", b"2\r\nhi\r\n"),
    ("a trailer ended by a bare LF", b"2\r\nhi\r\n0\r\nX: y\n\r\n", b"2\r\nhi\r\n"),
    ("a trailer without a colon", b"2\r\nhi\r\n0\r\nX\r\n\r\n", b"2\r\nhi\r\n"),
    ("a trailer with a space before its colon", b"2\r\nhi\r\n0\r\nX : y\r\n\r\n", b"2\r\nhi\r\n"),
    ("a trailer with a NUL", b"2\r\nhi\r\n0\r\nX: \0\r\n\r\n", b"2\r\nhi\r\n"),
    ("a folded trailer", b"2\r\nhi\r\n0\r\nX: y\r\n z\r\n\r\n", b"2\r\nhi\r\n"),
];

/// Extensions end here, and trailers but for a few names: no backend has to agree about them.
const GOOD: &[Row] = &[
    ("leading zeros, as many as a size may have", b"0000000000000002\r\nhi\r\n0\r\n\r\n", b"2\r\nhi\r\n0\r\n\r\n"),
    ("sizes in capitals", b"A\r\n0123456789\r\n0\r\n\r\n", b"a\r\n0123456789\r\n0\r\n\r\n"),
    ("several chunks", b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", b"3\r\nabc\r\n0\r\n\r\n"),
    ("no data at all", b"0\r\n\r\n", b"0\r\n\r\n"),
    ("several zeros as the last chunk", b"000\r\n\r\n", b"0\r\n\r\n"),
    ("an extension", b"2;name=value\r\nhi\r\n0;last\r\n\r\n", b"2\r\nhi\r\n0\r\n\r\n"),
    // Refusing it would be as good. No quoted text has a CR (RFC 9110 section 5.6.4), so that the line ends here for whoever keeps to the
    // RFC, and a backend never sees the extension.
    ("an extension with a quote that is not closed", b"2;a=\"\r\nhi\r\n0\r\n\r\n", b"2\r\nhi\r\n0\r\n\r\n"),
    (
        "trailers of which one may pass",
        b"2\r\nhi\r\n0\r\nDigest:\tsha-256=x \r\nX: y\r\nX_Digest: z\r\n\r\n",
        b"2\r\nhi\r\n0\r\nDigest: sha-256=x\r\n\r\n",
    ),
    (
        "trailers that would frame, route or log in",
        b"2\r\nhi\r\n0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nHost: evil.example\r\nAuthorization: Basic eA==\r\n\r\n",
        b"2\r\nhi\r\n0\r\n\r\n",
    ),
];

/// Room for what is dropped has its bounds: 1 KiB of extensions a chunk, 16 KiB a message, 16 KiB of trailers.
fn large() -> Vec<Case> {
    let chunk = |extension: usize| format!("1;{}\r\na\r\n", "x".repeat(extension - 1));
    let trailer = |bytes: usize| format!("T: {}\r\n", "x".repeat(bytes - 5));
    let all = |count: usize| format!("{}0\r\n\r\n", chunk(1024).repeat(count));
    let seen = |count: usize| format!("{count:x}\r\n{}\r\n0\r\n\r\n", "a".repeat(count));
    vec![
        forwarded("an extension of 1 KiB", with_head(all(1).as_bytes()), with_head(seen(1).as_bytes())),
        cut("an extension of 1 KiB and a byte", with_head(chunk(1025).as_bytes()), 400, with_head(b"")),
        cut("an extension of 10 KiB", with_head(chunk(10 << 10).as_bytes()), 400, with_head(b"")),
        cut(
            "extensions above 16 KiB together",
            with_head(all(17).as_bytes()),
            400,
            with_head(b"11\r\naaaaaaaaaaaaaaaa"),
        ),
        cut(
            "trailers of 16 KiB and a byte",
            with_head(format!("0\r\n{}\r\n", trailer((16 << 10) + 1)).as_bytes()),
            431,
            with_head(b""),
        ),
        cut(
            "trailers of 160 KiB",
            with_head(format!("0\r\n{}\r\n", trailer(160 << 10)).as_bytes()),
            431,
            with_head(b""),
        ),
        cut(
            "more trailers than the two fields of the head leave",
            with_head(format!("0\r\n{}\r\n", trailer(6).repeat(99)).as_bytes()),
            431,
            with_head(b""),
        ),
        forwarded(
            "as many trailers as the two fields of the head leave",
            with_head(format!("0\r\n{}\r\n", trailer(6).repeat(98)).as_bytes()),
            with_head(b"0\r\n\r\n"),
        ),
        forwarded(
            "trailers of 16 KiB",
            with_head(format!("0\r\n{}\r\n", trailer(16 << 10)).as_bytes()),
            with_head(b"0\r\n\r\n"),
        ),
    ]
}
