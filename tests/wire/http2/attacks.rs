//! What servers fell for, each as a short exchange: where it ends, and that nothing of it reached a backend that should not. How others fare
//! meanwhile, and for how long, is what `tests/run attack` looks at.

use bulkhead_tests::http2::frame::{self, data, error, flag, headers, kind, ping, reset, setting, settings, window};
use bulkhead_tests::http2::{Client, End, Outcome, hpack};
use tokio::net::TcpStream;

use super::{HOST, lane_before};
use crate::support::backend::{Backend, Reply};
use crate::support::lane::Lane;
use crate::support::manifest::document;

const GET: [(&str, &str); 4] = [(":method", "GET"), (":scheme", "http"), (":authority", HOST), (":path", "/")];
const POST: [(&str, &str); 4] = [(":method", "POST"), (":scheme", "http"), (":authority", HOST), (":path", "/")];

/// More rounds than any honest client comes to.
const MANY: u32 = 100_000;

/// Rounds of one write.
const BATCH: u32 = 100;

/// What is sent in one round.
type Round = fn(u32) -> Vec<u8>;

/// Writes round after round until the gateway has enough; `None` if it never has.
async fn flood(client: &mut Client<TcpStream>, round: impl Fn(u32) -> Vec<u8>) -> Option<End> {
    for batch in 0..MANY / BATCH {
        let bytes: Vec<u8> = (0..BATCH).flat_map(|at| round(batch * BATCH + at)).collect();
        let sent = client.write(bytes).await;
        // What comes back is read meanwhile, or the two would wait for each other.
        while let Ok(Ok(())) = tokio::time::timeout(std::time::Duration::ZERO, client.receive()).await {
            if client.is_closed() {
                break;
            }
        }
        if sent.is_err() || client.is_closed() || client.goaway().is_some_and(|(_, code)| code != error::NO_ERROR) {
            return Some(client.end().await.unwrap());
        }
    }
    None
}

/// The gateway, which has seen through it, serves others.
async fn serves_on(lane: &Lane) {
    let mut other = Client::open(lane.http).await.unwrap();
    assert_eq!(other.get(HOST, "/after").await.unwrap().status(), 200);
    assert_eq!(lane.metrics().await["bulkhead_connection_panics_total"], 0.0);
}

/// Plays a flood against a gateway of its own: it ends with one of these codes, or with no word because the client was still writing.
async fn ends(start: Vec<u8>, round: impl Fn(u32) -> Vec<u8>, codes: &[u32]) -> usize {
    let backend = Backend::echo().await;
    let lane = lane_before(&document(), backend.port()).await;
    let mut client = Client::open(lane.http).await.unwrap();
    client.write(start).await.unwrap();
    let end = flood(&mut client, round).await.expect("the gateway goes along with it");
    assert!(end.goaway.is_none_or(|(_, code)| codes.contains(&code)), "{end:?}");
    let saw = backend.saw().await;
    assert_eq!(saw.malformed.len(), 0);
    serves_on(&lane).await;
    saw.requests.len()
}

fn nth(round: u32) -> u32 {
    round * 2 + 1
}

/// CVE-2023-44487.
#[tokio::test]
async fn requests_that_are_taken_back_at_once_end_their_connection() {
    let round = |round| [headers(nth(round), true, &GET), reset(nth(round), error::CANCEL)].concat();
    let seen = ends(Vec::new(), round, &[error::ENHANCE_YOUR_CALM]).await;
    assert!(seen < 2000, "{seen} requests reached the backend");
}

/// CVE-2025-8671: the server is made to reset streams, and their requests must not run on.
#[tokio::test]
async fn streams_that_must_be_reset_end_their_connection() {
    let violations: [Round; 3] = [
        |stream| window(stream, 0),
        |stream| window(stream, (1 << 31) - 1),
        |stream| data(stream, true, "after the end"),
    ];
    for violation in violations {
        let round = |round| [headers(nth(round), true, &GET), violation(nth(round))].concat();
        let codes = [error::ENHANCE_YOUR_CALM, error::PROTOCOL_ERROR, error::FLOW_CONTROL_ERROR, error::STREAM_CLOSED];
        let seen = ends(Vec::new(), round, &codes).await;
        assert!(seen < 2000, "{seen} requests reached the backend");
    }
}

