//! Where a route has moved: a URI that is written out, or one in which variables and groups stand for parts of the request.
//!
//! Scheme and authority are the author's: written out, or those of the request, which are known to be a scheme and a host. What a client sends is text
//! behind a slash, a question mark or a number sign, and so never another authority; what no URI has (RFC 3986 §2) is percent-encoded,
//! so it never ends a line or the field.

#[cfg(test)]
mod tests;

use thiserror::Error;

use crate::denial::Denial;
use crate::expression::PathExpression;
use crate::host::Host;
use crate::location::Location;
use crate::redirect::port_of;
use crate::request::Request;
use crate::template::{MAX_VARIABLES, Overflow, Template, TemplateError, escape, name};

/// Longest that is made, in bytes: what browsers and servers take of a URI.
pub(crate) const MAX_MADE_BYTES: usize = 16 << 10;

/// Variables that stand for the host of the request, and whether its port is said with it.
const HOSTS: [(&str, bool); 4] =
    [("best_http_host", true), ("host", false), ("http_host", true), ("server_name", false)];

/// Characters that a URI has (RFC 3986 §2), and the percent sign of those that it has in other words.
pub(crate) const OF_URI: &[u8] = b"-._~:/?#[]@!$&'()*+,;=%";

/// What may stand right behind an authority: a path, or the sign before a query.
const BEGINNINGS: [&str; 4] = ["document_uri", "is_args", "request_uri", "uri"];

/// Where clients are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Fixed(Location),
    Made { origin: Origin, rest: Box<[Piece]> },
}

/// Scheme and authority of a URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// `None`: that of the request.
    scheme: Option<&'static str>,
    authority: Authority,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Authority {
    Fixed(Box<str>),
    /// The request's host, with what is written before it and behind it.
    Own {
        before: Box<str>,
        behind: Box<str>,
        with_port: bool,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(Template),
    /// What this group of the route's expression has matched; nothing if there is none.
    Group(usize),
}

/// Why a text is no destination: what is to be said behind it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadDestination {
    /// No URI that a Location field may have.
    #[error("is not an absolute URI of http or https")]
    Location,
    /// A client could choose whose it is.
    #[error(
        "has a host that a client could choose: it must be written out, or $host, $http_host or $best_http_host, with a port in digits, a path, $request_uri, $uri or $is_args behind it"
    )]
    Host,
    /// Variables that are none.
    #[error("cannot be filled in: {0}")]
    Template(#[from] TemplateError),
}

impl Destination {
    /// Reads a URI with variables, and `$1` to `$9` for groups.
    ///
    /// # Errors
    /// [`BadDestination`] says why it is none.
    pub fn parse(text: &str) -> Result<Self, BadDestination> {
        if let Some(fixed) = Location::parse(text) {
            return Ok(Self(Kind::Fixed(fixed)));
        }
        let (scheme, rest) = Origin::scheme(text).ok_or(BadDestination::Location)?;
        // Without variables it would be what it has just been found not to be.
        let plain: String = rest.chars().map(|c| if matches!(c, '$' | '{' | '}') { 'x' } else { c }).collect();
        if !text.contains('$') || Location::parse(&format!("https://{plain}")).is_none() {
            return Err(BadDestination::Location);
        }
        let (authority, rest) = Authority::split(rest).ok_or(BadDestination::Host)?;
        Ok(Self(Kind::Made { origin: Origin { scheme, authority }, rest: pieces(rest)? }))
    }

    /// The URI, if it is the same for every request.
    #[must_use]
    pub fn fixed(&self) -> Option<&Location> {
        match &self.0 {
            Kind::Fixed(location) => Some(location),
            Kind::Made { .. } => None,
        }
    }

    /// Whether groups of the route's expression are parts of it.
    #[must_use]
    pub fn has_groups(&self) -> bool {
        matches!(&self.0, Kind::Made { rest, .. } if rest.iter().any(|piece| matches!(piece, Piece::Group(_))))
    }

    /// Where a request is sent, which `expression` has led to.
    ///
    /// # Errors
    /// [`Denial::BadRewrite`] if it is longer than can be said or its host is none, [`Denial::PathTooCostly`] if the groups cannot be
    /// found.
    pub fn of(&self, request: &Request<'_>, expression: Option<&PathExpression>) -> Result<Vec<u8>, Denial> {
        let (origin, rest) = match &self.0 {
            Kind::Fixed(location) => return Ok(location.as_str().into()),
            Kind::Made { origin, rest } => (origin, rest),
        };
        let groups = match expression {
            Some(expression) if self.has_groups() => {
                expression.groups(request.path).map_err(|_| Denial::PathTooCostly)?
            }
            _ => None,
        };
        let mut made = Vec::new();
        for piece in rest {
            let left = MAX_MADE_BYTES.saturating_sub(made.len());
            match piece {
                Piece::Text(text) => text.write(request, left, &mut made).map_err(|Overflow| Denial::BadRewrite)?,
                Piece::Group(group) => {
                    let span = groups.as_ref().and_then(|groups| groups.get(*group));
                    let text = span.and_then(|span| request.path.get(span)).unwrap_or_default();
                    if text.len() > left {
                        return Err(Denial::BadRewrite);
                    }
                    made.extend_from_slice(text);
                }
            }
        }
        let mut to = Vec::new();
        origin.write(request, &mut to)?;
        // Whatever is made of the rest, it is not the end of a host.
        if !matches!(made.first(), None | Some(b'/' | b'?' | b'#')) {
            to.push(b'/');
        }
        escape(&made, OF_URI, &mut to);
        // What is encoded takes three bytes for one.
        if to.len() > MAX_MADE_BYTES { Err(Denial::BadRewrite) } else { Ok(to) }
    }
}

