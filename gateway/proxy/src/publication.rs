//! Where the control thread and the data threads meet.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use bulkhead_model::Snapshot;
use bulkhead_model::tracing::Tracing;
use tokio::sync::watch;

/// The snapshot that is served, and those that were: old ones are freed by the control thread, never by a data thread.
#[derive(Debug)]
pub struct Publication {
    current: ArcSwapOption<Snapshot>,
    number: AtomicU64,
    published: watch::Sender<u64>,
    returned: Mutex<Vec<Arc<Snapshot>>>,
}

impl Publication {
    /// Nothing is published yet: requests are answered 503.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            current: ArcSwapOption::empty(),
            number: AtomicU64::new(0),
            published: watch::Sender::new(0),
            returned: Mutex::new(Vec::new()),
        })
    }

    /// Serves `snapshot` from now on. Requests in flight keep the one they began with.
    pub fn publish(&self, snapshot: Arc<Snapshot>) {
        let number = snapshot.number;
        if let Some(before) = self.current.swap(Some(snapshot)) {
            self.give_back(before);
        }
        // Release: a thread that sees the number also sees the snapshot.
        self.number.store(number, Ordering::Release);
        self.published.send_replace(number);
    }

    /// Frees what no data thread uses any longer. To be called on the control thread.
    pub fn collect(&self) {
        let returned = std::mem::take(&mut *self.returned.lock().unwrap_or_else(PoisonError::into_inner));
        drop(returned);
    }

    /// Which requests of the lane have spans, as of now.
    #[must_use]
    pub fn tracing(&self) -> Option<Arc<Tracing>> {
        self.load().as_ref().and_then(|snapshot| snapshot.settings.tracing.clone())
    }

    /// The newest snapshot, for those who need it outside of a request.
    pub(crate) fn load(&self) -> arc_swap::Guard<Option<Arc<Snapshot>>> {
        self.current.load()
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.published.subscribe()
    }

    fn give_back(&self, snapshot: Arc<Snapshot>) {
        self.returned.lock().unwrap_or_else(PoisonError::into_inner).push(snapshot);
    }
}

/// A data thread's view: one relaxed load a request, one reference count that no other core touches.
#[derive(Debug)]
pub(crate) struct Reader {
    publication: Arc<Publication>,
    cached: RefCell<Option<Rc<Pinned>>>,
}

impl Reader {
    pub(crate) fn new(publication: Arc<Publication>) -> Self {
        Self { publication, cached: RefCell::new(None) }
    }

    /// The newest snapshot; `None` before the first. Calls `taken` with its number when it is another than before.
    pub(crate) fn current(&self, taken: impl FnOnce(u64)) -> Option<Rc<Pinned>> {
        let mut cached = self.cached.borrow_mut();
        let newest = self.publication.number.load(Ordering::Acquire);
        if cached.as_ref().map_or(0, |pinned| pinned.snapshot().number) != newest {
            *cached = self
                .publication
                .current
                .load_full()
                .map(|snapshot| Rc::new(Pinned { snapshot, publication: Arc::clone(&self.publication) }));
            if let Some(pinned) = &*cached {
                taken(pinned.snapshot().number);
            }
        }
        cached.clone()
    }
}

/// A snapshot kept alive by one thread. The last owner on the thread sends it back to be freed elsewhere.
#[derive(Debug)]
pub(crate) struct Pinned {
    snapshot: Arc<Snapshot>,
    publication: Arc<Publication>,
}

impl Pinned {
    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // The count cannot reach zero here: freeing thousands of routes is the control thread's work.
        self.publication.give_back(Arc::clone(&self.snapshot));
    }
}
