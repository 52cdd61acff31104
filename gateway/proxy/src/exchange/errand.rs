//! A request of the gateway's own to a backend, and the head of what it answers.

use std::time::Duration;

use bulkhead_http1::{RequestHead, ResponseHead};
use bulkhead_model::balance::{By, Nobody};
use bulkhead_model::{Backend, Denial};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use crate::content::{Piece, ResponseSource as _, Sink as _, Source as _};
use crate::deadline::Waiting;
use crate::fault::{Blame, Fault};
use crate::http1;
use crate::stream::{Readiness, Stream};
use crate::transfer::Patience;
use crate::upstream::{Flight, connect};
use crate::worker::Worker;

/// Most content of an answer that is taken and dropped so that its connection can be used again.
const MOST_DROPPED: usize = 64 << 10;
/// Most endpoints that are tried for one question, where nobody accepts a connection.
const MOST_TRIES: usize = 3;
/// How long content is waited for that nobody wants. Opening a connection takes about as long.
const DROP_TIME: Duration = Duration::from_millis(20);

/// What is asked.
pub(super) struct Question<'q> {
    pub(super) backend: &'q Backend,
    /// The head that `head` was written from: how an answer is read depends on it.
    pub(super) request: &'q RequestHead,
    pub(super) head: &'q [u8],
    pub(super) content: &'q [u8],
}

/// Asks, and calls `take` on the head of the final answer and the bytes that it was parsed from. What waits for a time waits as long as
/// `patience` says; whoever calls bounds all of it. An interim answer is passed over, up to a bound; a switch of protocols is none.
///
/// # Errors
/// Nobody could be asked, or what came is no answer.
pub(super) async fn ask<T>(
    worker: &Worker,
    patience: Patience<'_>,
    question: &Question<'_>,
    take: impl Fn(&ResponseHead, &[u8]) -> T,
) -> Result<T, Fault> {
    let (guard, upstream) = (patience.guard, &patience.settings.upstream);
    let now = worker.moment(guard.now());
    let group = worker.groups.enter(worker, question.backend, now);
    let (mut fault, mut tried) = (Fault::Denied(Denial::NoEndpoints), [0; MOST_TRIES]);
    for nth in 0..MOST_TRIES {
        let asked = (upstream, tried.get(..nth).unwrap_or_default());
        let chosen = group.choose(worker, guard, question.backend, By::Method(upstream.method), asked, now);
        let flight = match chosen {
            Ok(flight) => flight,
            Err(Nobody::Full) if nth == 0 => return Err(Fault::Denied(Denial::EndpointsFull)),
            Err(_) => break,
        };
        fault = match ask_one(worker, patience, question, &flight, &take).await {
            Err(fault @ (Fault::ConnectFailed | Fault::ConnectTimeout)) => fault,
            ended => return ended,
        };
        if let Some(place) = tried.get_mut(nth) {
            *place = flight.slot().endpoint().id;
        }
    }
    Err(fault)
}

/// Asks one endpoint.
async fn ask_one<T>(
    worker: &Worker,
    patience: Patience<'_>,
    question: &Question<'_>,
    flight: &Flight<'_>,
    take: &impl Fn(&ResponseHead, &[u8]) -> T,
) -> Result<T, Fault> {
    let (guard, upstream) = (patience.guard, &patience.settings.upstream);
    if let Some(stream) = flight.slot().take() {
        worker.tally().upstream_reuses.add(1);
        match over(worker, patience, question, flight, stream, take).await {
            // It was closed at any time, which says nothing; what was asked changes nothing if it is asked again.
            Err(Fault::UpstreamClosed) if question.request.method.is_idempotent() => {}
            Err(Fault::UpstreamClosed) => return Err(Fault::UpstreamClosed),
            ended => return judged(flight, ended),
        }
    }
    guard.wait(Waiting::Connect, upstream.connect.saturating_mul(2));
    let ended = match connect(flight.slot(), upstream.connect, worker.tally()).await {
        Ok(stream) => over(worker, patience, question, flight, stream, take).await,
        Err(fault) => Err(fault),
    };
    judged(flight, ended)
}

fn judged<T>(flight: &Flight<'_>, ended: Result<T, Fault>) -> Result<T, Fault> {
    if ended.as_ref().is_err_and(|fault| fault.row().blame == Blame::Upstream) {
        flight.failed();
    }
    ended
}

async fn over<T>(
    worker: &Worker,
    patience: Patience<'_>,
    question: &Question<'_>,
    flight: &Flight<'_>,
    mut stream: Stream,
    take: &impl Fn(&ResponseHead, &[u8]) -> T,
) -> Result<T, Fault> {
    let (taken, reusable) = exchange(worker, patience, question, flight, stream.split(), take).await?;
    if reusable {
        flight.slot().put(stream, patience.guard.now(), patience.settings.upstream.max_idle_per_endpoint);
    }
    Ok(taken)
}

async fn exchange<T, R, W>(
    worker: &Worker,
    patience: Patience<'_>,
    question: &Question<'_>,
    flight: &Flight<'_>,
    (read, write): (R, W),
    take: &impl Fn(&ResponseHead, &[u8]) -> T,
) -> Result<(T, bool), Fault>
where
    R: AsyncRead + Readiness + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut source = http1::Source::new(read, Waiting::Response);
    let mut sink = http1::Sink::new(write, Waiting::Send);
    let content = Piece { content: question.content, last: true, trailers: None };
    sink.send(patience, question.head, content).await.map_err(|_| Fault::UpstreamClosed)?;
    let mut response = ResponseHead::default();
    source.receive(worker, patience, question.request, &mut response).await?;
    let taken = take(&response, source.head());
    flight.answered();
    let is_content = source.begin(response.framing).is_ok();
    let ended = is_content && timeout(DROP_TIME, skip(worker, patience, &mut source)).await.unwrap_or(false);
    Ok((taken, ended && source.is_clean() && response.persistent))
}

/// Takes what is left of an answer; whether that was little, and is over.
async fn skip<R: AsyncRead + Readiness + Unpin>(
    worker: &Worker,
    patience: Patience<'_>,
    source: &mut http1::Source<R>,
) -> bool {
    let mut dropped = 0;
    loop {
        let piece = source.piece();
        dropped += piece.content.len();
        if piece.last {
            return true;
        }
        if dropped > MOST_DROPPED || source.advance(worker, patience, MOST_DROPPED).await.is_err() {
            return false;
        }
    }
}
