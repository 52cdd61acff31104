//! Every reason to refuse a message, in one table.

use std::fmt;

/// Why a message is refused. The connection it came from cannot be used any further: where the next message would
/// begin is unknown or in dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Refusal {
    /// RFC 9112 §2.2 would let a lone LF end a line; other parsers then see other lines.
    BareLineFeed,
    /// RFC 9112 §2.2 lets one empty line stand before a request; none may stand before a response.
    LeadingLine,
    /// RFC 9112 §3.
    BadRequestLine,
    /// RFC 9110 §15.6.6: neither HTTP/1.0 nor HTTP/1.1.
    UnsupportedVersion,
    /// A bound of this codec.
    MethodTooLong,
    /// CONNECT, TRACE or TRACK.
    MethodRefused,
    /// RFC 9110 §15.5.15.
    TargetTooLong,
    /// RFC 6585 §5.
    HeadTooLarge,
    /// RFC 6585 §5.
    TooManyFields,
    /// RFC 9112 §3.2.
    BadTarget,
    /// RFC 9112 §3.2: a request target has no fragment; who cuts it and who keeps it see two resources.
    FragmentInTarget,
    /// RFC 9112 §3.2.2.
    BadAbsoluteTarget,
    /// RFC 9112 §3.2.2 lets the target win; whoever reads the other one is then deceived.
    TargetHostMismatch,
    /// RFC 9112 §3.2.
    MissingHost,
    /// RFC 9112 §3.2.
    DuplicateHost,
    /// RFC 9112 §3.2.
    BadHost,
    /// RFC 9112 §5.1; also a folded line (§5.2).
    BadFieldName,
    /// RFC 9110 §5.5.
    BadFieldValue,
    /// RFC 9112 §2.2.
    BadLineEnd,
    /// RFC 9110 §8.6.
    BadContentLength,
    /// RFC 9112 §6.3.
    ConflictingContentLength,
    /// RFC 9112 §6.1: exactly one `chunked`.
    BadTransferEncoding,
    /// RFC 9112 §6.1.
    TransferEncodingInHttp10,
    /// RFC 9112 §6.1.
    LengthAndTransferEncoding,
    /// RFC 9110 §7.6.1.
    BadConnection,
    /// RFC 9110 §7.6.1: a sender must not nominate what is meant for every recipient.
    ProtectedFieldNominated,
    /// RFC 9110 §10.1.1.
    BadExpectation,
    /// RFC 9112 §4.
    BadStatusLine,
    /// RFC 9112 §6.1: an interim response has no content, and more follows on the connection.
    InterimWithContent,
    /// RFC 9112 §7.1.
    BadChunkSize,
    /// RFC 9112 §7.1.
    BadChunkEnd,
    /// RFC 9112 §7.1.1.
    BadChunkExtension,
    /// RFC 9112 §7.1.1 asks for a limit.
    ChunkExtensionsTooLarge,
    /// RFC 9112 §7.1.2.
    BadTrailers,
    /// RFC 6585 §5.
    TrailersTooLarge,
    /// RFC 9112 §8.
    Truncated,
}

struct Row {
    refusal: Refusal,
    name: &'static str,
    status: u16,
    says: &'static str,
}

