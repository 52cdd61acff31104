//! Copies of requests: sent when all of a request has left, by a task of their own that nobody waits for.

use std::cell::RefCell;
use std::collections::HashMap;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_http1::{Edits, Framing, RequestHead, write_request};
use bulkhead_model::{Errand, Filters, Host};
use tokio::task::spawn_local;
use tokio::time::timeout;

use super::Passage;
use crate::deadline::Guard;
use crate::downstream::Downstream;
use crate::exchange::errand::{Question, ask};
use crate::exchange::forwarded;
use crate::phase::Phase;
use crate::transfer::Patience;
use crate::worker::{Seated, Worker};

/// Most content of a copy: with all copies of a thread, 8 MiB.
const MOST_CONTENT: usize = 64 << 10;
/// Most copies of a thread, from the head of their request to their answer.
const MOST_COPIES: u32 = 128;
/// Most of them to one receiver: one that is slow leaves places to others.
const MOST_COPIES_EACH: u32 = 32;
/// Longest target or authority that is made of a request.
const MOST_BYTES: usize = 8 << 10;
/// How long a copy may take. Nobody waits for it, but it has its place.
const LONGEST: Duration = Duration::from_secs(10);

/// A request on its way, as somebody else is to see it.
#[derive(Debug)]
pub(crate) struct Twin {
    filters: Arc<Filters>,
    request: RequestHead,
    /// The line of the request, and all of its fields but the length of its content.
    head: Vec<u8>,
    content: Vec<u8>,
    /// Whether content is copied.
    takes_content: bool,
    /// There is more content than is copied.
    is_cut: bool,
    _place: Place,
}

/// The copies of a thread that are on their way.
#[derive(Debug, Default)]
pub(crate) struct Copies {
    count: u32,
    /// By backend. None has zero.
    each: HashMap<u64, u32>,
}

/// One of the copies that a thread may have.
#[derive(Debug)]
struct Place {
    copies: Rc<RefCell<Copies>>,
    backend: u64,
}

impl Place {
    fn take(copies: &Rc<RefCell<Copies>>, backend: u64) -> Option<Self> {
        let mut counts = copies.borrow_mut();
        let own = counts.each.get(&backend).copied().unwrap_or_default();
        (counts.count < MOST_COPIES && own < MOST_COPIES_EACH).then(|| {
            counts.count += 1;
            counts.each.insert(backend, own + 1);
            Self { copies: Rc::clone(copies), backend }
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.copies.borrow_mut();
        counts.count = counts.count.saturating_sub(1);
        if let Some(own) = counts.each.get_mut(&self.backend) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                counts.each.remove(&self.backend);
            }
        }
    }
}

impl Twin {
    /// Takes the first piece of the content, which may have been taken before: the request is being sent again.
    pub(crate) fn begin(&mut self, content: &[u8]) {
        self.content.clear();
        self.is_cut = false;
        self.add(content);
    }

    /// Takes a further piece.
    pub(crate) fn add(&mut self, content: &[u8]) {
        if !self.takes_content {
            return;
        }
        self.is_cut |= self.content.len() + content.len() > MOST_CONTENT;
        if !self.is_cut {
            self.content.extend_from_slice(content);
        }
    }

    /// Sends it, now that the request has been sent.
    pub(crate) fn send(mut self: Box<Self>, worker: &Worker) {
        if self.takes_content {
            // In front of the empty line.
            self.head.truncate(self.head.len().saturating_sub(b"\r\n".len()));
            self.head.extend_from_slice(format!("Content-Length: {}\r\n\r\n", self.content.len()).as_bytes());
        }
        let Some(worker) = worker.me.upgrade().filter(|_| !self.is_cut) else {
            return worker.tally().mirrors_dropped.add(1);
        };
        spawn_local(async move {
            let mut seated = Seated::new(&worker, worker.registry.stand());
            let (Some(seat), Some(current)) = (seated.seat.take(), worker.current()) else { return };
            let (guard, Some(mirror)) = (Guard::new(seat), &self.filters.mirror) else { return };
            let settings = self.filters.settings.as_deref().unwrap_or(&current.snapshot().settings);
            let Errand { backend, .. } = &mirror.to;
            let question = Question { backend, request: &self.request, head: &self.head, content: &self.content };
            let asked = pin!(ask(&worker, Patience { guard: &guard, settings }, &question, |_, _| ()));
            let ended = timeout(LONGEST, guard.run(Phase::Draining, asked)).await;
            if matches!(ended, Ok(Ok(Ok(())))) {
                worker.tally().mirrors_answered.add(1);
            } else {
                worker.tally().mirrors_failed.add(1);
                tracing::debug!(backend = %backend.name, "a copy of a request was not answered");
            }
        });
    }
}

impl<D: Downstream> Passage<'_, '_, '_, D> {
    /// Puts a copy of the request aside, to be sent when the request has been.
    pub(super) fn mirror(&mut self) {
        self.scratch.mirror = None;
        if self.filters.mirror.is_some() && !self.scratch.request.upgrade {
            self.scratch.mirror = self.copy();
            if self.scratch.mirror.is_none() {
                self.worker.tally().mirrors_dropped.add(1);
            }
        }
    }

    fn copy(&self) -> Option<Box<Twin>> {
        let (mirror, filters) = (self.filters.mirror.as_ref()?, self.scratch.filters.as_ref()?);
        let place = Place::take(&self.worker.copies, mirror.to.backend.id)?;
        let (came, bytes) = (&self.scratch.request, self.down.head());
        let takes_content = mirror.content && came.framing != Framing::None;
        let mut request = came.clone();
        (request.upgrade, request.trailers, request.expects_continue) = (false, false, false);
        let (mut target, mut authority) = (Vec::new(), Vec::new());
        self.with_request(|asks| {
            mirror.to.target.write(asks, MOST_BYTES, &mut target).ok()?;
            mirror.to.authority.write(asks, MOST_BYTES, &mut authority).ok()
        })?;
        // A client may have chosen it.
        Host::parse(&authority).ok()?;
        let (mut head, mut values) = (Vec::new(), Vec::new());
        let client = (self.down.client(), self.found.route.client_auth.as_ref());
        let policy = &self.found.settings.forwarded;
        let pseudonym = self.worker.shared.pseudonym.via(self.down.client().protocol);
        forwarded::with_edits(
            policy,
            pseudonym,
            client,
            (came, bytes),
            came.authority.of(bytes),
            &mut values,
            |edits| {
                // What the backend is not to see, such as a password, is not for others either.
                let over = Some(&self.scratch.to_backend);
                let edits = Edits { over, upgrade: false, trailers: false, ..*edits };
                // Chunks are for those who do not know the length; what is known is known only when the content is there.
                write_request(&mut head, bytes, &request, &[&target], &authority, Framing::None, &edits);
            },
        );
        let (filters, content, is_cut) = (Arc::clone(filters), Vec::new(), false);
        Some(Box::new(Twin { filters, request, head, content, takes_content, is_cut, _place: place }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_receiver_of_copies_leaves_places_to_others() {
        let copies = Rc::default();
        let take = |backend| -> Vec<Place> { std::iter::from_fn(|| Place::take(&copies, backend)).collect() };
        let of_one = take(1);
        assert_eq!(of_one.len(), 32);
        let others: Vec<_> = (2..5).map(take).collect();
        assert!(others.iter().all(|places| places.len() == 32));
        assert!(take(6).is_empty(), "all of a thread are taken");
        drop(of_one);
        assert_eq!(take(6).len(), 32);
        drop(others);
        assert!(copies.borrow().each.is_empty() && copies.borrow().count == 0);
    }
}
