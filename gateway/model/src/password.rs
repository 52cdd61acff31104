//! Passwords as lists of users hold them: hashes in the forms that `htpasswd`, `openssl passwd` and `crypt` write.
//!
//! Made to be slow. Whoever checks one must not keep anybody else waiting meanwhile.

mod classic;
mod encoding;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use self::classic::Brand;

/// Most of a bcrypt cost: 2^14 rounds take about a second, and whoever may write a hash must not be able to ask for hours.
const MAX_COST: u32 = 14;
/// Most rounds of SHA-crypt, a hundred times its default, for the same reason.
const MAX_ROUNDS: u32 = 500_000;
/// bcrypt looks at no more bytes than this, with a zero at the end.
const BCRYPT_BYTES: usize = 72;
/// Longest text of a hash, in bytes: SHA-512-crypt with all that it can have takes 123.
const MAX_HASH_BYTES: usize = 256;
/// Longest salt behind the sum of a salted SHA-1, in bytes.
const MAX_SHA1_SALT_BYTES: usize = 64;

/// The hash of a password, with what is needed to compute it again.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Kind);

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Bcrypt {
        cost: u32,
        salt: [u8; 16],
        sum: Box<[u8]>,
    },
    /// `sum` as it is written.
    Md5 {
        brand: Brand,
        salt: Box<[u8]>,
        sum: Box<[u8]>,
    },
    Sha1 {
        salt: Box<[u8]>,
        sum: Box<[u8]>,
    },
    /// `sum` as it is written.
    Sha256 {
        rounds: sha_crypt::Params,
        salt: Box<[u8]>,
        sum: Box<[u8]>,
    },
    /// `sum` as it is written.
    Sha512 {
        rounds: sha_crypt::Params,
        salt: Box<[u8]>,
        sum: Box<[u8]>,
    },
}

/// Nothing of it must end up in a log.
impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash")
    }
}

/// Why a text is no hash that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadHash {
    /// In none of the forms.
    #[error(
        "is no hash that is known: bcrypt, SHA-crypt, MD5 (apr1) or SHA-1, as htpasswd and openssl passwd write them"
    )]
    Unknown,
    /// It would take too long.
    #[error("takes too long to check: more than 2^{MAX_COST} rounds of bcrypt, or {MAX_ROUNDS} of SHA-crypt")]
    Costly,
}

impl PasswordHash {
    /// Reads a hash as it is written.
    ///
    /// # Errors
    /// When it is in no form that is known, or would take too long to check.
    pub fn parse(text: &[u8]) -> Result<Self, BadHash> {
        if text.len() > MAX_HASH_BYTES {
            return Err(BadHash::Unknown);
        }
        if let Some(sum) = text.strip_prefix(b"{SHA}") {
            return sha1(sum, 20..=20);
        }
        if let Some(sum) = text.strip_prefix(b"{SSHA}") {
            return sha1(sum, 21..=20 + MAX_SHA1_SALT_BYTES);
        }
        let mut parts = text.split(|byte| *byte == b'$');
        let (Some(b""), Some(form)) = (parts.next(), parts.next()) else { return Err(BadHash::Unknown) };
        let rest: Vec<&[u8]> = parts.collect();
        match (form, &*rest) {
            (b"2a" | b"2b" | b"2y", [cost, rest]) => bcrypt(cost, rest),
            (b"1", [salt, sum]) => md5(Brand::Crypt, salt, sum),
            (b"apr1", [salt, sum]) => md5(Brand::Apache, salt, sum),
            (b"5" | b"6", [salt, sum]) => sha_crypt(form, b"rounds=5000", salt, sum),
            (b"5" | b"6", [rounds, salt, sum]) => sha_crypt(form, rounds, salt, sum),
            _ => Err(BadHash::Unknown),
        }
    }

