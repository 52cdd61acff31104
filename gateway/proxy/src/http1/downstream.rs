//! A client's connection, as an exchange sees it.

use std::rc::Rc;

use bulkhead_http1::{Decoder, Framing, RequestHead, ResponseFraming};
use bulkhead_model::Moment;
use bulkhead_model::settings::Limits;

use super::{Sink, Source, head};
use crate::buffer::Buffer;
use crate::connection::Client;
use crate::content;
use crate::deadline::{Guard, Waiting};
use crate::downstream;
use crate::fault::Fault;
use crate::http2::PREFACE;
use crate::publication::Pinned;
use crate::stream::{ReadHalf, WriteHalf};
use crate::transfer::{Patience, gone, write_all};
use crate::worker::Worker;

/// The client's side of a connection, as it is between and during requests.
pub(crate) struct Downstream<'s> {
    pub(super) source: Source<ReadHalf<'s>>,
    pub(super) sink: Sink<WriteHalf<'s>>,
    client: Client,
    /// Requests begun.
    pub(super) requests: u32,
    opened: Moment,
}

impl<'s> Downstream<'s> {
    pub(crate) fn new((read, write): (ReadHalf<'s>, WriteHalf<'s>), client: Client, opened: Moment) -> Self {
        let (source, sink) = (Source::new(read, Waiting::Content), Sink::new(write, Waiting::Client));
        Self { source, sink, client, requests: 0, opened }
    }

    /// Whether what has come, before any request, may be how a client begins that knows of HTTP/2 (RFC 9113 §3.3). Behind a
    /// handshake that is agreed on there.
    pub(super) fn may_speak_http2(&self) -> bool {
        self.requests == 0
            && !self.client.secure
            && self.source.held().iter().zip(PREFACE).all(|(came, due)| came == due)
    }

    /// Whoever goes on with the connection: its client, and what was read.
    pub(crate) fn into_parts(self) -> (Client, Option<Buffer>) {
        (self.client, self.source.buffer)
    }

    /// Whether to take what the client still sends before the connection is closed. Bytes that nobody reads make the kernel
    /// answer with a reset; and a TLS session has its end said first (RFC 8446 §6.1).
    pub(super) fn must_linger(&self) -> bool {
        !self.source.held().is_empty() || self.client.secure || self.source.read.has_unread()
    }
}

impl<'s> downstream::Downstream for Downstream<'s> {
    type Source = Source<ReadHalf<'s>>;
    type Sink = Sink<WriteHalf<'s>>;

    async fn receive(
        &mut self,
        worker: &Worker,
        guard: &Guard,
        request: &mut RequestHead,
    ) -> Result<Option<Rc<Pinned>>, Fault> {
        self.source.open(Decoder::new(Framing::None));
        let (head_bytes, pinned) = head::receive(worker, guard, &mut self.source, request).await?;
        self.source.take_head(head_bytes);
        Ok(pinned)
    }

    fn head(&self) -> &[u8] {
        self.source.in_hand()
    }

    fn begin(&mut self, framing: Framing) {
        self.source.open(Decoder::new(framing));
    }

    fn decode(&mut self) -> Result<(), Fault> {
        self.source.decode().map_err(Fault::Refused)
    }

    fn client(&self) -> &Client {
        &self.client
    }

    fn source(&self) -> &Self::Source {
        &self.source
    }

    fn halves(&mut self) -> (&mut Self::Source, &mut Self::Sink) {
        (&mut self.source, &mut self.sink)
    }

    fn is_worn_out(&self, limits: &Limits, now: Moment) -> bool {
        self.requests >= limits.keep_alive_requests || self.opened.after(limits.keep_alive_age) <= now
    }

    fn awaits_permission(&self) -> bool {
        self.source.held().is_empty()
    }

    async fn go_on(&mut self, patience: Patience<'_>) -> Result<(), Fault> {
        let interim = b"HTTP/1.1 100 Continue\r\n\r\n";
        let written = write_all(&mut self.sink.write, patience, Waiting::Client, [interim, b"", b"", b""]).await;
        written.map_err(|_| Fault::ClientGone)
    }

    fn skip(&mut self) -> bool {
        self.source.skip()
    }

    fn forget(&mut self) -> bool {
        let ended = self.source.skip();
        self.source.open(Decoder::new(Framing::None));
        ended
    }
}

impl content::RequestSource for Source<ReadHalf<'_>> {
    fn is_whole(&self) -> bool {
        !self.has_moved()
    }

    async fn gone(&self) {
        gone(&self.read).await;
    }

    fn switch(&mut self) {
        self.open(Decoder::for_response(ResponseFraming::UntilClose));
        // Bytes that end with their connection are never framed wrongly.
        let _ = self.decode();
    }
}
