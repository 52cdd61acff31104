//! One downstream connection: wait for a request, exchange it, and again.

use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;

use bulkhead_http1::{Decoded, Decoder, Framing, Lines};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::Instant;

use crate::buffer::Buffer;
use crate::deadline::{Guard, Interrupt, Waiting};
use crate::exchange::{self, Next, forwarded};
use crate::fault::Fault;
use crate::phase::Phase;
use crate::registry::Seat;
use crate::transfer::read_fresh;
use crate::worker::Worker;

/// After a response that a client may not have read yet while it still sends: how many of its bytes are thrown away, so
/// that the kernel does not answer them with a reset that destroys the response.
const LINGER_BYTES: usize = 1 << 20;
/// And for how long.
const LINGER: std::time::Duration = std::time::Duration::from_secs(2);

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
    pub(crate) client: Client,
    /// Requests begun.
    pub(crate) requests: u32,
    opened: Instant,
}

/// Who is at the other end.
pub(crate) struct Client {
    pub(crate) address: std::net::IpAddr,
    /// The port the client connected to.
    pub(crate) port: u16,
    /// What backends are told of it unless it is trusted to speak for others.
    pub(crate) lines: Lines,
}

/// Serves a connection to its end.
pub(crate) async fn serve(worker: &Rc<Worker>, seat: Seat, mut stream: TcpStream, peer: SocketAddr) {
    // Responses leave in as few writes as they can; waiting for more would only delay them.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let guard = Guard::new(seat);
    let address = peer.ip().to_canonical();
    let port = stream.local_addr().map_or(0, |local| local.port());
    let client = Client { address, port, lines: forwarded::lines(address, port) };
    let next = {
        let (read, write) = stream.split();
        let mut down = Downstream {
            read,
            write,
            buffer: None,
            content: Decoder::new(Framing::None),
            decoded: exchange::NOTHING,
            client,
            requests: 0,
            opened: guard.now(),
        };
        let next = serve_requests(worker, &guard, &mut down).await;
        if next == Next::Linger {
            linger(worker, &guard, &mut down).await;
        }
        next
    };
    if next == Next::Reset {
        // A response that was begun and broke must not look complete: the client gets a reset, not an end of stream.
        let _ = stream.set_zero_linger();
    }
}

/// Exchanges requests until the connection must end; says how.
async fn serve_requests(worker: &Rc<Worker>, guard: &Guard, down: &mut Downstream<'_>) -> Next {
    loop {
        if down.buffer.as_ref().is_none_or(Buffer::is_empty) && !wait_for_request(worker, guard, down).await {
            return Next::Close;
        }
        down.requests += 1;
        match exchange::run(worker, guard, down).await {
            Next::Request => {}
            end => return end,
        }
    }
}

/// Waits for the first bytes of a request, owning no buffer. `false` when there will be none.
async fn wait_for_request(worker: &Rc<Worker>, guard: &Guard, down: &mut Downstream<'_>) -> bool {
    down.buffer = None;
    let current = worker.current();
    let settings = current.as_ref().map_or(&worker.fallback, |pinned| &pinned.snapshot().settings);
    guard.wait_for(Waiting::Request, settings);
    // An idle connection must not keep an old snapshot alive.
    drop(current);
    let read = pin!(read_fresh(&mut down.read, || worker.buffers.head(), || ()));
    match guard.run(Phase::Draining, read).await {
        Ok(Ok(buffer)) => {
            down.buffer = buffer;
            down.buffer.is_some()
        }
        Ok(Err(_)) | Err(Interrupt::Elapsed(_) | Interrupt::Leaving) => false,
    }
}

impl Downstream<'_> {
    /// Whether this connection has had its share of requests or time.
    pub(crate) fn is_worn_out(&self, limits: &bulkhead_model::settings::Limits, now: Instant) -> bool {
        self.requests >= limits.keep_alive_requests || now.duration_since(self.opened) >= limits.keep_alive_age
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
