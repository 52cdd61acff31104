//! A response that is sent no faster than its route allows.

use std::io;

use bulkhead_model::bandwidth::Bandwidth;
use tokio::time::{Instant, sleep_until};

use crate::content::{Piece, Sink};
use crate::deadline::Waiting;
use crate::transfer::Patience;

/// How far a response has come.
#[derive(Debug)]
pub(super) struct Throttle {
    bandwidth: Bandwidth,
    begun: Instant,
    sent: u64,
}

impl Throttle {
    /// Of a response that begins now.
    pub(super) fn new(bandwidth: Bandwidth, now: Instant) -> Self {
        Self { bandwidth, begun: now, sent: 0 }
    }

    /// Sends the head, unless it is empty, and the piece behind it in parts, each when it is due; `count` hears of each once it is
    /// sent, because clients that leave in between have got those before.
    pub(super) async fn send(
        &mut self,
        sink: &mut impl Sink,
        patience: Patience<'_>,
        mut head: &[u8],
        piece: Piece<'_>,
        count: impl Fn(usize),
    ) -> io::Result<()> {
        let mut left = piece.content;
        loop {
            self.wait(patience).await;
            let (part, rest) = left.split_at_checked(self.bandwidth.piece(self.sent)).unwrap_or((left, &[]));
            let is_end = rest.is_empty();
            let trailers = piece.trailers.filter(|_| is_end);
            sink.send(patience, head, Piece { content: part, last: piece.last && is_end, trailers }).await?;
            self.sent = self.sent.saturating_add(part.len() as u64);
            count(part.len());
            if is_end {
                return Ok(());
            }
            (head, left) = (&[], rest);
        }
    }

    /// Waits until the next part is due. The pauses of a slow response are nobody's fault.
    async fn wait(&self, patience: Patience<'_>) {
        let due = self.begun + self.bandwidth.due(self.sent);
        if due > patience.guard.now() {
            patience.wait_for(Waiting::Client);
            sleep_until(due).await;
        }
    }
}
