//! Where the content of a message ends (RFC 9112 §6).

use crate::{Refusal, Version};

/// How the content of a request is delimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// There is none, and no Content-Length either.
    #[default]
    None,
    /// This many bytes, as Content-Length says; may be 0.
    Sized(u64),
    /// Chunks.
    Chunked,
}

/// How the content of a response is delimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResponseFraming {
    /// There is none: an answer to HEAD, or a status that never has any.
    #[default]
    None,
    /// This many bytes, as Content-Length says; may be 0.
    Sized(u64),
    /// Chunks.
    Chunked,
    /// All bytes until the connection ends.
    UntilClose,
}

/// Whether a response of this status has no content whatever its fields say (RFC 9112 §6.3).
pub(crate) const fn is_bodiless(status: u16) -> bool {
    matches!(status, 100..=199 | 204 | 304)
}

/// What the framing fields of one head said so far.
#[derive(Default)]
pub(crate) struct FramingFields {
    content_length: Option<u64>,
    chunked: bool,
}

/// What the framing fields of one head come down to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Declared {
    Nothing,
    Length(u64),
    Chunked,
}

impl FramingFields {
    /// Takes one Content-Length value. Equal repetitions count once; anything but digits is refused, and so are
    /// leading zeros, which some recipients read as octal.
    pub(crate) fn content_length(&mut self, value: &[u8]) -> Result<(), Refusal> {
        let length = decimal(value).ok_or(Refusal::BadContentLength)?;
        if self.content_length.is_some_and(|other| other != length) {
            return Err(Refusal::ConflictingContentLength);
        }
        self.content_length = Some(length);
        Ok(())
    }

    /// Takes one Transfer-Encoding value: the first and only one must be `chunked`.
    pub(crate) fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), Refusal> {
        if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
            return Err(Refusal::BadTransferEncoding);
        }
        self.chunked = true;
        Ok(())
    }

    /// The sum of all framing fields of a head of this version.
    pub(crate) const fn declared(&self, version: Version) -> Result<Declared, Refusal> {
        match (self.chunked, self.content_length, version) {
            (true, Some(_), _) => Err(Refusal::LengthAndTransferEncoding),
            (true, None, Version::Http10) => Err(Refusal::TransferEncodingInHttp10),
            (true, None, Version::Http11) => Ok(Declared::Chunked),
            (false, Some(length), _) => Ok(Declared::Length(length)),
            (false, None, _) => Ok(Declared::Nothing),
        }
    }
}

/// A number of 1 to 19 digits without leading zeros, at most 2^63 - 1: signed arithmetic elsewhere cannot go wrong.
fn decimal(digits: &[u8]) -> Option<u64> {
    /// 2^63 - 1 has 19 digits, and no number of 19 digits overflows a `u64`.
    const DIGITS: usize = 19;
    if digits.is_empty() || digits.len() > DIGITS || (digits.len() > 1 && digits.first() == Some(&b'0')) {
        return None;
    }
    let mut number = 0u64;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number * 10 + u64::from(digit - b'0');
    }
    (number <= i64::MAX.cast_unsigned()).then_some(number)
}
