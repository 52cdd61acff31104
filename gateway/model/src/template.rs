//! Text with variables, as people know it from nginx: `$name` or `${name}` stands for something of the request.
//!
//! A template is parsed once, and holds no variable that is not known. What it makes is bytes for one place (a key, a URI, a field's
//! value): it is never parsed again, so nothing that a client sends can change what the rest of it means.

mod target;
#[cfg(test)]
mod tests;

use std::io::Write as _;

use crate::request::Request;

pub use self::target::{BadTarget, NoTarget, TargetTemplate};

/// Longest text, in bytes: a URI with everything in it that people put into one.
pub const MAX_TEXT_BYTES: usize = 4 << 10;
/// Most variables in one text. Each may look through all fields of a request.
pub const MAX_VARIABLES: usize = 32;

/// The variables, as people may write them: other names of the same are left out.
const KNOWN: &str = "$args, $arg_NAME, $cookie_NAME, $content_length, $content_type, $escaped_request_uri, $host, $http_NAME, $http_host, \
    $is_args, $remote_addr, $request_id, $request_method, $request_uri, $scheme, $server_port and $uri";

/// A text in which variables stand for parts of a request. Templates are equal if they say the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Template(Box<[Piece]>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Piece {
    Text(Box<str>),
    Variable(Variable),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Variable {
    /// Canonical host without a port.
    Host,
    /// The authority as the client wrote it.
    Authority,
    /// The port that the client named, or its scheme's.
    Port,
    Scheme,
    Method,
    Client,
    /// Path and query as they were sent.
    Uri,
    /// The same, so that it can be a part of a query.
    EscapedUri,
    /// Canonical path.
    Path,
    Query,
    /// The question mark before a query.
    Question,
    /// All values of a field, by its name in lower case.
    Field(Box<str>),
    /// The value of a cookie, its name in any case.
    Cookie(Box<str>),
    /// The value of an argument of the query, its name in any case, as it was sent.
    Argument(Box<str>),
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Nobody knows what the variable stands for.
    #[error("the variable ${0} is not known here; known are {KNOWN}")]
    Unknown(String),
    /// A `$` without a name, or a `${` that nothing closes.
    #[error("a $ has no name of a variable behind it")]
    Nameless,
    /// It could end a line.
    #[error("it has control characters in it")]
    Control,
    /// Longer than [`MAX_TEXT_BYTES`], or with more than [`MAX_VARIABLES`].
    #[error("it is longer than {MAX_TEXT_BYTES} bytes or has more than {MAX_VARIABLES} variables")]
    TooLong,
}

/// What a template makes of a request is longer than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text would be longer than it may be")]
pub struct Overflow;

impl Template {
    /// The template that a text is.
    ///
    /// # Errors
    /// [`TemplateError`], which says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(TemplateError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(TemplateError::Control);
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('$') {
            if !before.is_empty() {
                pieces.push(Piece::Text(before.into()));
            }
            let (name, after) = name(behind).ok_or(TemplateError::Nameless)?;
            pieces.push(Piece::Variable(Variable::named(name)?));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.into()));
        }
        if pieces.iter().filter(|piece| matches!(piece, Piece::Variable(_))).count() > MAX_VARIABLES {
            return Err(TemplateError::TooLong);
        }
        Ok(Self(pieces.into()))
    }

    /// Whether it says the same of every request.
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        !self.0.iter().any(|piece| matches!(piece, Piece::Variable(_)))
    }

    /// Writes what it makes of a request behind what is in `out`, `most` bytes at most. What a request has not is empty.
    ///
    /// # Errors
    /// [`Overflow`] if it is longer; its first `most` bytes are written then.
    pub fn write(&self, request: &Request<'_>, most: usize, out: &mut Vec<u8>) -> Result<(), Overflow> {
        let end = out.len().saturating_add(most);
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Variable(variable) => variable.write(request, out),
            }
            if out.len() > end {
                out.truncate(end);
                return Err(Overflow);
            }
        }
        Ok(())
    }
}

/// The name behind a `$`, and what follows.
pub(crate) fn name(behind: &str) -> Option<(&str, &str)> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let (name, after) = match behind.strip_prefix('{') {
        Some(braced) => braced.split_once('}')?,
        None => behind.split_at_checked(behind.find(|c| !is_of_name(c)).unwrap_or(behind.len()))?,
    };
    (!name.is_empty() && name.chars().all(is_of_name)).then_some((name, after))
}

