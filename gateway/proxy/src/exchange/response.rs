//! The response on its way to the client.

use std::cell::Cell;

use bulkhead_http1::{
    Decoded, Decoder, Edits, HeadLimits, Name, Progress, RequestHead, ResponseFraming, ResponseHead, Version,
    parse_response, write_response,
};
use tokio::net::tcp::ReadHalf;

use crate::buffer::Buffer;
use crate::deadline::Waiting;
use crate::exchange::Next;
use crate::exchange::converse::Conversation;
use crate::exchange::frame::Frame;
use crate::fault::Fault;
use crate::phase::Phase;
use crate::stream::WriteHalf;
use crate::transfer::{read_fresh, read_more, write_all};

/// Interim responses (1xx) taken before the final one. Honest backends send one or two.
const MOST_INTERIM: u32 = 10;
/// Bounds on a response head: it is read into a content buffer, which holds this much.
const HEAD_LIMITS: HeadLimits =
    HeadLimits { head_bytes: 32 << 10, target_bytes: 0, fields: bulkhead_http1::MAX_FIELDS };

/// How a response ended.
pub(super) struct Ended {
    pub(super) next: Next,
    /// Whether the backend's connection is where the next request may begin.
    pub(super) reusable: bool,
}

/// The two sides of a response, and what is known of the request that it answers.
pub(super) struct Delivery<'d, 's, 'u> {
    pub(super) conversation: &'d Conversation<'d>,
    pub(super) down: &'d mut WriteHalf<'s>,
    pub(super) up: &'d mut ReadHalf<'u>,
    /// Whether the request has been sent to its end.
    pub(super) complete: &'d Cell<bool>,
    /// Whether the client's connection is to be closed anyway.
    pub(super) worn_out: bool,
    pub(super) request: &'d RequestHead,
    pub(super) response: &'d mut ResponseHead,
    pub(super) out: &'d mut Vec<u8>,
}

