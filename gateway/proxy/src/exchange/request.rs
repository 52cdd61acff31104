//! The request on its way to the backend.

use bulkhead_http1::{Decoded, Decoder, Framing, RequestHead};
use bulkhead_model::Denial;
use tokio::net::tcp::WriteHalf;

use crate::buffer::Buffer;
use crate::connection::Downstream;
use crate::deadline::Waiting;
use crate::exchange::converse::{Conversation, Stopped};
use crate::exchange::frame::Frame;
use crate::exchange::{NOTHING, Sent};
use crate::fault::Fault;
use crate::stream::ReadHalf;
use crate::transfer::{read_fresh, write_all};
use crate::worker::Scratch;

/// Writes the head, with the content that came with it, in one write.
pub(super) async fn begin(
    conversation: &Conversation<'_>,
    down: &Downstream<'_>,
    scratch: &Scratch,
    up: &mut WriteHalf<'_>,
) -> Result<(), Fault> {
    let held = down.buffer.as_ref().map_or(&[][..], Buffer::filled);
    let content = held.get(..down.decoded.content).unwrap_or_default();
    let frame = Frame::new(scratch.request.framing == Framing::Chunked, content.len(), down.content.is_end());
    let parts = [&scratch.out[..], frame.head(), content, frame.end()];
    let written = write_all(up, conversation.patience, Waiting::Send, parts).await;
    written.map_err(|_| Fault::UpstreamClosed)?;
    conversation.worker.tally().bytes_in.add(content.len() as u64);
    Ok(())
}

/// Moves content from the client to the backend, one buffer at a time.
pub(super) struct Pump<'p, 's> {
    pub(super) conversation: &'p Conversation<'p>,
    pub(super) read: &'p mut ReadHalf<'s>,
    pub(super) buffer: &'p mut Option<Buffer>,
    pub(super) content: &'p mut Decoder,
    pub(super) decoded: &'p mut Decoded,
    pub(super) sent: &'p mut Sent,
    pub(super) request: &'p RequestHead,
}

impl Pump<'_, '_> {
    /// Until the content is complete. What follows it stays in `buffer`.
    pub(super) async fn run(&mut self, up: &mut WriteHalf<'_>) -> Result<(), Stopped> {
        let limit = self.conversation.patience.settings.limits.content_bytes;
        let mut total = std::mem::replace(self.decoded, NOTHING).content as u64;
        // The first piece was sent with the head and is given up here: from now on the request cannot be repeated, and if
        // this is broken off, what followed the content is lost with the buffer that it was in.
        *self.sent = Sent::Streaming;
        *self.buffer = None;
        while !self.content.is_end() {
            let mut buffer = self.receive().await?;
            let decoded =
                self.content.decode(buffer.filled_mut()).map_err(|refusal| Stopped::Fault(Fault::Refused(refusal)))?;
            total += decoded.content as u64;
            if total > limit {
                return Err(Stopped::Fault(Fault::Denied(Denial::ContentTooLarge)));
            }
            self.send(up, buffer.filled().get(..decoded.content).unwrap_or_default()).await?;
            buffer.consume(decoded.consumed);
            if !buffer.is_empty() {
                *self.buffer = Some(buffer);
            }
        }
        *self.sent = Sent::Streamed;
        Ok(())
    }

    async fn receive(&mut self) -> Result<Buffer, Stopped> {
        let Conversation { worker, patience, .. } = self.conversation;
        let read = read_fresh(self.read, || worker.buffers.content(), || patience.wait_for(Waiting::Content));
        match read.await {
            Ok(Some(buffer)) => Ok(buffer),
            Ok(None) | Err(_) => Err(Stopped::Fault(Fault::ClientGone)),
        }
    }

    async fn send(&self, up: &mut WriteHalf<'_>, content: &[u8]) -> Result<(), Stopped> {
        let frame = Frame::new(self.request.framing == Framing::Chunked, content.len(), self.content.is_end());
        let parts = [frame.head(), content, frame.end(), b""];
        write_all(up, self.conversation.patience, Waiting::Send, parts).await.map_err(|_| Stopped::Upstream)?;
        self.conversation.worker.tally().bytes_in.add(content.len() as u64);
        Ok(())
    }
}
