//! Connections that become a WebSocket.

use std::time::Duration;

use bulkhead_model::Settings;

use super::support::{Lane, Peer, eventually};

const ASK: &str = "GET /talk HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// A client and a backend that have switched.
async fn switched(lane: &Lane) -> (Peer, Peer) {
    let mut client = lane.client().await;
    client.send(ASK).await;
    let mut backend = lane.accept().await;
    let seen = backend.head().await;
    assert!(seen.contains("\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"), "{seen}");
    assert!(seen.contains("\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), "{seen}");
    backend.send(SWITCH).await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head}");
    assert!(head.contains("\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"), "{head}");
    (client, backend)
}

#[tokio::test]
async fn bytes_go_both_ways_as_they_are_and_the_connections_are_used_for_nothing_else() {
    let lane = Lane::start().await;
    let (mut client, mut backend) = switched(&lane).await;
    client.send("GET / HTTP/1.1\r\n\r\n").await;
    assert_eq!(backend.until("\r\n\r\n").await, "GET / HTTP/1.1\r\n\r\n");
    backend.send("HTTP/1.1 200 OK\r\n\r\n").await;
    assert_eq!(client.until("\r\n\r\n").await, "HTTP/1.1 200 OK\r\n\r\n");
    drop(client);
    assert_eq!(backend.end().await.unwrap(), "");
    assert_eq!(lane.proxy.tally().tunnels, 1);
    eventually("it ends", || lane.proxy.connections() == 0).await;
    // The next request goes over another connection.
    let mut client = lane.client().await;
    client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    lane.accept().await.head().await;
}

/// As in Pingora CVE-2026-2833 and Envoy CVE-2026-73548, where it went on at once.
#[tokio::test]
async fn what_comes_before_the_switch_waits_for_it() {
    let lane = Lane::start().await;
    let mut client = lane.client().await;
    client.send(&format!("{ASK}early")).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    backend.send(&format!("{SWITCH}hello")).await;
    client.head().await;
    assert_eq!(client.until("hello").await, "hello");
    assert_eq!(backend.until("early").await, "early");
}

#[tokio::test]
async fn a_backend_that_does_not_switch_is_answered_for_as_ever() {
    let lane = Lane::start().await;
    let mut client = lane.client().await;
    // A request behind the one that asks: it is one, since nothing was switched.
    client.send(&format!("{ASK}GET /next HTTP/1.1\r\nHost: a.test\r\n\r\n")).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    backend.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno").await;
    assert!(client.until("\r\n\r\nno").await.starts_with("HTTP/1.1 403 "));
    assert!(backend.head().await.starts_with("GET /next "));
    assert_eq!(lane.proxy.tally().tunnels, 0);
}

#[tokio::test]
async fn a_switch_to_something_else_is_no_switch() {
    for head in [
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
    ] {
        let lane = Lane::start().await;
        let mut client = lane.client().await;
        client.send(ASK).await;
        let mut backend = lane.accept().await;
        backend.head().await;
        backend.send(head).await;
        assert!(client.head().await.starts_with("HTTP/1.1 502 "), "{head}");
        assert_eq!(lane.faults("unexpected_switch"), 1);
    }
}

#[tokio::test]
async fn a_tunnel_in_which_nothing_moves_is_closed() {
    let mut settings = Settings::default();
    settings.upstream.read = Duration::from_secs(1);
    let lane = Lane::with(settings).await;
    let (mut client, mut backend) = switched(&lane).await;
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        client.send("x").await;
        backend.until("x").await;
    }
    assert_eq!(client.end().await.unwrap(), "");
    assert_eq!(backend.end().await.unwrap(), "");
}

#[tokio::test]
async fn a_client_is_told_between_two_frames_that_the_proxy_leaves() {
    let lane = Lane::start().await;
    let (mut client, mut backend) = switched(&lane).await;
    // A text frame of four bytes, of which two have come.
    backend.stream_send(b"\x01\x04ab").await;
    client.until("ab").await;
    lane.proxy.lameduck(Duration::ZERO);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(client.held.is_empty());
    backend.stream_send(b"cd").await;
    let rest = client.bytes_to_the_end().await;
    assert_eq!(rest, b"cd\x88\x02\x03\xe9");
    assert_eq!(backend.end().await.unwrap(), "");
}

#[tokio::test]
async fn tunnels_are_closed_one_after_the_other() {
    let lane = Lane::start().await;
    let mut peers = Vec::new();
    for _ in 0..8 {
        peers.push(switched(&lane).await);
    }
    lane.proxy.lameduck(Duration::from_millis(800));
    let mut seen = Vec::new();
    eventually("all end", || {
        let open = lane.proxy.connections();
        if seen.last() != Some(&open) {
            seen.push(open);
        }
        open == 0
    })
    .await;
    assert!(seen.len() > 4, "{seen:?}");
}

#[tokio::test]
async fn a_tunnel_is_no_request_in_flight() {
    let mut settings = Settings::default();
    settings.upstream.requests_per_endpoint = 1;
    let lane = Lane::with(settings).await;
    let _tunnel = switched(&lane).await;
    let mut client = lane.client().await;
    client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    let mut backend = lane.accept().await;
    backend.head().await;
    backend.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 204 "));
}
