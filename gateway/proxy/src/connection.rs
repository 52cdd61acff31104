//! One downstream connection: wait for a request, exchange it, and again.

use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use bulkhead_http1::{Decoded, Decoder, Framing, Lines};
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use crate::buffer::Buffer;
use crate::deadline::{Guard, Interrupt, Waiting};
use crate::exchange::{self, Next, Sent, forwarded};
use crate::fault::Fault;
use crate::handshake;
use crate::phase::Phase;
use crate::registry::Seat;
use crate::stream::{ReadHalf, Stream, WriteHalf};
use crate::transfer::read_fresh;
use crate::worker::Worker;

/// After a response that a client may not have read yet while it still sends: how many of its bytes are thrown away, so
/// that the kernel does not answer them with a reset that destroys the response.
const LINGER_BYTES: usize = 1 << 20;
/// And for how long.
const LINGER: Duration = Duration::from_secs(2);
/// A connection is busy while no pause between its requests is longer: long against the pauses between the requests of
/// one page, short against the time for which clients keep idle connections.
const QUIET: Duration = Duration::from_secs(5);

/// The client's side of a connection, as it is between and during requests.
pub(crate) struct Downstream<'s> {
    pub(crate) read: ReadHalf<'s>,
    pub(crate) write: WriteHalf<'s>,
    /// Bytes read and not yet consumed; none while idle.
    pub(crate) buffer: Option<Buffer>,
    /// What is left of the current request's content. Ended while idle.
    pub(crate) content: Decoder,
    /// How much of the buffer the decoder has passed already, while it may still be needed for another try.
    pub(crate) decoded: Decoded,
    /// How much of the current request's content has gone to a backend.
    pub(crate) sent: Sent,
    pub(crate) client: Client,
    /// Requests begun.
    pub(crate) requests: u32,
    opened: Instant,
}

/// Who is at the other end.
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    /// The port the client connected to.
    pub(crate) port: u16,
    /// Whether it speaks TLS.
    pub(crate) secure: bool,
    /// What backends are told of it unless it is trusted to speak for others.
    pub(crate) lines: Lines,
}

/// Serves a connection to its end; a `secure` one begins with a TLS handshake.
pub(crate) async fn serve(worker: &Rc<Worker>, seat: Seat, mut stream: Stream, address: IpAddr, secure: bool) {
    let guard = Guard::new(seat);
    let port = stream.port();
    stream = match stream {
        // Boxed: what a handshake needs is needed once.
        Stream::Plain(plain) if secure => match Box::pin(handshake::perform(worker, &guard, plain)).await {
            Ok(session) => Stream::Tls(session),
            Err(fault) => return fault.into_iter().for_each(|fault| worker.tally().fault(fault)),
        },
        stream => stream,
    };
    let client =
        Client { address, port, secure, lines: forwarded::lines(&worker.shared.pseudonym, address, port, secure) };
    let next = {
        let (read, write) = stream.split();
        let mut down = Downstream {
            read,
            write,
            buffer: None,
            content: Decoder::new(Framing::None),
            decoded: exchange::NOTHING,
            sent: Sent::InHand,
            client,
            requests: 0,
            opened: guard.now(),
        };
        let next = serve_requests(worker, &guard, &mut down).await;
        if next == Next::Linger || (next == Next::Close && down.must_linger()) {
            linger(worker, &guard, &mut down).await;
        }
        next
    };
    if next == Next::Reset {
        // A response that was begun and broke must not look complete: the client gets a reset, not an end of stream.
        stream.reset();
    }
}

/// Exchanges requests until the connection must end; says how.
async fn serve_requests(worker: &Rc<Worker>, guard: &Guard, down: &mut Downstream<'_>) -> Next {
    let (mut quiet, mut before) = (Duration::ZERO, None);
    loop {
        match wait_for_request(worker, guard, down, |idle| idle.saturating_sub(quiet)).await {
            Arrival::Bytes => {}
            Arrival::Nothing | Arrival::End => return Next::Close,
        }
        let is_busy = before.is_some_and(|before| guard.now().duration_since(before) < QUIET);
        quiet = if is_busy { QUIET } else { Duration::ZERO };
        // Boxed, so that what a request in flight consists of does not lie in every idle connection; kept while requests
        // follow one another, so that a busy connection allocates nothing.
        match Box::pin(serve_while_busy(worker, guard, down, quiet)).await {
            Next::Request => before = Some(guard.now()),
            end => return end,
        }
    }
}

