//! The HTTPS server of the webhook. Whoever reaches the port may send anything at any pace: connections, heads, contents, the time of each
//! and the memory of all are bounded, for everybody together and for each address, and a review that panics ends as a failed review.

use std::convert::Infallible;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tracing::{error, warn};

use content::{Room, received};
use patience::Patience;
use peers::{Guest, Peer, Peers};

use super::review::{Known, Malformed, Subject, answer};
use super::tally::Tally;

mod content;
mod patience;
mod peers;

/// Connections at once, of everybody. An API server keeps a few; a fleet of them in one cluster is three to seven.
const CONNECTIONS: usize = 4 * peers::CONNECTIONS;
/// For a handshake, as long as an API server waits for the whole review.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(2);
/// From the handshake to the head of the first review: an API server connects when it has something to ask.
const FIRST_TIMEOUT: Duration = Duration::from_secs(2);
/// For any other head, and for a connection on which nothing more is asked: longer than the 90 s after which API servers close it
/// themselves, for a review that is on its way to whoever closes first is lost.
const HEAD_TIMEOUT: Duration = Duration::from_secs(100);
/// For a review, from its head to its verdict: nobody waits longer for it.
pub const REVIEW_TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes of a review. An API server takes requests of 3 MiB, and stores half of that.
pub const REVIEW_BYTES: usize = 3 << 20;
/// Bytes of all contents that have arrived and are not judged yet.
const BYTES_AT_ONCE: usize = 8 * REVIEW_BYTES;
/// Verdicts made at once: each may take several times the memory of its review, and a processor for milliseconds.
const VERDICTS_AT_ONCE: usize = 2;
/// Bytes of a head: an API server sends less than one KiB.
const HEAD_BYTES: usize = 16 << 10;
/// Pause after a connection could not be accepted, for want of descriptors say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long reviews under way may take to end when the process leaves.
pub const LEAVE: Duration = Duration::from_secs(5);

/// How far a server is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It serves.
    Serving,
    /// It serves whoever comes, but asks everybody to come back elsewhere.
    Leaving,
    /// Nobody is let in any more.
    Closed,
}

/// What all connections share.
pub struct Server<K> {
    known: K,
    tally: Arc<Tally>,
    bytes: Arc<Semaphore>,
    verdicts: Arc<Semaphore>,
    peers: Peers,
}

