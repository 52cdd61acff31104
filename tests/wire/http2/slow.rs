//! Limits in time. What is asserted is that they are kept, never how exactly.

use std::time::Duration;

use bulkhead_crds::lane::{LaneDocument, LaneLimits};
use bulkhead_tests::http2::frame::{self, data, error, flag, headers, kind, setting, window};
use bulkhead_tests::http2::{Client, Outcome, hpack};
use tokio::time::{Instant, timeout};

use super::{HOST, lane_before};
use crate::support::PATIENCE;
use crate::support::backend::{Backend, Reply};
use crate::support::manifest::document;

const GET: [(&str, &str); 4] = [(":method", "GET"), (":scheme", "http"), (":authority", HOST), (":path", "/")];
const POST: [(&str, &str); 4] = [(":method", "POST"), (":scheme", "http"), (":authority", HOST), (":path", "/")];

/// Much shorter than patience, and longer than a machine that is busy takes for a request.
const LIMIT: u64 = 300;

fn limits(change: impl FnOnce(&mut LaneLimits)) -> LaneDocument {
    let mut document = document();
    change(&mut document.limits);
    document
}

#[tokio::test]
async fn a_client_that_never_opens_its_window_is_given_up() {
    let large = Backend::start(|_| Reply::ok(&"x".repeat(1 << 20))).await;
    let lane = lane_before(&limits(|limits| limits.response_stall_ms = LIMIT), large.port()).await;
    let mut client = Client::open_with(lane.http, &[(setting::INITIAL_WINDOW_SIZE, 0)], 0).await.unwrap();
    let since = Instant::now();
    let outcome = client.request(&GET).await.unwrap();
    assert!(
        matches!(outcome, Outcome::Reset(error::CANCEL | error::INTERNAL_ERROR | error::ENHANCE_YOUR_CALM)),
        "{outcome:?}"
    );
    assert!(since.elapsed() >= Duration::from_millis(LIMIT) && since.elapsed() < PATIENCE);
    assert_eq!(lane.faults().await["response_stalled"], 1);
}

#[tokio::test]
async fn a_window_that_opens_by_single_bytes_is_no_progress() {
    let large = Backend::start(|_| Reply::ok(&"x".repeat(1 << 20))).await;
    let lane = lane_before(&limits(|limits| limits.response_stall_ms = LIMIT), large.port()).await;
    let mut client = Client::open_with(lane.http, &[(setting::INITIAL_WINDOW_SIZE, 0)], 0).await.unwrap();
    let stream = client.next_stream();
    client.write(headers(stream, true, &GET)).await.unwrap();
    let since = Instant::now();
    let ended = async {
        loop {
            client.write(window(stream, 1)).await.unwrap();
            // Each byte is in time for any limit between two bytes.
            if let Ok(outcome) = timeout(Duration::from_millis(10), client.outcome(stream)).await {
                return outcome.unwrap();
            }
        }
    };
    let outcome = timeout(PATIENCE, ended).await.expect("a client that drips is served for ever");
    assert!(!matches!(outcome, Outcome::Answered(_)), "{outcome:?}");
    assert!(since.elapsed() >= Duration::from_millis(LIMIT));
}

/// Who takes its answer slowly but surely gets it.
#[tokio::test]
async fn a_client_that_makes_progress_is_not_given_up() {
    let large = Backend::start(|_| Reply::ok(&"x".repeat(40 << 10))).await;
    let lane = lane_before(&limits(|limits| limits.response_stall_ms = LIMIT), large.port()).await;
    let mut client = Client::open_with(lane.http, &[(setting::INITIAL_WINDOW_SIZE, 0)], 0).await.unwrap();
    let stream = client.next_stream();
    client.write(headers(stream, true, &GET)).await.unwrap();
    let since = Instant::now();
    for taken in (4 << 10..=40 << 10).step_by(4 << 10) {
        client.write(window(stream, 4 << 10)).await.unwrap();
        client.until("the next part", |client| client.content_of(stream) == taken).await.unwrap();
        tokio::time::sleep(Duration::from_millis(LIMIT / 5)).await;
    }
    assert_eq!(client.outcome(stream).await.unwrap().status(), 200);
    assert!(since.elapsed() > Duration::from_millis(LIMIT));
}

