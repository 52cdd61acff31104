//! Questions to the admin port of a gateway.

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::header::HOST;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::net::TcpStream;

/// Longest wait for an answer. An admin port on this machine answers in milliseconds.
pub(crate) const DEADLINE: Duration = Duration::from_secs(2);
/// Most bytes of an answer: a report of 100,000 routes has about 25 MB.
const ANSWER_BYTES: usize = 64 << 20;

/// Why there is no answer.
#[derive(Debug, Error)]
pub(crate) enum AdminError {
    /// Nobody listens.
    #[error("cannot reach a gateway's admin port at {0}")]
    Connect(SocketAddr, #[source] std::io::Error),
    /// It did not answer in time.
    #[error("the admin port at {address} has not answered within {} s", DEADLINE.as_secs())]
    Slow { address: SocketAddr },
    /// It speaks, but not HTTP.
    #[error("what listens at {0} does not answer like a gateway's admin port")]
    Http(SocketAddr, #[source] hyper::Error),
    /// It is no admin port, or cannot answer now.
    #[error("{0} answers {1} to {2}: is it the admin port of a gateway?")]
    Status(SocketAddr, StatusCode, &'static str),
    /// The answer broke off or is too large.
    #[error("cannot read the answer of {0}")]
    Content(SocketAddr, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer is of another version.
    #[error("cannot understand the answer of {0}: use the version of bulkhead that the gateway has")]
    Decode(SocketAddr, #[source] serde_json::Error),
}

/// The JSON document at `path`.
pub(crate) async fn get<T: DeserializeOwned>(address: SocketAddr, path: &'static str) -> Result<T, AdminError> {
    tokio::time::timeout(DEADLINE, ask(address, path)).await.unwrap_or(Err(AdminError::Slow { address }))
}

async fn ask<T: DeserializeOwned>(address: SocketAddr, path: &'static str) -> Result<T, AdminError> {
    let stream = TcpStream::connect(address).await.map_err(|error| AdminError::Connect(address, error))?;
    let http = |error| AdminError::Http(address, error);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(http)?;
    let content = |error: Box<dyn std::error::Error + Send + Sync>| AdminError::Content(address, error);
    let request = Request::get(path).header(HOST, address.to_string()).body(Empty::<Bytes>::new());
    let request = request.map_err(|error| content(error.into()))?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(http)?;
        if response.status() != StatusCode::OK {
            return Err(AdminError::Status(address, response.status(), path));
        }
        let bytes = Limited::new(response.into_body(), ANSWER_BYTES).collect().await.map_err(content)?.to_bytes();
        serde_json::from_slice(&bytes).map_err(|error| AdminError::Decode(address, error))
    };
    // The connection is driven only as long as the exchange lasts, and closed with it.
    tokio::pin!(connection);
    tokio::pin!(exchange);
    tokio::select! {
        answer = &mut exchange => answer,
        ended = &mut connection => match ended {
            Ok(()) => exchange.await,
            Err(error) => Err(http(error)),
        },
    }
}
