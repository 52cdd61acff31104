//! Traces: which requests have a span, what it says, what the backend is told, and that no collector can do anything to requests.

mod decode;

use std::sync::{Arc, Mutex};

use bulkhead_crds::lane::LaneDocument;
use bulkhead_tests::http2::Client;
use bulkhead_tests::wait::wait_for;
use rustix::process::Signal;

use self::decode::Span;
use crate::support::PATIENCE;
use crate::support::backend::{Backend, Full, Reply};
use crate::support::lane::Lane;
use crate::support::manifest::{all_of, document, file, ingress, served};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

/// The lines of requests, and the spans in them.
type Sent = Vec<(String, Vec<Span>)>;

/// A collector that remembers what it is sent.
struct Collector {
    backend: Backend,
    seen: Arc<Mutex<Sent>>,
}

impl Collector {
    async fn start() -> Self {
        Self::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await
    }

    async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let (seen, answer) = (Arc::new(Mutex::new(Vec::new())), Reply::keep(answer));
        let remembered = Arc::clone(&seen);
        let backend = Backend::start(move |request| {
            remembered.lock().unwrap().push((request.line(), decode::spans(&request.content)));
            answer.clone()
        });
        Self { backend: backend.await, seen }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.backend.port())
    }

    fn spans(&self) -> Vec<Span> {
        self.seen.lock().unwrap().iter().flat_map(|(_, spans)| spans.clone()).collect()
    }

    /// The spans of requests for a path, once there is one.
    async fn spans_of(&self, path: &str) -> Vec<Span> {
        wait_for("a span", PATIENCE, async || {
            let mut spans = self.spans();
            spans.retain(|span| span.attributes.get("url.path").is_some_and(|one| one == path));
            anyhow::ensure!(!spans.is_empty(), "no span of {path}");
            Ok(spans)
        })
        .await
        .unwrap()
    }
}

fn traced(endpoint: &str, ratio: &str) -> LaneDocument {
    let mut settings = document();
    settings.tracing.endpoint = Some(endpoint.to_owned());
    settings.tracing.sample_ratio = ratio.parse().unwrap();
    settings
}

/// A lane with one Ingress with these annotations.
async fn start(settings: &LaneDocument, annotations: &str) -> (Lane, Backend) {
    let lane = Lane::start(settings).await;
    let backend = Backend::echo().await;
    let ingress = ingress("web", &[all_of("trace.test", "web")]).replacen(
        "metadata: {",
        &format!("metadata: {{annotations: {{{annotations}}}, "),
        1,
    );
    lane.put("web.yaml", &file(&[ingress, served("web", backend.port())]));
    lane.wait_for("trace.test", "/ready", 200, "GET /ready").await;
    backend.saw().await;
    (lane, backend)
}

/// Sends a request with these lines besides, and tells what its backend saw of `name`, all lines of it.
async fn told(lane: &Lane, backend: &Backend, path: &str, lines: &str, name: &str) -> Vec<String> {
    let answer = lane.send(format!("GET {path} HTTP/1.1\r\nHost: trace.test\r\n{lines}\r\n")).await;
    assert_eq!(answer.status, 200, "{lines}");
    let saw = backend.saw().await;
    assert_eq!((saw.requests.len(), &saw.malformed), (1, &Vec::new()), "{lines}");
    let head = String::from_utf8_lossy(&saw.requests[0].head).into_owned();
    let values = head.lines().filter_map(|line| line.split_once(": "));
    values.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).collect()
}

/// The one `traceparent` that its backend saw, in its parts.
async fn parent(lane: &Lane, backend: &Backend, path: &str, lines: &str) -> [String; 4] {
    let values = told(lane, backend, path, lines, "traceparent").await;
    assert_eq!(values.len(), 1, "{lines} {values:?}");
    let parts: Vec<String> = values[0].split('-').map(str::to_owned).collect();
    assert_eq!(parts.iter().map(String::len).collect::<Vec<_>>(), [2, 32, 16, 2], "{values:?}");
    parts.try_into().unwrap()
}

