//! A connection to a client or to a backend, in clear text or under TLS, and its two halves.
//!
//! One branch per read and write tells the two apart. Both halves are used by the one task that a connection is, so the
//! halves of a TLS session can share it without a lock.

use std::cell::RefCell;
use std::io::{self, IoSlice, Read};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use rustls::{ConnectionCommon, SideData};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, tcp};
use tokio_rustls::TlsStream;

/// A TLS session over TCP.
pub(crate) type Session = RefCell<TlsStream<TcpStream>>;

/// A connection.
#[derive(Debug)]
pub(crate) enum Stream {
    /// Clear text.
    Plain(TcpStream),
    /// TLS. Boxed: most of a session would otherwise lie in every plain connection.
    Tls(Box<Session>),
}

impl Stream {
    /// The connection that a session is.
    pub(crate) fn over(session: TlsStream<TcpStream>) -> Self {
        Self::Tls(Box::new(RefCell::new(session)))
    }

    pub(crate) fn split(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        match self {
            Self::Plain(stream) => {
                let (read, write) = stream.split();
                (ReadHalf::Plain(read), WriteHalf::Plain(write))
            }
            Self::Tls(session) => (ReadHalf::Tls(session), WriteHalf::Tls(session)),
        }
    }

    /// Whether the peer has neither said anything nor gone, as far as the reactor knows: no system call unless it saw an event.
    /// Under TLS there is more to read than answers, such as tickets; those are taken.
    pub(crate) fn is_quiet(&mut self) -> bool {
        match self {
            Self::Plain(stream) => {
                matches!(stream.try_read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
            }
            Self::Tls(session) => match session.get_mut() {
                TlsStream::Client(session) => {
                    let (stream, connection) = session.get_mut();
                    is_quiet(stream, connection)
                }
                TlsStream::Server(session) => {
                    let (stream, connection) = session.get_mut();
                    is_quiet(stream, connection)
                }
            },
        }
    }

    /// The port the client connected to; 0 if it is gone already.
    pub(crate) fn port(&mut self) -> u16 {
        self.socket().local_addr().map_or(0, |local| local.port())
    }

    fn socket(&mut self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(session) => session.get_mut().get_ref().0,
        }
    }

    /// Has the kernel reset the connection when it is dropped.
    pub(crate) fn reset(&mut self) {
        // A connection that cannot be told so is broken already.
        let _ = self.socket().set_zero_linger();
    }
}

/// What comes from the peer.
pub(crate) enum ReadHalf<'s> {
    Plain(tcp::ReadHalf<'s>),
    Tls(&'s Session),
}

/// What goes to the peer.
pub(crate) enum WriteHalf<'s> {
    Plain(tcp::WriteHalf<'s>),
    Tls(&'s Session),
}

/// What can be known of a peer that is not read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// It has closed its side, or is gone.
    Gone,
    /// It has sent more than was asked for: an end behind that cannot be seen.
    Blind,
}

/// A stream that can say, without reading, that nothing has come.
pub(crate) trait Readiness {
    /// Pending only if a read would have to wait; then the task is woken when it is worth a try.
    fn poll_readiness(&self, cx: &mut Context<'_>) -> Poll<()>;
}

impl Readiness for tcp::ReadHalf<'_> {
    #[inline]
    fn poll_readiness(&self, cx: &mut Context<'_>) -> Poll<()> {
        // An error is for the read to find.
        self.as_ref().poll_read_ready(cx).map(|_| ())
    }
}

impl Readiness for ReadHalf<'_> {
    #[inline]
    fn poll_readiness(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Plain(read) => read.poll_readiness(cx),
            // What has come may lie in the session already.
            Self::Tls(_) => Poll::Ready(()),
        }
    }
}

