//! Which cipher suites of TLS 1.2 a handshake may agree on.
//!
//! Those of TLS 1.3 are not chosen among: there are three, all of them good, and a client that speaks it must know one (RFC 8446 §9.1).

use std::fmt;

use rustls::CipherSuite;

/// Cipher suites of TLS 1.2. There is always at least one, so that there is something to agree on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ciphers(u8);

impl Ciphers {
    /// Every one that is spoken: with forward secrecy and authenticated encryption, the preferred one first.
    pub const SPOKEN: [CipherSuite; 6] = [
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ];
    /// All of [`Self::SPOKEN`].
    pub const ALL: Self = Self((1 << Self::SPOKEN.len()) - 1);

    /// Those of [`Self::SPOKEN`] whose bit is set, the first one's being the lowest; `None` if there is none. Bits beyond them say nothing.
    #[must_use]
    pub const fn of_bits(bits: u8) -> Option<Self> {
        match bits & Self::ALL.0 {
            0 => None,
            some => Some(Self(some)),
        }
    }

    /// The same bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether a handshake may agree on this suite. One of TLS 1.3 is always allowed.
    #[must_use]
    pub fn allow(self, suite: CipherSuite) -> bool {
        match Self::SPOKEN.iter().position(|spoken| *spoken == suite) {
            Some(at) => self.0 >> at & 1 == 1,
            None => true,
        }
    }
}

/// Names them.
impl fmt::Debug for Ciphers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(Self::SPOKEN.iter().filter(|suite| self.allow(**suite))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_allows_what_is_in_it_and_is_never_empty() {
        assert_eq!(Ciphers::of_bits(0), None);
        assert_eq!(Ciphers::of_bits(0b1100_0000), None);
        assert_eq!(Ciphers::of_bits(u8::MAX), Some(Ciphers::ALL));
        let second = Ciphers::of_bits(0b10).unwrap();
        let allowed: Vec<_> = Ciphers::SPOKEN.into_iter().filter(|suite| second.allow(*suite)).collect();
        assert_eq!(allowed, [CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]);
        assert!(second.allow(CipherSuite::TLS13_CHACHA20_POLY1305_SHA256));
        assert_eq!(format!("{second:?}"), "{TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}");
    }
}
