//! One timer per connection. Moving the deadline writes a number; the armed timer fires when it was set to, looks at the
//! number, and arms itself again. So a request costs no timer operation, however many phases it passes.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bulkhead_model::overload::Level;
use bulkhead_model::{Settings, limits};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::phase::Phase;
use crate::registry::Seat;

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// The client's part of a TLS handshake.
    Handshake,
    /// The next request's first byte.
    Request,
    /// The rest of a request head.
    Head,
    /// More of the request's content.
    Content,
    /// The client to take more of its response.
    Client,
    /// Its password to be checked.
    Password,
    /// A backend to accept a connection.
    Connect,
    /// The backend to take more of the request.
    Send,
    /// The backend to answer, or to go on answering.
    Response,
    /// The client to show that it is still there.
    Pong,
}

/// Why a guarded future was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// It took too long; this is what it waited for.
    Elapsed(Waiting),
    /// The proxy leaves.
    Leaving,
}

/// Watches over one connection: its deadline, and the phase of its thread.
#[derive(Debug)]
pub(crate) struct Guard {
    seat: Seat,
    waiting: Cell<Waiting>,
    at: Cell<Instant>,
    /// When the connection was last woken. Reading the clock for every step would cost more than the steps.
    now: Cell<Instant>,
    /// Boxed when first needed: most of its size would otherwise lie in every idle connection twice.
    sleep: RefCell<Option<Pin<Box<Sleep>>>>,
}

impl Guard {
    pub(crate) fn new(seat: Seat) -> Self {
        let now = Instant::now();
        Self {
            seat,
            waiting: Cell::new(Waiting::Request),
            at: Cell::new(now),
            now: Cell::new(now),
            sleep: RefCell::new(None),
        }
    }

    /// When the connection was last woken: the time, as far as a connection needs to know it.
    pub(crate) fn now(&self) -> Instant {
        self.now.get()
    }

    pub(crate) fn phase(&self) -> Phase {
        self.seat.phase()
    }

    /// How overloaded the process is.
    pub(crate) fn level(&self) -> Level {
        self.seat.level()
    }

    /// Whether this connection is to end with the exchange that it carries, because the proxy leaves or is overloaded.
    pub(crate) fn lets_go(&self) -> bool {
        self.phase() >= Phase::Lameduck || self.level() >= Level::NoKeepAlive
    }

    /// What is awaited, if it has taken too long.
    pub(crate) fn overdue(&self) -> Option<Waiting> {
        (Instant::now() >= self.at.get()).then(|| self.waiting.get())
    }

    /// When a connection that outlives its requests is to end, because the proxy leaves. Spread over the time in which it
    /// still accepts, so that not all clients come back to those who stay in the same instant.
    pub(crate) fn leave_at(&self) -> Option<Instant> {
        self.seat.leave_at()
    }

    /// From now on the guarded future waits for `what`, at most `limit`.
    pub(crate) fn wait(&self, what: Waiting, limit: Duration) {
        self.waiting.set(what);
        self.at.set(self.now.get() + limit);
    }

    /// Like [`Self::wait`], with the limit that the settings have for it.
    pub(crate) fn wait_for(&self, what: Waiting, settings: &Settings) {
        let limit = match what {
            Waiting::Handshake => settings.limits.tls_handshake,
            Waiting::Request => settings.limits.keep_alive_idle,
            Waiting::Head => settings.limits.head,
            Waiting::Content => settings.limits.content_idle,
            Waiting::Client => settings.limits.response_stall,
            Waiting::Connect => settings.upstream.connect,
            Waiting::Send => settings.upstream.send,
            Waiting::Response => settings.upstream.read,
            // No settings: who waits says for how long.
            Waiting::Password => limits::PASSWORD_TIME.time(),
            Waiting::Pong => settings.limits.keep_alive_idle,
        };
        self.wait(what, limit);
    }

