//! Where a request stands in a trace: the fields `traceparent` and `tracestate` of W3C Trace Context (Level 2, §3.2 and §3.3).

use std::num::{NonZeroU64, NonZeroU128};

/// Bytes of a `traceparent` of version 00, the only one that is written here.
pub const TRACEPARENT_BYTES: usize = 55;
/// Most members of a `tracestate` (§3.3.1.1).
const MOST_MEMBERS: usize = 32;
/// Most bytes of a key or a value of one (§3.3.1.3).
const MOST_MEMBER_BYTES: usize = 256;

const SAMPLED: u8 = 0b01;
/// The 56 bits of the trace's identity that come last are random (§3.2.2.5.2).
const RANDOM: u8 = 0b10;

/// What a request says of the span that it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    trace: NonZeroU128,
    span: NonZeroU64,
    is_sampled: bool,
    is_random: bool,
}

impl Parent {
    /// What the values of all `traceparent` of a request say; `None`: nothing that could be believed. Of two, no reader knows which
    /// counts.
    #[must_use]
    pub fn of<'f>(mut values: impl Iterator<Item = &'f [u8]>) -> Option<Self> {
        let only = values.next().filter(|_| values.next().is_none())?;
        Self::parse(only)
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let (head, rest) = text.split_at_checked(TRACEPARENT_BYTES)?;
        let [head, trace, span, flags] = parts(head)?;
        let version = u8::try_from(hexadecimal(head)?).ok()?;
        // What a later version adds stands behind another dash; version 00 adds nothing, and ff is none (§3.2.2.1, §4.3).
        match (version, rest) {
            (0xff, _) | (0, [_, ..]) => return None,
            (_, [] | [b'-', ..]) => {}
            _ => return None,
        }
        let flags = u8::try_from(hexadecimal(flags)?).ok()?;
        Some(Self {
            trace: NonZeroU128::new(hexadecimal(trace)?)?,
            span: NonZeroU64::new(u64::try_from(hexadecimal(span)?).ok()?)?,
            is_sampled: flags & SAMPLED != 0,
            // Nobody knows what the other flags of later versions mean.
            is_random: version == 0 && flags & RANDOM != 0,
        })
    }

    /// Whether whoever began the trace has it recorded.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.is_sampled
    }
}

/// `00-TRACE-SPAN-FLAGS` by its places; `None`: the dashes stand elsewhere.
fn parts(head: &[u8]) -> Option<[&[u8]; 4]> {
    let mut parts = head.split(|byte| *byte == b'-');
    let found = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    let lengths = found.map(<[u8]>::len);
    (lengths == [2, 32, 16, 2] && parts.next().is_none()).then_some(found)
}

/// Lower case alone: capitals are not valid (§3.2.2).
fn hexadecimal(text: &[u8]) -> Option<u128> {
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(u128::from(byte - b'0')),
        b'a'..=b'f' => Some(u128::from(byte - b'a' + 10)),
        _ => None,
    };
    text.iter().try_fold(0_u128, |number, byte| Some((number << 4) | digit(byte)?))
}

/// Where a request stands in a trace, as its backend is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace: NonZeroU128,
    /// The request's own span.
    pub span: NonZeroU64,
    /// The span that it comes from.
    pub parent: Option<NonZeroU64>,
    /// Whether it is recorded.
    pub is_sampled: bool,
    is_random: bool,
}

impl TraceContext {
    /// Of a trace that begins here, with numbers drawn at random.
    #[must_use]
    pub const fn begin(trace: NonZeroU128, span: NonZeroU64, is_sampled: bool) -> Self {
        Self { trace, span, parent: None, is_sampled, is_random: true }
    }

    /// Of a trace that goes on.
    #[must_use]
    pub const fn go_on(parent: Parent, span: NonZeroU64, is_sampled: bool) -> Self {
        let Parent { trace, span: from, is_random, .. } = parent;
        Self { trace, span, parent: Some(from), is_sampled, is_random }
    }

    /// Its flags (§3.2.2.5).
    #[must_use]
    pub const fn flags(&self) -> u8 {
        (if self.is_sampled { SAMPLED } else { 0 }) | (if self.is_random { RANDOM } else { 0 })
    }

    /// The value of `traceparent`.
    #[must_use]
    pub fn traceparent(&self) -> [u8; TRACEPARENT_BYTES] {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        let numbers = [(3, 32, self.trace.get()), (36, 16, self.span.get().into()), (53, 2, self.flags().into())];
        for (from, digits, number) in numbers {
            let places = text.get_mut(from..from + digits).unwrap_or_default();
            for (nth, place) in places.iter_mut().rev().enumerate() {
                let digit = (number >> (4 * nth)) as u8 & 0xf;
                *place = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
            }
        }
        text
    }
}

/// Whether the values of all `tracestate` of a request are together what the format allows (§3.3.1): otherwise nobody behind could
/// read any of it.
#[must_use]
pub fn is_tracestate<'f>(values: impl Iterator<Item = &'f [u8]>) -> bool {
    let members = values.flat_map(|value| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    let mut count = 0;
    // Empty members are allowed, and count for nothing.
    for member in members.filter(|member| !member.is_empty()) {
        count += 1;
        let Some(sign) = member.iter().position(|byte| *byte == b'=') else { return false };
        let (key, value) = member.split_at(sign);
        let is_value = |value: &[u8]| {
            (1..=MOST_MEMBER_BYTES).contains(&value.len())
                && value.iter().all(|byte| matches!(byte, b' '..=b'~') && *byte != b'=')
        };
        if count > MOST_MEMBERS || !is_key(key) || !is_value(value.get(1..).unwrap_or_default()) {
            return false;
        }
    }
    true
}

fn is_key(key: &[u8]) -> bool {
    let is_of_key = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@');
    let begins = key.first().is_some_and(|first| first.is_ascii_lowercase() || first.is_ascii_digit());
    begins && key.len() <= MOST_MEMBER_BYTES && key.iter().all(is_of_key)
}

#[cfg(test)]
mod tests;