/// Row i is about the refusal with number i.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    row(Refusal::BareLineFeed, "bare_line_feed", 400, "a line of the head ends in LF without CR"),
    row(Refusal::LeadingLine, "leading_line", 400, "empty lines stand before the message"),
    row(Refusal::BadRequestLine, "bad_request_line", 400, "the first line is not a method, a target and a version with one space between"),
    row(Refusal::UnsupportedVersion, "unsupported_version", 505, "the version is neither HTTP/1.0 nor HTTP/1.1"),
    row(Refusal::MethodTooLong, "method_too_long", 400, "the method is longer than 32 bytes"),
    row(Refusal::MethodRefused, "method_refused", 405, "CONNECT, TRACE and TRACK are not served"),
    row(Refusal::TargetTooLong, "target_too_long", 414, "the request target is longer than the limit"),
    row(Refusal::HeadTooLarge, "head_too_large", 431, "the head is larger than the limit"),
    row(Refusal::TooManyFields, "too_many_fields", 431, "the head, or the head with its trailers, has more fields than the limit"),
    row(Refusal::BadTarget, "bad_target", 400, "the request target is not a path of allowed bytes, nor * with OPTIONS"),
    row(Refusal::FragmentInTarget, "fragment_in_target", 400, "the request target has a fragment"),
    row(Refusal::BadAbsoluteTarget, "bad_absolute_target", 400, "the absolute request target is not http or https with a plain authority and a path"),
    row(Refusal::TargetHostMismatch, "target_host_mismatch", 400, "the authority of the request target differs from Host"),
    row(Refusal::MissingHost, "missing_host", 400, "Host is absent or empty"),
    row(Refusal::DuplicateHost, "duplicate_host", 400, "there is more than one Host"),
    row(Refusal::BadHost, "bad_host", 400, "Host holds bytes that a host and port cannot have"),
    row(Refusal::BadFieldName, "bad_field_name", 400, "a field line does not start with a token and a colon"),
    row(Refusal::BadFieldValue, "bad_field_value", 400, "a field value holds a control character"),
    row(Refusal::BadLineEnd, "bad_line_end", 400, "the head does not end in CR LF"),
    row(Refusal::BadContentLength, "bad_content_length", 400, "Content-Length is not a plain decimal number below 2^63"),
    row(Refusal::ConflictingContentLength, "conflicting_content_length", 400, "two Content-Length fields differ"),
    row(Refusal::BadTransferEncoding, "bad_transfer_encoding", 400, "Transfer-Encoding is not exactly one chunked"),
    row(Refusal::TransferEncodingInHttp10, "transfer_encoding_in_http10", 400, "Transfer-Encoding stands in an HTTP/1.0 message"),
    row(Refusal::LengthAndTransferEncoding, "length_and_transfer_encoding", 400, "both Content-Length and Transfer-Encoding are present"),
    row(Refusal::BadConnection, "bad_connection", 400, "Connection is not a list of at most 16 options"),
    row(Refusal::ProtectedFieldNominated, "protected_field_nominated", 400, "Connection nominates a field that is meant for the backend"),
    row(Refusal::BadExpectation, "bad_expectation", 417, "Expect asks for more than 100-continue"),
    row(Refusal::BadStatusLine, "bad_status_line", 502, "the status line is malformed or the status is not between 100 and 599"),
    row(Refusal::InterimWithContent, "interim_with_content", 502, "an interim response announces content"),
    row(Refusal::BadChunkSize, "bad_chunk_size", 400, "a chunk size is not 1 to 16 hexadecimal digits below 2^63"),
    row(Refusal::BadChunkEnd, "bad_chunk_end", 400, "a chunk does not end where its size says, in CR LF"),
    row(Refusal::BadChunkExtension, "bad_chunk_extension", 400, "a chunk extension holds a control character"),
    row(Refusal::ChunkExtensionsTooLarge, "chunk_extensions_too_large", 400, "chunk extensions are larger than the limit"),
    row(Refusal::BadTrailers, "bad_trailers", 400, "a trailer is not a field line"),
    row(Refusal::TrailersTooLarge, "trailers_too_large", 431, "the trailer section is larger than the limit"),
    row(Refusal::Truncated, "truncated", 400, "the connection ended before the content did"),
];

const fn row(refusal: Refusal, name: &'static str, status: u16, says: &'static str) -> Row {
    Row { refusal, name, status, says }
}

impl Refusal {
    /// Every reason, in the order of declaration.
    pub const ALL: &[Self] = &all();

    /// The reason as one word of `a-z0-9_`, for a metric label or a log field.
    pub fn name(self) -> &'static str {
        self.row().map_or("", |row| row.name)
    }

    /// The status code for a client whose request is refused so. A refused response is always a 502 to the client.
    pub fn status(self) -> u16 {
        self.row().map_or(400, |row| row.status)
    }

    fn row(self) -> Option<&'static Row> {
        TABLE.get(self as usize)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().map_or("", |row| row.says))
    }
}

impl std::error::Error for Refusal {}

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler: an index out of range fails the build")]
const fn all() -> [Refusal; TABLE.len()] {
    let mut all = [Refusal::BareLineFeed; TABLE.len()];
    let mut at = 0;
    while at < TABLE.len() {
        all[at] = TABLE[at].refusal;
        assert!(all[at] as usize == at, "the table is not in the order of the enum");
        at += 1;
    }
    // A variant that has no row would stand behind the last one.
    assert!(TABLE.len() == Refusal::Truncated as usize + 1, "a refusal has no row");
    all
}
