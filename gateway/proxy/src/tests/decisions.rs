//! A route that is closed is closed to every request, however that is written, framed or sent.

use bulkhead_model::Denial;
use http::Request;

use super::http2::{answer, connect, send};
use super::support::{Lane, eventually};

/// `a.test/` is open, and `a.test/admin` asks for a protection that is not served.
async fn lane() -> Lane {
    let lane = Lane::start().await;
    lane.publish_closed(2, "/admin", Denial::PolicyNotServed);
    // Asked for by a request, and so by every one after it.
    let mut client = lane.client().await;
    client.send("GET /admin HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 503 "));
    lane
}

/// As in Skipper CVE-2026-50197, where a policy was passed over for chunked requests and those of HTTP/2, and Traefik CVE-2026-54762,
/// where a route was open because its protection was missing.
#[tokio::test]
async fn a_closed_route_is_closed_to_every_kind_of_request() {
    let lane = lane().await;
    let host = "Host: a.test\r\n";
    for request in [
        format!("GET /admin HTTP/1.0\r\n{host}\r\n"),
        format!("HEAD /admin HTTP/1.1\r\n{host}\r\n"),
        format!("OPTIONS /admin HTTP/1.1\r\n{host}\r\n"),
        format!("PURGE /admin HTTP/1.1\r\n{host}\r\n"),
        format!("GET http://a.test/admin HTTP/1.1\r\n{host}\r\n"),
        "GET /admin HTTP/1.1\r\nHost: A.Test.:8080\r\n\r\n".to_owned(),
        format!("POST /admin HTTP/1.1\r\n{host}Content-Length: 2\r\n\r\nhi"),
        format!("POST /admin HTTP/1.1\r\n{host}Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"),
        format!("POST /admin HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"),
        format!(
            "GET /admin HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nGrpc-Status: 0\r\n\r\n"
        ),
        format!("GET /admin HTTP/1.1\r\n{host}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
        format!(
            "GET /admin HTTP/1.1\r\n{host}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n"
        ),
        format!(
            "GET /admin?/../public HTTP/1.1\r\n{host}X-Original-URL: /public\r\nX-HTTP-Method-Override: GET\r\n\r\n"
        ),
    ] {
        let mut client = lane.client().await;
        client.send(&request).await;
        let head = client.head().await;
        assert!(head.starts_with("HTTP/1.1 503 "), "{request}{head}");
    }
    let mut requests = connect(&lane).await;
    for (method, content_type, ends) in
        [("GET", "", true), ("POST", "", false), ("POST", "application/grpc", false), ("DELETE", "", true)]
    {
        let request = Request::builder().method(method).uri("http://a.test/admin").header("te", "trailers");
        let request = request.header("content-type", content_type).body(()).unwrap();
        let (response, mut content) = send(&mut requests, request, ends).await;
        if !ends {
            let _ = content.send_data("hi".into(), true);
        }
        let response = answer(response).await.unwrap();
        let grpc = response.headers().get("grpc-status").map(|status| status != "0");
        assert_eq!(response.status() == 503, grpc.is_none(), "{method} {content_type}");
        assert_ne!(grpc, Some(false), "a call is told that it failed");
    }
    assert_eq!(lane.proxy.tally().upstream_connects, 0);
    eventually("all are counted", || lane.faults("policy_not_served") >= 18).await;
}

/// As in Traefik CVE-2025-32431, CVE-2025-47952, CVE-2025-66490, CVE-2026-40912 and CVE-2026-48020, Caddy CVE-2026-27587 and Envoy
/// CVE-2026-73551, where what was matched was not what the backend read.
#[tokio::test]
async fn no_spelling_of_a_closed_path_is_forwarded_as_an_open_one() {
    let lane = lane().await;
    for target in [
        "/admin/",
        "/admin/x",
        "/admin?x",
        "/%61dmin",
        "/%61%64%6D%69%6e/x",
        "/./admin",
        "/%2e/admin",
        "/x/../admin",
        "/x/%2e%2e/admin",
        "/x/.%2E/admin/",
        "/x/y/../../admin",
        "/x/..;/admin",
        "/x/..;a=b/admin",
        "/x/%2e%2e%3b/admin",
        "/x/..%2fadmin",
        "/x%2f..%2fadmin",
        "/admin%2f",
        "/admin%2Fx",
        "/admin%5cx",
        "/x/a%2fb/../../admin",
        "/x\\..\\admin",
        "/x%5c..%5cadmin",
        "/x//../admin",
        "//../admin",
        "/%c0%afadmin",
        "/x/%c0%ae%c0%ae/admin",
        "/admin%00",
        "/x%00/../admin",
        "/x#/../admin",
        "/x?#/../admin",
        "http://a.test/x/../admin",
        "http://b.test/x",
        "http://u@a.test/admin",
    ] {
        let mut client = lane.client().await;
        client.send(&format!("GET {target} HTTP/1.1\r\nHost: a.test\r\n\r\n")).await;
        let head = client.head().await;
        assert!(head.starts_with("HTTP/1.1 503 ") || head.starts_with("HTTP/1.1 400 "), "{target}: {head}");
    }
    assert_eq!(lane.proxy.tally().upstream_connects, 0);
    // What is another path to us leaves as that other path, byte for byte.
    for target in [
        "/administration",
        "/x/admin",
        "/x%2Fadmin",
        "/x?/admin",
        "/x;/admin",
        "/%2561dmin",
        "//admin",
        "/%2Fadmin",
        "/admin;x",
        "/ADMIN",
    ] {
        let mut client = lane.client().await;
        client.send(&format!("GET {target} HTTP/1.1\r\nHost: a.test\r\n\r\n")).await;
        let mut backend = lane.accept().await;
        let head = backend.head().await;
        assert!(head.starts_with(&format!("GET {target} HTTP/1.1\r\n")), "{target}: {head}");
    }
}

/// As in Symfony CVE-2018-14773, where a field said which path was meant, behind whoever had judged the other one.
#[tokio::test]
async fn no_field_of_a_client_names_another_path_or_method() {
    let lane = lane().await;
    let lies = [
        "X-Original-URL",
        "x-original-uri",
        "X-Original-Method",
        "X-Rewrite-URL",
        "x_rewrite_url",
        "X-Forwarded-Prefix",
        "X-Forwarded-Uri",
    ];
    let fields: String = lies.iter().map(|name| format!("{name}: /admin\r\n")).collect();
    let mut client = lane.client().await;
    client.send(&format!("GET /x HTTP/1.1\r\nHost: a.test\r\n{fields}\r\n")).await;
    let head = lane.accept().await.head().await;
    assert!(head.starts_with("GET /x HTTP/1.1\r\n") && !head.contains("/admin"), "{head}");
}

/// As in Skipper CVE-2026-24470 and Istio CVE-2026-41413, where what others wrote decided where a proxy connects.
#[tokio::test]
async fn no_response_sends_the_gateway_anywhere() {
    let lane = Lane::start().await;
    let elsewhere = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = elsewhere.local_addr().unwrap();
    for head in [
        format!("HTTP/1.1 302 Found\r\nLocation: http://{address}/latest\r\n"),
        format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: http://{address}/latest\r\n"),
        format!("HTTP/1.1 200 OK\r\nX-Accel-Redirect: http://{address}/\r\nX-Reproxy-URL: http://{address}/\r\n"),
        format!("HTTP/1.1 200 OK\r\nAlt-Svc: h2=\"{address}\"\r\nRefresh: 0;url=http://{address}/\r\n"),
        format!("HTTP/1.1 305 Use Proxy\r\nLocation: http://{address}/\r\n"),
        format!("HTTP/1.1 421 Misdirected Request\r\nLink: <http://{address}/>; rel=preload\r\n"),
    ] {
        let mut client = lane.client().await;
        client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
        let mut backend = lane.accept().await;
        backend.head().await;
        backend.send(&format!("{head}Connection: close\r\nContent-Length: 0\r\n\r\n")).await;
        let passed = client.head().await;
        assert!(head.lines().all(|line| passed.contains(line)), "{passed}");
    }
    let came = tokio::time::timeout(std::time::Duration::from_millis(50), elsewhere.accept()).await;
    assert!(came.is_err(), "nobody is asked there");
    assert_eq!(lane.proxy.tally().upstream_connects, 6);
}
