//! The built-in backend: answers every request with what it saw of it, as JSON.
//!
//! A path that ends with `/status/NNN` is answered with that status, one that ends with `/download` with `bytes` bytes at `rate` bytes a
//! second (query parameters; 10 MiB as fast as possible unless given).

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode, Uri};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Sleep, sleep};

/// Most connections of one backend: more than any try-out needs, far fewer than descriptors.
const CONNECTIONS: usize = 1024;
/// Largest piece of a download.
const PIECE: usize = 64 << 10;
/// How often a piece of a slow download is sent.
const BEAT: Duration = Duration::from_millis(50);
/// Bytes of a download unless asked otherwise.
const DOWNLOAD_BYTES: u64 = 10 << 20;
/// Pause after a connection could not be accepted: with no descriptors left, trying at once would only burn a processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Which Service a backend stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Identity {
    pub(crate) service: String,
    pub(crate) namespace: String,
}

/// What a backend saw of one request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Echo<'a> {
    #[serde(flatten)]
    identity: &'a Identity,
    method: &'a str,
    path: &'a str,
    host: &'a str,
    headers: BTreeMap<&'a str, String>,
    content_bytes: usize,
}

/// Serves for ever. Dropped, it closes its listener and connections.
pub(crate) async fn serve(listener: TcpListener, identity: Identity) {
    let (identity, free) = (Arc::new(identity), Arc::new(Semaphore::new(CONNECTIONS)));
    let mut connections = JoinSet::new();
    loop {
        let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        let identity = Arc::clone(&identity);
        connections.spawn(async move {
            let answer = service_fn(|request| answer(&identity, request));
            let mut server = hyper::server::conn::http1::Builder::new();
            // A client that goes away is no concern of the backend.
            let _ = server.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), answer).await;
            drop(permit);
        });
    }
}

type Content = Either<Full<Bytes>, Download>;

async fn answer(identity: &Identity, request: Request<Incoming>) -> Result<Response<Content>, Infallible> {
    let (head, mut content) = request.into_parts();
    if head.uri.path().ends_with("/download") {
        return Ok(Response::new(Either::Right(Download::asked(&head.uri))));
    }
    let mut content_bytes = 0;
    while let Some(Ok(frame)) = content.frame().await {
        content_bytes += frame.data_ref().map_or(0, Bytes::len);
    }
    let echo = Echo {
        identity,
        method: head.method.as_str(),
        path: head.uri.path_and_query().map_or("/", |path| path.as_str()),
        host: head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default(),
        headers: fields(&head.headers),
        content_bytes,
    };
    let mut text = serde_json::to_vec_pretty(&echo).unwrap_or_default();
    text.push(b'\n');
    let mut response = Response::new(Either::Left(Full::from(text)));
    *response.status_mut() = status(head.uri.path());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

fn fields(headers: &HeaderMap) -> BTreeMap<&str, String> {
    let mut fields: BTreeMap<&str, String> = BTreeMap::new();
    for (name, value) in headers {
        let text = String::from_utf8_lossy(value.as_bytes());
        // RFC 9110 section 5.3: several fields of a name are one list.
        fields
            .entry(name.as_str())
            .and_modify(|list| *list = format!("{list}, {text}"))
            .or_insert_with(|| text.into_owned());
    }
    fields
}

/// The status that a path asks for.
fn status(path: &str) -> StatusCode {
    let asked = path.rsplit_once("/status/").and_then(|(_, code)| code.parse::<u16>().ok());
    // Below 200 are interim responses, which need a final one after them.
    asked.filter(|code| *code >= 200).and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(StatusCode::OK)
}

/// The content of a download.
struct Download {
    left: u64,
    piece: Bytes,
    /// When the next piece may go, for a download with a rate.
    beat: Option<Pin<Box<Sleep>>>,
}

impl Download {
    fn asked(uri: &Uri) -> Self {
        let number = |name: &str| {
            let pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
            pairs.filter(|(key, _)| *key == name).find_map(|(_, value)| value.parse::<u64>().ok())
        };
        let rate = number("rate").filter(|rate| *rate > 0);
        let per_beat = rate.map(|rate| rate.saturating_mul(BEAT.as_millis() as u64) / 1000);
        let bytes = per_beat.map_or(PIECE, |bytes| usize::try_from(bytes).unwrap_or(PIECE).clamp(1, PIECE));
        let beat = rate.map(|_| Box::pin(sleep(BEAT)));
        Self { left: number("bytes").unwrap_or(DOWNLOAD_BYTES), piece: Bytes::from(vec![b'.'; bytes]), beat }
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        if this.left == 0 {
            return Poll::Ready(None);
        }
        if let Some(beat) = &mut this.beat {
            ready!(beat.as_mut().poll(context));
            let next = beat.deadline() + BEAT;
            beat.as_mut().reset(next);
        }
        let bytes = usize::try_from(this.left).unwrap_or(usize::MAX).min(this.piece.len());
        this.left -= bytes as u64;
        Poll::Ready(Some(Ok(Frame::data(this.piece.slice(..bytes)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests;
