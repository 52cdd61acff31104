//! Every limit on an HTTP/2 client: at it, one above, ten times above.

use anyhow::ensure;
use bulkhead_crds::lane::{LaneDocument, LaneLimits};
use bulkhead_tests::http2::frame::{self, data, error, headers, reset, setting};
use bulkhead_tests::http2::{Client, Outcome, hpack};

use bulkhead_tests::wait::wait_for;

use super::{HOST, lane_before};
use crate::support::PATIENCE;
use crate::support::backend::{Backend, Full, Reply};
use crate::support::lane::Lane;
use crate::support::manifest::document;

fn limits(change: impl FnOnce(&mut LaneLimits)) -> LaneDocument {
    let mut document = document();
    change(&mut document.limits);
    document
}

/// What a field counts besides its bytes (RFC 9113 section 6.5.2).
const FIELD: usize = 32;

fn get(path: &str) -> Vec<(&str, &str)> {
    vec![(":method", "GET"), (":scheme", "http"), (":authority", HOST), (":path", path)]
}

fn post<'f>(more: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
    [&[(":method", "POST"), (":scheme", "http"), (":authority", HOST), (":path", "/")], more].concat()
}

/// A GET whose header list is of this size.
fn list_of(bytes: usize) -> String {
    let around: usize = get("/").iter().chain(&[("x", "")]).map(|(name, value)| name.len() + value.len() + FIELD).sum();
    "y".repeat(bytes - around)
}

/// What a client learns of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Status(u16),
    /// The connection ends with this code.
    Ended(u32),
}

struct Table {
    lane: Lane,
    backend: Backend,
}

impl Table {
    async fn new(document: &LaneDocument) -> Self {
        let backend = Backend::echo().await;
        Self { lane: lane_before(document, backend.port()).await, backend }
    }

    /// A request of its own connection, what is told of it, and the reason that is counted. What is refused by a status leaves the connection.
    async fn expect(&self, what: &str, fields: &[(&str, &str)], told: Told, reason: &str) {
        let counted = self.lane.faults().await.get(reason).copied().unwrap_or(0);
        let mut client = Client::open(self.lane.http).await.unwrap();
        let stream = client.next_stream();
        // A connection that ends meanwhile says how.
        let _ = client.write(frame::continued(stream, true, &hpack::encode(fields), 16 << 10)).await;
        let outcome = client.outcome(stream).await.unwrap();
        let saw = self.backend.saw().await.requests.len();
        match (told, outcome) {
            (Told::Status(status), Outcome::Answered(response)) => {
                assert_eq!(response.answer.status, status, "{what}: {}", response.answer.text());
                assert_eq!(saw, usize::from(status == 200), "{what}");
                assert_eq!(client.get(HOST, "/after").await.unwrap().status(), 200, "{what}");
                self.backend.saw().await;
            }
            (Told::Ended(code), Outcome::Ended(end)) => {
                assert_eq!((end.goaway.map(|(_, code)| code), saw), (Some(code), 0), "{what}")
            }
            (told, outcome) => panic!("{what}: {outcome:?}, expected {told:?}"),
        }
        if !reason.is_empty() {
            assert_eq!(
                self.lane.faults().await.get(reason).copied(),
                Some(counted + 1),
                "{what}: {:?}",
                self.lane.faults().await
            );
        }
    }
}

#[tokio::test]
async fn a_header_list_has_so_many_bytes_and_no_more() {
    let table = Table::new(&limits(|limits| limits.http2.header_list_bytes = 4 << 10)).await;
    // Of the codec: a list of exactly the limit is refused already.
    for (bytes, told) in [
        ((4 << 10) - 1, Told::Status(200)),
        (4 << 10, Told::Status(431)),
        ((4 << 10) + 1, Told::Status(431)),
        (40 << 10, Told::Ended(error::ENHANCE_YOUR_CALM)),
    ] {
        let long = list_of(bytes);
        table.expect(&format!("{bytes} bytes"), &[get("/"), vec![("x", &long)]].concat(), told, "").await;
    }
    table.lane.wait_for_metrics(|seen| seen["bulkhead_http2_streams_refused_total"], 3.0).await;
}

#[tokio::test]
async fn a_head_has_so_many_fields_and_no_more() {
    let table = Table::new(&limits(|limits| limits.request_fields = 10)).await;
    // Pseudo-fields are none; each piece of a cookie is one.
    for name in ["x", "cookie"] {
        for (count, told, reason) in [
            (10, Told::Status(200), ""),
            (11, Told::Status(431), "too_many_fields"),
            (100, Told::Status(431), "too_many_fields"),
        ] {
            let fields = [get("/"), vec![(name, "y"); count]].concat();
            table.expect(&format!("{count} fields {name}"), &fields, told, reason).await;
        }
    }
}

#[tokio::test]
async fn a_target_has_so_many_bytes_and_no_more() {
    let table = Table::new(&limits(|limits| limits.request_target_bytes = 256)).await;
    for (bytes, told, reason) in [
        (256, Told::Status(200), ""),
        (257, Told::Status(414), "target_too_long"),
        (2560, Told::Status(414), "target_too_long"),
    ] {
        let path = format!("/{}", "p".repeat(bytes - 1));
        table.expect(&format!("{bytes} bytes"), &get(&path), told, reason).await;
    }
}

