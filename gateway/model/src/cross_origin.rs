//! Which pages of other origins a browser lets read a route's responses (Fetch §3.2, the CORS protocol).

use crate::answer::Answer;
use crate::request::Request;

/// What browsers are told. It restricts pages, not clients: a request from an origin that is not listed passes like any other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrossOrigin {
    /// Whose pages are let in.
    pub origins: Origins,
    /// Whether cookies and passwords go along.
    pub credentials: bool,
    /// The same where every origin is let in. Browsers refuse that (Fetch §3.2.5), so it lets nobody in: it is only said.
    pub credentials_for_any: bool,
    /// Which of the requests for options the gateway answers itself.
    pub answers: Answers,
    /// What else is said to a page that is let in: names and values.
    pub fields: Box<[(&'static str, Box<str>)]>,
}

/// Origins that are let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// All of them.
    Any,
    /// Those that match one of these.
    Listed(Box<[OriginPattern]>),
}

/// Requests with the method OPTIONS that are answered without the backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answers {
    /// Preflights: those with the fields `Origin` and `Access-Control-Request-Method` (Fetch §3.2.2). Others are the backend's.
    #[default]
    Preflights,
    /// Every one whose origin is let in, as in ingress-nginx.
    All,
}

/// An origin (RFC 6454 §6.2), or all that differ in their first label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginPattern {
    /// `null`: a page that has none, such as a file.
    Opaque,
    /// A tuple of scheme, host and port.
    Tuple {
        /// In lower case; `None`: any.
        scheme: Option<Box<str>>,
        /// Whether one label, whichever it is, and a dot stand before the rest.
        any_label: bool,
        /// Host, and port where it is not the scheme's, in lower case.
        rest: Box<str>,
    },
}

/// What a page is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant<'r> {
    /// Value of `Access-Control-Allow-Origin`.
    pub origin: &'r [u8],
    /// Whether `Access-Control-Allow-Credentials` is said.
    pub credentials: bool,
}

impl CrossOrigin {
    /// What the page that makes this request is told; `None`: nothing.
    #[must_use]
    pub fn grant<'r>(&self, request: &Request<'r>) -> Option<Grant<'r>> {
        match &self.origins {
            Origins::Any => Some(Grant { origin: b"*", credentials: self.credentials && self.credentials_for_any }),
            Origins::Listed(patterns) => {
                let origin = request.field("origin")?;
                let is_in = patterns.iter().any(|pattern| pattern.matches(origin));
                is_in.then_some(Grant { origin, credentials: self.credentials })
            }
        }
    }

    /// Whether what is told depends on the origin, so that no cache may give it to another one (Fetch §3.2.3).
    #[must_use]
    pub const fn varies(&self) -> bool {
        matches!(self.origins, Origins::Listed(_))
    }

    /// The answer to a browser that asks before it asks; `None`: the request is none of those, or its origin is not let in.
    #[must_use]
    pub fn preflight(&self, request: &Request<'_>) -> Option<Answer> {
        let is_asked = request.method == b"OPTIONS"
            && match self.answers {
                Answers::All => true,
                Answers::Preflights => {
                    request.field("origin").is_some() && request.field("access-control-request-method").is_some()
                }
            };
        (is_asked && self.grant(request).is_some()).then(|| Answer::bare(204))
    }
}

impl OriginPattern {
    /// Reads `null`, `scheme://host`, `scheme://host:port`, any of these with `*.` before the host, or without a scheme.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        if text == "null" {
            return Some(Self::Opaque);
        }
        let (scheme, authority) = match text.split_once("://") {
            Some((scheme, authority)) => (Some(scheme), authority),
            None => (None, &*text),
        };
        let (any_label, rest) = authority.strip_prefix("*.").map_or((false, authority), |rest| (true, rest));
        let (host, port) = rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port)));
        let is_good = scheme.is_none_or(is_scheme)
            && host.split('.').all(|label| is_label(label.as_bytes()))
            && port.is_none_or(|port| port.parse::<u16>().is_ok());
        is_good.then(|| Self::Tuple { scheme: scheme.map(Into::into), any_label, rest: rest.into() })
    }

    /// Whether it stands for `origin`, as a browser writes it.
    #[must_use]
    pub fn matches(&self, origin: &[u8]) -> bool {
        let Self::Tuple { scheme, any_label, rest } = self else { return origin == b"null" };
        let Some(at) = origin.windows(3).position(|three| three == b"://") else { return false };
        let (own, authority) = (origin.get(..at).unwrap_or_default(), origin.get(at + 3..).unwrap_or_default());
        let authority = if *any_label {
            let Some(dot) = authority.iter().position(|&byte| byte == b'.') else { return false };
            let (label, tail) = authority.split_at_checked(dot).unwrap_or_default();
            if !is_label(label) {
                return false;
            }
            tail.get(1..).unwrap_or_default()
        } else {
            authority
        };
        let is_scheme = scheme.as_ref().is_none_or(|scheme| scheme.as_bytes().eq_ignore_ascii_case(own));
        is_scheme && authority.eq_ignore_ascii_case(rest.as_bytes())
    }
}

/// RFC 3986 §3.1.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

