//! Canonical hosts.

use std::fmt;
use std::io::Write;
use std::net::Ipv6Addr;

use crate::class::{Class, run_end};
use crate::denial::Denial;

/// Longest host name (RFC 1035 §2.3.4, without the root label).
pub const MAX_HOST_BYTES: usize = 253;

/// Longest host that is held in place: longer than nearly all, and with its length and its kind what a processor moves at once.
const SHORT_BYTES: usize = 62;

/// A canonical host: lower-case, no port, no trailing dot, never empty. Making one allocates nothing, unless it is longer
/// than hosts are.
#[derive(Clone)]
pub struct Host(Text);

#[derive(Clone)]
enum Text {
    Short([u8; SHORT_BYTES], u8),
    Long(Box<[u8]>),
}

impl From<&[u8]> for Text {
    fn from(name: &[u8]) -> Self {
        let mut bytes = [0; SHORT_BYTES];
        match (bytes.get_mut(..name.len()), u8::try_from(name.len())) {
            (Some(place), Ok(len)) => {
                place.copy_from_slice(name);
                Self::Short(bytes, len)
            }
            _ => Self::Long(name.into()),
        }
    }
}

impl Text {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Short(bytes, len) => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Self::Long(bytes) => bytes,
        }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Short(bytes, len) => bytes.get_mut(..usize::from(*len)).unwrap_or_default(),
            Self::Long(bytes) => bytes,
        }
    }
}

impl Host {
    /// Parses `uri-host [":" port]` (RFC 9110 §7.2, RFC 3986 §3.2.2) and makes it canonical. Idempotent.
    ///
    /// Names are letters, digits, `-`, `_` and `.`: what DNS and real services use. The rest of RFC 3986's `reg-name`
    /// (percent-encoding, `sub-delims`) is refused, because resolvers and backends differ in what they make of it.
    /// IP literals are hosts like any other; IPv6 takes the form of RFC 5952 in brackets. A port that is written must be
    /// a number up to 65535.
    ///
    /// # Errors
    /// [`Denial::BadHost`] for anything else: empty, user information, lists, spaces, percent-encoding, a port that is no number.
    pub fn parse(authority: &[u8]) -> Result<Self, Denial> {
        match authority.strip_prefix(b"[") {
            Some(rest) => Self::parse_ipv6(rest),
            None => Self::parse_name(authority),
        }
    }

    fn parse_name(authority: &[u8]) -> Result<Self, Denial> {
        let (mut end, mut folds) = (run_end(authority, 0, &CANONICAL), false);
        while let Some(byte) = authority.get(end) {
            match byte {
                b'A'..=b'Z' => folds = true,
                // An empty label at the end is as wrong as one in between; the root's is another matter.
                b'.' if end > 0 && authority.get(end + 1) != Some(&b'.') => {}
                b':' => break,
                _ => return Err(Denial::BadHost),
            }
            end = run_end(authority, end + 1, &CANONICAL);
        }
        let (name, port) = authority.split_at_checked(end).unwrap_or_default();
        check_port(port)?;
        let name = name.strip_suffix(b".").unwrap_or(name);
        if name.is_empty() || name.len() > MAX_HOST_BYTES {
            return Err(Denial::BadHost);
        }
        let mut text = Text::from(name);
        if folds {
            text.bytes_mut().make_ascii_lowercase();
        }
        Ok(Self(text))
    }

    fn parse_ipv6(rest: &[u8]) -> Result<Self, Denial> {
        let close = memchr::memchr(b']', rest).ok_or(Denial::BadHost)?;
        let (literal, port) = rest.split_at(close);
        check_port(port.get(1..).unwrap_or_default())?;
        let address: Ipv6Addr =
            std::str::from_utf8(literal).ok().and_then(|text| text.parse().ok()).ok_or(Denial::BadHost)?;
        let mut bytes = [0; SHORT_BYTES];
        let mut free = bytes.as_mut_slice();
        write!(free, "[{address}]").map_err(|_| Denial::BadHost)?;
        let len = u8::try_from(SHORT_BYTES - free.len()).map_err(|_| Denial::BadHost)?;
        Ok(Self(Text::Short(bytes, len)))
    }

