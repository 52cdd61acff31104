//! Requests whose clients leave while the backend has not taken them yet: nothing of them is left running.

use anyhow::ensure;
use bulkhead_crds::lane::LaneDocument;
use bulkhead_tests::http2::Client;
use bulkhead_tests::http2::frame::{data, error, headers, reset};
use bulkhead_tests::wait::wait_for;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::support::PATIENCE;
use crate::support::backend::Full;
use crate::support::lane::Lane;
use crate::support::manifest::{all_of, document, file, ingress, served, service, slices};

const HOST: &str = "abandoned.test";
const POST: [(&str, &str); 4] = [(":method", "POST"), (":scheme", "http"), (":authority", HOST), (":path", "/")];
/// More than the kernel and the proxy hold of a request, less than a client may send.
const CONTENT: usize = 64 << 20;
/// No test waits this out.
const LONG: u64 = 600_000;

fn patient() -> LaneDocument {
    let mut document = document();
    document.limits.request_content_bytes = 0;
    document.upstream.connect_ms = LONG;
    document.upstream.send_ms = LONG;
    document
}

/// A gateway with this backend, spoken to in one of two ways.
async fn lane_before(port: u16, shared: bool) -> Lane {
    let lane = Lane::start(&patient()).await;
    let backend = if shared {
        let spoken = service("web").replace("targetPort: 8080", "targetPort: 8080, appProtocol: kubernetes.io/h2c");
        format!("{spoken}{}", slices("web", &[(port, "ready: true")]))
    } else {
        served("web", port)
    };
    lane.put("web.yaml", &file(&[ingress("web", &[all_of(HOST, "web")]), backend]));
    lane.wait("an endpoint", |report| report.routes == 1 && report.endpoints == 1).await;
    lane
}

async fn in_flight(lane: &Lane, count: f64) {
    let all = wait_for("requests in flight", PATIENCE, async || {
        let now = lane.metrics().await["bulkhead_requests_in_flight"];
        ensure!(now == count, "{now}, not {count}");
        Ok(())
    });
    all.await.unwrap();
}

/// How a client leaves.
#[derive(Clone, Copy, Debug)]
enum Leaves {
    /// An HTTP/1.1 connection is closed, behind a part of the content.
    Http1,
    /// One is reset behind all that anybody takes: an end would not be sent before that is read.
    Http1Reset,
    /// A stream is reset.
    Stream,
    /// A connection with a stream is closed.
    Http2,
}

const ALL: [Leaves; 4] = [Leaves::Http1, Leaves::Http1Reset, Leaves::Stream, Leaves::Http2];

/// Sends a request with endless content, for as long as it is taken; leaves once the gateway has taken what it can.
async fn abandon(lane: &Lane, leaves: Leaves) {
    match leaves {
        Leaves::Http1 | Leaves::Http1Reset => {
            let mut client = TcpStream::connect(lane.http).await.unwrap();
            let head = format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {CONTENT}\r\n\r\n");
            client.write_all(head.as_bytes()).await.unwrap();
            in_flight(lane, 1.0).await;
            if matches!(leaves, Leaves::Http1Reset) {
                fill(&mut client).await;
                client.set_zero_linger().unwrap();
            } else {
                client.write_all(&[b'c'; 64 << 10]).await.unwrap();
            }
        }
        Leaves::Stream | Leaves::Http2 => {
            let mut client = Client::open(lane.http).await.unwrap();
            let stream = client.next_stream();
            client.write(headers(stream, false, &POST)).await.unwrap();
            // As much as its window takes.
            for _ in 0..3 {
                client.write(data(stream, false, vec![b'c'; 16 << 10])).await.unwrap();
            }
            in_flight(lane, 1.0).await;
            if matches!(leaves, Leaves::Stream) {
                client.write(reset(stream, error::CANCEL)).await.unwrap();
                in_flight(lane, 0.0).await;
                assert!(!client.is_closed());
            }
        }
    }
    println!("{leaves:?}");
    in_flight(lane, 0.0).await;
    let faults = lane.faults().await;
    assert!(faults.keys().eq(["client_gone"]), "{leaves:?}: {faults:?}");
}

/// Writes until nobody takes any more.
async fn fill(client: &mut TcpStream) {
    let piece = vec![b'c'; 64 << 10];
    let pause = std::time::Duration::from_millis(300);
    while let Ok(written) = tokio::time::timeout(pause, client.write(&piece)).await {
        written.unwrap();
    }
}

#[tokio::test]
async fn a_backend_that_accepts_nobody_keeps_no_request_whose_client_has_left() {
    for shared in [false, true] {
        for leaves in ALL {
            let full = Full::new().await;
            abandon(&lane_before(full.port(), shared).await, leaves).await;
        }
    }
}

#[tokio::test]
async fn a_backend_that_reads_nothing_keeps_no_request_whose_client_has_left() {
    for shared in [false, true] {
        for leaves in ALL {
            let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
            abandon(&lane_before(silent.local_addr().unwrap().port(), shared).await, leaves).await;
        }
    }
}

#[tokio::test]
async fn a_password_that_nobody_waits_for_any_more_is_not_checked() {
    /// A second of work, for whatever password.
    const SLOW: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: people, namespace: shop}\nstringData:\n  auth: zoe:$2y$14$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.\n";
    let annotations = "nginx.ingress.kubernetes.io/auth-type: basic, nginx.ingress.kubernetes.io/auth-secret: people";
    let closed = ingress("web", &[all_of(HOST, "web")]).replacen(
        "namespace: shop",
        &format!("namespace: shop, annotations: {{{annotations}}}"),
        1,
    );
    let lane = Lane::start(&patient()).await;
    lane.put("web.yaml", &file(&[closed, served("web", 1), SLOW.to_owned()]));
    lane.wait("an endpoint", |report| report.routes == 1 && report.endpoints == 1).await;
    // zoe:a, zoe:b and zoe:c: what is found of one says nothing of another.
    let [first, second, third] = ["em9lOmE=", "em9lOmI=", "em9lOmM="]
        .map(|credentials| format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Basic {credentials}\r\n\r\n"));
    let mut stays = lane.connect().await;
    stays.write(&first).await.unwrap();
    in_flight(&lane, 1.0).await;
    let mut leaves = lane.connect().await;
    leaves.write(&second).await.unwrap();
    drop(leaves);
    let left = wait_for("a client that left", PATIENCE, async || {
        let faults = lane.faults().await;
        ensure!(faults.get("client_gone") == Some(&1), "{faults:?}");
        Ok(())
    });
    left.await.unwrap();
    assert_eq!(stays.answer().await.unwrap().status, 401);
    assert_eq!(lane.send(&third).await.status, 401);
    let faults = lane.faults().await;
    assert_eq!(faults.get("credentials_refused"), Some(&2), "{faults:?}");
}