    /// Whether it is the hash of `password`. Takes as long for a wrong one as for the right one, and long.
    #[must_use]
    pub fn is_of(&self, password: &[u8]) -> bool {
        let (computed, sum): (Vec<u8>, &[u8]) = match &self.0 {
            Kind::Bcrypt { cost, salt, sum } => {
                let mut key = password.to_vec();
                key.push(0);
                key.truncate(BCRYPT_BYTES);
                // The last byte is never written.
                let computed = bcrypt::bcrypt(*cost, *salt, &key);
                (computed.get(..23).unwrap_or_default().to_vec(), sum)
            }
            Kind::Md5 { brand, salt, sum } => (encoding::md5(&classic::md5(*brand, password, salt)), sum),
            Kind::Sha1 { salt, sum } => {
                (Sha1::new().chain_update(password).chain_update(salt).finalize().to_vec(), sum)
            }
            Kind::Sha256 { rounds, salt, sum } => {
                (encoding::sha256(&sha_crypt::sha256_crypt(password, salt, *rounds)), sum)
            }
            Kind::Sha512 { rounds, salt, sum } => {
                (encoding::sha512(&sha_crypt::sha512_crypt(password, salt, *rounds)), sum)
            }
        };
        computed.as_slice().ct_eq(sum).into()
    }
}

fn bcrypt(cost: &[u8], rest: &[u8]) -> Result<PasswordHash, BadHash> {
    let cost = number(cost).filter(|cost| (4..=31).contains(cost)).ok_or(BadHash::Unknown)?;
    // 22 characters are 16 bytes, 31 are 23.
    let (salt, sum) = rest.split_at_checked(22).filter(|(_, sum)| sum.len() == 31).ok_or(BadHash::Unknown)?;
    let decode = |text| encoding::BCRYPT.decode(text);
    let salt = decode(salt).ok().and_then(|salt| <[u8; 16]>::try_from(salt).ok()).ok_or(BadHash::Unknown)?;
    let sum = decode(sum).ok().filter(|sum| sum.len() == 23).ok_or(BadHash::Unknown)?;
    if cost > MAX_COST {
        return Err(BadHash::Costly);
    }
    Ok(PasswordHash(Kind::Bcrypt { cost, salt, sum: sum.into() }))
}

fn md5(brand: Brand, salt: &[u8], sum: &[u8]) -> Result<PasswordHash, BadHash> {
    if salt.len() > 8 || sum.len() != 22 || !encoding::is_crypt(sum) || !is_salt(salt) {
        return Err(BadHash::Unknown);
    }
    Ok(PasswordHash(Kind::Md5 { brand, salt: salt.into(), sum: sum.into() }))
}

fn sha_crypt(form: &[u8], rounds: &[u8], salt: &[u8], sum: &[u8]) -> Result<PasswordHash, BadHash> {
    let length = if form == b"5" { 43 } else { 86 };
    let rounds = rounds.strip_prefix(b"rounds=").and_then(number).ok_or(BadHash::Unknown)?;
    if salt.len() > 16 || sum.len() != length || !encoding::is_crypt(sum) || !is_salt(salt) {
        return Err(BadHash::Unknown);
    }
    if rounds > MAX_ROUNDS {
        return Err(BadHash::Costly);
    }
    let rounds = sha_crypt::Params::new(rounds).map_err(|_| BadHash::Unknown)?;
    let (salt, sum) = (salt.into(), sum.into());
    Ok(PasswordHash(if length == 43 { Kind::Sha256 { rounds, salt, sum } } else { Kind::Sha512 { rounds, salt, sum } }))
}

fn sha1(text: &[u8], within: std::ops::RangeInclusive<usize>) -> Result<PasswordHash, BadHash> {
    let decoded = STANDARD.decode(text).ok().filter(|decoded| within.contains(&decoded.len()));
    let decoded = decoded.ok_or(BadHash::Unknown)?;
    let (sum, salt) = decoded.split_at_checked(20).ok_or(BadHash::Unknown)?;
    Ok(PasswordHash(Kind::Sha1 { salt: salt.into(), sum: sum.into() }))
}

fn number(digits: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    text.parse().ok()
}

/// Salts are printed characters other than those that lists of users and hashes are divided by.
fn is_salt(salt: &[u8]) -> bool {
    salt.iter().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'$' | b':'))
}

#[cfg(test)]
mod tests;
