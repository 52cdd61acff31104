//! One request and its response, whichever versions are spoken on the two sides. The steps, in the order in which a request
//! passes them:
//!
//! 1. a complete head, within limits: [`Downstream::receive`]
//! 2. `decide`: canonical host and path, route, content limit; `filter`, if the route has filters; write the head that goes on
//! 3. `forward`: choose an endpoint, reuse or open a connection, try again where that is safe
//! 4. `converse`: send the request and deliver the response, both at the same time
//! 5. `answer`: what the gateway says itself when a step says no; `page`: what another Service says instead

mod affinity;
mod answer;
mod attended;
mod choice;
mod converse;
mod decide;
mod errand;
mod filter;
mod forward;
pub(crate) mod forwarded;
pub(crate) mod grpc;
pub(crate) mod page;
pub(crate) mod record;
mod request;
mod response;
mod revision;
mod stop;
mod throttle;
mod tunnel;
mod websocket;

pub(crate) use self::filter::mirror::{Copies, Twin};

use std::cell::Cell;
use std::pin::pin;

use bulkhead_model::overload::Level;

use crate::deadline::Guard;
use crate::downstream::Downstream;
use crate::exchange::stop::Stop;
use crate::fault::Fault;
use crate::incidents;
use crate::phase::Phase;
use crate::transfer::Patience;
use crate::worker::{Scratch, Worker};

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
    /// In HTTP/2, as the client has begun it.
    Http2,
}

/// Serves the next request of `down`.
pub(crate) async fn run<D: Downstream>(worker: &Worker, guard: &Guard, down: &mut D) -> Next {
    let mut scratch = worker.scratch();
    let _in_flight = worker.begin();
    let begun = Cell::new(false);
    let ended = {
        // Pinned where it is made: moving it would copy all that a request in flight consists of.
        let attempt = pin!(attempt(worker, guard, down, &mut scratch, &begun));
        guard.run(Phase::Cut, attempt).await
    };
    let ended = match ended {
        Ok(ended) => ended,
        Err(interrupt) => Option::from(interrupt).map_or(Ok(Next::Reset), Err),
    };
    let mut failed = None;
    let next = match ended {
        Ok(next) => next,
        Err(fault) => {
            let stop = scratch.answer.take().map_or(Stop::Fault(fault), Stop::Answer);
            failed = stop.fault();
            // What is asked for from here on is not what the client asked for.
            scratch.mirror = None;
            if let Some(fault) = failed {
                worker.blame(fault, down.client().address, || about(fault, &scratch));
                if matches!(fault, Fault::Refused(_) | Fault::HeadTimeout) && !scratch.record.is_begun() {
                    scratch.record.begin_unheard(worker, guard, down.client());
                }
            }
            match () {
                () if begun.get() => Next::Reset,
                // Boxed: few exchanges need it.
                () if scratch.filters.as_ref().is_some_and(|filters| filters.pages.is_some()) => {
                    Box::pin(answer_by_page(worker, guard, down, &mut scratch, stop)).await
                }
                () => answer::give(worker, guard, down, &mut scratch, stop).await,
            }
        }
    };
    // All of these come of filters.
    if scratch.filters.take().is_some() {
        (scratch.words, scratch.place, scratch.mirror) = (None, None, None);
    }
    if scratch.record.is_begun() {
        scratch.record.end(worker, guard, failed);
    }
    worker.give_back(scratch);
    next
}

/// What a request was about that was refused, or failed, for the log: its host, and the backend if that is known. A head that was not
/// complete has neither.
#[cold]
fn about(fault: Fault, scratch: &Scratch) -> String {
    if matches!(fault, Fault::Refused(_) | Fault::HeadTimeout | Fault::NotReady | Fault::Overloaded) {
        return String::new();
    }
    // One that was decided to be forwarded stands as it was to be written.
    let written = || scratch.out.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"Host: "));
    let host = if scratch.host.is_empty() { written().unwrap_or_default() } else { &scratch.host };
    let (host, service) = (incidents::example(host.trim_ascii_end()), scratch.record.service());
    if service.is_empty() { host } else { format!("{host} to {}", incidents::example(service)) }
}

/// Answers by a page of another Service, or else by what the gateway says itself.
async fn answer_by_page<D: Downstream>(
    worker: &Worker,
    guard: &Guard,
    down: &mut D,
    scratch: &mut Scratch,
    stop: Stop,
) -> Next {
    match page::instead(worker, guard, down, scratch, &stop).await {
        Some(next) => next,
        None => answer::give(worker, guard, down, scratch, stop).await,
    }
}

async fn attempt<D: Downstream>(
    worker: &Worker,
    guard: &Guard,
    down: &mut D,
    scratch: &mut Scratch,
    begun: &Cell<bool>,
) -> Result<Next, Fault> {
    // Of another request, until this one's are known.
    scratch.host.clear();
    scratch.out.clear();
    let pinned = down.receive(worker, guard, &mut scratch.request).await?;
    let tally = worker.tally();
    tally.requests.add(1);
    let started = guard.now();
    if let Some(pinned) = &pinned
        && pinned.snapshot().settings.records()
    {
        let settings = &pinned.snapshot().settings;
        scratch.record.begin((worker, guard), settings, down.client(), down.head(), &scratch.request);
    }
    let decided = match &pinned {
        _ if guard.level() >= Level::Refuse => Err(Fault::Overloaded.into()),
        Some(pinned) => match decide::decide(worker, guard, pinned.snapshot(), &*down, scratch) {
            decide::Course::Decided(decided) => decided,
            decide::Course::Filtered(filtered) => filtered.await,
        },
        None => Err(Fault::NotReady.into()),
    };
    #[cfg(test)]
    crate::failpoint::reach(down.head());
    let decision = match decided {
        Ok(decision) => decision,
        Err(stop) => {
            scratch.host.extend_from_slice(scratch.request.authority.of(down.head()));
            down.begin(scratch.request.framing);
            return Err(stop.put(&mut scratch.answer));
        }
    };
    down.begin(scratch.request.framing);
    let patience = Patience { guard, settings: decision.settings };
    let next = forward::forward(worker, patience, down, scratch, &decision, begun).await?;
    tally.latency(u64::try_from(guard.now().duration_since(started).as_micros()).unwrap_or(u64::MAX));
    Ok(next)
}
