//! From a connection to a TLS session: the client's first message, the configuration it calls for, the rest of the
//! handshake. One deadline is over all of it, and over what stands before it.

use std::cell::RefCell;
use std::io;
use std::pin::pin;

use rustls::server::Acceptor;
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;

use crate::certificates::Handshakes;
use crate::deadline::Guard;
use crate::fault::Fault;
use crate::incidents::Incident;
use crate::peer::Peer;
use crate::phase::Phase;
use crate::protocol::Protocol;
use crate::stream::Session;
use crate::worker::Worker;

/// A connection that has shaken hands.
pub(crate) struct Secured {
    pub(crate) session: Box<Session>,
    /// What is spoken on it.
    pub(crate) protocol: Protocol,
    /// Who is at the other end, if it was asked.
    pub(crate) peer: Option<Box<Peer>>,
}

/// Shakes hands with a client, as long as the guard lets it.
///
/// # Errors
/// What the client did wrong; `None` when the proxy leaves.
pub(crate) async fn perform(worker: &Worker, guard: &Guard, stream: TcpStream) -> Result<Secured, Option<Fault>> {
    let Some(handshakes) = worker.handshakes() else { return Err(None) };
    let shaking = pin!(shake(worker, handshakes, stream));
    match guard.run(Phase::Draining, shaking).await {
        Ok(outcome) => outcome.map_err(Some),
        Err(interrupt) => Err(interrupt.into()),
    }
}

async fn shake(worker: &Worker, handshakes: &Handshakes, stream: TcpStream) -> Result<Secured, Fault> {
    let begun = LazyConfigAcceptor::new(Acceptor::default(), stream).await.map_err(|error| classify(&error))?;
    let answer = handshakes.answer(&begun.client_hello()).map_err(|error| {
        worker.shared.incidents.note(Incident::HandshakeUnconfigured, None, || error.to_string());
        Fault::TlsFailed
    })?;
    match begun.into_stream(answer.config).await {
        Ok(session) => {
            let (_, connection) = session.get_ref();
            let protocol = Protocol::agreed(connection.alpn_protocol());
            let shown = connection.peer_certificates().unwrap_or_default();
            let peer = answer.asked_for.map(|name| Box::new(Peer::new(name, shown)));
            Ok(Secured { session: Box::new(RefCell::new(session.into())), protocol, peer })
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
