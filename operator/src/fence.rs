//! No write without the Lease. A layer of the client of the API server: reads pass, writes pass while this process leads, and one that is
//! under way when that ends is dropped, retries included.
//!
//! A process that was halted does not know, when it goes on, that another one leads by now. So what was true when a write was planned is
//! asked again at the last moment before it leaves.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use hyper::{Method, Request};
use kube::client::Body;
use tokio::time::{Instant, sleep_until};
use tower::{BoxError, Layer, Service};

/// Path of the Leases: they decide who leads, and are written by those who do not.
const LEASES: &str = "/apis/coordination.k8s.io/";

/// A write that was not sent, or whose answer was not waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It was not sent.
    #[error("not sent: this replica does not lead")]
    NotLeading,
    /// It may have taken effect.
    #[error("given up: this replica stopped leading while it waited for the answer")]
    StoppedLeading,
}

/// Until when this process may write.
#[derive(Clone, Debug, Default)]
pub struct Fence {
    until: Arc<Mutex<Option<Instant>>>,
}

impl Fence {
    /// Lets writes pass until `until`, by the monotonic clock.
    pub fn open(&self, until: Instant) {
        *self.lock() = Some(until);
    }

    /// Lets no write pass any more.
    pub fn close(&self) {
        *self.lock() = None;
    }

    /// Until when writes pass; nothing when none does.
    #[must_use]
    pub fn open_until(&self) -> Option<Instant> {
        self.lock().filter(|until| Instant::now() < *until)
    }

    /// Returns when no write passes any more, however often it was opened anew meanwhile.
    pub async fn closed(&self) {
        while let Some(until) = self.open_until() {
            sleep_until(until).await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Layer<S> for Fence {
    type Service = Fenced<S>;

    fn layer(&self, inner: S) -> Fenced<S> {
        Fenced { inner, fence: self.clone() }
    }
}

/// A client behind a [`Fence`].
#[derive(Clone, Debug)]
pub struct Fenced<S> {
    inner: S,
    fence: Fence,
}

impl<S> Service<Request<Body>> for Fenced<S>
where
    S: Service<Request<Body>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(task).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let free = matches!(*request.method(), Method::GET | Method::HEAD) || request.uri().path().starts_with(LEASES);
        if !free && self.fence.open_until().is_none() {
            return Box::pin(async { Err(Refused::NotLeading.into()) });
        }
        let answer = self.inner.call(request);
        if free {
            return Box::pin(async { answer.await.map_err(Into::into) });
        }
        let fence = self.fence.clone();
        Box::pin(async move {
            tokio::select! {
                biased;
                () = fence.closed() => Err(Refused::StoppedLeading.into()),
                answer = answer => answer.map_err(Into::into),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use hyper::Response;

    use super::*;

    /// Answers after a while, and counts the requests that it began to serve and those that it answered.
    #[derive(Clone, Default)]
    struct Server {
        begun: Arc<AtomicUsize>,
        answered: Arc<AtomicUsize>,
        takes: Duration,
    }

    impl Service<Request<Body>> for Server {
        type Response = Response<()>;
        type Error = BoxError;
        type Future = Pin<Box<dyn Future<Output = Result<Response<()>, BoxError>> + Send>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<Body>) -> Self::Future {
            let server = self.clone();
            Box::pin(async move {
                server.begun.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(server.takes).await;
                server.answered.fetch_add(1, Ordering::SeqCst);
                Ok(Response::new(()))
            })
        }
    }

    fn request(method: Method, path: &str) -> Request<Body> {
        Request::builder().method(method).uri(path).body(Body::empty()).expect("a request")
    }

    const SERVICES: &str = "/api/v1/namespaces/infra/services/edge";

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn without_the_lease_reads_pass_and_no_write_is_sent() {
        let (server, fence) = (Server::default(), Fence::default());
        let mut client = fence.layer(server.clone());
        assert!(client.call(request(Method::GET, SERVICES)).await.is_ok());
        assert!(client.call(request(Method::PUT, "/apis/coordination.k8s.io/v1/leases/x")).await.is_ok());
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let error = client.call(request(method, SERVICES)).await.expect_err("a refusal");
            assert_eq!(error.downcast_ref(), Some(&Refused::NotLeading));
        }
        assert_eq!(server.begun.load(Ordering::SeqCst), 2);
        fence.open(Instant::now() + seconds(10));
        assert!(client.call(request(Method::PATCH, SERVICES)).await.is_ok());
        tokio::time::advance(seconds(10)).await;
        assert!(client.call(request(Method::PATCH, SERVICES)).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_waits_is_dropped_when_the_lease_ends_and_not_when_it_is_renewed() {
        let (server, fence) = (Server { takes: seconds(8), ..Server::default() }, Fence::default());
        let mut client = fence.layer(server.clone());
        fence.open(Instant::now() + seconds(5));
        let error = client.call(request(Method::PATCH, SERVICES)).await.expect_err("a refusal");
        assert_eq!(error.downcast_ref(), Some(&Refused::StoppedLeading));
        assert_eq!(server.answered.load(Ordering::SeqCst), 0);

        fence.open(Instant::now() + seconds(5));
        let renewed = fence.clone();
        let renew = async {
            tokio::time::sleep(seconds(4)).await;
            renewed.open(Instant::now() + seconds(5));
        };
        let (answer, ()) = tokio::join!(client.call(request(Method::PATCH, SERVICES)), renew);
        assert!(answer.is_ok());
    }
}
