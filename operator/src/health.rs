//! Probes and metrics over plain HTTP: `/livez`, `/readyz`, `/metrics`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_crds::instance::GatewayInstance;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use kube::runtime::reflector::Store;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tracing::warn;

use crate::context::Context;
use crate::watch::Readiness;

/// Connections served at once: a kubelet, a few scrapers, and no room for more.
const CONNECTIONS: usize = 32;
/// Longest time for the head of a request, and between two.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after a connection could not be accepted, for want of descriptors say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What is asked.
pub struct Health {
    /// Which caches are waited for.
    pub readiness: Readiness,
    /// Counters.
    pub context: Arc<Context>,
    /// Whose conditions are told.
    pub instances: Store<GatewayInstance>,
}

/// Serves for ever.
pub async fn serve(listener: TcpListener, health: Arc<Health>) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&connections).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                warn!("accepting a connection for probes: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let health = Arc::clone(&health);
        tokio::spawn(async move {
            let service = service_fn(|request| std::future::ready(answer(&request, &health)));
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
            // A client that misbehaves or leaves is not our fault, and there is nobody to tell.
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
            drop(permit);
        });
    }
}

fn answer(request: &Request<Incoming>, health: &Health) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, content) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/livez") => (StatusCode::OK, "alive\n".to_owned()),
        (&Method::GET, "/readyz") => ready(&health.readiness.waiting()),
        (&Method::GET, "/metrics") => {
            let instances = health.instances.state();
            (StatusCode::OK, health.context.metrics.text(instances.iter().map(AsRef::as_ref)))
        }
        (&Method::GET, _) => (StatusCode::NOT_FOUND, "try /livez, /readyz or /metrics\n".to_owned()),
        _ => (StatusCode::METHOD_NOT_ALLOWED, "only GET is answered\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(content)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("text/plain; version=0.0.4"));
    Ok(response)
}

fn ready(waiting: &[&'static str]) -> (StatusCode, String) {
    if waiting.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, format!("waiting for the first list of: {}\n", waiting.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_names_what_it_waits_for() {
        assert_eq!(ready(&[]).0, StatusCode::OK);
        let (status, text) = ready(&["Ingress", "Pod"]);
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(text, "waiting for the first list of: Ingress, Pod\n");
    }
}
