//! One request and its response. The steps, in the order in which a request passes them:
//!
//! 1. `head`: frame the request, within limits
//! 2. `decide`: canonical host and path, route, content limit; write the head that goes on
//! 3. `forward`: choose an endpoint, reuse or open a connection, try again where that is safe
//! 4. `converse`: send the request and deliver the response, both at the same time
//! 5. `answer`: what the gateway says itself when a step says no

mod answer;
mod converse;
mod decide;
mod forward;
pub(crate) mod forwarded;
mod frame;
mod head;
mod request;
mod response;

use std::cell::Cell;
use std::pin::pin;

use bulkhead_http1::{Decoded, Decoder, Framing};

use crate::connection::Downstream;
use crate::deadline::Guard;
use crate::fault::Fault;
use crate::phase::Phase;
use crate::transfer::Patience;
use crate::worker::{Scratch, Worker};

/// How much of a request's content has gone to a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Nothing but what is still in hand, so that it can be sent again.
    InHand,
    /// A part that is gone; where the next request begins is not known until the rest has been passed on.
    Streaming,
    /// All of it. What follows is in the connection's buffer.
    Streamed,
}

/// No content decoded yet.
pub(crate) const NOTHING: Decoded = Decoded { consumed: 0, content: 0, end: false };

/// How a connection goes on after an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// With the next request.
    Request,
    /// It is closed: the client has asked for that, or is gone.
    Close,
    /// It is closed by us: what the client still sends is taken first, or the response could be lost.
    Linger,
    /// It is broken off visibly.
    Reset,
}

/// Serves the request whose first bytes are in `down.buffer`.
pub(crate) async fn run(worker: &Worker, guard: &Guard, down: &mut Downstream<'_>) -> Next {
    let mut scratch = worker.scratch();
    let begun = Cell::new(false);
    let ended = {
        // Pinned where it is made: moving it would copy all that a request in flight consists of.
        let attempt = pin!(attempt(worker, guard, down, &mut scratch, &begun));
        guard.run(Phase::Cut, attempt).await
    };
    let fault = match ended {
        Ok(ended) => ended,
        Err(interrupt) => Option::from(interrupt).map_or(Ok(Next::Reset), Err),
    };
    let next = match fault {
        Ok(next) => next,
        Err(fault) => {
            worker.tally().fault(fault);
            if begun.get() { Next::Reset } else { answer::fault(worker, guard, down, &mut scratch, fault).await }
        }
    };
    worker.give_back(scratch);
    next
}

async fn attempt(
    worker: &Worker,
    guard: &Guard,
    down: &mut Downstream<'_>,
    scratch: &mut Scratch,
    begun: &Cell<bool>,
) -> Result<Next, Fault> {
    down.content = Decoder::new(Framing::None);
    down.decoded = NOTHING;
    down.sent = Sent::InHand;
    let (head_bytes, pinned) = head::receive(worker, guard, down, scratch).await?;
    let tally = worker.tally();
    tally.requests.add(1);
    let started = guard.now();
    let decided = match &pinned {
        Some(pinned) => decide::decide(worker, pinned.snapshot(), down, scratch, head_bytes),
        None => Err(Fault::NotReady),
    };
    down.content = Decoder::new(scratch.request.framing);
    if let Some(buffer) = &mut down.buffer {
        buffer.consume(head_bytes);
    }
    let decision = decided?;
    let patience = Patience { guard, settings: decision.settings };
    let next = forward::forward(worker, patience, down, scratch, &decision, begun).await?;
    tally.latency(u64::try_from(guard.now().duration_since(started).as_micros()).unwrap_or(u64::MAX));
    Ok(next)
}