/// CVE-2024-27316 and others.
#[tokio::test]
async fn a_head_without_an_end_ends_its_connection() {
    let begun = || frame::frame(kind::HEADERS, flag::NONE, 1, &hpack::encode(&GET));
    let codes = [error::ENHANCE_YOUR_CALM, error::PROTOCOL_ERROR, error::COMPRESSION_ERROR, error::FRAME_SIZE_ERROR];
    let empty = frame::frame(kind::CONTINUATION, flag::NONE, 1, &[]);
    assert_eq!(ends(begun(), |_| empty.clone(), &codes).await, 0);
    let long = frame::frame(kind::CONTINUATION, flag::NONE, 1, &hpack::encode(&[("x", &"y".repeat(1000))]));
    assert_eq!(ends(begun(), |_| long.clone(), &codes).await, 0);
}

/// CVE-2026-47774 and others: few bytes that stand for many fields. What is refused is not held.
#[tokio::test]
async fn a_block_that_grows_too_large_is_refused() {
    let backend = Backend::echo().await;
    let lane = lane_before(&document(), backend.port()).await;
    let bomb = |name: &str, value: &str, times: usize| {
        [hpack::encode(&GET), hpack::remembered(name, value), vec![hpack::LATEST; times]].concat()
    };
    let long = "y".repeat(4000);
    for (name, value, times) in
        [("x", "", 101), ("cookie", "", 101), ("cookie", "a=b", 400), ("x", &long, 4), ("x", &long, 600)]
    {
        let mut client = Client::open(lane.http).await.unwrap();
        let stream = client.next_stream();
        client.write(frame::continued(stream, false, &bomb(name, value, times), 16 << 10)).await.unwrap();
        match client.outcome(stream).await.unwrap() {
            Outcome::Answered(response) => assert_eq!(response.answer.status, 431, "{name} {times}"),
            Outcome::Ended(end) => {
                assert_eq!(end.goaway.map(|(_, code)| code), Some(error::ENHANCE_YOUR_CALM), "{name} {times}")
            }
            other => panic!("{name} {times}: {other:?}"),
        }
    }
    assert_eq!(backend.saw().await.requests.len(), 0);
    serves_on(&lane).await;
}

#[tokio::test]
async fn frames_that_only_make_work_end_their_connection() {
    let frames: [(&str, Round); 5] = [
        ("PING", |_| ping(*b"are you?")),
        ("SETTINGS", |round| settings(&[(setting::INITIAL_WINDOW_SIZE, round)])),
        ("PRIORITY", |round| frame::frame(kind::PRIORITY, flag::NONE, nth(round), &[0, 0, 0, 0, 16])),
        // RUSTSEC-2026-0258.
        ("empty DATA", |_| data(1, false, "")),
        ("of no known kind", |_| frame::frame(0xbb, flag::NONE, 0, &[])),
    ];
    for (name, round) in frames {
        println!("{name}");
        let start = if name == "empty DATA" { headers(1, false, &POST) } else { Vec::new() };
        assert_eq!(ends(start, round, &[error::ENHANCE_YOUR_CALM]).await, 0);
    }
}

/// Messages of gRPC are small, and a stream of them is no attack.
#[tokio::test]
async fn content_in_small_frames_passes() {
    let backend = Backend::start(|request| Reply::ok(&request.content.len().to_string())).await;
    let mut document = document();
    document.limits.request_content_bytes = 0;
    let lane = lane_before(&document, backend.port()).await;
    let mut client = Client::open(lane.http).await.unwrap();
    for size in [600_usize, 100, 5] {
        let stream = client.next_stream();
        client.write(headers(stream, false, &POST)).await.unwrap();
        for _ in 0..2000 {
            client.write(data(stream, false, vec![b'c'; size])).await.unwrap();
            // As a client does: what comes back is read in between.
            while let Ok(Ok(())) = tokio::time::timeout(std::time::Duration::ZERO, client.receive()).await {
                assert!(!client.is_closed(), "{size}: {:?}", client.goaway());
            }
        }
        client.write(data(stream, true, "")).await.unwrap();
        let Outcome::Answered(response) = client.outcome(stream).await.unwrap() else {
            panic!("{size}: {:?}", client.goaway())
        };
        assert_eq!(response.answer.text(), (2000 * size).to_string());
    }
}

/// A hundred PINGs are a client that measures, not one that attacks; each is answered.
#[tokio::test]
async fn pings_of_an_honest_client_are_answered() {
    let backend = Backend::echo().await;
    let lane = lane_before(&document(), backend.port()).await;
    let mut client = Client::open(lane.http).await.unwrap();
    for count in 1..=100 {
        client.write(ping(*b"are you?")).await.unwrap();
        client.until("an answer", |client| client.pongs() == count).await.unwrap();
    }
    assert_eq!(client.get(HOST, "/").await.unwrap().status(), 200);
}
