//! Changes of configuration, and the way out.

use std::time::Duration;

use super::support::{Lane, eventually};

const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

#[tokio::test]
async fn a_new_snapshot_is_served_by_idle_threads_and_the_old_one_is_given_back() {
    let lane = Lane::start().await;
    eventually("the first is served", || lane.proxy.served() == 1).await;
    let _idle = lane.client().await;
    lane.publish(2);
    eventually("the second is served", || lane.proxy.served() == 2).await;
    lane.publication.collect();
}

#[tokio::test]
async fn a_lame_duck_accepts_and_says_close() {
    let lane = Lane::start().await;
    let mut kept = lane.client().await;
    kept.send(GET).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    lane.proxy.lameduck(Duration::ZERO);
    // The phase has reached the thread once a new connection is told so.
    let mut late = lane.client().await;
    late.send("GET / HTTP/1.1\r\nHost: b.test\r\n\r\n").await;
    assert!(late.end().await.unwrap().contains("Connection: close\r\n"));
    backend.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(kept.head().await, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
}

#[tokio::test]
async fn a_drain_finishes_what_is_in_flight_and_closes_what_is_idle() {
    let lane = Lane::start().await;
    let mut idle = lane.client().await;
    let mut busy = lane.client().await;
    busy.send(GET).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    eventually("both are open", || lane.proxy.connections() == 2).await;
    let drain = lane.proxy.drain(Duration::from_secs(5));
    let rest = async {
        assert_eq!(idle.end().await.unwrap(), "");
        backend.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await;
        assert!(busy.until("hi").await.contains("Connection: close\r\n"));
        drop(busy);
    };
    let (cut, ()) = tokio::join!(drain, rest);
    assert_eq!((cut, lane.proxy.connections()), (0, 0));
    assert!(tokio::net::TcpStream::connect(lane.address()).await.is_err());
}

#[tokio::test]
async fn a_drain_cuts_what_does_not_end_and_counts_it() {
    let lane = Lane::start().await;
    let mut busy = lane.client().await;
    busy.send(GET).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    assert_eq!(lane.proxy.drain(Duration::from_millis(50)).await, 1);
    assert_eq!(lane.proxy.connections(), 0);
    assert!(busy.end().await.is_err());
}
