//! Content as it arrives on a stream.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use bulkhead_http1::{Refusal, Trailers};
use bytes::Bytes;
use h2::RecvStream;

use super::head;
use crate::content::{self, Broken, Piece};
use crate::deadline::Waiting;
use crate::transfer::Patience;
use crate::worker::Worker;

/// Receives content frame by frame. The sender may send as much again as is given up.
pub(crate) struct Source {
    stream: RecvStream,
    in_hand: Bytes,
    last: bool,
    trailers: Trailers,
    /// Whether the message is one of gRPC, whose trailers are for applications.
    grpc: bool,
    /// Whether a piece of this message was given up.
    moved: bool,
    /// What a sender that sends nothing keeps waiting.
    awaited: Waiting,
}

impl Source {
    pub(crate) fn new(stream: RecvStream, grpc: bool, awaited: Waiting) -> Self {
        let last = stream.is_end_stream();
        Self { stream, in_hand: Bytes::new(), last, trailers: Trailers::default(), grpc, moved: false, awaited }
    }

    pub(crate) fn is_grpc(&self) -> bool {
        self.grpc
    }

    pub(crate) fn has_moved(&self) -> bool {
        self.moved
    }

    /// Gives up the piece in hand.
    fn release(&mut self) {
        let bytes = std::mem::take(&mut self.in_hand).len();
        // Fails only on a stream that has been reset, whose window nobody needs.
        let _ = self.stream.flow_control().release_capacity(bytes);
    }

    /// From here on it is as if the message had ended.
    pub(crate) fn forget(&mut self) {
        self.release();
        self.last = true;
        self.trailers = Trailers::default();
    }

    fn poll_advance(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        if let Some(data) = ready!(self.stream.poll_data(cx)) {
            self.in_hand = data.map_err(|_| Broken::Gone)?;
            self.last = self.stream.is_end_stream();
            return Poll::Ready(Ok(()));
        }
        match ready!(self.stream.poll_trailers(cx)) {
            Ok(Some(map)) if map.len() > bulkhead_http1::MAX_FIELDS => {
                return Poll::Ready(Err(Broken::Framing(Refusal::TooManyFields)));
            }
            Ok(Some(map)) => self.trailers = head::trailers(&map, self.grpc),
            Ok(None) => {}
            Err(_) => return Poll::Ready(Err(Broken::Gone)),
        }
        self.last = true;
        Poll::Ready(Ok(()))
    }
}

impl content::Source for Source {
    fn piece(&self) -> Piece<'_> {
        let trailers = Some(&self.trailers).filter(|trailers| self.last && !trailers.is_empty());
        Piece { content: &self.in_hand, last: self.last, trailers }
    }

    async fn advance(&mut self, _worker: &Worker, patience: Patience<'_>, _room: usize) -> Result<(), Broken> {
        self.moved = true;
        self.release();
        let mut told = false;
        poll_fn(|cx| {
            let polled = self.poll_advance(cx);
            if polled.is_pending() && !std::mem::replace(&mut told, true) {
                patience.wait_for(self.awaited);
            }
            polled
        })
        .await
    }
}
