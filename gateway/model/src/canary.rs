//! A second version of a backend, which takes a part of a route's requests.

use std::sync::Arc;

use regex::bytes::{Regex, RegexBuilder};
use thiserror::Error;

use crate::backend::Backend;
use crate::balance::{Affinity, Side};
use crate::request::Request;
use crate::settings::Settings;

/// Longest pattern, in bytes, and most memory of what is made of it: every client makes it run.
const MAX_PATTERN_BYTES: usize = 1 << 10;
const MAX_COMPILED_BYTES: usize = 64 << 10;

/// A backend beside that of a route, and which of the route's requests it takes.
#[derive(Clone, Debug)]
pub struct Canary {
    /// Who is asked. Nobody is, while it has no endpoints.
    pub backend: Arc<Backend>,
    /// Settings of requests that it takes, where they are others than the route's.
    pub settings: Option<Arc<Settings>>,
    /// Which requests it takes.
    pub share: Share,
    /// Whether a client whose cookie says that it is with one of the two stays there, whatever `share` says.
    pub sticks: bool,
}

/// Which requests a canary takes. A rule that decides nothing leaves it to the next one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Share {
    /// The first rule.
    pub header: Option<HeaderRule>,
    /// The second: the name of a cookie, which says `always` or `never`.
    pub cookie: Option<Box<str>>,
    /// The last: of how many requests…
    pub total: u32,
    /// …it takes so many.
    pub weight: u32,
}

/// What the field of a request says about the canary.
#[derive(Clone, Debug, PartialEq)]
pub struct HeaderRule {
    /// Name of the field in lower case.
    pub name: Box<str>,
    /// What of it counts.
    pub says: Says,
}

/// What a field has to say.
#[derive(Clone, Debug)]
pub enum Says {
    /// `always` or `never`.
    Word,
    /// Exactly this, for requests that are to be taken.
    Value(Box<str>),
    /// Anything that this is found in, for requests that are to be taken.
    Pattern(Regex),
}

/// A text is no regular expression, one that takes too much memory, or one with look-around or back-references: what is left is searched
/// for in time that is linear in what is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("is no regular expression that can be used")]
pub struct BadPattern;

impl Says {
    /// Anything that the regular expression is found in, in this case, anywhere.
    ///
    /// # Errors
    /// [`BadPattern`].
    pub fn pattern(text: &str) -> Result<Self, BadPattern> {
        if text.len() > MAX_PATTERN_BYTES {
            return Err(BadPattern);
        }
        let mut builder = RegexBuilder::new(text);
        builder.unicode(false).size_limit(MAX_COMPILED_BYTES).dfa_size_limit(MAX_COMPILED_BYTES);
        builder.build().map(Self::Pattern).map_err(|_| BadPattern)
    }
}

impl PartialEq for Says {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Word, Self::Word) => true,
            (Self::Value(one), Self::Value(other)) => one == other,
            (Self::Pattern(one), Self::Pattern(other)) => one.as_str() == other.as_str(),
            _ => false,
        }
    }
}

/// Canaries are equal if they ask the same backend, not one that is alike.
impl PartialEq for Canary {
    fn eq(&self, other: &Self) -> bool {
        let Self { backend, settings, share, sticks } = self;
        Arc::ptr_eq(backend, &other.backend)
            && (settings, share, sticks) == (&other.settings, &other.share, &other.sticks)
    }
}

impl Canary {
    /// Whether it takes a request of a route to `main`. `chance` is any number, another one for each request.
    #[must_use]
    pub fn takes(&self, request: &Request<'_>, main: &Backend, chance: impl FnOnce() -> u64) -> bool {
        if self.backend.endpoints().list.is_empty() {
            return false;
        }
        let stuck = if self.sticks { side(request, main) } else { None };
        match stuck {
            Some(side) => side == Side::Canary,
            None => self.share.takes(request, chance),
        }
    }
}

impl Share {
    fn takes(&self, request: &Request<'_>, chance: impl FnOnce() -> u64) -> bool {
        let by_header = || self.header.as_ref().and_then(|rule| rule.decides(request.field(&rule.name)?));
        let by_cookie = || self.cookie.as_ref().and_then(|name| word(request.cookie(name)?));
        by_header().or_else(by_cookie).unwrap_or_else(|| {
            // Below `total`: the first factor is below 2^32.
            let drawn = ((chance() >> 32) * u64::from(self.total)) >> 32;
            drawn < u64::from(self.weight)
        })
    }
}

impl HeaderRule {
    fn decides(&self, value: &[u8]) -> Option<bool> {
        match &self.says {
            Says::Word => word(value),
            Says::Value(wanted) => (value == wanted.as_bytes()).then_some(true),
            Says::Pattern(pattern) => pattern.is_match(value).then_some(true),
        }
    }
}

fn word(value: &[u8]) -> Option<bool> {
    match value {
        b"always" => Some(true),
        b"never" => Some(false),
        _ => None,
    }
}

/// The side that a request's session is on, if `main` has sessions and it has one.
fn side(request: &Request<'_>, main: &Backend) -> Option<Side> {
    let Some(Affinity::Sticky(sticky)) = &main.affinity else { return None };
    let mut side = None;
    request.fields.each("cookie", &mut |field| side = side.or_else(|| sticky.side_of(field)));
    side
}

#[cfg(test)]
mod tests;