impl Delivery<'_, '_, '_> {
    /// Receives the final response and passes it on to its end.
    pub(super) async fn run(mut self) -> Result<Ended, Fault> {
        let (mut buffer, head_bytes) = self.receive_head().await?;
        let (framing, closes) = self.write_head(buffer.filled());
        buffer.consume(head_bytes);
        let mut content = Decoder::for_response(self.response.framing);
        let decoded = content.decode(buffer.filled_mut()).map_err(|_| Fault::BadResponse)?;
        self.conversation.begun.set(true);
        self.conversation.worker.tally().response(self.response.status);
        self.send(framing, &buffer, decoded, content.is_end()).await?;
        let mut clean = buffer.filled().len() == decoded.consumed;
        drop(buffer);
        while !content.is_end() {
            let Some(mut buffer) = self.receive_content().await? else {
                content.finish().map_err(|_| Fault::ResponseTruncated)?;
                self.send_end(framing).await?;
                break;
            };
            let decoded = content.decode(buffer.filled_mut()).map_err(|_| Fault::ResponseTruncated)?;
            self.send(framing, &buffer, decoded, content.is_end()).await?;
            clean = buffer.filled().len() == decoded.consumed;
        }
        let next = match (closes, self.request.persistent && self.complete.get()) {
            (false, _) => Next::Request,
            (true, false) if self.complete.get() => Next::Close,
            (true, _) => Next::Linger,
        };
        Ok(Ended { next, reusable: clean && self.response.persistent && content.is_end() })
    }

    /// Reads until the head of the final response is complete; returns the buffer it is in, and its length.
    async fn receive_head(&mut self) -> Result<(Buffer, usize), Fault> {
        let Conversation { worker, patience, .. } = self.conversation;
        let first = read_fresh(self.up, || worker.buffers.content(), || patience.wait_for(Waiting::Response)).await;
        let Ok(Some(mut buffer)) = first else { return Err(Fault::UpstreamClosed) };
        let mut interim = 0;
        loop {
            let to_head = self.request.method.is_head();
            match parse_response(buffer.filled(), &HEAD_LIMITS, to_head, self.response)
                .map_err(|_| Fault::BadResponse)?
            {
                Progress::Complete(_) if self.response.status == 101 => return Err(Fault::UnexpectedSwitch),
                Progress::Complete(bytes) if self.response.status >= 200 => return Ok((buffer, bytes)),
                Progress::Complete(bytes) => {
                    buffer.consume(bytes);
                    interim += 1;
                    if interim > MOST_INTERIM {
                        return Err(Fault::TooManyInterim);
                    }
                    if !buffer.is_empty() {
                        continue;
                    }
                }
                Progress::Partial => {}
            }
            if !buffer.reserve(crate::buffer::CONTENT_BUFFER_BYTES) {
                return Err(Fault::BadResponse);
            }
            let read = read_more(self.up, *patience, Waiting::Response, &mut buffer).await;
            if !matches!(read, Ok(1..)) {
                return Err(Fault::BadResponse);
            }
        }
    }

    /// Writes the head for the client to `out`; says how content is framed there, and whether the connection ends after it.
    fn write_head(&mut self, bytes: &[u8]) -> (ResponseFraming, bool) {
        let framing = match (self.response.framing, self.request.version) {
            (ResponseFraming::Chunked | ResponseFraming::UntilClose, Version::Http11) => ResponseFraming::Chunked,
            (ResponseFraming::Chunked | ResponseFraming::UntilClose, Version::Http10) => ResponseFraming::UntilClose,
            (framing, _) => framing,
        };
        let closes = self.worn_out
            || !self.request.persistent
            || !self.complete.get()
            || framing == ResponseFraming::UntilClose
            || self.conversation.patience.guard.phase() >= Phase::Lameduck;
        let keep_alive = self.request.version == Version::Http10 && !closes;
        self.out.clear();
        let (response, out) = (&*self.response, &mut *self.out);
        if response.fields.iter().any(|field| field.id == Name::Date) {
            write_response(out, bytes, response, framing, closes, keep_alive, &Edits::default());
        } else {
            // A backend without a clock leaves the time to whoever has one (RFC 9110 §6.6.1).
            self.conversation.worker.date.with(|date| {
                let edits = Edits { append: &[(Name::Date, date)], ..Edits::default() };
                write_response(out, bytes, response, framing, closes, keep_alive, &edits);
            });
        }
        (framing, closes)
    }

    /// Passes on the content at the start of `buffer`, with the head before it if that is still to be sent.
    async fn send(
        &mut self,
        framing: ResponseFraming,
        buffer: &Buffer,
        decoded: Decoded,
        last: bool,
    ) -> Result<(), Fault> {
        let content = buffer.filled().get(..decoded.content).unwrap_or_default();
        let frame = Frame::new(framing == ResponseFraming::Chunked, content.len(), last);
        let parts = [&self.out[..], frame.head(), content, frame.end()];
        let written = write_all(self.down, self.conversation.patience, Waiting::Client, parts).await;
        written.map_err(|_| Fault::ClientGone)?;
        self.out.clear();
        self.conversation.worker.tally().bytes_out.add(content.len() as u64);
        Ok(())
    }

    async fn send_end(&mut self, framing: ResponseFraming) -> Result<(), Fault> {
        let frame = Frame::new(framing == ResponseFraming::Chunked, 0, true);
        let parts = [frame.end(), b"", b"", b""];
        let written = write_all(self.down, self.conversation.patience, Waiting::Client, parts).await;
        written.map_err(|_| Fault::ClientGone)
    }

    async fn receive_content(&mut self) -> Result<Option<Buffer>, Fault> {
        let Conversation { worker, patience, .. } = self.conversation;
        let read = read_fresh(self.up, || worker.buffers.content(), || patience.wait_for(Waiting::Response));
        read.await.map_err(|_| Fault::ResponseTruncated)
    }
}
