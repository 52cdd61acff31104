//! The access log: who has a line in it, what the line says, and that nothing a client writes makes another line.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;

use bulkhead_crds::observability::AccessLogFormat;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::PATIENCE;
use crate::support::backend::Backend;
use crate::support::lane::{Lane, gateway};
use crate::support::manifest::{all_of, document, file, ingress, served};

/// Lines of the access log in JSON. What the gateway says of itself stands between them.
fn lines(lane: &Lane) -> Vec<Value> {
    let log = lane.process.log();
    let parsed = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    parsed.filter(|line| line.get("remoteAddr").is_some()).collect()
}

/// Ends the gateway: what its threads have gathered is written by then.
async fn finish(lane: &Lane) {
    lane.process.signal(Signal::TERM).unwrap();
    lane.process.wait_exit(PATIENCE).await.unwrap();
}

async fn start(change: impl FnOnce(&mut bulkhead_crds::lane::LaneDocument)) -> (Lane, Backend) {
    let mut settings = document();
    change(&mut settings);
    let lane = Lane::start(&settings).await;
    let backend = Backend::named("main").await;
    let unlogged = "metadata: {annotations: {nginx.ingress.kubernetes.io/enable-access-log: 'false'}, ";
    let quiet = ingress("quiet", &[all_of("quiet.test", "web")]).replacen("metadata: {", unlogged, 1);
    lane.put("web.yaml", &file(&[ingress("web", &[all_of("log.test", "web")]), quiet, served("web", backend.port())]));
    lane.wait_for("quiet.test", "/", 200, "main").await;
    lane.wait_for("log.test", "/healthz", 200, "main").await;
    (lane, backend)
}

#[tokio::test]
async fn every_request_has_one_line_unless_its_path_or_its_route_has_none() {
    let (lane, backend) = start(|settings| settings.access_log.skip_paths = vec!["/healthz".to_owned()]).await;
    let hostile = "GET /a\"b%0d%0a HTTP/1.1\r\nHost: log.test\r\nUser-Agent: x\", \"status\": 9}\\\r\nCookie: secret=1\r\nAuthorization: Basic c2VjcmV0\r\n\r\n";
    let refused = lane.send(hostile).await.status;
    lane.send(
        "GET /b HTTP/1.1\r\nHost: log.test\r\nUser-Agent: x\", \"status\": 9}\\ \u{e9}\r\nCookie: secret=1\r\n\r\n",
    )
    .await;
    lane.get("log.test", "/healthz?a=b").await;
    lane.get("quiet.test", "/c").await;
    lane.get("nobody.test", "/d").await;
    assert_eq!(lane.metrics().await["bulkhead_access_log_dropped_total"], 0.0);
    finish(&lane).await;
    let of = |uri: &str| lines(&lane).into_iter().filter(|line| line["uri"] == uri).collect::<Vec<_>>();
    for (uri, count) in [("/b", 1), ("/healthz?a=b", 0), ("/healthz", 0), ("/c", 0), ("/d", 1)] {
        assert_eq!(of(uri).len(), count, "{uri} {refused}\n{}", lane.process.log());
    }
    let line = &of("/b")[0];
    assert_eq!(line["userAgent"], "x\", \"status\": 9}\\ \u{e9}");
    assert_eq!(
        (&line["status"], &line["responseBytes"], &line["ingress"]),
        (&200.into(), &4.into(), &"shop/web".into())
    );
    assert_eq!(line["service"], "shop/web:80");
    assert_eq!(line["upstream"], format!("127.0.0.1:{}", backend.port()));
    let line = &of("/d")[0];
    assert_eq!((&line["status"], &line["error"]), (&404.into(), &"no_route".into()));
    let written: String = lines(&lane).iter().map(Value::to_string).collect();
    assert!(!written.contains("secret") && !written.contains("c2VjcmV0"), "{written}");
}

