//! One client's connection: its streams, its time, and its share.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bulkhead_model::Settings;
use bulkhead_model::limits;
use bulkhead_model::overload::Level;
use bulkhead_model::settings::Http2;
use h2::server::{Builder, Connection, SendResponse};
use h2::{Ping, PingPong, Reason, RecvStream};
use http::Request;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::spawn_local;
use tokio::time::Instant;

use super::cork::Cork;
use super::downstream::Downstream;
use super::meter::Meter;
use super::sink::Answering;
use super::store::{Parcel, Shelf, Store};
use crate::buffer::Buffer;
use crate::connection::Client;
use crate::deadline::{Guard, Interrupt, Waiting};
use crate::exchange::{self, Next};
use crate::fault::Fault;
use crate::phase::Phase;
use crate::worker::{Seated, Worker};

/// How long a client that was told to go may go on beginning requests, and how long it may take to hang up.
const FAREWELL: Duration = Duration::from_secs(2);
/// And what it may still send meanwhile.
const FAREWELL_BYTES: usize = 1 << 20;

/// Serves a connection to its end. `before` is what was read of it already.
pub(crate) async fn serve<S>(worker: &Rc<Worker>, guard: &Guard, stream: S, before: Option<Buffer>, client: Client)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let settings = settings(worker);
    let meter = Rc::new(Meter::new(&settings.limits.http2));
    let cork = Cork::new(stream, before, Rc::clone(&worker.corks), Rc::clone(&meter));
    let remains = cork.remains();
    guard.wait_for(Waiting::Head, &settings);
    let shaking = pin!(builder(&settings.limits.http2).handshake::<_, Parcel>(cork));
    let mut connection = match guard.run(Phase::Draining, shaking).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return account(worker, &client, &error),
        Err(interrupt) => {
            return Option::from(interrupt)
                .into_iter()
                .for_each(|fault| worker.blame(fault, client.address, String::new));
        }
    };
    let pings = connection.ping_pong();
    let mut serving = Serving {
        worker,
        guard,
        client: Rc::new(client),
        streams: Rc::default(),
        store: Store::new(&settings.limits.http2),
        served: 0,
        unserved: 0,
        pings,
        asked: false,
        half: None,
    };
    let end = serving.run(&mut connection, &meter).await;
    if let End::Flood(fault) = end {
        worker.blame(fault, serving.client.address, String::new);
        connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
    }
    if end == End::Cut {
        return;
    }
    // What is left to be said is said, and heard; nobody waits for it for long.
    guard.wait(Waiting::Client, FAREWELL);
    let closing = pin!(async {
        // However it ends, nothing more is said.
        let _ = poll_fn(|cx| connection.poll_closed(cx)).await;
        drop(connection);
        remains.take(FAREWELL_BYTES, &worker.buffers).await;
    });
    let _ = guard.run(Phase::Cut, closing).await;
}

/// A copy: a connection outlives many snapshots.
fn settings(worker: &Worker) -> Settings {
    let current = worker.current();
    current.as_ref().map_or(&worker.fallback, |pinned| &pinned.snapshot().settings).clone()
}

fn builder(http2: &Http2) -> Builder {
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(http2.streams)
        .max_header_list_size(http2.header_list_bytes)
        .initial_window_size(http2.stream_window)
        .initial_connection_window_size(http2.connection_window)
        .max_send_buffer_size(http2.send_buffer)
        .max_pending_accept_reset_streams(limits::H2_UNSEEN_RESETS.size())
        .max_local_error_reset_streams(Some(limits::H2_OWN_RESETS.size()));
    builder
}

/// Counts what a client did wrong.
fn account(worker: &Worker, client: &Client, error: &h2::Error) {
    let fault = match error.reason() {
        Some(Reason::NO_ERROR) => return,
        Some(Reason::ENHANCE_YOUR_CALM) if error.is_library() => Fault::TooManyResets,
        Some(_) if error.is_library() => Fault::Http2Broken,
        // It was not us who ended it.
        Some(_) => return,
        None => Fault::ClientGone,
    };
    worker.blame(fault, client.address, || error.to_string());
}

/// Why a connection is served no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Its client has left, or was told to.
    Closed,
    /// Its client sent too much of what brings nothing, or part of a head and no more.
    Flood(Fault),
    /// The proxy leaves at once.
    Cut,
}

