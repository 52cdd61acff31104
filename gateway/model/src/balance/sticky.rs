//! Sessions: a cookie that leads a client back to the endpoint it was sent to.

use super::ring::spread;

/// A session cookie, and what becomes of sessions when endpoints come and go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sticky {
    /// Name of the cookie, a token (RFC 6265 §4.1.1).
    pub cookie: Box<str>,
    /// What stands behind its value in `Set-Cookie`, such as `; Path=/; HttpOnly`.
    pub attributes: Box<str>,
    /// Whether sessions stay.
    pub mode: Mode,
    /// Goes into what a cookie says of an endpoint, so that two lanes say different things of the same one. The same on all replicas
    /// of a lane, or sessions would not be theirs together.
    pub salt: u64,
}

/// What becomes of sessions when endpoints come and go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The cookie is a key of its own, hashed over the endpoints there are: a few sessions move whenever one comes or goes.
    #[default]
    Balanced,
    /// The cookie stands for one endpoint: sessions stay as long as it exists, and new endpoints get new sessions only.
    Persistent,
}

/// Hexadecimal digits of a cookie's value.
const DIGITS: usize = 16;

impl Sticky {
    /// What a cookie says that stands for the endpoint with `key`. Not a secret: it hides an address from a glance, not from a
    /// search.
    #[must_use]
    pub const fn token(&self, key: u64) -> u64 {
        spread(spread(key ^ self.salt) ^ self.salt.rotate_left(32))
    }

    /// What the cookie of a request says, given the value of its Cookie field. Of several cookies with the name the first counts, as it
    /// is the one with the longest path (RFC 6265 §5.4). A value that is not ours is as good as none.
    #[must_use]
    pub fn read(&self, field: &[u8]) -> Option<u64> {
        let value = find(field, &self.cookie)?;
        if value.len() != DIGITS || value.iter().any(|byte| !matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        u64::from_str_radix(std::str::from_utf8(value).ok()?, 16).ok()
    }

    /// Writes the value of a `Set-Cookie` field that says `value`.
    pub fn write(&self, value: u64, out: &mut Vec<u8>) {
        const HEX: &[u8; DIGITS] = b"0123456789abcdef";
        out.extend_from_slice(self.cookie.as_bytes());
        out.push(b'=');
        let nibbles = (0..DIGITS).rev().map(|place| (value >> (place * 4)) as usize % DIGITS);
        out.extend(nibbles.filter_map(|nibble| HEX.get(nibble)));
        out.extend_from_slice(self.attributes.as_bytes());
    }
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
        Sticky { cookie: "route".into(), attributes: "; Path=/; HttpOnly".into(), mode: Mode::Balanced, salt: 7 }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for value in [0, 1, 0xfe, u64::MAX, 0x0123_4567_89ab_cdef] {
            let mut out = Vec::new();
            sticky().write(value, &mut out);
            let text = String::from_utf8(out).unwrap();
            let (pair, attributes) = text.split_once(';').unwrap();
            assert_eq!(attributes, " Path=/; HttpOnly");
            assert_eq!(sticky().read(pair.as_bytes()), Some(value), "{pair}");
        }
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name_and_only_if_it_is_one_of_ours() {
        let good = "00000000000000ff";
        for (field, found) in [
            (format!("route={good}"), true),
            (format!("a=b; route={good}; c=d"), true),
            (format!("a=b;route=\"{good}\""), true),
            (format!("route=x; route={good}"), false),
            (format!("xroute={good}"), false),
            (format!("Route={good}"), false),
            (format!("a=route={good}"), false),
            ("route=00000000000000FF".to_owned(), false),
            ("route=ff".to_owned(), false),
            ("route=+000000000000ff".to_owned(), false),
            (format!("route={good}0"), false),
            ("route".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(sticky().read(field.as_bytes()), found.then_some(255), "{field}");
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
