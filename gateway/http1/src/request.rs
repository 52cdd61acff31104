//! A request head: from bytes to typed parts, or a reason to refuse.

use crate::connection::Options;
use crate::field::{self, HOP_BY_HOP, Slots, is_alias, list, require_crlf};
use crate::framing::{Declared, FramingFields};
use crate::target;
use crate::{
    Field, Framing, HeadLimits, MAX_FIELDS, Method, Name, NameSet, Progress, Refusal, Span, TargetForm, Version,
};

/// Fields of a request that end here: hop-by-hop, what is written anew or answered here, and `Proxy`, which CGI
/// backends take for a setting of their environment.
const NOT_FORWARDED: NameSet = HOP_BY_HOP.union(NameSet::of(&[Name::Host, Name::Expect, Name::Proxy]));

/// A request head. Meant to be reused: parsing into it allocates nothing once `fields` has grown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestHead {
    /// What is asked for.
    pub method: Method,
    /// Of which resource.
    pub target: TargetForm,
    /// The one Host value; not empty, free of userinfo, list and path, not yet validated as a host.
    pub authority: Span,
    /// The client's version.
    pub version: Version,
    /// How the content is delimited.
    pub framing: Framing,
    /// Whether the client will take another response on this connection.
    pub persistent: bool,
    /// Whether the client waits for 100 (Continue) before it sends its content.
    pub expects_continue: bool,
    /// Whether the client asks for a WebSocket, in the one well-formed way. Any other upgrade is not seen at all.
    pub upgrade: bool,
    /// Whether the client takes trailers: `TE: trailers`, with or without the `Connection: TE` that RFC 9110 §10.1.4 asks
    /// for beside it, as it decides on nothing else.
    pub trailers: bool,
    /// The field lines in their order.
    pub fields: Vec<Field>,
}

/// Parses the request head at the start of `buf` into `head`, which means nothing unless the head is complete.
///
/// Whether a head is accepted does not depend on where reads end. A head that is incomplete but already beyond a limit,
/// or wrong, is refused at once. One CR LF before the request line is skipped (RFC 9112 §2.2).
///
/// # Errors
/// A [`Refusal`]; answer with its status and close the connection.
pub fn parse_request(buf: &[u8], limits: &HeadLimits, head: &mut RequestHead) -> Result<Progress, Refusal> {
    let window = buf.get(..limits.head_bytes).unwrap_or(buf);
    let Some(text) = skip_empty_line(window)? else { return partial(window, limits) };
    let mut slots: Slots<'_> = [const { std::mem::MaybeUninit::uninit() }; MAX_FIELDS];
    let slots = slots.get_mut(..limits.fields.min(MAX_FIELDS)).unwrap_or_default();
    let mut tokens = httparse::Request::new(&mut []);
    let parsed = tokens.parse_with_uninit_headers(text, slots);
    let status = parsed.map_err(|error| field::refusal(error, Refusal::BadRequestLine))?;
    require_line_limits(text, &tokens, limits)?;
    match status {
        httparse::Status::Partial => partial(window, limits),
        httparse::Status::Complete(len) => {
            let taken = window.len() - text.len() + len;
            head.read(window, taken, &tokens)?;
            Ok(Progress::Complete(taken))
        }
    }
}

/// The bytes from the request line on; `None` while an empty line before it is incomplete.
fn skip_empty_line(window: &[u8]) -> Result<Option<&[u8]>, Refusal> {
    let text = match window {
        [] | [b'\r'] => return Ok(None),
        [b'\r', b'\n', rest @ ..] => rest,
        text => text,
    };
    match text {
        [b'\r' | b'\n', ..] => Err(Refusal::LeadingLine),
        text => Ok(Some(text)),
    }
}

/// More bytes are needed, unless the limit leaves no room for them.
pub(crate) fn partial(window: &[u8], limits: &HeadLimits) -> Result<Progress, Refusal> {
    if window.len() >= limits.head_bytes { Err(Refusal::HeadTooLarge) } else { Ok(Progress::Partial) }
}

