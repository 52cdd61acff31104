//! What each gateway says of itself, asked on its admin port. Best effort and bounded: pods are not trusted, and may not answer.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bulkhead_crds::names::ADMIN_PORT;
use bulkhead_crds::report::GatewayReport;
use futures::{StreamExt, stream};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Pod;
use tokio::net::TcpStream;

use crate::observe::PodSeen;

mod bounds;

/// Longest time for one pod, connection included.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Most bytes of one report: a few findings in full, everything else is counts.
const REPORT_BYTES: usize = 256 * 1024;
/// Pods asked at once for one lane.
const AT_ONCE: usize = 8;

/// A pod that could not be asked, or whose answer means nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It has no address yet.
    #[error("it has no address yet")]
    NoAddress,
    /// It did not answer in time.
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    TimedOut,
    /// No connection.
    #[error("connecting to {address}: {source}")]
    Connect {
        /// Where to.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// No HTTP answer.
    #[error("asking {address}: {source}")]
    Ask {
        /// Whom.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: hyper::Error,
    },
    /// Another status than 200.
    #[error("{address} answered {status}")]
    Status {
        /// Who.
        address: SocketAddr,
        /// What.
        status: StatusCode,
    },
    /// The content is too long, was cut off, or is no report.
    #[error("the report of {address} cannot be read")]
    Report {
        /// Whose.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Asks every ready pod of a lane. Others are named without a report.
pub async fn poll(pods: Vec<Arc<Pod>>) -> Vec<PodSeen> {
    stream::iter(pods).map(|pod| see(pod, ADMIN_PORT)).buffered(AT_ONCE).collect().await
}

async fn see(pod: Arc<Pod>, port: u16) -> PodSeen {
    let ready = is_ready(&pod);
    let report = if ready {
        report(&pod, port).await.map_err(|error| error.to_string())
    } else {
        Err("it is not ready".to_owned())
    };
    PodSeen { name: pod.metadata.name.clone().unwrap_or_default(), ready, report }
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

async fn report(pod: &Pod, port: u16) -> Result<GatewayReport, Error> {
    let ip = pod.status.as_ref().and_then(|status| status.pod_ip.as_deref());
    let ip: IpAddr = ip.and_then(|ip| ip.parse().ok()).ok_or(Error::NoAddress)?;
    let asked = tokio::time::timeout(TIMEOUT, ask(SocketAddr::new(ip, port)));
    asked.await.unwrap_or(Err(Error::TimedOut))
}

async fn ask(address: SocketAddr) -> Result<GatewayReport, Error> {
    let stream = TcpStream::connect(address).await.map_err(|source| Error::Connect { address, source })?;
    let failed = |source| Error::Ask { address, source };
    let unread = |source| Error::Report { address, source };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let answer = async {
        let mut request = Request::new(Empty::<Bytes>::new());
        *request.uri_mut() = hyper::Uri::from_static("/v1/status");
        if let Ok(host) = address.to_string().parse() {
            request.headers_mut().insert(HOST, host);
        }
        let response = sender.send_request(request).await.map_err(failed)?;
        if response.status() != StatusCode::OK {
            return Err(Error::Status { address, status: response.status() });
        }
        let content = Limited::new(response.into_body(), REPORT_BYTES).collect().await.map_err(unread)?;
        serde_json::from_slice(&content.to_bytes()).map(bounds::bounded).map_err(|source| unread(source.into()))
    };
    // The connection is driven here, not by a task of its own, so that it ends when this does. One that ended well has handed over all it
    // carried, which may not have been read yet.
    let broken = async {
        match connection.await {
            Err(source) => failed(source),
            Ok(()) => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        answer = answer => answer,
        error = broken => Err(error),
    }
}

#[cfg(test)]
mod tests;
