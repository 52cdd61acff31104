//! A layer between a client and its API server that answers so many writes and then none. Reads and the Lease pass: what a replica without a
//! Lease does is shown elsewhere.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use hyper::{Method, Request};
use kube::client::Body;
use tokio::sync::Notify;
use tower::{Layer, Service};

/// The end of a client.
#[derive(Clone)]
pub(super) struct Death {
    inner: Arc<Inner>,
}

struct Inner {
    /// The last write that is done.
    last: usize,
    writes: AtomicUsize,
    death: Notify,
}

impl Death {
    /// The client dies when this many writes have been done.
    pub(super) fn after(last: usize) -> Self {
        Self { inner: Arc::new(Inner { last, writes: AtomicUsize::new(0), death: Notify::new() }) }
    }

    /// Awaits it.
    pub(super) async fn comes(&self) {
        self.inner.death.notified().await;
    }
}

impl<S> Layer<S> for Death {
    type Service = Mortal<S>;

    fn layer(&self, service: S) -> Mortal<S> {
        Mortal { service, death: self.clone() }
    }
}

/// A client that dies.
pub(super) struct Mortal<S> {
    service: S,
    death: Death,
}

impl<S> Service<Request<Body>> for Mortal<S>
where
    S: Service<Request<Body>>,
    S::Future: Send + 'static,
    S::Response: Send,
    S::Error: Send,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(task)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let path = request.uri().path();
        let free = *request.method() == Method::GET || path.starts_with("/apis/coordination.k8s.io/");
        let answer = self.service.call(request);
        if free {
            return Box::pin(answer);
        }
        let inner = Arc::clone(&self.death.inner);
        let nth = inner.writes.fetch_add(1, Ordering::SeqCst) + 1;
        Box::pin(async move {
            if nth < inner.last {
                return answer.await;
            }
            if nth == inner.last {
                let _ = answer.await;
                inner.death.notify_one();
            }
            std::future::pending().await
        })
    }
}
