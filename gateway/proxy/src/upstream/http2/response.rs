//! A response of a backend: its header list as the head that HTTP/1.1 would have, its content from DATA frames.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bulkhead_http1::{
    HeadLimits, Progress, Refusal, RequestHead, ResponseFraming, ResponseHead, Trailers, parse_response,
};
use bulkhead_model::limits;
use bytes::Bytes;
use h2::RecvStream;
use h2::client::ResponseFuture;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use http::{Response, StatusCode};

use super::classify;
use crate::content::{self, Broken, Piece};
use crate::deadline::Waiting;
use crate::exchange::grpc;
use crate::fault::Fault;
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
    content: Option<RecvStream>,
    head: Vec<u8>,
    piece: Bytes,
    last: bool,
    grpc: bool,
    trailers: Trailers,
}

impl Source {
    pub(super) fn new(response: ResponseFuture) -> Self {
        Self {
            response,
            content: None,
            head: Vec::new(),
            piece: Bytes::new(),
            last: false,
            grpc: false,
            trailers: Trailers::default(),
        }
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

    /// The next content that is not empty, or the end.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        let Some(content) = &mut self.content else {
            self.last = true;
            return Poll::Ready(Ok(()));
        };
        loop {
            match ready!(content.poll_data(cx)) {
                Some(Ok(piece)) => {
                    self.last = content.is_end_stream();
                    if piece.is_empty() && !self.last {
                        continue;
                    }
                    self.piece = piece;
                    return Poll::Ready(Ok(()));
                }
                Some(Err(_)) => return Poll::Ready(Err(Broken::Gone)),
                None => break,
            }
        }
        let trailers = ready!(content.poll_trailers(cx)).map_err(|_| Broken::Gone)?;
        if let Some(section) = trailers {
            if section.len() > limits::RESPONSE_FIELDS.size() {
                return Poll::Ready(Err(Broken::Framing(Refusal::TooManyFields)));
            }
            for (name, value) in &section {
                self.trailers.push(name.as_str().as_bytes(), value.as_bytes(), self.grpc);
            }
        }
        self.last = true;
        Poll::Ready(Ok(()))
    }

    /// Lets the backend send as much again as was passed on.
    fn release(&mut self) {
        let passed = std::mem::take(&mut self.piece).len();
        if let Some(content) = &mut self.content {
            // Only fails for more than was received.
            let _ = content.flow_control().release_capacity(passed);
        }
    }
}

impl content::Source for Source {
    fn piece(&self) -> Piece<'_> {
        let trailers = Some(&self.trailers).filter(|trailers| self.last && !trailers.is_empty());
        Piece { content: &self.piece, last: self.last, trailers }
    }

    async fn advance(&mut self, _worker: &Worker, patience: Patience<'_>) -> Result<(), Broken> {
        self.release();
        let mut told = false;
        poll_fn(|cx| {
            let polled = self.poll_piece(cx);
            if polled.is_pending() && !std::mem::replace(&mut told, true) {
                patience.wait_for(Waiting::Response);
            }
            polled
        })
        .await
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
        let ended = content.is_end_stream();
        self.grpc = parts.headers.get(CONTENT_TYPE).is_some_and(|kind| grpc::is_message(kind.as_bytes()));
        write(&mut self.head, parts.status, &parts.headers, to_head).ok_or(Fault::BadResponse)?;
        (self.content, self.last) = (Some(content), ended);
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
        self.last |= framing == ResponseFraming::None;
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
