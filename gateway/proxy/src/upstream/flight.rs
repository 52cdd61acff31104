//! One request on its way to one endpoint, and what its end says of the endpoint.

use std::cell::Cell;
use std::rc::Rc;

use bulkhead_model::{Backend, Moment};

use super::group::Group;
use super::pool::Slot;
use crate::deadline::{Guard, Waiting};
use crate::incidents::Incident;
use crate::worker::Worker;

/// A request that one endpoint has in hand, from the choice to the end of the exchange, however that comes about.
pub(crate) struct Flight<'r> {
    worker: &'r Worker,
    guard: &'r Guard,
    backend: &'r Backend,
    group: Rc<Group>,
    slot: Rc<Slot>,
    /// When it began, if that matters to anyone.
    begun: Option<Moment>,
    /// Whether anything was said of the endpoint.
    judged: Cell<bool>,
    /// Whether it counts no longer.
    landed: Cell<bool>,
}

impl<'r> Flight<'r> {
    pub(super) fn begin(
        worker: &'r Worker,
        guard: &'r Guard,
        backend: &'r Backend,
        (group, slot): (Rc<Group>, Rc<Slot>),
        begun: Option<Moment>,
    ) -> Self {
        group.begin();
        slot.load().begin();
        Self { worker, guard, backend, group, slot, begun, judged: Cell::new(false), landed: Cell::new(false) }
    }

    /// The endpoint, as this thread knows it.
    pub(crate) fn slot(&self) -> &Slot {
        &self.slot
    }

    /// The head of a final response has come.
    pub(crate) fn answered(&self) {
        self.judged.set(true);
        let health = &self.slot.endpoint().health;
        if self.begun.is_none() && health.is_spotless() {
            return;
        }
        let now = self.worker.moment(self.guard.now());
        health.succeeded(now);
        if let Some(begun) = self.begun {
            self.slot.load().observe(now.since(begun), now);
        }
    }

    /// The request has been answered by a switch to another protocol: what goes on from here on may last for days, and is no
    /// request in flight.
    pub(crate) fn land(&self) {
        if !self.landed.replace(true) {
            self.group.end();
            self.slot.load().end();
        }
    }

    /// Whether the request may be sent to another endpoint, although this one has answered; counts it.
    pub(crate) fn may_pass_on(&self) -> bool {
        self.group.may_retry(self.worker, self.guard)
    }

    /// The connection did not come about, or broke, or what came over it was no answer.
    pub(crate) fn failed(&self) {
        self.judged.set(true);
        if self.backend.failed(self.slot.endpoint(), self.worker.moment(self.guard.now())) {
            self.worker.tally().ejections.add(1);
            let which = || format!("{} of {}", self.slot.endpoint().address, self.backend.name);
            self.worker.shared.incidents.note(Incident::Ejected, None, which);
        }
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.land();
        // An exchange that takes too long is not told so: it is given up where it stands.
        let awaited = || matches!(self.guard.overdue(), Some(Waiting::Connect | Waiting::Send | Waiting::Response));
        if !self.judged.get() && awaited() {
            self.failed();
        }
    }
}
