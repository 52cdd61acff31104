//! What becomes of a request that another service is asked about, whatever that service does.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_model::backend::Protocol;
use bulkhead_model::external_auth::{AskBy, Asked, ExternalAuth, Memory, Page, SignIn};
use bulkhead_model::limits::QUESTION_BYTES;
use bulkhead_model::template::TargetTemplate;
use bulkhead_model::{Authentication, Backend, Endpoint, Endpoints, Errand, Filters, Settings, Template};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::support::{Lane, Peer};

struct Scene {
    lane: Lane,
    service: TcpListener,
    external: ExternalAuth,
}

fn template(text: &str) -> Template {
    Template::parse(text).unwrap()
}

impl Scene {
    async fn start(change: impl FnOnce(&mut ExternalAuth)) -> Self {
        let mut settings = Settings::default();
        settings.upstream.read = Duration::from_millis(300);
        let lane = Lane::with(settings).await;
        let service = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Arc::new(Endpoint::new(1001, service.local_addr().unwrap()));
        let endpoints = Arc::new(Endpoints { list: Box::new([endpoint]) });
        let backend = Arc::new(Backend::new(1000, "auth.test:80".into(), Protocol::Http1, endpoints));
        let mut external = ExternalAuth {
            service: Errand {
                backend,
                authority: template("auth.test"),
                target: TargetTemplate::parse("/verify?from=$host").unwrap(),
            },
            method: None,
            says: Box::default(),
            told: ["X-User".into()].into(),
            sign_in: None,
            returns_to: None,
            memory: None,
            asked: Asked::default(),
        };
        change(&mut external);
        let scene = Self { lane, service, external };
        scene.publish(2, scene.external.clone());
        scene
    }

    fn publish(&self, number: u64, external: ExternalAuth) {
        let authentication = Some(Authentication { external: Some(external.known()), ..Authentication::default() });
        self.lane.publish_filtered(number, Filters { authentication, ..Filters::default() });
    }

    async fn asked(&self) -> Peer {
        Peer::new(
            timeout(Duration::from_secs(5), self.service.accept()).await.expect("the service is asked").unwrap().0,
        )
    }

    /// A client that sends `request`, and the service with the question about it.
    async fn client(&self, request: &str) -> (Peer, Peer, String) {
        let mut client = self.lane.client().await;
        client.send(request).await;
        let mut service = self.asked().await;
        let question = service.head().await;
        (client, service, question)
    }
}

const REQUEST: &str = "GET /x?y HTTP/1.1\r\nHost: a.test\r\nCookie: s=1\r\nX-User: forged\r\nX-Original-URL: forged\r\nConnection: x-hop\r\nX-Hop: 1\r\n\r\n";

#[tokio::test]
async fn a_service_is_asked_without_content_and_its_word_is_passed_on() {
    let scene = Scene::start(|_| {}).await;
    let post = REQUEST.replace("GET", "POST").replace("Cookie", "Content-Length: 3\r\nCookie") + "abc";
    let (mut client, mut service, question) = scene.client(&post).await;
    let says = |line: &str| question.lines().any(|one| one == line);
    assert!(question.starts_with("GET /verify?from=a.test HTTP/1.1\r\nHost: auth.test\r\n"), "{question}");
    for line in [
        "Cookie: s=1",
        "X-Original-URL: http://a.test/x?y",
        "X-Original-Method: POST",
        "X-Sent-From: nginx-ingress-controller",
        "X-Auth-Request-Redirect: /x?y",
        "X-Real-IP: 127.0.0.1",
        "X-Forwarded-For: 127.0.0.1",
    ] {
        assert!(says(line), "{line} in {question}");
    }
    assert!(
        !question.contains("X-Hop")
            && !question.contains("Content-Length")
            && !question.contains("X-Original-URL: forged")
    );

    service.send("HTTP/1.1 204 No Content\r\nX-User: ann\r\nSet-Cookie: s=2\r\nX-Other: 1\r\n\r\n").await;
    let mut backend = scene.lane.accept().await;
    let head = backend.head().await;
    assert!(head.contains("\r\nX-User: ann\r\n") && !head.contains("forged") && !head.contains("X-Other"), "{head}");
    backend.until("abc").await;
    backend.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine").await;
    let answer = client.until("fine").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("Set-Cookie: s=2\r\n"), "{answer}");

    // The connection is kept, and a field that the service does not send is nobody's.
    client.send(REQUEST).await;
    service.head().await;
    service.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let head = backend.head().await;
    assert!(!head.contains("X-User"), "{head}");
}

