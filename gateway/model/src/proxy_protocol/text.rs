//! Version 1: a line of text.

use super::{IpAddr, Ipv4Addr, Ipv6Addr, Origin, Refusal, TEXT_BYTES, WORD, Whole, begins, client};

/// The header so far.
pub(super) fn judge(held: &[u8]) -> Result<Whole, Refusal> {
    if !begins(held, &WORD) {
        return Err(Refusal::Absent);
    }
    match held {
        [line @ .., b'\r', b'\n'] => line_origin(line).map(Whole::Here),
        [.., b'\r', _] | [.., b'\n'] => Err(Refusal::Line),
        // A line of the longest length was complete above.
        _ if held.len() >= TEXT_BYTES => Err(Refusal::TooLong),
        [.., b'\r' | b' '..=b'~'] => Ok(Whole::Unknown),
        _ => Err(Refusal::Line),
    }
}

/// `PROXY TCP4 source destination source-port destination-port`, the same with `TCP6`, or `PROXY UNKNOWN` and whatever else.
fn line_origin(line: &[u8]) -> Result<Origin, Refusal> {
    let text = std::str::from_utf8(line).map_err(|_| Refusal::Line)?;
    let mut words = text.split(' ').skip(1);
    let family = words.next();
    if family == Some("UNKNOWN") {
        return Ok(Origin::Peer);
    }
    let [Some(from), Some(to), Some(from_port), Some(to_port), None] = std::array::from_fn(|_| words.next()) else {
        return Err(Refusal::Line);
    };
    let address = |word: &str| -> Option<IpAddr> {
        match family {
            Some("TCP4") => word.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
            Some("TCP6") => word.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            _ => None,
        }
    };
    let ends = || Some(client((address(from)?, port(from_port)?), (address(to)?, port(to_port)?)));
    ends().ok_or(Refusal::Line)
}

/// Decimal, without sign or leading zeros.
fn port(word: &str) -> Option<u16> {
    let plain = word.bytes().all(|byte| byte.is_ascii_digit()) && (word.len() == 1 || !word.starts_with('0'));
    word.parse().ok().filter(|_| plain)
}
