//! Poisoned pools: what one exchange leaves behind on a connection to a backend is never a part of the next client's.
//!
//! As in Traefik CVE-2026-71324 (a CONNECT that was answered 2xx), Envoy CVE-2026-73548 and Pingora CVE-2026-2833 (bytes behind a
//! request to upgrade, sent on before the backend agreed) and Pingora CVE-2025-4366 (content left over by an early answer).

use http::{Method, Request};

use super::http2::{answer, connect, send};
use super::support::{Lane, Peer};

const POISON: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
const ASK: &str = "GET /talk HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// A request to `/next` of somebody else.
async fn next(lane: &Lane) -> Peer {
    let mut client = lane.client().await;
    client.send("GET /next HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    client
}

/// Somebody else's request goes over a connection of its own, and its answer is the one that was given there.
async fn the_next_client_has_a_connection_of_its_own(lane: &Lane) {
    let mut client = next(lane).await;
    let mut backend = lane.accept().await;
    assert!(backend.head().await.starts_with("GET /next "));
    backend.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nclean").await;
    let answer = client.until("clean").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"), "{answer}");
}

#[tokio::test]
async fn bytes_behind_a_response_are_never_the_answer_to_the_next_client() {
    for (method, response) in [
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
        ("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"),
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 61\r\n\r\n"),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 61\r\n\r\n"),
        ("GET", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
        ("GET", "HTTP/1.1 101 Switching Protocols\r\n\r\n"),
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"),
    ] {
        // At once, or once the connection is idle.
        for late in [false, true] {
            let lane = Lane::start().await;
            let mut client = lane.client().await;
            client.send(&format!("{method} / HTTP/1.1\r\nHost: a.test\r\n\r\n")).await;
            let mut backend = lane.accept().await;
            backend.head().await;
            backend.send(&if late { response.to_owned() } else { format!("{response}{POISON}") }).await;
            let first = client.head().await;
            if late {
                // The answer after this one shows that the exchange is over.
                client.send("GET / HTTP/1.1\r\nHost: b.test\r\n\r\n").await;
                client.until("host and path\n").await;
                let _ = tokio::io::AsyncWriteExt::write_all(&mut backend.stream, POISON.as_bytes()).await;
            }
            assert!(!first.contains("poison"), "{first}");
            the_next_client_has_a_connection_of_its_own(&lane).await;
        }
    }
}

#[tokio::test]
async fn bytes_behind_a_request_to_upgrade_wait_until_the_backend_agrees() {
    for refusal in [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno",
    ] {
        let lane = Lane::start().await;
        let mut client = lane.client().await;
        client.send(&format!("{ASK}\u{1}frame")).await;
        let mut backend = lane.accept().await;
        backend.head().await;
        backend.send(refusal).await;
        client.until("\r\n\r\nno").await;
        // What was meant for a tunnel is read as what it is without one: no request.
        assert!(client.end().await.unwrap().starts_with("HTTP/1.1 400 "), "{refusal}");
        let _next = next(&lane).await;
        let seen = backend.head().await;
        assert!(seen.starts_with("GET /next HTTP/1.1\r\n"), "{refusal}: {seen}");
    }
}

#[tokio::test]
async fn no_method_of_a_client_makes_a_tunnel() {
    let lane = Lane::start().await;
    for target in ["a.test:80", "a.test", "/", "*", "http://a.test/"] {
        let mut client = lane.client().await;
        let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n";
        client.send(&format!("CONNECT {target} HTTP/1.1\r\nHost: a.test\r\n\r\n{smuggled}")).await;
        let refused = client.end().await.unwrap();
        assert!(refused.starts_with("HTTP/1.1 40") && refused.matches("HTTP/1.1").count() == 1, "{target}: {refused}");
    }
    let mut requests = connect(&lane).await;
    let tunnel = Request::builder().method(Method::CONNECT).uri("a.test:80").body(()).unwrap();
    let (response, _content) = send(&mut requests, tunnel, false).await;
    assert!(answer(response).await.map_or(true, |response| response.status().is_client_error()));
    assert_eq!(lane.proxy.tally().upstream_connects, 0);
}

#[tokio::test]
async fn content_that_an_early_answer_left_over_is_never_the_next_request() {
    for framing in ["Content-Length: 100000", "Transfer-Encoding: chunked"] {
        for then in ["", "Connection: keep-alive\r\n"] {
            let lane = Lane::start().await;
            let mut client = lane.client().await;
            client.send(&format!("POST / HTTP/1.1\r\nHost: a.test\r\n{framing}\r\n\r\n")).await;
            let mut backend = lane.accept().await;
            backend.head().await;
            backend.send(&format!("HTTP/1.1 200 OK\r\n{then}Content-Length: 2\r\n\r\nok")).await;
            client.until("\r\n\r\nok").await;
            let smuggled = b"GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n";
            // The gateway may have closed the connection by now.
            let _ = tokio::io::AsyncWriteExt::write_all(&mut client.stream, smuggled).await;
            the_next_client_has_a_connection_of_its_own(&lane).await;
            assert_eq!(backend.end().await.unwrap_or_default(), "", "{framing}");
        }
    }
}

/// The same with a client of HTTP/2, whose stream ends by itself.
#[tokio::test]
async fn what_a_stream_that_was_reset_left_over_is_never_the_next_request() {
    let lane = Lane::start().await;
    let mut requests = connect(&lane).await;
    let request = Request::post("http://a.test/").body(()).unwrap();
    let (response, mut content) = send(&mut requests, request, false).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    content.send_data("GET /smuggled HTTP/1.1\r\n".into(), false).unwrap();
    backend.until("/smuggled").await;
    content.send_reset(h2::Reason::CANCEL);
    drop(response);
    backend.end().await.unwrap_or_default();
    the_next_client_has_a_connection_of_its_own(&lane).await;
}
