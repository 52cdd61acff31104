//! What is asked of a backend instead of the path that came.
//!
//! A target is parsed once: literal text, groups of the route's expression, `$1` to `$9`, and variables. What a group has matched is text
//! of a canonical path, and stays that. The value of a variable is letters and no more: what a path has not is percent-encoded, a percent
//! sign as well. What is made of all that must be canonical as it stands, or the request is refused. So no client can make a `..`, an
//! authority, a query or a line of it.

use thiserror::Error;

use crate::answer::{Answer, Stop};
use crate::denial::Denial;
use crate::destination::{Origin, group};
use crate::expression::{Groups, PathExpression};
use crate::path::Target;
use crate::request::Request;
use crate::template::{MAX_VARIABLES, Overflow, Template, TemplateError, escape, name};

/// Longest target, in bytes: no path is longer by far.
const MAX_TARGET_BYTES: usize = 2 << 10;
/// Longest path that a rewrite makes, in bytes: as long as one that comes, and a target before it. Groups can be written many times.
const MAX_PATH_BYTES: usize = 16 << 10;
/// Characters that stand for themselves in a path, besides letters and digits (RFC 3986 §3.3).
const OF_PATH: &[u8] = b"-._~/!$&'()*+,;=:@";

/// What a route asks for instead of the path that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// Where clients are sent instead; `None`: nowhere, the backend is asked.
    origin: Option<Origin>,
    path: Pieces,
    /// What the backend is told that was taken off.
    prefix: Option<Pieces>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Pieces(Box<[Piece]>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(Box<str>),
    /// What this group has matched; nothing if there is none.
    Group(usize),
    /// The path that came.
    Path,
    /// Another variable.
    Variable(Template),
}

/// Why a text is no target.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadRewrite {
    /// Longer than 2 KiB.
    #[error("it is longer than {MAX_TARGET_BYTES} bytes")]
    Long,
    /// A `$` that is none of `$1` to `$9`, and no variable either.
    #[error("it cannot be filled in: {0}, and $1 to $9")]
    Variable(#[from] TemplateError),
    /// Each may look through all fields of a request.
    #[error("it has more than {MAX_VARIABLES} variables besides $1 to $9")]
    Variables,
    /// It has characters that no canonical path has, a query, or dot segments.
    #[error("it is not a path in canonical form")]
    Path,
    /// Text that a client sends must not become one.
    #[error("its host is neither written out nor $host, $http_host or $best_http_host, with a `/` behind it")]
    Host,
}

/// What comes of a rewrite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// The path that the backend is asked for: canonical.
    pub path: Vec<u8>,
    /// What was taken off, for `X-Forwarded-Prefix`; empty: nothing, and nobody else says otherwise. `None`: nobody asks.
    pub prefix: Option<Vec<u8>>,
}

impl Rewrite {
    /// Reads a target: a path, or where clients are sent, with `http://`, `https://` or `$scheme://` before a host that no client chooses.
    ///
    /// # Errors
    /// [`BadRewrite`] says why it is none.
    pub fn parse(target: &str) -> Result<Self, BadRewrite> {
        let (origin, path) = split(target)?;
        let path = Pieces::parse(path)?;
        path.check()?;
        Ok(Self { origin, path, prefix: None })
    }

    /// The same, of which the backend is told what was taken off.
    ///
    /// # Errors
    /// [`BadRewrite`] says why `prefix` is no path.
    pub fn telling(self, prefix: &str) -> Result<Self, BadRewrite> {
        let prefix = Pieces::parse(prefix)?;
        prefix.check()?;
        Ok(Self { prefix: Some(prefix), ..self })
    }

    /// Whether clients are sent elsewhere, rather than a backend asked.
    #[must_use]
    pub const fn is_redirect(&self) -> bool {
        self.origin.is_some()
    }

    /// What the path of a request becomes, which `expression` has led to.
    ///
    /// # Errors
    /// [`Denial::BadRewrite`] if it becomes nothing that may be sent, [`Denial::EmptyRewrite`] if it becomes nothing at all; the redirect,
    /// if clients are sent elsewhere: the query goes with them.
    pub fn apply(&self, request: &Request<'_>, expression: Option<&PathExpression>) -> Result<Rewritten, Stop> {
        let groups = match expression {
            Some(expression) => expression.groups(request.path).map_err(|_| Denial::PathTooCostly)?,
            None => None,
        };
        let made = self.path.fill(request, groups.as_ref())?;
        if let Some(origin) = &self.origin {
            if !made.is_empty() && !is_canonical(&made) {
                return Err(Denial::BadRewrite.into());
            }
            let mut to = Vec::new();
            origin.write(request, &mut to)?;
            to.extend_from_slice(&made);
            if let Some(query) = request.query {
                to.push(b'?');
                to.extend_from_slice(query);
            }
            return Err(Answer::redirect(302, to).into());
        }
        if made.is_empty() {
            return Err(Denial::EmptyRewrite.into());
        }
        let prefix = self.prefix.as_ref().map(|prefix| prefix.fill(request, groups.as_ref())).transpose()?;
        if !is_own(&made) || prefix.as_ref().is_some_and(|prefix| !prefix.is_empty() && !is_own(prefix)) {
            return Err(Denial::BadRewrite.into());
        }
        Ok(Rewritten { path: made, prefix })
    }
}