/// Exchanges requests as long as they follow one another; [`Next::Request`] when none has come for `quiet`.
async fn serve_while_busy(worker: &Rc<Worker>, guard: &Guard, down: &mut Downstream<'_>, quiet: Duration) -> Next {
    loop {
        down.requests += 1;
        match exchange::run(worker, guard, down).await {
            Next::Request => {}
            end => return end,
        }
        if down.buffer.as_ref().is_some_and(|buffer| !buffer.is_empty()) {
            continue;
        }
        if quiet.is_zero() {
            return Next::Request;
        }
        match wait_for_request(worker, guard, down, |idle| idle.min(quiet)).await {
            Arrival::Bytes => {}
            Arrival::Nothing => return Next::Request,
            Arrival::End => return Next::Close,
        }
    }
}

/// What a wait for a request brought.
enum Arrival {
    /// The first bytes of one.
    Bytes,
    /// None in time.
    Nothing,
    /// There will be none.
    End,
}

/// Waits for the first bytes of a request, owning no buffer; as long as `limit` makes of the lane's limit on idleness.
async fn wait_for_request(
    worker: &Rc<Worker>,
    guard: &Guard,
    down: &mut Downstream<'_>,
    limit: impl Fn(Duration) -> Duration,
) -> Arrival {
    down.buffer = None;
    let current = worker.current();
    let settings = current.as_ref().map_or(&worker.fallback, |pinned| &pinned.snapshot().settings);
    guard.wait(Waiting::Request, limit(settings.limits.keep_alive_idle));
    // An idle connection must not keep an old snapshot alive.
    drop(current);
    let read = pin!(read_fresh(&mut down.read, || worker.buffers.head(), || ()));
    match guard.run(Phase::Draining, read).await {
        Ok(Ok(Some(buffer))) => {
            down.buffer = Some(buffer);
            Arrival::Bytes
        }
        Err(Interrupt::Elapsed(_)) => Arrival::Nothing,
        Ok(Ok(None) | Err(_)) | Err(Interrupt::Leaving) => Arrival::End,
    }
}

impl Downstream<'_> {
    /// Whether this connection has had its share of requests or time.
    pub(crate) fn is_worn_out(&self, limits: &bulkhead_model::settings::Limits, now: Instant) -> bool {
        self.requests >= limits.keep_alive_requests
            || self.opened.checked_add(limits.keep_alive_age).is_some_and(|end| end <= now)
    }
}

impl Downstream<'_> {
    /// Whether to take what the client still sends before the connection is closed. Bytes that nobody reads make the kernel
    /// answer with a reset; and a TLS session has its end said first (RFC 8446 §6.1).
    fn must_linger(&self) -> bool {
        let held = self.buffer.as_ref().is_some_and(|buffer| !buffer.is_empty());
        held || self.client.secure || self.read.has_unread()
    }
}

/// Ends our side and takes what the client still sends, within bounds.
async fn linger(worker: &Worker, guard: &Guard, down: &mut Downstream<'_>) {
    guard.wait(Waiting::Content, LINGER);
    down.buffer = None;
    let ending = pin!(async {
        down.write.shutdown().await?;
        let mut left = LINGER_BYTES;
        while left > 0 {
            match read_fresh(&mut down.read, || worker.buffers.head(), || ()).await? {
                Some(buffer) => left = left.saturating_sub(buffer.filled().len()),
                None => break,
            }
        }
        std::io::Result::Ok(())
    });
    // However it ends, the connection is closed next.
    let _ = guard.run(Phase::Cut, ending).await;
}

impl From<Interrupt> for Option<Fault> {
    /// `None`: the proxy leaves, which is nobody's fault.
    fn from(interrupt: Interrupt) -> Self {
        match interrupt {
            Interrupt::Leaving => None,
            Interrupt::Elapsed(waiting) => Some(match waiting {
                Waiting::Handshake => Fault::TlsTimeout,
                Waiting::Request | Waiting::Head => Fault::HeadTimeout,
                Waiting::Content => Fault::ContentTimeout,
                Waiting::Client => Fault::ResponseStalled,
                Waiting::Connect => Fault::ConnectTimeout,
                Waiting::Send => Fault::UpstreamStalled,
                Waiting::Response => Fault::UpstreamTimeout,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    fn size_of_future<A, F>(_: impl FnOnce(A) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn an_idle_connection_holds_little() {
        let size =
            size_of_future(|(worker, seat, stream, address): (Rc<Worker>, Seat, TcpStream, IpAddr)| async move {
                serve(&worker, seat, Stream::Plain(stream), address, true).await;
            });
        assert!(size <= 832, "{size} bytes");
    }
}
