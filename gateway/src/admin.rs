//! The admin endpoint: probes, metrics, status and routes over plain HTTP/1.1, on a thread of its own.
//!
//! It must answer while the data threads are flooded, and be of no use to flood with: few connections, one request each,
//! everything bounded in time, no content read.

mod health;
mod metrics;
mod routes;
mod status;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::view::View;

/// Most connections: a kubelet, a scraper, an operator and a few people, with room.
const CONNECTIONS: usize = 64;
/// For a request's head to arrive.
const HEAD: Duration = Duration::from_secs(5);
/// For a whole connection, answer included.
const CONNECTION: Duration = Duration::from_secs(15);
/// After a failed accept (out of descriptors, most likely), before the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why there is no admin endpoint.
#[derive(Debug, Error)]
pub enum AdminError {
    /// The address is in use or not ours.
    #[error("cannot listen on admin address {address}: choose another one with --admin")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The system gives no thread or no reactor.
    #[error("cannot start the admin thread")]
    Thread(#[source] io::Error),
}

/// Starts to serve `view` on `address`, and tells the address that was really taken.
///
/// # Errors
/// When the address cannot be bound, or there is no thread for it.
pub fn start(address: SocketAddr, view: View) -> Result<SocketAddr, AdminError> {
    let bind = |source| AdminError::Bind { address, source };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(AdminError::Thread)?;
    let listener = std::net::TcpListener::bind(address).map_err(bind)?;
    listener.set_nonblocking(true).map_err(bind)?;
    let bound = listener.local_addr().map_err(bind)?;
    let listener = runtime.block_on(async { tokio::net::TcpListener::from_std(listener) }).map_err(bind)?;
    let body = move || runtime.block_on(accept(listener, view));
    thread::Builder::new().name("admin".to_owned()).spawn(body).map_err(AdminError::Thread)?;
    Ok(bound)
}

async fn accept(listener: tokio::net::TcpListener, view: View) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!(%error, "the admin endpoint cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Whoever comes when all places are taken is turned away, not queued.
        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            let view = view.clone();
            tokio::spawn(async move {
                serve(stream, view).await;
                drop(place);
            });
        }
    }
}

async fn serve(stream: TcpStream, view: View) {
    let service = service_fn(|request| answer(request, &view));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    match tokio::time::timeout(CONNECTION, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "an admin connection failed"),
        Err(_) => tracing::debug!("an admin connection took too long"),
    }
}

/// A page: its path and what it is, for people who ask for another one.
const PAGES: [(&str, &str); 5] = [
    ("/livez", "whether the process works"),
    ("/readyz", "whether requests may be sent, and what is missing"),
    ("/metrics", "metrics in the Prometheus text format"),
    ("/v1/status", "what this gateway serves, as JSON"),
    ("/v1/routes", "every route it serves, as JSON"),
];

async fn answer(request: Request<Incoming>, view: &View) -> Result<Response<Full<Bytes>>, Infallible> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered here\n".to_owned());
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Ok(response);
    }
    Ok(match request.uri().path() {
        "/livez" => health::live(view),
        "/readyz" => health::ready(view),
        "/metrics" => metrics::page(view),
        "/v1/status" => status::page(view),
        "/v1/routes" => routes::page(view).await,
        _ => not_found(),
    })
}

fn not_found() -> Response<Full<Bytes>> {
    let pages = PAGES.map(|(path, what)| format!("{path:<12} {what}\n")).concat();
    text(StatusCode::NOT_FOUND, format!("there is no such page; there are\n\n{pages}"))
}

fn text(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    page(status, "text/plain; charset=utf-8", text.into())
}

fn json(value: &impl Serialize) -> Response<Full<Bytes>> {
    match serde_json::to_vec(value) {
        Ok(bytes) => page(StatusCode::OK, "application/json", bytes.into()),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

fn page(status: StatusCode, content_type: &'static str, content: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(content));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests;