/// Scheme and authority, if there are any, and the path behind them.
fn split(target: &str) -> Result<(Option<Origin>, &str), BadRewrite> {
    if !Origin::begins(target) {
        return Ok((None, target));
    }
    let (origin, path) = Origin::split(target).ok_or(BadRewrite::Host)?;
    if path.is_empty() || path.starts_with('/') { Ok((Some(origin), path)) } else { Err(BadRewrite::Host) }
}

impl Pieces {
    fn parse(text: &str) -> Result<Self, BadRewrite> {
        if text.len() > MAX_TARGET_BYTES {
            return Err(BadRewrite::Long);
        }
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some((before, behind)) = rest.split_once('$') {
            if !before.is_empty() {
                pieces.push(Piece::Text(before.into()));
            }
            let (piece, after) = match group(behind) {
                Some((group, after)) => (Piece::Group(group), after),
                None => variable(behind)?,
            };
            pieces.push(piece);
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.into()));
        }
        if pieces.iter().filter(|piece| matches!(piece, Piece::Variable(_))).count() > MAX_VARIABLES {
            return Err(BadRewrite::Variables);
        }
        Ok(Self(pieces.into()))
    }

    /// Whether it is a canonical path where groups and variables are what paths have.
    fn check(&self) -> Result<(), BadRewrite> {
        let begins = match self.0.first() {
            None => return Ok(()),
            Some(Piece::Text(_)) => "",
            Some(_) => "/",
        };
        let text = |piece: &Piece| match piece {
            Piece::Text(text) => text.to_string(),
            _ => "x".to_owned(),
        };
        let sample: String = std::iter::once(begins.to_owned()).chain(self.0.iter().map(text)).collect();
        if is_own(sample.as_bytes()) { Ok(()) } else { Err(BadRewrite::Path) }
    }

    fn fill(&self, request: &Request<'_>, groups: Option<&Groups>) -> Result<Vec<u8>, Denial> {
        let mut out: Vec<u8> = Vec::new();
        for piece in &self.0 {
            // `/$1` of `/a` is meant as `/a`: the other slash would make an empty element, or an authority.
            let has_slash = out.ends_with(b"/");
            let once = |text| if has_slash { without_slash(text) } else { text };
            match piece {
                Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Path => out.extend_from_slice(once(request.path)),
                Piece::Group(group) => {
                    let span = groups.and_then(|groups| groups.get(*group));
                    out.extend_from_slice(once(span.and_then(|span| request.path.get(span)).unwrap_or_default()));
                }
                Piece::Variable(variable) => {
                    let mut value = Vec::new();
                    let left = MAX_PATH_BYTES.saturating_sub(out.len());
                    variable.write(request, left, &mut value).map_err(|Overflow| Denial::BadRewrite)?;
                    escape(once(&value), OF_PATH, &mut out);
                }
            }
            if out.len() > MAX_PATH_BYTES {
                return Err(Denial::BadRewrite);
            }
        }
        Ok(out)
    }
}

/// The variable that a text behind a `$` begins with, and what follows.
fn variable(behind: &str) -> Result<(Piece, &str), TemplateError> {
    let (name, after) = name(behind).ok_or(TemplateError::Nameless)?;
    let piece = match name.to_ascii_lowercase().as_str() {
        "uri" | "document_uri" => Piece::Path,
        _ => Piece::Variable(Template::parse(&format!("${{{name}}}"))?),
    };
    Ok((piece, after))
}

fn without_slash(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"/").unwrap_or(text)
}

/// Whether it is a path that stays as it is, by whomever it is read.
fn is_canonical(path: &[u8]) -> bool {
    parsed(path).is_some()
}

/// The same, and nobody takes its beginning for an authority, not even who takes escaped slashes for slashes.
fn is_own(path: &[u8]) -> bool {
    let is_authority = |path: &[u8]| path.starts_with(b"//");
    parsed(path).is_some_and(|target| {
        !is_authority(path) && target.separated().is_none_or(|separated| !is_authority(&separated))
    })
}

fn parsed(path: &[u8]) -> Option<Target<'_>> {
    Target::parse(path).ok().filter(|target| target.query.is_none() && *target.path == *path)
}

#[cfg(test)]
mod tests;
