//! One request and its response.

use std::num::NonZeroU64;
use std::time::Duration;

use bulkhead_model::bandwidth::Bandwidth;
use bulkhead_model::settings::Metrics;
use bulkhead_model::{Endpoints, Filters, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::support::{Lane, eventually};

const GET: &str = "GET /x?q=1 HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 6.6.6.6\r\nAccept: */*\r\n\r\n";

#[tokio::test]
async fn a_request_is_rewritten_and_both_connections_are_kept() {
    let lane = Lane::start().await;
    let mut client = lane.client().await;
    client.send(GET).await;
    let mut backend = lane.accept().await;
    let port = lane.address().port();
    for _ in 0..3 {
        assert_eq!(
            backend.head().await,
            format!(
                "GET /x?q=1 HTTP/1.1\r\nHost: a.test\r\nAccept: */*\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Port: {port}\r\n\
                 X-Forwarded-Proto: http\r\nX-Real-IP: 127.0.0.1\r\nVia: 1.1 bulkhead-N\r\nX-Forwarded-Host: a.test\r\n\r\n"
            )
        );
        backend
            .send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\nKeep-Alive: 5\r\n\r\nhello")
            .await;
        assert_eq!(client.until("hello").await, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
        client.send(GET).await;
    }
    backend.head().await;
    let tally = lane.proxy.tally();
    assert_eq!((tally.accepted, tally.requests, tally.upstream_connects), (1, 4, 1));
    assert_eq!((tally.responses[2], tally.latency.counts.iter().sum::<u64>()), (3, 3));
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order_one_at_a_time() {
    let lane = Lane::start().await;
    let mut client = lane.client().await;
    client.send("GET /1 HTTP/1.1\r\nHost: a.test\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhiGET /3 HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    let mut backend = lane.accept().await;
    for path in ["GET /1 ", "POST /2 ", "GET /3 "] {
        let mut head = backend.head().await;
        if path.starts_with("POST") {
            head += &backend.until("hi").await;
        }
        assert!(head.starts_with(path), "{head}");
        backend.send(&format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{path}", path.len())).await;
        assert!(client.until(path).await.contains("200 OK"));
    }
}

#[tokio::test]
async fn chunked_content_is_framed_anew_in_both_directions() {
    let lane = Lane::start().await;
    let mut client = lane.client().await;
    client.send("POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n").await;
    let mut backend = lane.accept().await;
    assert!(backend.until("3\r\nabc\r\n").await.contains("\r\nTransfer-Encoding: chunked\r\n"));
    client.send("2\r\nde\r\n1\r\nf\r\n0\r\nTrailer: no\r\n\r\n").await;
    assert_eq!(backend.until("0\r\n\r\n").await, "3\r\ndef\r\n0\r\n\r\n");
    backend.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n").await;
    assert_eq!(client.until("wiki\r\n").await, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n");
    backend.send("0\r\n\r\n").await;
    assert_eq!(client.until("\r\n\r\n").await, "0\r\n\r\n");
    client.send(GET).await;
    backend.head().await;
}

#[tokio::test]
async fn content_without_a_length_is_chunked_for_http_1_1_and_ends_the_connection_for_1_0() {
    let lane = Lane::start().await;
    for (version, expected) in [
        ("1.1", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"),
        ("1.0", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi"),
    ] {
        let mut client = lane.client().await;
        client.send(&format!("GET / HTTP/{version}\r\nHost: a.test\r\nConnection: close\r\n\r\n")).await;
        let mut backend = lane.accept().await;
        backend.head().await;
        backend.send("HTTP/1.1 200 OK\r\n\r\nhi").await;
        drop(backend);
        assert_eq!(client.end().await.unwrap().replace("Connection: close\r\n\r\n2", "\r\n2"), expected.to_owned());
    }
}

#[tokio::test]
async fn a_truncated_response_never_looks_complete() {
    let lane = Lane::start().await;
    for response in [
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
    ] {
        let mut client = lane.client().await;
        client.send(GET).await;
        let mut backend = lane.accept().await;
        backend.head().await;
        backend.send(response).await;
        client.until("hi").await;
        drop(backend);
        let ended = client.end().await;
        assert!(ended.as_ref().map_or(true, |rest| !rest.contains('0')), "{ended:?}");
    }
    eventually("both are counted", || lane.faults("response_truncated") == 2).await;
}

#[tokio::test]
async fn a_route_without_endpoints_and_a_host_without_routes_are_answered_and_the_connection_goes_on() {
    let lane = Lane::start().await;
    lane.backend.publish(Endpoints::default().into());
    let mut client = lane.client().await;
    client.send(GET).await;
    assert!(client.until("ready endpoint\n").await.starts_with("HTTP/1.1 503 "));
    client.send("POST / HTTP/1.1\r\nHost: b.test\r\nContent-Length: 3\r\n\r\nabc").await;
    assert!(client.until("host and path\n").await.starts_with("HTTP/1.1 404 "));
    client.send("HEAD / HTTP/1.1\r\nHost: b.test\r\n\r\n").await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 404 ") && !head.contains("close"), "{head}");
    client.send(GET).await;
    assert!(client.until("ready endpoint\n").await.starts_with("HTTP/1.1 503 "));
    assert_eq!((lane.faults("no_endpoints"), lane.faults("no_route")), (2, 2));
}

#[tokio::test]
async fn a_malformed_request_is_refused_and_nothing_reaches_the_backend() {
    let lane = Lane::start().await;
    let mut client = lane.client().await;
    client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    let answer = client.end().await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.matches("HTTP/1.1").count() == 1, "{answer}");
    assert!(answer.contains("Connection: close\r\n"));
    assert_eq!(lane.proxy.tally().upstream_connects, 0);
}

#[tokio::test]
async fn broken_chunk_framing_never_completes_the_request_upstream() {
    let lane = Lane::start().await;
    let mut client = lane.client().await;
    client.send("POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n").await;
    let mut backend = lane.accept().await;
    backend.until("abc\r\n").await;
    client.send("zz\r\n").await;
    let seen = backend.end().await;
    assert!(seen.as_ref().map_or(true, |rest| rest.is_empty()), "{seen:?}");
    assert!(client.end().await.unwrap().starts_with("HTTP/1.1 400 "));
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_its_request() {
    let lane = Lane::start().await;
    let mut client = lane.client().await;
    client.send(GET).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    drop(client);
    assert_eq!(backend.end().await.unwrap(), "");
    eventually("it is counted", || lane.faults("client_gone") == 1).await;
}

#[tokio::test]
async fn an_early_response_is_delivered_and_ends_the_connection() {
    let lane = Lane::start().await;
    let mut client = lane.client().await;
    client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000\r\n\r\nabc").await;
    let mut backend = lane.accept().await;
    backend.until("abc").await;
    backend.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno").await;
    let answer = client.until("no").await;
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("Connection: close\r\n"), "{answer}");
}

#[tokio::test]
async fn a_client_that_waits_for_permission_gets_it_from_the_gateway() {
    let lane = Lane::start().await;
    let mut client = lane.client().await;
    client.send("PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n").await;
    assert_eq!(client.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hi").await;
    let mut backend = lane.accept().await;
    let request = backend.until("hi").await;
    assert!(!request.contains("Expect"), "{request}");
    backend.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(client.head().await, "HTTP/1.1 204 No Content\r\n\r\n");
}

#[tokio::test]
async fn interim_responses_are_taken_up_to_a_bound() {
    let lane = Lane::start().await;
    let interim = "HTTP/1.1 103 Early Hints\r\n\r\n";
    let mut client = lane.client().await;
    client.send(GET).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    backend.send(&format!("{}HTTP/1.1 204 No Content\r\n\r\n", interim.repeat(10))).await;
    assert!(client.head().await.starts_with("HTTP/1.1 204 "));
    client.send(GET).await;
    backend.head().await;
    backend.send(&interim.repeat(11)).await;
    assert!(client.until("interim responses\n").await.starts_with("HTTP/1.1 502 "));
}

#[tokio::test]
async fn a_switch_of_protocols_that_nobody_asked_for_is_an_error() {
    let lane = Lane::start().await;
    let mut client = lane.client().await;
    client.send(GET).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    backend.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n").await;
    assert!(client.until("unasked\n").await.starts_with("HTTP/1.1 502 "));
}

#[tokio::test]
async fn content_over_the_limit_is_refused_before_and_while_it_comes() {
    let mut settings = Settings::default();
    settings.limits.content_bytes = 4;
    let lane = Lane::with(settings).await;
    let mut client = lane.client().await;
    client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 413 "));
    assert_eq!(lane.proxy.tally().upstream_connects, 0);
    let mut client = lane.client().await;
    client.send("POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n").await;
    let mut backend = lane.accept().await;
    backend.until("abcd\r\n").await;
    client.send("1\r\ne\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 413 "));
    let mut client = lane.client().await;
    client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nabcd").await;
    let mut backend = lane.accept().await;
    backend.until("abcd").await;
}

#[tokio::test]
async fn whoever_stalls_is_timed_out_and_told_so() {
    let mut settings = Settings::default();
    settings.limits.head = Duration::from_millis(50);
    settings.limits.content_idle = Duration::from_millis(50);
    settings.limits.keep_alive_idle = Duration::from_millis(50);
    settings.upstream.read = Duration::from_millis(50);
    let lane = Lane::with(settings).await;
    let mut head = lane.client().await;
    head.send("GET / HT").await;
    assert!(head.end().await.unwrap().starts_with("HTTP/1.1 408 "));
    let mut content = lane.client().await;
    content.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\na").await;
    assert!(content.end().await.unwrap().starts_with("HTTP/1.1 408 "));
    let mut silent = lane.client().await;
    silent.send(GET).await;
    assert!(silent.until("in time\n").await.starts_with("HTTP/1.1 504 "));
    let mut idle = lane.client().await;
    assert_eq!(idle.end().await.unwrap(), "");
}

#[tokio::test]
async fn bytes_after_the_last_request_do_not_cost_the_client_its_response() {
    let lane = Lane::start().await;
    let mut client = lane.client().await;
    client.send("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n").await;
    let mut backend = lane.accept().await;
    backend.head().await;
    client.send("GET /never HTTP/1.1\r\n").await;
    backend.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await;
    // The end of the stream, not a reset, which would be an error here.
    assert!(client.end().await.unwrap().ends_with("hi"));
}

#[tokio::test]
async fn what_is_pipelined_behind_content_is_never_taken_for_a_request_after_a_failure() {
    let mut settings = Settings::default();
    settings.limits.content_bytes = u64::MAX;
    let lane = Lane::with(settings).await;
    let mut client = lane.client().await;
    // More than the sockets between here and the backend hold, so that the gateway is in the middle of a write.
    let content = "x".repeat(16 << 20);
    client.send(&format!("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: {}\r\n\r\nx", content.len() + 1)).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    let (mut read, mut write) = client.stream.split();
    let sending = async {
        // Ends in an error once the gateway has closed the connection.
        let _ = write.write_all(content.as_bytes()).await;
        let _ = write.write_all(b"GET /first?x=GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    };
    let failing = async {
        backend.send("NONSENSE\r\n\r\n").await;
        let mut answer = Vec::new();
        let _ = read.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    };
    let ((), answer) = tokio::join!(sending, failing);
    assert!(answer.starts_with("HTTP/1.1 502 ") && answer.contains("Connection: close\r\n"), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
}

#[tokio::test]
async fn a_request_that_comes_back_is_answered_and_goes_round_no_further() {
    let lane = Lane::start().await;
    let mut client = lane.client().await;
    client.send("GET / HTTP/1.1\r\nHost: a.test\r\nVia: 1.0 other\r\n\r\n").await;
    let mut backend = lane.accept().await;
    backend.stream.readable().await.unwrap();
    let mut raw = vec![0; 4096];
    let count = backend.stream.read(&mut raw).await.unwrap();
    let request = String::from_utf8(raw[..count].to_vec()).unwrap();
    assert!(request.contains("Via: 1.0 other\r\n") && request.contains("Via: 1.1 bulkhead-"), "{request}");
    let mut again = lane.client().await;
    again.send(&request).await;
    assert!(again.until("before\n").await.starts_with("HTTP/1.1 508 "));
    assert_eq!(lane.proxy.tally().upstream_connects, 1);
}

/// As in Traefik CVE-2026-33433, CVE-2026-35051 and CVE-2026-39858.
#[tokio::test]
async fn nobody_untrusted_says_who_they_are_in_the_fields_of_proxies() {
    let lane = Lane::start().await;
    let mut client = lane.client().await;
    client
        .send(
            "GET / HTTP/1.1\r\nHost: A.Test.:8080\r\nX-Forwarded-Ssl: on\r\nSSL-Client-Verify: SUCCESS\r\nSsl-Client-Issuer: x\r\n\
             True-Client-IP: 6.6.6.6\r\nX-Forwarded-Client-Cert: x\r\nForwarded: for=6.6.6.6\r\nX-Original-URL: /admin\r\n\r\n",
        )
        .await;
    let mut backend = lane.accept().await;
    let port = lane.address().port();
    assert_eq!(
        backend.head().await,
        format!(
            "GET / HTTP/1.1\r\nHost: a.test:8080\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Port: {port}\r\n\
             X-Forwarded-Proto: http\r\nX-Real-IP: 127.0.0.1\r\nVia: 1.1 bulkhead-N\r\nX-Forwarded-Host: a.test:8080\r\n\r\n"
        )
    );
}

#[tokio::test]
async fn a_response_without_a_date_gets_one_and_a_date_stays_as_it_is() {
    let lane = Lane::start().await;
    let mut client = lane.client().await;
    for (date, expected) in [("", 1), ("Date: yesterday\r\n", 1)] {
        client.send(GET).await;
        let mut backend = lane.accept().await;
        backend.head().await;
        backend.send(&format!("HTTP/1.1 204 No Content\r\n{date}Connection: close\r\n\r\n")).await;
        let mut raw = vec![0; 4096];
        let count = client.stream.read(&mut raw).await.unwrap();
        let head = String::from_utf8(raw[..count].to_vec()).unwrap();
        assert_eq!(head.matches("Date: ").count(), expected, "{head}");
        assert!(head.contains(date) && head.contains(if date.is_empty() { " GMT\r\n" } else { "yesterday" }), "{head}");
    }
}

#[tokio::test]
async fn an_answer_to_head_has_no_content_even_if_it_is_an_error() {
    let lane = Lane::start().await;
    let mut client = lane.client().await;
    client.send("HEAD /%00 HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    let answer = client.end().await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn what_a_client_got_of_a_slow_response_before_it_left_is_counted() {
    let lane = Lane::with(Settings { metrics: Metrics::ByIngress, ..Settings::default() }).await;
    let bandwidth = Some(Bandwidth { rate: NonZeroU64::new(1000).unwrap(), after: 300 });
    lane.publish_filtered(2, Filters { bandwidth, ..Filters::default() });
    let mut client = lane.client().await;
    client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    let mut backend = lane.accept().await;
    backend.head().await;
    backend.send(&format!("HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n{}", "a".repeat(4000))).await;
    client.until("aaa").await;
    drop(client);
    let sent = || lane.proxy.accounts().unwrap().into_values().map(|account| account.response_bytes).next();
    eventually("the request is counted", || sent().is_some()).await;
    assert!(sent().is_some_and(|bytes| (300..4000).contains(&bytes)), "{:?}", sent());
}
