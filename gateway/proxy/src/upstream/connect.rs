//! Opening a connection to an endpoint.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Slot;
use crate::fault::Fault;
use crate::stream::Stream;
use crate::tally::ThreadTally;

/// Opens a connection for one request at a time, under TLS where its backend is. `limit` bounds all of it.
///
/// # Errors
/// Nobody accepts the connection, or there is no TLS on it as the backend's settings want it.
pub(crate) async fn connect(slot: &Slot, limit: Duration, tally: &ThreadTally) -> Result<Stream, Fault> {
    let opened = async {
        let stream = reach(slot, tally).await?;
        match slot.tls() {
            None => Ok(Stream::Plain(stream)),
            // Boxed: what a handshake needs would otherwise lie in every exchange.
            Some(_) => Ok(Stream::over(Box::pin(secure(slot, stream, tally)).await?.into())),
        }
    };
    in_time(limit, opened).await
}

async fn in_time<T>(limit: Duration, opened: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    timeout(limit, opened).await.unwrap_or(Err(Fault::ConnectTimeout))
}

/// A connection in clear text.
pub(super) async fn reach(slot: &Slot, tally: &ThreadTally) -> Result<TcpStream, Fault> {
    let address = slot.endpoint().address;
    match tcp(address).await {
        Ok(stream) => {
            tally.upstream_connects.add(1);
            Ok(stream)
        }
        Err(error) => {
            tracing::debug!(%error, endpoint = %address, "connecting to an endpoint failed");
            Err(Fault::ConnectFailed)
        }
    }
}

/// TLS over it.
pub(super) async fn secure(
    slot: &Slot,
    stream: TcpStream,
    tally: &ThreadTally,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, Fault> {
    let tls = slot.tls().ok_or(Fault::UpstreamHandshake)?;
    let shaken = tls.connect(stream).await;
    match &shaken {
        Ok(_) => tally.upstream_handshakes.add(1),
        Err(_) => tally.upstream_handshake_failures.add(1),
    }
    shaken
}

async fn tcp(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    // Heads and content leave in one write each; waiting for more would only delay them.
    stream.set_nodelay(true)?;
    Ok(stream)
}
