//! One question to one pod: bounded in bytes; its time is bounded by who asks.

use std::net::SocketAddr;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ETAG, HOST, HeaderValue, IF_NONE_MATCH};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::Error;

/// Longest entity tag that is kept, in bytes: a gateway's has eighteen.
const TAG_BYTES: usize = 64;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    /// Which page.
    pub(crate) path: &'static str,
    /// Entity tag of the page that is known.
    pub(crate) known: Option<&'a str>,
    /// Most bytes of it that are read.
    pub(crate) most: usize,
}

/// What was answered.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The page is the one that is known.
    Same,
    /// The page.
    Page {
        /// Its content.
        content: Vec<u8>,
        /// Whether that is all of it.
        is_whole: bool,
        /// Its entity tag; empty where there is none, or none that can be.
        tag: String,
    },
}

/// Asks the pod at `address`.
pub(crate) async fn ask(address: SocketAddr, question: Question<'_>) -> Result<Answer, Error> {
    let stream = TcpStream::connect(address).await.map_err(|source| Error::Connect { address, source })?;
    let failed = |source| Error::Ask { address, source };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let answer = async {
        let mut request = Request::new(Empty::<Bytes>::new());
        *request.uri_mut() = hyper::Uri::from_static(question.path);
        if let Ok(host) = address.to_string().parse() {
            request.headers_mut().insert(HOST, host);
        }
        let known = question.known.and_then(|tag| HeaderValue::from_str(tag).ok());
        request.headers_mut().extend(known.clone().map(|tag| (IF_NONE_MATCH, tag)));
        let response = sender.send_request(request).await.map_err(failed)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED if known.is_some() => return Ok(Answer::Same),
            status => return Err(Error::Status { address, status }),
        }
        let tag = response.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).unwrap_or_default();
        let tag = if tag.len() > TAG_BYTES { String::new() } else { tag.to_owned() };
        let (content, is_whole) = read(response.into_body(), question.most)
            .await
            .map_err(|source| Error::Report { address, source: source.into() })?;
        Ok(Answer::Page { content, is_whole, tag })
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

/// At most so many bytes, and whether that is all.
async fn read(mut body: Incoming, most: usize) -> hyper::Result<(Vec<u8>, bool)> {
    let mut content = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        let room = most - content.len();
        content.extend_from_slice(data.get(..room).unwrap_or(&data));
        if data.len() > room {
            return Ok((content, false));
        }
    }
    Ok((content, true))
}
