//! One message, many ways to arrive: in one piece, byte by byte, or cut at random points.

use std::net::SocketAddr;

use crate::exchange::Connection;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::Instant;

use super::PATIENCE;

/// Most cuts of one message.
const CUTS: u64 = 4;

/// From here on, single bytes only take time.
const LONG: usize = 2 << 10;

/// How a message arrives.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    /// All at once.
    Whole,
    /// One byte a write; of what is long, a hundred.
    Bytes,
    /// In a few pieces, each read by the gateway before the next is sent.
    Random(Random),
}

/// A small generator of numbers (splitmix64), so that a run can be repeated by its seed.
#[derive(Clone, Copy, Debug)]
pub struct Random(pub u64);

impl Random {
    /// The seed of this run: `BULKHEAD_SEED`, or the one that every run has.
    pub fn seed() -> Self {
        Self(std::env::var("BULKHEAD_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_260_319))
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ mixed >> 31) % bound.max(1)
    }
}

impl Cut {
    /// The lengths of the pieces of a message of `length` bytes.
    pub fn lengths(&mut self, length: usize) -> Vec<usize> {
        match self {
            Self::Whole => vec![length],
            Self::Bytes if length <= LONG => vec![1; length],
            Self::Bytes => (0..length).step_by(100).map(|at| (length - at).min(100)).collect(),
            Self::Random(random) => {
                let cuts = 1 + random.below(CUTS);
                let mut at: Vec<usize> = (0..cuts).map(|_| random.below(length as u64) as usize).collect();
                at.extend([0, length]);
                at.sort_unstable();
                at.dedup();
                at.windows(2).map(|pair| pair[1] - pair[0]).collect()
            }
        }
    }

    /// Sends `bytes` in pieces of `lengths`. A gateway that has closed already is not an error: its answer tells.
    pub async fn send(&self, connection: &mut Connection<TcpStream>, bytes: &[u8], lengths: &[usize]) {
        self.send_on(connection.stream(), bytes, lengths).await;
    }

    /// The same on a stream of whatever protocol.
    pub async fn send_on(&self, stream: &mut TcpStream, bytes: &[u8], lengths: &[usize]) {
        let (near, far) = (stream.local_addr().unwrap(), stream.peer_addr());
        let Ok(far) = far else { return };
        let mut rest = bytes;
        for length in lengths {
            let (piece, tail) = rest.split_at(*length);
            rest = tail;
            if stream.write_all(piece).await.is_err() {
                return;
            }
            match self {
                Self::Random(_) if !rest.is_empty() => taken(near, far).await,
                _ => yield_now().await,
            }
        }
    }
}

/// Waits until the process at `far` has read everything that was sent from `near`: the kernel's table of sockets shows what is left. A
/// gateway that does not read, because it is busy with an earlier request, is left alone after a while.
async fn taken(near: SocketAddr, far: SocketAddr) {
    let row = format!(" {} {} ", hex(far), hex(near));
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let unread = table
            .lines()
            .find(|line| line.contains(&row))
            .and_then(|line| line.split_whitespace().nth(4)?.split(':').nth(1));
        if unread.is_none_or(|unread| unread.bytes().all(|digit| digit == b'0')) {
            return;
        }
        yield_now().await;
    }
}

/// An address as `/proc/net/tcp` writes it.
fn hex(address: SocketAddr) -> String {
    let SocketAddr::V4(v4) = address else { panic!("{address} is not IPv4") };
    format!("{:08X}:{:04X}", u32::from_le_bytes(v4.ip().octets()), v4.port())
}
