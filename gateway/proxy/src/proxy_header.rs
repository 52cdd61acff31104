//! The PROXY protocol header in front of a connection: before TLS, before HTTP, and under the deadline of the one that comes next.
//!
//! Bytes are looked at before they are taken, so that nothing behind the header is: what follows reads from the same socket.

use std::net::IpAddr;
use std::pin::pin;

use bulkhead_model::Settings;
use bulkhead_model::proxy_protocol::{Decoder, Origin};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::deadline::{Guard, Interrupt};
use crate::fault::Fault;
use crate::phase::Phase;
use crate::stream::Stream;

/// Bytes looked at at once: more than headers have, but for those with certificates in them.
const LOOK: usize = 256;

/// Whether a connection from `peer` begins with a header.
///
/// # Errors
/// When it should, and the peer is nobody whose word counts.
pub(crate) fn is_expected(settings: &Settings, peer: IpAddr) -> Result<bool, Fault> {
    let forwarded = &settings.forwarded;
    if forwarded.proxy_protocol && !forwarded.trusted.iter().any(|network| network.contains(peer)) {
        return Err(Fault::ProxyUntrusted);
    }
    Ok(forwarded.proxy_protocol)
}

/// Takes the header, as long as the guard lets it.
///
/// # Errors
/// What is wrong with it; `None` when the proxy leaves, or when the peer connected and said nothing, as health checks do.
pub(crate) async fn receive(guard: &Guard, stream: &mut Stream) -> Result<Origin, Option<Fault>> {
    // A session has begun already: a header comes first, or not at all.
    let Stream::Plain(stream) = stream else { return Err(Some(Fault::ProxyMalformed)) };
    let reading = pin!(read(stream));
    match guard.run(Phase::Draining, reading).await {
        Ok(outcome) => outcome,
        Err(Interrupt::Elapsed(_)) => Err(Some(Fault::ProxyTimeout)),
        Err(Interrupt::Leaving) => Err(None),
    }
}

async fn read(stream: &mut TcpStream) -> Result<Origin, Option<Fault>> {
    let (mut decoder, mut bytes) = (Decoder::default(), [0; LOOK]);
    loop {
        let seen = match stream.peek(&mut bytes).await {
            Ok(seen) if seen > 0 => bytes.get_mut(..seen).unwrap_or_default(),
            Ok(_) | Err(_) => return Err((!decoder.is_fresh()).then_some(Fault::ProxyAborted)),
        };
        let progress = decoder.push(seen).map_err(|_| Some(Fault::ProxyMalformed))?;
        let taken = seen.get_mut(..progress.taken).unwrap_or_default();
        // They are there: this waits for nothing.
        stream.read_exact(taken).await.map_err(|_| Some(Fault::ProxyAborted))?;
        if let Some(origin) = progress.origin {
            return Ok(origin);
        }
    }
}
