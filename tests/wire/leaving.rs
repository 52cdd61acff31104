//! How a gateway comes and goes: ready only when it can serve, and gone without losing a request.

use std::time::Duration;

use bulkhead_crds::lane::{LaneDocument, LaneDrain};
use bulkhead_tests::exchange::Connection;
use rustix::process::Signal;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::support::PATIENCE;
use crate::support::backend::Backend;
use crate::support::lane::Lane;
use crate::support::manifest::{all_of, document, file, ingress, served};

fn with_drain(lameduck_ms: u64, timeout_ms: u64) -> LaneDocument {
    let mut document = document();
    document.drain = LaneDrain { lameduck_ms, timeout_ms };
    document
}

#[tokio::test]
async fn a_gateway_without_a_lane_document_is_alive_and_says_what_it_waits_for() {
    let lane = Lane::start(&document()).await;
    lane.set_document("{");
    let lane = lane.restart().await;
    let report = lane.wait("what it waits for", |report| report.waiting_for.contains("lane document")).await;
    assert_eq!((report.ready, report.snapshot), (false, 0));
    let (live, ready) = (lane.page("/livez").await, lane.page("/readyz").await);
    assert_eq!((live.status, ready.status), (200, 503));
    assert!(ready.text().starts_with("waiting for the lane document"), "{}", ready.text());
    assert_eq!(lane.get("any.test", "/").await.status, 503, "a gateway that knows nothing must not say 404");
    lane.set_document(&serde_json::to_string(&document()).unwrap());
    lane.wait("a ready gateway", |report| report.ready).await;
    assert_eq!((lane.page("/readyz").await.text().as_str(), lane.get("any.test", "/").await.status), ("ok\n", 404));
}

/// Lame-duck time that no test waits out: what is asserted is what happens within it.
const LONG: u64 = 60_000;

#[tokio::test]
async fn a_gateway_that_leaves_is_not_ready_and_goes_on_serving_connection_by_connection() {
    let lane = Lane::start(&with_drain(LONG, LONG)).await;
    let backend = Backend::echo().await;
    lane.put("web.yaml", &file(&[ingress("web", &[all_of("leave.test", "web")]), served("web", backend.port())]));
    lane.wait_for("leave.test", "/", 200, "GET /").await;
    let request = "GET / HTTP/1.1\r\nHost: leave.test\r\n\r\n";
    let mut old = lane.connect().await;
    old.write(request).await.unwrap();
    assert_eq!(old.answer().await.unwrap().header("connection"), None);

    lane.process.signal(Signal::TERM).unwrap();
    let report = lane.wait("a gateway that leaves", |report| report.draining).await;
    assert!(!report.ready);
    let (live, ready) = (lane.page("/livez").await, lane.page("/readyz").await);
    assert_eq!((live.status, ready.status, ready.text().as_str()), (200, 503, "draining\n"));
    // New connections and those that were open are served, and asked to come again elsewhere.
    let mut new = lane.connect().await;
    for client in [&mut new, &mut old] {
        client.write(request).await.unwrap();
        let answer = client.answer().await.unwrap();
        assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
        assert!(client.closed().await.unwrap().is_empty());
    }
    // What the gateway says itself closes as well, and changes are still followed.
    lane.put("more.yaml", &ingress("more", &[all_of("more.test", "web")]));
    lane.wait_for("more.test", "/", 200, "GET /").await;
    let mut lost = lane.connect().await;
    lost.write("GET / HTTP/1.1\r\nHost: nobody.test\r\n\r\n").await.unwrap();
    let answer = lost.answer().await.unwrap();
    assert_eq!((answer.status, answer.header("connection")), (404, Some("close")));

    // The second signal does not wait for anything.
    lane.process.signal(Signal::TERM).unwrap();
    let status = lane.process.wait_exit(Duration::from_secs(5)).await.unwrap();
    assert_eq!(status.code(), Some(128 + 15));
}

#[tokio::test]
async fn requests_in_flight_end_before_the_process_does() {
    let lane = Lane::start(&with_drain(0, LONG)).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    lane.put(
        "web.yaml",
        &file(&[ingress("web", &[all_of("drain.test", "web")]), served("web", listener.local_addr().unwrap().port())]),
    );
    lane.wait("an endpoint", |report| report.endpoints == 1).await;
    let mut idle = lane.connect().await;
    let mut client = lane.connect().await;
    client.write("GET / HTTP/1.1\r\nHost: drain.test\r\n\r\n").await.unwrap();
    let mut backend = Connection::over(timeout(PATIENCE, listener.accept()).await.unwrap().unwrap().0);
    backend.until(b"\r\n\r\n").await.unwrap();

    lane.process.signal(Signal::TERM).unwrap();
    // Whoever waits for nothing is let go, and nobody new is accepted.
    assert!(idle.closed().await.unwrap().is_empty());
    bulkhead_tests::wait::wait_for("a closed port", PATIENCE, async || {
        anyhow::ensure!(Connection::open(lane.http).await.is_err(), "still accepting");
        Ok(())
    })
    .await
    .unwrap();
    lane.process.ensure_running().unwrap();
    backend.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nla").await.unwrap();
    client.until(b"la").await.unwrap();
    lane.process.ensure_running().unwrap();
    backend.write("st").await.unwrap();
    assert_eq!(client.closed().await.unwrap(), b"st");
    let status = lane.process.wait_exit(Duration::from_secs(5)).await.unwrap();
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn what_does_not_end_in_time_is_cut_and_the_process_ends_in_peace() {
    let lane = Lane::start(&with_drain(0, 200)).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    lane.put(
        "web.yaml",
        &file(&[ingress("web", &[all_of("cut.test", "web")]), served("web", listener.local_addr().unwrap().port())]),
    );
    lane.wait("an endpoint", |report| report.endpoints == 1).await;
    let mut client = lane.connect().await;
    client.write("GET / HTTP/1.1\r\nHost: cut.test\r\n\r\n").await.unwrap();
    let mut backend = Connection::over(timeout(PATIENCE, listener.accept()).await.unwrap().unwrap().0);
    backend.until(b"\r\n\r\n").await.unwrap();
    backend.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nla").await.unwrap();
    client.until(b"la").await.unwrap();
    lane.process.signal(Signal::TERM).unwrap();
    let status = lane.process.wait_exit(Duration::from_secs(5)).await.unwrap();
    assert_eq!(status.code(), Some(0));
    // Half a response does not look like a whole one.
    assert!(client.closed().await.is_err());
}
