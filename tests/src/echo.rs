//! A backend that answers every request with what it saw of it, as JSON.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// What a backend saw of one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Echo {
    /// The name of the backend that answered.
    pub backend: String,
    /// The request method.
    pub method: String,
    /// The request target as received: path and query.
    pub path: String,
    /// The Host field, empty when there was none.
    pub host: String,
    /// Every field by lower-case name, values in order.
    pub headers: BTreeMap<String, Vec<String>>,
    /// The content, with what is no UTF-8 replaced.
    pub content: String,
}

/// A running backend; dropping it closes its listener and its connections.
#[derive(Debug)]
pub struct EchoBackend {
    address: SocketAddr,
    requests: Arc<AtomicU64>,
    serving: JoinHandle<()>,
}

impl EchoBackend {
    /// Starts a backend of this name; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(name: &str, address: SocketAddr) -> anyhow::Result<Self> {
        let listener =
            TcpListener::bind(address).await.with_context(|| format!("bind the backend {name} to {address}"))?;
        let address = listener.local_addr().context("ask for the address of a backend")?;
        let requests = Arc::new(AtomicU64::new(0));
        let serving = tokio::spawn(serve(listener, Arc::from(name), Arc::clone(&requests)));
        Ok(Self { address, requests, serving })
    }

    /// Where the backend listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests it has answered.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Drop for EchoBackend {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, name: Arc<str>, requests: Arc<AtomicU64>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _peer)) = listener.accept().await {
        let (name, requests) = (Arc::clone(&name), Arc::clone(&requests));
        connections.spawn(async move {
            let answer = service_fn(|request| echo(&name, &requests, request));
            // A client that goes away mid-request is a test's business, not the backend's.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

async fn echo(
    name: &str,
    requests: &AtomicU64,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let content = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let headers = fields(&head.headers);
    let echo = Echo {
        backend: name.to_owned(),
        method: head.method.to_string(),
        path: head.uri.to_string(),
        host: headers.get("host").and_then(|hosts| hosts.first()).cloned().unwrap_or_default(),
        headers,
        content: String::from_utf8_lossy(&content).into_owned(),
    };
    requests.fetch_add(1, Ordering::SeqCst);
    let mut response = Response::new(Full::from(serde_json::to_vec(&echo).unwrap_or_default()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

fn fields(headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers {
        fields.entry(name.to_string()).or_default().push(String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    fields
}
