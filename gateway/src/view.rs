//! The whole process as its admin pages see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bulkhead_proxy::Proxy;
use tokio::sync::watch;

use crate::overload::Reading;
use crate::readiness::Readiness;
use crate::state::{ControlState, RoutesQuestions};

/// The whole process as its admin pages see it.
#[derive(Clone)]
pub struct View {
    /// Its data threads.
    pub proxy: Arc<Proxy>,
    /// Its control thread.
    pub control: watch::Receiver<Arc<ControlState>>,
    /// Where to ask for routes.
    pub routes: RoutesQuestions,
    /// How full memory and descriptors are.
    pub overload: watch::Receiver<Reading>,
    draining: Arc<AtomicBool>,
}

impl View {
    /// Of a process that does not drain.
    #[must_use]
    pub fn new(
        proxy: Arc<Proxy>,
        control: watch::Receiver<Arc<ControlState>>,
        routes: RoutesQuestions,
        overload: watch::Receiver<Reading>,
    ) -> Self {
        Self { proxy, control, routes, overload, draining: Arc::default() }
    }

    /// What the control thread knows.
    #[must_use]
    pub fn state(&self) -> Arc<ControlState> {
        Arc::clone(&self.control.borrow())
    }

    /// Whether a drain has begun.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// A drain begins: no page calls this gateway ready any more.
    pub fn begin_drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether requests may be sent.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        Readiness::of(&self.state(), self.proxy.served(), self.is_draining())
    }
}
