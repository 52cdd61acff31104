//! How often clients may ask.

use std::time::Duration;

use bulkhead_crds::lane::Profile;
use bulkhead_tests::http2::Client;
use bulkhead_tests::wait::wait_for;
use tokio::time::Instant;

use super::case::{Case, Exchange, Saw};
use crate::support::PATIENCE;
use crate::support::backend::{Backend, Reply};
use crate::support::lane::Lane;
use crate::support::manifest::{Path, all_of, document, file, ingress, served};
use crate::support::message::Request;

const ONE: &[&str] = &["GET /", "X-Forwarded-For: 192.0.2.1"];
const TWO: &[&str] = &["GET /", "X-Forwarded-For: 192.0.2.2"];

/// Refused, as the profile Standard does it.
const REFUSED: Exchange = Exchange { sends: ONE, gets: &["429"], saw: Saw::Nothing, ..Exchange::PLAIN };

pub(super) const CASES: &[Case] = &[
    Case {
        proves: &["limit-rpm", "limit-burst-multiplier"],
        what: "a burst and one more pass at once, for each client",
        profiles: &[Profile::Standard],
        annotations: &[("limit-rpm", "1"), ("limit-burst-multiplier", "2")],
        exchanges: &[
            Exchange { sends: ONE, ..Exchange::PLAIN },
            Exchange { sends: ONE, ..Exchange::PLAIN },
            Exchange { sends: ONE, ..Exchange::PLAIN },
            Exchange { gets: &["429", "Retry-After: "], ..REFUSED },
            Exchange { sends: TWO, ..Exchange::PLAIN },
            REFUSED,
        ],
        ..Case::PLAIN
    },
    Case {
        what: "who asks too often is answered as ingress-nginx does",
        profiles: &[Profile::IngressNginx],
        annotations: &[("limit-rpm", "1"), ("limit-burst-multiplier", "0")],
        exchanges: &[
            Exchange { sends: ONE, ..Exchange::PLAIN },
            Exchange { gets: &["503"], lacks: &["Retry-After"], ..REFUSED },
        ],
        ..Case::PLAIN
    },
    Case {
        proves: &["limit-rps"],
        what: "the burst is five times the rate where nothing is said of it, for all paths together",
        profiles: &[Profile::Standard],
        annotations: &[("limit-rps", "1"), ("limit-rpm", "1")],
        paths: &[("/", "Prefix"), ("/a", "Prefix")],
        exchanges: &[
            Exchange { sends: ONE, ..Exchange::PLAIN },
            Exchange { sends: ONE, ..Exchange::PLAIN },
            Exchange { sends: ONE, ..Exchange::PLAIN },
            Exchange { sends: ONE, ..Exchange::PLAIN },
            Exchange { sends: ONE, ..Exchange::PLAIN },
            Exchange { sends: ONE, ..Exchange::PLAIN },
            Exchange { sends: &["GET /a", "X-Forwarded-For: 192.0.2.1"], ..REFUSED },
        ],
        ..Case::PLAIN
    },
    Case {
        proves: &["limit-allowlist"],
        what: "exempt clients may ask as often as they like",
        profiles: &[Profile::Standard],
        annotations: &[
            ("limit-rpm", "1"),
            ("limit-burst-multiplier", "0"),
            ("limit-connections", "10"),
            ("limit-whitelist", "192.0.2.0/31"),
        ],
        exchanges: &[
            Exchange { sends: ONE, ..Exchange::PLAIN },
            Exchange { sends: ONE, ..Exchange::PLAIN },
            Exchange { sends: TWO, ..Exchange::PLAIN },
            Exchange { sends: TWO, ..REFUSED },
        ],
        ..Case::PLAIN
    },
    Case {
        what: "a limit that cannot be read lets nobody in",
        annotations: &[("limit-rps", "ten")],
        exchanges: &[Exchange { gets: &["503"], saw: Saw::Nothing, ..Exchange::PLAIN }],
        ..Case::PLAIN
    },
    Case {
        what: "no limit is none",
        annotations: &[("limit-rps", "0"), ("limit-burst-multiplier", "none")],
        exchanges: &[Exchange::PLAIN, Exchange::PLAIN],
        ..Case::PLAIN
    },
];

const HOST: &str = "counted.test";

