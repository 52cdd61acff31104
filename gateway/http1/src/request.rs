//! A request head: from bytes to typed parts, or a reason to refuse.

use crate::connection::Options;
use crate::field::{HOP_BY_HOP, is_alias, list};
use crate::framing::{Declared, FramingFields};
use crate::target;
use crate::tokens::{Stop, Tokens};
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
    let read = empty_line(window).and_then(|at| head.read(Tokens::new(window, at), window, limits));
    progress(read, window, limits)
}

/// Where the request line begins: behind the empty line that may stand before it.
fn empty_line(window: &[u8]) -> Result<usize, Stop> {
    let (at, text) = match window {
        [b'\r'] => return Err(Stop::Partial),
        [b'\r', b'\n', rest @ ..] => (2, rest),
        text => (0, text),
    };
    match text {
        [b'\r' | b'\n', ..] => Err(Refusal::LeadingLine.into()),
        _ => Ok(at),
    }
}

/// What became of a head. If more bytes are needed, the limit must leave room for them.
pub(crate) fn progress(read: Result<usize, Stop>, window: &[u8], limits: &HeadLimits) -> Result<Progress, Refusal> {
    match read {
        Ok(bytes) => Ok(Progress::Complete(bytes)),
        Err(Stop::Refused(refusal)) => Err(refusal),
        Err(Stop::Partial) if window.len() >= limits.head_bytes => Err(Refusal::HeadTooLarge),
        Err(Stop::Partial) => Ok(Progress::Partial),
    }
}

/// What was seen on the way through the fields.
#[derive(Default)]
struct Seen {
    host: Option<Span>,
    framing: FramingFields,
    connection: Options,
    expects_continue: bool,
    trailers: bool,
    /// What is wrong with the first field that is.
    refusal: Option<Refusal>,
}

impl RequestHead {
    /// Returns how many bytes of `buf` the head takes.
    fn read(&mut self, mut tokens: Tokens<'_>, buf: &[u8], limits: &HeadLimits) -> Result<usize, Stop> {
        self.method = Method::read(buf, tokens.method()?)?;
        let target = tokens.target(limits.target_bytes)?;
        self.version = tokens.version()?;
        tokens.line_end(Refusal::BadLineEnd)?;
        let mut seen = Seen::default();
        self.read_fields(&mut tokens, buf, limits, &mut seen)?;
        self.authority = seen.host.ok_or(Refusal::MissingHost)?;
        let host = self.authority.of(buf);
        target::require_plain_host(host)?;
        self.target = target::read(buf, target, self.method, host)?;
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
        Ok(tokens.at())
    }

    fn read_fields(
        &mut self,
        tokens: &mut Tokens<'_>,
        buf: &[u8],
        limits: &HeadLimits,
        seen: &mut Seen,
    ) -> Result<(), Stop> {
        let (version, fields) = (self.version, &mut self.fields);
        fields.clear();
        tokens.fields(limits.fields.min(MAX_FIELDS), |line| {
            let forward = !NOT_FORWARDED.contains(line.id) && !is_alias(line.id, line.name.of(buf));
            if !forward && let Err(refusal) = seen.read(buf, line.id, line.value, version) {
                // What is no head at all is called so first.
                seen.refusal.get_or_insert(refusal);
            }
            fields.push(Field::new(line, forward));
            Ok(())
        })?;
        seen.refusal.map_or(Ok(()), |refusal| Err(refusal.into()))
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
