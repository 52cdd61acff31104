//! What happens while things change: no connection is cut, nothing bad replaces what is good, and a change is there at once.

use std::time::Duration;

use bulkhead_tests::exchange::Connection;
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout};

use crate::support::PATIENCE;
use crate::support::backend::Backend;
use crate::support::lane::Lane;
use crate::support::manifest::{all_of, document, file, ingress, served, slices};

#[tokio::test]
async fn a_file_that_cannot_be_read_is_named_with_its_line_and_its_last_good_state_stays() {
    let lane = Lane::start(&document()).await;
    let backend = Backend::named("good").await;
    let good = file(&[ingress("web", &[all_of("good.test", "web")]), served("web", backend.port())]);
    lane.put("web.yaml", &good);
    lane.wait_for("good.test", "/", 200, "good").await;
    let first = good.lines().count();
    for (bad, line, reason) in [
        (format!("{good}---\nkind: [\n"), first + 2, ""),
        (
            format!(
                "{good}---\napiVersion: v1\nkind: Service\nmetadata: {{name: x}}\nspec:\n  ports: [{{port: many}}]\n"
            ),
            first + 6,
            "Service",
        ),
        (format!("{good}---\nspec: {{}}\n"), first + 2, "no kind"),
        (
            format!("{good}---\napiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {{name: old}}\n"),
            first + 2,
            "networking.k8s.io/v1",
        ),
    ] {
        lane.put("web.yaml", &bad);
        let report = lane
            .wait("a problem", |report| report.source_problems.iter().any(|problem| problem.contains(reason)))
            .await;
        let problem = &report.source_problems[0];
        let named = problem.contains("web.yaml") && problem.contains(&format!("line {line}"));
        assert!(report.source_problems.len() == 1 && named, "line {line}: {:?}", report.source_problems);
        assert_eq!((lane.get("good.test", "/").await.text(), report.ready), ("good".to_owned(), true));
        lane.put("web.yaml", &good);
        lane.wait("no problem", |report| report.source_problems.is_empty()).await;
    }
    lane.remove("web.yaml");
    lane.wait_for("good.test", "/", 404, "").await;
}

#[tokio::test]
async fn a_lane_document_that_cannot_be_read_leaves_the_last_good_one_in_force() {
    let lane = Lane::start(&document()).await;
    let backend = Backend::named("good").await;
    lane.put("web.yaml", &file(&[ingress("web", &[all_of("document.test", "web")]), served("web", backend.port())]));
    lane.wait_for("document.test", "/", 200, "good").await;
    let good = serde_json::to_string(&document()).unwrap();
    for bad in ["", "{", "[]", &good.replace("lane/v1", "lane/v2"), &good.replace("\"limits\"", "\"limit\"")] {
        lane.set_document(bad);
        let report = lane.wait("a problem", |report| report.source_problems.len() == 1).await;
        assert_eq!((report.ready, report.config_generation, report.routes), (true, 1, 1), "{bad}");
        assert_eq!(lane.get("document.test", "/").await.text(), "good");
        lane.set_document(&good);
        lane.wait("no problem", |report| report.source_problems.is_empty()).await;
    }
}

