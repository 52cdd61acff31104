//! Every limit of the lane document: at it, one above, ten times above; and that it can be changed while the gateway runs.

mod coverage;
mod openings;
mod times;

use bulkhead_crds::lane::{LaneDocument, LaneLimits};
use std::collections::BTreeMap;

use crate::support::backend::Backend;
use crate::support::lane::Lane;
use crate::support::manifest::{all_of, document, file, ingress, served};

const HOST: &str = "limits.test";

/// A gateway with these limits and a backend behind it.
struct Limited {
    lane: Lane,
    backend: Backend,
}

fn with(change: impl FnOnce(&mut LaneLimits)) -> LaneDocument {
    let mut document = document();
    change(&mut document.limits);
    document
}

impl Limited {
    async fn new(document: &LaneDocument) -> Self {
        let (lane, backend) = (Lane::start(document).await, Backend::echo().await);
        lane.put("web.yaml", &file(&[ingress("web", &[all_of(HOST, "web")]), served("web", backend.port())]));
        lane.wait("an endpoint", |report| report.routes == 1 && report.endpoints == 1).await;
        Self { lane, backend }
    }

    /// Sends each request whole and compares statuses. A refused one closes its connection and reaches no backend, and is counted.
    async fn expect(&self, rows: &[(Vec<u8>, u16, &str)]) {
        for (request, status, reason) in rows {
            let counted = self.lane.faults().await.get(*reason).copied().unwrap_or(0);
            let mut client = self.lane.connect().await;
            client.write(request).await.unwrap();
            let answer = client.answer().await.unwrap();
            assert_eq!(answer.status, *status, "{reason}, {} bytes: {}", request.len(), answer.text());
            let saw = self.backend.saw().await;
            if *status == 200 {
                assert_eq!(saw.requests.len(), 1);
            } else {
                assert_eq!((saw.requests.len(), client.closed().await.unwrap().len()), (0, 0), "{reason}");
                assert_eq!(self.lane.faults().await[*reason], counted + 1, "{reason}");
            }
        }
    }
}

/// A GET of exactly this many bytes.
fn head_of(bytes: usize) -> Vec<u8> {
    let around = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nX: \r\n\r\n").len();
    format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nX: {}\r\n\r\n", "y".repeat(bytes - around)).into_bytes()
}

fn target_of(bytes: usize) -> Vec<u8> {
    format!("GET /{} HTTP/1.1\r\nHost: {HOST}\r\n\r\n", "p".repeat(bytes - 1)).into_bytes()
}

fn fields_of(count: usize) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n{}\r\n", "X: y\r\n".repeat(count - 1)).into_bytes()
}

fn sized(bytes: usize) -> Vec<u8> {
    format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {bytes}\r\n\r\n{}", "c".repeat(bytes)).into_bytes()
}

fn chunked(bytes: usize) -> Vec<u8> {
    let chunk = format!("64\r\n{}\r\n", "c".repeat(100));
    let rest = bytes % 100;
    let last = if rest == 0 { String::new() } else { format!("{rest:x}\r\n{}\r\n", "c".repeat(rest)) };
    format!(
        "POST / HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n{}{last}0\r\n\r\n",
        chunk.repeat(bytes / 100)
    )
    .into_bytes()
}

#[tokio::test]
async fn a_head_has_so_many_bytes_and_no_more() {
    let limited = Limited::new(&with(|limits| limits.request_head_bytes = 8 << 10)).await;
    let (ok, large) = ((200, ""), (431, "head_too_large"));
    let row = |bytes: usize, (status, reason)| (head_of(bytes), status, reason);
    limited.expect(&[row(8 << 10, ok), row((8 << 10) + 1, large), row(80 << 10, large)]).await;
    // Larger than any buffer that is there from the start, and smaller again.
    limited.lane.configure(&with(|limits| limits.request_head_bytes = 100 << 10)).await;
    limited.expect(&[row(100 << 10, ok), row((100 << 10) + 1, large), row(1000 << 10, large)]).await;
    limited.lane.configure(&with(|limits| limits.request_head_bytes = 4 << 10)).await;
    limited.expect(&[row(4 << 10, ok), row((4 << 10) + 1, large)]).await;
    // A head without an end is refused when it is too long, not when it ends.
    limited.expect(&[(head_of(9 << 10)[..8 << 10].to_vec(), 431, "head_too_large")]).await;
}

#[tokio::test]
async fn a_target_has_so_many_bytes_and_no_more() {
    let limited = Limited::new(&with(|limits| limits.request_target_bytes = 256)).await;
    let (ok, long) = ((200, ""), (414, "target_too_long"));
    let row = |bytes: usize, (status, reason)| (target_of(bytes), status, reason);
    limited.expect(&[row(256, ok), row(257, long), row(2560, long)]).await;
    limited.lane.configure(&with(|limits| limits.request_target_bytes = 8 << 10)).await;
    limited.expect(&[row(257, ok), row(8 << 10, ok), row((8 << 10) + 1, long), row(80 << 10, long)]).await;
    // Without an end it is refused when it is too long.
    limited.expect(&[(target_of(9 << 10)[..(8 << 10) + 100].to_vec(), 414, "target_too_long")]).await;
}

