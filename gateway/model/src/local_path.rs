//! A page of the host that a client asks: its path, written out, or with variables of the request in it.
//!
//! Nothing that a client sends makes another host of it: it begins with one slash, whatever the variables say, and what no URI has
//! (RFC 3986 §2) is percent-encoded, so it never ends a line or the field.

use thiserror::Error;

use crate::denial::Denial;
use crate::destination::{MAX_MADE_BYTES, OF_URI};
use crate::request::Request;
use crate::template::{Overflow, Template, TemplateError, escape};

/// Longest that is written, in bytes: what clients and caches are known to take.
const MAX_BYTES: usize = 2 << 10;

/// A path with its query, as a Location may have it: nothing in it ends a line, or makes a host of its first element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalPath(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Fixed(Box<str>),
    Made(Template),
}

/// Why a text is no such path: what is to be said behind it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadLocalPath {
    /// It does not begin with one slash, is too long, or has characters that no URI has.
    #[error("is not a path of the same host")]
    Path,
    /// Variables that are none.
    #[error("cannot be filled in: {0}")]
    Template(#[from] TemplateError),
}

impl LocalPath {
    /// The path in a text without variables; `None` if it does not begin with one slash, has characters that a URI has not (RFC 3986 §2),
    /// or is too long.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_fit = |byte: u8| byte != b'$' && (byte.is_ascii_alphanumeric() || OF_URI.contains(&byte));
        let is_local = text.starts_with('/') && !text.starts_with("//");
        (is_local && text.len() <= MAX_BYTES && text.bytes().all(is_fit)).then(|| Self(Kind::Fixed(text.into())))
    }

    /// The path in a text that may have variables in it.
    ///
    /// # Errors
    /// [`BadLocalPath`] says why it is none.
    pub fn with_variables(text: &str) -> Result<Self, BadLocalPath> {
        let plain: String = text.chars().map(|c| if matches!(c, '$' | '{' | '}') { 'x' } else { c }).collect();
        match text.contains('$') {
            false => Self::parse(text).ok_or(BadLocalPath::Path),
            true if Self::parse(&plain).is_none() => Err(BadLocalPath::Path),
            true => Ok(Self(Kind::Made(Template::parse(text)?))),
        }
    }

    /// Writes it behind what is in `to`.
    ///
    /// # Errors
    /// [`Denial::BadRewrite`] if it is longer than can be said.
    pub(crate) fn write(&self, request: &Request<'_>, to: &mut Vec<u8>) -> Result<(), Denial> {
        let template = match &self.0 {
            Kind::Fixed(path) => {
                to.extend_from_slice(path.as_bytes());
                return Ok(());
            }
            Kind::Made(template) => template,
        };
        let mut made = Vec::new();
        template.write(request, MAX_MADE_BYTES, &mut made).map_err(|Overflow| Denial::BadRewrite)?;
        let start = to.len();
        let behind = made.iter().position(|byte| *byte != b'/').unwrap_or(made.len());
        to.push(b'/');
        escape(made.get(behind..).unwrap_or_default(), OF_URI, to);
        // What is encoded takes three bytes for one.
        if to.len() - start > MAX_MADE_BYTES { Err(Denial::BadRewrite) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