impl ReadHalf<'_> {
    /// Whether the client has sent what nobody has read. One system call, and none at all unless the reactor saw bytes come.
    /// For a connection in clear text that is at its end: it takes a byte. Of a session nothing is known.
    pub(crate) fn has_unread(&self) -> bool {
        matches!(self, Self::Plain(read) if matches!(read.as_ref().try_read(&mut [0]), Ok(1..)))
    }

    /// Waits for the end of a client that has sent more than was asked for, and that [`Self::poll_sight`] is blind to. Of a session
    /// nothing is known then: nobody but its reader may hold on to it.
    pub(crate) async fn hung_up(&self) {
        let Self::Plain(read) = self else { return std::future::pending().await };
        // Not readability, which would be said of what has come; of the end both speak.
        while let Ok(state) = read.as_ref().ready(Interest::PRIORITY).await {
            if state.is_read_closed() {
                return;
            }
        }
    }

    /// Waits for something to be known of the client, without taking anything that belongs to a request.
    pub(crate) fn poll_sight(&self, cx: &mut Context<'_>) -> Poll<Sight> {
        match self {
            Self::Plain(read) => poll_plain(read.as_ref(), cx),
            Self::Tls(session) => poll_session(&mut session.borrow_mut(), cx),
        }
    }
}

fn poll_plain(stream: &TcpStream, cx: &mut Context<'_>) -> Poll<Sight> {
    if ready!(stream.poll_read_ready(cx)).is_err() {
        return Poll::Ready(Sight::Gone);
    }
    // Ready at once, since the reactor has just said so; tells why.
    match pin!(stream.ready(Interest::READABLE)).poll(cx) {
        Poll::Ready(Ok(state)) if !state.is_read_closed() => Poll::Ready(Sight::Blind),
        Poll::Ready(_) => Poll::Ready(Sight::Gone),
        Poll::Pending => Poll::Pending,
    }
}

/// Under TLS there is more to read than requests: above all the client's word that it has ended.
fn poll_session(session: &mut TlsStream<TcpStream>, cx: &mut Context<'_>) -> Poll<Sight> {
    match session {
        TlsStream::Client(session) => {
            let (stream, connection) = session.get_mut();
            poll_connection(stream, connection, cx)
        }
        TlsStream::Server(session) => {
            let (stream, connection) = session.get_mut();
            poll_connection(stream, connection, cx)
        }
    }
}

/// Takes what is there of an idle session, which must not be an answer to anything.
fn is_quiet<D: SideData>(stream: &TcpStream, connection: &mut ConnectionCommon<D>) -> bool {
    loop {
        match connection.read_tls(&mut TryRead(stream)) {
            Ok(0) => return false,
            Ok(_) => match connection.process_new_packets() {
                Ok(state) if !state.peer_has_closed() && state.plaintext_bytes_to_read() == 0 => {}
                Ok(_) | Err(_) => return false,
            },
            Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
        }
    }
}

fn poll_connection<D: SideData>(
    stream: &TcpStream,
    connection: &mut ConnectionCommon<D>,
    cx: &mut Context<'_>,
) -> Poll<Sight> {
    while connection.wants_read() {
        if ready!(stream.poll_read_ready(cx)).is_err() {
            return Poll::Ready(Sight::Gone);
        }
        match connection.read_tls(&mut TryRead(stream)) {
            Ok(0) => return Poll::Ready(Sight::Gone),
            Ok(_) => match connection.process_new_packets() {
                Ok(state) if !state.peer_has_closed() => {}
                Ok(_) | Err(_) => return Poll::Ready(Sight::Gone),
            },
            // The reactor was mistaken, and has been told so.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return Poll::Ready(Sight::Gone),
        }
    }
    Poll::Ready(Sight::Blind)
}

/// Reads what is there, as rustls wants to read.
struct TryRead<'s>(&'s TcpStream);

impl Read for TryRead<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl AsyncRead for ReadHalf<'_> {
    #[inline]
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(read) => Pin::new(read).poll_read(cx, buffer),
            Self::Tls(session) => Pin::new(&mut *session.borrow_mut()).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for WriteHalf<'_> {
    #[inline]
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(write) => Pin::new(write).poll_write(cx, bytes),
            Self::Tls(session) => Pin::new(&mut *session.borrow_mut()).poll_write(cx, bytes),
        }
    }

    #[inline]
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(write) => Pin::new(write).poll_write_vectored(cx, slices),
            Self::Tls(session) => Pin::new(&mut *session.borrow_mut()).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            // A socket holds nothing back.
            Self::Plain(_) => Poll::Ready(Ok(())),
            Self::Tls(session) => Pin::new(&mut *session.borrow_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(write) => Pin::new(write).poll_shutdown(cx),
            Self::Tls(session) => Pin::new(&mut *session.borrow_mut()).poll_shutdown(cx),
        }
    }
}
