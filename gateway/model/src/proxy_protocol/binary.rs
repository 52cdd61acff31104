//! Version 2: a signature, four bytes that say what follows, addresses, and then values of types that are not asked for.
//!
//! Among those may be a checksum (section 2.2.3); like all of them it is passed over. TCP has checksums of its own, and against whoever
//! would forge a header this one protects nobody.

use super::{BINARY_BYTES, FIXED_BYTES, IpAddr, Ipv4Addr, Ipv6Addr, Origin, Refusal, SIGNATURE, Whole, begins, client};

/// The header so far.
pub(super) fn judge(held: &[u8]) -> Result<Whole, Refusal> {
    if !begins(held, &SIGNATURE) {
        return Err(Refusal::Absent);
    }
    let rest = held.get(SIGNATURE.len()..).unwrap_or_default();
    let command = rest.first().map(|byte| Command::of(*byte)).transpose()?;
    if let (Some(Command::Proxy), Some(family)) = (command, rest.get(1)) {
        Family::of(*family)?;
    }
    let [command_byte, family, high, low, ..] = rest else { return Ok(Whole::Unknown) };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    if length > BINARY_BYTES {
        return Err(Refusal::TooLong);
    }
    if Command::of(*command_byte)? == Command::Proxy && length < Family::of(*family)?.bytes() {
        return Err(Refusal::TooShort);
    }
    Ok(Whole::Of(FIXED_BYTES + length))
}

/// What a complete header says, of which `held` are the first bytes.
pub(super) fn origin(held: &[u8]) -> Result<Origin, Refusal> {
    let (fixed, addresses) = held.split_at_checked(FIXED_BYTES).ok_or(Refusal::TooShort)?;
    let [.., command, family, _, _] = fixed else { return Err(Refusal::TooShort) };
    if Command::of(*command)? == Command::Local {
        return Ok(Origin::Peer);
    }
    match Family::of(*family)? {
        Family::Unspecified => Ok(Origin::Peer),
        Family::Tcp4 => ends(addresses, |octets: [u8; 4]| IpAddr::V4(Ipv4Addr::from(octets))),
        Family::Tcp6 => ends(addresses, |octets: [u8; 16]| IpAddr::V6(Ipv6Addr::from(octets))),
    }
}

/// Source, destination, source port, destination port.
fn ends<const N: usize>(addresses: &[u8], ip: impl Fn([u8; N]) -> IpAddr) -> Result<Origin, Refusal> {
    let cut = || {
        let (from, rest) = addresses.split_first_chunk::<N>()?;
        let (to, rest) = rest.split_first_chunk::<N>()?;
        let (from_port, rest) = rest.split_first_chunk::<2>()?;
        let (to_port, _) = rest.split_first_chunk::<2>()?;
        Some(client((ip(*from), u16::from_be_bytes(*from_port)), (ip(*to), u16::from_be_bytes(*to_port))))
    };
    cut().ok_or(Refusal::TooShort)
}

/// Why the load balancer connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    /// For itself.
    Local,
    /// For a client.
    Proxy,
}

impl Command {
    /// The upper half of the byte is the version.
    fn of(byte: u8) -> Result<Self, Refusal> {
        match byte {
            0x20 => Ok(Self::Local),
            0x21 => Ok(Self::Proxy),
            _ => Err(Refusal::Command),
        }
    }
}

/// What the client's connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    /// Nobody says.
    Unspecified,
    /// TCP over IPv4.
    Tcp4,
    /// TCP over IPv6.
    Tcp6,
}

impl Family {
    /// The upper half of the byte is the family, the lower one the protocol. Datagrams and UNIX sockets do not lead to an HTTP gateway.
    fn of(byte: u8) -> Result<Self, Refusal> {
        match byte {
            0x00 => Ok(Self::Unspecified),
            0x11 => Ok(Self::Tcp4),
            0x21 => Ok(Self::Tcp6),
            _ => Err(Refusal::Family),
        }
    }

    /// Room that its addresses and ports take.
    const fn bytes(self) -> usize {
        match self {
            Self::Unspecified => 0,
            Self::Tcp4 => 12,
            Self::Tcp6 => 36,
        }
    }
}
