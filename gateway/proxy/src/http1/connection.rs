//! One client's connection: wait for a request, exchange it, and again.

use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::downstream::Downstream;
use crate::deadline::{Guard, Interrupt, Waiting};
use crate::exchange::{self, Next};
use crate::http2::PREFACE;
use crate::phase::Phase;
use crate::transfer::read_fresh;
use crate::worker::Worker;

/// After a response that a client may not have read yet while it still sends: how many of its bytes are thrown away, so
/// that the kernel does not answer them with a reset that destroys the response.
const LINGER_BYTES: usize = 1 << 20;
/// And for how long.
const LINGER: Duration = Duration::from_secs(2);
/// A connection is busy while no pause between its requests is longer: long against the pauses between the requests of
/// one page, short against the time for which clients keep idle connections.
const QUIET: Duration = Duration::from_secs(5);

/// Exchanges requests until the connection must end, and says how; what the client still sends has been taken.
pub(crate) async fn serve(worker: &Rc<Worker>, guard: &Guard, down: &mut Downstream<'_>) -> Next {
    let (mut quiet, mut before) = (Duration::ZERO, None);
    let next = loop {
        match wait_for_request(worker, guard, down, |idle| idle.saturating_sub(quiet)).await {
            Arrival::Bytes => {}
            Arrival::Nothing => {
                worker.tally().idle_closed.add(1);
                break Next::Close;
            }
            Arrival::End => break Next::Close,
        }
        let is_busy = before.is_some_and(|before| guard.now().duration_since(before) < QUIET);
        quiet = if is_busy { QUIET } else { Duration::ZERO };
        // Boxed, so that what a request in flight consists of does not lie in every idle connection; kept while requests
        // follow one another, so that a busy connection allocates nothing.
        match Box::pin(serve_while_busy(worker, guard, down, quiet)).await {
            Next::Request => before = Some(guard.now()),
            end => break end,
        }
    };
    if next == Next::Linger || (next == Next::Close && down.must_linger()) {
        linger(worker, guard, down).await;
    }
    next
}

/// Exchanges requests as long as they follow one another; [`Next::Request`] when none has come for `quiet`.
async fn serve_while_busy(worker: &Rc<Worker>, guard: &Guard, down: &mut Downstream<'_>, quiet: Duration) -> Next {
    if down.may_speak_http2() && speaks_http2(worker, guard, down).await {
        return Next::Http2;
    }
    loop {
        down.requests += 1;
        match exchange::run(worker, guard, down).await {
            Next::Request => {}
            end => return end,
        }
        if !down.source.held().is_empty() {
            continue;
        }
        if quiet.is_zero() {
            return Next::Request;
        }
        match wait_for_request(worker, guard, down, |idle| idle.min(quiet)).await {
            Arrival::Bytes => {}
            Arrival::Nothing => return Next::Request,
            Arrival::End => return Next::Close,
        }
    }
}

/// What a wait for a request brought.
enum Arrival {
    /// The first bytes of one.
    Bytes,
    /// None in time.
    Nothing,
    /// There will be none.
    End,
}

/// Waits for the first bytes of a request, owning no buffer; as long as `limit` makes of the lane's limit on idleness.
async fn wait_for_request(
    worker: &Rc<Worker>,
    guard: &Guard,
    down: &mut Downstream<'_>,
    limit: impl Fn(Duration) -> Duration,
) -> Arrival {
    down.source.buffer = None;
    let current = worker.current();
    let settings = current.as_ref().map_or(&worker.fallback, |pinned| &pinned.snapshot().settings);
    let limits = &settings.limits;
    let idle = if down.requests == 0 { limits.keep_alive_idle.min(limits.first_byte) } else { limits.keep_alive_idle };
    guard.wait(Waiting::Request, limit(idle));
    // An idle connection must not keep an old snapshot alive.
    drop(current);
    let read = pin!(read_fresh(&mut down.source.read, || worker.buffers.head(), || ()));
    match guard.run(Phase::Draining, read).await {
        Ok(Ok(Some(buffer))) => {
            down.source.buffer = Some(buffer);
            Arrival::Bytes
        }
        Err(Interrupt::Elapsed(_)) => Arrival::Nothing,
        Ok(Ok(None) | Err(_)) | Err(Interrupt::Leaving) => Arrival::End,
    }
}

/// Whether a connection whose first bytes may be the preface of HTTP/2 begins with all of it.
async fn speaks_http2(worker: &Worker, guard: &Guard, down: &mut Downstream<'_>) -> bool {
    let current = worker.current();
    guard.wait_for(Waiting::Head, current.as_ref().map_or(&worker.fallback, |pinned| &pinned.snapshot().settings));
    drop(current);
    let reading = pin!(async {
        while down.source.held().len() < PREFACE.len() && down.may_speak_http2() {
            let Some(buffer) = &mut down.source.buffer else { return };
            if !matches!(down.source.read.read_buf(buffer.spare()).await, Ok(1..)) {
                return;
            }
        }
    });
    // What is not the preface, or does not become it, is a request of HTTP/1.1, and ends like one.
    let _ = guard.run(Phase::Draining, reading).await;
    down.source.held().starts_with(PREFACE)
}

/// Ends our side and takes what the client still sends, within bounds.
async fn linger(worker: &Worker, guard: &Guard, down: &mut Downstream<'_>) {
    guard.wait(Waiting::Content, LINGER);
    down.source.buffer = None;
    let ending = pin!(async {
        down.sink.write.shutdown().await?;
        let mut left = LINGER_BYTES;
        while left > 0 {
            match read_fresh(&mut down.source.read, || worker.buffers.head(), || ()).await? {
                Some(buffer) => left = left.saturating_sub(buffer.filled().len()),
                None => break,
            }
        }
        std::io::Result::Ok(())
    });
    // However it ends, the connection is closed next.
    let _ = guard.run(Phase::Cut, ending).await;
}
