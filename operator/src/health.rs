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
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tracing::warn;

use crate::context::Context;
use crate::fence::Fence;
use crate::watch::Readiness;
use crate::webhook::identity::Identity;

/// Connections served at once: a kubelet, a few scrapers, and no room for more.
const CONNECTIONS: usize = 32;
/// Longest time for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// For a whole connection, answer included: whoever does not take an answer keeps no place.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(15);
/// Bytes buffered for a connection: several times the head of any scraper.
const BUFFER: usize = 16 << 10;
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
    /// Open while this replica leads.
    pub fence: Fence,
    /// What the webhook shows; nothing where there is none.
    pub identity: Option<Arc<Identity>>,
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
            serve_one(stream, |request| answer(request, &health)).await;
            drop(permit);
        });
    }
}

/// Answers one request, and reads no more of it than its head.
async fn serve_one(stream: TcpStream, answer: impl Fn(&Request<Incoming>) -> Response<Full<Bytes>>) {
    let service = service_fn(|request| std::future::ready(Ok::<_, Infallible>(answer(&request))));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(BUFFER)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // A client that misbehaves or leaves is not our fault, and there is nobody to tell.
    let _ = tokio::time::timeout(CONNECTION_TIMEOUT, connection).await;
}

fn answer(request: &Request<Incoming>, health: &Health) -> Response<Full<Bytes>> {
    let (status, content) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/livez") => (StatusCode::OK, "alive\n".to_owned()),
        (&Method::GET, "/readyz") => {
            let nameless = health.identity.as_ref().is_some_and(|identity| !identity.is_known());
            ready(&health.readiness.waiting(), nameless)
        }
        (&Method::GET, "/metrics") => {
            let instances = health.instances.state();
            let leads = health.fence.open_until().is_some();
            (StatusCode::OK, health.context.metrics.text(leads, instances.iter().map(AsRef::as_ref)))
        }
        (&Method::GET, _) => (StatusCode::NOT_FOUND, "try /livez, /readyz or /metrics\n".to_owned()),
        _ => (StatusCode::METHOD_NOT_ALLOWED, "only GET is answered\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(content)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("text/plain; version=0.0.4"));
    response
}

/// `nameless`: there is a webhook, and it has no certificate to show.
fn ready(waiting: &[&'static str], nameless: bool) -> (StatusCode, String) {
    let lists = (!waiting.is_empty()).then(|| format!("waiting for the first list of: {}\n", waiting.join(", ")));
    let webhook = nameless.then(|| "waiting for the certificate of the webhook\n".to_owned());
    match [lists, webhook].into_iter().flatten().collect::<String>() {
        nothing if nothing.is_empty() => (StatusCode::OK, "ready\n".to_owned()),
        missing => (StatusCode::SERVICE_UNAVAILABLE, missing),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[test]
    fn readiness_names_what_it_waits_for() {
        assert_eq!(ready(&[], false).0, StatusCode::OK);
        let (status, text) = ready(&["Ingress", "Pod"], false);
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(text, "waiting for the first list of: Ingress, Pod\n");
        let (status, text) = ready(&[], true);
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(text, "waiting for the certificate of the webhook\n");
    }

    /// Starts to serve one connection with answers of this length; the client's side of it.
    async fn asked(length: usize) -> (TcpStream, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let client = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("a connection");
        let (stream, _) = listener.accept().await.expect("a client");
        let answer = move |_: &Request<Incoming>| Response::new(Full::new(Bytes::from(vec![b'x'; length])));
        (client, tokio::spawn(serve_one(stream, answer)))
    }

    /// As in Skipper CVE-2026-54247 and ingress-nginx CVE-2026-24514: whoever may send anything may make a program hold it, or wait.
    #[tokio::test(start_paused = true)]
    async fn a_place_is_given_back_by_whoever_sends_without_end_or_takes_no_answer() {
        let (mut client, served) = asked(0).await;
        let begun = tokio::time::Instant::now();
        let head = [&b"GET /livez HTTP/1.1\r\nX: "[..], &[b'x'; BUFFER]].concat();
        client.write_all(&head).await.expect("room");
        served.await.expect("an end");
        assert!(begun.elapsed() < HEAD_TIMEOUT, "it is refused, not waited for");

        // More than the sockets hold.
        let (mut client, served) = asked(64 << 20).await;
        client.write_all(b"GET /metrics HTTP/1.1\r\nHost: operator\r\n\r\n").await.expect("room");
        served.await.expect("an end");
        assert!(begun.elapsed() < CONNECTION_TIMEOUT * 2);

        let (mut client, served) = asked(0).await;
        client
            .write_all(b"POST /livez HTTP/1.1\r\nHost: operator\r\nContent-Length: 1000000000000\r\n\r\nx")
            .await
            .expect("room");
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.expect("an answer and the end");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        served.await.expect("an end");
    }
}
