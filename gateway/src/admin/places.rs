//! Who may be connected to the admin endpoint: a bounded number, and always the one that comes next.
//!
//! Turning the next one away would let whoever holds all places keep probes out, and a kubelet restarts what it cannot
//! probe. So the oldest makes room: first one that has not asked yet, since whoever wants an answer asks at once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::AbortHandle;

/// Most connections: a kubelet, a scraper, an operator and a few people need a dozen. The rest is time that a probe has to
/// ask, between being accepted and making room, while others connect as fast as they can.
pub(super) const CONNECTIONS: usize = 256;

/// Whether a connection's request has arrived.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked(Arc<AtomicBool>);

impl Asked {
    /// Its head is complete.
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The connections there are, oldest first.
#[derive(Debug, Default)]
pub(super) struct Places(VecDeque<(Asked, AbortHandle)>);

impl Places {
    /// A connection is served by `task`. Ends another one if there is no place left.
    pub(super) fn take(&mut self, asked: Asked, task: AbortHandle) {
        if self.0.len() >= CONNECTIONS {
            self.0.retain(|(_, task)| !task.is_finished());
        }
        if self.0.len() >= CONNECTIONS {
            let oldest = self.0.iter().position(|(asked, _)| !asked.get()).unwrap_or_default();
            if let Some((_, task)) = self.0.remove(oldest) {
                task.abort();
            }
        }
        self.0.push_back((asked, task));
    }
}
