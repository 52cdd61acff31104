//! One stream of a client, as an exchange sees it.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;

use bulkhead_http1::{Framing, HeadLimits, Progress, Refusal, RequestHead, parse_request};
use bulkhead_model::Moment;
use bulkhead_model::settings::Limits;
use h2::RecvStream;
use http::{Request, request};

use super::head;
use super::sink::{Answering, Sink};
use super::source::Source;
use super::store::Shelf;
use crate::buffer::Buffer;
use crate::connection::Client;
use crate::content::{self, RequestSource};
use crate::deadline::{Guard, Waiting};
use crate::downstream;
use crate::exchange::grpc;
use crate::fault::Fault;
use crate::publication::Pinned;
use crate::transfer::Patience;
use crate::worker::Worker;

/// How much longer a head may be as text than the field list it came as: the words of the request line, and `Host`, for
/// `:method`, `:path` and `:authority`; `transfer-encoding`.
const TEXT_BYTES: usize = 256;

/// A request and its response.
pub(super) struct Downstream<'s> {
    client: &'s Client,
    head: Option<request::Parts>,
    /// The head as text.
    text: Option<Buffer>,
    source: StreamSource<'s>,
    sink: Sink<'s>,
}

impl<'s> Downstream<'s> {
    pub(super) fn new(
        client: &'s Client,
        request: Request<RecvStream>,
        answering: &'s RefCell<Answering>,
        shelf: Rc<Shelf>,
    ) -> Self {
        let (head, content) = request.into_parts();
        let grpc = head.headers.get(http::header::CONTENT_TYPE).is_some_and(|kind| grpc::is_message(kind.as_bytes()));
        let source = StreamSource { source: Source::new(content, grpc, Waiting::Content), answering };
        Self { client, head: Some(head), text: None, source, sink: Sink { answering, shelf } }
    }
}

impl<'s> downstream::Downstream for Downstream<'s> {
    type Source = StreamSource<'s>;
    type Sink = Sink<'s>;

    async fn receive(
        &mut self,
        worker: &Worker,
        _guard: &Guard,
        request: &mut RequestHead,
    ) -> Result<Option<Rc<Pinned>>, Fault> {
        let Some(head) = self.head.take() else { return Err(Fault::ClientGone) };
        let current = worker.current();
        let limits = &current.as_ref().map_or(&worker.fallback, |pinned| &pinned.snapshot().settings).limits;
        let text = self.text.insert(worker.buffers.head());
        let ends = content::Source::piece(&self.source.source).last;
        head::write_request(text.spare(), &head, ends, limits.fields).map_err(Fault::Refused)?;
        let limits = HeadLimits {
            head_bytes: limits.head_bytes.saturating_add(TEXT_BYTES),
            target_bytes: limits.target_bytes,
            // Counted as they came; what was added is not the client's.
            fields: bulkhead_http1::MAX_FIELDS,
        };
        match parse_request(text.filled(), &limits, request).map_err(Fault::Refused)? {
            Progress::Complete(bytes) if bytes == text.filled().len() => Ok(current),
            Progress::Complete(_) | Progress::Partial => Err(Fault::Refused(Refusal::BadFieldValue)),
        }
    }

    fn head(&self) -> &[u8] {
        self.text.as_ref().map_or(&[], Buffer::filled)
    }

    fn begin(&mut self, _framing: Framing) {
        self.text = None;
    }

    fn decode(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    fn client(&self) -> &Client {
        self.client
    }

    fn source(&self) -> &Self::Source {
        &self.source
    }

    fn halves(&mut self) -> (&mut Self::Source, &mut Self::Sink) {
        (&mut self.source, &mut self.sink)
    }

    fn is_worn_out(&self, _limits: &Limits, _now: Moment) -> bool {
        // That is for the connection to say, which tells its client otherwise than in a response.
        false
    }

    fn awaits_permission(&self) -> bool {
        // An expectation to go on needs no answer where content can wait in its window.
        false
    }

    async fn go_on(&mut self, _patience: Patience<'_>) -> Result<(), Fault> {
        Ok(())
    }

    fn is_call(&self) -> bool {
        self.source.source.is_grpc()
    }

    fn skip(&mut self) -> bool {
        // What is left of one stream is in nobody's way.
        true
    }

    fn forget(&mut self) -> bool {
        self.source.source.forget();
        true
    }
}

/// The content of a request, and the way to see that its client has taken it back.
pub(super) struct StreamSource<'s> {
    source: Source,
    answering: &'s RefCell<Answering>,
}

impl content::Source for StreamSource<'_> {
    fn piece(&self) -> content::Piece<'_> {
        self.source.piece()
    }

    async fn advance(&mut self, worker: &Worker, patience: Patience<'_>, room: usize) -> Result<(), content::Broken> {
        self.source.advance(worker, patience, room).await
    }
}

impl RequestSource for StreamSource<'_> {
    fn is_whole(&self) -> bool {
        !self.source.has_moved()
    }

    async fn gone(&self) {
        poll_fn(|cx| self.answering.borrow_mut().poll_gone(cx)).await;
    }

    fn switch(&mut self) {
        // A stream is never another protocol's: no request on one asks for that (RFC 9113 §8.6).
    }
}
