//! The trailer section: which of its fields may pass, and how they are held on the way (RFC 9110 §6.5, RFC 9112 §7.1.2).

use crate::claim::is_claim;
use crate::field::is_token;
use crate::write::put_line;
use crate::{MAX_FIELDS, Name, NameSet, Refusal, bytes};

/// What may stand in a trailer section that we pass on. A recipient may merge trailers into the head, so that only such
/// fields are let through as say something about content that has been received, and nothing about where it goes,
/// where it ends, who asks, or what may be done with it.
///
/// - Grpc-*: the outcome of a call; gRPC defines them as trailers ("gRPC over HTTP2", Responses).
/// - Content-Digest, Repr-Digest (RFC 9530 §2, §3) and Digest (RFC 3230, their forerunner): checksums of what was
///   streamed, known only at its end.
/// - Server-Timing: durations for a browser's developer tools, defined to be sent as a trailer too (W3C Server Timing §2).
pub(crate) const PASSED: NameSet = NameSet::of(&[
    Name::ContentDigest,
    Name::Digest,
    Name::GrpcMessage,
    Name::GrpcStatus,
    Name::GrpcStatusDetailsBin,
    Name::ReprDigest,
    Name::ServerTiming,
]);

/// Most bytes of a trailer section, dropped fields included, in bytes: half of what a head may have by default, and many
/// times what a status with its details takes.
pub(crate) const TRAILER_BYTES: usize = 16 << 10;

/// The trailers of one message that may pass, as field lines ready to be written. Takes no memory while there are none;
/// the text is at most 16 KiB.
#[derive(Clone, Debug, Default)]
pub struct Trailers {
    held: Option<Box<Held>>,
}

#[derive(Clone, Debug, Default)]
struct Held {
    /// Whole lines that may pass, each with its CR LF; behind them at most one that has begun.
    text: Vec<u8>,
    /// Where the whole lines end. `whole <= text.len()`.
    whole: usize,
    /// Where the value of the line that has begun begins; `None` before it, and where the line may not pass.
    value: Option<usize>,
}

impl Trailers {
    /// No trailers.
    pub(crate) const NONE: Self = Self { held: None };

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// The field lines, each `name: value` with its CR LF.
    pub fn as_bytes(&self) -> &[u8] {
        self.held.as_ref().and_then(|held| held.text.get(..held.whole)).unwrap_or_default()
    }

    /// The names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        // A value holds no CR, and a name no colon.
        self.as_bytes().split(|&byte| byte == b'\r').filter_map(|line| {
            let line = line.strip_prefix(b"\n").unwrap_or(line);
            let colon = memchr::memchr(b':', line)?;
            Some((line.get(..colon)?, line.get(colon + 2..)?))
        })
    }

    /// Takes a trailer that came by other means than chunks, if [it may pass](may_trail) and there is room for it.
    pub fn push(&mut self, name: &[u8], value: &[u8], grpc: bool) {
        let room = TRAILER_BYTES.saturating_sub(self.as_bytes().len());
        let line = name.len() + value.len() + b": \r\n".len();
        if line <= room && may_trail(name, grpc) {
            let held = self.held.get_or_insert_default();
            put_line(&mut held.text, name, value.trim_ascii());
            held.whole = held.text.len();
        }
    }
}

/// Whether a field may be passed on as a trailer: if it is one of a few that say something about the content as received.
///
/// The trailers of a `grpc` message also carry whatever metadata the application has for its caller ("gRPC over HTTP2",
/// Custom-Metadata), and its recipients keep them apart from the head: there, every name passes that no rule of HTTP
/// knows, and that claims nothing that the head of the same message may not claim.
pub fn may_trail(name: &[u8], grpc: bool) -> bool {
    match Name::find(name) {
        Name::Other => grpc && is_token(name) && !claims(name),
        known => PASSED.contains(known),
    }
}

