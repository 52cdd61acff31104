//! The receiving side of a connection.

use bulkhead_http1::{
    Decoded, Decoder, Framing, HeadLimits, Progress, Refusal, RequestHead, ResponseFraming, ResponseHead,
    parse_response,
};
use bulkhead_model::limits;
use tokio::io::AsyncRead;

use crate::buffer::{Buffer, CONTENT_BUFFER_BYTES, HEAD_BUFFER_BYTES};
use crate::content::{self, Broken, Piece, ResponseSource};
use crate::deadline::Waiting;
use crate::fault::Fault;
use crate::stream::Readiness;
use crate::transfer::{Patience, read_fresh, read_more};
use crate::worker::Worker;

/// What is in hand, at the start of the buffer. Small, because it lies in every idle connection.
#[derive(Clone, Copy, Default)]
struct InHand {
    /// Bytes that are given up together.
    consumed: u32,
    /// How many of them are content, at their start.
    content: u32,
}

/// How many fields a head of so many leaves of their limit.
pub(super) fn room(limits: &HeadLimits, fields: usize) -> u8 {
    u8::try_from(limits.fields.saturating_sub(fields)).unwrap_or(u8::MAX)
}

impl From<Decoded> for InHand {
    fn from(decoded: Decoded) -> Self {
        let small = |count| u32::try_from(count).unwrap_or(u32::MAX);
        Self { consumed: small(decoded.consumed), content: small(decoded.content) }
    }
}

/// Bounds on a response head: it is read into a content buffer, which holds this much.
const HEAD_LIMITS: HeadLimits = HeadLimits {
    head_bytes: limits::RESPONSE_HEAD_BYTES.size(),
    target_bytes: 0,
    fields: limits::RESPONSE_FIELDS.size(),
};

/// Reads heads and content, holding a buffer only while there is something in it.
pub(crate) struct Source<R> {
    pub(crate) read: R,
    /// Bytes read and not yet given up: the piece in hand, and what follows it.
    pub(crate) buffer: Option<Buffer>,
    content: Decoder,
    /// Trailers that the message may have: what its head has left of the limit on fields.
    pub(super) trailers: u8,
    in_hand: InHand,
    /// The connection has ended, and the message with it.
    ended: bool,
    /// Whether a piece of this message was given up.
    moved: bool,
    /// What a sender that sends nothing keeps waiting.
    awaited: Waiting,
}

impl<R> Source<R> {
    pub(crate) fn new(read: R, awaited: Waiting) -> Self {
        let content = Decoder::new(Framing::None);
        Self {
            read,
            buffer: None,
            content,
            trailers: 0,
            in_hand: InHand::default(),
            ended: false,
            moved: false,
            awaited,
        }
    }

    /// What was read and not given up.
    pub(crate) fn held(&self) -> &[u8] {
        self.buffer.as_ref().map_or(&[], Buffer::filled)
    }

    /// Takes in hand the head of a message, which is the first `bytes`.
    pub(crate) fn take_head(&mut self, bytes: usize) {
        self.in_hand = Decoded { consumed: bytes, content: 0, end: false }.into();
    }

    /// The head in hand.
    pub(crate) fn in_hand(&self) -> &[u8] {
        self.held().get(..self.in_hand.consumed as usize).unwrap_or_default()
    }

    /// Gives up the head in hand, and begins the content behind it. None of that is in hand yet.
    pub(crate) fn open(&mut self, content: Decoder) {
        let head = std::mem::take(&mut self.in_hand);
        if let Some(buffer) = &mut self.buffer {
            buffer.consume(head.consumed as usize);
        }
        self.content = content;
        self.content.limit_trailers(usize::from(self.trailers));
        self.ended = false;
        self.moved = false;
    }

    /// Takes in hand what came with the head.
    pub(crate) fn decode(&mut self) -> Result<(), Refusal> {
        if let Some(buffer) = &mut self.buffer
            && !self.content.is_end()
        {
            self.in_hand = self.content.decode(buffer.filled_mut())?.into();
        }
        Ok(())
    }

