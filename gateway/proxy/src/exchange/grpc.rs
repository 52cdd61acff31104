//! What gRPC says beside HTTP/2 ("gRPC over HTTP2", "Status codes and their use in gRPC", and "HTTP to gRPC Status Code
//! Mapping" of the same project).

use std::time::Duration;

use bulkhead_model::Denial;

use crate::fault::Fault;

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

/// The status of a call that failed by this fault. Where time ran out, nobody knows how far the call had come, so it is not
/// said to be worth another try; where no connection was had in time, it had not begun.
fn code(fault: Fault) -> u8 {
    const DEADLINE_EXCEEDED: u8 = 4;
    const RESOURCE_EXHAUSTED: u8 = 8;
    match fault {
        Fault::CallTimeout
        | Fault::UpstreamTimeout
        | Fault::UpstreamStalled
        | Fault::ContentTimeout
        | Fault::ContentTooSlow => DEADLINE_EXCEEDED,
        Fault::Denied(Denial::ContentTooLarge) => RESOURCE_EXHAUSTED,
        other => code_of(other.row().status),
    }
}

/// The status of a call that a response of HTTP stands for which is none of gRPC.
const fn code_of(status: u16) -> u8 {
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

/// Writes the whole response to a call that failed by `fault`: a head that is its trailers as well.
pub(super) fn write_outcome(out: &mut Vec<u8>, date: &[u8], fault: Fault, text: &str) {
    out.extend_from_slice(b"HTTP/1.1 200 OK\r\nDate: ");
    out.extend_from_slice(date);
    out.extend_from_slice(b"\r\nContent-Type: application/grpc\r\nGrpc-Status: ");
    out.extend_from_slice(code(fault).to_string().as_bytes());
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
    fn what_took_too_long_is_told_from_what_could_not_be_reached() {
        for (fault, expected) in [
            (Fault::CallTimeout, 4),
            (Fault::UpstreamTimeout, 4),
            (Fault::UpstreamStalled, 4),
            (Fault::ContentTimeout, 4),
            (Fault::ContentTooSlow, 4),
            (Fault::ConnectTimeout, 14),
            (Fault::ConnectFailed, 14),
            (Fault::UpstreamClosed, 14),
            (Fault::UpstreamReset, 14),
            (Fault::UpstreamRefused, 14),
            (Fault::Overloaded, 14),
            (Fault::Denied(Denial::NoEndpoints), 14),
            (Fault::Denied(Denial::NoRoute), 12),
            (Fault::Denied(Denial::BadPath), 13),
            (Fault::Denied(Denial::ContentTooLarge), 8),
            (Fault::Denied(Denial::ClientCertificateNeedsTls), 7),
            (Fault::Loop, 2),
        ] {
            assert_eq!(code(fault), expected, "{}", fault.row().name);
        }
    }

    #[test]
    fn every_fault_has_an_outcome_that_says_no() {
        for fault in Fault::all().filter(|fault| fault.row().status != 0) {
            assert_ne!(code(fault), 0, "{}", fault.row().name);
        }
        let mut out = Vec::new();
        write_outcome(&mut out, b"D", Fault::Overloaded, "100% \u{e4}");
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: application/grpc\r\nGrpc-Status: 14\r\nGrpc-Message: 100%25 %C3%A4\r\n\r\n"
        );
    }
}
