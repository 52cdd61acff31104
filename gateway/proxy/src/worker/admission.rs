//! Who is let in: connections are accepted while there is room, and counted as long as they last.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bulkhead_model::overload::Level;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::spawn_local;

use super::{Course, Worker};
use crate::connection;
use crate::incidents::Incident;
use crate::listen::BACKLOG;
use crate::phase::Phase;
use crate::registry::Seat;
use crate::stream::Stream;

/// Pause after a failed accept: it fails when descriptors or memory are short, and retrying at once would only spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Admits who comes until the gateway leaves.
pub(super) async fn accept_until_draining(
    worker: &Rc<Worker>,
    listener: TcpListener,
    secure: bool,
    mut course: Course,
) {
    loop {
        let accepted = tokio::select! {
            biased;
            _ = course.phases.wait_for(|phase| *phase >= Phase::Draining) => break,
            accepted = accept_unless_overloaded(&listener, &mut course.levels) => accepted,
        };
        match accepted {
            Ok((stream, peer)) => admit(worker, stream, peer, secure),
            Err(error) => {
                worker.shared.incidents.note(Incident::AcceptFailed, None, || error.to_string());
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    // What the kernel has queued is served, not reset; bounded, or whoever keeps connecting would keep the door open.
    for _ in 0..BACKLOG {
        match poll_fn(|cx| Poll::Ready(listener.poll_accept(cx))).await {
            Poll::Ready(Ok((stream, peer))) => admit(worker, stream, peer, secure),
            Poll::Ready(Err(_)) | Poll::Pending => return,
        }
    }
}

/// The next connection, once the process may have more. Until then the kernel keeps those who come, as long as it has room.
async fn accept_unless_overloaded(
    listener: &TcpListener,
    levels: &mut watch::Receiver<Level>,
) -> io::Result<(TcpStream, SocketAddr)> {
    // The sender is gone only when the proxy is, and this thread ends with it.
    while levels.wait_for(|level| *level < Level::StopAccepting).await.is_ok() {
        tokio::select! {
            biased;
            Ok(_) = levels.wait_for(|level| *level >= Level::StopAccepting) => {}
            accepted = listener.accept() => return accepted,
        }
    }
    listener.accept().await
}

fn admit(worker: &Rc<Worker>, stream: TcpStream, peer: SocketAddr, secure: bool) {
    let tally = worker.tally();
    tally.accepted.add(1);
    let current = worker.current();
    let settings = current.as_ref().map_or(&worker.fallback, |pinned| &pinned.snapshot().settings);
    // The bound is the process's, divided evenly: threads do not look at each other's counts.
    if worker.registry.open() >= worker.shared.room.connections(&settings.limits).div_ceil(worker.shared.threads()) {
        tally.over_limit.add(1);
        return;
    }
    let address = peer.ip().to_canonical();
    let seat = Seated::new(worker, worker.registry.seat());
    worker.note_open();
    spawn_local(async move {
        let mut seated = seat;
        if let Some(seat) = seated.seat.take() {
            connection::serve(&seated.worker, seat, Stream::Plain(stream), address, secure).await;
        }
    });
}

/// Keeps the books when a connection, or a stream of one, ends, in peace or by a panic.
pub(crate) struct Seated {
    worker: Rc<Worker>,
    pub(crate) seat: Option<Seat>,
}

impl Seated {
    pub(crate) fn new(worker: &Rc<Worker>, seat: Seat) -> Self {
        Self { worker: Rc::clone(worker), seat: Some(seat) }
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.worker.tally().panics.add(1);
        }
        self.worker.note_open();
    }
}
