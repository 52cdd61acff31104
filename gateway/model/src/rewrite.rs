//! What is asked of a backend instead of the path that came.
//!
//! A target is parsed once: literal text, and groups of the route's expression, `$1` to `$9`. What a group has matched is text of a
//! canonical path, and stays that: what is made of it must be canonical as it stands, or the request is refused. So no client can make
//! a `..`, an authority, a query or a line of it.

use thiserror::Error;

use crate::answer::{Answer, Stop};
use crate::denial::Denial;
use crate::expression::{Groups, PathExpression};
use crate::host::Host;
use crate::path::Target;

/// Longest target, in bytes: no path is longer by far.
const MAX_TARGET_BYTES: usize = 2 << 10;
/// Longest path that a rewrite makes, in bytes: as long as one that comes, and a target before it. Groups can be written many times.
const MAX_PATH_BYTES: usize = 16 << 10;

/// What a route asks for instead of the path that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// Scheme and authority of where clients are sent instead; empty: nowhere, the backend is asked.
    origin: Box<str>,
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
}

/// Why a text is no target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadRewrite {
    /// Longer than 2 KiB.
    #[error("it is longer than {MAX_TARGET_BYTES} bytes")]
    Long,
    /// Variables other than groups are not known here.
    #[error("it has a $ that is not one of $1 to $9")]
    Variable,
    /// It has characters that no canonical path has, a query, or dot segments.
    #[error("it is not a path in canonical form")]
    Path,
    /// Text that a client sends must not become one.
    #[error("its host is not written out, with a `/` behind it")]
    Host,
}

/// What comes of a rewrite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// The path that the backend is asked for: canonical.
    pub path: Vec<u8>,
    /// What was taken off, for `X-Forwarded-Prefix`.
    pub prefix: Option<Vec<u8>>,
}

impl Rewrite {
    /// Reads a target: a path, or where clients are sent, with `http://` or `https://` before a host that is written out.
    ///
    /// # Errors
    /// [`BadRewrite`] says why it is none.
    pub fn parse(target: &str) -> Result<Self, BadRewrite> {
        let (origin, path) = split(target)?;
        let path = Pieces::parse(path)?;
        path.check()?;
        Ok(Self { origin: origin.into(), path, prefix: None })
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
    pub fn is_redirect(&self) -> bool {
        !self.origin.is_empty()
    }

    /// What `path` becomes, which `expression` has led to.
    ///
    /// # Errors
    /// [`Denial::BadRewrite`] if it becomes nothing that may be sent, [`Denial::EmptyRewrite`] if it becomes nothing at all; the redirect,
    /// if clients are sent elsewhere: the query goes with them.
    pub fn apply(
        &self,
        expression: Option<&PathExpression>,
        path: &[u8],
        query: Option<&[u8]>,
    ) -> Result<Rewritten, Stop> {
        let groups = match expression {
            Some(expression) => expression.groups(path).map_err(|_| Denial::PathTooCostly)?,
            None => None,
        };
        let made = self.path.fill(path, groups.as_ref())?;
        if self.is_redirect() {
            if !made.is_empty() && !is_canonical(&made) {
                return Err(Denial::BadRewrite.into());
            }
            let query = query.map_or_else(Vec::new, |query| [b"?", query].concat());
            return Err(Answer::redirect(302, [self.origin.as_bytes(), &made, &query].concat()).into());
        }
        if made.is_empty() {
            return Err(Denial::EmptyRewrite.into());
        }
        let prefix = self.prefix.as_ref().map(|prefix| prefix.fill(path, groups.as_ref())).transpose()?;
        let prefix = prefix.filter(|prefix| !prefix.is_empty());
        if !is_own(&made) || prefix.as_ref().is_some_and(|prefix| !is_own(prefix)) {
            return Err(Denial::BadRewrite.into());
        }
        Ok(Rewritten { path: made, prefix })
    }
}

/// Scheme and authority, if there are any, and the path behind them.
fn split(target: &str) -> Result<(&str, &str), BadRewrite> {
    let scheme = ["http://", "https://"].into_iter().find(|scheme| target.starts_with(scheme));
    let Some(scheme) = scheme else { return Ok(("", target)) };
    let end = target.get(scheme.len()..).and_then(|rest| rest.find('/')).map_or(target.len(), |at| at + scheme.len());
    let (origin, path) = target.split_at_checked(end).ok_or(BadRewrite::Host)?;
    let host = origin.get(scheme.len()..).unwrap_or_default();
    Host::parse(host.as_bytes()).map_err(|_| BadRewrite::Host)?;
    Ok((origin, path))
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
            // One digit, as in nginx: `$10` is the first group and a zero.
            let mut after = behind.chars();
            let group = after.next().and_then(|digit| digit.to_digit(10)).filter(|group| *group > 0);
            pieces.push(Piece::Group(group.ok_or(BadRewrite::Variable)? as usize));
            rest = after.as_str();
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.into()));
        }
        Ok(Self(pieces.into()))
    }

    /// Whether it is a canonical path where groups have matched what paths have.
    fn check(&self) -> Result<(), BadRewrite> {
        let begins = match self.0.first() {
            None => return Ok(()),
            Some(Piece::Group(_)) => "/",
            Some(Piece::Text(_)) => "",
        };
        let text = |piece: &Piece| match piece {
            Piece::Text(text) => text.to_string(),
            Piece::Group(_) => "x".to_owned(),
        };
        let sample: String = std::iter::once(begins.to_owned()).chain(self.0.iter().map(text)).collect();
        if is_own(sample.as_bytes()) { Ok(()) } else { Err(BadRewrite::Path) }
    }

    fn fill(&self, path: &[u8], groups: Option<&Groups>) -> Result<Vec<u8>, Denial> {
        let mut out: Vec<u8> = Vec::new();
        for piece in &self.0 {
            let text = match piece {
                Piece::Text(text) => text.as_bytes(),
                Piece::Group(group) => {
                    let span = groups.and_then(|groups| groups.get(*group));
                    let text = span.and_then(|span| path.get(span)).unwrap_or_default();
                    // `/$1` of `/a` is meant as `/a`: the other slash would make an empty element, or an authority.
                    if out.ends_with(b"/") { text.strip_prefix(b"/").unwrap_or(text) } else { text }
                }
            };
            if out.len() + text.len() > MAX_PATH_BYTES {
                return Err(Denial::BadRewrite);
            }
            out.extend_from_slice(text);
        }
        Ok(out)
    }
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
