use std::net::SocketAddr;
use std::sync::Arc;

use bulkhead_crds::instance::GatewayInstance;
use jiff::Timestamp;
use k8s_openapi::api::networking::v1::Ingress;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::webhook::certificates::Pair;
use crate::webhook::identity::{Identity, tls};
use crate::webhook::verdict::Opinion;

const NAME: &str = "hook.example.svc";

/// Panics for an Ingress, and takes long for an instance.
#[derive(Clone, Default)]
struct Frail {
    begun: Arc<tokio::sync::Notify>,
}

impl Known for Frail {
    fn instance(&self, _: &GatewayInstance) -> Opinion {
        self.begun.notify_one();
        std::thread::sleep(Duration::from_millis(300));
        Opinion::default()
    }

    fn ingress(&self, _: &Ingress) -> Opinion {
        panic!("a mistake")
    }
}

struct Hook {
    address: SocketAddr,
    connector: TlsConnector,
    identity: Arc<Identity>,
    tally: Arc<Tally>,
    frail: Frail,
    stage: watch::Sender<Stage>,
    served: tokio::task::JoinHandle<()>,
}

fn pair() -> Pair {
    Pair::make(&[NAME.to_owned()], Timestamp::now()).expect("a certificate")
}

fn connector(pair: &Pair) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pair.authority.as_bytes()).expect("PEM")).expect("an authority");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    TlsConnector::from(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

impl Hook {
    async fn start() -> Self {
        let pair = pair();
        let identity = Arc::new(Identity::default());
        identity.show(pair.certified().expect("a certificate"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stage, seen) = watch::channel(Stage::Serving);
        let tally = Arc::new(Tally::default());
        let config = tls(Arc::clone(&identity)).expect("TLS");
        let frail = Frail::default();
        let server = Arc::new(Server::new(frail.clone(), Arc::clone(&tally)));
        let served = tokio::spawn(server.serve(listener, config, seen));
        Self { address, connector: connector(&pair), identity, tally, frail, stage, served }
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        self.connect_from("127.0.0.1").await
    }

    async fn connect_from(&self, address: &str) -> TlsStream<TcpStream> {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::new(address.parse().expect("an address"), 0)).expect("a port");
        let stream = socket.connect(self.address).await.expect("a connection");
        let name = ServerName::try_from(NAME).expect("a name");
        self.connector.connect(name, stream).await.expect("a handshake")
    }

    /// Sends these bytes and reads until the connection ends.
    async fn told(&self, bytes: &[u8]) -> String {
        told_on(self.connect().await, bytes).await
    }
}

async fn told_on(mut connection: TlsStream<TcpStream>, bytes: &[u8]) -> String {
    // The server may have seen enough before it has all.
    let _ = connection.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = connection.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn post(path: &str, content: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /validate/{path} HTTP/1.1\r\nHost: hook\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        content.len()
    );
    [head.as_bytes(), content].concat()
}

fn review(object: &str) -> String {
    format!(
        "{{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{{\"uid\":\"1\",\"operation\":\"CREATE\",\"object\":{object}}}}}"
    )
}

const INSTANCE: &str = "{\"apiVersion\":\"bulkhead.io/v1alpha1\",\"kind\":\"GatewayInstance\",\"metadata\":{\"name\":\"edge\"},\"spec\":{}}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_review_gets_a_status_that_says_so() {
    let hook = Hook::start().await;
    let head = "POST /validate/ingresses HTTP/1.1\r\nHost: hook\r\nConnection: close\r\n";
    // Refused before a byte of it is there.
    let large = format!("{head}Content-Length: 4194304\r\n\r\n").into_bytes();
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", REVIEW_BYTES + 1);
    let chunked = [chunked.as_bytes(), &vec![b' '; REVIEW_BYTES + 1]].concat();
    for (bytes, status) in [
        (post("pods", b"{}"), "404"),
        (b"GET /validate/ingresses HTTP/1.1\r\nHost: hook\r\nConnection: close\r\n\r\n".to_vec(), "405"),
        (post("ingresses", b""), "400"),
        (post("ingresses", b"hello"), "400"),
        (post("ingresses", review("null").as_bytes()), "400"),
        (large, "413"),
        (chunked, "413"),
        (post("gatewayinstances", review(INSTANCE).as_bytes()), "200"),
    ] {
        let told = hook.told(&bytes).await;
        let shown: String = String::from_utf8_lossy(&bytes).chars().take(60).collect();
        assert!(told.starts_with(&format!("HTTP/1.1 {status} ")), "{shown:?} is told {told:?}");
    }
    let text = hook.tally.text();
    assert!(text.contains("{resource=\"ingresses\",verdict=\"malformed\"} 5"), "{text}");
    assert!(text.contains("{resource=\"gatewayinstances\",verdict=\"allowed\"} 1"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_ends_one_review_and_nothing_else() {
    let hook = Hook::start().await;
    let ingress = review("{\"metadata\":{},\"spec\":{\"ingressClassName\":\"x\"}}");
    for _ in 0..3 {
        let told = hook.told(&post("ingresses", ingress.as_bytes())).await;
        assert!(told.starts_with("HTTP/1.1 500 "), "{told}");
    }
    let told = hook.told(&post("gatewayinstances", review(INSTANCE).as_bytes())).await;
    assert!(told.starts_with("HTTP/1.1 200 "), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_that_drips_is_waited_for_as_long_as_a_review_may_take() {
    let hook = Hook::start().await;
    let begun = Instant::now();
    let mut connection = hook.connect().await;
    let head = b"POST /validate/ingresses HTTP/1.1\r\nHost: hook\r\nContent-Length: 1000000\r\n\r\n{";
    connection.write_all(head).await.expect("room");
    let mut answer = [0; 12];
    connection.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 503");
    let took = begun.elapsed();
    assert!(took >= REVIEW_TIMEOUT / 2 && took < REVIEW_TIMEOUT * 5, "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lengths_that_are_only_announced_take_no_room_from_a_review() {
    let hook = Hook::start().await;
    let head = format!("POST /validate/ingresses HTTP/1.1\r\nHost: hook\r\nContent-Length: {REVIEW_BYTES}\r\n\r\n{{");
    let mut idle = Vec::new();
    for _ in 0..2 * BYTES_AT_ONCE / REVIEW_BYTES {
        let mut connection = hook.connect().await;
        connection.write_all(head.as_bytes()).await.expect("room");
        idle.push(connection);
    }
    let told = hook.told(&post("gatewayinstances", review(INSTANCE).as_bytes())).await;
    assert!(told.starts_with("HTTP/1.1 200 "), "{told}");
    drop(idle);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_on_which_nothing_is_asked_ends_soon_and_one_that_was_asked_on_stays() {
    let hook = Hook::start().await;
    let asked = review(INSTANCE);
    let asked = format!(
        "POST /validate/gatewayinstances HTTP/1.1\r\nHost: hook\r\nContent-Length: {}\r\n\r\n{asked}",
        asked.len()
    );
    let (mut idle, mut slow, mut kept) = (hook.connect().await, hook.connect().await, hook.connect().await);
    slow.write_all(b"POST /validate/ingresses HTTP/1.1\r\nHost:").await.expect("room");
    let mut answer = [0; 12];
    kept.write_all(asked.as_bytes()).await.expect("room");
    kept.read_exact(&mut answer).await.expect("an answer");
    for connection in [&mut idle, &mut slow] {
        let _ = timeout(FIRST_TIMEOUT * 5, connection.read_to_end(&mut Vec::new())).await.expect("it ends");
    }
    kept.write_all(asked.as_bytes()).await.expect("room");
    let mut rest = vec![0; 64];
    assert!(kept.read(&mut rest).await.expect("an answer") > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_takes_all_its_connections_keeps_nobody_else_out() {
    let hook = Hook::start().await;
    let mut all = Vec::new();
    for _ in 0..2 * CONNECTIONS {
        all.push(TcpStream::connect(hook.address).await.expect("a connection"));
    }
    let other = timeout(HANDSHAKE_TIMEOUT / 2, hook.connect_from("127.0.0.2")).await.expect("it is let in");
    let told = told_on(other, &post("gatewayinstances", review(INSTANCE).as_bytes())).await;
    assert!(told.starts_with("HTTP/1.1 200 "), "{told}");
    drop(all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_certificate_is_shown_to_new_connections_and_cuts_no_old_one() {
    let mut hook = Hook::start().await;
    let mut old = hook.connect().await;
    let other = pair();
    hook.identity.show(other.certified().expect("a certificate"));
    let stream = TcpStream::connect(hook.address).await.expect("a connection");
    let name = ServerName::try_from(NAME).expect("a name");
    assert!(hook.connector.connect(name, stream).await.is_err(), "the first one is shown still");
    hook.connector = connector(&other);
    let told = hook.told(&post("gatewayinstances", review(INSTANCE).as_bytes())).await;
    assert!(told.starts_with("HTTP/1.1 200 "), "{told}");
    old.write_all(&post("gatewayinstances", review(INSTANCE).as_bytes())).await.expect("room");
    let mut answer = [0; 12];
    old.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 200");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_leaves_answers_all_who_come_until_it_closes_and_waits_for_nobody_then() {
    let hook = Hook::start().await;
    let asked = format!(
        "POST /validate/gatewayinstances HTTP/1.1\r\nHost: hook\r\nContent-Length: {}\r\n\r\n",
        review(INSTANCE).len()
    );
    let asked = [asked, review(INSTANCE)].concat();
    let mut kept = hook.connect().await;
    hook.stage.send_replace(Stage::Leaving);
    for connection in [&mut kept, &mut hook.connect().await] {
        connection.write_all(asked.as_bytes()).await.expect("room");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.expect("an answer and the end");
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("connection: close\r\n"), "{answer}");
    }

    let idle = hook.connect().await;
    let mut busy = hook.connect().await;
    // Those before are not what is waited for.
    while tokio::time::timeout(Duration::from_millis(1), hook.frail.begun.notified()).await.is_ok() {}
    busy.write_all(asked.as_bytes()).await.expect("room");
    hook.frail.begun.notified().await;
    hook.stage.send_replace(Stage::Closed);
    let mut answer = String::new();
    busy.read_to_string(&mut answer).await.expect("an answer and the end");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    timeout(LEAVE / 2, hook.served).await.expect("it ends").expect("in order");
    drop(idle);
    assert!(TcpStream::connect(hook.address).await.is_err(), "nobody is let in any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_a_place_for_anybody_closes_when_it_is_asked_to() {
    let hook = Hook::start().await;
    let mut mute = Vec::new();
    for nth in 0..CONNECTIONS {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        let from = format!("127.0.0.{}:0", 1 + nth / peers::CONNECTIONS);
        socket.bind(from.parse().expect("an address")).expect("a port");
        mute.push(socket.connect(hook.address).await.expect("a connection"));
    }
    hook.stage.send_replace(Stage::Closed);
    let closed = async { while TcpStream::connect(hook.address).await.is_ok() {} };
    timeout(HANDSHAKE_TIMEOUT / 2, closed).await.expect("nobody is let in any more");
    timeout(LEAVE, hook.served).await.expect("it ends").expect("in order");
    drop(mute);
}
