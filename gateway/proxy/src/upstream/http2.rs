//! HTTP/2 connections to one endpoint (RFC 9113), shared by the requests of one thread.
//!
//! A connection is a task of its own; requests hold a [`Lease`] on it. It ends when it is broken, or when the pool and every
//! lease have let go of it.

mod request;
mod resets;
mod response;
mod watch;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bulkhead_model::limits;
use bytes::Bytes;
use h2::Reason;
use h2::client::{Builder, SendRequest};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Mutex;
use tokio::task::spawn_local;
use tokio::time::{Instant, timeout_at};

use super::heard::Heard;
use crate::content::Piece;
use crate::exchange::grpc;
use crate::fault::Fault;

use request::{Sink, translate};
use resets::{Call, Resets};
use response::Source;
use watch::{KeepAlive, Watch};

/// Requests that we have reset and of which late frames are passed over, as h2 has it by default for servers.
const RESET_STREAMS: usize = 50;

/// The connections of one endpoint and thread.
#[derive(Default)]
pub(crate) struct Sessions {
    list: RefCell<Vec<Rc<Session>>>,
    /// Held by whoever opens a connection, so that requests that come meanwhile wait for it instead of opening their own.
    opening: Mutex<()>,
}

struct Session {
    send: SendRequest<Bytes>,
    /// Requests on their way.
    active: Cell<usize>,
    /// It has ended.
    closed: Cell<bool>,
    opened: Instant,
    resets: Resets,
    /// Since when the sweep has seen it unused.
    idle_since: Cell<Option<Instant>>,
}

/// A place on a connection, for one request.
pub(crate) struct Lease {
    session: Rc<Session>,
    send: SendRequest<Bytes>,
    /// Whether the connection was there before.
    pub(crate) reused: bool,
}

impl Sessions {
    /// A place on a connection: on one that is there and has room, or on one that `connect` makes. `until` bounds the wait for
    /// either.
    ///
    /// # Errors
    /// What `connect` says, or that it was too late.
    pub(crate) async fn open<S, C>(&self, until: Instant, connect: impl FnOnce() -> C) -> Result<Lease, Fault>
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
        C: Future<Output = Result<S, Fault>>,
    {
        if let Some(lease) = self.vacancy() {
            return Ok(lease);
        }
        let opened = timeout_at(until, async {
            let _opening = self.opening.lock().await;
            match self.vacancy() {
                Some(lease) => Ok(lease),
                None => self.establish(connect().await?, KeepAlive::default()).await,
            }
        });
        opened.await.unwrap_or(Err(Fault::ConnectTimeout))
    }

    /// A place on the connection that was opened last, if any has one.
    fn vacancy(&self) -> Option<Lease> {
        let mut list = self.list.borrow_mut();
        list.retain(|session| session.is_alive() && !session.resets.is_spent());
        let session = list.iter().rev().find(|session| session.has_room())?;
        Some(Lease::new(session, true))
    }

    async fn establish<S>(&self, stream: S, keep_alive: KeepAlive) -> Result<Lease, Fault>
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let heard = Rc::new(Cell::new(0));
        let shaken = builder().handshake(Heard::new(stream, Rc::clone(&heard))).await;
        let (send, mut connection) = shaken.map_err(|error| {
            tracing::debug!(%error, "an HTTP/2 connection to a backend could not be opened");
            Fault::ConnectFailed
        })?;
        let opened = Instant::now();
        let session = Rc::new(Session {
            send,
            active: Cell::new(0),
            closed: Cell::new(false),
            opened,
            resets: Resets::new(opened),
            idle_since: Cell::new(None),
        });
        let pings = connection.ping_pong();
        let lease = Lease::new(&session, false);
        self.list.borrow_mut().push(Rc::clone(&session));
        // The task must not keep the connection open: it only learns from the session, and tells it, while there is one.
        let watch = Watch::new(Rc::downgrade(&session), heard, keep_alive);
        spawn_local(watch.run(connection, pings));
        Ok(lease)
    }

    /// Lets go of connections that are broken, old, or were not used for `keep`, and of unused ones above `most`; says how many
    /// are left. Requests on them end in peace.
    pub(crate) fn sweep(&self, now: Instant, keep: Duration, most: usize) -> usize {
        let mut list = self.list.borrow_mut();
        list.retain(|session| session.is_alive() && session.is_fresh(now, keep));
        let mut excess = list.len().saturating_sub(most);
        list.retain(|session| {
            let goes = excess > 0 && session.active.get() == 0;
            excess -= usize::from(goes);
            !goes
        });
        list.len()
    }

    /// Lets go of all connections.
    pub(crate) fn clear(&self) {
        self.list.borrow_mut().clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.borrow().is_empty()
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("open", &self.list.borrow().len()).finish_non_exhaustive()
    }
}

