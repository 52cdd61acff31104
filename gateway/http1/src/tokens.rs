//! Where the parts of a head stand: one pass over its bytes that finds each token and refuses what may not be where it is
//! (RFC 9112 §2 to §5). A line ends with CR LF and with nothing else.

use crate::field::is_token;
use crate::{Method, Name, Refusal, Span, Version, bytes};

/// Why a head is not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// What comes next decides.
    Partial,
    /// No bytes that follow would make it good.
    Refused(Refusal),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A field line, taken apart.
pub(crate) struct Line {
    pub(crate) id: Name,
    pub(crate) name: Span,
    /// Without the whitespace around it.
    pub(crate) value: Span,
    /// Whether it is written as we would write it: name, `: `, value, CR LF.
    pub(crate) is_plain: bool,
}

/// Takes token after token from the front of a head.
pub(crate) struct Tokens<'b> {
    buf: &'b [u8],
    /// What was not taken yet: the end of `buf`.
    rest: &'b [u8],
}

impl<'b> Tokens<'b> {
    /// Of the head that begins at `at`. What lies beyond 4 GiB is not seen: a [`Span`] cannot say where it is.
    pub(crate) fn new(buf: &'b [u8], at: usize) -> Self {
        let buf = buf.get(..u32::MAX as usize).unwrap_or(buf);
        Self { buf, rest: buf.get(at..).unwrap_or_default() }
    }

    /// Offset behind what was taken.
    #[inline]
    pub(crate) const fn at(&self) -> usize {
        self.buf.len() - self.rest.len()
    }

    /// The next `len` bytes, and takes them with the `more` behind them.
    fn take(&mut self, len: usize, more: usize) -> Span {
        let start = self.at();
        self.rest = self.rest.get(len + more..).unwrap_or_default();
        Span::at(start, len)
    }

    /// The method and the space behind it.
    pub(crate) fn method(&mut self) -> Result<Span, Stop> {
        let rest = self.rest;
        let len = rest.iter().position(|&byte| !bytes::is(byte, bytes::TOKEN)).unwrap_or(rest.len());
        if Method::is_too_long(len) {
            return Err(Refusal::MethodTooLong.into());
        }
        self.part_of_request_line(len)
    }

    /// The request target, of at most `most` bytes, and the space behind it. It is UTF-8; what else may stand in it is not
    /// decided here.
    pub(crate) fn target(&mut self, most: usize) -> Result<Span, Stop> {
        let len = bytes::before_blank(self.rest);
        if len > most {
            return Err(Refusal::TargetTooLong.into());
        }
        let target = self.part_of_request_line(len)?;
        let text = target.of(self.buf);
        let is_text = text.is_ascii() || std::str::from_utf8(text).is_ok();
        if is_text { Ok(target) } else { Err(Refusal::BadRequestLine.into()) }
    }

    fn part_of_request_line(&mut self, len: usize) -> Result<Span, Stop> {
        match self.rest.get(len) {
            Some(b' ') if len > 0 => Ok(self.take(len, b" ".len())),
            Some(_) => Err(Refusal::BadRequestLine.into()),
            None => Err(Stop::Partial),
        }
    }

    pub(crate) fn version(&mut self) -> Result<Version, Stop> {
        let rest = self.rest;
        let version = match rest.first_chunk() {
            Some(b"HTTP/1.1") => Version::Http11,
            Some(b"HTTP/1.0") => Version::Http10,
            None if b"HTTP/1.".starts_with(rest) => return Err(Stop::Partial),
            _ => return Err(Refusal::UnsupportedVersion.into()),
        };
        self.take(b"HTTP/1.1".len(), 0);
        Ok(version)
    }

    /// The space before a status code, and the code: 100 to 599.
    pub(crate) fn status(&mut self) -> Result<u16, Stop> {
        match *self.rest {
            [b' ', a @ b'1'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', b' ' | b'\r' | b'\n', ..] => {
                self.take(b" 200".len(), 0);
                let digit = |byte: u8| u16::from(byte - b'0');
                Ok(digit(a) * 100 + digit(b) * 10 + digit(c))
            }
            ref rest if rest.len() < b" 200 ".len() => Err(Stop::Partial),
            _ => Err(Refusal::BadStatusLine.into()),
        }
    }

    /// The reason phrase, which may be missing together with the space before it, and the end of the line. Empty if it has
    /// bytes beyond ASCII.
    pub(crate) fn reason(&mut self) -> Result<Span, Stop> {
        self.rest = self.rest.strip_prefix(b" ").unwrap_or(self.rest);
        let reason = self.take(bytes::value_bytes(self.rest), 0);
        self.line_end(Refusal::BadStatusLine)?;
        Ok(if reason.of(self.buf).is_ascii() { reason } else { Span::default() })
    }

    /// The end of a line; `otherwise` if something else stands there.
    pub(crate) fn line_end(&mut self, otherwise: Refusal) -> Result<(), Stop> {
        match self.rest {
            [b'\r', b'\n', rest @ ..] => {
                self.rest = rest;
                Ok(())
            }
            [] | [b'\r'] => Err(Stop::Partial),
            [b'\n', ..] => Err(Refusal::BareLineFeed.into()),
            _ => Err(otherwise.into()),
        }
    }

    /// All field lines, at most `most`, and the empty line that ends the head. `with` gets one after the other.
    #[inline]
    pub(crate) fn fields(
        &mut self,
        most: usize,
        mut with: impl FnMut(Line) -> Result<(), Refusal>,
    ) -> Result<(), Stop> {
        let mut left = most;
        loop {
            let start = self.at();
            let (name, rest) = self.rest.split_at_checked(bytes::before_colon(self.rest)).unwrap_or_default();
            let [b':', rest @ ..] = rest else { return self.end(name) };
            let id = Name::find(name);
            // A name that is known is a token.
            if id == Name::Other && !is_token(name) {
                return Err(Refusal::BadFieldName.into());
            }
            let (space, rest) = match rest {
                [b' ', rest @ ..] => (1, rest),
                rest => (0, rest),
            };
            let (text, rest) = rest.split_at_checked(bytes::value_bytes(rest)).unwrap_or_default();
            self.rest = rest;
            self.line_end(Refusal::BadFieldValue)?;
            left = left.checked_sub(1).ok_or(Refusal::TooManyFields)?;
            let (before, value) = trim(text);
            let name = Span::at(start, name.len());
            let value_at = name.end() + b":".len() + space + before;
            let is_plain = space == 1 && value.len() == text.len();
            with(Line { id, name, value: Span::at(value_at, value.len()), is_plain })?;
        }
    }

    /// What stands where a field line should begin, `name` first, and has no colon.
    fn end(&mut self, name: &[u8]) -> Result<(), Stop> {
        match self.rest {
            [] | [b'\r' | b'\n', ..] => self.line_end(Refusal::BadLineEnd),
            // The rest of the name may be on its way.
            rest if rest.len() == name.len() && is_token(name) => Err(Stop::Partial),
            _ => Err(Refusal::BadFieldName.into()),
        }
    }
}

/// The text without the whitespace around it, and how much of that stood before.
#[inline]
fn trim(text: &[u8]) -> (usize, &[u8]) {
    let mut value = text;
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    let before = text.len() - value.len();
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    (before, value)
}