#[tokio::test]
async fn a_head_must_arrive_in_time_however_it_drips() {
    let backend = Backend::echo().await;
    let lane = lane_before(&limits(|limits| limits.request_head_ms = LIMIT), backend.port()).await;
    let mut client = Client::open(lane.http).await.unwrap();
    assert_eq!(client.get(HOST, "/").await.unwrap().status(), 200);
    let since = Instant::now();
    let stream = client.next_stream();
    client.write(frame::frame(kind::HEADERS, flag::END_STREAM, stream, &hpack::encode(&GET))).await.unwrap();
    timeout(PATIENCE, client.end()).await.expect("half a head is waited for").unwrap();
    assert!(since.elapsed() >= Duration::from_millis(LIMIT));
    assert_eq!(backend.saw().await.requests.len(), 1);
}

#[tokio::test]
async fn content_must_go_on_arriving() {
    let backend = Backend::echo().await;
    let lane = lane_before(&limits(|limits| limits.request_content_idle_ms = LIMIT), backend.port()).await;
    let mut client = Client::open(lane.http).await.unwrap();
    let stream = client.next_stream();
    client.write(headers(stream, false, &POST)).await.unwrap();
    client.write(data(stream, false, "part")).await.unwrap();
    assert_eq!(client.outcome(stream).await.unwrap().status(), 408);
    assert_eq!((backend.saw().await.requests.len(), lane.faults().await["content_timeout"]), (0, 1));
    // The other streams have nothing to do with it.
    assert_eq!(client.get(HOST, "/after").await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_connection_on_which_nothing_is_asked_is_closed() {
    let backend = Backend::echo().await;
    let lane = lane_before(&limits(|limits| limits.keep_alive_idle_ms = LIMIT), backend.port()).await;
    let mut fresh = Client::open(lane.http).await.unwrap();
    let mut used = Client::open(lane.http).await.unwrap();
    assert_eq!(used.get(HOST, "/").await.unwrap().status(), 200);
    for client in [&mut used, &mut fresh] {
        assert_eq!(client.end().await.unwrap().goaway.map(|(_, code)| code), Some(error::NO_ERROR));
    }
    assert_eq!(lane.faults().await.len(), 0, "nobody is to blame");
    lane.wait_for_metrics(|seen| seen["bulkhead_connections_idle_closed_total"], 2.0).await;
}

/// PINGs keep no connection that nobody uses.
#[tokio::test]
async fn a_ping_is_not_a_request() {
    let backend = Backend::echo().await;
    let lane = lane_before(&limits(|limits| limits.keep_alive_idle_ms = LIMIT), backend.port()).await;
    let mut client = Client::open(lane.http).await.unwrap();
    let ended = async {
        while !client.is_closed() {
            let _ = client.write(frame::ping(*b"am here!")).await;
            let _ = timeout(Duration::from_millis(20), client.receive()).await;
        }
    };
    timeout(PATIENCE, ended).await.expect("a connection that only pings is kept");
}

#[tokio::test]
async fn a_connection_that_is_old_enough_is_closed_with_its_next_response() {
    let backend = Backend::echo().await;
    let lane = lane_before(&limits(|limits| limits.keep_alive_age_ms = LIMIT), backend.port()).await;
    let mut client = Client::open(lane.http).await.unwrap();
    let since = Instant::now();
    while client.goaway().is_none() {
        assert_eq!(client.get(HOST, "/").await.unwrap().status(), 200);
        assert!(since.elapsed() < PATIENCE);
    }
    assert!(since.elapsed() >= Duration::from_millis(LIMIT));
    assert_eq!(client.end().await.unwrap().goaway.map(|(_, code)| code), Some(error::NO_ERROR));
}
