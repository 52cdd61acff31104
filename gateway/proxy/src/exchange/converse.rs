//! Step 4: the request goes out and the response comes in, both at the same time; each direction waits for its slower side.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use bulkhead_http1::Framing;
use bulkhead_model::{Answer, ErrorPages};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::content::{Piece, RequestSource, ResponseSource, Sink, Source as _};
use crate::deadline::Waiting;
use crate::downstream::Downstream;
use crate::exchange::attended::attended;
use crate::exchange::response::Ended;
use crate::exchange::stop::Stop;
use crate::exchange::throttle::Throttle;
use crate::exchange::{Next, Twin, forward, request, response, tunnel};
use crate::fault::Fault;
use crate::http1;
use crate::stream::{Readiness, Stream};
use crate::transfer::Patience;
use crate::upstream::{Flight, Lease};
use crate::worker::{Scratch, Worker};

/// What every part of a conversation needs.
pub(super) struct Conversation<'c> {
    pub(super) worker: &'c Worker,
    pub(super) patience: Patience<'c>,
    /// Whether the client has been sent a part of the final response.
    pub(super) begun: &'c Cell<bool>,
    /// Slowest rate of the request's content, in bytes a second; 0 is any.
    pub(super) content_rate: u32,
}

/// Why the sending side ended before the response did.
pub(super) enum Stopped {
    /// The exchange is over: the client is gone, or sent what must not be forwarded.
    Fault(Fault),
    /// The backend takes no more; it may still answer.
    Upstream,
}

/// Sends the request over `stream`, delivers the response, and keeps the connection if it is clean.
pub(super) async fn converse<D: Downstream>(
    conversation: &Conversation<'_>,
    down: &mut D,
    scratch: &mut Scratch,
    mut stream: Stream,
    flight: &Flight<'_>,
) -> Result<Next, Fault> {
    let ended = match &mut stream {
        Stream::Plain(plain) => pin!(over(conversation, down, scratch, flight, plain.split())).await?,
        // Boxed, as in all that is not in clear text: what it takes would otherwise lie in every exchange.
        session @ Stream::Tls(_) => Box::pin(over(conversation, down, scratch, flight, session.split())).await?,
    };
    if ended.reusable && !conversation.patience.settings.upstream.closes {
        forward::keep(flight.slot(), stream, conversation.patience);
    }
    if ended.replaced { Err(withheld(scratch)) } else { Ok(ended.next) }
}

async fn over<D, R, W>(
    conversation: &Conversation<'_>,
    down: &mut D,
    scratch: &mut Scratch,
    flight: &Flight<'_>,
    (read, write): (R, W),
) -> Result<Ended, Fault>
where
    D: Downstream,
    R: AsyncRead + Readiness + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut source = http1::Source::new(read, Waiting::Response);
    let mut sink = http1::Sink::new(write, Waiting::Send);
    sink.frame(scratch.request.framing == Framing::Chunked);
    let mut ended = pin!(exchange(conversation, down, scratch, flight, (&mut source, &mut sink))).await?;
    if ended.switched {
        flight.land();
        // Boxed: few exchanges become one.
        ended.next = Box::pin(tunnel::run(conversation, down.halves(), (&mut source, &mut sink))).await;
    }
    Ok(ended)
}

/// Sends the request on the connection that `lease` is a place on, and delivers the response.
pub(super) async fn share<D: Downstream>(
    conversation: &Conversation<'_>,
    down: &mut D,
    scratch: &mut Scratch,
    flight: &Flight<'_>,
    lease: &mut Lease,
    secure: bool,
) -> Result<Next, Fault> {
    let mut begun = lease.begin(&scratch.out, secure, down.source().piece())?;
    let timeout = begun.timeout;
    let Some(halves) = begun.halves() else { return Err(Fault::UpstreamClosed) };
    let ended = {
        let exchanged = pin!(exchange(conversation, down, scratch, flight, halves));
        match timeout {
            None => exchanged.await,
            // Whoever calls has given up by then.
            Some(limit) => tokio::time::timeout(limit, exchanged).await.unwrap_or(Err(Fault::CallTimeout)),
        }
    };
    match ended? {
        ended if ended.replaced => Err(withheld(scratch)),
        ended => Ok(ended.next),
    }
}

