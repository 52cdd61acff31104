//! A connection that has become a WebSocket (RFC 6455): bytes go both ways until one side has ended, nothing has moved for too
//! long, or the proxy leaves. In the last case the client is told so, between two frames.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

use crate::content::{Piece, RequestSource, Sink, Source};
use crate::exchange::Next;
use crate::exchange::converse::Conversation;
use crate::exchange::websocket::{CLOSE_GOING_AWAY, Frames};
use crate::transfer::Patience;

/// How a tunnel ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// One side has ended, or is gone.
    Closed,
    /// Nothing has moved for too long.
    Idle,
    /// The proxy leaves, and the client has been told.
    Away,
}

/// What both directions know of each other.
struct Tunnel {
    /// When something last moved.
    moved: Cell<Instant>,
    /// Whether the client is to be told to leave.
    leaving: Cell<bool>,
    /// Frames towards the client.
    frames: RefCell<Frames>,
}

/// Passes bytes both ways, beginning with what came behind the two heads, and says how the client's connection goes on.
pub(super) async fn run(
    conversation: &Conversation<'_>,
    (from_client, to_client): (&mut impl RequestSource, &mut impl Sink),
    (from_backend, to_backend): (&mut impl Source, &mut impl Sink),
) -> Next {
    let Conversation { worker, patience, .. } = conversation;
    // Whatever one side waits for, the other may be at work: how long nothing may move is looked after here.
    let mut settings = patience.settings.clone();
    let idle = settings.upstream.read;
    let never = idle.saturating_mul(4);
    (settings.limits.content_idle, settings.limits.response_stall) = (never, never);
    (settings.upstream.read, settings.upstream.send) = (never, never);
    let patience = Patience { settings: &settings, ..*patience };
    let tunnel =
        Tunnel { moved: Cell::new(patience.guard.now()), leaving: Cell::new(false), frames: RefCell::default() };
    from_client.switch();
    worker.tally().tunnels.add(1);
    let up = pin!(async {
        to_backend.frame(false);
        loop {
            let piece = Piece { last: false, ..from_client.piece() };
            if to_backend.send(patience, &[], piece).await.is_err() || from_client.piece().last {
                return End::Closed;
            }
            worker.tally().bytes_in.add(piece.content.len() as u64);
            tunnel.moved.set(patience.guard.now());
            if from_client.advance(worker, patience, usize::MAX).await.is_err() {
                return End::Closed;
            }
        }
    });
    let down = pin!(async {
        to_client.frame(false);
        loop {
            let piece = Piece { last: false, ..from_backend.piece() };
            if to_client.send(patience, &[], piece).await.is_err() || from_backend.piece().last {
                return End::Closed;
            }
            tunnel.frames.borrow_mut().look(piece.content);
            worker.tally().bytes_out.add(piece.content.len() as u64);
            tunnel.moved.set(patience.guard.now());
            match tunnel.unless_away(pin!(from_backend.advance(worker, patience, usize::MAX))).await {
                Some(Ok(())) => {}
                Some(Err(_)) => return End::Closed,
                None => {
                    let piece = Piece { content: CLOSE_GOING_AWAY, last: true, trailers: None };
                    // Whether it is heard or not, the connection ends.
                    let _ = to_client.send(patience, &[], piece).await;
                    return End::Away;
                }
            }
        }
    });
    match tunnel.watch(patience, idle, up, down).await {
        End::Closed => Next::Close,
        End::Idle | End::Away => Next::Linger,
    }
}

impl Tunnel {
    /// The output of `waiting`; `None` once the client is to leave, and no frame towards it is under way.
    async fn unless_away<T>(&self, mut waiting: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        poll_fn(|cx| {
            if self.leaving.get() && self.frames.borrow().is_between() {
                return Poll::Ready(None);
            }
            waiting.as_mut().poll(cx).map(Some)
        })
        .await
    }

    /// Runs both directions, and looks after the time.
    async fn watch(
        &self,
        patience: Patience<'_>,
        idle: std::time::Duration,
        mut up: Pin<&mut impl Future<Output = End>>,
        mut down: Pin<&mut impl Future<Output = End>>,
    ) -> End {
        let mut timer = Box::pin(sleep_until(patience.guard.now() + idle));
        poll_fn(|cx| {
            loop {
                if let Poll::Ready(end) = down.as_mut().poll(cx) {
                    return Poll::Ready(end);
                }
                if let Poll::Ready(end) = up.as_mut().poll(cx) {
                    return Poll::Ready(end);
                }
                let now = Instant::now();
                let leave = patience.guard.leave_at();
                if leave.is_some_and(|at| at <= now) && !self.leaving.replace(true) {
                    continue;
                }
                let end = self.moved.get() + idle;
                if end <= now {
                    return Poll::Ready(End::Idle);
                }
                let next = leave.filter(|_| !self.leaving.get()).map_or(end, |leave| leave.min(end));
                if poll_timer(&mut timer, next, cx).is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }
}

fn poll_timer(timer: &mut Pin<Box<Sleep>>, at: Instant, cx: &mut Context<'_>) -> Poll<()> {
    if timer.deadline() != at {
        timer.as_mut().reset(at);
    }
    timer.as_mut().poll(cx)
}