/// A connection between its handshake and its end.
struct Serving<'c> {
    worker: &'c Rc<Worker>,
    guard: &'c Guard,
    client: Rc<Client>,
    streams: Rc<Streams>,
    /// What its responses have waiting for the client.
    store: Rc<Store>,
    /// Streams that were begun, and taken.
    served: u32,
    /// Streams that were begun, and refused before they came here.
    unserved: u32,
    pings: Option<PingPong>,
    /// Whether the client has been asked whether it is there, and has not answered.
    asked: bool,
    /// Since when the client owes the rest of a head.
    half: Option<Instant>,
}

impl Serving<'_> {
    async fn run<S>(&mut self, connection: &mut Connection<S, Parcel>, meter: &Meter) -> End
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (guard, limits) = (self.guard, settings(self.worker).limits);
        let age = self.guard.now() + limits.keep_alive_age;
        // When the client was told to go.
        let mut told = None;
        loop {
            let worn_out = self.served >= limits.keep_alive_requests || self.guard.now() >= age;
            if told.is_none() && (worn_out || self.is_to_leave()) {
                self.worker.tally().worn_out.add(worn_out.into());
                told = Some(self.guard.now());
                // Two frames: the client may still send what it has begun to send (RFC 9113 §6.8).
                connection.graceful_shutdown();
            }
            let leaving = told.is_some();
            self.wait(leaving);
            let until = match (leaving, guard.leave_at()) {
                (true, _) => Phase::Cut,
                (false, Some(_)) => Phase::Draining,
                (false, None) => Phase::Lameduck,
            };
            let next = pin!(poll_fn(|cx| self.poll_next(connection, meter, cx)));
            match guard.run(until, next).await {
                // It has had the time to hear of it.
                Ok(Event::Request(_, mut responder)) if told.is_some_and(|told| guard.now() >= told + FAREWELL) => {
                    responder.send_reset(Reason::REFUSED_STREAM);
                    if self.streams.open.get() == 0 {
                        return End::Cut;
                    }
                }
                Ok(Event::Request(request, responder)) => self.begin(request, responder),
                Ok(Event::Idle | Event::Pong) => {}
                Ok(Event::Flood(fault)) => return End::Flood(fault),
                Ok(Event::End(error)) => {
                    error.iter().for_each(|error| account(self.worker, &self.client, error));
                    return End::Closed;
                }
                Err(Interrupt::Leaving) if leaving => return End::Cut,
                Err(Interrupt::Leaving) => {}
                Err(Interrupt::Elapsed(Waiting::Head)) => return End::Flood(Fault::HeadTimeout),
                Err(Interrupt::Elapsed(_)) if self.is_to_leave() && !leaving => {}
                Err(Interrupt::Elapsed(_)) if self.streams.open.get() == 0 && !leaving => {
                    self.worker.tally().idle_closed.add(1);
                    told = Some(self.guard.now());
                    connection.graceful_shutdown();
                }
                Err(Interrupt::Elapsed(_)) if self.streams.open.get() == 0 || self.asked => return End::Cut,
                Err(Interrupt::Elapsed(_)) => self.ask(),
            }
        }
    }

    /// Whether the client is to be told to go: it is this connection's turn, or the process is overloaded.
    fn is_to_leave(&self) -> bool {
        self.guard.leave_at().is_some_and(|at| at <= self.guard.now()) || self.guard.level() >= Level::NoKeepAlive
    }

    /// How long the next event may take.
    fn wait(&self, leaving: bool) {
        let current = self.worker.current();
        let settings = current.as_ref().map_or(&self.worker.fallback, |pinned| &pinned.snapshot().settings);
        let limit = match (self.streams.open.get(), self.asked) {
            (0, _) if leaving => FAREWELL,
            (0, _) => self.guard.level().idle(settings.limits.keep_alive_idle),
            (_, false) => settings.limits.http2.ping,
            (_, true) => settings.limits.http2.pong,
        };
        let turn = self.guard.leave_at().filter(|_| !leaving).map(|at| at.duration_since(self.guard.now()));
        let limit = turn.map_or(limit, |turn| turn.min(limit));
        let head = self.half.map(|since| (since + settings.limits.head).saturating_duration_since(self.guard.now()));
        match head {
            Some(left) if left <= limit => self.guard.wait(Waiting::Head, left),
            _ if self.streams.open.get() == 0 => self.guard.wait(Waiting::Request, limit),
            _ => self.guard.wait(Waiting::Pong, limit),
        }
    }

    fn ask(&mut self) {
        if let Some(pings) = &mut self.pings {
            self.asked = pings.send_ping(Ping::opaque()).is_ok();
        }
    }

    fn poll_next<S>(
        &mut self,
        connection: &mut Connection<S, Parcel>,
        meter: &Meter,
        cx: &mut Context<'_>,
    ) -> Poll<Event>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        if let Poll::Ready(accepted) = connection.poll_accept(cx) {
            let event = match accepted {
                Some(Ok((request, responder))) => return Poll::Ready(Event::Request(request, responder)),
                Some(Err(error)) => Event::End(Some(error)),
                None => Event::End(None),
            };
            self.count_unserved(meter.streams());
            return Poll::Ready(event);
        }
        // All that has come has been taken or refused by now.
        self.count_unserved(meter.streams());
        if let Some(fault) = meter.over() {
            return Poll::Ready(Event::Flood(fault));
        }
        if self.asked && self.pings.as_mut().is_some_and(|pings| pings.poll_pong(cx).is_ready()) {
            self.asked = false;
            return Poll::Ready(Event::Pong);
        }
        // From here on, or no longer, there is less time.
        if std::mem::replace(&mut self.half, meter.half_since()) != self.half {
            return Poll::Ready(Event::Idle);
        }
        self.streams.poll_emptied(cx).map(|()| Event::Idle)
    }

    /// Counts what the codec of HTTP/2 has refused by itself. `begun`: streams whose heads have come.
    fn count_unserved(&mut self, begun: u32) {
        let unserved = begun.saturating_sub(self.served);
        self.worker.tally().unserved_streams.add(unserved.saturating_sub(self.unserved).into());
        self.unserved = unserved.max(self.unserved);
    }

    /// Serves a request on its own, until it is answered or taken back.
    fn begin(&mut self, request: Request<RecvStream>, responder: SendResponse<Parcel>) {
        self.served = self.served.saturating_add(1);
        let (worker, client, open) = (Rc::clone(self.worker), Rc::clone(&self.client), Streams::open(&self.streams));
        let seated = Seated::new(&worker, worker.registry.stand());
        let shelf = Shelf::new(&self.store);
        spawn_local(async move {
            serve_stream(&worker, seated, &client, request, responder, shelf).await;
            drop(open);
        });
    }
}