#[tokio::test]
async fn a_head_has_so_many_fields_and_no_more() {
    let limited = Limited::new(&with(|limits| limits.request_fields = 10)).await;
    let (ok, many) = ((200, ""), (431, "too_many_fields"));
    let row = |count: usize, (status, reason)| (fields_of(count), status, reason);
    limited.expect(&[row(10, ok), row(11, many), row(100, many)]).await;
    limited.lane.configure(&with(|limits| limits.request_fields = 100)).await;
    limited.expect(&[row(100, ok), row(101, many), row(1000, many)]).await;
}

#[tokio::test]
async fn content_has_so_many_bytes_and_no_more() {
    let limited = Limited::new(&with(|limits| limits.request_content_bytes = 1000)).await;
    let (ok, large) = ((200, ""), (413, "content_too_large"));
    let row = |request: Vec<u8>, (status, reason)| (request, status, reason);
    limited.expect(&[row(sized(1000), ok), row(sized(1001), large), row(sized(10_000), large)]).await;
    limited.expect(&[row(chunked(1000), ok), row(chunked(1001), large), row(chunked(10_000), large)]).await;
    // A length alone is enough to be refused: nobody waits for the content, or sends it after permission that never comes.
    let announced =
        format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n").into_bytes();
    limited.expect(&[row(announced, large)]).await;
    // 0 is no limit.
    limited.lane.configure(&with(|limits| limits.request_content_bytes = 0)).await;
    limited.expect(&[row(sized(300_000), ok), row(chunked(300_000), ok)]).await;
}

/// Content that grows beyond the limit after the backend has begun to see it is broken off there as well.
#[tokio::test]
async fn content_that_grows_too_large_on_its_way_is_never_complete() {
    let limited = Limited::new(&with(|limits| limits.request_content_bytes = 100_000)).await;
    let mut client = limited.lane.connect().await;
    client.write(format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n")).await.unwrap();
    let chunk = format!("2710\r\n{}\r\n", "c".repeat(10_000));
    for _ in 0..11 {
        client.write(&chunk).await.unwrap();
    }
    assert_eq!(client.answer().await.unwrap().status, 413);
    client.closed().await.unwrap();
    let saw = limited.backend.saw().await;
    assert_eq!((saw.requests.len(), saw.malformed.len()), (0, 0));
}

#[tokio::test]
async fn a_connection_takes_so_many_requests() {
    let limited = Limited::new(&with(|limits| limits.keep_alive_requests = 3)).await;
    let request = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    for expected in [[None, None, Some("close")]; 2] {
        let mut client = limited.lane.connect().await;
        // All of them at once, and one that nobody reads.
        client.write(request.repeat(4)).await.unwrap();
        for connection in expected {
            assert_eq!(client.answer().await.unwrap().header("connection"), connection);
        }
        assert!(client.closed().await.unwrap_or_default().is_empty());
    }
    assert_eq!(limited.backend.saw().await.requests.len(), 6);
    limited.lane.wait_for_metrics(|seen| seen["bulkhead_connections_worn_out_total"], 2.0).await;
    // A connection that is open when the limit changes has the new one.
    let mut client = limited.lane.connect().await;
    client.write(&request).await.unwrap();
    assert_eq!(client.answer().await.unwrap().header("connection"), None);
    limited.lane.configure(&with(|limits| limits.keep_alive_requests = 1)).await;
    client.write(&request).await.unwrap();
    assert_eq!(client.answer().await.unwrap().header("connection"), Some("close"));
}

#[tokio::test]
async fn a_gateway_has_so_many_connections() {
    // The bound is the process's, divided evenly between its two data threads: the kernel decides which thread gets a connection.
    let limited = Limited::new(&with(|limits| limits.connections = 8)).await;
    let request = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    let mut served = Vec::new();
    let mut turned_away = 0;
    for _ in 0..80 {
        let mut client = limited.lane.connect().await;
        let sent = client.write(&request).await;
        match client.answer().await {
            Ok(answer) if sent.is_ok() => {
                assert_eq!(answer.status, 200);
                served.push(client);
            }
            _ => turned_away += 1,
        }
    }
    assert_eq!((served.len(), turned_away), (8, 72));
    let figures =
        |seen: &BTreeMap<String, f64>| (seen["bulkhead_connections"], seen["bulkhead_connections_over_limit_total"]);
    limited.lane.wait_for_metrics(figures, (8.0, 72.0)).await;
    // Who has a connection keeps it, and a place that is left is taken again.
    for client in &mut served {
        client.write(&request).await.unwrap();
        assert_eq!(client.answer().await.unwrap().status, 200);
    }
    drop(served);
    limited.lane.wait("a gateway", |report| report.ready).await;
    limited.lane.wait_for(HOST, "/", 200, "GET /").await;
    // More connections are allowed at once.
    limited.lane.configure(&with(|limits| limits.connections = 400)).await;
    let mut more = Vec::new();
    for _ in 0..80 {
        let mut client = limited.lane.connect().await;
        client.write(&request).await.unwrap();
        assert_eq!(client.answer().await.unwrap().status, 200);
        more.push(client);
    }
}
