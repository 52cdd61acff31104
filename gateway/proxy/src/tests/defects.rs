//! A panic in the data path.

use http::Request;

use super::http2;
use super::support::{Lane, eventually};
use crate::failpoint;

const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

#[tokio::test]
async fn a_panic_ends_its_connection_alone_and_is_counted() {
    let lane = Lane::start().await;
    let (mut bystander, mut client) = (lane.client().await, lane.client().await);
    bystander.send(GET).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    for count in 1..=3 {
        client.send(&format!("GET {} HTTP/1.1\r\nHost: a.test\r\n\r\n", failpoint::TARGET)).await;
        assert_eq!(client.end().await.unwrap_or_default(), "");
        eventually("a count", || lane.proxy.tally().panics == count).await;
        client = lane.client().await;
    }
    // One thread serves them all: its other connections, the request in flight and its books are as before.
    backend.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    bystander.until("ok").await;
    client.send(GET).await;
    backend.head().await;
    backend.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    client.until("ok").await;
    drop((bystander, client));
    eventually("no client", || lane.proxy.tally().open == 0).await;
    assert_eq!(lane.proxy.tally().panics, 3);
}

#[tokio::test]
async fn a_panic_ends_its_stream_alone_and_is_counted() {
    let lane = Lane::start().await;
    let mut requests = http2::connect(&lane).await;
    let get = |path: &str| Request::get(format!("http://a.test{path}")).body(()).unwrap();
    let (waiting, _) = http2::send(&mut requests, get("/"), true).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    let (response, _) = http2::send(&mut requests, get(failpoint::TARGET), true).await;
    assert!(http2::answer(response).await.is_err_and(|error| error.is_reset()));
    eventually("a count", || lane.proxy.tally().panics == 1).await;
    // The other stream, and the connection, live on.
    backend.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(http2::answer(waiting).await.unwrap().status(), 204);
    let (response, _) = http2::send(&mut requests, get("/"), true).await;
    backend.head().await;
    backend.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(http2::answer(response).await.unwrap().status(), 204);
    assert_eq!(lane.proxy.tally().panics, 1);
}
