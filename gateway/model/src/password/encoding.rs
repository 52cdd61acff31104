//! Sums as `crypt` writes them: six bits a character, the lowest first, the bytes in an order of their own.

use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Digits of `crypt`, from 0 to 63.
const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The digits of bcrypt. The last one of a text may have bits that mean nothing, and some programs set them.
pub(super) const BCRYPT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::BCRYPT,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// Whether a text is made of digits of `crypt`.
pub(super) fn is_crypt(text: &[u8]) -> bool {
    text.iter().all(|byte| DIGITS.contains(byte))
}

pub(super) fn md5(sum: &[u8; 16]) -> Vec<u8> {
    let groups = (0..5_usize).map(|n| [n, n + 6, if n == 4 { 5 } else { n + 12 }]);
    encode(sum, groups, &[11])
}

pub(super) fn sha256(sum: &[u8; 32]) -> Vec<u8> {
    let groups = (0..10_usize).map(|n| [n * 21 % 30, (n * 21 + 10) % 30, (n * 21 + 20) % 30]);
    encode(sum, groups, &[31, 30])
}

pub(super) fn sha512(sum: &[u8; 64]) -> Vec<u8> {
    let groups = (0..21_usize).map(|n| [n * 22 % 63, (n * 22 + 21) % 63, (n * 22 + 42) % 63]);
    encode(sum, groups, &[63])
}

/// Groups of three bytes, then the bytes that are left over. The first of each is the highest.
fn encode(sum: &[u8], groups: impl Iterator<Item = [usize; 3]>, rest: &[usize]) -> Vec<u8> {
    let mut text = Vec::with_capacity(sum.len() * 4 / 3 + 1);
    for group in groups {
        put(&mut text, sum, &group, 4);
    }
    put(&mut text, sum, rest, rest.len() + 1);
    text
}

fn put(text: &mut Vec<u8>, sum: &[u8], places: &[usize], digits: usize) {
    let byte = |place: &usize| u32::from(sum.get(*place).copied().unwrap_or_default());
    let mut bits = places.iter().fold(0, |bits, place| bits << 8 | byte(place));
    for _ in 0..digits {
        text.extend(DIGITS.get((bits & 63) as usize));
        bits >>= 6;
    }
}
