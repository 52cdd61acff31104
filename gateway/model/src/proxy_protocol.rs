//! The PROXY protocol: the header with which a load balancer says whose connection it passes on (`proxy-protocol.txt` of HAProxy,
//! versions 1 and 2). Bytes in, the client out; strict and bounded, because whoever writes this header chooses an address.
//!
//! The decoder is told bytes as they come, in pieces of any size, and says how many of them are the header's. What follows belongs to
//! somebody else (TLS, HTTP), and is never taken.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use thiserror::Error;

use crate::limits;

mod binary;
#[cfg(test)]
mod tests;
mod text;

/// What version 2 begins with (section 2.2): no other protocol can.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// What version 1 begins with (section 2.1).
const WORD: [u8; 6] = *b"PROXY ";
/// Longest header of version 1, its line end included (section 2.1).
pub const TEXT_BYTES: usize = 107;
/// Bytes that stand before the addresses in version 2 (section 2.2).
const FIXED_BYTES: usize = 16;
/// Most bytes behind them.
pub const BINARY_BYTES: usize = limits::PROXY_HEADER.size() - FIXED_BYTES;

/// Whose connection it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A client's.
    Client {
        /// Where it came from.
        from: SocketAddr,
        /// Where it connected to.
        to: SocketAddr,
    },
    /// The load balancer's own, such as a health check, or one of which it does not know whose it is.
    Peer,
}

/// Why a connection does not begin with a header that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum Refusal {
    /// It begins with something else.
    #[error("the connection does not begin with a PROXY protocol header")]
    Absent,
    /// A line of version 1 that is longer than [`TEXT_BYTES`], or a length in version 2 beyond [`BINARY_BYTES`].
    #[error("the header is too long")]
    TooLong,
    /// A line that is none of those that version 1 has.
    #[error("the line of version 1 is malformed")]
    Line,
    /// Neither version 2, nor one of its two commands.
    #[error("the version or the command is unknown")]
    Command,
    /// Neither TCP over IPv4, nor TCP over IPv6, nor unspecified.
    #[error("the connection that is passed on is not TCP over IPv4 or IPv6")]
    Family,
    /// Fewer bytes than the addresses take.
    #[error("the header is too short for its addresses")]
    TooShort,
}

/// How far a header has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How many of the bytes that were given belong to the header: all of them until it is complete.
    pub taken: usize,
    /// What it says, once it is complete.
    pub origin: Option<Origin>,
}

/// Reads one header. It holds [`TEXT_BYTES`] and allocates nothing.
#[derive(Clone, Debug)]
pub struct Decoder {
    /// The beginning of the header: all of a line, or the fixed part and addresses of version 2.
    held: [u8; TEXT_BYTES],
    /// How much of `held` is filled.
    filled: usize,
    /// Bytes of version 2 behind those that are held.
    passed: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { held: [0; TEXT_BYTES], filled: 0, passed: 0 }
    }
}

/// What the bytes so far say of the whole header.
enum Whole {
    /// More is needed to know.
    Unknown,
    /// It ends with the byte that has just come.
    Here(Origin),
    /// It has so many bytes.
    Of(usize),
}

impl Decoder {
    /// Whether no byte has come yet.
    #[must_use]
    pub const fn is_fresh(&self) -> bool {
        self.filled == 0
    }

    /// Takes what belongs to the header from the front of `bytes`.
    ///
    /// Law: what comes out does not depend on how the bytes are cut.
    ///
    /// # Errors
    /// As soon as the bytes cannot become a header any more. Then the decoder must not be asked again.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Progress, Refusal> {
        for (at, byte) in bytes.iter().enumerate() {
            if let Some(origin) = self.take(*byte)? {
                return Ok(Progress { taken: at + 1, origin: Some(origin) });
            }
        }
        Ok(Progress { taken: bytes.len(), origin: None })
    }

    fn take(&mut self, byte: u8) -> Result<Option<Origin>, Refusal> {
        match self.held.get_mut(self.filled) {
            Some(place) => {
                *place = byte;
                self.filled += 1;
            }
            // Of version 2, what lies this far behind says nothing that is asked for.
            None => self.passed += 1,
        }
        let held = self.held.get(..self.filled).unwrap_or_default();
        let whole = match held {
            [b'P', ..] => text::judge(held)?,
            _ => binary::judge(held)?,
        };
        match whole {
            Whole::Here(origin) => Ok(Some(origin)),
            Whole::Of(length) if length <= self.filled + self.passed => binary::origin(held).map(Some),
            Whole::Of(_) | Whole::Unknown => Ok(None),
        }
    }
}

/// A client and where it connected to; an IPv4 address in the form of IPv6 is what it is.
fn client(from: (IpAddr, u16), to: (IpAddr, u16)) -> Origin {
    let socket = |(ip, port): (IpAddr, u16)| SocketAddr::new(ip.to_canonical(), port);
    Origin::Client { from: socket(from), to: socket(to) }
}

/// Whether one of the two is how the other begins.
fn begins(start: &[u8], whole: &[u8]) -> bool {
    let shared = start.len().min(whole.len());
    start.get(..shared) == whole.get(..shared)
}
