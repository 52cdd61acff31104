//! Step 3: an endpoint, a connection to it, and another try where that is safe.
//!
//! A request is sent again only if the backend cannot have acted on it: no connection was made; or a pooled connection
//! turned out to be closed before any byte of a response, the method is idempotent (RFC 9110 §9.2.2), and everything that
//! was sent is still in hand.

use std::cell::Cell;
use std::rc::Rc;

use bulkhead_http1::RequestHead;
use bulkhead_model::{Denial, balance};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::connection::Downstream;
use crate::deadline::Waiting;
use crate::exchange::converse::{Conversation, converse};
use crate::exchange::decide::Decision;
use crate::exchange::{NOTHING, Next, Sent, answer};
use crate::fault::Fault;
use crate::transfer::Patience;
use crate::upstream::{Slot, connect};
use crate::worker::{Scratch, Worker};

/// Sends the request whose head stands in `scratch.out`, and delivers the response.
pub(super) async fn forward(
    worker: &Worker,
    patience: Patience<'_>,
    down: &mut Downstream<'_>,
    scratch: &mut Scratch,
    decision: &Decision<'_>,
    begun: &Cell<bool>,
) -> Result<Next, Fault> {
    let waits_for_permission =
        scratch.request.expects_continue && down.buffer.as_ref().is_none_or(|held| held.is_empty());
    if waits_for_permission {
        if decision.backend.endpoints().list.is_empty() {
            return Err(Fault::Denied(Denial::NoEndpoints));
        }
        answer::go_on(down, patience).await?;
    }
    decode_what_is_here(down, decision)?;
    let conversation = Conversation { worker, patience, begun };
    let next = try_endpoints(&conversation, down, scratch, decision).await?;
    if let Some(buffer) = &mut down.buffer {
        buffer.consume(std::mem::replace(&mut down.decoded, NOTHING).consumed);
    }
    Ok(next)
}

/// Decodes the content that came with the head, and leaves it where it is until it is sure that it need not be sent again.
fn decode_what_is_here(down: &mut Downstream<'_>, decision: &Decision<'_>) -> Result<(), Fault> {
    let Some(buffer) = &mut down.buffer else { return Ok(()) };
    if down.content.is_end() {
        return Ok(());
    }
    down.decoded = down.content.decode(buffer.filled_mut()).map_err(Fault::Refused)?;
    if down.decoded.content as u64 > decision.settings.limits.content_bytes {
        return Err(Fault::Denied(Denial::ContentTooLarge));
    }
    Ok(())
}

async fn try_endpoints(
    conversation: &Conversation<'_>,
    down: &mut Downstream<'_>,
    scratch: &mut Scratch,
    decision: &Decision<'_>,
) -> Result<Next, Fault> {
    let (worker, upstream) = (conversation.worker, &decision.settings.upstream);
    let mut fault = Fault::Denied(Denial::NoEndpoints);
    for _ in 0..upstream.tries.max(1) {
        let Some(slot) = choose(worker, decision) else { break };
        if let Some(stream) = slot.take() {
            worker.tally().upstream_reuses.add(1);
            match converse(conversation, down, scratch, stream, &slot).await {
                Err(Fault::UpstreamClosed) if may_repeat(&scratch.request, down) => worker.tally().retries.add(1),
                ended => return ended,
            }
        }
        conversation.patience.guard.wait(Waiting::Connect, upstream.connect.saturating_mul(upstream.tries.max(1) + 1));
        match open(&slot, upstream.connect).await {
            Ok(stream) => {
                worker.tally().upstream_connects.add(1);
                return converse(conversation, down, scratch, stream, &slot).await;
            }
            Err(failed) => fault = failed,
        }
    }
    Err(fault)
}

/// The endpoint whose turn it is, as this thread knows it.
fn choose(worker: &Worker, decision: &Decision<'_>) -> Option<Rc<Slot>> {
    let endpoints = decision.backend.endpoints();
    let endpoint = match &*endpoints.list {
        [only] => only,
        _ => worker.turn(decision.backend, |turn| balance::round_robin(&endpoints, turn))?,
    };
    Some(worker.pool.slot(endpoint))
}

fn may_repeat(request: &RequestHead, down: &Downstream<'_>) -> bool {
    request.method.is_idempotent() && down.sent == Sent::InHand && down.content.is_end()
}

async fn open(slot: &Slot, limit: std::time::Duration) -> Result<TcpStream, Fault> {
    match timeout(limit, connect(slot.endpoint().address)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => {
            tracing::debug!(%error, endpoint = %slot.endpoint().address, "connecting to an endpoint failed");
            Err(Fault::ConnectFailed)
        }
        Err(_) => Err(Fault::ConnectTimeout),
    }
}

/// Keeps a connection whose last exchange ended cleanly.
pub(super) fn keep(slot: &Slot, stream: TcpStream, patience: Patience<'_>) {
    slot.put(stream, patience.guard.now(), patience.settings.upstream.max_idle_per_endpoint);
}