#[tokio::test]
async fn content_has_so_many_bytes_and_no_more() {
    let table = Table::new(&limits(|limits| limits.request_content_bytes = 1000)).await;
    for (bytes, status) in [(1000_usize, 200), (1001, 413), (10_000, 413)] {
        let length = bytes.to_string();
        for fields in [post(&[("content-length", &length)]), post(&[])] {
            let mut client = Client::open(table.lane.http).await.unwrap();
            let stream = client.next_stream();
            client.write(headers(stream, false, &fields)).await.unwrap();
            for at in (0..bytes).step_by(500) {
                client.write(data(stream, at + 500 >= bytes, vec![b'c'; (bytes - at).min(500)])).await.unwrap();
            }
            let outcome = client.outcome(stream).await.unwrap();
            assert_eq!(outcome.status(), status, "{bytes} bytes, {fields:?}: {outcome:?}");
            // Other streams have nothing to do with it.
            assert_eq!(client.get(HOST, "/after").await.unwrap().status(), 200);
            let saw = table.backend.saw().await;
            assert_eq!((saw.requests.len(), saw.malformed.len()), (1 + usize::from(status == 200), 0), "{bytes} bytes");
        }
    }
    assert_eq!(table.lane.faults().await["content_too_large"], 4);
}

/// Waits until so many requests have reached a backend.
async fn reached(backend: &Backend, count: usize) {
    let all = wait_for("requests at the backend", PATIENCE, async || {
        ensure!(backend.count() == count, "{}", backend.count());
        Ok(())
    });
    all.await.unwrap();
}

#[tokio::test]
async fn a_connection_has_so_many_streams_at_once_and_no_more() {
    for (asked, refused) in [(5, 0), (6, 1), (50, 45)] {
        let silent = Backend::start(|_| Reply::keep("")).await;
        let lane = lane_before(&limits(|limits| limits.http2.concurrent_streams = 5), silent.port()).await;
        let mut client = Client::open(lane.http).await.unwrap();
        let streams: Vec<u32> = (0..asked).map(|_| client.next_stream()).collect();
        let asked: Vec<u8> = streams.iter().flat_map(|stream| headers(*stream, true, &get("/"))).collect();
        client.write(asked).await.unwrap();
        client.until("refusals", |client| client.resets() == refused).await.unwrap();
        client.until("settings", |client| client.setting(setting::MAX_CONCURRENT_STREAMS) == Some(5)).await.unwrap();
        for stream in &streams[5..] {
            assert_eq!(client.outcome(*stream).await.unwrap(), Outcome::Reset(error::REFUSED_STREAM));
        }
        reached(&silent, 5).await;
        // Who is served makes room for another one.
        client.write(reset(streams[0], error::CANCEL)).await.unwrap();
        let another = client.next_stream();
        client.write(headers(another, true, &get("/another"))).await.unwrap();
        reached(&silent, 6).await;
        lane.wait_for_metrics(|seen| seen["bulkhead_http2_streams_refused_total"], refused as f64).await;
    }
}

#[tokio::test]
async fn a_client_may_send_so_much_ahead_and_no_more() {
    const STREAM: u32 = 32 << 10;
    const CONNECTION: u32 = 128 << 10;
    // What was sent beyond a window is a violation, and no more bytes of it are taken.
    for (bytes, code) in
        [(STREAM, None), (STREAM + 1, Some(error::FLOW_CONTROL_ERROR)), (STREAM * 10, Some(error::FLOW_CONTROL_ERROR))]
    {
        let document = limits(|limits| {
            limits.http2.stream_window_bytes = STREAM;
            limits.http2.connection_window_bytes = CONNECTION;
        });
        let full = Full::new().await;
        let lane = lane_before(&document, full.port()).await;
        let mut client = Client::open(lane.http).await.unwrap();
        client.get("nowhere.test", "/").await.unwrap();
        assert_eq!(client.setting(setting::INITIAL_WINDOW_SIZE), Some(STREAM));
        let stream = client.next_stream();
        let mut bytes_left = bytes as usize;
        let mut frames = headers(stream, false, &post(&[]));
        while bytes_left > 0 {
            let piece = bytes_left.min(16 << 10);
            frames.extend(data(stream, false, vec![b'c'; piece]));
            bytes_left -= piece;
        }
        let _ = client.write(frames).await;
        match code {
            None => assert_eq!(client.get("nowhere.test", "/").await.unwrap().status(), 404),
            Some(code) => {
                let outcome = client.outcome(stream).await.unwrap();
                let told = match outcome {
                    Outcome::Reset(code) => Some(code),
                    Outcome::Ended(end) => end.goaway.map(|(_, code)| code),
                    Outcome::Answered(_) => None,
                };
                assert_eq!(told, Some(code), "{bytes} bytes: {outcome:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_connection_takes_so_many_requests() {
    let table = Table::new(&limits(|limits| limits.keep_alive_requests = 3)).await;
    let mut client = Client::open(table.lane.http).await.unwrap();
    for _ in 0..3 {
        assert_eq!(client.get(HOST, "/").await.unwrap().status(), 200);
    }
    assert_eq!(client.end().await.unwrap().goaway.map(|(_, code)| code), Some(error::NO_ERROR));
    assert_eq!(table.lane.faults().await.len(), 0, "nobody is to blame");
    table.lane.wait_for_metrics(|seen| seen["bulkhead_connections_worn_out_total"], 1.0).await;
}