fn is_label(label: &[u8]) -> bool {
    !label.is_empty() && label.iter().all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::request::Fields;

    struct Written(&'static [(&'static str, &'static str)]);

    impl Fields for Written {
        fn each<'f>(&'f self, name: &str, with: &mut dyn FnMut(&'f [u8])) {
            self.0
                .iter()
                .filter(|(own, _)| own.eq_ignore_ascii_case(name))
                .for_each(|(_, value)| with(value.as_bytes()));
        }
    }

    fn asked<'r>(method: &'r [u8], fields: &'r Written) -> Request<'r> {
        let client = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let (host, authority, path, query, uri) = ("shop.test", &b"shop.test"[..], &b"/"[..], None, &b"/"[..]);
        Request { method, secure: true, host, authority, path, query, uri, client, fields }
    }

    fn policy(origins: Origins) -> CrossOrigin {
        let answers = Answers::Preflights;
        CrossOrigin { origins, credentials: true, credentials_for_any: false, answers, fields: [].into() }
    }

    #[test]
    fn a_pattern_stands_for_whole_origins_and_one_label() {
        for (pattern, origin, is_in) in [
            ("https://shop.test", "https://shop.test", true),
            ("https://Shop.test", "HTTPS://shop.TEST", true),
            ("https://shop.test", "http://shop.test", false),
            ("https://shop.test", "https://shop.test:8443", false),
            ("https://shop.test", "https://shop.test.evil.test", false),
            ("https://shop.test", "https://evilshop.test", false),
            ("https://shop.test:8443", "https://shop.test:8443", true),
            ("https://*.shop.test", "https://a.shop.test", true),
            ("https://*.shop.test", "https://shop.test", false),
            ("https://*.shop.test", "https://a.b.shop.test", false),
            ("https://*.shop.test", "https://.shop.test", false),
            ("https://*.shop.test", "https://evil.test/a.shop.test", false),
            ("https://*.shop.test", "https://evil/.shop.test", false),
            ("https://*.shop.test", "https://evil@x.shop.test", false),
            ("https://*.shop.test:3000", "https://a.shop.test:3000", true),
            ("shop.test", "http://shop.test", true),
            ("shop.test", "https://shop.test", true),
            ("shop.test", "https://evilshop.test", false),
            ("null", "null", true),
            ("null", "https://null", false),
            ("https://null", "null", false),
            ("capacitor://localhost", "capacitor://localhost", true),
        ] {
            let read = OriginPattern::parse(pattern).unwrap();
            assert_eq!(read.matches(origin.as_bytes()), is_in, "{pattern} {origin}");
        }
    }

    #[test]
    fn what_no_browser_sends_is_no_pattern() {
        for text in [
            "",
            "*",
            "https://",
            "https://*",
            "https://*.",
            "https://a.*.test",
            "https://**.test",
            "https://a..test",
            "https://a.test/",
            "https://a.test/path",
            "https://a.test:port",
            "https://a.test:99999",
            "https://u@a.test",
            "https://a b.test",
            "1://a.test",
            "https://a.test\r\nX: y",
            "(https://)?a.test",
        ] {
            assert_eq!(OriginPattern::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn every_origin_is_let_in_without_its_credentials() {
        let any = policy(Origins::Any);
        let fields = Written(&[("Origin", "https://anyone.test")]);
        assert_eq!(any.grant(&asked(b"GET", &fields)), Some(Grant { origin: b"*", credentials: false }));
        let loud = CrossOrigin { credentials_for_any: true, ..any };
        assert_eq!(loud.grant(&asked(b"GET", &fields)), Some(Grant { origin: b"*", credentials: true }));
    }

    #[test]
    fn a_listed_origin_is_told_itself_and_others_nothing() {
        let listed = policy(Origins::Listed([OriginPattern::parse("https://shop.test").unwrap()].into()));
        assert!(listed.varies());
        let ours = Written(&[("Origin", "https://shop.test")]);
        let granted = listed.grant(&asked(b"GET", &ours));
        assert_eq!(granted, Some(Grant { origin: b"https://shop.test", credentials: true }));
        assert_eq!(listed.grant(&asked(b"GET", &Written(&[("Origin", "https://evil.test")]))), None);
        assert_eq!(listed.grant(&asked(b"GET", &Written(&[]))), None);
    }

    #[test]
    fn a_preflight_is_answered_where_its_origin_is_let_in() {
        let strict = policy(Origins::Listed([OriginPattern::parse("https://shop.test").unwrap()].into()));
        let loose = CrossOrigin { answers: Answers::All, ..strict.clone() };
        const METHOD: (&str, &str) = ("Access-Control-Request-Method", "PUT");
        const OURS: (&str, &str) = ("Origin", "https://shop.test");
        const THEIRS: (&str, &str) = ("Origin", "https://evil.test");
        for (method, fields, by_strict, by_loose) in [
            ("OPTIONS", &[OURS, METHOD][..], true, true),
            ("OPTIONS", &[OURS], false, true),
            ("OPTIONS", &[THEIRS, METHOD], false, false),
            ("OPTIONS", &[METHOD], false, false),
            ("options", &[OURS, METHOD], false, false),
            ("GET", &[OURS, METHOD], false, false),
        ] {
            let written = Written(fields);
            let request = asked(method.as_bytes(), &written);
            assert_eq!(strict.preflight(&request).is_some(), by_strict, "{method} {fields:?}");
            assert_eq!(loose.preflight(&request).is_some(), by_loose, "{method} {fields:?}");
        }
    }
}
