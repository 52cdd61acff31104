//! Content as it leaves on a stream.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Buf;
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http::Response;
use tokio::time::timeout;

use super::head;
use super::store::{Parcel, Room, Shelf};
use crate::content::{self, Piece};
use crate::deadline::Waiting;
use crate::pace::Progress;
use crate::transfer::Patience;

/// The sending half of a client's stream, before and after the response has begun.
pub(super) enum Answering {
    Waiting(SendResponse<Parcel>),
    Begun(SendStream<Parcel>),
}

impl Answering {
    /// Resolves when the client has taken its request back, or is gone.
    pub(super) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Waiting(responder) => responder.poll_reset(cx).map(|_| ()),
            Self::Begun(stream) => stream.poll_reset(cx).map(|_| ()),
        }
    }

    /// Sends the head; `ends` if that is all.
    fn begin(&mut self, response: Response<()>, ends: bool) -> io::Result<()> {
        let Self::Waiting(responder) = self else { return Err(io::ErrorKind::AlreadyExists.into()) };
        *self = Self::Begun(responder.send_response(response, ends).map_err(io::Error::other)?);
        Ok(())
    }

    /// Where content goes once the head is sent.
    fn stream(&mut self) -> io::Result<&mut SendStream<Parcel>> {
        match self {
            Self::Waiting(_) => Err(io::ErrorKind::NotConnected.into()),
            Self::Begun(stream) => Ok(stream),
        }
    }

    pub(super) fn reset(&mut self, reason: Reason) {
        match self {
            Self::Waiting(responder) => responder.send_reset(reason),
            Self::Begun(stream) => stream.send_reset(reason),
        }
    }
}

/// Sends a response, as much of it as the client has room for. Shared with the source, which watches for a reset.
pub(crate) struct Sink<'s> {
    pub(super) answering: &'s RefCell<Answering>,
    pub(super) shelf: Rc<Shelf>,
}

impl content::Sink for Sink<'_> {
    fn frame(&mut self, _chunked: bool) {
        // Every frame says how long it is, and the last one that it is the last.
    }

    async fn ready(&mut self, patience: Patience<'_>) -> io::Result<usize> {
        let mut told = false;
        let patience = (patience, Waiting::Client);
        let room = poll_fn(|cx| poll_room(self.answering.borrow_mut().stream()?, &self.shelf, cx, &mut told, patience));
        timeout(LAST_WORD, room).await.unwrap_or(Ok(0))
    }

    async fn send(&mut self, patience: Patience<'_>, head: &[u8], piece: Piece<'_>) -> io::Result<()> {
        let ends = piece.last && piece.trailers.is_none();
        if !head.is_empty() {
            let response = head::response(head).ok_or(io::ErrorKind::InvalidData)?;
            let bare = ends && piece.content.is_empty();
            self.answering.borrow_mut().begin(response, bare)?;
            if bare {
                return Ok(());
            }
        }
        let mut sending = Sending::new(piece.content, ends, Waiting::Client);
        poll_fn(|cx| sending.poll(self.answering.borrow_mut().stream()?, &self.shelf, cx, patience)).await?;
        match piece.trailers {
            Some(trailers) if piece.last => {
                let trailers = head::trailer_map(trailers);
                self.answering.borrow_mut().stream()?.send_trailers(trailers).map_err(io::Error::other)
            }
            _ => Ok(()),
        }
    }
}

/// How long a message is left where it comes from because its receiver has no window for more. Its end, and its trailers, need
/// none (RFC 9113 §6.9.1), and whoever has all of it may be waiting for just that: then one small read is made to find them.
pub(crate) const LAST_WORD: Duration = Duration::from_millis(100);

/// Ready when a stream takes at least a byte: a receiver may be content with any window, and wait for what fits. Returns how much
/// it takes. `told`: whether `patience` knows what is waited for.
pub(crate) fn poll_room<B: Buf>(
    stream: &mut SendStream<B>,
    room: &impl Room<B>,
    cx: &mut Context<'_>,
    told: &mut bool,
    (patience, awaited): (Patience<'_>, Waiting),
) -> Poll<io::Result<usize>> {
    let polled = poll_window(stream, room, 1, cx);
    if polled.is_pending() && !std::mem::replace(told, true) {
        patience.wait_for(awaited);
    }
    polled
}

/// How much of `wanted` bytes, at least one, can be handed over: what there is room for, and then window. A stream that waits for
/// room takes no window from others.
fn poll_window<B: Buf>(
    stream: &mut SendStream<B>,
    room: &impl Room<B>,
    wanted: usize,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    let room = ready!(room.poll_room(cx));
    stream.reserve_capacity(wanted.min(room));
    while stream.capacity() == 0 {
        ready!(stream.poll_capacity(cx)).ok_or(io::ErrorKind::BrokenPipe)?.map_err(io::Error::other)?;
    }
    Poll::Ready(Ok(stream.capacity().min(room)))
}

/// One piece of content on its way into a stream's window.
pub(crate) struct Sending<'p> {
    content: &'p [u8],
    /// Whether the stream ends with it, and that has not been said yet.
    ends: bool,
    /// What a receiver without room keeps waiting.
    awaited: Waiting,
    told: bool,
    progress: Progress,
}

impl<'p> Sending<'p> {
    pub(crate) fn new(content: &'p [u8], ends: bool, awaited: Waiting) -> Self {
        Self { content, ends, awaited, told: false, progress: Progress::default() }
    }

    /// Ready when all of it is on its way. A window that opens by a few bytes now and then does not extend the wait.
    pub(crate) fn poll<B: Buf + Default>(
        &mut self,
        stream: &mut SendStream<B>,
        room: &impl Room<B>,
        cx: &mut Context<'_>,
        patience: Patience<'_>,
    ) -> Poll<io::Result<()>> {
        let least = if self.awaited == Waiting::Client { patience.settings.limits.response_progress } else { 1 };
        loop {
            if self.content.is_empty() && !std::mem::take(&mut self.ends) {
                return Poll::Ready(Ok(()));
            } else if self.content.is_empty() {
                return Poll::Ready(stream.send_data(B::default(), true).map_err(io::Error::other));
            }
            let Poll::Ready(window) = poll_window(stream, room, self.content.len(), cx)? else {
                if !std::mem::replace(&mut self.told, true) {
                    patience.wait_for(self.awaited);
                    self.progress = Progress::default();
                }
                return Poll::Pending;
            };
            let (now, later) = self.content.split_at(window.min(self.content.len()));
            let ends = self.ends && later.is_empty();
            stream.send_data(room.take(now), ends).map_err(io::Error::other)?;
            self.content = later;
            self.ends &= !ends;
            self.progress.add(now.len());
            self.told = self.told && !self.progress.take(least);
        }
    }
}