/// Whether a name says where a request comes from, or does so to a backend to which every sign of a name is the same.
fn claims(name: &[u8]) -> bool {
    let dashed: Vec<u8> = name.iter().map(|&byte| if byte.is_ascii_alphanumeric() { byte } else { b'-' }).collect();
    is_claim(&dashed)
}

/// Ends chunked content, with trailers if there are any. Never written for content that was cut short.
pub fn write_last_chunk(out: &mut Vec<u8>, trailers: &Trailers) {
    out.extend_from_slice(b"0\r\n");
    out.extend_from_slice(trailers.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Where in a trailer section the next byte stands.
///
/// ```text
///  Name: value CR LF   CR LF
///  ^Line ^Value   ^Lf  ^Line ^EndLf
///   ^Name
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    Line,
    Name,
    Value,
    Lf,
    EndLf,
}

/// The state between two bytes of a trailer section.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section {
    at: At,
    /// Bytes that may still come; [`TRAILER_BYTES`] at first.
    bytes: u16,
    /// Fields that may still come.
    fields: u8,
}

impl Default for Section {
    fn default() -> Self {
        Self { at: At::Line, bytes: TRAILER_BYTES as u16, fields: MAX_FIELDS as u8 }
    }
}

impl Section {
    /// Lets it have so many fields, and never more than a head may have.
    pub(crate) fn limit(&mut self, fields: usize) {
        self.fields = u8::try_from(fields.min(MAX_FIELDS)).unwrap_or(u8::MAX);
    }

    /// Takes the next byte; what may pass goes to `trailers`. Returns whether it is the last one.
    pub(crate) fn step(&mut self, byte: u8, trailers: &mut Trailers) -> Result<bool, Refusal> {
        let name = bytes::is(byte, bytes::TOKEN);
        match (self.at, byte) {
            // The empty line at the end is no part of what is counted: it always comes.
            (At::Line, b'\r') => self.at = At::EndLf,
            (At::EndLf, b'\n') => return Ok(true),
            (At::Line, _) if name => {
                self.fields = self.fields.checked_sub(1).ok_or(Refusal::TooManyFields)?;
                self.at = At::Name;
                trailers.held.get_or_insert_default().name(byte);
            }
            (At::Name, _) if name => trailers.held.get_or_insert_default().name(byte),
            (At::Name, b':') => {
                self.at = At::Value;
                trailers.held.get_or_insert_default().name_end();
            }
            (At::Value, b'\r') => self.at = At::Lf,
            (At::Value, _) if bytes::is(byte, bytes::VALUE) => trailers.held.get_or_insert_default().value(byte),
            (At::Lf, b'\n') => {
                self.at = At::Line;
                trailers.held.get_or_insert_default().line_end();
            }
            _ => return Err(Refusal::BadTrailers),
        }
        if self.at != At::EndLf {
            self.bytes = self.bytes.checked_sub(1).ok_or(Refusal::TrailersTooLarge)?;
        }
        Ok(false)
    }
}

impl Held {
    fn name(&mut self, byte: u8) {
        self.text.push(byte);
    }

    fn name_end(&mut self) {
        if may_trail(self.text.get(self.whole..).unwrap_or_default(), false) {
            self.text.extend_from_slice(b": ");
            self.value = Some(self.text.len());
        } else {
            self.text.truncate(self.whole);
        }
    }

    /// Takes a byte of a value, unless it is whitespace before it.
    fn value(&mut self, byte: u8) {
        if let Some(start) = self.value
            && (self.text.len() > start || !is_space(byte))
        {
            self.text.push(byte);
        }
    }

    /// Ends a line, without the whitespace behind its value.
    fn line_end(&mut self) {
        let Some(start) = self.value.take() else { return };
        while self.text.len() > start && self.text.last().copied().is_some_and(is_space) {
            self.text.pop();
        }
        self.text.extend_from_slice(b"\r\n");
        self.whole = self.text.len();
    }
}

/// Optional whitespace around a value (RFC 9110 §5.6.3).
const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
