//! A response head: from bytes to typed parts, or a reason to refuse.

use crate::connection::Options;
use crate::field::{self, HOP_BY_HOP, Slots, require_crlf};
use crate::framing::{Declared, FramingFields, is_bodiless};
use crate::request::partial;
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
    let mut slots: Slots<'_> = [const { std::mem::MaybeUninit::uninit() }; MAX_FIELDS];
    let slots = slots.get_mut(..limits.fields.min(MAX_FIELDS)).unwrap_or_default();
    let mut tokens = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    match config.parse_response_with_uninit_headers(&mut tokens, window, slots) {
        Err(error) => Err(field::refusal(error, Refusal::BadStatusLine)),
        Ok(httparse::Status::Partial) => partial(window, limits),
        Ok(httparse::Status::Complete(len)) => {
            head.read(window, len, &tokens, to_head_request)?;
            Ok(Progress::Complete(len))
        }
    }
}

impl ResponseHead {
    fn read(
        &mut self,
        buf: &[u8],
        taken: usize,
        tokens: &httparse::Response<'_, '_>,
        to_head_request: bool,
    ) -> Result<(), Refusal> {
        self.status = tokens.code.filter(|status| (100..=599).contains(status)).ok_or(Refusal::BadStatusLine)?;
        self.reason = Span::within(buf, tokens.reason.unwrap_or_default().as_bytes());
        self.version = Version::from_minor(tokens.version)?;
        let mut connection = Options::default();
        let declared = self.read_fields(buf, tokens.headers, &mut connection)?;
        require_crlf(buf, buf.get(..taken).unwrap_or_default(), &self.fields)?;
        connection.withhold(buf, &mut self.fields);
        self.frame(declared, to_head_request)?;
        let ambiguous = self.status == 204 && !matches!(declared, Declared::Nothing | Declared::Length(0));
        self.persistent = connection.persistent(self.version)
            && self.framing != ResponseFraming::UntilClose
            && self.status != 101
            && !ambiguous;
        self.upgrade = self.status == 101 && self.version == Version::Http11 && connection.is_websocket();
        Ok(())
    }

    fn read_fields(
        &mut self,
        buf: &[u8],
        tokens: &[httparse::Header<'_>],
        connection: &mut Options,
    ) -> Result<Declared, Refusal> {
        let mut framing = FramingFields::default();
        self.fields.clear();
        self.fields.reserve(tokens.len());
        for token in tokens {
            let name = token.name.as_bytes();
            let id = Name::find(name);
            match id {
                Name::ContentLength => framing.content_length(token.value)?,
                Name::TransferEncoding => framing.transfer_encoding(token.value)?,
                // A backend that garbles its Connection field loses the connection, not the response.
                Name::Connection if connection.read(buf, token.value).is_err() => connection.set_close(),
                Name::Upgrade => connection.read_upgrade(token.value),
                _ => {}
            }
            let (name, value) = (Span::within(buf, name), Span::within(buf, token.value));
            self.fields.push(Field { id, name, value, forward: !HOP_BY_HOP.contains(id) });
        }
        framing.declared(self.version)
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