/// The download's own route, Service and endpoints all go away while it runs.
#[tokio::test]
async fn a_download_is_not_cut_when_its_route_is_changed_and_removed() {
    let lane = Lane::start(&document()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let other = Backend::named("other").await;
    let to = |service: &str| ingress("web", &[all_of("download.test", service)]);
    lane.put("web.yaml", &to("web"));
    lane.put("services.yaml", &file(&[served("web", port), served("other", other.port())]));
    lane.wait("an endpoint", |report| report.endpoints == 1 && report.routes == 1).await;

    let mut client = lane.connect().await;
    client.write("GET /file HTTP/1.1\r\nHost: download.test\r\n\r\n").await.unwrap();
    let mut backend = Connection::over(timeout(PATIENCE, listener.accept()).await.unwrap().unwrap().0);
    backend.until(b"\r\n\r\n").await.unwrap();
    let piece = vec![b'x'; 100_000];
    let length = 5 * piece.len();
    backend.write(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n")).await.unwrap();
    client.until(b"\r\n\r\n").await.unwrap();
    backend.write(&piece).await.unwrap();
    assert_eq!(client.exactly(piece.len()).await.unwrap(), piece);

    // Until the change is there a request would wait behind the download, so the snapshot tells.
    let before = lane.status().await.snapshot;
    lane.put("web.yaml", &to("other"));
    lane.wait("a snapshot", |report| report.snapshot > before).await;
    lane.wait_for("download.test", "/", 200, "other").await;
    backend.write(&piece).await.unwrap();
    assert_eq!(client.exactly(piece.len()).await.unwrap(), piece);

    lane.put("services.yaml", &served("other", other.port()));
    lane.configure(&document()).await;
    backend.write(&piece).await.unwrap();
    assert_eq!(client.exactly(piece.len()).await.unwrap(), piece);

    lane.remove("web.yaml");
    lane.wait_for("download.test", "/", 404, "").await;
    backend.write(&piece).await.unwrap();
    assert_eq!(client.exactly(piece.len()).await.unwrap(), piece);

    lane.remove("class.yaml");
    lane.wait("no class", |report| !report.classes[0].served).await;
    backend.write(&piece).await.unwrap();
    assert_eq!(client.exactly(piece.len()).await.unwrap(), piece);
    // The same connection, and the new state of things.
    client.write("GET / HTTP/1.1\r\nHost: download.test\r\n\r\n").await.unwrap();
    assert_eq!(client.answer().await.unwrap().status, 404);
}

/// A client that asks without a pause through a hundred changes is always answered, by the backend before or after the change.
#[tokio::test]
async fn a_hundred_changes_cost_no_request_and_each_is_one_snapshot_or_none() {
    let lane = Lane::start(&document()).await;
    let (one, two) = (Backend::named("one").await, Backend::named("two").await);
    lane.put("services.yaml", &file(&[served("one", one.port()), served("two", two.port())]));
    let to = |service: &str| ingress("web", &[all_of("flip.test", service)]);
    lane.put("web.yaml", &to("one"));
    lane.wait_for("flip.test", "/", 200, "one").await;
    let (before, faults) = (lane.metrics().await["bulkhead_snapshots_total"], lane.faults().await);
    let mut client = lane.connect().await;
    let (mut slowest, mut requests) = (Duration::ZERO, 0);
    for round in 0..100 {
        let service = if round % 2 == 0 { "two" } else { "one" };
        lane.put("web.yaml", &to(service));
        let written = Instant::now();
        loop {
            client.write("GET / HTTP/1.1\r\nHost: flip.test\r\n\r\n").await.unwrap();
            let answer = client.answer().await.unwrap();
            requests += 1;
            assert!(answer.status == 200 && ["one", "two"].contains(&answer.text().as_str()), "{answer:?}");
            if answer.text() == service {
                break;
            }
            assert!(written.elapsed() < PATIENCE, "change {round} is not seen");
        }
        slowest = slowest.max(written.elapsed());
    }
    println!(
        "100 changes of a route, each seen by the next request after at most {slowest:?}; {requests} requests, none failed"
    );
    // Counted once it is served: a request may be the faster one.
    let counted = async || lane.metrics().await["bulkhead_snapshots_total"] - before;
    let since = Instant::now();
    while counted().await < 100.0 && since.elapsed() < PATIENCE {}
    let snapshots = counted().await;
    assert!((snapshots - 100.0).abs() < f64::EPSILON, "{snapshots} snapshots for 100 changes");
    assert_eq!(lane.faults().await, faults);
}

#[tokio::test]
async fn endpoints_change_without_a_snapshot() {
    let lane = Lane::start(&document()).await;
    let (one, two) = (Backend::named("one").await, Backend::named("two").await);
    lane.put("web.yaml", &file(&[ingress("web", &[all_of("ends.test", "web")]), served("web", one.port())]));
    lane.wait_for("ends.test", "/", 200, "one").await;
    let (before, swaps) = (lane.status().await.snapshot, lane.metrics().await["bulkhead_endpoint_changes_total"]);
    lane.put("web.yaml", &file(&[ingress("web", &[all_of("ends.test", "web")]), served("web", two.port())]));
    lane.wait_for("ends.test", "/", 200, "two").await;
    assert_eq!(lane.status().await.snapshot, before);
    assert!(lane.metrics().await["bulkhead_endpoint_changes_total"] > swaps);
    // A file that says the same again changes nothing at all: the one snapshot is the marker's.
    let snapshots = lane.metrics().await["bulkhead_snapshots_total"];
    lane.put(
        "web.yaml",
        &file(&[ingress("web", &[all_of("ends.test", "web")]), served("web", two.port()), slices("nobody", &[])]),
    );
    lane.put("marker.yaml", &ingress("marker", &[all_of("marker.test", "web")]));
    lane.wait_for("marker.test", "/", 200, "two").await;
    assert!((lane.metrics().await["bulkhead_snapshots_total"] - snapshots - 1.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn a_gateway_that_is_killed_serves_the_same_again() {
    let lane = Lane::start(&document()).await;
    let backend = Backend::named("same").await;
    lane.put("web.yaml", &file(&[ingress("web", &[all_of("again.test", "web")]), served("web", backend.port())]));
    lane.wait_for("again.test", "/", 200, "same").await;
    let lane = lane.restart().await;
    let report = lane.wait("a ready gateway", |report| report.ready).await;
    // The first snapshot is complete: nobody is ever told 404 for a route that is there.
    assert_eq!((lane.get("again.test", "/").await.text(), report.routes), ("same".to_owned(), 1));
}
