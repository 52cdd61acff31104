//! Sessions: a cookie that leads a client back to the endpoint it was sent to.

use super::ring::spread;

/// A session cookie, and what becomes of sessions when endpoints come and go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sticky {
    /// Name of the cookie, a token (RFC 6265 §4.1.1).
    pub cookie: Box<str>,
    /// Whether sessions stay.
    pub mode: Mode,
    /// Which of two backends with one cookie this is.
    pub side: Side,
    /// Whether a session whose endpoint has failed goes to another one for good; otherwise it comes back.
    pub moves: bool,
    /// Goes into what a cookie says of an endpoint, so that two lanes say different things of the same one. The same on all replicas
    /// of a lane, or sessions would not be theirs together.
    pub salt: u64,
    /// What else the client is told.
    pub attributes: Attributes,
}

/// What becomes of sessions when endpoints come and go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// The cookie is a key of its own, hashed over the endpoints there are: a few sessions move whenever one comes or goes.
    #[default]
    Balanced,
    /// The cookie stands for one endpoint: sessions stay as long as it exists, and new endpoints get new sessions only.
    Persistent,
}

/// Which of two backends a session is with: a route's own, or that of its canary. The last bit of what a cookie says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The route's own.
    #[default]
    Main,
    /// The canary's.
    Canary,
}

/// Attributes of a session cookie (RFC 6265 §4.1.2). It is always `HttpOnly`: no script needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attributes {
    /// In seconds from now.
    pub expires: Option<u32>,
    /// In seconds.
    pub max_age: Option<u32>,
    /// A host.
    pub domain: Option<Box<str>>,
    /// `None`: the route's.
    pub path: Option<Box<str>>,
    /// Even where the client does not use `https`; where it does, it is always said.
    pub secure: bool,
    /// When it is sent from other sites.
    pub same_site: Option<SameSite>,
    /// `SameSite=None` is left out for clients that take it for something else.
    pub spares_old_clients: bool,
}

/// When a cookie is sent with requests that other sites cause (RFC 6265bis §4.1.2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SameSite {
    /// Always.
    None,
    /// When the user goes there.
    Lax,
    /// Never.
    Strict,
}

/// The request that a cookie is an answer to.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'o> {
    /// Whether the client uses `https`.
    pub secure: bool,
    /// The route's path as it is written.
    pub path: &'o str,
    /// The client's `User-Agent`; empty: it does not say.
    pub agent: &'o [u8],
    /// When the cookie expires, as an IMF-fixdate (RFC 9110 §5.6.7); empty where there is no [`Attributes::expires`].
    pub expires: &'o [u8],
}

/// Hexadecimal digits of a cookie's value.
const DIGITS: usize = 16;

impl Sticky {
    /// Sessions of the route's own backend that follow a cookie of this name.
    #[must_use]
    pub fn new(cookie: &str, mode: Mode, salt: u64) -> Self {
        let (side, moves, attributes) = (Side::Main, false, Attributes::default());
        Self { cookie: cookie.into(), mode, side, moves, salt, attributes }
    }

    /// What a cookie says that stands for the endpoint with `key`. Not a secret: it hides an address from a glance, not from a
    /// search.
    #[must_use]
    pub const fn token(&self, key: u64) -> u64 {
        self.sided(spread(spread(key ^ self.salt) ^ self.salt.rotate_left(32)))
    }

    /// What the cookie of a session says that begins with a random number.
    #[must_use]
    pub const fn sided(&self, number: u64) -> u64 {
        number & !1 | self.side as u64
    }

    /// What the cookie of a request says, given the value of its Cookie field. Of several cookies with the name the first counts, as it
    /// is the one with the longest path (RFC 6265 §5.4). A value that is not ours, or of the other side, is as good as none.
    #[must_use]
    pub fn read(&self, field: &[u8]) -> Option<u64> {
        self.parse(field).filter(|value| self.sided(*value) == *value)
    }

