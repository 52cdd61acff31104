//! What each gateway says of itself, asked on its admin port. Best effort and bounded: pods are not trusted, and may not answer.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bulkhead_crds::names::ADMIN_PORT;
use bulkhead_crds::report::GatewayReport;
use futures::{StreamExt, stream};
use hyper::StatusCode;
use k8s_openapi::api::core::v1::Pod;

use crate::observe::PodSeen;

mod ask;
pub(crate) mod bounds;

pub(crate) use ask::{Answer, Question, ask};

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
    #[error("no answer within {} s", after.as_secs())]
    TimedOut {
        /// In which.
        after: Duration,
    },
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

/// Whether a pod is ready.
pub(crate) fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

async fn report(pod: &Pod, port: u16) -> Result<GatewayReport, Error> {
    let address = address(pod, port)?;
    let asked = tokio::time::timeout(TIMEOUT, status(address));
    asked.await.unwrap_or(Err(Error::TimedOut { after: TIMEOUT }))
}

/// Where a pod answers.
pub(crate) fn address(pod: &Pod, port: u16) -> Result<SocketAddr, Error> {
    let ip = pod.status.as_ref().and_then(|status| status.pod_ip.as_deref());
    let ip: IpAddr = ip.and_then(|ip| ip.parse().ok()).ok_or(Error::NoAddress)?;
    Ok(SocketAddr::new(ip, port))
}

async fn status(address: SocketAddr) -> Result<GatewayReport, Error> {
    let unread = |source| Error::Report { address, source };
    match ask(address, Question { path: "/v1/status", known: None, most: REPORT_BYTES }).await? {
        Answer::Page { content, is_whole: true, .. } => {
            serde_json::from_slice(&content).map(bounds::bounded).map_err(|source| unread(source.into()))
        }
        _ => Err(unread(format!("it is longer than {} KiB", REPORT_BYTES >> 10).into())),
    }
}

#[cfg(test)]
mod tests;
