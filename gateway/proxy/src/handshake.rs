//! From a connection to a TLS session: the client's first message, the configuration it calls for, the rest of the
//! handshake. One deadline is over all of it.

use std::cell::RefCell;
use std::io;
use std::pin::pin;

use rustls::server::Acceptor;
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;

use crate::certificates::{Handshakes, Protocol};
use crate::deadline::{Guard, Waiting};
use crate::fault::Fault;
use crate::phase::Phase;
use crate::stream::Session;
use crate::worker::Worker;

/// Shakes hands with a client.
///
/// # Errors
/// What the client did wrong; `None` when the proxy leaves.
pub(crate) async fn perform(worker: &Worker, guard: &Guard, stream: TcpStream) -> Result<Box<Session>, Option<Fault>> {
    let current = worker.current();
    let settings = current.as_ref().map_or(&worker.fallback, |pinned| &pinned.snapshot().settings);
    guard.wait_for(Waiting::Handshake, settings);
    // A client that takes its time must not keep an old snapshot alive.
    drop(current);
    let Some(handshakes) = worker.handshakes() else { return Err(None) };
    let shaking = pin!(shake(handshakes, stream));
    match guard.run(Phase::Draining, shaking).await {
        Ok(outcome) => outcome.map_err(Some),
        Err(interrupt) => Err(interrupt.into()),
    }
}

/// What is to be spoken on a session.
pub(crate) fn protocol(session: &Session) -> Protocol {
    Protocol::agreed(session.borrow().get_ref().1.alpn_protocol())
}

async fn shake(handshakes: &Handshakes, stream: TcpStream) -> Result<Box<Session>, Fault> {
    let begun = LazyConfigAcceptor::new(Acceptor::default(), stream).await.map_err(|error| classify(&error))?;
    let answer = handshakes.answer(&begun.client_hello()).ok_or(Fault::TlsFailed)?;
    match begun.into_stream(answer.config).await {
        Ok(session) => {
            let session = Box::new(RefCell::new(session.into()));
            tracing::trace!(protocol = ?protocol(&session), "shook hands");
            Ok(session)
        }
        Err(_) if !answer.known => Err(Fault::TlsUnknownName),
        Err(error) => Err(classify(&error)),
    }
}

/// What went wrong, as far as it helps to tell it apart.
fn classify(error: &io::Error) -> Fault {
    use rustls::Error::{InvalidMessage, NoApplicationProtocol, PeerIncompatible};
    match error.get_ref().and_then(|source| source.downcast_ref::<rustls::Error>()) {
        Some(InvalidMessage(rustls::InvalidMessage::InvalidContentType)) => Fault::TlsPlaintext,
        Some(PeerIncompatible(_) | NoApplicationProtocol) => Fault::TlsIncompatible,
        Some(_) => Fault::TlsFailed,
        None => Fault::TlsAborted,
    }
}
