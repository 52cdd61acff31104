//! What is read of certificates beside what their verification reads: who, by whom, and from when to when (RFC 5280 §4.1).

use crate::der::{CONTEXT_0, Element, Elements, GENERALIZED_TIME, INTEGER, SEQUENCE, UTC_TIME};

/// Facts of one certificate. They are what it says: nothing has been verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts<'c> {
    /// The names of the issuer: the content of a DER `RDNSequence`.
    pub issuer: &'c [u8],
    /// The names of the subject, in the same form.
    pub subject: &'c [u8],
    /// When it is valid.
    pub validity: Validity,
}

/// From when to when a certificate is valid, both included, in seconds since 1970. What lies before that counts as 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Validity {
    /// First second.
    pub not_before: u64,
    /// Last second.
    pub not_after: u64,
}

/// Where a moment lies in a validity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before it.
    Early,
    /// Within it.
    Valid,
    /// Behind it.
    Expired,
}

impl Validity {
    /// Where `now`, in seconds since 1970, lies.
    #[must_use]
    pub const fn phase(self, now: u64) -> Phase {
        if now < self.not_before {
            Phase::Early
        } else if now > self.not_after {
            Phase::Expired
        } else {
            Phase::Valid
        }
    }

    /// The first second after `now` in which the phase is another.
    #[must_use]
    pub const fn next_change(self, now: u64) -> Option<u64> {
        match self.phase(now) {
            Phase::Early => Some(self.not_before),
            Phase::Valid => self.not_after.checked_add(1),
            Phase::Expired => None,
        }
    }
}

/// Reads a certificate in DER form; `None` if it is none.
#[must_use]
pub fn read(certificate: &[u8]) -> Option<Facts<'_>> {
    let mut content = Elements::new(Elements::new(certificate).take(SEQUENCE)?);
    let mut signed = Elements::new(content.take(SEQUENCE)?);
    // The version, which is left out for the first one.
    signed.skip_optional(CONTEXT_0)?;
    signed.take(INTEGER)?;
    signed.take(SEQUENCE)?;
    let issuer = signed.take(SEQUENCE)?;
    let mut times = Elements::new(signed.take(SEQUENCE)?);
    let validity = Validity { not_before: time(times.next()?)?, not_after: time(times.next()?)? };
    let subject = signed.take(SEQUENCE)?;
    Some(Facts { issuer, subject, validity })
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`: the only forms that certificates may use (RFC 5280 §4.1.2.5).
fn time(element: Element<'_>) -> Option<u64> {
    let digits = element.content.strip_suffix(b"Z")?;
    let (year, rest) = match element.tag {
        UTC_TIME => {
            let (year, rest) = digits.split_at_checked(2)?;
            let year = number(year)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = digits.split_at_checked(4)?;
            (number(year)?, rest)
        }
        _ => return None,
    };
    let (pairs, []) = rest.as_chunks::<2>() else { return None };
    let &[month, day, hour, minute, second] = pairs else { return None };
    let (month, day) = (number(&month)?, number(&day)?);
    let (hour, minute, second) = (number(&hour)?, number(&minute)?, number(&second)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(u64::try_from(seconds).unwrap_or_default())
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))
}

/// Days of the Gregorian calendar, counted in years that begin in March, so that the leap day is the last of its year.
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let months_since_march = (month + 9) % 12;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 719,468 days lie between the first of March of the year 0 and 1970.
    year * 365 + leap_days + (months_since_march * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(tag: u8, text: &str) -> Option<u64> {
        time(Element { tag, content: text.as_bytes(), whole: b"" })
    }

    #[test]
    fn times_are_seconds_since_1970() {
        for (tag, text, seconds) in [
            (UTC_TIME, "700101000000Z", Some(0)),
            (UTC_TIME, "691231235959Z", Some(0)),
            (UTC_TIME, "491231235959Z", Some(2_524_607_999)),
            (UTC_TIME, "000301000000Z", Some(951_868_800)),
            (UTC_TIME, "000229235959Z", Some(951_868_799)),
            (GENERALIZED_TIME, "20261121133000Z", Some(1_795_267_800)),
            (GENERALIZED_TIME, "99991231235959Z", Some(253_402_300_799)),
            (UTC_TIME, "700101000000", None),
            (UTC_TIME, "7001010000Z", None),
            (UTC_TIME, "700101000000+0100", None),
            (UTC_TIME, "701301000000Z", None),
            (UTC_TIME, "700100000000Z", None),
            (UTC_TIME, "7001010000-1Z", None),
            (GENERALIZED_TIME, "20261121133000.5Z", None),
            (INTEGER, "700101000000Z", None),
        ] {
            assert_eq!(at(tag, text), seconds, "{text}");
        }
    }

    #[test]
    fn a_validity_includes_both_of_its_ends() {
        let validity = Validity { not_before: 10, not_after: 20 };
        for (now, phase, next) in [
            (9, Phase::Early, Some(10)),
            (10, Phase::Valid, Some(21)),
            (20, Phase::Valid, Some(21)),
            (21, Phase::Expired, None),
        ] {
            assert_eq!((validity.phase(now), validity.next_change(now)), (phase, next), "{now}");
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_facts() {
        for der in [&[][..], b"\x30\x00", b"\x30\x02\x30\x00", b"not DER at all", &[0x30; 300]] {
            assert_eq!(read(der), None);
        }
    }
}
