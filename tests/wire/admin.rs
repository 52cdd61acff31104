//! The admin endpoint of a running gateway: its pages, and what they say of the requests before.

use bulkhead_crds::report::{FINDINGS_SAMPLE, FindingsList};
use bulkhead_tests::exchange;
use std::collections::BTreeMap;

use crate::support::backend::Backend;
use crate::support::lane::Lane;
use crate::support::manifest::{CLASS, Path, all_of, document, file, ingress, served};

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

#[tokio::test]
async fn every_page_has_its_content_type_and_is_not_cached() {
    let lane = Lane::shared().await;
    for (path, status, content_type) in [
        ("/livez", 200, TEXT),
        ("/readyz", 200, TEXT),
        ("/metrics", 200, "text/plain; version=0.0.4; charset=utf-8"),
        ("/v1/status", 200, JSON),
        ("/v1/routes", 200, JSON),
        ("/v1/findings", 200, JSON),
        ("/v1/status?x", 200, JSON),
        ("/", 404, TEXT),
        ("/readyz/", 404, TEXT),
        ("/v1", 404, TEXT),
        ("/../etc/passwd", 404, TEXT),
    ] {
        let answer = lane.page(path).await;
        let fields = (answer.status, answer.header("content-type"), answer.header("cache-control"));
        assert_eq!(fields, (status, Some(content_type), Some("no-store")), "{path}");
    }
}

#[tokio::test]
async fn other_methods_are_refused_and_head_has_no_content() {
    let lane = Lane::shared().await;
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"] {
        let answer = exchange::send(
            lane.admin,
            format!("{method} /v1/status HTTP/1.1\r\nHost: admin\r\nContent-Length: 0\r\n\r\n"),
        )
        .await
        .unwrap();
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
    let mut client = exchange::Connection::open(lane.admin).await.unwrap();
    client.write("HEAD /v1/status HTTP/1.1\r\nHost: admin\r\n\r\n").await.unwrap();
    assert_eq!(client.answer_to_head().await.unwrap().status, 200);
    assert!(client.closed().await.unwrap().is_empty());
}

