//! Step 3: an endpoint, a connection to it, and another try where that is safe.
//!
//! A request is sent again only if the backend cannot have acted on it: no connection was made; or the backend says so
//! (RFC 9113 §8.7), and everything that was sent is still in hand; or a connection that was there before turned out to be closed
//! before any byte of a response, and the method is idempotent as well (RFC 9110 §9.2.2). It is sent again as often as the
//! backend's budget allows, and each endpoint gets two tries at most.
//!
//! Where a route says so, an answer with a certain status is not passed on, but another endpoint asked: while nothing was sent to the
//! client, all of the request is in hand, and its method is idempotent or the route says that this does not matter.

use std::cell::Cell;
use std::pin::pin;

use bulkhead_http1::RequestHead;
use bulkhead_model::backend::Protocol;
use bulkhead_model::balance::Nobody;
use bulkhead_model::next_upstream::{NextUpstream, Statuses};
use bulkhead_model::settings::Upstream;
use bulkhead_model::{Denial, Moment};

use crate::content::{RequestSource, Source};
use crate::deadline::Waiting;
use crate::downstream::Downstream;
use crate::exchange::Next;
use crate::exchange::attended::attended;
use crate::exchange::converse::{Conversation, converse, share};
use crate::exchange::decide::Decision;
use crate::fault::{Blame, Fault};
use crate::stream::Stream;
use crate::transfer::Patience;
use crate::upstream::{Flight, Group, Slot, connect};
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
    let mut now = worker.moment(guard.now());
    let group = worker.groups.enter(worker, decision.backend, now);
    let mut bond = decision.bond;
    let key = bond.begin(&worker.dice);
    let (mut fault, mut tried) = (Fault::Denied(Denial::NoEndpoints), [0; MOST_TRIES]);
    // A try that was paid for when the answer before it was given up.
    let mut is_paid = false;
    scratch.passing.until = upstream.next.within.map(|within| now.after(within));
    for (nth, _) in (0..upstream.tries.max(1)).enumerate().take(MOST_TRIES) {
        let asked = (upstream, tried.get(..nth).unwrap_or_default());
        let chosen = group.choose(worker, guard, decision.backend, bond.by(upstream.method), asked, now);
        let flight = match chosen {
            // Asked for last, so that what is not tried again costs nothing.
            Ok(flight)
                if nth == 0
                    || is_paid
                    || (scratch.passing.until.is_none_or(|until| now <= until) && group.may_retry(worker, guard)) =>
            {
                flight
            }
            Err(Nobody::Full) if nth == 0 => return Err(Fault::Denied(Denial::EndpointsFull)),
            Ok(_) | Err(_) => break,
        };
        if scratch.record.is_kept() {
            scratch.record.ask(flight.slot().endpoint().address, guard);
        }
        is_paid = false;
        if let Some(place) = tried.get_mut(nth) {
            *place = flight.slot().endpoint().id;
        }
        scratch.passing.statuses = Statuses::NONE;
        if upstream.next.statuses != Statuses::NONE && nth + 1 < MOST_TRIES.min(upstream.tries as usize) {
            let asked = (upstream, tried.get(..=nth).unwrap_or_default());
            scratch.passing.statuses = passing(&scratch.request, down.source(), &group, asked, now);
        }
        scratch.cookie.clear();
        if let Some(sticky) = bond.sticky()
            && let Some(value) = bond.settle(key, &group, flight.slot().endpoint(), &worker.dice)
        {
            sticky.write(value, &mut scratch.cookie);
            scratch.cookie.extend_from_slice(&scratch.attributes);
        }
        if let Some(stream) = flight.slot().take() {
            worker.tally().upstream_reuses.add(1);
            let ended = pin!(converse(conversation, down, scratch, stream, &flight)).await;
            match ended {
                // A backend may close a kept connection at any time: that says nothing about it.
                Err(Fault::UpstreamClosed)
                    if may_repeat(&scratch.request, down.source()) && group.may_retry(worker, guard) => {}
                Err(Fault::UpstreamClosed) => return Err(Fault::UpstreamClosed),
                Err(Fault::UpstreamStatus) => {
                    (fault, is_paid, now) = (Fault::UpstreamStatus, true, worker.moment(guard.now()));
                    continue;
                }
                ended => return judged(&flight, ended),
            }
        }
        guard.wait(Waiting::Connect, upstream.connect.saturating_mul(upstream.tries.max(1) + 1));
        let connected = match decision.backend.protocol {
            Protocol::Http1 => {
                attended(down.source(), connect(flight.slot(), upstream.connect, worker.tally())).await?
            }
            // Boxed: what it takes would otherwise lie in every exchange.
            Protocol::Http2 => {
                match Box::pin(share_with(conversation, down, scratch, decision, &group, &flight)).await {
                    Ok(Err(Fault::UpstreamStatus)) => Err(Fault::UpstreamStatus),
                    Ok(ended) => return ended,
                    Err(failed) => Err(failed),
                }
            }
        };
        match connected {
            Ok(stream) => match pin!(converse(conversation, down, scratch, stream, &flight)).await {
                Err(Fault::UpstreamStatus) => (fault, is_paid) = (Fault::UpstreamStatus, true),
                ended => return judged(&flight, ended),
            },
            Err(Fault::UpstreamStatus) => (fault, is_paid) = (Fault::UpstreamStatus, true),
            Err(failed) => {
                flight.failed();
                fault = failed;
                if !passes_on(&upstream.next, failed) {
                    return Err(failed);
                }
            }
        }
        now = worker.moment(guard.now());
    }
    Err(fault)
}

