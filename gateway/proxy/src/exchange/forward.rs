//! Step 3: an endpoint, a connection to it, and another try where that is safe.
//!
//! A request is sent again only if the backend cannot have acted on it: no connection was made; or the backend says so
//! (RFC 9113 §8.7), and everything that was sent is still in hand; or a connection that was there before turned out to be closed
//! before any byte of a response, and the method is idempotent as well (RFC 9110 §9.2.2).

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;

use bulkhead_http1::RequestHead;
use bulkhead_model::backend::Protocol;
use bulkhead_model::{Denial, balance};

use crate::content::{RequestSource, Source};
use crate::deadline::Waiting;
use crate::downstream::Downstream;
use crate::exchange::Next;
use crate::exchange::converse::{Conversation, converse, share};
use crate::exchange::decide::Decision;
use crate::fault::Fault;
use crate::stream::Stream;
use crate::transfer::Patience;
use crate::upstream::{Slot, connect};
use crate::worker::{Scratch, Worker};

/// Sends the request whose head stands in `scratch.out`, and delivers the response.
pub(super) async fn forward<D: Downstream>(
    worker: &Worker,
    patience: Patience<'_>,
    down: &mut D,
    scratch: &mut Scratch,
    decision: &Decision<'_>,
    begun: &Cell<bool>,
) -> Result<Next, Fault> {
    if scratch.request.expects_continue && down.awaits_permission() {
        if decision.backend.endpoints().list.is_empty() {
            return Err(Fault::Denied(Denial::NoEndpoints));
        }
        down.go_on(patience).await?;
    }
    // What content came with the head stays in hand until it is sure that it need not be sent again.
    down.decode()?;
    if down.source().piece().content.len() as u64 > decision.settings.limits.content_bytes {
        return Err(Fault::Denied(Denial::ContentTooLarge));
    }
    let content_rate = match decision.backend.protocol {
        Protocol::Http1 => decision.settings.limits.content_rate,
        // A request of gRPC may be one half of a conversation, in which nothing is said for as long as one likes.
        Protocol::Http2 => 0,
    };
    let conversation = Conversation { worker, patience, begun, content_rate };
    // Pinned where it is made: moving it would copy all that an exchange consists of.
    let next = pin!(try_endpoints(&conversation, down, scratch, decision)).await?;
    down.skip();
    Ok(next)
}

async fn try_endpoints<D: Downstream>(
    conversation: &Conversation<'_>,
    down: &mut D,
    scratch: &mut Scratch,
    decision: &Decision<'_>,
) -> Result<Next, Fault> {
    let (worker, upstream) = (conversation.worker, &decision.settings.upstream);
    let mut fault = Fault::Denied(Denial::NoEndpoints);
    for _ in 0..upstream.tries.max(1) {
        let Some(slot) = choose(worker, decision) else { break };
        if let Some(stream) = slot.take() {
            worker.tally().upstream_reuses.add(1);
            let ended = pin!(converse(conversation, down, scratch, stream, &slot)).await;
            match ended {
                Err(Fault::UpstreamClosed) if may_repeat(&scratch.request, down.source()) => {
                    worker.tally().retries.add(1)
                }
                ended => return ended,
            }
        }
        conversation.patience.guard.wait(Waiting::Connect, upstream.connect.saturating_mul(upstream.tries.max(1) + 1));
        if decision.backend.protocol == Protocol::Http2 {
            match Box::pin(try_shared(conversation, down, scratch, decision, &slot)).await {
                Ok(next) => return Ok(next),
                Err(Tried::InVain(failed)) => fault = failed,
                Err(Tried::Final(failed)) => return Err(failed),
            }
            continue;
        }
        match connect(&slot, upstream.connect, worker.tally()).await {
            Ok(stream) => return pin!(converse(conversation, down, scratch, stream, &slot)).await,
            Err(failed) => fault = failed,
        }
    }
    Err(fault)
}

/// Why an endpoint did not serve a request.
enum Tried {
    /// It has not begun with it: another one may.
    InVain(Fault),
    Final(Fault),
}

/// One try over HTTP/2.
async fn try_shared<D: Downstream>(
    conversation: &Conversation<'_>,
    down: &mut D,
    scratch: &mut Scratch,
    decision: &Decision<'_>,
    slot: &Slot,
) -> Result<Next, Tried> {
    let (worker, upstream) = (conversation.worker, &decision.settings.upstream);
    let mut lease = slot.lease(upstream.connect, worker.tally()).await.map_err(Tried::InVain)?;
    let secure = decision.backend.tls.is_some();
    match share(conversation, down, scratch, &mut lease, secure).await {
        Ok(next) => Ok(next),
        Err(fault) => {
            let is_whole = down.source().is_whole() && down.source().piece().last;
            let in_vain = match fault {
                Fault::UpstreamRefused => is_whole,
                Fault::UpstreamClosed => lease.reused && is_whole && scratch.request.method.is_idempotent(),
                _ => false,
            };
            if !in_vain || conversation.begun.get() {
                return Err(Tried::Final(fault));
            }
            worker.tally().retries.add(1);
            Err(Tried::InVain(fault))
        }
    }
}

/// The endpoint whose turn it is, as this thread knows it.
fn choose(worker: &Worker, decision: &Decision<'_>) -> Option<Rc<Slot>> {
    let endpoints = decision.backend.endpoints();
    let endpoint = match &*endpoints.list {
        [only] => only,
        _ => worker.turn(decision.backend, |turn| balance::round_robin(&endpoints, turn))?,
    };
    Some(worker.pool.slot(decision.backend, endpoint))
}

fn may_repeat(request: &RequestHead, source: &impl RequestSource) -> bool {
    request.method.is_idempotent() && source.is_whole() && source.piece().last
}

/// Keeps a connection whose last exchange ended cleanly.
pub(super) fn keep(slot: &Slot, stream: Stream, patience: Patience<'_>) {
    slot.put(stream, patience.guard.now(), patience.settings.upstream.max_idle_per_endpoint);
}