impl Variable {
    /// Names are alike in any case, as in nginx.
    fn named(name: &str) -> Result<Self, TemplateError> {
        let lower = name.to_ascii_lowercase();
        let of_name = |prefix: &str| lower.strip_prefix(prefix).filter(|rest| !rest.is_empty());
        Ok(match lower.as_str() {
            "host" | "server_name" => Self::Host,
            "http_host" | "best_http_host" => Self::Authority,
            "server_port" | "pass_server_port" => Self::Port,
            "scheme" | "pass_access_scheme" => Self::Scheme,
            "request_method" => Self::Method,
            // As text in any case: who asks for the shorter form wants it for a key.
            "remote_addr" | "binary_remote_addr" | "the_real_ip" => Self::Client,
            "request_uri" => Self::Uri,
            "escaped_request_uri" => Self::EscapedUri,
            "uri" | "document_uri" => Self::Path,
            "args" | "query_string" => Self::Query,
            "is_args" => Self::Question,
            "request_id" | "req_id" => Self::Field("x-request-id".into()),
            "content_length" => Self::Field("content-length".into()),
            "content_type" => Self::Field("content-type".into()),
            _ => match (of_name("http_"), of_name("cookie_"), of_name("arg_")) {
                (Some(field), ..) => Self::Field(field.replace('_', "-").into()),
                (_, Some(cookie), _) => Self::Cookie(cookie.into()),
                (_, _, Some(argument)) => Self::Argument(argument.into()),
                _ => return Err(TemplateError::Unknown(name.to_owned())),
            },
        })
    }

    fn write(&self, request: &Request<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Host => out.extend_from_slice(request.host.as_bytes()),
            Self::Authority => out.extend_from_slice(request.authority),
            Self::Port => out.extend_from_slice(port(request)),
            Self::Scheme => out.extend_from_slice(if request.secure { b"https" } else { b"http" }),
            Self::Method => out.extend_from_slice(request.method),
            // A vector takes any text.
            Self::Client => drop(write!(out, "{}", request.client)),
            Self::Uri => out.extend_from_slice(request.uri),
            Self::EscapedUri => escape(request.uri, UNRESERVED, out),
            Self::Path => out.extend_from_slice(request.path),
            Self::Query => out.extend_from_slice(request.query.unwrap_or_default()),
            Self::Question => {
                out.extend_from_slice(if request.query.is_some_and(|q| !q.is_empty()) { b"?" } else { b"" })
            }
            Self::Field(name) => fields(request, name, out),
            Self::Cookie(name) => out.extend_from_slice(cookie(request, name)),
            Self::Argument(name) => {
                let query = request.query.unwrap_or_default();
                out.extend_from_slice(pair(query, b'&', name).unwrap_or_default());
            }
        }
    }
}

/// All values of a field in one line (RFC 9110 §5.3; RFC 9113 §8.2.3 for cookies).
fn fields(request: &Request<'_>, name: &str, out: &mut Vec<u8>) {
    let between: &[u8] = if name == "cookie" { b"; " } else { b", " };
    let mut is_first = true;
    request.fields.each(name, &mut |value| {
        if !std::mem::take(&mut is_first) {
            out.extend_from_slice(between);
        }
        out.extend_from_slice(value);
    });
}

fn cookie<'r>(request: &Request<'r>, name: &str) -> &'r [u8] {
    let mut found = None;
    request.fields.each("cookie", &mut |value| {
        if found.is_none() {
            found = pair(value, b';', name);
        }
    });
    found.unwrap_or_default()
}

/// The value of the first pair `name=value` of a list.
fn pair<'t>(list: &'t [u8], divider: u8, name: &str) -> Option<&'t [u8]> {
    list.split(|byte| *byte == divider).find_map(|pair| {
        let pair = pair.trim_ascii();
        let (this, value) = pair.split_at_checked(name.len())?;
        this.eq_ignore_ascii_case(name.as_bytes()).then(|| value.strip_prefix(b"="))?
    })
}

/// The port of the authority, or the scheme's (RFC 9110 §4.2).
fn port<'r>(request: &Request<'r>) -> &'r [u8] {
    let at = request.authority.iter().rposition(|&byte| byte == b':' || byte == b']');
    let named = at.and_then(|at| request.authority.get(at..)).and_then(|end| end.strip_prefix(b":"));
    named.filter(|digits| !digits.is_empty()).unwrap_or(if request.secure { b"443" } else { b"80" })
}

/// What is unreserved besides letters and digits (RFC 3986 §2.3).
const UNRESERVED: &[u8] = b"-._~";

/// Everything but letters, digits and what is in `kept` in the form `%41`.
pub(crate) fn escape(bytes: &[u8], kept: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
            out.push(byte);
        } else {
            out.push(b'%');
            out.extend([byte >> 4, byte & 15].iter().filter_map(|digit| HEX.get(usize::from(*digit))));
        }
    }
}