impl Origin {
    /// The scheme that a text begins with, and what follows the slashes. `None`: it begins with none.
    fn scheme(text: &str) -> Option<(Option<&'static str>, &str)> {
        let (scheme, rest) = text.split_once("://")?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Some("http://"),
            "https" => Some("https://"),
            "$scheme" | "${scheme}" => None,
            _ => return None,
        };
        Some((scheme, rest))
    }

    /// Whether a text begins with a scheme.
    pub(crate) fn begins(text: &str) -> bool {
        Self::scheme(text).is_some()
    }

    /// The origin that a text begins with, and what follows. `None`: a client could choose it.
    pub(crate) fn split(text: &str) -> Option<(Self, &str)> {
        let (scheme, rest) = Self::scheme(text)?;
        let (authority, rest) = Authority::split(rest)?;
        Some((Self { scheme, authority }, rest))
    }

    /// Writes it behind what is in `to`.
    ///
    /// # Errors
    /// [`Denial::BadRewrite`] if the host is none.
    pub(crate) fn write(&self, request: &Request<'_>, to: &mut Vec<u8>) -> Result<(), Denial> {
        let own = if request.secure { "https://" } else { "http://" };
        to.extend_from_slice(self.scheme.unwrap_or(own).as_bytes());
        self.authority.write(request, to)
    }
}

impl Authority {
    /// The authority that a text begins with, and what follows. `None`: a client could choose it.
    fn split(text: &str) -> Option<(Self, &str)> {
        let (before, rest) = literal(text)?;
        let own = rest.strip_prefix('$').and_then(name).and_then(|(name, rest)| {
            let (_, with_port) = HOSTS.iter().find(|(host, _)| host.eq_ignore_ascii_case(name))?;
            Some((*with_port, rest))
        });
        let (authority, rest) = match own {
            None => {
                Host::parse(before.as_bytes()).ok()?;
                (Self::Fixed(before.into()), rest)
            }
            Some((with_port, rest)) => {
                let (behind, rest) = literal(rest)?;
                Host::parse(format!("{before}x{behind}").as_bytes()).ok()?;
                let with_port = with_port && behind.is_empty();
                (Self::Own { before: before.into(), behind: behind.into(), with_port }, rest)
            }
        };
        let Some(variable) = rest.strip_prefix('$') else { return Some((authority, rest)) };
        let (begins, behind) = match group(variable) {
            Some((_, behind)) => (true, behind),
            None => name(variable).map(|(name, behind)| (is_any(name, &BEGINNINGS), behind))?,
        };
        let ends = behind.is_empty() || behind.starts_with(['/', '?', '#', '$']);
        (begins && ends).then_some((authority, rest))
    }

    fn write(&self, request: &Request<'_>, to: &mut Vec<u8>) -> Result<(), Denial> {
        match self {
            Self::Fixed(authority) => to.extend_from_slice(authority.as_bytes()),
            Self::Own { before, behind, with_port } => {
                let port = port_of(request.authority).filter(|_| *with_port).unwrap_or_default();
                let authority = [before.as_bytes(), request.host.as_bytes(), behind.as_bytes(), port].concat();
                // An address with more before it, or a name that has become too long.
                Host::parse(&authority).map_err(|_| Denial::BadRewrite)?;
                to.extend_from_slice(&authority);
            }
        }
        Ok(())
    }
}

/// What is written out of an authority, and what follows.
fn literal(text: &str) -> Option<(&str, &str)> {
    text.split_at_checked(text.find(['/', '?', '#', '$']).unwrap_or(text.len()))
}

fn is_any(name: &str, known: &[&str]) -> bool {
    known.iter().any(|one| one.eq_ignore_ascii_case(name))
}

/// The group that a text behind a `$` begins with, and what follows. One digit, as in nginx: `$10` is the first group and a zero.
pub(crate) fn group(behind: &str) -> Option<(usize, &str)> {
    let (digit, after) = match behind.strip_prefix('{') {
        Some(braced) => braced.split_once('}')?,
        None => behind.split_at_checked(1)?,
    };
    let group = digit.parse::<usize>().ok().filter(|group| (1..=9).contains(group) && digit.len() == 1)?;
    Some((group, after))
}

/// Text with variables and groups.
fn pieces(text: &str) -> Result<Box<[Piece]>, TemplateError> {
    if text.matches('$').count() > MAX_VARIABLES {
        return Err(TemplateError::TooLong);
    }
    let (mut pieces, mut from, mut at) = (Vec::new(), 0, 0);
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    while let Some(found) = part(at, text.len()).find('$') {
        let sign = at + found;
        at = sign + 1;
        let Some((group, after)) = group(part(at, text.len())) else { continue };
        if from < sign {
            pieces.push(Piece::Text(Template::parse(part(from, sign))?));
        }
        pieces.push(Piece::Group(group));
        at = text.len() - after.len();
        from = at;
    }
    if from < text.len() {
        pieces.push(Piece::Text(Template::parse(part(from, text.len()))?));
    }
    Ok(pieces.into())
}