    /// On which side the session of a request is, if it has one, given the value of its Cookie field.
    #[must_use]
    pub fn side_of(&self, field: &[u8]) -> Option<Side> {
        self.parse(field).map(|value| if value & 1 == Side::Canary as u64 { Side::Canary } else { Side::Main })
    }

    fn parse(&self, field: &[u8]) -> Option<u64> {
        let value = find(field, &self.cookie)?;
        if value.len() != DIGITS || value.iter().any(|byte| !matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        u64::from_str_radix(std::str::from_utf8(value).ok()?, 16).ok()
    }

    /// Writes the cookie of a session, up to its attributes.
    pub fn write(&self, value: u64, out: &mut Vec<u8>) {
        const HEX: &[u8; DIGITS] = b"0123456789abcdef";
        out.extend_from_slice(self.cookie.as_bytes());
        out.push(b'=');
        let nibbles = (0..DIGITS).rev().map(|place| (value >> (place * 4)) as usize % DIGITS);
        out.extend(nibbles.filter_map(|nibble| HEX.get(nibble)));
    }
}

impl Attributes {
    /// Writes what stands behind the value of the cookie.
    pub fn write(&self, occasion: &Occasion<'_>, out: &mut Vec<u8>) {
        let mut put = |name: &str, value: &[u8]| {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(value);
        };
        if self.expires.is_some() {
            put("; Expires=", occasion.expires);
        }
        if let Some(seconds) = self.max_age {
            put("; Max-Age=", seconds.to_string().as_bytes());
        }
        if let Some(domain) = &self.domain {
            put("; Domain=", domain.as_bytes());
        }
        let path = self.path.as_deref().unwrap_or(occasion.path);
        put("; Path=", if is_cookie_path(path) { path } else { "/" }.as_bytes());
        if self.secure || occasion.secure {
            put("; Secure", b"");
        }
        put("; HttpOnly", b"");
        match self.same_site {
            None => {}
            Some(SameSite::None) if self.spares_old_clients && misreads_none(occasion.agent) => {}
            Some(SameSite::None) => put("; SameSite=None", b""),
            Some(SameSite::Lax) => put("; SameSite=Lax", b""),
            Some(SameSite::Strict) => put("; SameSite=Strict", b""),
        }
    }
}

/// Whether a text can stand for the path of a cookie: a path of a URI without what ends an attribute, and without what regular
/// expressions are made of, as those are no paths to a browser.
#[must_use]
pub fn is_cookie_path(text: &str) -> bool {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!&',=:@%/".contains(&byte);
    text.starts_with('/') && text.bytes().all(is_fit)
}

/// Browsers that refuse `SameSite=None`, or take it for `Strict`: Chrome 40 to 69, and everything that is built on WebKit under iOS 12
/// and macOS 10.14.
fn misreads_none(agent: &[u8]) -> bool {
    let says = |text: &str| memchr::memmem::find(agent, text.as_bytes()).is_some();
    ["Chrome/4", "Chrome/5", "Chrome/6", "CPU iPhone OS 12", "iPad; CPU OS 12"].into_iter().any(says)
        || ["Macintosh", "Intel Mac OS X 10_14", "Version/", "Safari"].into_iter().all(says)
}

/// The value of the first cookie called `name` in the value of a Cookie field (RFC 6265 §4.2.1).
#[must_use]
pub fn find<'f>(field: &'f [u8], name: &str) -> Option<&'f [u8]> {
    field.split(|byte| *byte == b';').find_map(|pair| {
        let rest = pair.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        // Quotes are part of the value only for those who do not know better.
        Some(rest.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(rest))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sticky() -> Sticky {
        Sticky::new("route", Mode::Balanced, 7)
    }

    fn attributes(attributes: &Attributes, occasion: &Occasion<'_>) -> String {
        let mut out = Vec::new();
        attributes.write(occasion, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_written_is_read_again_by_the_same_side() {
        let canary = Sticky { side: Side::Canary, ..sticky() };
        for value in [0, 2, 0xfe, u64::MAX - 1, 0x0123_4567_89ab_cdee] {
            let mut out = Vec::new();
            sticky().write(value, &mut out);
            assert_eq!(sticky().read(&out), Some(value));
            assert_eq!(canary.read(&out), None);
            out.clear();
            canary.write(canary.sided(value), &mut out);
            assert_eq!((canary.read(&out), sticky().read(&out)), (Some(value + 1), None));
        }
        assert_eq!(sticky().token(5) | 1, canary.token(5));
    }

    #[test]
    fn attributes_are_as_the_configuration_and_the_request_say() {
        let plain = Occasion { secure: false, path: "/cart", agent: b"", expires: b"" };
        let secure = Occasion { secure: true, ..plain };
        let all = Attributes {
            expires: Some(60),
            max_age: Some(60),
            domain: Some("a.test".into()),
            path: Some("/b".into()),
            secure: true,
            same_site: Some(SameSite::Strict),
            spares_old_clients: false,
        };
        let dated = Occasion { expires: b"Sun, 06 Nov 1994 08:49:37 GMT", ..plain };
        let none = Attributes { same_site: Some(SameSite::None), ..Attributes::default() };
        for (given, occasion, text) in [
            (&Attributes::default(), plain, "; Path=/cart; HttpOnly"),
            (&Attributes::default(), secure, "; Path=/cart; Secure; HttpOnly"),
            (&Attributes::default(), Occasion { path: "", ..plain }, "; Path=/; HttpOnly"),
            (&Attributes::default(), Occasion { path: "/a(/|$)(.*)", ..plain }, "; Path=/; HttpOnly"),
            (&Attributes::default(), Occasion { path: "/a;Domain=b", ..plain }, "; Path=/; HttpOnly"),
            (&Attributes::default(), Occasion { path: "/a\r\nX: y", ..plain }, "; Path=/; HttpOnly"),
            (&none, plain, "; Path=/cart; HttpOnly; SameSite=None"),
            (
                &all,
                dated,
                "; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Max-Age=60; Domain=a.test; Path=/b; Secure; HttpOnly; SameSite=Strict",
            ),
        ] {
            assert_eq!(attributes(given, &occasion), text);
        }
    }

    #[test]
    fn browsers_that_misread_same_site_none_are_not_told_where_that_is_wanted() {
        let spares = Attributes { same_site: Some(SameSite::None), spares_old_clients: true, ..Attributes::default() };
        for (agent, told) in [
            ("Mozilla/5.0 (X11; Linux x86_64) Chrome/66.0.3359.181 Safari/537.36", false),
            ("Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0.0.0 Safari/537.36", true),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 12_4 like Mac OS X) Version/12.1.2 Safari/604.1", false),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_6) Version/12.1 Safari/605.1.15", false),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/17.1 Safari/605.1.15", true),
            ("", true),
        ] {
            let occasion = Occasion { secure: false, path: "/", agent: agent.as_bytes(), expires: b"" };
            assert_eq!(attributes(&spares, &occasion).contains("SameSite"), told, "{agent}");
        }
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name_and_only_if_it_is_one_of_ours() {
        let good = "00000000000000fe";
        for (field, found) in [
            (format!("route={good}"), true),
            (format!("a=b; route={good}; c=d"), true),
            (format!("a=b;route=\"{good}\""), true),
            (format!("route=x; route={good}"), false),
            (format!("xroute={good}"), false),
            (format!("Route={good}"), false),
            (format!("a=route={good}"), false),
            ("route=00000000000000FE".to_owned(), false),
            ("route=fe".to_owned(), false),
            ("route=+000000000000fe".to_owned(), false),
            (format!("route={good}0"), false),
            ("route".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(sticky().read(field.as_bytes()), found.then_some(254), "{field}");
        }
    }

    #[test]
    fn two_lanes_say_different_things_of_one_endpoint() {
        let other = Sticky { salt: 8, ..sticky() };
        assert_eq!(sticky().token(5), sticky().token(5));
        assert_ne!(sticky().token(5), other.token(5));
        assert_ne!(sticky().token(5), sticky().token(6));
    }
}
