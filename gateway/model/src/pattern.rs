//! What routes are written for: hosts and paths, parsed once into forms that compare the way requests do.

use std::sync::Arc;

use thiserror::Error;

use crate::host::Host;
use crate::path::Target;
use crate::route::PathKind;

/// The hosts a rule is for. Ordered as they are asked: exact, wildcard, any.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostPattern {
    /// This host.
    Exact(Box<str>),
    /// Exactly one label in front of this domain, which is kept without the `*.`.
    Wildcard(Box<str>),
    /// Every host that nothing else is found for.
    Any,
}

/// Why a text is no host pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadHostPattern {
    /// Ingress API reference, `IngressRule.host`: IPs are not allowed.
    #[error("is an IP address, and a rule's host must be a name")]
    Address,
    /// A `*` that is not a whole first label in front of a domain.
    #[error("has a `*` that is not a whole first label in front of a domain")]
    Wildcard,
    /// Not a name.
    #[error("is not a host name")]
    Name,
}

impl HostPattern {
    /// Parses the `host` of a rule: a name, `*.` and a name, or nothing for every host. A port is not part of it.
    ///
    /// # Errors
    /// [`BadHostPattern`] says what is wrong with the text.
    pub fn parse(written: &str) -> Result<Self, BadHostPattern> {
        if written.is_empty() {
            return Ok(Self::Any);
        }
        if let Some(domain) = written.strip_prefix("*.") {
            return Ok(Self::Wildcard(parse_name(domain).map_err(|_| BadHostPattern::Wildcard)?));
        }
        if written.contains('*') {
            return Err(BadHostPattern::Wildcard);
        }
        parse_name(written).map(Self::Exact)
    }
}

fn parse_name(written: &str) -> Result<Box<str>, BadHostPattern> {
    if written.parse::<std::net::IpAddr>().is_ok() || written.starts_with('[') {
        return Err(BadHostPattern::Address);
    }
    if written.contains(':') {
        return Err(BadHostPattern::Name);
    }
    let host = Host::parse(written.as_bytes()).map_err(|_| BadHostPattern::Name)?;
    Ok(host.as_str().into())
}

/// The paths a rule is for: canonical, and equal exactly if they match the same requests in the same way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathPattern {
    pub(crate) kind: PathKind,
    /// `Prefix`: without the slash at its end, so that `/a` and `/a/` are one and `/` is empty. `Expression`: as written. `Default`:
    /// empty.
    pub(crate) key: Arc<str>,
}

/// A text is no path that a request could have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("is not a path that a request can have once it is canonical")]
pub struct BadPathPattern;

impl PathPattern {
    /// What nothing else matches.
    #[must_use]
    pub fn unmatched() -> Self {
        Self { kind: PathKind::Default, key: Arc::default() }
    }

    /// Exactly this path.
    ///
    /// # Errors
    /// [`BadPathPattern`] if no request could match.
    pub fn exact(written: &str) -> Result<Self, BadPathPattern> {
        Ok(Self { kind: PathKind::Exact, key: canonical(written)? })
    }

    /// This path and everything below it, element by element.
    ///
    /// # Errors
    /// [`BadPathPattern`] if no request could match.
    pub fn prefix(written: &str) -> Result<Self, BadPathPattern> {
        let path = canonical(written)?;
        let key = path.strip_suffix('/').map_or_else(|| Arc::clone(&path), Into::into);
        Ok(Self { kind: PathKind::Prefix, key })
    }

    /// Every path that an expression matches.
    #[must_use]
    pub fn expression(written: &str) -> Self {
        Self { kind: PathKind::Expression, key: written.into() }
    }

    /// How it matches.
    #[must_use]
    pub const fn kind(&self) -> PathKind {
        self.kind
    }
}

fn canonical(written: &str) -> Result<Arc<str>, BadPathPattern> {
    match Target::parse(written.as_bytes()) {
        // Canonical paths are ASCII. An escaped slash in a rule would make every request for it ambiguous.
        Ok(Target { path, query: None, escapes: false }) => {
            std::str::from_utf8(&path).map(Into::into).map_err(|_| BadPathPattern)
        }
        _ => Err(BadPathPattern),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_rules_are_names_wildcards_or_nothing() {
        use BadHostPattern::{Address, Name, Wildcard};
        for (written, parsed) in [
            ("", Ok(HostPattern::Any)),
            ("Shop.test", Ok(HostPattern::Exact("shop.test".into()))),
            ("*.shop.test", Ok(HostPattern::Wildcard("shop.test".into()))),
            ("*", Err(Wildcard)),
            ("*.", Err(Wildcard)),
            ("*.*.test", Err(Wildcard)),
            ("*shop.test", Err(Wildcard)),
            ("a.*.test", Err(Wildcard)),
            ("*.10.0.0.1", Err(Wildcard)),
            ("10.0.0.1", Err(Address)),
            ("::1", Err(Address)),
            ("[::1]", Err(Address)),
            ("shop.test:80", Err(Name)),
            ("shop..test", Err(Name)),
            ("shop test", Err(Name)),
        ] {
            assert_eq!(HostPattern::parse(written), parsed, "{written}");
        }
    }

    #[test]
    fn prefixes_with_and_without_a_slash_at_the_end_are_one() {
        assert_eq!(PathPattern::prefix("/a"), PathPattern::prefix("/a/"));
        assert_eq!(PathPattern::prefix("/%61"), PathPattern::prefix("/a"));
        assert_ne!(PathPattern::exact("/a"), PathPattern::exact("/a/"));
        assert_ne!(PathPattern::exact("/a"), PathPattern::prefix("/a"));
    }

    #[test]
    fn paths_no_request_can_have_are_refused() {
        for written in ["", "a", "/a?b", "/a#b", "/..", "/%2f", "/a%5cb", "/a b", "/(\\d+)"] {
            assert_eq!(PathPattern::prefix(written), Err(BadPathPattern), "{written}");
        }
    }
}