async fn finish(lane: &Lane) {
    lane.process.signal(Signal::TERM).unwrap();
    lane.process.wait_exit(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_request_has_one_span_between_that_of_its_client_and_that_of_its_backend() {
    let collector = Collector::start().await;
    let (lane, backend) = start(&traced(&collector.url(), "1"), "").await;
    let lines = format!("traceparent: 00-{TRACE}-{SPAN}-01\r\ntracestate: a=1,b=2\r\nUser-Agent: \u{e9}x\r\n");
    let [version, trace, span, flags] = parent(&lane, &backend, "/one?token=secret", &lines).await;
    assert_eq!((&*version, &*trace, &*flags), ("00", TRACE, "01"));
    assert_ne!(span, SPAN);

    let spans = collector.spans_of("/one").await;
    let [seen] = &spans[..] else { panic!("{spans:#?}") };
    assert_eq!((&*seen.trace, &seen.span, &*seen.parent), (TRACE, &span, SPAN));
    assert_eq!((&*seen.name, seen.kind, seen.status, seen.flags), ("GET /", 2, 0, 0x301));
    assert!(seen.start < seen.end && seen.end - seen.start < 60_000_000_000, "{seen:?}");
    let upstream = format!("127.0.0.1:{}", backend.port());
    for (name, value) in [
        ("http.request.method", "GET"),
        ("url.path", "/one"),
        ("url.scheme", "http"),
        ("server.address", "trace.test"),
        ("http.route", "/"),
        ("http.response.status_code", "200"),
        ("network.protocol.version", "1.1"),
        ("client.address", "127.0.0.1"),
        ("user_agent.original", "\u{e9}x"),
        ("bulkhead.ingress", "shop/web"),
        ("bulkhead.service", "shop/web:80"),
        ("bulkhead.upstream", &upstream),
    ] {
        assert_eq!(seen.attributes.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert_eq!(seen.attributes.len(), 12, "{seen:#?}");
    assert_eq!(seen.resource["service.name"], "harbour-north-south");
    assert_eq!(seen.resource["service.namespace"], "port");
    assert!(!format!("{:?}", collector.spans()).contains("secret"));
    assert!(collector.seen.lock().unwrap().iter().all(|(line, _)| line == "POST /v1/traces"));
}

#[tokio::test]
async fn requests_of_http_2_and_those_that_are_refused_have_spans_as_well() {
    let collector = Collector::start().await;
    let (lane, backend) = start(&traced(&collector.url(), "1"), "").await;
    let mut client = Client::open(lane.http).await.unwrap();
    let sampled = format!("00-{TRACE}-{SPAN}-01");
    let head = |path| [(":method", "GET"), (":scheme", "http"), (":authority", "trace.test:80"), (":path", path)];
    let fields = [&head("/two")[..], &[("traceparent", &*sampled), ("user-agent", "h2")]].concat();
    assert_eq!(client.request(&fields).await.unwrap().status(), 200);
    let saw = String::from_utf8(backend.saw().await.requests[0].head.clone()).unwrap();
    let spans = collector.spans_of("/two").await;
    let [seen] = &spans[..] else { panic!("{spans:#?}") };
    assert_eq!((&*seen.trace, &*seen.parent), (TRACE, SPAN));
    assert!(saw.contains(&format!("traceparent: 00-{TRACE}-{}-01", seen.span)), "{saw}");
    let of = |name: &str| seen.attributes[name].as_str();
    assert_eq!((of("network.protocol.version"), of("server.address"), of("server.port")), ("2", "trace.test", "80"));

    assert_eq!(lane.get("nobody.test", "/three").await.status, 404);
    let spans = collector.spans_of("/three").await;
    let [seen] = &spans[..] else { panic!("{spans:#?}") };
    assert_eq!((&*seen.name, seen.status, &*seen.parent), ("GET", 0, ""));
    assert_eq!(seen.attributes["bulkhead.fault"], "no_route");
    assert!(!seen.attributes.contains_key("error.type") && !seen.attributes.contains_key("http.route"));

    drop(backend);
    lane.send("MAKEUP /four HTTP/1.1\r\nHost: trace.test\r\n\r\n").await;
    let spans = collector.spans_of("/four").await;
    let [seen] = &spans[..] else { panic!("{spans:#?}") };
    assert_eq!((&*seen.name, seen.status), ("HTTP /", 2));
    assert_eq!(seen.attributes["http.request.method"], "_OTHER");
    assert_eq!(seen.attributes["http.request.method_original"], "MAKEUP");
    assert_eq!(seen.attributes["http.response.status_code"], "502");
    assert_eq!(seen.attributes["error.type"], seen.attributes["bulkhead.fault"]);
}

#[tokio::test]
async fn the_share_decides_about_requests_that_come_without_a_word_on_it() {
    let collector = Collector::start().await;
    let (lane, backend) = start(&traced(&collector.url(), "0"), "").await;
    let not_sampled = format!("traceparent: 00-{TRACE}-{SPAN}-00\r\n");
    let sampled = format!("traceparent: 00-{TRACE}-{SPAN}-01\r\n");
    for nth in 0..20 {
        let [_, trace, _, flags] = parent(&lane, &backend, &format!("/none/{nth}"), "").await;
        assert!(trace != TRACE && flags == "02", "{flags}");
    }
    assert_eq!(parent(&lane, &backend, "/none/not", &not_sampled).await[3], "00");
    assert_eq!(parent(&lane, &backend, "/forced", &sampled).await[3], "01");

    lane.configure(&traced(&collector.url(), "1")).await;
    for nth in 0..20 {
        assert_eq!(parent(&lane, &backend, &format!("/all/{nth}"), "").await[3], "03");
    }
    assert_eq!(parent(&lane, &backend, "/none/again", &not_sampled).await[3], "00");
    finish(&lane).await;
    let mut paths: Vec<_> = collector.spans().iter().map(|span| span.attributes["url.path"].clone()).collect();
    paths.sort();
    let mut expected: Vec<_> = (0..20).map(|nth| format!("/all/{nth}")).chain(["/forced".to_owned()]).collect();
    expected.sort();
    assert_eq!(paths, expected, "each has one span, and all are sent before the gateway is gone");
}

#[tokio::test]
async fn what_a_client_makes_up_begins_a_trace_and_goes_no_further() {
    let collector = Collector::start().await;
    let (lane, backend) = start(&traced(&collector.url(), "0"), "").await;
    let good = format!("00-{TRACE}-{SPAN}-01");
    let hostile = [
        format!("traceparent: {good}\r\ntraceparent: {good}\r\n"),
        format!("traceparent: {}\r\n", good.to_uppercase()),
        format!("traceparent: ff-{TRACE}-{SPAN}-01\r\n"),
        format!("traceparent: 00-{}-{SPAN}-01\r\n", "0".repeat(32)),
        format!("traceparent: 00-{TRACE}-{}-01\r\n", "0".repeat(16)),
        format!("traceparent: {good}-more\r\n"),
        format!("traceparent: {good},{good}\r\n"),
        format!("traceparent: {}\r\n", "a".repeat(8 << 10)),
        "traceparent: \u{e9}\r\n".to_owned(),
        "traceparent:\r\n".to_owned(),
    ];
    for lines in &hostile {
        let lines = format!("{lines}tracestate: a=1\r\n");
        let [_, trace, span, flags] = parent(&lane, &backend, "/", &lines).await;
        assert!(trace != TRACE && span != SPAN && flags == "02", "{lines}");
        assert_eq!(told(&lane, &backend, "/", &lines, "tracestate").await, [""; 0], "{lines}");
    }
    let parent = format!("traceparent: {good}\r\n");
    for (state, passed) in [
        ("tracestate: a=1\r\nTraceState: b=2\r\n", vec!["a=1", "b=2"]),
        ("tracestate: a=1,B=2\r\n", vec![]),
        ("tracestate: a\r\n", vec![]),
    ] {
        assert_eq!(told(&lane, &backend, "/", &format!("{parent}{state}"), "tracestate").await, passed, "{state}");
    }
    // A later version is read as far as it is known, and answered in ours.
    let later = format!("traceparent: cc-{TRACE}-{SPAN}-01-what-will-be\r\n");
    assert_eq!(self::parent(&lane, &backend, "/later", &later).await[..2], ["00", TRACE]);
    assert_eq!(collector.spans_of("/later").await[0].parent, SPAN);
}

#[tokio::test]
async fn annotations_leave_requests_out_begin_traces_and_name_spans() {
    let collector = Collector::start().await;
    let settings = traced(&collector.url(), "1");
    let lines = format!("traceparent: 00-{TRACE}-{SPAN}-01\r\ntracestate: a=1\r\n");
    let nginx = |name: &str, value: &str| format!("nginx.ingress.kubernetes.io/{name}: '{value}'");

    let (lane, backend) = start(&settings, &nginx("enable-opentelemetry", "false")).await;
    assert_eq!(parent(&lane, &backend, "/off", &lines).await[1..], [TRACE, SPAN, "01"]);
    assert_eq!(told(&lane, &backend, "/off", &lines, "tracestate").await, ["a=1"]);
    assert_eq!(told(&lane, &backend, "/off", "", "traceparent").await, [""; 0]);
    finish(&lane).await;
    assert!(!collector.spans().iter().any(|span| span.attributes["url.path"] == "/off"));

    let (lane, backend) = start(&settings, &nginx("opentelemetry-trust-incoming-span", "false")).await;
    assert_eq!(told(&lane, &backend, "/mine", &lines, "tracestate").await, [""; 0]);
    let [_, trace, span, flags] = parent(&lane, &backend, "/mine", &lines).await;
    assert!(trace != TRACE && flags == "03", "{trace} {flags}");
    finish(&lane).await;
    let spans = collector.spans_of("/mine").await;
    assert!(
        spans.iter().all(|span| span.parent.is_empty()) && spans.iter().any(|seen| seen.span == span),
        "{spans:#?}"
    );

    let (lane, backend) = start(&settings, &nginx("opentelemetry-operation-name", "shop $request_method $host")).await;
    assert_eq!(parent(&lane, &backend, "/named", &lines).await[1], TRACE);
    finish(&lane).await;
    assert_eq!(collector.spans_of("/named").await[0].name, "shop GET trace.test");
}

#[tokio::test]
async fn routes_with_other_filters_and_peers_that_are_trusted_are_traced_alike() {
    let collector = Collector::start().await;
    let mut settings = traced(&collector.url(), "0");
    settings.client_address.trusted_cidrs = vec!["127.0.0.0/8".to_owned()];
    let (lane, backend) = start(&settings, "nginx.ingress.kubernetes.io/upstream-vhost: elsewhere.test").await;
    let lines = format!("traceparent: 00-{TRACE}-{SPAN}-01\r\ntracestate: a=1\r\nX-Forwarded-Proto: https\r\n");
    assert_eq!(told(&lane, &backend, "/here", &lines, "tracestate").await, ["a=1"]);
    // More than a thread records of those that it does not trust.
    for _ in 0..150 {
        assert_eq!(parent(&lane, &backend, "/here", &lines).await[3], "01");
    }
    finish(&lane).await;
    let spans = collector.spans_of("/here").await;
    assert_eq!(spans.len(), 151);
    assert!(spans.iter().all(|span| span.attributes["url.scheme"] == "https" && span.parent == SPAN));
}

#[tokio::test]
async fn without_a_collector_what_clients_say_passes_through() {
    for settings in [document(), traced("http://user@127.0.0.1", "1")] {
        let (lane, backend) = start(&settings, "").await;
        let lines = format!("Traceparent: 00-{TRACE}-{SPAN}-01\r\nTracestate: a\r\n");
        assert_eq!(parent(&lane, &backend, "/", &lines).await[1..], [TRACE, SPAN, "01"]);
        assert_eq!(told(&lane, &backend, "/", &lines, "tracestate").await, ["a"]);
        assert_eq!(told(&lane, &backend, "/", "", "traceparent").await, [""; 0]);
    }
}

#[tokio::test]
async fn no_collector_costs_a_request() {
    let (full, nobody) = (Full::new().await, std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let closed = nobody.local_addr().unwrap();
    drop(nobody);
    let redirected = Collector::start().await;
    let redirect = format!("HTTP/1.1 307 x\r\nLocation: {}/v1/traces\r\nContent-Length: 0\r\n\r\n", redirected.url());
    let endless = format!("HTTP/1.1 400 x\r\nContent-Length: 99999999\r\n\r\n{}", "x".repeat(1 << 20));
    let wide = format!("HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 0\r\n\r\n", "x".repeat(1 << 20));
    let mut hostile = vec![Collector::answering(redirect).await, Collector::answering(endless).await];
    for answer in [&*wide, "", "no HTTP\r\n\r\n", "HTTP/1.1 503 x\r\nRetry-After: 9999\r\nContent-Length: 0\r\n\r\n"] {
        hostile.push(Collector::answering(answer).await);
    }
    let dead =
        [format!("http://127.0.0.1:{}", full.port()), format!("http://{closed}"), "http://nobody.invalid".to_owned()];
    for url in hostile.iter().map(Collector::url).chain(dead) {
        let (lane, backend) = start(&traced(&url, "1"), "").await;
        for nth in 0..20 {
            assert_eq!(parent(&lane, &backend, &format!("/{nth}"), "").await[3], "03", "{url}");
        }
        assert_eq!(lane.metrics().await["bulkhead_spans_exported_total"], 0.0, "{url}");
    }
    assert_eq!(redirected.spans(), [], "nobody is sent elsewhere");
}

#[tokio::test]
async fn spans_are_counted_by_what_becomes_of_them() {
    let collector = Collector::start().await;
    let (lane, backend) = start(&traced(&collector.url(), "1"), "").await;
    let of = |seen: &std::collections::BTreeMap<String, f64>, name: &str| {
        seen.iter().filter(|(sample, _)| sample.starts_with(name)).map(|(_, value)| value).sum::<f64>()
    };
    lane.get("trace.test", "/").await;
    collector.spans_of("/").await;
    // Those of the requests before it too: every one that was answered has a span, and each thread leaves its own behind.
    let left = |seen: &std::collections::BTreeMap<String, f64>| {
        of(seen, "bulkhead_responses_total") - of(seen, "bulkhead_spans_exported_total")
    };
    lane.wait_for_metrics(left, 0.0).await;
    let before = of(&lane.metrics().await, "bulkhead_spans_exported_total");
    assert_eq!(collector.spans().len() as f64, before);
    let counts = |seen: &std::collections::BTreeMap<String, f64>| {
        [seen["bulkhead_spans_exported_total"], seen["bulkhead_spans_dropped_total"]]
    };
    let refusing = Collector::answering("HTTP/1.1 400 x\r\nContent-Length: 0\r\n\r\n").await;
    lane.configure(&traced(&refusing.url(), "1")).await;
    lane.get("trace.test", "/refused").await;
    lane.wait_for_metrics(counts, [before, 1.0]).await;
    assert_eq!(refusing.spans_of("/refused").await.len(), 1, "what is refused is not sent again");
    drop(backend);
}
