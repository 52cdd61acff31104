//! Poul-Henning Kamp's hash of 1994, a thousand rounds of MD5, as FreeBSD and Apache have it.

use md5::{Digest as _, Md5};

/// Whose variant it is: they differ in a word that is hashed with the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Brand {
    /// `$1$`.
    Crypt,
    /// `$apr1$`.
    Apache,
}

impl Brand {
    const fn word(self) -> &'static [u8] {
        match self {
            Self::Crypt => b"$1$",
            Self::Apache => b"$apr1$",
        }
    }
}

pub(super) fn md5(brand: Brand, password: &[u8], salt: &[u8]) -> [u8; 16] {
    let inner: [u8; 16] = Md5::new().chain_update(password).chain_update(salt).chain_update(password).finalize().into();
    let mut first = Md5::new().chain_update(password).chain_update(brand.word()).chain_update(salt);
    let mut left = password.len();
    while left > 0 {
        first.update(inner.get(..left.min(16)).unwrap_or_default());
        left = left.saturating_sub(16);
    }
    let mut bits = password.len();
    while bits > 0 {
        // A zero, or the first byte of the password: so the original has it, and everybody since.
        first.update(if bits & 1 == 1 { &[0] } else { password.get(..1).unwrap_or_default() });
        bits >>= 1;
    }
    let mut sum: [u8; 16] = first.finalize().into();
    for round in 0..1000 {
        let is_odd = round % 2 == 1;
        let mut next = Md5::new().chain_update(if is_odd { password } else { &sum });
        if round % 3 != 0 {
            next.update(salt);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        next.update(if is_odd { &sum } else { password });
        sum = next.finalize().into();
    }
    sum
}
