//! What gRPC says beside HTTP/2 ("gRPC over HTTP2", and "HTTP to gRPC Status Code Mapping" of the same project).

use std::time::Duration;

/// Most digits of a timeout.
const TIMEOUT_DIGITS: usize = 8;

/// Whether content of this type is a message of gRPC.
pub(crate) fn is_message(content_type: &[u8]) -> bool {
    let rest = content_type.strip_prefix(b"application/grpc");
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

/// How long a call may take, from the value of `grpc-timeout`; `None` if it is not one.
pub(crate) fn timeout(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > TIMEOUT_DIGITS || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let count: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    match unit {
        b'H' => Some(Duration::from_secs(count * 3600)),
        b'M' => Some(Duration::from_secs(count * 60)),
        b'S' => Some(Duration::from_secs(count)),
        b'm' => Some(Duration::from_millis(count)),
        b'u' => Some(Duration::from_micros(count)),
        b'n' => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

/// The status of a call that a response of HTTP stands for which is none of gRPC.
const fn code(status: u16) -> u8 {
    const UNKNOWN: u8 = 2;
    const PERMISSION_DENIED: u8 = 7;
    const UNIMPLEMENTED: u8 = 12;
    const INTERNAL: u8 = 13;
    const UNAVAILABLE: u8 = 14;
    const UNAUTHENTICATED: u8 = 16;
    match status {
        400 => INTERNAL,
        401 => UNAUTHENTICATED,
        403 => PERMISSION_DENIED,
        404 => UNIMPLEMENTED,
        429 | 502 | 503 | 504 => UNAVAILABLE,
        _ => UNKNOWN,
    }
}

/// Writes the whole response to a call that failed with what would be `status`: a head that is its trailers as well.
pub(super) fn write_outcome(out: &mut Vec<u8>, date: &[u8], status: u16, text: &str) {
    out.extend_from_slice(b"HTTP/1.1 200 OK\r\nDate: ");
    out.extend_from_slice(date);
    out.extend_from_slice(b"\r\nContent-Type: application/grpc\r\nGrpc-Status: ");
    out.extend_from_slice(code(status).to_string().as_bytes());
    out.extend_from_slice(b"\r\nGrpc-Message: ");
    for &byte in text.as_bytes() {
        match byte {
            b'%' | ..b' ' | 0x7F.. => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
            plain => out.push(plain),
        }
    }
    out.extend_from_slice(b"\r\n\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;

    #[test]
    fn a_timeout_is_digits_and_a_unit() {
        for (value, expected) in [
            (&b"2H"[..], Some(Duration::from_secs(7200))),
            (b"3M", Some(Duration::from_secs(180))),
            (b"4S", Some(Duration::from_secs(4))),
            (b"99999999m", Some(Duration::from_millis(99_999_999))),
            (b"5u", Some(Duration::from_micros(5))),
            (b"0n", Some(Duration::ZERO)),
            (b"", None),
            (b"S", None),
            (b"5", None),
            (b"-5S", None),
            (b"5s", None),
            (b"5 S", None),
            (b"123456789S", None),
        ] {
            assert_eq!(timeout(value), expected, "{}", String::from_utf8_lossy(value));
        }
    }

    #[test]
    fn a_message_of_grpc_is_told_by_its_type() {
        for (kind, is) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc; charset=x", true),
            ("application/grpc-web", false),
            ("application/json", false),
        ] {
            assert_eq!(is_message(kind.as_bytes()), is, "{kind}");
        }
    }

    #[test]
    fn every_fault_has_an_outcome_that_says_no() {
        for row in Fault::all().map(Fault::row).filter(|row| row.status != 0) {
            assert_ne!(code(row.status), 0, "{}", row.name);
        }
        let mut out = Vec::new();
        write_outcome(&mut out, b"D", 503, "100% \u{e4}");
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: application/grpc\r\nGrpc-Status: 14\r\nGrpc-Message: 100%25 %C3%A4\r\n\r\n"
        );
    }
}
