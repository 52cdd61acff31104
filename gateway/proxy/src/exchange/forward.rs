//! Step 3: an endpoint, a connection to it, and another try where that is safe.
//!
//! A request is sent again only if the backend cannot have acted on it: no connection was made; or a pooled connection
//! turned out to be closed before any byte of a response, the method is idempotent (RFC 9110 §9.2.2), and everything that
//! was sent is still in hand. It is sent again as often as the backend's budget allows, and to each endpoint once.

use std::cell::Cell;
use std::pin::pin;

use bulkhead_http1::RequestHead;
use bulkhead_model::Denial;
use bulkhead_model::backend::Protocol;
use bulkhead_model::balance::Nobody;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::content::{RequestSource, Source};
use crate::deadline::Waiting;
use crate::downstream::Downstream;
use crate::exchange::Next;
use crate::exchange::converse::{Conversation, converse};
use crate::exchange::decide::Decision;
use crate::fault::{Blame, Fault};
use crate::transfer::Patience;
use crate::upstream::{Flight, Slot, connect};
use crate::worker::{Scratch, Worker};

/// Most endpoints tried for one request, whatever the settings say: as many as their schema lets them say.
const MOST_TRIES: usize = 10;

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
    let (worker, guard, upstream) = (conversation.worker, conversation.patience.guard, &decision.settings.upstream);
    let group = worker.groups.enter(worker, decision.backend, worker.moment(guard.now()));
    let mut bond = decision.bond;
    let key = bond.begin(&worker.dice);
    let (mut fault, mut tried) = (Fault::Denied(Denial::NoEndpoints), [0; MOST_TRIES]);
    for (nth, _) in (0..upstream.tries.max(1)).enumerate().take(MOST_TRIES) {
        let asked = tried.get(..nth).unwrap_or_default();
        let chosen = group.choose(worker, guard, decision.backend, bond.by(upstream.method), upstream, asked);
        let flight = match chosen {
            // Asked for last, so that what is not tried again costs nothing.
            Ok(flight) if nth == 0 || group.may_retry(worker, guard) => flight,
            Err(Nobody::Full) if nth == 0 => return Err(Fault::Denied(Denial::EndpointsFull)),
            Ok(_) | Err(_) => break,
        };
        scratch.cookie.clear();
        if let Some(sticky) = bond.sticky()
            && let Some(value) = key.or_else(|| bond.settle(&group, flight.slot().endpoint()))
        {
            sticky.write(value, &mut scratch.cookie);
        }
        if let Some(stream) = flight.slot().take() {
            worker.tally().upstream_reuses.add(1);
            let ended = pin!(converse(conversation, down, scratch, stream, &flight)).await;
            match ended {
                // A backend may close a kept connection at any time: that says nothing about it.
                Err(Fault::UpstreamClosed)
                    if may_repeat(&scratch.request, down.source()) && group.may_retry(worker, guard) => {}
                Err(Fault::UpstreamClosed) => return Err(Fault::UpstreamClosed),
                ended => return judged(&flight, ended),
            }
        }
        guard.wait(Waiting::Connect, upstream.connect.saturating_mul(upstream.tries.max(1) + 1));
        match open(flight.slot(), upstream.connect).await {
            Ok(stream) => {
                worker.tally().upstream_connects.add(1);
                let ended = pin!(converse(conversation, down, scratch, stream, &flight)).await;
                return judged(&flight, ended);
            }
            Err(failed) => {
                flight.failed();
                fault = failed;
            }
        }
        if let Some(place) = tried.get_mut(nth) {
            *place = flight.slot().endpoint().id;
        }
    }
    Err(fault)
}

/// Says of the endpoint what the end of an exchange with it says.
fn judged(flight: &Flight<'_>, ended: Result<Next, Fault>) -> Result<Next, Fault> {
    if let Err(fault) = ended
        && fault.row().blame == Blame::Upstream
    {
        flight.failed();
    }
    ended
}

fn may_repeat(request: &RequestHead, source: &impl RequestSource) -> bool {
    request.method.is_idempotent() && source.is_whole() && source.piece().last
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
