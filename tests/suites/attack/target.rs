//! What is attacked: a gateway process with two routes, and a backend that answers little, much, or not at all.

use std::convert::Infallible;
use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use bulkhead_tests::gateway::PATIENCE;
use bulkhead_tests::gateway::lane::Lane;
use bulkhead_tests::gateway::manifest::{all_of, document, file, ingress, served};
use bulkhead_tests::wait::wait_for;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;

/// The host that attackers ask for.
pub(crate) const HOST: &str = "shop.test";

/// The host that others ask for.
pub(crate) const OWN: &str = "own.test";

/// Content of a large answer in bytes.
const LARGE: usize = 1 << 20;

/// A running gateway and its backend.
pub(crate) struct Target {
    lane: Lane,
    backend: JoinHandle<()>,
}

/// Connections that wait to be accepted: more than the gateway opens at once, which is 1,024 by each of its threads. One that finds no
/// place is tried again by the kernel a second later, which is a late answer to somebody who attacks nobody.
const BACKLOG: u32 = 4096;

impl Target {
    /// Starts both and waits until the route is served.
    pub(crate) async fn start() -> Result<Self> {
        let socket = TcpSocket::new_v4().context("listen as a backend")?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).context("listen as a backend")?;
        let listener = socket.listen(BACKLOG).context("listen as a backend")?;
        let port = listener.local_addr()?.port();
        let backend = tokio::spawn(serve(listener));
        let lane = Lane::start(&document()).await;
        // To the gateway these are two backends: requests that wait for one are not in the way of those for the other.
        for (name, host) in [("shop", HOST), ("own", OWN)] {
            lane.put(&format!("{name}.yaml"), &file(&[ingress(name, &[all_of(host, name)]), served(name, port)]));
        }
        lane.wait("endpoints", |report| report.routes == 2 && report.endpoints == 2).await;
        Ok(Self { lane, backend })
    }

    /// Where clients connect.
    pub(crate) fn address(&self) -> SocketAddr {
        self.lane.http
    }

    /// Memory of the process that is resident now.
    pub(crate) fn resident_kib(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.lane.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no resident memory")?;
        line.split_whitespace().next().and_then(|kib| kib.parse().ok()).with_context(|| format!("read {line:?}"))
    }

    /// Client connections that are still open a while after the last client went.
    pub(crate) async fn connections_left(&self) -> u64 {
        let gone = wait_for("a gateway without clients", PATIENCE, async || {
            let open = self.sample("bulkhead_connections").await;
            ensure!(open == 0, "{open} open");
            Ok(())
        });
        if gone.await.is_ok() { 0 } else { self.sample("bulkhead_connections").await }
    }

    /// Connections that ended by a defect of the gateway.
    pub(crate) async fn panics(&self) -> u64 {
        self.sample("bulkhead_connection_panics_total").await
    }

    async fn sample(&self, name: &str) -> u64 {
        self.lane.metrics().await.get(name).map_or(0, |value| *value as u64)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.backend.abort();
    }
}

async fn serve(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        let connection =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
        tokio::spawn(connection);
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    static CONTENT: [u8; LARGE] = [b'x'; LARGE];
    let (head, mut content) = request.into_parts();
    while content.frame().await.is_some_and(|frame| frame.is_ok()) {}
    let content = match head.uri.path() {
        "/large" => &CONTENT[..],
        "/never" => std::future::pending().await,
        _ => b"ok",
    };
    Ok(Response::new(Full::from(Bytes::from_static(content))))
}