#[tokio::test]
async fn a_service_is_told_what_the_route_says_besides_and_never_otherwise_how_its_question_is_framed() {
    let says = [
        ("X-Shop", "$host"),
        ("Cookie", "$arg_nothing"),
        ("x-user", "$http_x_user-$scheme"),
        ("Content-Length", "5"),
        ("Host", "evil.test"),
    ];
    let says = says.map(|(name, text)| (name.into(), template(text)));
    let scene = Scene::start(|external| external.says = says.into()).await;
    let (_client, _service, question) = scene.client(REQUEST).await;
    let says = |line: &str| question.lines().any(|one| one == line);
    assert!(says("X-Shop: a.test") && says("x-user: forged-http") && says("Host: auth.test"), "{question}");
    for left in ["Cookie", "Content-Length", "evil", "X-User: forged"] {
        assert!(!question.contains(left), "{left} in {question}");
    }
}

#[tokio::test]
async fn nobody_is_let_in_on_what_is_not_a_clear_yes() {
    let scene = Scene::start(|_| {}).await;
    let endless = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(100);
    let huge = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "a".repeat(200 << 10));
    for (answer, status) in [
        ("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 3\r\n\r\nabc", "401"),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "403"),
        ("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", "500"),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "500"),
        ("HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n", "500"),
        ("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", "500"),
        ("220 mail.test ESMTP\r\n\r\n", "500"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "500"),
        (&endless, "500"),
        (&huge, "500"),
        ("HTTP/1.1 200 OK\r\n", "500"),
        ("", "500"),
    ] {
        let (mut client, mut service, _) = scene.client(REQUEST).await;
        // A head that is too long is not read to its end.
        let _ = tokio::io::AsyncWriteExt::write_all(&mut service.stream, answer.as_bytes()).await;
        let head = client.head().await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{answer:.60}: {head}");
        assert_eq!(head.contains("WWW-Authenticate: Bearer"), status == "401", "{head}");
    }
    let (mut client, service, _) = scene.client(REQUEST).await;
    drop(service);
    assert!(client.head().await.starts_with("HTTP/1.1 500 "));
    drop(scene.service);
    let mut client = scene.lane.client().await;
    client.send(REQUEST).await;
    assert!(client.head().await.starts_with("HTTP/1.1 500 "));
    assert!(timeout(Duration::from_millis(50), scene.lane.listener.accept()).await.is_err(), "no backend is asked");
}

#[tokio::test]
async fn a_yes_counts_whatever_content_comes_behind_it() {
    let scene = Scene::start(|_| {}).await;
    let (_client, mut service, _) = scene.client(REQUEST).await;
    service.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc").await;
    scene.lane.accept().await.head().await;
}

#[tokio::test]
async fn who_is_not_known_is_sent_to_sign_in_and_knows_the_way_back() {
    let sign_in = SignIn {
        page: Page::parse("https://$host/start").unwrap(),
        origin: Some(template("?rd=$scheme://$http_host$escaped_request_uri")),
    };
    let scene = Scene::start(|external| {
        external.sign_in = Some(sign_in);
        external.method = Some(AskBy::Head);
    })
    .await;
    let (mut client, mut service, question) = scene.client(REQUEST).await;
    assert!(
        question.starts_with("HEAD /verify") && question.contains("X-Original-URI: /x?y\r\nX-Scheme: http\r\n"),
        "{question}"
    );
    service.send("HTTP/1.1 401 Unauthorized\r\nSet-Cookie: c=1\r\nContent-Length: 7\r\n\r\n").await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 302 "), "{head}");
    assert!(
        head.contains("Location: https://a.test/start?rd=http://a.test%2Fx%3Fy\r\n")
            && head.contains("Set-Cookie: c=1"),
        "{head}"
    );
}

