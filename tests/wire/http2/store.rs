//! What waits for a client that asks for much and reads nothing: bounded for all of its streams together, and none of them waits for another.

use std::time::Duration;

use anyhow::ensure;
use bulkhead_tests::http2::frame::{headers, setting, settings, window};
use bulkhead_tests::http2::{Client, frame};
use bulkhead_tests::wait::wait_for;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::sleep;

use super::{HOST, lane_before};
use crate::support::PATIENCE;
use crate::support::backend::{Backend, Reply};
use crate::support::lane::Lane;
use crate::support::manifest::document;

const GET: [(&str, &str); 4] = [(":method", "GET"), (":scheme", "http"), (":authority", HOST), (":path", "/")];
/// More than any of the bounds.
const LARGE: usize = 1 << 20;
const WINDOW: u32 = 1 << 30;
/// What streams share, what each may have besides, and how much the proxy gathers before it writes.
const STORE: usize = 256 << 10;
const EACH: usize = 4 << 10;
const CORK: usize = 64 << 10;
/// What both kernels hold at most of a connection whose client has asked its own for a small buffer.
const KERNELS: usize = (128 << 10) + (256 << 10);

/// A client with the widest windows, and a socket that takes little.
async fn open(lane: &Lane) -> Client<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(32 << 10).unwrap();
    let mut client = Client::over(socket.connect(lane.http).await.unwrap());
    let opening = [frame::PREFACE, &settings(&[(setting::INITIAL_WINDOW_SIZE, WINDOW)]), &window(0, WINDOW)].concat();
    client.write(opening).await.unwrap();
    client
}

/// How much content the gateway has handed over once it hands over no more.
async fn handed_over(lane: &Lane) -> usize {
    let mut last = -1.0;
    let still = wait_for("a gateway that waits for its client", PATIENCE, async || {
        let now = lane.metrics().await["bulkhead_response_content_bytes_total"];
        let before = std::mem::replace(&mut last, now);
        // Longer than it takes to go on with anything.
        sleep(Duration::from_millis(300)).await;
        ensure!(now > 0.0 && now == before, "{before} bytes, then {now}");
        Ok(now as usize)
    });
    still.await.unwrap()
}

async fn before_large() -> (Lane, Backend) {
    let large = Backend::start(|_| Reply::ok(&"x".repeat(LARGE))).await;
    (lane_before(&document(), large.port()).await, large)
}

#[tokio::test]
async fn a_client_that_reads_nothing_has_so_much_held_for_it_and_no_more() {
    // As many as share what there is for all; one more; and ten times as many.
    for streams in [4, 5, 40] {
        let (lane, _large) = before_large().await;
        let mut client = open(&lane).await;
        let asked: Vec<u32> = (0..streams).map(|_| client.next_stream()).collect();
        let frames: Vec<u8> = asked.iter().flat_map(|stream| headers(*stream, true, &GET)).collect();
        client.write(frames).await.unwrap();
        let held = handed_over(&lane).await;
        let most = STORE + streams * EACH + CORK + KERNELS;
        assert!(held > CORK && held <= most, "{streams} streams: {held} bytes of {most}");
        // All of it was only waiting.
        for stream in asked {
            assert_eq!(client.outcome(stream).await.unwrap().status(), 200);
        }
    }
}

#[tokio::test]
async fn a_response_goes_on_although_others_hold_all_that_may_wait() {
    let (lane, _large) = before_large().await;
    let mut client = open(&lane).await;
    let stalled: Vec<u32> = (0..8).map(|_| client.next_stream()).collect();
    let frames: Vec<u8> = stalled.iter().flat_map(|stream| headers(*stream, true, &GET)).collect();
    client.write(frames).await.unwrap();
    handed_over(&lane).await;
    // What was handed over in the windows that were open then stays where it is.
    client.write(settings(&[(setting::INITIAL_WINDOW_SIZE, 0)])).await.unwrap();
    client.until("an acknowledgement", |client| client.acks() == 2).await.unwrap();
    let other = client.next_stream();
    client.write([headers(other, true, &GET), window(other, WINDOW)].concat()).await.unwrap();
    let outcome = client.outcome(other).await.unwrap();
    assert_eq!(outcome.status(), 200);
    assert!(stalled.iter().all(|stream| client.content_of(*stream) < LARGE), "they were to wait");
}
