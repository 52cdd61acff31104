//! Every way in which we and hyper disagree about the same bytes, and why ours is right for an edge. It is always hyper that
//! accepts what we refuse, but for one target.

use crate::Refusal;
use crate::Refusal::*;

/// One way to disagree.
pub(crate) struct Disagreement {
    /// What we say of bytes that hyper accepts.
    pub(crate) refusal: Refusal,
    /// Whether the head was accepted before.
    pub(crate) in_content: bool,
    pub(crate) because: &'static str,
}

/// About what a client sends.
#[rustfmt::skip]
pub(crate) const OF_CLIENTS: &[Disagreement] = &[
    head(BadAbsoluteTarget, "user information and foreign schemes have no business at a gateway; `http://a?q` has no path to route by"),
    head(BadConnection, "what is no list of tokens cannot be applied; whoever reads it otherwise withholds other fields"),
    head(BadContentLength, "a number that is not written plainly (`03`) is octal to some, and beyond 2^63 negative to others"),
    head(BadExpectation, "an expectation that nobody here can meet (RFC 9110 §10.1.1); a client that waits for it would wait for ever"),
    head(BadHost, "user information, lists and paths in Host are other hosts to other readers"),
    head(BadTarget, "neither a path nor `*` with OPTIONS (RFC 9112 §3.2): an authority to some, a file name to others"),
    head(BadTransferEncoding, "of two codings, or of one that is not `chunked`, recipients decode different parts (RFC 9112 §6.1)"),
    head(BareLineFeed, "a line end to some and a part of the line to others (RFC 9112 §2.2 leaves it open)"),
    head(DuplicateHost, "some take the first, some the last (RFC 9112 §3.2 asks for 400)"),
    head(FragmentInTarget, "hyper cuts it off silently: what was matched is not what was sent"),
    head(HeadTooLarge, "hyper takes as much as its read buffer grows to, about 400 KiB for each connection"),
    head(LeadingLine, "one empty line before a request is enough (RFC 9112 §2.2); more, or a bare LF, is the rest of a broken message"),
    head(LengthAndTransferEncoding, "an attempt at smuggling (RFC 9112 §6.1); hyper drops the length and goes on"),
    head(MethodRefused, "no tunnels and no echoes of credentials"),
    head(MethodTooLong, "no registered method is as long; the next hop may have a fixed place for it"),
    head(MissingHost, "asked for by RFC 9112 §3.2, in HTTP/1.0 needed to route, and to hyper a matter for the application"),
    head(ProtectedFieldNominated, "a client must not make us withhold who it is (RFC 9110 §7.6.1); hyper leaves Connection to the application"),
    head(TargetHostMismatch, "RFC 9112 §3.2.2 lets the target win, and who reads Host is deceived"),
    head(TargetTooLong, "8 KiB are enough, where hyper takes 64 KiB"),
    content(BadChunkExtension, "hyper reads on over a NUL where others end"),
    content(BadChunkSize, "hyper skips whitespace behind the size, and takes more zeros than a size has digits"),
    content(BadTrailers, "behind a bare LF hyper takes the next message for trailers, and drops it"),
    content(ChunkExtensionsTooLarge, "1 KiB of one chunk's; hyper has a limit for all of them only"),
    content(TooManyFields, "trailers and head share one limit; hyper counts them apart"),
];

/// About what a backend sends.
#[rustfmt::skip]
pub(crate) const OF_BACKENDS: &[Disagreement] = &[
    head(BadContentLength, "as of clients; hyper falls back to reading until the connection closes, or takes `2, 2` for one number"),
    head(BadStatusLine, "statuses end at 599 (RFC 9110 §15)"),
    head(BadTransferEncoding, "as of clients; without a final `chunked`, the end is where the connection ends, and a cut is not seen"),
    head(BareLineFeed, "as of clients"),
    head(ConflictingContentLength, "where there is no content hyper does not look; a backend that contradicts itself may do so about the next one"),
    head(HeadTooLarge, "as of clients"),
    head(InterimWithContent, "content behind an interim response would be taken for the final one's head"),
    head(LeadingLine, "only requests may have one (RFC 9112 §2.2): here it is the rest of an earlier response"),
    head(LengthAndTransferEncoding, "as of clients"),
    head(TransferEncodingInHttp10, "its framing is to be taken as faulty (RFC 9112 §6.1); hyper reads on and keeps the field"),
    content(BadChunkExtension, "as of clients"),
    content(BadChunkSize, "as of clients"),
    content(BadTrailers, "as of clients"),
    content(ChunkExtensionsTooLarge, "as of clients"),
    content(TooManyFields, "as of clients"),
];

/// The one request that both accept and read otherwise: OPTIONS for an absolute target without a path is for the server as a
/// whole (RFC 9112 §3.2.4), where hyper makes a path of it.
pub(crate) const SERVER_AS_A_WHOLE: &str = "OPTIONS * HTTP/1.1 / OPTIONS / HTTP/1.1";

const fn head(refusal: Refusal, because: &'static str) -> Disagreement {
    Disagreement { refusal, in_content: false, because }
}

const fn content(refusal: Refusal, because: &'static str) -> Disagreement {
    Disagreement { refusal, in_content: true, because }
}

impl Disagreement {
    /// As a comparison of the two views names it.
    pub(crate) fn name(&self) -> String {
        format!("{}{} / accepted", self.refusal.name(), if self.in_content { " in content" } else { "" })
    }
}
