//! The connections of one thread, so that a change of phase, or of the level of overload, reaches those that wait.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use bulkhead_model::overload::Level;
use tokio::time::Instant;

use crate::phase::Phase;

/// The fractional part of the golden ratio: its multiples fill an interval evenly.
const GOLDEN: f64 = 0.618_033_988_749_895;

/// Every open downstream connection of a thread.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    phase: Cell<Phase>,
    level: Cell<Level>,
    waiting: RefCell<Vec<Option<Waker>>>,
    free: RefCell<Vec<u32>>,
    open: Cell<usize>,
    /// When the proxy began to leave, and how long it still accepts.
    left: Cell<Option<(Instant, Duration)>>,
}

impl Registry {
    pub(crate) fn phase(&self) -> Phase {
        self.phase.get()
    }

    /// Moves on to `phase` and wakes every connection that waits, so that it looks. Connections that last leave within
    /// `window`.
    pub(crate) fn enter(&self, phase: Phase, window: Duration) {
        self.phase.set(phase.max(self.phase.get()));
        if phase > Phase::Serving && self.left.get().is_none() {
            self.left.set(Some((Instant::now(), window)));
        }
        self.wake();
    }

    pub(crate) fn level(&self) -> Level {
        self.level.get()
    }

    /// Takes up `level`, and wakes every connection that waits if it is a higher one.
    pub(crate) fn press(&self, level: Level) {
        if level > self.level.replace(level) {
            self.wake();
        }
    }

    fn wake(&self) {
        let wakers: Vec<Waker> = self.waiting.borrow_mut().iter_mut().filter_map(Option::take).collect();
        for waker in wakers {
            waker.wake();
        }
    }

    pub(crate) fn open(&self) -> usize {
        self.open.get()
    }

    /// Enters a connection; it leaves when the seat is dropped, also by a panic.
    pub(crate) fn seat(self: &Rc<Self>) -> Seat {
        self.open.set(self.open.get() + 1);
        self.enter_as(true)
    }

    /// Enters what is woken like a connection and is not one: a stream of one.
    pub(crate) fn stand(self: &Rc<Self>) -> Seat {
        self.enter_as(false)
    }

    fn enter_as(self: &Rc<Self>, counted: bool) -> Seat {
        let index = self.free.borrow_mut().pop().unwrap_or_else(|| {
            let mut waiting = self.waiting.borrow_mut();
            waiting.push(None);
            u32::try_from(waiting.len() - 1).unwrap_or(u32::MAX)
        });
        Seat { registry: Rc::clone(self), index, counted }
    }
}

/// One connection's entry.
#[derive(Debug)]
pub(crate) struct Seat {
    registry: Rc<Registry>,
    /// Small, as this lies in every connection.
    index: u32,
    /// Whether it is a connection.
    counted: bool,
}

impl Seat {
    pub(crate) fn phase(&self) -> Phase {
        self.registry.phase()
    }

    pub(crate) fn level(&self) -> Level {
        self.registry.level()
    }

    pub(crate) fn leave_at(&self) -> Option<Instant> {
        let (since, window) = self.registry.left.get()?;
        // Neighbours are far from each other, and any number of them covers the window evenly.
        let share = (f64::from(self.index) * GOLDEN).fract();
        Some(if self.phase() >= Phase::Draining { since } else { since + window.mul_f64(share) })
    }

    /// Asks to be woken when the phase changes, or the level rises.
    pub(crate) fn listen(&self, waker: &Waker) {
        if let Some(slot) = self.registry.waiting.borrow_mut().get_mut(self.index as usize)
            && !slot.as_ref().is_some_and(|known| known.will_wake(waker))
        {
            *slot = Some(waker.clone());
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(slot) = self.registry.waiting.borrow_mut().get_mut(self.index as usize) {
            *slot = None;
        }
        self.registry.free.borrow_mut().push(self.index);
        self.registry.open.set(self.registry.open.get().saturating_sub(usize::from(self.counted)));
    }
}
