//! Reconciles that were asked for and not yet begun. Asking never waits: a watch that waited for reconciles, which wait for the first
//! lists of all watches, would keep the operator from ever starting.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use bulkhead_crds::instance::GatewayInstance;
use kube::runtime::reflector::{ObjectRef, Store};

type Reference = ObjectRef<GatewayInstance>;

/// A set: however many events concern an instance, it waits once. Only instances that exist are taken, so labels that somebody made up
/// cannot make it grow.
#[derive(Clone)]
pub struct Requests {
    known: Store<GatewayInstance>,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    /// Without duplicates.
    queue: Vec<Reference>,
    /// The same as in `queue`.
    queued: HashSet<Reference>,
    reader: Option<Waker>,
}

impl Requests {
    /// Takes requests for instances that are `known`.
    #[must_use]
    pub fn new(known: Store<GatewayInstance>) -> Self {
        Self { known, waiting: Arc::default() }
    }

    /// Asks for a reconcile of each of `instances` that exists.
    pub fn ask(&self, instances: impl IntoIterator<Item = Reference>) {
        let mut waiting = self.waiting();
        for instance in instances {
            if self.known.get(&instance).is_some() && waiting.queued.insert(instance.clone()) {
                waiting.queue.push(instance);
            }
        }
        if !waiting.queue.is_empty()
            && let Some(reader) = waiting.reader.take()
        {
            reader.wake();
        }
    }

    /// Asks for a reconcile of every instance that exists.
    pub fn ask_all(&self) {
        self.ask(self.known.state().iter().map(|instance| ObjectRef::from_obj(instance.as_ref())));
    }

    /// Takes all requests, in the order in which they came, as soon as there is one.
    pub async fn all(&self) -> Vec<Reference> {
        std::future::poll_fn(|task| {
            let mut waiting = self.waiting();
            if waiting.queue.is_empty() {
                waiting.reader = Some(task.waker().clone());
                return Poll::Pending;
            }
            waiting.queued.clear();
            Poll::Ready(std::mem::take(&mut waiting.queue))
        })
        .await
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
