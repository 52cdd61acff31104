use bulkhead_crds::finding::{Finding, ObjectRef, Severity};
use bulkhead_crds::report::{ClassReport, FindingsReport};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

fn pod(ready: bool, ip: Option<&str>) -> Arc<Pod> {
    let status = if ready { "True" } else { "False" };
    let value = json!({
        "metadata": { "name": "edge-1" },
        "status": { "podIP": ip, "conditions": [{ "type": "Ready", "status": status }] },
    });
    Arc::new(serde_json::from_value(value).expect("a pod"))
}

/// A pod that reads a request and answers with these bytes, then closes.
async fn answering(answer: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(&answer).await;
        }
    });
    port
}

fn response(status: &str, content: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{content}", content.len()).into_bytes()
}

fn report() -> GatewayReport {
    GatewayReport {
        version: "1".to_owned(),
        identity: None,
        ready: true,
        draining: false,
        waiting_for: String::new(),
        config_generation: 7,
        revision: String::new(),
        snapshot: 1,
        classes: Vec::new(),
        ingresses: 0,
        routes: 0,
        endpoints: 0,
        findings: FindingsReport::default(),
        source_problems: Vec::new(),
    }
}

#[tokio::test]
async fn the_report_of_a_ready_pod_is_read_even_when_it_closes_the_connection() {
    let content = serde_json::to_string(&report()).expect("a report");
    let port = answering(response("200 OK", &content)).await;
    let seen = see(pod(true, Some("127.0.0.1")), port).await;
    assert_eq!(seen.report, Ok(report()));
}

#[tokio::test]
async fn what_a_hostile_pod_says_fits_the_schema_of_the_status() {
    let long = "\u{1b}ä".to_owned() + &"x".repeat(2000);
    let name = "\u{7}".to_owned() + &"ä".repeat(300);
    let finding = Finding {
        object: ObjectRef::new(&name, &name, &name),
        field: name.clone(),
        severity: Severity::Error,
        code: name.clone(),
        message: long.clone(),
        remedy: long.clone(),
    };
    let class = ClassReport { name: name.clone(), served: false, reason: long.clone() };
    let hostile = GatewayReport {
        config_generation: -1,
        waiting_for: long.clone(),
        classes: vec![class; 20],
        findings: FindingsReport {
            errors: u32::MAX,
            warnings: u32::MAX,
            sample: vec![finding; 17],
            digest: name.clone(),
        },
        source_problems: vec![name; 20],
        ..report()
    };
    let content = serde_json::to_string(&hostile).expect("a report");
    let port = answering(response("200 OK", &content)).await;
    let seen = see(pod(true, Some("127.0.0.1")), port).await.report.expect("a report");
    let lengths = |texts: &[&String]| -> Vec<usize> {
        assert!(texts.iter().all(|text| !text.contains(char::is_control)), "{texts:?}");
        texts.iter().map(|text| text.chars().count()).collect()
    };
    let Finding { object, field, code, message, remedy, .. } = &seen.findings.sample[0];
    assert_eq!(lengths(&[&object.kind, &object.namespace, &object.name]), [63, 63, 253]);
    assert_eq!(lengths(&[field, code, message, remedy]), [256, 64, 1024, 1024]);
    assert_eq!(lengths(&[&seen.classes[0].reason, &seen.waiting_for, &seen.source_problems[0]]), [300; 3]);
    assert_eq!((seen.findings.sample.len(), seen.classes.len(), seen.source_problems.len()), (16, 17, 16));
    assert_eq!(seen.config_generation, 0);
}

#[tokio::test]
async fn a_pod_that_answers_nonsense_or_too_much_or_not_at_all_costs_only_its_own_report() {
    let too_much = format!("\"{}\"", "x".repeat(REPORT_BYTES));
    let cases = [
        (response("200 OK", "{}"), "cannot be read"),
        (response("200 OK", &too_much), "cannot be read"),
        (response("503 Service Unavailable", ""), "answered 503"),
        (b"\x00\x01 nonsense\r\n\r\n".to_vec(), "asking"),
        (Vec::new(), "asking"),
    ];
    for (answer, why) in cases {
        let port = answering(answer).await;
        let error = see(pod(true, Some("127.0.0.1")), port).await.report.expect_err("no report");
        assert!(error.contains(why), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_never_answers_is_given_up_after_two_seconds() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let before = tokio::time::Instant::now();
    let seen = see(pod(true, Some("127.0.0.1")), port).await;
    assert_eq!(seen.report, Err("no answer within 2 s".to_owned()));
    assert!(before.elapsed() < TIMEOUT * 2);
    drop(listener);
}

#[tokio::test]
async fn a_pod_that_is_not_ready_or_has_no_address_is_not_asked() {
    assert_eq!(see(pod(false, Some("127.0.0.1")), 1).await.report, Err("it is not ready".to_owned()));
    assert_eq!(see(pod(true, None), 1).await.report, Err("it has no address yet".to_owned()));
    assert_eq!(see(pod(true, Some("not an address")), 1).await.report, Err("it has no address yet".to_owned()));
}

/// As in Traefik CVE-2026-26998, Skipper CVE-2026-54247 and Envoy Gateway CVE-2026-53716: an answer without an end, or one that becomes large
/// when it is unpacked.
#[tokio::test]
async fn of_a_pod_that_never_stops_talking_no_more_is_read_than_a_report() {
    let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
    for (head, more, why) in [
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", chunk.as_str(), "cannot be read"),
        ("HTTP/1.1 200 OK\r\n\r\n", chunk.as_str(), "cannot be read"),
        ("HTTP/1.1 200 OK\r\n", "x: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n", "asking"),
        ("HTTP/1.1 ", "2222222222222222222222222222222222222222222222222222222222", "asking"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let more = more.to_owned();
        let talking = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("the operator");
            let mut sent = stream.write_all(head.as_bytes()).await;
            while sent.is_ok() {
                sent = stream.write_all(more.as_bytes()).await;
            }
        });
        let error = see(pod(true, Some("127.0.0.1")), port).await.report.expect_err("no report");
        assert!(error.contains(why), "{head:?}: {error}");
        talking.await.expect("nobody listens any more");
    }
    let packed =
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\nconnection: close\r\n\r\n\x1f\u{8}\0\0";
    let port = answering(packed.as_bytes().to_vec()).await;
    let error = see(pod(true, Some("127.0.0.1")), port).await.report.expect_err("nothing is unpacked");
    assert!(error.contains("cannot be read"), "{error}");
}

#[tokio::test]
async fn a_page_that_is_known_is_not_read_again_and_of_a_long_one_no_more_than_was_asked_for() {
    let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let question = Question { path: "/v1/findings", known: Some("\"a\""), most: 10 };
    let same = answering(b"HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n".to_vec()).await;
    assert!(matches!(ask(address(same), question).await, Ok(Answer::Same)));
    // Nobody asked it whether it was the same.
    let unknown = Question { known: None, ..question };
    assert!(matches!(ask(address(same), unknown).await, Err(Error::Status { .. })));
    for (length, tag, expected) in [(10, "\"b\"", "\"b\""), (11, "", ""), (9000, &*"x".repeat(65), "")] {
        let head = format!("HTTP/1.1 200 OK\r\netag: {tag}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
        let port = answering((head + &"x".repeat(length)).into_bytes()).await;
        let Ok(Answer::Page { content, is_whole, tag }) = ask(address(port), question).await else {
            panic!("no page of {length} bytes");
        };
        assert_eq!((content.len(), is_whole, tag.as_str()), (10, length == 10, expected));
    }
}
