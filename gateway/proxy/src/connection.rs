//! One downstream connection: its handshake, and the version that is spoken on it.

use std::net::IpAddr;
use std::rc::Rc;

use bulkhead_http1::Lines;
use bulkhead_model::Denial;
use bulkhead_model::client_auth::{Channel, RouteAuth, Verdict};
use bulkhead_model::proxy_protocol::Origin;

use crate::deadline::{Guard, Interrupt, Waiting};
use crate::exchange::{Next, forwarded};
use crate::fault::Fault;
use crate::handshake;
use crate::http1;
use crate::http2;
use crate::peer::Peer;
use crate::protocol::Protocol;
use crate::proxy_header;
use crate::registry::Seat;
use crate::stream::Stream;
use crate::worker::Worker;

/// Who is at the other end.
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    /// The port the client connected to.
    pub(crate) port: u16,
    /// Whether it speaks TLS.
    pub(crate) secure: bool,
    /// What it speaks there.
    pub(crate) protocol: Protocol,
    /// What backends are told of it unless it is trusted to speak for others.
    pub(crate) lines: Lines,
    /// Who it is, if it was asked for a certificate.
    pub(crate) peer: Option<Box<Peer>>,
}

impl Client {
    fn new(worker: &Worker, address: IpAddr, port: u16, secure: bool, peer: Option<Box<Peer>>) -> Self {
        let protocol = Protocol::Http1;
        let lines = forwarded::lines(worker.shared.pseudonym.via(protocol), address, port, secure, &[]);
        Self { address, port, secure, protocol, lines, peer }
    }

    /// The same, now that it is known to speak HTTP/2.
    fn over_http2(self, worker: &Worker) -> Self {
        let protocol = Protocol::Http2;
        let via = worker.shared.pseudonym.via(protocol);
        Self { protocol, lines: forwarded::lines(via, self.address, self.port, self.secure, &[]), ..self }
    }

    /// Whether it may have what a route for the canonical `host` gives to those with certificates.
    pub(crate) fn admit(&self, auth: &RouteAuth, host: &str) -> Result<(), Denial> {
        let channel = match &self.peer {
            Some(peer) => Channel::Asked { name: peer.name() },
            None if self.secure => Channel::Unasked,
            None => Channel::Clear,
        };
        let verdict = || self.peer.as_ref().map_or(Verdict::Missing, |peer| peer.verdict(&auth.policy));
        auth.policy.admit(host, channel, |_| verdict())
    }
}

/// Serves a connection to its end. It begins with a PROXY protocol header where the lane says so, and a `secure` one with a TLS handshake.
pub(crate) async fn serve(worker: &Rc<Worker>, seat: Seat, mut stream: Stream, mut address: IpAddr, secure: bool) {
    let guard = Guard::new(seat);
    let mut port = stream.port();
    match begin(worker, &guard, address, secure) {
        Ok((false, known)) => port = known.unwrap_or(port),
        // Boxed: what a header needs is needed once.
        Ok((true, known)) => match Box::pin(proxy_header::receive(&guard, &mut stream)).await {
            Ok(Origin::Client { from, to }) => (address, port) = (from.ip(), to.port()),
            Ok(Origin::Peer) => port = known.unwrap_or(port),
            Err(fault) => return fault.into_iter().for_each(|fault| worker.blame(fault, address, String::new)),
        },
        Err(fault) => return worker.blame(fault, address, String::new),
    }
    let (mut peer, mut protocol) = (None, Protocol::Http1);
    stream = match stream {
        // Boxed: what a handshake needs is needed once.
        Stream::Plain(plain) if secure => match Box::pin(handshake::perform(worker, &guard, plain)).await {
            Ok(secured) => {
                (peer, protocol) = (secured.peer, secured.protocol);
                Stream::Tls(secured.session)
            }
            Err(fault) => return fault.into_iter().for_each(|fault| worker.blame(fault, address, String::new)),
        },
        stream => stream,
    };
    let rest = match protocol {
        Protocol::Http2 => Some((Client::new(worker, address, port, secure, peer), None)),
        Protocol::Http1 => {
            let client = Client::new(worker, address, port, secure, peer);
            let mut down = http1::Downstream::new(stream.split(), client, worker.moment(guard.now()));
            let next = http1::serve(worker, &guard, &mut down).await;
            let rest = (next == Next::Http2).then(|| down.into_parts());
            if next == Next::Reset {
                // A response that was begun and broke must not look complete: the client gets a reset, not an end of stream.
                stream.reset();
            }
            rest
        }
    };
    if let Some((client, before)) = rest {
        // Boxed: it is large, and most connections are of HTTP/1.1.
        Box::pin(http2::serve(worker, &guard, stream, before, client.over_http2(worker))).await;
    }
}

/// Sets the deadline for what stands before the first request; says whether that begins with a PROXY protocol header, and by which port
/// clients know this listener, if by another than its own.
fn begin(worker: &Worker, guard: &Guard, address: IpAddr, secure: bool) -> Result<(bool, Option<u16>), Fault> {
    // A client that takes its time must not keep an old snapshot alive: it is let go of at once.
    let current = worker.current();
    let settings = current.as_ref().map_or(&worker.fallback, |pinned| &pinned.snapshot().settings);
    guard.wait_for(if secure { Waiting::Handshake } else { Waiting::Head }, settings);
    let port = settings.forwarded.ports.map(|ports| if secure { ports.https } else { ports.http });
    Ok((proxy_header::is_expected(settings, address)?, port))
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
                Waiting::Password => Fault::Denied(Denial::AuthenticationBusy),
                Waiting::Connect => Fault::ConnectTimeout,
                Waiting::Send => Fault::UpstreamStalled,
                Waiting::Response => Fault::UpstreamTimeout,
                Waiting::Pong => Fault::ClientGone,
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
