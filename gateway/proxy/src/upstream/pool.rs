//! Idle upstream connections of one thread, last in, first out: the most recently used is the most likely to be alive, and
//! those not needed any longer grow old at the bottom.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_model::Endpoint;
use bulkhead_model::balance::Load;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::id_map::IdMap;

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
    idle: RefCell<Vec<Idle>>,
}

#[derive(Debug)]
struct Idle {
    stream: TcpStream,
    since: Instant,
}

impl Pool {
    /// The slot of `endpoint`.
    pub(crate) fn slot(&self, endpoint: &Arc<Endpoint>) -> Rc<Slot> {
        let mut slots = self.slots.borrow_mut();
        Rc::clone(slots.entry(endpoint.id).or_insert_with(|| {
            Rc::new(Slot { endpoint: Arc::clone(endpoint), load: Load::default(), idle: RefCell::new(Vec::new()) })
        }))
    }

    /// Closes connections that were not used for `keep`, those of retired endpoints, and those above the total bound.
    pub(crate) fn sweep(&self, now: Instant, keep: Duration) {
        let mut left = MOST_IDLE;
        self.slots.borrow_mut().retain(|_, slot| {
            let mut idle = slot.idle.borrow_mut();
            if slot.endpoint.is_retired() {
                idle.clear();
            }
            idle.retain(|one| now.duration_since(one.since) < keep);
            let excess = idle.len().saturating_sub(left);
            idle.drain(..excess);
            left -= idle.len();
            // Somebody holds the slot of a request in flight, and will put its connection back there.
            !idle.is_empty() || Rc::strong_count(slot) > 1
        });
    }
}

impl Slot {
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// What this thread has it do.
    pub(crate) const fn load(&self) -> &Load {
        &self.load
    }

    /// An idle connection that is still alive as far as the reactor knows: no system call unless it saw an event.
    pub(crate) fn take(&self) -> Option<TcpStream> {
        let mut idle = self.idle.borrow_mut();
        while let Some(Idle { stream, .. }) = idle.pop() {
            if matches!(stream.try_read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
                return Some(stream);
            }
        }
        None
    }

    /// Keeps a connection on which the last exchange ended cleanly. `most` is the bound for one endpoint.
    pub(crate) fn put(&self, stream: TcpStream, now: Instant, most: usize) {
        let mut idle = self.idle.borrow_mut();
        if !self.endpoint.is_retired() && idle.len() < most {
            idle.push(Idle { stream, since: now });
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (client, listener.accept().await.unwrap().0)
    }

    fn slot(pool: &Pool) -> Rc<Slot> {
        pool.slot(&Arc::new(Endpoint::new(7, "127.0.0.1:1".parse().unwrap())))
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
            slot.put(stream, Instant::now(), 8);
        }
        assert_eq!(slot.take().unwrap().local_addr().unwrap(), local);
        assert!(slot.take().is_none());
    }

    #[tokio::test]
    async fn a_sweep_closes_the_old_and_forgets_empty_endpoints() {
        let pool = Pool::default();
        let (one, _far) = pair().await;
        let now = Instant::now();
        slot(&pool).put(one, now, 8);
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
        in_flight.put(stream, now, 8);
        drop(in_flight);
        assert!(slot(&pool).take().is_some());
    }
}
