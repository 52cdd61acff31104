//! What request and response heads share: fields and limits.

use crate::tokens::Line;
use crate::{Name, NameSet, Span, bytes};

/// Most fields of a head, whatever the limits say: rules look at each of them, some at each for each other.
pub const MAX_FIELDS: usize = 100;

/// One field line of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name, if some rule knows it.
    pub id: Name,
    /// The name as it was spelled.
    pub name: Span,
    /// The value without the whitespace around it. Bytes from 0x80 are opaque.
    pub value: Span,
    /// Whether the field may be written onward. Not so for what ends at this hop: framing, Host (written anew), Expect,
    /// hop-by-hop fields, what Connection nominates, and in requests names with anything but letters, digits and
    /// hyphens: many backends cannot tell `X_Real_IP` from `X-Real-IP`.
    pub forward: bool,
    /// Whether its line stands in the buffer as it would be written: name, `: `, value, CR LF.
    pub(crate) is_plain: bool,
}

impl Field {
    pub(crate) fn new(Line { id, name, value, is_plain }: Line, forward: bool) -> Self {
        Self { id, name, value, forward, is_plain }
    }

    /// Where its whole line stands in the buffer, if it stands there as it would be written.
    #[inline]
    pub(crate) fn as_written(&self) -> Option<std::ops::Range<usize>> {
        self.is_plain.then(|| self.name.start()..self.value.end() + b"\r\n".len())
    }
}

/// How large a head may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// Most bytes of the head, start line and final empty line included.
    pub head_bytes: usize,
    /// Most bytes of the request target.
    pub target_bytes: usize,
    /// Most fields; more than [`MAX_FIELDS`] means [`MAX_FIELDS`].
    pub fields: usize,
}

impl Default for HeadLimits {
    /// 32 KiB, 8 KiB and 100 fields: above what browsers send, below what hurts.
    fn default() -> Self {
        Self { head_bytes: 32 << 10, target_bytes: 8 << 10, fields: MAX_FIELDS }
    }
}

/// How far a head has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// More bytes are needed; parse again from the start of the head when there are some.
    Partial,
    /// The head is complete and took this many bytes of the buffer; content begins there.
    Complete(usize),
}

/// The version of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    #[default]
    Http11,
}

/// Fields that end at this hop in both directions: RFC 9110 §7.6.1, what older agents send in that role, and framing,
/// which is decided and written anew.
pub(crate) const HOP_BY_HOP: NameSet = NameSet::of(&[
    Name::Connection,
    Name::ContentLength,
    Name::Http2Settings,
    Name::KeepAlive,
    Name::ProxyAuthenticate,
    Name::ProxyAuthorization,
    Name::ProxyConnection,
    Name::Te,
    Name::Trailer,
    Name::TransferEncoding,
    Name::Upgrade,
]);

/// Whether the name may be the alias of another one: to a backend that makes variables of names, `-`, `_` and every
/// other sign are `_`.
pub(crate) fn is_alias(id: Name, name: &[u8]) -> bool {
    id == Name::Other && !name.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The elements of a comma-separated list, without whitespace; empty elements are skipped (RFC 9110 §5.6.1.2).
pub(crate) fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trim).filter(|element| !element.is_empty())
}

/// Without the optional whitespace (space and tab only) at both ends.
fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// Whether the bytes are one token (RFC 9110 §5.6.2).
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && bytes::all(text, bytes::TOKEN)
}