/// Over HTTP/2, with a second try where the first was in vain: the connection was going away.
///
/// # Errors
/// The endpoint has not begun with the request.
async fn share_with<D: Downstream>(
    conversation: &Conversation<'_>,
    down: &mut D,
    scratch: &mut Scratch,
    decision: &Decision<'_>,
    group: &Group,
    flight: &Flight<'_>,
) -> Result<Result<Next, Fault>, Fault> {
    let (worker, guard, upstream) = (conversation.worker, conversation.patience.guard, &decision.settings.upstream);
    let secure = decision.backend.tls.is_some();
    let mut refused = Fault::UpstreamRefused;
    for again in [false, true] {
        if again && !group.may_retry(worker, guard) {
            return Ok(Err(refused));
        }
        guard.wait(Waiting::Connect, upstream.connect.saturating_mul(2));
        let mut lease = match attended(down.source(), flight.slot().lease(upstream.connect, worker.tally())).await {
            Ok(leased) => leased?,
            Err(gone) => return Ok(Err(gone)),
        };
        let fault = match share(conversation, down, scratch, flight, &mut lease, secure).await {
            Err(fault) if !conversation.begun.get() => fault,
            ended => return Ok(judged(flight, ended)),
        };
        let kept = lease.reused && fault == Fault::UpstreamClosed;
        let source = down.source();
        match fault {
            Fault::UpstreamRefused if is_whole(source) => {}
            _ if kept && may_repeat(&scratch.request, source) => {}
            // A backend may close a kept connection at any time: that says nothing about it.
            _ if kept => return Ok(Err(fault)),
            _ => return Ok(judged(flight, Err(fault))),
        }
        refused = fault;
    }
    Err(refused)
}

/// Says of the endpoint what the end of an exchange with it says.
fn judged(flight: &Flight<'_>, ended: Result<Next, Fault>) -> Result<Next, Fault> {
    if let Err(fault) = ended
        && fault.row().blame == Blame::Upstream
        // An endpoint that answers is there, whatever it says.
        && fault != Fault::UpstreamStatus
    {
        flight.failed();
    }
    ended
}

/// Of which statuses the answer of an endpoint may be given up for that of another one.
#[cold]
fn passing(
    request: &RequestHead,
    source: &impl RequestSource,
    group: &Group,
    (upstream, tried): (&Upstream, &[u64]),
    now: Moment,
) -> Statuses {
    let next = &upstream.next;
    let is_safe = (next.non_idempotent || request.method.is_idempotent()) && is_whole(source);
    if is_safe && group.has_others(upstream, tried, now) { next.statuses } else { Statuses::NONE }
}

/// Whether another endpoint is asked after one could not be reached.
fn passes_on(next: &NextUpstream, failed: Fault) -> bool {
    if failed == Fault::ConnectTimeout { next.timeout } else { next.error }
}

fn may_repeat(request: &RequestHead, source: &impl RequestSource) -> bool {
    request.method.is_idempotent() && is_whole(source)
}

/// Whether all of the request is in hand.
fn is_whole(source: &impl RequestSource) -> bool {
    source.is_whole() && source.piece().last
}

/// Keeps a connection whose last exchange ended cleanly.
pub(super) fn keep(slot: &Slot, stream: Stream, patience: Patience<'_>) {
    slot.put(stream, patience.guard.now(), patience.settings.upstream.max_idle_per_endpoint);
}