#[tokio::test]
async fn the_line_of_ingress_nginx_is_written_where_it_is_asked_for_and_none_where_none_is() {
    let (lane, backend) = start(|settings| settings.access_log.format = AccessLogFormat::IngressNginx).await;
    lane.send("GET /one HTTP/1.1\r\nHost: log.test\r\nUser-Agent: a\"b\r\nX-Request-ID: 7\r\n\r\n").await;
    lane.process.wait_log("/one HTTP/1.1", PATIENCE).await.unwrap();
    let log = lane.process.log();
    let line = log.lines().find(|line| line.contains("/one HTTP/1.1")).unwrap();
    assert!(line.starts_with("127.0.0.1 - - ["), "{line}");
    assert!(line.contains("] \"GET /one HTTP/1.1\" 200 4 \"-\" \"a\\x22b\" "), "{line}");
    assert!(line.contains(&format!(" [shop-web-80] [] 127.0.0.1:{} 4 0.", backend.port())), "{line}");
    assert!(line.ends_with(" 200 7"), "{line}");

    let mut settings = document();
    settings.access_log.format = AccessLogFormat::Off;
    settings.config_generation = 2;
    lane.configure(&settings).await;
    lane.get("log.test", "/two").await;
    settings.access_log.format = AccessLogFormat::Json;
    settings.config_generation = 3;
    lane.configure(&settings).await;
    lane.get("log.test", "/three").await;
    finish(&lane).await;
    assert!(lane.process.log().contains("/three"));
    assert!(!lane.process.log().contains("/two"));
}

#[tokio::test]
async fn a_gateway_that_leaves_writes_the_lines_of_all_its_requests() {
    let (lane, _backend) = start(|_| ()).await;
    for number in 0..50 {
        lane.get("log.test", &format!("/leaving/{number}")).await;
    }
    finish(&lane).await;
    let log = lines(&lane);
    let written =
        log.iter().filter(|line| line["uri"].as_str().is_some_and(|uri| uri.starts_with("/leaving/"))).count();
    assert_eq!(written, 50);
}

/// A gateway whose standard output is a pipe that somebody else holds, and that end of it.
async fn start_with_pipe(folder: &Path) -> (Lane, File) {
    let pipe = folder.join("output");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // For both, or opening it would wait for the other side.
    let end = File::options().read(true).write(true).open(&pipe).unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", r#"output=$1; shift; exec "$@" >"$output""#, "sh"]).arg(&pipe);
    let gateway = gateway();
    command.arg(gateway.get_program()).args(gateway.get_args());
    (Lane::start_as(&document(), command).await, end)
}

#[tokio::test]
async fn requests_go_on_when_nobody_reads_and_lines_that_are_dropped_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (lane, end) = start_with_pipe(folder.path()).await;
    let backend = Backend::named("main").await;
    lane.put("web.yaml", &file(&[ingress("web", &[all_of("log.test", "web")]), served("web", backend.port())]));
    lane.wait_for("log.test", "/", 200, "main").await;
    // Each byte of it is written as six.
    let long = "\u{85}".repeat(1_000);
    let request = format!("GET /stalled HTTP/1.1\r\nHost: log.test\r\nUser-Agent: {long}\r\nReferer: {long}\r\n\r\n");
    let dropped = async || lane.metrics().await["bulkhead_access_log_dropped_total"];
    let mut asked = 0;
    while dropped().await == 0.0 {
        for _ in 0..100 {
            assert_eq!(lane.send(&request).await.status, 200);
        }
        asked += 100;
        assert!(asked < 20_000, "{asked} lines, and none was dropped");
    }
    let (sender, lines) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        BufReader::new(end).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    let mut seen = 0;
    // Whoever reads again gets whole lines, those that waited and those that come.
    let mut next = || {
        let line: Value = serde_json::from_str(&lines.recv_timeout(PATIENCE).unwrap()).unwrap();
        seen += usize::from(line["uri"] == "/stalled");
        line["uri"] == "/afterwards"
    };
    while !next() {
        // Room for this one comes only as others are read.
        lane.get("log.test", "/afterwards").await;
    }
    assert!(seen > 0 && (seen as f64) < f64::from(asked));
}

#[tokio::test]
async fn what_is_no_request_has_a_line_that_says_so() {
    let (lane, _backend) = start(|_| ()).await;
    for bytes in
        [&b"GET /\xff\x1b[31m HTTP/1.1\r\nHost: log.test\r\n\r\n"[..], b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n"]
    {
        assert_eq!(lane.send(bytes).await.status, 400);
    }
    finish(&lane).await;
    let refused: Vec<_> = lines(&lane).into_iter().filter(|line| line["status"] == 400).collect();
    assert_eq!(refused.len(), 2, "{}", lane.process.log());
    for line in refused {
        assert_eq!(line["remoteAddr"], "127.0.0.1");
        assert!(line["error"].is_string() && line.get("uri").is_none(), "{line}");
    }
    assert!(!lane.process.log().contains('\u{1b}'));
}
