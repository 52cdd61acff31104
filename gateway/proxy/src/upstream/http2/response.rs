//! A response of a backend: its header list as the head that HTTP/1.1 would have, its content from DATA frames.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bulkhead_http1::{HeadLimits, Progress, Refusal, RequestHead, ResponseFraming, ResponseHead, parse_response};
use bulkhead_model::limits;
use h2::RecvStream;
use h2::client::ResponseFuture;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use http::{Response, StatusCode};

use super::classify;
use crate::content::{self, Broken, Piece};
use crate::deadline::Waiting;
use crate::exchange::grpc;
use crate::fault::Fault;
use crate::http2;
use crate::transfer::Patience;
use crate::worker::Worker;

/// Bounds on the head, which is longer than the header list it is made of by its punctuation.
const HEAD_LIMITS: HeadLimits = HeadLimits {
    head_bytes: limits::RESPONSE_HEAD_BYTES.size(),
    target_bytes: 0,
    fields: limits::RESPONSE_FIELDS.size(),
};
/// Fields that a header list must not have (RFC 9113 §8.2.2), and that would say something about HTTP/1.1 here.
const REFUSED: [&str; 5] = ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];

/// One response as it arrives.
pub(crate) struct Source {
    response: ResponseFuture,
    /// There once the head has come.
    content: Option<http2::Source>,
    head: Vec<u8>,
    /// There is no content, whatever comes.
    bodiless: bool,
}

impl Source {
    pub(super) fn new(response: ResponseFuture) -> Self {
        Self { response, content: None, head: Vec::new(), bodiless: false }
    }

    /// Whether all of it has come.
    pub(super) fn has_ended(&self) -> bool {
        self.content.as_ref().is_some_and(|content| content::Source::piece(content).last)
    }

    fn poll_response(&mut self, interim: &mut u32, cx: &mut Context<'_>) -> Poll<Result<Response<RecvStream>, Fault>> {
        while let Poll::Ready(Some(informational)) = self.response.poll_informational(cx) {
            informational.map_err(|error| classify(&error))?;
            *interim += 1;
            if *interim > limits::INTERIM.number() {
                return Poll::Ready(Err(Fault::TooManyInterim));
            }
        }
        Pin::new(&mut self.response).poll(cx).map_err(|error| classify(&error))
    }
}

impl content::Source for Source {
    fn piece(&self) -> Piece<'_> {
        match &self.content {
            Some(content) if !self.bodiless => content.piece(),
            _ => Piece { content: b"", last: self.bodiless, trailers: None },
        }
    }

    async fn advance(&mut self, worker: &Worker, patience: Patience<'_>, room: usize) -> Result<(), Broken> {
        match &mut self.content {
            Some(content) => content.advance(worker, patience, room).await,
            None => Err(Broken::Gone),
        }
    }
}

impl content::ResponseSource for Source {
    async fn receive(
        &mut self,
        _worker: &Worker,
        patience: Patience<'_>,
        request: &RequestHead,
        response: &mut ResponseHead,
    ) -> Result<(), Fault> {
        let to_head = request.method.is_head();
        let (mut told, mut interim) = (false, 0);
        let received = poll_fn(|cx| {
            let polled = self.poll_response(&mut interim, cx);
            if polled.is_pending() && !std::mem::replace(&mut told, true) {
                patience.wait_for(Waiting::Response);
            }
            polled
        });
        let (parts, content) = received.await?.into_parts();
        let grpc = parts.headers.get(CONTENT_TYPE).is_some_and(|kind| grpc::is_message(kind.as_bytes()));
        write(&mut self.head, parts.status, &parts.headers, to_head).ok_or(Fault::BadResponse)?;
        self.content = Some(http2::Source::new(content, grpc, Waiting::Response));
        match parse_response(&self.head, &HEAD_LIMITS, to_head, response) {
            Ok(Progress::Complete(_)) if response.status >= 200 => Ok(()),
            Ok(_) | Err(_) => Err(Fault::BadResponse),
        }
    }

    fn head(&self) -> &[u8] {
        &self.head
    }

    fn begin(&mut self, framing: ResponseFraming) -> Result<(), Refusal> {
        // Content that an answer to HEAD, or one of certain statuses, cannot have is not waited for.
        self.bodiless = framing == ResponseFraming::None;
        Ok(())
    }

    /// Connections are shared, and go back by themselves.
    fn is_clean(&mut self) -> bool {
        false
    }
}

/// Writes the head; `None` if it cannot be one.
fn write(head: &mut Vec<u8>, status: StatusCode, fields: &HeaderMap, to_head: bool) -> Option<()> {
    head.extend_from_slice(b"HTTP/1.1 ");
    head.extend_from_slice(status.as_str().as_bytes());
    head.extend_from_slice(b" \r\n");
    for (name, value) in fields {
        if REFUSED.contains(&name.as_str()) {
            return None;
        }
        put(head, name.as_str().as_bytes(), value.as_bytes());
        if head.len() > HEAD_LIMITS.head_bytes {
            return None;
        }
    }
    let bodiless = to_head || matches!(status.as_u16(), 100..=199 | 204 | 304);
    if !bodiless && !fields.contains_key(CONTENT_LENGTH) {
        put(head, b"Transfer-Encoding", b"chunked");
    }
    head.extend_from_slice(b"\r\n");
    Some(())
}

fn put(head: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    head.extend_from_slice(name);
    head.extend_from_slice(b": ");
    head.extend_from_slice(value);
    head.extend_from_slice(b"\r\n");
}