/// Puts aside what the client is told where no page is there to stand for the response.
#[cold]
fn withheld(scratch: &mut Scratch) -> Fault {
    let mut answer = Answer::bare(scratch.response.status);
    if !scratch.out.is_empty() {
        answer.fields.push(("WWW-Authenticate", std::mem::take(&mut scratch.out)));
    }
    Stop::Answer(Box::new(answer)).put(&mut scratch.answer)
}

/// Sends the request to `sink`, and what `source` answers to the client.
async fn exchange<D: Downstream>(
    conversation: &Conversation<'_>,
    down: &mut D,
    scratch: &mut Scratch,
    flight: &Flight<'_>,
    (source, sink): (&mut impl ResponseSource, &mut impl Sink),
) -> Result<Ended, Fault> {
    let Conversation { worker, patience, .. } = conversation;
    let piece = down.source().piece();
    let first = sink.send(*patience, &scratch.out, piece);
    // A head alone is always taken: it is less than what a connection holds.
    let sent = if piece.content.is_empty() { first.await } else { attended(down.source(), first).await? };
    sent.map_err(|_| Fault::UpstreamClosed)?;
    worker.tally().bytes_in.add(piece.content.len() as u64);
    scratch.record.receive(piece.content.len());
    let complete = Cell::new(piece.last);
    if scratch.mirror.is_some() {
        copy(worker, &mut scratch.mirror, piece);
    }
    let worn_out = down.is_worn_out(&patience.settings.limits, worker.moment(patience.guard.now()));
    let secure = down.client().secure;
    let is_call = down.is_call();
    let (from_client, client) = down.halves();
    let Scratch { request, response, out, cookie, filters, to_client, words, page, passing, mirror, record, .. } =
        scratch;
    let record = &*record;
    let (over, words, pages, throttle) = match filters.as_deref() {
        None => (None, None, None, None),
        Some(filters) => {
            let is_page = filters.pages.is_some() && page.is_asked();
            let replaces = |pages: &&ErrorPages| !pages.statuses.is_empty() && !is_call && !page.is_asked();
            let throttle = |bandwidth| Box::new(Throttle::new(bandwidth, patience.guard.now()));
            (
                Some(&*to_client),
                if is_page { None } else { words.as_deref() },
                filters.pages.as_deref().filter(replaces),
                filters.bandwidth.map(throttle),
            )
        }
    };
    let sending = pin!(async {
        if !complete.get() {
            match request::pump(conversation, from_client, sink, mirror, record).await {
                Ok(()) => {
                    complete.set(true);
                    mirror.take().into_iter().for_each(|twin| twin.send(worker));
                }
                // It may still answer.
                Err(Stopped::Upstream) => {}
                Err(Stopped::Fault(fault)) => return fault,
            }
            patience.wait_for(Waiting::Response);
        }
        from_client.gone().await;
        Fault::ClientGone
    });
    let delivery = response::Delivery {
        conversation,
        flight,
        sink: client,
        source,
        complete: &complete,
        secure,
        worn_out,
        request,
        response,
        over,
        words,
        passing,
        pages,
        cookie,
        throttle,
        record,
        out,
    };
    join(sending, pin!(delivery.run())).await
}

/// Lets whoever gets a copy of the request have what is there of it, and sends the copy if that is all.
#[cold]
fn copy(worker: &Worker, mirror: &mut Option<Box<Twin>>, piece: Piece<'_>) {
    let Some(twin) = mirror else { return };
    twin.begin(piece.content);
    if piece.last {
        mirror.take().into_iter().for_each(|twin| twin.send(worker));
    }
}

/// Runs both directions. The response decides when the exchange is over; the sending side can only break it off.
async fn join<T>(
    mut sending: Pin<&mut impl Future<Output = Fault>>,
    mut receiving: Pin<&mut impl Future<Output = Result<T, Fault>>>,
) -> Result<T, Fault> {
    poll_fn(|cx| match receiving.as_mut().poll(cx) {
        Poll::Ready(ended) => Poll::Ready(ended),
        Poll::Pending => sending.as_mut().poll(cx).map(Err),
    })
    .await
}