fn limited(annotation: &str, paths: &[Path<'_>]) -> String {
    let metadata = format!("name: web, annotations: {{nginx.ingress.kubernetes.io/{annotation}}},");
    ingress("web", paths).replacen("name: web,", &metadata, 1)
}

#[tokio::test]
async fn a_client_may_have_so_many_requests_at_once_and_no_more() {
    let lane = Lane::start(&document()).await;
    let silence = |request: &Request| match request.target().as_str() {
        "/silence" => Reply::keep(""),
        _ => Reply::echo(request),
    };
    let backend = Backend::start(silence).await;
    let limited = limited("limit-connections: '2'", &[all_of(HOST, "web")]);
    lane.put("web.yaml", &file(&[limited, served("web", backend.port())]));
    lane.wait("an endpoint", |report| report.routes == 1 && report.endpoints == 1).await;
    let request = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    let (mut first, mut second) = (lane.connect().await, lane.connect().await);
    first.write(request("/silence")).await.unwrap();
    second.write(request("/silence")).await.unwrap();
    wait_for("both requests at the backend", PATIENCE, async || {
        anyhow::ensure!(backend.count() == 2, "{}", backend.count());
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(lane.send(request("/")).await.status, 429);
    assert_eq!(lane.faults().await["connections_limited"], 1);
    drop(first);
    wait_for("a place", PATIENCE, async || {
        let status = lane.send(request("/")).await.status;
        anyhow::ensure!(status == 200, "{status}");
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn nobody_begins_anew_when_something_else_is_changed() {
    let lane = Lane::start(&document()).await;
    let backend = Backend::named("web").await;
    let limited = |paths: &[Path<'_>]| limited("limit-rpm: '1'", paths);
    lane.put("web.yaml", &file(&[limited(&[all_of(HOST, "web")]), served("web", backend.port())]));
    lane.wait("an endpoint", |report| report.routes == 1 && report.endpoints == 1).await;
    let ask = async || lane.get(HOST, "/").await.status;
    let mut passed = 0;
    while ask().await == 200 {
        passed += 1;
        assert!(passed <= 6, "the burst is five");
    }
    assert_eq!((passed, lane.faults().await["rate_limited"]), (6, 1));
    // Another Ingress of the host, then another path, Service and host of its own.
    let other = Path { path: "/other", ..all_of(HOST, "web") };
    lane.put("other.yaml", &ingress("other", &[other]));
    lane.wait("another route", |report| report.routes == 2).await;
    assert_eq!(ask().await, 429);
    let more = [all_of(HOST, "web"), Path { path: "/more", ..all_of(HOST, "web") }, all_of("more.test", "web")];
    lane.put("web.yaml", &file(&[limited(&more), served("web", backend.port())]));
    lane.wait("more routes", |report| report.routes == 4).await;
    assert_eq!(ask().await, 429);
    assert_eq!(lane.get("more.test", "/").await.status, 429);
    assert_eq!(lane.get(HOST, "/other").await.status, 200);
}

#[tokio::test]
async fn a_response_takes_as_long_as_its_route_allows_it_and_no_other_route_is_slowed_down() {
    const CONTENT: usize = 48 << 10;
    let lane = Lane::start(&document()).await;
    let backend = Backend::start(|_| Reply::ok(&"x".repeat(CONTENT))).await;
    let slow = "metadata: {annotations: {nginx.ingress.kubernetes.io/limit-rate: '32', nginx.ingress.kubernetes.io/limit-rate-after: '8'}, ";
    let slow = ingress("slow", &[all_of("slow.test", "web")]).replacen("metadata: {", slow, 1);
    lane.put("web.yaml", &file(&[ingress("fast", &[all_of("fast.test", "web")]), slow, served("web", backend.port())]));
    lane.wait_for("fast.test", "/", 200, "x").await;
    lane.wait_for("slow.test", "/", 200, "x").await;
    let before = Instant::now();
    assert_eq!(lane.get("slow.test", "/").await.text().len(), CONTENT);
    let http1 = before.elapsed();
    let mut client = Client::open(lane.http).await.unwrap();
    let before = Instant::now();
    let outcome = client.get("slow.test", "/").await.unwrap();
    let http2 = before.elapsed();
    assert_eq!(outcome.status(), 200);
    // Of 40 KiB the last quarter of a second's worth goes out when what is before it was due.
    for took in [http1, http2] {
        assert!(took >= Duration::from_millis(980), "{took:?}");
    }
    let log = lane.get("fast.test", "/").await;
    assert_eq!(log.text().len(), CONTENT);
}