/// What happens on a connection.
#[expect(clippy::large_enum_variant, reason = "it is looked at where it is made, and never kept")]
enum Event {
    Request(Request<RecvStream>, SendResponse<Parcel>),
    /// The last stream has ended, or a head has begun or ended.
    Idle,
    /// The client is still there.
    Pong,
    /// The client has sent too much of what brings nothing.
    Flood(Fault),
    /// There will be nothing more.
    End(Option<h2::Error>),
}

async fn serve_stream(
    worker: &Worker,
    mut seated: Seated,
    client: &Client,
    request: Request<RecvStream>,
    responder: SendResponse<Parcel>,
    shelf: Rc<Shelf>,
) {
    let Some(seat) = seated.seat.take() else { return };
    let guard = Guard::new(seat);
    let answering = RefCell::new(Answering::Waiting(responder));
    let next = exchange::run(worker, &guard, &mut Downstream::new(client, request, &answering, shelf)).await;
    if next == Next::Reset {
        // A response that was begun and broke must not look complete.
        answering.borrow_mut().reset(Reason::INTERNAL_ERROR);
    }
}

/// The streams of one connection that are being served.
#[derive(Default)]
struct Streams {
    open: Cell<usize>,
    emptied: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

impl Streams {
    /// Counts a stream as long as the result lives.
    fn open(this: &Rc<Self>) -> Open {
        this.open.set(this.open.get() + 1);
        Open(Rc::clone(this))
    }

    /// Ready once whenever the last stream has ended.
    fn poll_emptied(&self, cx: &Context<'_>) -> Poll<()> {
        if self.emptied.take() {
            return Poll::Ready(());
        }
        self.waker.set(Some(cx.waker().clone()));
        Poll::Pending
    }
}

struct Open(Rc<Streams>);

impl Drop for Open {
    fn drop(&mut self) {
        let left = self.0.open.get().saturating_sub(1);
        self.0.open.set(left);
        if left == 0 {
            self.0.emptied.set(true);
            self.0.waker.take().into_iter().for_each(Waker::wake);
        }
    }
}