impl<K: Known + Clone + Send + Sync + 'static> Server<K> {
    /// A server that judges by what is `known` and counts in `tally`.
    pub fn new(known: K, tally: Arc<Tally>) -> Self {
        let bytes = Arc::new(Semaphore::new(BYTES_AT_ONCE));
        let verdicts = Arc::new(Semaphore::new(VERDICTS_AT_ONCE));
        Self { known, tally, bytes, verdicts, peers: Peers::default() }
    }

    /// Serves until the stage is closed, then lets reviews under way come to their end.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, tls: ServerConfig, mut stage: watch::Receiver<Stage>) {
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let next = async { (Arc::clone(&places).acquire_owned().await, listener.accept().await) };
            let (place, accepted) = tokio::select! {
                next = next => next,
                _ = stage.wait_for(|stage| *stage == Stage::Closed) => break,
            };
            let (stream, address) = match accepted {
                Ok((stream, address)) => (stream, address.ip()),
                Err(error) => {
                    warn!("accepting a connection for reviews: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Some(guest) = self.peers.enter(address) else { continue };
            let (server, acceptor, stage) = (Arc::clone(&self), acceptor.clone(), stage.clone());
            tokio::spawn(async move {
                server.connection(stream, guest, acceptor, stage).await;
                drop(place);
            });
        }
        drop(listener);
        let all = u32::try_from(CONNECTIONS).unwrap_or(u32::MAX);
        let _ = timeout(LEAVE, places.acquire_many(all)).await;
    }

    /// One connection. A client that misbehaves or leaves is not our fault, and there is nobody to tell.
    async fn connection(
        &self,
        stream: TcpStream,
        guest: Guest,
        acceptor: TlsAcceptor,
        mut stage: watch::Receiver<Stage>,
    ) {
        let accepted = timeout(HANDSHAKE_TIMEOUT, acceptor.accept(Patience::with(stream))).await;
        let Ok(Ok(stream)) = accepted else { return };
        let (now, asked) = (stage.clone(), AtomicBool::new(false));
        let service = service_fn(async |request| {
            asked.store(true, Ordering::Relaxed);
            let mut response = self.answer(request, &guest.peer).await;
            // Who asks for something else is no API server, and need not be kept.
            if *now.borrow() != Stage::Serving || response.status().is_client_error() {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(response)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        tokio::select! {
            _ = &mut connection => return,
            () = nothing_asked(&asked) => return,
            _ = stage.wait_for(|stage| *stage == Stage::Closed) => connection.as_mut().graceful_shutdown(),
        }
        let _ = timeout(LEAVE, connection).await;
    }

    async fn answer(&self, request: Request<Incoming>, peer: &Arc<Peer>) -> Response<Full<Bytes>> {
        let Some(subject) = Subject::at(request.uri().path()) else {
            return plain(
                StatusCode::NOT_FOUND,
                "reviews are answered at /validate/gatewayinstances and /validate/ingresses",
            );
        };
        if request.method() != Method::POST {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "reviews are posted");
        }
        let begun = Instant::now();
        let reviewed = self.review(subject, request.into_body(), peer, begun + REVIEW_TIMEOUT).await;
        let (response, word) = match reviewed {
            Ok((answer, word)) => (json(answer), word),
            Err(failure) => (plain(failure.status(), &failure.to_string()), failure.word()),
        };
        self.tally.reviewed(subject, word, begun.elapsed());
        response
    }

    async fn review(
        &self,
        subject: Subject,
        content: Incoming,
        peer: &Arc<Peer>,
        until: Instant,
    ) -> Result<(Vec<u8>, &'static str), Failure> {
        let late = |_| Failure::Late;
        let room = Room::of([&peer.bytes, &self.bytes]).ok_or(Failure::Full)?;
        let (content, room) = received(content, room, until).await?;
        // First its own turn: who asks much waits for himself.
        let own = timeout_at(until, Arc::clone(&peer.verdicts).acquire_owned()).await.map_err(late)?;
        let turn = timeout_at(until, Arc::clone(&self.verdicts).acquire_owned()).await.map_err(late)?;
        let (known, peer) = (self.known.clone(), Arc::clone(peer));
        // On a thread that may be busy for a while. What it holds it gives back when it is done, whoever has stopped waiting.
        let verdict = tokio::task::spawn_blocking(move || {
            let _held = (room, own, turn, peer);
            answer(subject, &content, &known)
        });
        match timeout_at(until, verdict).await.map_err(late)? {
            Ok(answered) => answered.map_err(Failure::Malformed),
            Err(_) => {
                error!(subject = subject.plural(), "a review panicked; please report it with the log above");
                Err(Failure::Panicked)
            }
        }
    }
}

/// Comes to its end when nothing was asked in time on a new connection, and not at all otherwise.
async fn nothing_asked(asked: &AtomicBool) {
    sleep(FIRST_TIMEOUT).await;
    if asked.load(Ordering::Relaxed) {
        pending::<()>().await;
    }
}

/// A review without a verdict.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Malformed(Malformed),
    #[error("the review is larger than {REVIEW_BYTES} bytes")]
    TooLarge,
    #[error("the review did not arrive whole")]
    BrokenOff,
    #[error("too much is being reviewed already")]
    Full,
    #[error("no verdict within {} s", REVIEW_TIMEOUT.as_secs())]
    Late,
    #[error("the review failed by a mistake of the operator")]
    Panicked,
}

impl Failure {
    const fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) | Self::BrokenOff => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Full | Self::Late => StatusCode::SERVICE_UNAVAILABLE,
            Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    const fn word(&self) -> &'static str {
        match self {
            Self::Malformed(_) | Self::TooLarge | Self::BrokenOff => "malformed",
            Self::Full | Self::Late | Self::Panicked => "failed",
        }
    }
}

fn json(content: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(content)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn plain(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(format!("{text}\n"))));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

#[cfg(test)]
mod tests;
