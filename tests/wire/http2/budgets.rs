//! What a client of HTTP/2 may do so often and no more: at the bound, one above, ten times above. A bound that is earned back by and by
//! is exact only in one breath: a rejection that does not come is excused by the time in which one more was earned, and tried again.

use anyhow::ensure;
use bulkhead_model::limits;
use bulkhead_tests::http2::frame::{error, headers, ping, reset, setting, settings};
use bulkhead_tests::http2::{Client, Outcome};
use bulkhead_tests::wait::wait_for;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::{HOST, lane_before};
use crate::support::PATIENCE;
use crate::support::backend::{Backend, Reply};
use crate::support::lane::Lane;
use crate::support::manifest::document;

const GET: [(&str, &str); 4] = [(":method", "GET"), (":scheme", "http"), (":authority", HOST), (":path", "/")];

/// The bound, one more, ten times as much.
const EXACTLY: &[fn(usize) -> usize] = &[|most| most, |most| most + 1, |most| most * 10];
/// Without the one more: it is earned while the others are looked at.
const ROUGHLY: &[fn(usize) -> usize] = &[|most| most, |most| most * 10];

/// How often a bound is tried before the machine is taken to be too slow for it.
const TRIES: usize = 20;

/// Whether the gateway goes along with what was sent: it answers another request, or has had enough.
async fn passes(client: &mut Client<TcpStream>) -> bool {
    match client.get("nowhere.test", "/").await {
        Ok(Outcome::Answered(response)) => {
            assert_eq!(response.answer.status, 404);
            true
        }
        // It was closed before that could be written.
        Err(_) => false,
        Ok(Outcome::Ended(end)) => {
            assert!(end.goaway.is_none_or(|(_, code)| code == error::ENHANCE_YOUR_CALM), "{end:?}");
            false
        }
        Ok(other) => panic!("{other:?}"),
    }
}

/// A bound of so many at once, of which `per_second` are earned back.
struct Bound {
    most: usize,
    /// What is sent, each on a connection of its own.
    sent: &'static [fn(usize) -> usize],
    per_second: u64,
}

impl Bound {
    /// Sends as much on connections that `prepare` makes.
    async fn hold(
        &self,
        lane: &Lane,
        reason: &str,
        prepare: impl AsyncFn() -> Client<TcpStream>,
        send: impl Fn(&mut Client<TcpStream>, usize) -> Vec<u8>,
    ) {
        for count in self.sent.iter().map(|sent| sent(self.most)) {
            for attempt in 0.. {
                let counted = lane.faults().await.get(reason).copied().unwrap_or_default();
                let mut client = prepare().await;
                let since = Instant::now();
                let bytes = send(&mut client, count);
                // A connection that ends meanwhile says so.
                let _ = client.write(bytes).await;
                let passed = passes(&mut client).await;
                let took = since.elapsed();
                let told = wait_for("the count of it", PATIENCE, async || {
                    let told = lane.faults().await.get(reason).copied().unwrap_or_default() - counted;
                    ensure!(told == u64::from(!passed), "{reason} {count}: {told}");
                    Ok(())
                });
                told.await.unwrap();
                if passed == (count <= self.most) {
                    break;
                }
                let earned = took.as_secs_f64() * self.per_second as f64;
                assert!(
                    passed && self.most as f64 + earned >= count as f64,
                    "{reason}: {count} pass: {passed}, after {took:?}"
                );
                assert!(attempt < TRIES, "{reason}: {count} took {took:?} every time");
            }
        }
    }
}

/// A client whose opening the gateway has taken.
async fn opened(lane: &Lane) -> Client<TcpStream> {
    let mut client = Client::open(lane.http).await.unwrap();
    assert_eq!(client.get("nowhere.test", "/").await.unwrap().status(), 404);
    client
}