    /// Gives up the piece in hand, and the buffer if there is nothing else in it.
    pub(crate) fn release(&mut self) {
        let in_hand = std::mem::take(&mut self.in_hand);
        if let Some(buffer) = &mut self.buffer {
            buffer.consume(in_hand.consumed as usize);
            if buffer.is_empty() {
                self.buffer = None;
            }
        }
    }

    /// Passes over what is left of the message, if all of it is here already. `false`: the next one cannot be found, or not
    /// without reading what nobody wants.
    pub(crate) fn skip(&mut self) -> bool {
        self.release();
        if !self.content.is_end() && !self.moved && self.decode().is_ok() {
            self.release();
        }
        self.content.is_end()
    }

    pub(crate) fn has_moved(&self) -> bool {
        self.moved
    }
}

impl<R: AsyncRead + Readiness + Unpin> content::Source for Source<R> {
    fn piece(&self) -> Piece<'_> {
        let content = self.held().get(..self.in_hand.content as usize).unwrap_or_default();
        let last = self.content.is_end() || self.ended;
        let trailers = last.then(|| self.content.trailers()).filter(|trailers| !trailers.is_empty());
        Piece { content, last, trailers }
    }

    async fn advance(&mut self, worker: &Worker, patience: Patience<'_>, room: usize) -> Result<(), Broken> {
        self.moved = true;
        self.release();
        // A full buffer is as good for a receiver that takes nearly all of it.
        let buffers = &worker.buffers;
        let take = || if room > CONTENT_BUFFER_BYTES - HEAD_BUFFER_BYTES { buffers.content() } else { buffers.head() };
        let read = read_fresh(&mut self.read, take, || patience.wait_for(self.awaited)).await;
        match read {
            Ok(Some(buffer)) => {
                self.buffer = Some(buffer);
                self.decode().map_err(Broken::Framing)
            }
            Ok(None) => {
                self.content.finish().map_err(Broken::Framing)?;
                self.ended = true;
                Ok(())
            }
            Err(_) => Err(Broken::Gone),
        }
    }
}

impl<R: AsyncRead + Readiness + Unpin> ResponseSource for Source<R> {
    async fn receive(
        &mut self,
        worker: &Worker,
        patience: Patience<'_>,
        request: &RequestHead,
        response: &mut ResponseHead,
    ) -> Result<(), Fault> {
        // Small: most responses are, and what comes behind the head of a large one waits for its client in it.
        let first = read_fresh(&mut self.read, || worker.buffers.head(), || patience.wait_for(self.awaited)).await;
        let Ok(Some(buffer)) = first else { return Err(Fault::UpstreamClosed) };
        let buffer = self.buffer.insert(buffer);
        let mut interim = 0;
        loop {
            match parse_response(buffer.filled(), &HEAD_LIMITS, request.method.is_head(), response)
                .map_err(|_| Fault::BadResponse)?
            {
                Progress::Complete(_) if response.status == 101 && !(request.upgrade && response.upgrade) => {
                    return Err(Fault::UnexpectedSwitch);
                }
                Progress::Complete(bytes) if response.status >= 200 || response.status == 101 => {
                    self.trailers = room(&HEAD_LIMITS, response.fields.len());
                    self.take_head(bytes);
                    return Ok(());
                }
                Progress::Complete(bytes) => {
                    buffer.consume(bytes);
                    interim += 1;
                    if interim > limits::INTERIM.number() {
                        return Err(Fault::TooManyInterim);
                    }
                    if !buffer.is_empty() {
                        continue;
                    }
                }
                Progress::Partial => {}
            }
            if !buffer.reserve(CONTENT_BUFFER_BYTES) {
                return Err(Fault::BadResponse);
            }
            let read = read_more(&mut self.read, patience, self.awaited, buffer).await;
            if !matches!(read, Ok(1..)) {
                return Err(Fault::BadResponse);
            }
        }
    }
    fn head(&self) -> &[u8] {
        self.in_hand()
    }

    fn begin(&mut self, framing: ResponseFraming) -> Result<(), Refusal> {
        self.open(Decoder::for_response(framing));
        self.decode()
    }

    fn is_clean(&mut self) -> bool {
        self.release();
        self.content.is_end() && self.buffer.is_none()
    }
}
