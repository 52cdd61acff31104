//! What hyper makes of the bytes of one connection, as it is when nothing is configured.

use std::cell::RefCell;
use std::convert::Infallible;
use std::time::Duration;

use bulkhead_http1::may_trail;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use crate::compare::{End, Message, Pairs, View, pairs};

/// What fits between the two sides; more than any test sends or is sent.
const PIPE_BYTES: usize = 1 << 20;
/// How long hyper may take over one connection in memory.
const PATIENCE: Duration = Duration::from_secs(20);

/// The bytes as a client sent them before it stopped sending.
pub(crate) async fn requests(bytes: &[u8]) -> View {
    let (client, server) = duplex(PIPE_BYTES);
    let messages = RefCell::new(Vec::new());
    let service = service_fn(async |request: Request<Incoming>| {
        let (head, content) = request.into_parts();
        let target = head.uri.path_and_query().map_or_else(|| head.uri.to_string(), ToString::to_string);
        let start = format!("{} {target} {:?}", head.method, head.version);
        let fields = fields(&head.headers);
        let trailers = Pairs::new();
        // A message whose content breaks off counts even if hyper never asks for the answer.
        messages.borrow_mut().push(Message { start, fields, content: None, trailers });
        let content = collect(content).await;
        if let Some(last) = messages.borrow_mut().last_mut() {
            (last.content, last.trailers) = content;
        }
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    let serving = builder.half_close(true).serve_connection(TokioIo::new(server), service);
    let both = async { tokio::join!(serving, send(client, bytes)).0 };
    let end = end(tokio::time::timeout(PATIENCE, both).await.ok());
    View { messages: messages.into_inner(), end }
}

/// The bytes as a backend sent them, before it closed the connection, in answer to HEAD or GET.
pub(crate) async fn response(bytes: &[u8], to_head: bool) -> View {
    let (client, mut server) = duplex(PIPE_BYTES);
    let asking = async {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(client)).await?;
        let request = Request::builder().method(if to_head { "HEAD" } else { "GET" }).uri("/").header("host", "a");
        let request = request.body(Empty::<Bytes>::new()).expect("the request is a good one");
        let answer = async {
            let (head, content) = sender.send_request(request).await?.into_parts();
            let start = format!("{:?} {}", head.version, head.status.as_u16());
            let fields = fields(&head.headers);
            let (content, trailers) = collect(content).await;
            Ok(Message { start, fields, content, trailers })
        };
        tokio::join!(answer, connection).0
    };
    let answering = async {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") && server.read_buf(&mut request).await.is_ok_and(|len| len > 0) {}
        send(server, bytes).await;
    };
    let both = async { tokio::join!(asking, answering).0 };
    match tokio::time::timeout(PATIENCE, both).await {
        Ok(Ok(message)) => View { messages: vec![message], end: End::Over },
        Ok(Err(error)) => View { messages: Vec::new(), end: end(Some(Err(error))) },
        Err(_) => View { messages: Vec::new(), end: end(None) },
    }
}

/// Sends all bytes, stops sending, and takes what comes until the other side closes.
async fn send(mut stream: DuplexStream, bytes: &[u8]) {
    if stream.write_all(bytes).await.is_ok() && stream.shutdown().await.is_ok() {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
}

fn end(result: Option<hyper::Result<()>>) -> End {
    match result {
        None => End::Refused("hangs".to_owned()),
        Some(Ok(())) => End::Over,
        Some(Err(error)) if error.is_incomplete_message() => End::Waits,
        Some(Err(error)) => End::Refused(error.to_string()),
    }
}

/// The content, unless it is broken, and the trailers that may be passed on.
async fn collect(content: Incoming) -> (Option<Vec<u8>>, Pairs) {
    let Ok(collected) = content.collect().await else { return (None, Pairs::new()) };
    let trailers = collected.trailers().map(fields).unwrap_or_default();
    let passed = trailers.into_iter().filter(|(name, _)| may_trail(name.as_bytes(), false)).collect();
    (Some(collected.to_bytes().to_vec()), passed)
}

fn fields(headers: &HeaderMap) -> Pairs {
    pairs(headers.iter().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes())))
}
