//! Opening a connection to an endpoint.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpStream;

/// Connects to `address`.
pub(crate) async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    // Heads and content leave in one write each; waiting for more would only delay them.
    stream.set_nodelay(true)?;
    Ok(stream)
}
