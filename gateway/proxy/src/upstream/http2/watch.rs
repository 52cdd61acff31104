//! The task that a connection is, and how it finds out that nobody is there.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use bulkhead_model::limits;
use bytes::Bytes;
use h2::client::Connection;
use h2::{Ping, PingPong};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep_until};

use super::Session;

/// When to ask whether a backend that keeps silent is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeepAlive {
    /// Silence before a question.
    pub(super) interval: Duration,
    /// How long to wait for the answer.
    pub(super) patience: Duration,
    /// Questions in one silence before they become rare: servers of gRPC take more for an attack, and close the connection.
    pub(super) questions: u32,
    /// Silence before each question from then on, which those servers do not mind.
    pub(super) rare: Duration,
}

impl Default for KeepAlive {
    fn default() -> Self {
        let (interval, patience) = (limits::SILENCE.time(), limits::ANSWER.time());
        Self { interval, patience, questions: 2, rare: Duration::from_secs(330) }
    }
}

/// Drives a connection, and asks after a backend that keeps silent while requests wait.
pub(super) struct Watch {
    session: Weak<Session>,
    heard: Rc<Cell<u64>>,
    keep_alive: KeepAlive,
}

impl Watch {
    /// `heard` counts the bytes that come.
    pub(super) fn new(session: Weak<Session>, heard: Rc<Cell<u64>>, keep_alive: KeepAlive) -> Self {
        Self { session, heard, keep_alive }
    }

    pub(super) async fn run<S>(self, mut connection: Connection<S, Bytes>, pings: Option<PingPong>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut silence = Silence { questions: 0, heard: 0, asked: false, asks: pings };
        let mut sleep = pin!(sleep_until(Instant::now() + self.keep_alive.interval));
        let mut late = pin!(sleep_until(Instant::now()));
        let ended = poll_fn(|cx| {
            if let Some(session) = self.session.upgrade() {
                session.resets.poll_late(late.as_mut(), cx);
            }
            if let Poll::Ready(ended) = Pin::new(&mut connection).poll(cx) {
                return Poll::Ready(ended);
            }
            // Then it is dropped with what is on it: nobody is there.
            self.poll_silence(&mut silence, sleep.as_mut(), cx).map(Ok)
        });
        if let Err(error) = ended.await {
            tracing::debug!(%error, "an HTTP/2 connection to a backend ended");
        }
        if let Some(session) = self.session.upgrade() {
            session.closed.set(true);
            session.resets.clear();
        }
    }

    /// Ready when a question was not answered.
    fn poll_silence(&self, silence: &mut Silence, mut sleep: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if silence.asked
                && let Some(pings) = &mut silence.asks
                && pings.poll_pong(cx).is_ready()
            {
                // The answer itself is no word of the backend's own.
                (silence.asked, silence.heard) = (false, self.heard.get());
                let rare = silence.questions >= self.keep_alive.questions;
                let pause = if rare { self.keep_alive.rare } else { self.keep_alive.interval };
                sleep.as_mut().reset(Instant::now() + pause);
            }
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if silence.asked {
                tracing::debug!("a backend did not answer a PING");
                return Poll::Ready(());
            }
            let spoke = self.heard.get() != silence.heard;
            silence.heard = self.heard.get();
            let waits = self.session.upgrade().is_none_or(|session| session.active.get() > 0);
            if spoke {
                silence.questions = 0;
            }
            let asks = silence.asks.as_mut().filter(|_| waits && !spoke);
            if asks.is_some_and(|pings| pings.send_ping(Ping::opaque()).is_ok()) {
                silence.questions += 1;
                silence.asked = true;
                sleep.as_mut().reset(Instant::now() + self.keep_alive.patience);
                // A question that is only queued has to be sent.
                cx.waker().wake_by_ref();
            } else {
                sleep.as_mut().reset(Instant::now() + self.keep_alive.interval);
            }
        }
    }
}

/// What is known of a backend that does not speak.
struct Silence {
    /// Questions since it last spoke.
    questions: u32,
    /// Bytes heard of it when it was last looked at.
    heard: u64,
    /// A question is on its way.
    asked: bool,
    asks: Option<PingPong>,
}
