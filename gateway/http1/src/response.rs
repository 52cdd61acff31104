//! A response head: from bytes to typed parts, or a reason to refuse.

use crate::connection::Options;
use crate::field::HOP_BY_HOP;
use crate::framing::{Declared, FramingFields, is_bodiless};
use crate::request::progress;
use crate::tokens::{Stop, Tokens};
use crate::{Field, HeadLimits, MAX_FIELDS, Name, Progress, Refusal, ResponseFraming, Span, Version};

/// A response head. Meant to be reused: parsing into it allocates nothing once `fields` has grown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseHead {
    /// The status code, 100 to 599.
    pub status: u16,
    /// The reason phrase; empty if there is none or it has bytes beyond ASCII.
    pub reason: Span,
    /// The backend's version.
    pub version: Version,
    /// How the content is delimited.
    pub framing: ResponseFraming,
    /// Of an answer to HEAD, the length of the content that GET would have brought. Never says what follows here.
    pub length_of_get: Option<u64>,
    /// Whether the connection takes another request once the content is complete. False for 101. Bytes that arrive
    /// behind the content and before the next request make it unusable all the same.
    pub persistent: bool,
    /// Whether the connection is a WebSocket from here on: 101, which names that protocol and no other. A 101 without this
    /// switches to nothing that was asked for.
    pub upgrade: bool,
    /// The field lines in their order.
    pub fields: Vec<Field>,
}

/// Parses the response head at the start of `buf` into `head`, which means nothing unless the head is complete.
///
/// Interim responses (1xx) are returned like others, with [`ResponseFraming::None`]; skipping and counting them is the
/// caller's. `limits.target_bytes` does not matter here.
///
/// # Errors
/// A [`Refusal`]; the client gets a 502 and the connection is closed.
pub fn parse_response(
    buf: &[u8],
    limits: &HeadLimits,
    to_head_request: bool,
    head: &mut ResponseHead,
) -> Result<Progress, Refusal> {
    let window = buf.get(..limits.head_bytes).unwrap_or(buf);
    if let Some(b'\r' | b'\n') = window.first() {
        return Err(Refusal::LeadingLine);
    }
    progress(head.read(Tokens::new(window, 0), window, limits, to_head_request), window, limits)
}

impl ResponseHead {
    /// Returns how many bytes of `buf` the head takes.
    fn read(
        &mut self,
        mut tokens: Tokens<'_>,
        buf: &[u8],
        limits: &HeadLimits,
        to_head_request: bool,
    ) -> Result<usize, Stop> {
        self.version = tokens.version()?;
        self.status = tokens.status()?;
        self.reason = tokens.reason()?;
        let mut connection = Options::default();
        let declared = self.read_fields(&mut tokens, buf, limits, &mut connection)?;
        connection.withhold(buf, &mut self.fields);
        self.frame(declared, to_head_request)?;
        let ambiguous = self.status == 204 && !matches!(declared, Declared::Nothing | Declared::Length(0));
        self.persistent = connection.persistent(self.version)
            && self.framing != ResponseFraming::UntilClose
            && self.status != 101
            && !ambiguous;
        self.upgrade = self.status == 101 && self.version == Version::Http11 && connection.is_websocket();
        Ok(tokens.at())
    }

    fn read_fields(
        &mut self,
        tokens: &mut Tokens<'_>,
        buf: &[u8],
        limits: &HeadLimits,
        connection: &mut Options,
    ) -> Result<Declared, Stop> {
        let mut framing = FramingFields::default();
        let fields = &mut self.fields;
        fields.clear();
        tokens.fields(limits.fields.min(MAX_FIELDS), |line| {
            let forward = !HOP_BY_HOP.contains(line.id);
            let value = line.value.of(buf);
            match line.id {
                Name::ContentLength => framing.content_length(value)?,
                Name::TransferEncoding => framing.transfer_encoding(value)?,
                // A backend that garbles its Connection field loses the connection, not the response.
                Name::Connection if connection.read(buf, value).is_err() => connection.set_close(),
                Name::Upgrade => connection.read_upgrade(value),
                _ => {}
            }
            fields.push(Field::new(line, forward));
            Ok(())
        })?;
        Ok(framing.declared(self.version)?)
    }

    /// RFC 9112 §6.3, in its order.
    fn frame(&mut self, declared: Declared, to_head_request: bool) -> Result<(), Refusal> {
        self.length_of_get = None;
        if self.status < 200 && !matches!(declared, Declared::Nothing | Declared::Length(0)) {
            return Err(Refusal::InterimWithContent);
        }
        self.framing = match declared {
            _ if is_bodiless(self.status) => ResponseFraming::None,
            Declared::Length(length) if to_head_request => {
                self.length_of_get = Some(length);
                ResponseFraming::None
            }
            _ if to_head_request => ResponseFraming::None,
            Declared::Length(length) => ResponseFraming::Sized(length),
            Declared::Chunked => ResponseFraming::Chunked,
            Declared::Nothing => ResponseFraming::UntilClose,
        };
        Ok(())
    }
}
