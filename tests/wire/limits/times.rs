//! Limits in time. What is asserted is that they are kept, never how exactly.

use std::time::Duration;

use bulkhead_tests::wait::wait_for;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::{HOST, Limited, with};
use crate::support::PATIENCE;
use crate::support::backend::{Backend, Reply};
use crate::support::manifest::{all_of, document, file, ingress, served};

/// Milliseconds between a moment and now must be about those of a limit, and not absurdly more. The clock of a limit may have begun
/// before the moment that a test can see: what was closed at once did not wait for half of it either.
fn waited(since: Instant, limit: u64) {
    let (waited, limit) = (since.elapsed(), Duration::from_millis(limit));
    assert!(waited >= limit / 2 && waited < limit + PATIENCE, "waited {waited:?}, the limit is {limit:?}");
}

#[tokio::test]
async fn a_head_must_arrive_in_time_however_it_drips() {
    let limited = Limited::new(&with(|limits| limits.request_head_ms = 300)).await;
    let mut client = limited.lane.connect().await;
    let since = Instant::now();
    client.write("GET / HTTP/1.1\r\n").await.unwrap();
    let mut answer = Box::pin(wait_for("408", PATIENCE, async || {
        // Each byte is in time for any limit between two bytes.
        let _ = client.write("X").await;
        let mut seen = vec![0; 16];
        let read = client.stream().try_read(&mut seen)?;
        anyhow::ensure!(seen.starts_with(b"HTTP/1.1 408 "), "{:?}", &seen[..read]);
        Ok(())
    }));
    answer.as_mut().await.unwrap();
    waited(since, 300);
    assert_eq!((limited.lane.faults().await["head_timeout"], limited.backend.saw().await.requests.len()), (1, 0));
    // The time is that of one head: a connection that is used again begins anew.
    let mut client = limited.lane.connect().await;
    let since = Instant::now();
    while since.elapsed() < Duration::from_millis(400) {
        client.write(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await.unwrap();
        assert_eq!(client.answer().await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn content_must_go_on_arriving() {
    let limited = Limited::new(&with(|limits| limits.request_content_idle_ms = 200)).await;
    for begun in
        ["Content-Length: 9\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "Content-Length: 9\r\n\r\n"]
    {
        let mut client = limited.lane.connect().await;
        client.write(format!("POST / HTTP/1.1\r\nHost: {HOST}\r\n{begun}")).await.unwrap();
        let since = Instant::now();
        assert_eq!(client.answer().await.unwrap().status, 408);
        assert!(client.closed().await.unwrap().is_empty());
        assert!(since.elapsed() < PATIENCE);
    }
    let saw = limited.backend.saw().await;
    assert_eq!((saw.requests.len(), limited.lane.faults().await["content_timeout"]), (0, 3));
}

#[tokio::test]
async fn an_idle_connection_is_closed_without_a_word() {
    let limited = Limited::new(&with(|limits| limits.keep_alive_idle_ms = 200)).await;
    let mut fresh = limited.lane.connect().await;
    let mut used = limited.lane.connect().await;
    used.write(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await.unwrap();
    assert_eq!(used.answer().await.unwrap().header("connection"), None);
    let since = Instant::now();
    assert!(used.closed().await.unwrap().is_empty() && fresh.closed().await.unwrap().is_empty());
    assert!(since.elapsed() < PATIENCE);
    assert_eq!(limited.lane.faults().await.len(), 0, "nobody is to blame");
}

#[tokio::test]
async fn a_connection_that_is_old_enough_is_closed_with_its_next_response() {
    let limited = Limited::new(&with(|limits| limits.keep_alive_age_ms = 200)).await;
    let mut client = limited.lane.connect().await;
    let since = Instant::now();
    loop {
        client.write(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await.unwrap();
        if client.answer().await.unwrap().header("connection") == Some("close") {
            break;
        }
        assert!(since.elapsed() < PATIENCE);
    }
    waited(since, 200);
    assert!(client.closed().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_backend_that_answers_late_is_given_up() {
    let mut document = document();
    document.upstream.read_ms = 200;
    let limited = Limited::new(&document).await;
    let silent = Backend::start(|_| Reply::keep("")).await;
    limited.lane.put("web.yaml", &file(&[ingress("web", &[all_of(HOST, "web")]), served("web", silent.port())]));
    limited.lane.wait_for(HOST, "/", 504, "did not answer in time").await;
    let since = Instant::now();
    let mut client = limited.lane.connect().await;
    client.write(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await.unwrap();
    let answer = client.answer().await.unwrap();
    assert_eq!((answer.status, answer.header("connection")), (504, None));
    waited(since, 200);
    assert!(limited.lane.faults().await["upstream_timeout"] >= 2);
}

/// A client that takes nothing of a response is closed, and the backend is not read any further meanwhile.
#[tokio::test]
async fn a_client_that_does_not_take_its_response_is_given_up() {
    let limited = Limited::new(&with(|limits| limits.response_stall_ms = 200)).await;
    let large = Backend::start(|_| Reply::ok(&"x".repeat(32 << 20))).await;
    limited.lane.put("web.yaml", &file(&[ingress("web", &[all_of(HOST, "web")]), served("web", large.port())]));
    limited.lane.wait("the new endpoint", |report| report.endpoints == 1).await;
    limited.backend.saw().await;
    let seen = wait_for("a stalled response", PATIENCE, async || {
        let mut client = limited.lane.connect().await;
        client.write(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await?;
        client.until(b"\r\n\r\n").await?;
        wait_for("the end of it", Duration::from_secs(2), async || {
            anyhow::ensure!(limited.lane.faults().await.contains_key("response_stalled"), "not counted yet");
            Ok(())
        })
        .await
    });
    seen.await.unwrap();
    // Nobody else has to wait for that.
    assert!(limited.lane.metrics().await["bulkhead_response_content_bytes_total"] < f64::from(32 << 20));
}

#[tokio::test]
async fn a_connection_must_say_something_soon() {
    let limited = Limited::new(&with(|limits| limits.first_byte_ms = 200)).await;
    let since = Instant::now();
    let mut silent = limited.lane.connect().await;
    let mut asking = limited.lane.connect().await;
    asking.write(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await.unwrap();
    assert_eq!(asking.answer().await.unwrap().status, 200);
    assert!(silent.closed().await.unwrap().is_empty());
    waited(since, 200);
    limited.lane.wait_for_metrics(|seen| seen["bulkhead_connections_idle_closed_total"], 1.0).await;
    assert_eq!(limited.lane.faults().await.len(), 0);
    // One that has asked may be silent for as long as connections are kept.
    asking.write(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await.unwrap();
    assert_eq!(asking.answer().await.unwrap().status, 200);
}

#[tokio::test]
async fn content_must_not_trickle_in() {
    let limited = Limited::new(&with(|limits| limits.request_content_idle_ms = 400)).await;
    let begin = format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1000\r\n\r\n");
    let mut client = limited.lane.connect().await;
    let since = Instant::now();
    client.write(&begin).await.unwrap();
    let told = wait_for("408", PATIENCE, async || {
        // Each byte is in time for any limit between two bytes.
        let _ = client.write("x").await;
        let mut seen = vec![0; 16];
        let read = client.stream().try_read(&mut seen)?;
        anyhow::ensure!(seen.starts_with(b"HTTP/1.1 408 "), "{:?}", &seen[..read]);
        Ok(())
    });
    told.await.unwrap();
    waited(since, 400);
    let saw = limited.backend.saw().await;
    assert_eq!((saw.requests.len(), limited.lane.faults().await["content_too_slow"]), (0, 1));
    // Who is as fast as that is served however long it takes, and anybody is where there is no rate.
    limited
        .lane
        .configure(&with(|limits| (limits.request_content_idle_ms, limits.request_content_rate) = (400, 0)))
        .await;
    let mut client = limited.lane.connect().await;
    client.write(&begin).await.unwrap();
    let since = Instant::now();
    let mut sent = 0;
    while since.elapsed() < Duration::from_millis(800) {
        client.write("x").await.unwrap();
        sent += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    client.write("x".repeat(1000 - sent)).await.unwrap();
    assert_eq!(client.answer().await.unwrap().status, 200);
}

#[tokio::test]
async fn a_backend_that_takes_nothing_is_given_up() {
    let mut document = with(|limits| limits.request_content_bytes = 0);
    document.upstream.send_ms = 200;
    let limited = Limited::new(&document).await;
    let deaf = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = deaf.local_addr().unwrap().port();
    limited.lane.put("web.yaml", &file(&[ingress("web", &[all_of(HOST, "web")]), served("web", port)]));
    let taken = wait_for("the deaf backend", PATIENCE, async || {
        let routes = limited.lane.routes().await.routes;
        anyhow::ensure!(routes.len() == 1 && routes[0].endpoints == 1, "{routes:?}");
        let mut client = limited.lane.connect().await;
        client.write(format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 33554432\r\n\r\n")).await?;
        let (piece, since) = ("x".repeat(1 << 16), Instant::now());
        // As long as somebody takes it, and a little longer than that.
        while since.elapsed() < Duration::from_secs(2) && client.write(&piece).await.is_ok() {
            if limited.lane.faults().await.contains_key("upstream_stalled") {
                return Ok(());
            }
        }
        anyhow::bail!("{:?}", limited.lane.faults().await)
    });
    taken.await.unwrap();
}

#[tokio::test]
async fn an_endpoint_that_lets_nobody_in_is_given_up() {
    let mut document = document();
    document.upstream.connect_ms = 200;
    let limited = Limited::new(&document).await;
    let full = tokio::net::TcpSocket::new_v4().unwrap();
    full.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let full = full.listen(1).unwrap();
    let address = full.local_addr().unwrap();
    // The kernel lets in a few that nobody accepts, and passes over whoever comes then.
    let mut inside = Vec::new();
    while let Ok(entered) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
        inside.push(entered.unwrap());
        assert!(inside.len() < 10, "the kernel lets in everybody");
    }
    let lead_to = |port| {
        limited.lane.put("web.yaml", &file(&[ingress("web", &[all_of(HOST, "web")]), served("web", port)]));
    };
    lead_to(address.port());
    limited.lane.wait_for(HOST, "/", 504, "no endpoint accepted a connection in time").await;
    let since = Instant::now();
    assert_eq!(limited.lane.get(HOST, "/").await.status, 504);
    waited(since, 200);
    assert!(limited.lane.faults().await["connect_timeout"] >= 2);
    // One that refuses is known at once.
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    lead_to(closed.port());
    limited.lane.wait_for(HOST, "/", 502, "no endpoint accepted a connection").await;
    assert!(limited.lane.faults().await["connect_failed"] >= 1);
}