/// As in kgateway CVE-2025-64323, Envoy Gateway CVE-2025-24030 and Cilium CVE-2026-49445, where what is for operators was to be had by clients.
#[tokio::test]
async fn admin_pages_are_not_on_the_traffic_port() {
    let lane = Lane::start(&document()).await;
    let (http, admin) = (lane.http.to_string(), lane.admin.to_string());
    let hosts = ["admin", "localhost", "127.0.0.1", "[::1]", &http, &admin];
    const PATHS: [&str; 9] = [
        "/livez",
        "/readyz",
        "/metrics",
        "/v1/status",
        "/v1/routes",
        "/v1/findings",
        "//metrics",
        "/v1/../metrics",
        "/%6detrics",
    ];
    for (host, path) in hosts.iter().flat_map(|host| PATHS.map(|path| (host, path))) {
        let answer = lane.get(host, path).await;
        assert_eq!((answer.status, answer.text().contains("bulkhead_")), (404, false), "{host}{path}");
        let whole = format!("GET http://{host}{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert_eq!(lane.send(whole).await.status, 404, "http://{host}{path}");
    }
    // They are paths like any other: a backend for every host gets them.
    let backend = Backend::echo().await;
    lane.put("web.yaml", &file(&[ingress("web", &[all_of("", "web")]), served("web", backend.port())]));
    lane.wait("an endpoint", |report| report.routes == 1 && report.endpoints == 1).await;
    for path in ["/livez", "/readyz", "/metrics", "/v1/status", "/v1/routes"] {
        assert_eq!(lane.get(&admin, path).await.text(), format!("GET {path}"));
    }
}

#[tokio::test]
async fn findings_beyond_the_first_few_are_listed() {
    let lane = Lane::start(&document()).await;
    let names: Vec<String> = (0..40).map(|number| format!("web-{number:02}")).collect();
    let ingresses: Vec<_> = names.iter().map(|name| ingress(name, &[all_of(name, "none")])).collect();
    lane.put("web.yaml", &file(&ingresses));
    let report = lane.wait("findings", |report| report.findings.errors == 40).await;
    assert_eq!(report.findings.sample.len(), FINDINGS_SAMPLE);
    let list: FindingsList = lane.page("/v1/findings").await.json().unwrap();
    assert_eq!((list.errors, list.warnings, list.left_out), (40, 0, 0));
    assert_eq!(
        list.findings.iter().map(|finding| &finding.object.name).collect::<Vec<_>>(),
        names.iter().collect::<Vec<_>>()
    );
    assert_eq!(list.findings[..FINDINGS_SAMPLE], report.findings.sample);
    assert_eq!(list.identity, report.identity);
}

#[tokio::test]
async fn findings_that_a_reader_has_are_not_sent_again_until_they_are_others() {
    let lane = Lane::start(&document()).await;
    lane.put("web.yaml", &file(&[ingress("web", &[all_of("lost.test", "lost")])]));
    let report = lane.wait("a finding", |report| report.findings.errors == 1).await;
    let page = lane.page("/v1/findings").await;
    let tag = page.header("etag").unwrap().to_owned();
    assert_eq!(tag, format!("\"{}\"", report.findings.digest));
    let ask = async || {
        let request =
            format!("GET /v1/findings HTTP/1.1\r\nhost: admin\r\nif-none-match: {tag}\r\nconnection: close\r\n\r\n");
        exchange::send(lane.admin, request).await.unwrap()
    };
    let same = ask().await;
    assert_eq!((same.status, same.header("etag"), same.content.len()), (304, Some(tag.as_str()), 0));
    lane.put("more.yaml", &file(&[ingress("more", &[all_of("gone.test", "gone")])]));
    lane.wait("another finding", |report| report.findings.errors == 2).await;
    let changed = ask().await;
    assert_ne!((changed.status, changed.header("etag")), (304, Some(tag.as_str())));
    let list: FindingsList = changed.json().unwrap();
    assert_eq!(list.errors, 2);
}

#[tokio::test]
async fn status_and_routes_say_what_is_served() {
    let lane = Lane::start(&document()).await;
    let backend = Backend::echo().await;
    lane.put(
        "web.yaml",
        &file(&[
            ingress("web", &[all_of("admin.test", "web"), all_of("lost.test", "lost")]),
            served("web", backend.port()),
        ]),
    );
    let report = lane.wait("two routes", |report| report.routes == 2).await;
    assert_eq!(report.identity, Some(document().identity));
    assert_eq!(
        (report.ready, report.draining, report.waiting_for.as_str(), report.config_generation),
        (true, false, "", 1)
    );
    assert_eq!((report.ingresses, report.endpoints, report.findings.errors), (1, 1, 1));
    assert_eq!(
        report.classes.iter().map(|class| (class.name.as_str(), class.served)).collect::<Vec<_>>(),
        [(CLASS, true), ("pier", true)]
    );
    let routes = lane.routes().await;
    assert_eq!(routes.snapshot, report.snapshot);
    let shown: Vec<_> = routes
        .routes
        .iter()
        .map(|route| (route.host.as_str(), route.backend.as_str(), route.endpoints, route.unavailable.is_empty()))
        .collect();
    assert!(shown.contains(&("admin.test", "shop/web:80", 1, true)), "{shown:?}");
    assert!(
        shown.iter().any(|(host, _, endpoints, works)| (*host, *endpoints, *works) == ("lost.test", 0, false)),
        "{shown:?}"
    );
}

#[tokio::test]
async fn every_refused_or_failed_request_is_counted_by_its_reason() {
    let lane = Lane::start(&document()).await;
    let backend = Backend::start(|request| crate::support::backend::Reply {
        bytes: if request.target() == "/bad" {
            b"nonsense\r\n\r\n".to_vec()
        } else {
            b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()
        },
        then: crate::support::backend::Then::Keep,
    })
    .await;
    let bread = Path { host: "count.test", path: "/bread", kind: "Prefix", service: "web" };
    let paths = [all_of("count.test", "web"), bread, all_of("empty.test", "empty"), all_of("lost.test", "lost")];
    let empty = crate::support::manifest::service("empty");
    lane.put("web.yaml", &file(&[ingress("web", &paths), served("web", backend.port()), empty]));
    lane.wait("four routes", |report| report.routes == 4 && report.endpoints == 1).await;
    let rows: [(&str, u16, &str); 18] = [
        ("GET / HTTP/1.1\r\n\r\n", 400, "missing_host"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "duplicate_host"),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "bad_host"),
        ("GET / HTTP/1.1\r\nHost: a..b\r\n\r\n", 400, "unroutable_host"),
        ("GET /%00 HTTP/1.1\r\nHost: count.test\r\n\r\n", 400, "ambiguous_path"),
        ("GET /bread%2fcrumb HTTP/1.1\r\nHost: count.test\r\n\r\n", 400, "ambiguous_slash"),
        ("GET /#x HTTP/1.1\r\nHost: count.test\r\n\r\n", 400, "fragment_in_target"),
        ("GET x HTTP/1.1\r\nHost: count.test\r\n\r\n", 400, "bad_target"),
        ("GET / HTTP/2.0\r\nHost: count.test\r\n\r\n", 505, "unsupported_version"),
        ("TRACE / HTTP/1.1\r\nHost: count.test\r\n\r\n", 405, "method_refused"),
        ("GET / HTTP/1.1\nHost: count.test\r\n\r\n", 400, "bare_line_feed"),
        (
            "POST / HTTP/1.1\r\nHost: count.test\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
            "length_and_transfer_encoding",
        ),
        ("POST / HTTP/1.1\r\nHost: count.test\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400, "bad_chunk_size"),
        ("POST / HTTP/1.1\r\nHost: count.test\r\nContent-Length: 1048577\r\n\r\n", 413, "content_too_large"),
        ("GET / HTTP/1.1\r\nHost: nobody.test\r\n\r\n", 404, "no_route"),
        ("GET / HTTP/1.1\r\nHost: lost.test\r\n\r\n", 503, "no_service"),
        ("GET / HTTP/1.1\r\nHost: empty.test\r\n\r\n", 503, "no_endpoints"),
        ("GET /bad HTTP/1.1\r\nHost: count.test\r\n\r\n", 502, "bad_response"),
    ];
    for (number, (request, status, reason)) in rows.iter().enumerate() {
        let answer = lane.send(request).await;
        assert_eq!(answer.status, *status, "{reason}");
        assert!(answer.header("date").is_some() && answer.text().starts_with(&format!("{status} ")), "{answer:?}");
        let faults = lane.faults().await;
        assert_eq!((faults.get(*reason), faults.len()), (Some(&1), number + 1), "{reason}: {faults:?}");
    }
    assert_eq!(lane.send("GET / HTTP/1.1\r\nHost: count.test\r\n\r\n").await.status, 204);
    let by_class = |seen: &BTreeMap<String, f64>| {
        ["2xx", "4xx", "5xx"].map(|class| seen[&format!("bulkhead_responses_total{{class=\"{class}\"}}")])
    };
    lane.wait_for_metrics(by_class, [1.0, 14.0, 4.0]).await;
    let metrics = lane.metrics().await;
    assert_eq!(
        (metrics["bulkhead_connections_accepted_total"], metrics["bulkhead_connection_panics_total"]),
        (19.0, 0.0)
    );
}
