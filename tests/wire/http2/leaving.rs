//! How an HTTP/2 connection ends when the gateway leaves: told so first, and with every request that was asked answered.

use std::time::Duration;

use bulkhead_crds::lane::LaneDrain;
use bulkhead_tests::http2::frame::{error, headers};
use bulkhead_tests::http2::{Client, Outcome};
use rustix::process::Signal;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::streams::accept;
use super::{HOST, lane_before};
use crate::support::manifest::document;

const GET: [(&str, &str); 4] = [(":method", "GET"), (":scheme", "http"), (":authority", HOST), (":path", "/")];

#[tokio::test]
async fn a_gateway_that_leaves_says_so_and_answers_what_was_asked() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut document = document();
    document.drain = LaneDrain { lameduck_ms: 0, timeout_ms: 60_000 };
    let lane = lane_before(&document, listener.local_addr().unwrap().port()).await;
    let mut idle = Client::open(lane.http).await.unwrap();
    assert_eq!(idle.get("nowhere.test", "/").await.unwrap().status(), 404);
    let mut busy = Client::open(lane.http).await.unwrap();
    let stream = busy.next_stream();
    busy.write(headers(stream, true, &GET)).await.unwrap();
    let mut backend = accept(&listener, b"\r\n\r\n").await;
    lane.process.signal(Signal::TERM).unwrap();
    // Who asks for nothing is let go at once, and without an error.
    assert_eq!(idle.end().await.unwrap().goaway.map(|(_, code)| code), Some(error::NO_ERROR));
    busy.until("a GOAWAY", |client| client.goaway().is_some()).await.unwrap();
    let (last, code) = busy.goaway().unwrap();
    assert!(last >= stream && code == error::NO_ERROR, "{last} {code}");
    lane.process.ensure_running().unwrap();
    backend.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
    assert_eq!(busy.outcome(stream).await.unwrap().status(), 200);
    busy.end().await.unwrap();
    let status = lane.process.wait_exit(Duration::from_secs(5)).await.unwrap();
    assert_eq!(status.code(), Some(0));
}

/// A request that crosses the GOAWAY on its way is answered, or refused in a way that lets its client repeat it elsewhere.
#[tokio::test]
async fn no_request_is_lost_while_a_gateway_leaves() {
    let backend = crate::support::backend::Backend::echo().await;
    let mut document = document();
    document.drain = LaneDrain { lameduck_ms: 0, timeout_ms: 5_000 };
    let lane = lane_before(&document, backend.port()).await;
    let mut client = Client::open(lane.http).await.unwrap();
    assert_eq!(client.get(HOST, "/").await.unwrap().status(), 200);
    lane.process.signal(Signal::TERM).unwrap();
    let (mut answered, mut repeatable) = (0, 0);
    while !client.is_closed() {
        match client.get(HOST, "/").await.unwrap() {
            Outcome::Answered(response) if response.answer.status == 200 => answered += 1,
            Outcome::Reset(error::REFUSED_STREAM) => repeatable += 1,
            Outcome::Ended(end) => {
                // The streams above the last one of the GOAWAY were not looked at.
                let (last, code) = end.goaway.expect("a connection that ends without a word");
                assert_eq!(code, error::NO_ERROR);
                assert!(last < client.next_stream() - 2, "a request that may have been served was lost");
                repeatable += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    println!("{answered} answered, {repeatable} to be repeated");
}
