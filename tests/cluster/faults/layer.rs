//! A layer between a client and its API server that spoils writes. Reads and the Lease pass: what a replica without a Lease does is shown
//! elsewhere.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::{Result, ensure};
use bulkhead_tests::wait::wait_for;
use hyper::{Method, Request, Response, StatusCode};
use kube::client::Body;
use serde_json::json;
use tokio::sync::Notify;
use tower::{BoxError, Layer, Service};

/// What becomes of one write.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// It passes.
    None,
    /// It is never sent.
    Dropped,
    /// It is done, and its answer never comes.
    Unanswered,
    /// It is done, and the answer is an error.
    Lost,
    /// It is refused with this status.
    Refused(u16),
}

/// What becomes of writes.
#[derive(Clone, Default)]
pub(super) struct Faults {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    /// After so many writes nothing is answered any more; never when 0.
    dies_after: usize,
    writes: AtomicUsize,
    death: Notify,
    /// State of the generator of faults; nothing when there are none.
    random: Mutex<Option<u64>>,
    spoilt: AtomicUsize,
    calm: AtomicBool,
}

impl Faults {
    /// The client dies when this many writes have been done.
    pub(super) fn death_after(writes: usize) -> Self {
        Self { inner: Arc::new(Inner { dies_after: writes, ..Inner::default() }) }
    }

    /// About every third write is spoilt, which ones and how follows from the seed.
    pub(super) fn random(seed: u64) -> Self {
        Self { inner: Arc::new(Inner { random: Mutex::new(Some(seed)), ..Inner::default() }) }
    }

    /// Awaits the death.
    pub(super) async fn dead(&self) {
        self.inner.death.notified().await;
    }

    /// Spoils nothing from now on.
    pub(super) fn calm(&self) {
        self.inner.calm.store(true, Ordering::SeqCst);
    }

    /// Awaits that this many writes were spoilt.
    pub(super) async fn awaited(&self, spoilt: usize) -> Result<()> {
        wait_for(&format!("{spoilt} spoilt writes"), Duration::from_secs(30), async || {
            let now = self.inner.spoilt.load(Ordering::SeqCst);
            ensure!(now >= spoilt, "{now} so far");
            Ok(())
        })
        .await
    }

    pub(super) fn told(&self) -> String {
        let (all, spoilt) = (self.inner.writes.load(Ordering::SeqCst), self.inner.spoilt.load(Ordering::SeqCst));
        format!("{spoilt} of {all} writes were spoilt")
    }

    fn next(&self) -> Fault {
        if self.inner.calm.load(Ordering::SeqCst) {
            return Fault::None;
        }
        let mut random = self.inner.random.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(state) = random.as_mut() else { return Fault::None };
        // SplitMix64 (Steele, Lea, Flood 2014): enough to pick faults, and the same for the same seed everywhere.
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = *state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        match (bits ^ (bits >> 31)) % 24 {
            0 => Fault::Dropped,
            1 => Fault::Unanswered,
            2 | 3 => Fault::Lost,
            4 => Fault::Refused(409),
            5 => Fault::Refused(429),
            6 => Fault::Refused(500),
            7 => Fault::Refused(503),
            8 => Fault::Refused(403),
            _ => Fault::None,
        }
    }
}

impl<S> Layer<S> for Faults {
    type Service = Faulty<S>;

    fn layer(&self, service: S) -> Faulty<S> {
        Faulty { service, faults: self.clone() }
    }
}

/// A client with faults.
pub(super) struct Faulty<S> {
    service: S,
    faults: Faults,
}

type Answer = Response<Box<kube::client::DynBody>>;

impl<S> Service<Request<Body>> for Faulty<S>
where
    S: Service<Request<Body>, Response = Answer, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Answer;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, BoxError>> + Send>>;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.service.poll_ready(task)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let path = request.uri().path();
        let free = *request.method() == Method::GET || path.starts_with("/apis/coordination.k8s.io/");
        let answer = self.service.call(request);
        if free {
            return Box::pin(answer);
        }
        let inner = Arc::clone(&self.faults.inner);
        let nth = inner.writes.fetch_add(1, Ordering::SeqCst) + 1;
        if inner.dies_after > 0 {
            return Box::pin(async move {
                if nth < inner.dies_after {
                    return answer.await;
                }
                if nth == inner.dies_after {
                    let _ = answer.await;
                    inner.death.notify_one();
                }
                std::future::pending().await
            });
        }
        let fault = self.faults.next();
        if !matches!(fault, Fault::None) {
            inner.spoilt.fetch_add(1, Ordering::SeqCst);
        }
        Box::pin(async move {
            match fault {
                Fault::None => answer.await,
                Fault::Dropped => Err("dropped on its way".into()),
                Fault::Unanswered => {
                    answer.await?;
                    std::future::pending().await
                }
                Fault::Lost => {
                    answer.await?;
                    Err("the answer was lost".into())
                }
                Fault::Refused(status) => refused(status),
            }
        })
    }
}

/// What an API server answers that refuses.
fn refused(code: u16) -> Result<Answer, BoxError> {
    let reason = match code {
        403 => "Forbidden",
        409 => "Conflict",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        _ => "InternalError",
    };
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "refused by a test", "reason": reason, "code": code,
    });
    let body: Box<kube::client::DynBody> =
        Box::new(http_body_util::BodyExt::map_err(http_body_util::Full::from(status.to_string()), BoxError::from));
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(code)?;
    Ok(response)
}