    /// The canonical text as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.bytes()
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

/// The bytes that stand in a label of a canonical name.
static CANONICAL: Class = canonical();

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler: an index out of range fails the build")]
const fn canonical() -> Class {
    let mut class = [false; 256];
    let mut byte = 0;
    while byte < u8::MAX {
        class[byte as usize] = matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        byte += 1;
    }
    class
}

/// `port` is empty or starts with the colon.
fn check_port(port: &[u8]) -> Result<(), Denial> {
    match port {
        [] => Ok(()),
        [b':', digits @ ..] if (1..=5).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) => {
            let number = digits.iter().fold(0_u32, |n, d| n * 10 + u32::from(d - b'0'));
            if number <= u32::from(u16::MAX) { Ok(()) } else { Err(Denial::BadHost) }
        }
        _ => Err(Denial::BadHost),
    }
}

impl PartialEq for Host {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Host {}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Host").field(&self.as_str()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hosts_become_canonical() {
        for (written, canonical) in [
            ("shop.test", "shop.test"),
            ("SHOP.Test", "shop.test"),
            ("shop.test.", "shop.test"),
            ("shop.test:8080", "shop.test"),
            ("shop.test.:0080", "shop.test"),
            ("localhost", "localhost"),
            ("my_service.team-a:1", "my_service.team-a"),
            ("10.0.0.1:65535", "10.0.0.1"),
            ("[2001:DB8:0:0::1]", "[2001:db8::1]"),
            ("[::1]:443", "[::1]"),
        ] {
            assert_eq!(Host::parse(written.as_bytes()).unwrap().as_str(), canonical, "{written}");
        }
    }

    #[test]
    fn what_two_readers_could_take_for_two_hosts_is_refused() {
        for written in [
            "",
            ".",
            "..",
            ":80",
            "a..b",
            ".a",
            "a..",
            "a:",
            "a:x",
            "a:+1",
            "a:-1",
            "a:65536",
            "a:000080",
            "a:1:2",
            "a b",
            " a",
            "a ",
            "a,b",
            "a, b",
            "u@a",
            "u:p@a",
            "a/b",
            "a?b",
            "a#b",
            "a%41",
            "*.a",
            "a\0",
            "a\t",
            "é",
            "[::1",
            "[::1]x",
            "[::1]:",
            "[::1]80",
            "[::1%eth0]",
            "[v1.a]",
            "[1.2.3.4]",
            "[]",
            "::1",
            "a[::1]",
        ] {
            assert_eq!(Host::parse(written.as_bytes()), Err(Denial::BadHost), "{written:?}");
        }
    }

    #[test]
    fn a_host_is_the_same_wherever_it_is_written() {
        let (server_name, host, authority) = ("Shop.Test", "shop.test.:443", "SHOP.TEST:8443");
        for written in [server_name, host, authority] {
            assert_eq!(Host::parse(written.as_bytes()), Host::parse(b"shop.test"), "{written}");
        }
        assert_ne!(Host::parse(b"shop.test"), Host::parse(b"shop_test"));
    }

    #[test]
    fn the_longest_name_fits_and_one_more_byte_does_not() {
        let longest = "a".repeat(MAX_HOST_BYTES);
        assert_eq!(Host::parse(format!("{longest}.:1").as_bytes()).unwrap().as_str(), longest);
        assert_eq!(Host::parse(format!("{longest}a").as_bytes()), Err(Denial::BadHost));
        assert_eq!(Host::parse("a".repeat(5000).as_bytes()), Err(Denial::BadHost));
    }

    proptest! {
        /// Parsing what was parsed changes nothing, and what is accepted has no byte that could mean something else.
        #[test]
        fn parsing_is_idempotent(authority in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..40),
            "[a-zA-Z0-9._:\\[\\]%@-]{0,40}".prop_map(String::into_bytes),
            "\\[[0-9a-fA-F:.]{0,24}\\](:[0-9]{1,6})?".prop_map(String::into_bytes),
        ]) {
            if let Ok(host) = Host::parse(&authority) {
                prop_assert!(!host.as_str().is_empty());
                prop_assert!(host.as_str().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.[]:".contains(&b)));
                prop_assert_eq!(Host::parse(host.as_str().as_bytes()), Ok(host));
            }
        }
    }
}
