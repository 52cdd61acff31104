//! The admin endpoint: probes, metrics, status, routes and findings over plain HTTP/1.1, on a thread of its own.
//!
//! It must answer while the data threads are flooded, and be of no use to flood with: few connections, one request each,
//! everything bounded in time, no content read.

mod findings;
mod health;
mod metrics;
mod places;
mod routes;
mod status;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use self::places::{Asked, Places};
use crate::view::View;

/// For a request's head to arrive. Whoever connects here has it ready; a second lets a lost packet be sent again, twice,
/// and is what a kubelet waits for a whole probe unless it is told otherwise.
const HEAD: Duration = Duration::from_secs(1);
/// Bytes buffered for a connection: several times the head of any scraper, and 4 MiB over all [`places`].
const BUFFER: usize = 16 << 10;
/// Connections that may wait to be accepted. When there are more, the system passes over whoever comes, who tries again a
/// second later: too late for a probe. The system's own bound (`net.core.somaxconn`) holds as well.
const BACKLOG: u32 = 4096;
/// Connections that are accepted before those that were are looked at: an eighth of all [`places`].
const AT_ONCE: usize = 32;
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
    let listener = runtime.block_on(async { listen(address) }).map_err(bind)?;
    let bound = listener.local_addr().map_err(bind)?;
    let body = move || runtime.block_on(accept(listener, view));
    thread::Builder::new().name("admin".to_owned()).spawn(body).map_err(AdminError::Thread)?;
    Ok(bound)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart finds connections of the process before it.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn accept(listener: TcpListener, view: View) {
    let (mut places, mut accepted) = (Places::default(), 0);
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!(%error, "the admin endpoint cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (asked, view) = (Asked::default(), view.clone());
        let task = tokio::spawn(serve(stream, asked.clone(), view));
        places.take(asked, task.abort_handle());
        // Its request may be here already: it is read before so many more are accepted that it would have to make room.
        accepted = (accepted + 1) % AT_ONCE;
        if accepted == 0 {
            tokio::task::yield_now().await;
        }
    }
}

async fn serve(stream: TcpStream, asked: Asked, view: View) {
    let service = service_fn(|request| {
        asked.set();
        answer(request, &view)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(BUFFER)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    match tokio::time::timeout(CONNECTION, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "an admin connection failed"),
        Err(_) => tracing::debug!("an admin connection took too long"),
    }
}

/// A page: its path and what it is, for people who ask for another one.
const PAGES: [(&str, &str); 6] = [
    ("/livez", "whether the process works"),
    ("/readyz", "whether requests may be sent, and what is missing"),
    ("/metrics", "metrics in the Prometheus text format"),
    ("/v1/status", "what this gateway serves, as JSON"),
    ("/v1/routes", "every route it serves, as JSON"),
    ("/v1/findings", "everything it cannot take literally, as JSON"),
];

/// What a page is made of: one piece, or several that are made as they are sent.
type Content = BoxBody<Bytes, Infallible>;

async fn answer(request: Request<Incoming>, view: &View) -> Result<Response<Content>, Infallible> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered here\n".to_owned());
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Ok(response.map(BodyExt::boxed));
    }
    let response = match request.uri().path() {
        "/v1/findings" => return Ok(findings::page(view, request.headers())),
        "/livez" => health::live(view),
        "/readyz" => health::ready(view),
        "/metrics" => metrics::page(view),
        "/v1/status" => status::page(view),
        "/v1/routes" => routes::page(view).await,
        _ => not_found(),
    };
    Ok(response.map(BodyExt::boxed))
}

fn not_found() -> Response<Full<Bytes>> {
    let pages = PAGES.map(|(path, what)| format!("{path:<13} {what}\n")).concat();
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
    with_fields(status, content_type, Full::new(content))
}

fn with_fields<B>(status: StatusCode, content_type: &'static str, content: B) -> Response<B> {
    let mut response = Response::new(content);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests;