    /// Runs `future` until it ends, its deadline passes, or the proxy has entered `until` or a later phase. Everything a
    /// connection waits for, it waits for in here.
    pub(crate) async fn run<T>(
        &self,
        until: Phase,
        mut future: Pin<&mut impl Future<Output = T>>,
    ) -> Result<T, Interrupt> {
        let mut woken = false;
        poll_fn(|cx| {
            // The first call comes from the same wake that ended what was run before.
            if std::mem::replace(&mut woken, true) {
                self.now.set(Instant::now());
            }
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(output));
            }
            if self.seat.phase() >= until {
                return Poll::Ready(Err(Interrupt::Leaving));
            }
            if self.level() > Level::Normal {
                self.draw_nearer();
            }
            self.seat.listen(cx.waker());
            self.poll_elapsed(cx).map(|()| Err(Interrupt::Elapsed(self.waiting.get())))
        })
        .await
    }

    /// An overloaded process has less patience with those that ask for nothing, and with those that take nothing.
    fn draw_nearer(&self) {
        let limit = match self.waiting.get() {
            Waiting::Request => self.level().idle(Duration::MAX),
            Waiting::Client => self.level().stall(Duration::MAX),
            _ => return,
        };
        if let Some(soon) = self.now.get().checked_add(limit) {
            self.at.set(soon.min(self.at.get()));
        }
    }

    fn poll_elapsed(&self, cx: &mut Context<'_>) -> Poll<()> {
        let at = self.at.get();
        let mut slot = self.sleep.borrow_mut();
        if let Some(sleep) = &*slot
            && sleep.deadline() <= at
            && self.now.get() < sleep.deadline()
        {
            // It is armed, and will wake this connection: a connection is one task from its beginning to its end.
            return Poll::Pending;
        }
        let sleep = slot.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if at < sleep.deadline() {
            sleep.as_mut().reset(at);
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if Instant::now() >= at {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(at);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::rc::Rc;

    use super::*;
    use crate::registry::Registry;

    fn guard() -> (Rc<Registry>, Guard) {
        let registry = Rc::new(Registry::default());
        let seat = registry.seat();
        (registry, Guard::new(seat))
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_is_moved_on_does_not_fire_early() {
        let (_registry, guard) = guard();
        let begin = Instant::now();
        guard.wait(Waiting::Head, Duration::from_secs(10));
        let work = async {
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_secs(9)).await;
                guard.wait(Waiting::Content, Duration::from_secs(10));
            }
            std::future::pending::<()>().await;
        };
        assert_eq!(guard.run(Phase::Cut, pin!(work)).await, Err(Interrupt::Elapsed(Waiting::Content)));
        assert_eq!(begin.elapsed().as_secs(), 55);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_is_drawn_nearer_fires_then() {
        let (_registry, guard) = guard();
        let begin = Instant::now();
        guard.wait(Waiting::Request, Duration::from_secs(75));
        let work = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            guard.wait(Waiting::Connect, Duration::from_secs(2));
            std::future::pending::<()>().await;
        };
        assert_eq!(guard.run(Phase::Cut, pin!(work)).await, Err(Interrupt::Elapsed(Waiting::Connect)));
        assert_eq!(begin.elapsed().as_secs(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_request_is_closed_sooner_once_the_process_is_overloaded() {
        for (waiting, level, seconds) in [
            (Waiting::Request, Level::Normal, 75),
            (Waiting::Request, Level::ShrinkIdle, 30 + 10),
            (Waiting::Request, Level::Refuse, 30 + 2),
            (Waiting::Response, Level::Refuse, 75),
        ] {
            let (registry, guard) = guard();
            let begin = Instant::now();
            guard.wait(waiting, Duration::from_secs(75));
            let never = pin!(std::future::pending::<()>());
            let (ended, ()) = tokio::join!(guard.run(Phase::Cut, never), async {
                tokio::time::sleep(Duration::from_secs(30)).await;
                registry.press(level);
            });
            assert_eq!(ended, Err(Interrupt::Elapsed(waiting)));
            assert_eq!(begin.elapsed().as_secs(), seconds, "{level:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_is_no_longer_overloaded_is_patient_again() {
        let (registry, guard) = guard();
        registry.press(Level::StopAccepting);
        assert!(guard.lets_go());
        registry.press(Level::Normal);
        assert!(!guard.lets_go());
        let begin = Instant::now();
        guard.wait(Waiting::Request, Duration::from_secs(75));
        let ended = guard.run(Phase::Cut, pin!(std::future::pending::<()>())).await;
        assert_eq!((ended, begin.elapsed().as_secs()), (Err(Interrupt::Elapsed(Waiting::Request)), 75));
    }

    #[tokio::test]
    async fn a_change_of_phase_ends_the_wait() {
        let (registry, guard) = guard();
        guard.wait(Waiting::Request, Duration::from_secs(75));
        let never = pin!(std::future::pending::<()>());
        let (ended, ()) = tokio::join!(guard.run(Phase::Draining, never), async {
            registry.enter(Phase::Lameduck, Duration::ZERO);
            tokio::task::yield_now().await;
            registry.enter(Phase::Draining, Duration::ZERO);
        });
        assert_eq!(ended, Err(Interrupt::Leaving));
    }
}