#[tokio::test]
async fn a_word_that_is_remembered_is_not_asked_for_again() {
    let memory = Memory { key: template("$cookie_s"), lifetimes: [(200, Duration::from_secs(60))].into() };
    let scene = Scene::start(|external| external.memory = Some(memory)).await;
    let (mut client, mut service, _) = scene.client(REQUEST).await;
    service.send("HTTP/1.1 200 OK\r\nX-User: ann\r\nContent-Length: 0\r\n\r\n").await;
    let mut backend = scene.lane.accept().await;
    for nth in 0..3 {
        let head = backend.head().await;
        assert!(head.contains("\r\nX-User: ann\r\n"), "{nth}: {head}");
        backend.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine").await;
        client.until("fine").await;
        client.send(REQUEST).await;
    }
    backend.head().await;
    backend.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine").await;
    client.until("fine").await;
    client.send(&REQUEST.replace("s=1", "s=2")).await;
    let question = service.head().await;
    assert!(question.contains("Cookie: s=2"), "{question}");
}

#[tokio::test]
async fn a_client_leads_the_question_to_no_other_path() {
    let target = |text: &str| TargetTemplate::parse(text).unwrap();
    let scene = Scene::start(|external| external.service.target = target("/t/$http_x/verify?of=$http_x")).await;
    let (_client, _service, question) = scene.client(&REQUEST.replace("Cookie", "X: a b&c\r\nCookie")).await;
    assert!(question.starts_with("GET /t/a%20b%26c/verify?of=a%20b%26c HTTP/1.1\r\n"), "{question}");
    for says in ["../../healthz?", "..", "."] {
        let mut client = scene.lane.client().await;
        client.send(&REQUEST.replace("Cookie", &format!("X: {says}\r\nCookie"))).await;
        assert!(client.head().await.starts_with("HTTP/1.1 500 "), "{says}");
    }
    assert!(timeout(Duration::from_millis(50), scene.service.accept()).await.is_err(), "nobody is asked");
}

#[tokio::test]
async fn a_question_has_so_many_bytes_made_of_a_request_and_no_more() {
    const VALUE: usize = 7200;
    // The target, the authority, and four fields, each with a name of three bytes.
    let rest = QUESTION_BYTES.size() - "/verify?from=a.test".len() - "auth.test".len() - 4 * (3 + VALUE);
    let request = REQUEST.replace("Cookie", &format!("X: {}\r\nCookie", "a".repeat(VALUE)));
    let fields = |count: usize, more: usize| {
        let each = (0..count).map(|nth| (format!("X{nth:02}").into(), template("$http_x")));
        each.chain([("Y".into(), template(&"b".repeat(more - 1)))]).collect::<Box<[_]>>()
    };
    let scene = Scene::start(|external| external.says = fields(4, rest)).await;
    let (_client, _service, question) = scene.client(&request).await;
    assert!(question.contains("\r\nX03: aaa"), "{question}");
    for (number, says) in [(3, fields(4, rest + 1)), (4, fields(45, 1))] {
        scene.publish(number, ExternalAuth { says, ..scene.external.clone() });
        let mut client = scene.lane.client().await;
        client.send(&request).await;
        assert!(client.head().await.starts_with("HTTP/1.1 500 "), "{number}");
    }
    assert!(timeout(Duration::from_millis(50), scene.service.accept()).await.is_err(), "nobody is asked");
}

#[tokio::test]
async fn a_word_on_another_question_lets_nobody_in() {
    let memory = Memory { key: template("$cookie_s"), lifetimes: [(200, Duration::from_secs(60))].into() };
    let scene = Scene::start(|external| external.memory = Some(memory)).await;
    let (mut client, mut service, _) = scene.client(REQUEST).await;
    service.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let mut backend = scene.lane.accept().await;
    let edits: [fn(&mut ExternalAuth); 3] = [
        |external| external.service.target = TargetTemplate::parse("/strict").unwrap(),
        |external| external.method = Some(AskBy::Head),
        |external| external.says = [("X-Level".into(), template("high"))].into(),
    ];
    for (number, edit) in (3..).zip(edits) {
        backend.head().await;
        backend.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine").await;
        client.until("fine").await;
        let mut external = scene.external.clone();
        edit(&mut external);
        scene.publish(number, external);
        client.send(REQUEST).await;
        service.head().await;
        service.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    }
}

#[tokio::test]
async fn a_service_that_is_behind_the_route_that_asks_it_is_not_asked_for_ever() {
    let scene = Scene::start(|_| {}).await;
    let (_client, _service, question) = scene.client(REQUEST).await;
    let via: Vec<&str> = question.lines().filter(|line| line.starts_with("Via: ")).collect();
    assert_eq!(via.len(), 2, "{question}");
}
