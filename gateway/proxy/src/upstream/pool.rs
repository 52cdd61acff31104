//! Idle upstream connections of one thread, last in, first out: the most recently used is the most likely to be alive, and
//! those not needed any longer grow old at the bottom.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_model::balance::Load;
use bulkhead_model::{Backend, Endpoint};
use tokio::time::Instant;

use super::connect::{reach, secure};
use super::http2::{Lease, Sessions};
use super::tls::Tls;
use crate::fault::Fault;
use crate::id_map::IdMap;
use crate::stream::Stream;
use crate::tally::ThreadTally;

/// Idle connections one thread keeps over all endpoints: a bound on descriptors, whatever the number of endpoints.
const MOST_IDLE: usize = 4096;

/// All endpoints this thread has talked to.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    slots: RefCell<IdMap<Rc<Slot>>>,
}

/// One endpoint, as one thread knows it.
#[derive(Debug)]
pub(crate) struct Slot {
    endpoint: Arc<Endpoint>,
    load: Load,
    /// `None`: clear text.
    tls: Option<Tls>,
    /// Connections that are used by one request at a time, and by none now.
    idle: RefCell<Vec<Idle>>,
    /// Connections that requests share.
    sessions: Sessions,
}

#[derive(Debug)]
struct Idle {
    stream: Stream,
    since: Instant,
}

impl Pool {
    /// The slot of `endpoint`, which is one of `backend`.
    pub(crate) fn slot(&self, backend: &Backend, endpoint: &Arc<Endpoint>) -> Rc<Slot> {
        let mut slots = self.slots.borrow_mut();
        Rc::clone(slots.entry(endpoint.id).or_insert_with(|| Rc::new(Slot::new(backend, Arc::clone(endpoint)))))
    }

    /// Closes connections that were not used for `keep`, those of retired endpoints, and those above the total bound.
    pub(crate) fn sweep(&self, now: Instant, keep: Duration) {
        let mut left = MOST_IDLE;
        self.slots.borrow_mut().retain(|_, slot| {
            let mut idle = slot.idle.borrow_mut();
            if slot.endpoint.is_retired() {
                idle.clear();
                slot.sessions.clear();
            }
            idle.retain(|one| now.duration_since(one.since) < keep);
            let excess = idle.len().saturating_sub(left);
            idle.drain(..excess);
            left -= idle.len();
            left = left.saturating_sub(slot.sessions.sweep(now, keep, left));
            // Somebody holds the slot of a request in flight, and will put its connection back there.
            !idle.is_empty() || !slot.sessions.is_empty() || Rc::strong_count(slot) > 1
        });
    }
}

impl Slot {
    fn new(backend: &Backend, endpoint: Arc<Endpoint>) -> Self {
        let tls = backend.tls.as_ref().map(|tls| Tls::new(Arc::clone(tls), backend.protocol));
        Self { endpoint, load: Load::default(), tls, idle: RefCell::new(Vec::new()), sessions: Sessions::default() }
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// What this thread has it do.
    pub(crate) const fn load(&self) -> &Load {
        &self.load
    }

    pub(super) fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// An idle connection that is still alive as far as the reactor knows.
    pub(crate) fn take(&self) -> Option<Stream> {
        let mut idle = self.idle.borrow_mut();
        while let Some(Idle { mut stream, .. }) = idle.pop() {
            if stream.is_quiet() {
                return Some(stream);
            }
        }
        None
    }

    /// A place on an HTTP/2 connection, opened if there is none. `limit` bounds all of it.
    ///
    /// # Errors
    /// Nobody accepts the connection, or there is no TLS on it as the backend's settings want it.
    pub(crate) async fn lease(&self, limit: Duration, tally: &ThreadTally) -> Result<Lease, Fault> {
        let until = Instant::now() + limit;
        let lease = match &self.tls {
            None => self.sessions.open(until, || reach(self, tally)).await,
            Some(_) => {
                self.sessions.open(until, || async { secure(self, reach(self, tally).await?, tally).await }).await
            }
        };
        if lease.as_ref().is_ok_and(|lease| lease.reused) {
            tally.upstream_reuses.add(1);
        }
        lease
    }

    /// Keeps a connection on which the last exchange ended cleanly. `most` is the bound for one endpoint.
    pub(crate) fn put(&self, stream: Stream, now: Instant, most: usize) {
        let mut idle = self.idle.borrow_mut();
        if !self.endpoint.is_retired() && idle.len() < most {
            idle.push(Idle { stream, since: now });
        }
    }
}

#[cfg(test)]
mod tests {
    use bulkhead_model::backend::Protocol;
    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (client, listener.accept().await.unwrap().0)
    }

    fn slot(pool: &Pool) -> Rc<Slot> {
        let backend = Backend::new(1, "shop/web:80".into(), Protocol::Http1, Arc::default());
        pool.slot(&backend, &Arc::new(Endpoint::new(7, "127.0.0.1:1".parse().unwrap())))
    }

    #[tokio::test]
    async fn a_connection_that_the_backend_closed_or_spoke_on_is_not_used_again() {
        let pool = Pool::default();
        let slot = slot(&pool);
        let (closed, far) = pair().await;
        let (spoken, mut talker) = pair().await;
        let (alive, _keep) = pair().await;
        drop(far);
        talker.write_all(b"x").await.unwrap();
        closed.readable().await.unwrap();
        spoken.readable().await.unwrap();
        let local = alive.local_addr().unwrap();
        for stream in [alive, closed, spoken] {
            slot.put(Stream::Plain(stream), Instant::now(), 8);
        }
        assert_eq!(slot.take().unwrap().port(), local.port());
        assert!(slot.take().is_none());
    }

    #[tokio::test]
    async fn a_sweep_closes_the_old_and_forgets_empty_endpoints() {
        let pool = Pool::default();
        let (one, _far) = pair().await;
        let now = Instant::now();
        slot(&pool).put(Stream::Plain(one), now, 8);
        pool.sweep(now + Duration::from_secs(5), Duration::from_secs(10));
        assert_eq!(pool.slots.borrow().len(), 1);
        pool.sweep(now + Duration::from_secs(10), Duration::from_secs(10));
        assert!(pool.slots.borrow().is_empty());
    }

    #[tokio::test]
    async fn a_sweep_during_a_request_does_not_lose_its_connection() {
        let pool = Pool::default();
        let (stream, _far) = pair().await;
        let now = Instant::now();
        let in_flight = slot(&pool);
        pool.sweep(now, Duration::from_secs(10));
        in_flight.put(Stream::Plain(stream), now, 8);
        drop(in_flight);
        assert!(slot(&pool).take().is_some());
    }
}
