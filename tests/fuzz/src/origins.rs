//! Headers of the PROXY protocol.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use bulkhead_model::proxy_protocol::{BINARY_BYTES, Decoder, Origin, Progress, Refusal, TEXT_BYTES};

/// Bytes of version 2 before the addresses, and the first twelve of them.
const FIXED: usize = 16;
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// A header means the same wherever reads end, takes nothing of what follows, and has a bound; the client it names is the one that both versions
/// name when we write them.
pub(crate) fn proxy_protocol(bytes: &[u8]) {
    let whole = decode(bytes, usize::MAX);
    for step in [1, 2, 13] {
        assert_eq!(decode(bytes, step), whole, "in pieces of {step}");
    }
    let Ok(Progress { taken, origin }) = whole else { return };
    let header = bytes.get(..taken).unwrap_or_default();
    let Some(origin) = origin else {
        assert_eq!(taken, bytes.len(), "bytes are left over before the end");
        assert!(taken < FIXED + BINARY_BYTES, "{taken} bytes, and not the end");
        return;
    };
    assert_eq!(decode(header, usize::MAX), whole, "what follows has a say");
    let cut = bytes.get(..taken.saturating_sub(1)).unwrap_or_default();
    assert_eq!(decode(cut, usize::MAX), Ok(Progress { taken: cut.len(), origin: None }), "it was over before");
    if let Some(line) = header.strip_prefix(b"PROXY ") {
        assert!(taken <= TEXT_BYTES && line.ends_with(b"\r\n"));
        assert!(line.iter().filter(|byte| **byte < b' ').count() == 2, "{}", header.escape_ascii());
    } else {
        assert!(taken <= FIXED + BINARY_BYTES && header.starts_with(SIGNATURE));
        let length = header.get(14..FIXED).and_then(|bytes| bytes.try_into().ok()).map(u16::from_be_bytes);
        assert_eq!(length.map(usize::from), Some(taken - FIXED), "another length than it says");
    }
    for written in written(origin) {
        let again = decode(&written, usize::MAX);
        assert_eq!(again, Ok(Progress { taken: written.len(), origin: Some(origin) }), "{}", written.escape_ascii());
    }
}

/// Decodes `bytes` in pieces of at most `step` bytes.
fn decode(bytes: &[u8], step: usize) -> Result<Progress, Refusal> {
    let (mut decoder, mut taken) = (Decoder::default(), 0);
    assert!(decoder.is_fresh());
    for piece in bytes.chunks(step) {
        let progress = decoder.push(piece)?;
        assert!(progress.taken <= piece.len() && !decoder.is_fresh());
        assert!(progress.origin.is_some() || progress.taken == piece.len());
        taken += progress.taken;
        if progress.origin.is_some() {
            return Ok(Progress { taken, ..progress });
        }
    }
    Ok(Progress { taken, origin: None })
}

/// The header that says this, in version 1 and in version 2.
fn written(origin: Origin) -> [Vec<u8>; 2] {
    let Origin::Client { from, to } = origin else {
        return [b"PROXY UNKNOWN\r\n".to_vec(), [SIGNATURE, b"\x20\0\0\0"].concat()];
    };
    let (family, code, addresses) = match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => ("TCP4", 0x11, [from.octets(), to.octets()].concat()),
        (from, to) => ("TCP6", 0x21, [wide(from).octets(), wide(to).octets()].concat()),
    };
    let ip = |socket: SocketAddr| if code == 0x11 { socket.ip().to_string() } else { wide(socket.ip()).to_string() };
    let line = format!("PROXY {family} {} {} {} {}\r\n", ip(from), ip(to), from.port(), to.port());
    let ports = [from.port().to_be_bytes(), to.port().to_be_bytes()].concat();
    let length = u8::try_from(addresses.len() + ports.len()).unwrap_or_default();
    [line.into_bytes(), [SIGNATURE, &[0x21, code, 0, length], &addresses, &ports].concat()]
}

fn wide(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    }
}
