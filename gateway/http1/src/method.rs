//! The request method.

use crate::{Refusal, Span};

/// Most bytes of a method: the longest registered one (UPDATEREDIRECTREF) has 17.
const METHOD_BYTES: usize = 32;

/// The request method (RFC 9110 §9). Case matters: `get` is [`Method::Other`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// GET.
    #[default]
    Get,
    /// HEAD.
    Head,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// DELETE.
    Delete,
    /// OPTIONS.
    Options,
    /// PATCH (RFC 5789).
    Patch,
    /// Any other token of at most 32 bytes, never CONNECT, TRACE or TRACK.
    Other(Span),
}

impl Method {
    /// Decides on the method at `span` of `buf`, which is known to be a token that is not [too long](Self::is_too_long).
    pub(crate) fn read(buf: &[u8], span: Span) -> Result<Self, Refusal> {
        Ok(match span.of(buf) {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"POST" => Self::Post,
            b"PUT" => Self::Put,
            b"DELETE" => Self::Delete,
            b"OPTIONS" => Self::Options,
            b"PATCH" => Self::Patch,
            other if is_refused(other) => return Err(Refusal::MethodRefused),
            _ => Self::Other(span),
        })
    }

    /// Whether a method of so many bytes is too long.
    pub(crate) const fn is_too_long(bytes: usize) -> bool {
        bytes > METHOD_BYTES
    }

    /// Whether the method asks for nothing to be changed (RFC 9110 §9.2.1).
    pub const fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Options)
    }

    /// Whether sending it twice has the effect of sending it once (RFC 9110 §9.2.2).
    pub const fn is_idempotent(self) -> bool {
        self.is_safe() || matches!(self, Self::Put | Self::Delete)
    }

    /// Whether the response has no content whatever it says.
    pub const fn is_head(self) -> bool {
        matches!(self, Self::Head)
    }

    /// The method as it is written. `buf` is the buffer that the head was parsed from.
    pub fn bytes(self, buf: &[u8]) -> &[u8] {
        match self {
            Self::Get => b"GET",
            Self::Head => b"HEAD",
            Self::Post => b"POST",
            Self::Put => b"PUT",
            Self::Delete => b"DELETE",
            Self::Options => b"OPTIONS",
            Self::Patch => b"PATCH",
            Self::Other(span) => span.of(buf),
        }
    }
}

/// In any case: a backend that folds case must not be offered a tunnel or an echo either.
fn is_refused(method: &[u8]) -> bool {
    [&b"CONNECT"[..], b"TRACE", b"TRACK"].iter().any(|refused| refused.eq_ignore_ascii_case(method))
}
