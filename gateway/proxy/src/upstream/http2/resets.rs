//! How often requests are taken back on one connection to a backend.
//!
//! Servers take many of them for an attack (CVE-2023-44487) and answer it with GOAWAY, which ends the requests of everybody who
//! shares the connection. One client that takes back whatever it asks for must not bring that about, so a connection on which
//! much is taken back takes no further requests; others go on on another one. What is still on it can add at most as many
//! resets as requests share a connection, which every server allows that allows any, provided that it has looked at the
//! requests: those resets are sent a little later, when it has.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};

use bulkhead_model::budget::{Budget, Purse};
use bulkhead_model::limits;
use tokio::time::{Instant, Sleep};

use super::Lease;
use super::request::Sink;
use super::response::Source;

const BUDGET: Budget =
    Budget { burst: limits::SHARED_RESET_BURST.number(), per_second: limits::SHARED_RESET_RATE.number() };

/// A request on a connection that is to be taken back, which is done by dropping it, and its place there.
pub(super) struct Call {
    pub(super) _source: Source,
    pub(super) _sink: Sink,
    pub(super) _place: Lease,
}

/// The resets of one connection.
pub(super) struct Resets {
    opened: Instant,
    purse: Cell<Purse>,
    spent: Cell<bool>,
    /// With the time at which each is taken back, the first one first.
    late: RefCell<VecDeque<(Instant, Call)>>,
    /// Of the connection's task.
    waker: Cell<Option<Waker>>,
}

impl Resets {
    pub(super) fn new(opened: Instant) -> Self {
        Self {
            opened,
            purse: Cell::new(Purse::full(BUDGET, 0)),
            spent: Cell::new(false),
            late: RefCell::default(),
            waker: Cell::new(None),
        }
    }

    /// Whether there have been so many that no further request should share the connection.
    pub(super) fn is_spent(&self) -> bool {
        self.spent.get()
    }

    /// Counts one; `false` if it is one too many, and should be late.
    pub(super) fn spend(&self, now: Instant) -> bool {
        let mut purse = self.purse.get();
        let since = u64::try_from(now.duration_since(self.opened).as_millis()).unwrap_or(u64::MAX);
        let affordable = !self.spent.get() && purse.spend(BUDGET, since);
        self.purse.set(purse);
        self.spent.set(!affordable);
        affordable
    }

    /// Has a request taken back a little later.
    pub(super) fn delay(&self, now: Instant, call: Call) {
        self.late.borrow_mut().push_back((now + limits::SHARED_RESET_DELAY.time(), call));
        self.waker.take().into_iter().for_each(Waker::wake);
    }

    /// Takes back those whose time has come. `sleep` is the caller's alarm for the next one.
    pub(super) fn poll_late(&self, mut sleep: Pin<&mut Sleep>, cx: &mut Context<'_>) {
        loop {
            let next = self.late.borrow().front().map(|(at, _)| *at);
            let Some(at) = next else {
                self.waker.set(Some(cx.waker().clone()));
                return;
            };
            if sleep.deadline() != at {
                sleep.as_mut().reset(at);
            }
            if sleep.as_mut().poll(cx).is_pending() {
                return;
            }
            // Dropped while nothing is borrowed: its place has something to say to the session.
            let call = self.late.borrow_mut().pop_front();
            drop(call);
        }
    }

    /// Lets go of what waits, on a connection that has ended.
    pub(super) fn clear(&self) {
        let calls = self.late.take();
        drop(calls);
    }
}