/// A client with a hundred requests that reach the backend and are never answered.
async fn with_requests(lane: &Lane, backend: &Backend) -> Client<TcpStream> {
    let before = backend.count();
    let mut client = opened(lane).await;
    let requests: Vec<u8> = (0..100).flat_map(|_| headers(client.next_stream(), true, &GET)).collect();
    client.write(requests).await.unwrap();
    let all = wait_for("a hundred requests", PATIENCE, async || {
        ensure!(backend.count() == before + 100, "{}", backend.count() - before);
        Ok(())
    });
    all.await.unwrap();
    client
}

#[tokio::test]
async fn requests_are_taken_back_so_often_at_once_and_no_more() {
    let backend = Backend::start(|_| Reply::keep("")).await;
    let lane = lane_before(&document(), backend.port()).await;
    let bound = Bound { most: limits::H2_RESET_BURST.size(), sent: EXACTLY, per_second: limits::H2_RESET_RATE.default };
    // A stream that is closed may be taken back again, which counts as well. The first one was another request.
    let resets = |_: &mut _, count: usize| {
        (0..u32::try_from(count).unwrap()).flat_map(|at| reset(2 * (at % 100) + 3, error::CANCEL)).collect()
    };
    bound.hold(&lane, "too_many_resets", async || with_requests(&lane, &backend).await, resets).await;
}

#[tokio::test]
async fn requests_that_nobody_has_seen_are_taken_back_so_often_and_no_more() {
    let backend = Backend::echo().await;
    let lane = lane_before(&document(), backend.port()).await;
    let bound = Bound { most: limits::H2_UNSEEN_RESETS.size(), sent: EXACTLY, per_second: 0 };
    let taken_back = |client: &mut Client<TcpStream>, count: usize| {
        let one = |stream| [headers(stream, true, &GET), reset(stream, error::CANCEL)].concat();
        (0..count).flat_map(|_| one(client.next_stream())).collect()
    };
    bound.hold(&lane, "too_many_resets", async || opened(&lane).await, taken_back).await;
    assert_eq!(backend.saw().await.requests.len(), 0);
}

#[tokio::test]
async fn streams_are_reset_for_what_their_client_does_so_often_and_no_more() {
    let backend = Backend::echo().await;
    let lane = lane_before(&document(), backend.port()).await;
    let bound = Bound { most: limits::H2_OWN_RESETS.size(), sent: EXACTLY, per_second: 0 };
    let broken = |client: &mut Client<TcpStream>, count: usize| {
        // There is no such field in HTTP/2 (RFC 9113 section 8.2.2).
        let malformed = [&GET[..], &[("connection", "close")]].concat();
        (0..count).flat_map(|_| headers(client.next_stream(), true, &malformed)).collect()
    };
    bound.hold(&lane, "too_many_resets", async || opened(&lane).await, broken).await;
}

#[tokio::test]
async fn control_frames_come_so_often_at_once_and_no_more() {
    let backend = Backend::echo().await;
    let lane = lane_before(&document(), backend.port()).await;
    let bound =
        Bound { most: limits::H2_CONTROL_BURST.size(), sent: ROUGHLY, per_second: limits::H2_CONTROL_RATE.default };
    let pings = |_: &mut _, count: usize| ping(*b"are you?").repeat(count);
    bound.hold(&lane, "too_many_control_frames", async || opened(&lane).await, pings).await;
}

#[tokio::test]
async fn settings_are_changed_so_often_at_once_and_no_more() {
    let backend = Backend::echo().await;
    let lane = lane_before(&document(), backend.port()).await;
    // Its own settings and its acknowledgement of the gateway's have been counted.
    let most = limits::H2_SETTINGS_BURST.size() - 2;
    let bound = Bound { most, sent: EXACTLY, per_second: limits::H2_SETTINGS_RATE.default };
    let changes = |_: &mut _, count: usize| settings(&[(setting::INITIAL_WINDOW_SIZE, 1 << 20)]).repeat(count);
    bound.hold(&lane, "too_many_control_frames", async || opened(&lane).await, changes).await;
}