/// Refuses a method or target that is too long, whether or not its end has arrived.
fn require_line_limits(text: &[u8], tokens: &httparse::Request<'_, '_>, limits: &HeadLimits) -> Result<(), Refusal> {
    let Some(method) = tokens.method else {
        return if Method::is_too_long(text.len()) { Err(Refusal::MethodTooLong) } else { Ok(()) };
    };
    if Method::is_too_long(method.len()) {
        return Err(Refusal::MethodTooLong);
    }
    // Without an end, everything behind the method and its space is target so far.
    let target = tokens.path.map_or_else(|| text.len().saturating_sub(method.len() + 1), str::len);
    if target > limits.target_bytes { Err(Refusal::TargetTooLong) } else { Ok(()) }
}

/// What was seen on the way through the fields.
#[derive(Default)]
struct Seen {
    host: Option<Span>,
    framing: FramingFields,
    connection: Options,
    expects_continue: bool,
    trailers: bool,
}

impl RequestHead {
    fn read(&mut self, buf: &[u8], taken: usize, tokens: &httparse::Request<'_, '_>) -> Result<(), Refusal> {
        let span = |part: Option<&str>| Span::within(buf, part.unwrap_or_default().as_bytes());
        self.method = Method::read(buf, span(tokens.method))?;
        self.version = Version::from_minor(tokens.version)?;
        let mut seen = Seen::default();
        self.read_fields(buf, tokens.headers, &mut seen)?;
        require_crlf(buf, buf.get(..taken).unwrap_or_default(), &self.fields)?;
        self.authority = seen.host.ok_or(Refusal::MissingHost)?;
        let host = self.authority.of(buf);
        target::require_plain_host(host)?;
        self.target = target::read(buf, span(tokens.path), self.method, host)?;
        self.framing = match seen.framing.declared(self.version)? {
            Declared::Nothing => Framing::None,
            Declared::Length(length) => Framing::Sized(length),
            Declared::Chunked => Framing::Chunked,
        };
        seen.connection.require_unprotected(buf)?;
        seen.connection.withhold(buf, &mut self.fields);
        self.persistent = seen.connection.persistent(self.version);
        let has_content = !matches!(self.framing, Framing::None | Framing::Sized(0));
        self.expects_continue = seen.expects_continue && has_content;
        self.trailers = seen.trailers && self.version == Version::Http11;
        self.upgrade = seen.connection.is_websocket()
            && !has_content
            && self.method == Method::Get
            && self.version == Version::Http11;
        Ok(())
    }

    fn read_fields(&mut self, buf: &[u8], tokens: &[httparse::Header<'_>], seen: &mut Seen) -> Result<(), Refusal> {
        self.fields.clear();
        self.fields.reserve(tokens.len());
        for token in tokens {
            let name = token.name.as_bytes();
            let id = Name::find(name);
            let value = Span::within(buf, token.value);
            let forward = !NOT_FORWARDED.contains(id) && !is_alias(id, name);
            if !forward {
                seen.read(buf, id, value, self.version)?;
            }
            self.fields.push(Field { id, name: Span::within(buf, name), value, forward });
        }
        Ok(())
    }
}

impl Seen {
    /// Takes one field that ends here.
    fn read(&mut self, buf: &[u8], id: Name, value: Span, version: Version) -> Result<(), Refusal> {
        let text = value.of(buf);
        match id {
            Name::Host if self.host.is_some() => return Err(Refusal::DuplicateHost),
            Name::Host => self.host = Some(value),
            Name::ContentLength => self.framing.content_length(text)?,
            Name::TransferEncoding => self.framing.transfer_encoding(text)?,
            Name::Connection => self.connection.read(buf, text)?,
            Name::Upgrade => self.connection.read_upgrade(text),
            Name::Te => self.trailers |= list(text).any(|coding| coding.eq_ignore_ascii_case(b"trailers")),
            Name::Expect if version == Version::Http11 => {
                if !list(text).all(|expectation| expectation.eq_ignore_ascii_case(b"100-continue")) {
                    return Err(Refusal::BadExpectation);
                }
                self.expects_continue |= !text.is_empty();
            }
            _ => {}
        }
        Ok(())
    }
}
