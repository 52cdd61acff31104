//! Where a client is sent instead of being answered.

use std::fmt;
use std::sync::Arc;

/// Longest, in bytes: what clients and caches are known to take.
const MAX_BYTES: usize = 2 << 10;

/// An absolute URI of `http` or `https` (RFC 9110 §4.2), as a Location field may have it: nothing in it ends a line or a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location(Arc<str>);

impl Location {
    /// The URI in a text; `None` if it is none, has characters that a URI has not (RFC 3986 §2), a fragment's excepted, or is too long.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let is_web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
        let has_authority = rest.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[');
        let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!&'()*+,;=%".contains(&byte);
        let fits = text.len() <= MAX_BYTES && text.bytes().all(is_fit);
        (is_web && has_authority && fits).then(|| Self(text.into()))
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_absolute_uri_of_the_web_is_one() {
        for (text, is_one) in [
            ("https://a.test", true),
            ("HTTP://a.test:8080/b?c=d#e", true),
            ("http://[::1]/", true),
            ("https://", false),
            ("https:///b", false),
            ("a.test/b", false),
            ("/b", false),
            ("@named", false),
            ("javascript://a.test", false),
            ("https://a.test/$request_uri", false),
            ("https://a.test/\r\nSet-Cookie: x", false),
            ("https://a.test/ b", false),
            ("https://a.test/\u{e9}", false),
        ] {
            assert_eq!(Location::parse(text).is_some(), is_one, "{text}");
        }
        assert!(Location::parse(&format!("https://a.test/{}", "b".repeat(MAX_BYTES))).is_none());
    }
}
