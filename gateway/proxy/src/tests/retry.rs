//! When a request may be sent again.

use std::sync::Arc;

use bulkhead_model::{Endpoint, Endpoints};
use tokio::net::TcpListener;

use super::support::{Lane, eventually};

const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const POST: &str = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi";
const NO_CONTENT: &str = "HTTP/1.1 204 No Content\r\n\r\n";

#[tokio::test]
async fn an_idempotent_request_is_sent_again_when_a_kept_connection_turns_out_closed() {
    let lane = Lane::start().await;
    let mut client = lane.client().await;
    client.send(GET).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    backend.send(NO_CONTENT).await;
    client.head().await;
    client.send(GET).await;
    // The request arrives on the kept connection, which then closes without a word.
    backend.head().await;
    drop(backend);
    let mut again = lane.accept().await;
    again.head().await;
    again.send(NO_CONTENT).await;
    assert_eq!(client.head().await, NO_CONTENT);
    assert_eq!(lane.proxy.tally().retries, 1);
}

#[tokio::test]
async fn a_request_that_may_have_had_an_effect_is_never_sent_again() {
    let lane = Lane::start().await;
    let mut client = lane.client().await;
    client.send(POST).await;
    let mut backend = lane.accept().await;
    backend.until("hi").await;
    backend.send(NO_CONTENT).await;
    client.head().await;
    client.send(POST).await;
    backend.until("hi").await;
    drop(backend);
    assert!(client.until("without an answer\n").await.starts_with("HTTP/1.1 502 "));
    // The connection is not in doubt: the request was complete.
    client.send(GET).await;
    lane.accept().await.head().await;
    assert_eq!(lane.proxy.tally().retries, 0);
}

#[tokio::test]
async fn a_fresh_connection_that_closes_is_not_tried_again() {
    let lane = Lane::start().await;
    let mut client = lane.client().await;
    client.send(GET).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    drop(backend);
    assert!(client.head().await.starts_with("HTTP/1.1 502 "));
}

#[tokio::test]
async fn an_endpoint_that_refuses_connections_is_passed_over() {
    let lane = Lane::start().await;
    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let alive = lane.backend.endpoints().list[0].clone();
    lane.backend.publish(Arc::new(Endpoints { list: Box::new([Arc::new(Endpoint::new(2, dead)), alive]) }));
    for _ in 0..4 {
        let mut client = lane.client().await;
        client.send(POST).await;
        let mut backend = lane.accept().await;
        backend.until("hi").await;
        backend.send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await;
        assert_eq!(client.head().await, NO_CONTENT);
    }
    lane.backend.publish(Arc::new(Endpoints { list: Box::new([Arc::new(Endpoint::new(3, dead))]) }));
    let mut client = lane.client().await;
    client.send(GET).await;
    assert!(client.head().await.starts_with("HTTP/1.1 502 "));
}

#[tokio::test]
async fn connections_to_an_endpoint_that_was_taken_out_are_closed() {
    let lane = Lane::start().await;
    let mut client = lane.client().await;
    client.send(GET).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    // Taken out while a request is on its way: it ends in peace, and the connection with it.
    lane.backend.publish(Arc::new(Endpoints::default()));
    backend.send(NO_CONTENT).await;
    assert_eq!(client.head().await, NO_CONTENT);
    assert_eq!(backend.end().await.unwrap(), "");
    eventually("the response is counted", || lane.proxy.tally().responses[2] == 1).await;
}

#[tokio::test]
async fn a_request_whose_content_is_partly_gone_is_never_sent_again() {
    for (framing, first, rest) in [
        ("Content-Length: 8", "abcd", "efgh"),
        ("Transfer-Encoding: chunked", "4\r\nabcd\r\n", "4\r\nefgh\r\n0\r\n\r\n"),
    ] {
        let lane = Lane::start().await;
        let mut client = lane.client().await;
        client.send(GET).await;
        let mut backend = lane.accept().await;
        backend.head().await;
        backend.send(NO_CONTENT).await;
        client.head().await;
        client.send(&format!("PUT / HTTP/1.1\r\nHost: a.test\r\n{framing}\r\n\r\n{first}")).await;
        backend.until("abcd").await;
        client.send(rest).await;
        backend.until("efgh").await;
        drop(backend);
        assert!(client.until("without an answer\n").await.starts_with("HTTP/1.1 502 "), "{framing}");
        assert_eq!(lane.proxy.tally().retries, 0, "{framing}");
    }
}

#[tokio::test]
async fn content_that_is_still_in_hand_is_sent_again_with_its_request() {
    let lane = Lane::start().await;
    let mut client = lane.client().await;
    client.send(GET).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    backend.send(NO_CONTENT).await;
    client.head().await;
    client.send("PUT / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n").await;
    backend.until("0\r\n\r\n").await;
    drop(backend);
    let mut again = lane.accept().await;
    assert!(again.until("0\r\n\r\n").await.ends_with("\r\n\r\n4\r\nabcd\r\n0\r\n\r\n"));
}