impl Session {
    /// Neither ended nor going away (RFC 9113 §6.8).
    fn is_alive(&self) -> bool {
        let mut probe = self.send.clone();
        !self.closed.get() && !matches!(probe.poll_ready(&mut Context::from_waker(Waker::noop())), Poll::Ready(Err(_)))
    }

    fn has_room(&self) -> bool {
        self.active.get() < self.send.current_max_send_streams().min(limits::SHARED.size())
    }

    fn is_fresh(&self, now: Instant, keep: Duration) -> bool {
        if now.duration_since(self.opened) >= limits::SHARED_AGE.time() {
            return false;
        }
        if self.active.get() > 0 {
            self.idle_since.set(None);
            return true;
        }
        let since = self.idle_since.get().unwrap_or(now);
        self.idle_since.set(Some(since));
        now.duration_since(since) < keep
    }
}

impl Lease {
    fn new(session: &Rc<Session>, reused: bool) -> Self {
        session.active.set(session.active.get() + 1);
        session.idle_since.set(None);
        Self { session: Rc::clone(session), send: session.send.clone(), reused }
    }

    /// Sends the head of a request, which is one of HTTP/1.1, and the first piece of its content. Does not wait: the backend may answer before it takes the piece, which is one buffer at most.
    ///
    /// # Errors
    /// The head cannot be told in HTTP/2, or the connection takes no request any more.
    pub(crate) fn begin(&mut self, head: &[u8], secure: bool, first: Piece<'_>) -> Result<Begun, Fault> {
        let request = translate(head, secure)?;
        let timeout = request.headers().get("grpc-timeout").and_then(|value| grpc::timeout(value.as_bytes()));
        let ends = first.last && first.content.is_empty() && first.trailers.is_none();
        let begun = self.send.send_request(request, ends).and_then(|(response, stream)| {
            let mut sink = Sink::new(stream, ends);
            let put = if ends { Ok(()) } else { sink.put(first) };
            put.map(|()| Begun {
                halves: Some((Source::new(response), sink)),
                timeout,
                session: Rc::clone(&self.session),
            })
        });
        begun.map_err(|error| {
            tracing::debug!(%error, "an HTTP/2 connection to a backend takes no request");
            Fault::UpstreamRefused
        })
    }
}

/// A request that was begun. It is taken back when this is dropped before both sides have ended.
pub(crate) struct Begun {
    /// There until it is dropped.
    halves: Option<(Source, Sink)>,
    /// How long it may take, if it says so.
    pub(crate) timeout: Option<Duration>,
    session: Rc<Session>,
}

impl Begun {
    /// Where its response comes from, and where the rest of its content goes.
    pub(crate) fn halves(&mut self) -> Option<(&mut Source, &mut Sink)> {
        self.halves.as_mut().map(|(source, sink)| (source, sink))
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let Some((source, mut sink)) = self.halves.take() else { return };
        if (source.has_ended() && sink.has_ended()) || sink.is_broken() {
            return;
        }
        let now = Instant::now();
        if !self.session.resets.spend(now) {
            let place = Lease::new(&self.session, true);
            self.session.resets.delay(now, Call { _source: source, _sink: sink, _place: place });
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.session.active.set(self.session.active.get().saturating_sub(1));
    }
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder
        .initial_window_size(limits::RESPONSE_WINDOW.number())
        .initial_connection_window_size(limits::SHARED_WINDOW.number())
        .max_send_buffer_size(limits::REQUEST_BUFFER.size())
        .max_header_list_size(limits::RESPONSE_HEADER_LIST.number())
        .max_concurrent_reset_streams(RESET_STREAMS)
        .initial_max_send_streams(limits::SHARED.size())
        .enable_push(false);
    builder
}

/// Why a request on an HTTP/2 connection came to nothing.
pub(crate) fn classify(error: &h2::Error) -> Fault {
    let refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
    match error {
        // Not begun (RFC 9113 §8.7): a request above the last one that a backend that goes away will serve, or one refused.
        _ if error.is_remote() && (refused || error.is_go_away()) => Fault::UpstreamRefused,
        _ if error.is_remote() => Fault::UpstreamReset,
        // The backend broke the protocol, or sent more than it may.
        _ if error.is_library() => Fault::BadResponse,
        _ => Fault::UpstreamClosed,
    }
}

#[cfg(test)]
mod tests;
