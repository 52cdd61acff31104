//! Listening sockets: one per address and thread, so that the kernel spreads connections and no thread shares a queue.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that may wait to be accepted. The kernel lowers it to `net.core.somaxconn`, which a lane may raise.
pub(crate) const BACKLOG: i32 = 4096;
/// Bytes of a response that the kernel takes before the client has been sent them; what is on its way to a distant client
/// does not count.
#[cfg(target_os = "linux")]
const UNSENT_BYTES: u32 = bulkhead_model::limits::UNSENT.number();

/// Why a proxy could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address could not be bound.
    #[error("listening on {address}: {source} (is another process on this port?)")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the kernel said.
        source: io::Error,
    },
    /// TLS could not be set up.
    #[error("setting up TLS")]
    Tls(#[source] rustls::Error),
    /// The thread that writes the access log could not be started.
    #[error("starting the thread that writes the access log")]
    Log(#[source] io::Error),
    /// A thread could not be started.
    #[error("starting data thread {thread}")]
    Thread {
        /// Its number.
        thread: usize,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The thread that writes about incidents could not be started.
    #[error("starting the thread that writes about incidents")]
    Incidents(#[source] io::Error),
}

/// Binds `count` sockets to `address`. With port 0, the first takes a free port and the others join it.
pub(crate) fn bind(address: SocketAddr, count: usize) -> Result<Vec<TcpListener>, StartError> {
    let failed = |source| StartError::Bind { address, source };
    let mut listeners: Vec<TcpListener> = Vec::with_capacity(count);
    let mut actual = address;
    // With SO_REUSEPORT a second *process* could join silently and take a part of the traffic: the first socket is bound
    // without it, which fails if anybody is there, and is closed before the others are made.
    if address.port() != 0 {
        drop(open(address, false).map_err(failed)?);
    }
    for _ in 0..count {
        let listener = open(actual, true).map_err(failed)?;
        actual = listener.local_addr().map_err(failed)?;
        listeners.push(listener);
    }
    Ok(listeners)
}

fn open(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    if address.is_ipv6() {
        // `[::]` serves IPv4 as well; a named IPv6 address serves only itself.
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    if shared {
        // Accepted sockets inherit these. Responses leave in as few writes as they can; waiting for more would only delay
        // them.
        socket.set_tcp_nodelay(true)?;
        #[cfg(target_os = "linux")]
        socket.set_tcp_notsent_lowat(UNSENT_BYTES)?;
        socket.listen(BACKLOG)?;
    }
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_refused_with_its_address() {
        let first = bind("127.0.0.1:0".parse().unwrap(), 2).unwrap();
        let address = first[0].local_addr().unwrap();
        assert_eq!(first[1].local_addr().unwrap(), address);
        let error = bind(address, 1).unwrap_err().to_string();
        assert!(error.contains(&address.to_string()), "{error}");
    }
}
