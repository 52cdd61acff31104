//! Content on its way through: where it comes from and where it goes, whichever versions are spoken on the two sides.

use std::io;

use bulkhead_http1::{Refusal, RequestHead, ResponseFraming, ResponseHead, Trailers};

use crate::fault::Fault;
use crate::transfer::Patience;
use crate::worker::Worker;

/// A part of a message's content.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece<'p> {
    /// Its bytes; there may be none.
    pub(crate) content: &'p [u8],
    /// Whether the message ends with it.
    pub(crate) last: bool,
    /// What stands behind the last piece, if anything does.
    pub(crate) trailers: Option<&'p Trailers>,
}

impl Piece<'_> {
    /// Without trailers: the receiver does not take any.
    pub(crate) fn bare(self) -> Self {
        Self { trailers: None, ..self }
    }
}

/// Why there is no further piece.
#[derive(Debug)]
pub(crate) enum Broken {
    /// What arrives is not the rest of this message.
    Framing(Refusal),
    /// The sender is gone, or has broken the message off.
    Gone,
}

/// One message's content as it arrives. One piece is in hand at any time; at first what came with the head.
pub(crate) trait Source {
    /// The piece in hand.
    fn piece(&self) -> Piece<'_>;

    /// Gives up the piece in hand and waits for the next one. Not to be called when it was the last. The receiver has room for
    /// `room` bytes; the piece may be larger, but is held in no more memory than that calls for.
    ///
    /// # Errors
    /// The message cannot be completed.
    async fn advance(&mut self, worker: &Worker, patience: Patience<'_>, room: usize) -> Result<(), Broken>;
}

/// The content of a request, and who sends it.
pub(crate) trait RequestSource: Source {
    /// Whether nothing was given up yet: all that has come is in hand, and can be sent again.
    fn is_whole(&self) -> bool;

    /// Waits until the client has left, without taking anything that is not this request's. Waits for ever where that cannot
    /// be known.
    async fn gone(&self);

    /// The connection is another protocol's from here on: all that comes is passed on as it is.
    fn switch(&mut self);
}

/// The response of a backend.
pub(crate) trait ResponseSource: Source {
    /// Awaits the complete head of the final response to `request`, within limits. Its parts are in `response`.
    async fn receive(
        &mut self,
        worker: &Worker,
        patience: Patience<'_>,
        request: &RequestHead,
        response: &mut ResponseHead,
    ) -> Result<(), Fault>;

    /// The bytes that the head was parsed from, until the content begins.
    fn head(&self) -> &[u8];

    /// Gives up the head, and takes in hand what content came with it.
    ///
    /// # Errors
    /// What follows is not content.
    fn begin(&mut self, framing: ResponseFraming) -> Result<(), Refusal>;

    /// Whether the response has ended, and nothing has come behind it.
    fn is_clean(&mut self) -> bool;
}

/// Where a message goes.
pub(crate) trait Sink {
    /// Says how the message that is sent next is framed on a connection that has no frames of its own.
    fn frame(&mut self, chunked: bool);

    /// Waits until there is room for more, so that what nobody takes is not held here but left where it comes from. Returns
    /// how much there is, in bytes.
    ///
    /// # Errors
    /// The receiver is gone.
    async fn ready(&mut self, patience: Patience<'_>) -> io::Result<usize>;

    /// Sends the head, unless it is empty because it was sent before, and the piece behind it.
    ///
    /// # Errors
    /// The receiver is gone, or takes no more.
    async fn send(&mut self, patience: Patience<'_>, head: &[u8], piece: Piece<'_>) -> io::Result<()>;
}
