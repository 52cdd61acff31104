//! Copies of requests, which nobody waits for.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_model::backend::Protocol;
use bulkhead_model::template::TargetTemplate;
use bulkhead_model::{Backend, Endpoint, Endpoints, Errand, Filters, Mirror, Template};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::support::{Lane, Peer, eventually};

async fn start(content: bool) -> (Lane, TcpListener) {
    start_for("copies.test", content).await
}

async fn start_for(authority: &str, content: bool) -> (Lane, TcpListener) {
    let lane = Lane::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Arc::new(Endpoint::new(1001, listener.local_addr().unwrap()));
    let endpoints = Arc::new(Endpoints { list: Box::new([endpoint]) });
    let backend = Arc::new(Backend::new(1000, "copies.test:80".into(), Protocol::Http1, endpoints));
    let template = |text| Template::parse(text).unwrap();
    let to =
        Errand { backend, authority: template(authority), target: TargetTemplate::parse("/copy$request_uri").unwrap() };
    lane.publish_filtered(2, Filters { mirror: Some(Mirror { to, content }), ..Filters::default() });
    (lane, listener)
}

/// Sends a request with `content`, and has it answered by the backend.
async fn exchange(lane: &Lane, content: &str) {
    let mut client = lane.client().await;
    client
        .send(&format!("POST /x?y HTTP/1.1\r\nHost: a.test\r\nX-A: 1\r\nContent-Length: {}\r\n\r\n", content.len()))
        .await;
    client.send(content).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    if !content.is_empty() {
        backend.until(content).await;
    }
    backend.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine").await;
    client.until("fine").await;
}

#[tokio::test]
async fn a_copy_is_sent_and_nobody_waits_for_its_answer() {
    let (lane, copies) = start(true).await;
    // It is answered although the copy never is.
    exchange(&lane, "abc").await;
    let mut copy =
        Peer::new(timeout(Duration::from_secs(5), copies.accept()).await.expect("a copy is sent").unwrap().0);
    let head = copy.head().await;
    assert!(head.starts_with("POST /copy/x?y HTTP/1.1\r\nHost: copies.test\r\n"), "{head}");
    assert!(head.contains("X-A: 1\r\n") && head.contains("Content-Length: 3\r\n"), "{head}");
    copy.until("abc").await;
}

#[tokio::test]
async fn a_copy_for_what_is_no_host_is_left_out() {
    for (authority, host) in [("$http_x_a.test:81", Some("1.test:81")), ("a b$http_x_a", None), ("$http_nothing", None)]
    {
        let (lane, copies) = start_for(authority, false).await;
        exchange(&lane, "").await;
        let Some(host) = host else {
            eventually("the copy is counted as dropped", || lane.proxy.tally().mirrors_dropped == 1).await;
            continue;
        };
        let mut copy = Peer::new(timeout(Duration::from_secs(5), copies.accept()).await.unwrap().unwrap().0);
        let head = copy.head().await;
        assert!(head.contains(&format!("\r\nHost: {host}\r\n")), "{head}");
    }
}

#[tokio::test]
async fn a_copy_without_content_says_no_length() {
    let (lane, copies) = start(false).await;
    exchange(&lane, "abc").await;
    let mut copy =
        Peer::new(timeout(Duration::from_secs(5), copies.accept()).await.expect("a copy is sent").unwrap().0);
    let head = copy.head().await;
    assert!(!head.contains("Content-Length") && !head.contains("Transfer-Encoding"), "{head}");
}

#[tokio::test]
async fn a_request_with_too_much_content_is_not_copied_and_is_counted() {
    let (lane, copies) = start(true).await;
    exchange(&lane, &"a".repeat((64 << 10) + 1)).await;
    eventually("the copy is counted as dropped", || lane.proxy.tally().mirrors_dropped == 1).await;
    assert!(timeout(Duration::from_millis(50), copies.accept()).await.is_err());
}

#[tokio::test]
async fn nobody_notices_that_copies_cannot_be_sent() {
    let (lane, copies) = start(true).await;
    drop(copies);
    for _ in 0..3 {
        exchange(&lane, "abc").await;
    }
}
