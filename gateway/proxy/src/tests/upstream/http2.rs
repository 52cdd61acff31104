//! HTTP/2 towards backends, against real servers on sockets.

use std::future::poll_fn;
use std::time::Duration;

use bulkhead_model::Settings;
use bulkhead_model::backend::Protocol;
use bulkhead_model::upstream_tls::{TlsVersions, Trust, UpstreamTls};
use bytes::Bytes;
use h2::server::{Connection, SendResponse};
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, HeaderValue, Request, Response};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::authority::{Authority, server};
use super::raw::{DATA, GOAWAY, HEADERS, PING, RST_STREAM, Raw};
use crate::tests::support::{Lane, Peer, eventually};

pub(super) const GET: &str = "GET /a?b HTTP/1.1\r\nHost: a.test\r\n\r\n";
const POST: &str = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi";
const REFUSED_STREAM: [u8; 4] = [0, 0, 0, 7];
const INTERNAL_ERROR: [u8; 4] = [0, 0, 0, 2];

pub(super) async fn lane() -> Lane {
    Lane::to(Settings::default(), Protocol::Http2, None).await
}

pub(super) type Call = (Request<RecvStream>, SendResponse<Bytes>);

/// The backend's side of the next connection, driven by the test while it awaits anything of it.
pub(super) struct Backend<S = TcpStream> {
    pub(super) connection: Connection<S, Bytes>,
}

impl Backend {
    pub(super) async fn accept(lane: &Lane) -> Self {
        Self::with(lane, &mut h2::server::Builder::new()).await
    }

    pub(super) async fn with(lane: &Lane, builder: &mut h2::server::Builder) -> Self {
        let Peer { stream, .. } = lane.accept().await;
        Self { connection: builder.handshake(stream).await.unwrap() }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Backend<S> {
    pub(super) async fn call(&mut self) -> Call {
        self.connection.accept().await.expect("a request comes").unwrap()
    }

    /// Drives the connection while `other` runs.
    pub(super) async fn during<T>(&mut self, other: impl Future<Output = T>) -> T {
        let connection = &mut self.connection;
        tokio::select! {
            biased;
            _ = poll_fn(|cx| connection.poll_closed(cx)) => panic!("the connection ended"),
            done = other => done,
        }
    }
}

/// Sends everything, as the other side makes room.
pub(super) async fn send(stream: &mut SendStream<Bytes>, mut content: Bytes, ends: bool) {
    while !content.is_empty() {
        stream.reserve_capacity(content.len());
        let room = poll_fn(|cx| stream.poll_capacity(cx)).await.unwrap().unwrap();
        let part = content.split_to(room.min(content.len()));
        stream.send_data(part, ends && content.is_empty()).unwrap();
    }
}

pub(super) fn no_content() -> Response<()> {
    Response::builder().status(204).body(()).unwrap()
}

#[tokio::test]
async fn requests_and_responses_cross_between_the_versions() {
    let lane = lane().await;
    let mut client = lane.client().await;
    client.send("POST /a?b HTTP/1.1\r\nHost: A.test\r\nX-One: 1\r\nTransfer-Encoding: chunked\r\nConnection: x-two\r\nX-Two: 2\r\n\r\n4\r\nabcd\r\n").await;
    let mut backend = Backend::accept(&lane).await;
    let (request, mut respond) = backend.call().await;
    assert_eq!((request.method().as_str(), request.uri().to_string()), ("POST", "http://a.test/a?b".to_owned()));
    let fields = request.headers();
    assert_eq!((fields["te"].as_bytes(), fields["x-one"].as_bytes()), (&b"trailers"[..], &b"1"[..]));
    assert!(["connection", "x-two", "transfer-encoding", "host"].iter().all(|name| !fields.contains_key(*name)));
    let mut content = request.into_body();
    assert_eq!(backend.during(content.data()).await.unwrap().unwrap(), "abcd");
    // It answers before it has all of the request, and the request goes on.
    let response = Response::builder().status(200).header("x-three", "3").body(()).unwrap();
    let mut stream = respond.send_response(response, false).unwrap();
    backend.during(send(&mut stream, Bytes::from_static(b"ABCD"), false)).await;
    let head = backend.during(client.until("4\r\nABCD\r\n")).await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("\r\nx-three: 3\r\n") && head.contains("Transfer-Encoding: chunked"), "{head}");
    client.send("4\r\nefgh\r\n0\r\n\r\n").await;
    assert_eq!(backend.during(content.data()).await.unwrap().unwrap(), "efgh");
    assert!(backend.during(content.data()).await.is_none());
    stream.send_data(Bytes::new(), true).unwrap();
    backend.during(client.until("0\r\n\r\n")).await;
}

#[tokio::test]
async fn requests_share_a_connection_up_to_what_the_backend_allows() {
    let lane = lane().await;
    let (mut one, mut two, mut three) = (lane.client().await, lane.client().await, lane.client().await);
    let mut builder = h2::server::Builder::new();
    one.send(GET).await;
    let mut first = Backend::with(&lane, builder.max_concurrent_streams(2)).await;
    let (_, mut respond_one) = first.call().await;
    two.send(GET).await;
    let (_, mut respond_two) = first.call().await;
    three.send(GET).await;
    let mut second = first.during(Backend::accept(&lane)).await;
    let (_, mut respond_three) = second.call().await;
    for respond in [&mut respond_one, &mut respond_two, &mut respond_three] {
        respond.send_response(no_content(), true).unwrap();
    }
    first.during(one.head()).await;
    first.during(two.head()).await;
    second.during(three.head()).await;
    let tally = lane.proxy.tally();
    assert_eq!((tally.upstream_connects, tally.upstream_reuses), (2, 1));
}

#[tokio::test]
async fn requests_that_come_while_a_connection_is_opened_wait_for_it() {
    let lane = lane().await;
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut client = lane.client().await;
        client.send(GET).await;
        clients.push(client);
    }
    let mut backend = Backend::accept(&lane).await;
    for _ in 0..20 {
        backend.call().await.1.send_response(no_content(), true).unwrap();
    }
    for client in &mut clients {
        backend.during(client.head()).await;
    }
    assert_eq!(lane.proxy.tally().upstream_connects, 1);
}

#[tokio::test]
async fn a_connection_that_goes_away_serves_what_it_has_and_another_takes_what_comes() {
    let lane = lane().await;
    let (mut one, mut two) = (lane.client().await, lane.client().await);
    one.send(GET).await;
    let mut leaving = Raw::new(lane.accept().await.stream, &[]).await;
    assert_eq!(leaving.until(HEADERS).await, 1);
    leaving.send(GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]).await;
    // Once it has answered this, it has heard that.
    leaving.send(PING, 0, 0, &[0; 8]).await;
    leaving.until(PING).await;
    two.send(GET).await;
    let mut fresh = Raw::new(lane.accept().await.stream, &[]).await;
    assert_eq!(fresh.until(HEADERS).await, 1);
    for (backend, client) in [(&mut fresh, &mut two), (&mut leaving, &mut one)] {
        backend.answer(1).await;
        assert!(client.head().await.starts_with("HTTP/1.1 204 "));
    }
    assert_eq!(lane.proxy.tally().retries, 0);
}

#[tokio::test]
async fn what_a_backend_has_not_begun_with_is_sent_again_whatever_the_method() {
    for (kind, stream_of, payload) in [
        (RST_STREAM, 1, &REFUSED_STREAM[..]),
        (GOAWAY, 0, &[0, 0, 0, 0, 0, 0, 0, 0]),
        (GOAWAY, 0, &[0, 0, 0, 0, 0, 0, 0, 11]),
    ] {
        let lane = lane().await;
        let mut client = lane.client().await;
        client.send(POST).await;
        let mut refusing = Raw::new(lane.accept().await.stream, &[]).await;
        assert_eq!(refusing.until(HEADERS).await, 1);
        refusing.send(kind, 0, stream_of, payload).await;
        if kind == GOAWAY {
            let mut again = Raw::new(lane.accept().await.stream, &[]).await;
            again.until(DATA).await;
            again.answer(1).await;
        } else {
            assert_eq!(refusing.until(HEADERS).await, 3);
            refusing.answer(3).await;
        }
        assert!(client.head().await.starts_with("HTTP/1.1 204 "), "{kind}");
        assert_eq!(lane.proxy.tally().retries, 1, "{kind}");
    }
}

#[tokio::test]
async fn what_a_backend_may_have_begun_with_is_not_sent_again() {
    for (kind, payload, fault) in [
        (RST_STREAM, &INTERNAL_ERROR[..], "upstream_reset"),
        // The request is not above the last one that is served.
        (GOAWAY, &[0, 0, 0, 1, 0, 0, 0, 0], "upstream_closed"),
    ] {
        let lane = lane().await;
        let mut client = lane.client().await;
        client.send(GET).await;
        let mut backend = Raw::new(lane.accept().await.stream, &[]).await;
        backend.until(HEADERS).await;
        backend.send(kind, 0, u32::from(kind == RST_STREAM), payload).await;
        drop(backend);
        assert!(client.head().await.starts_with("HTTP/1.1 502 "), "{fault}");
        assert_eq!((lane.faults(fault), lane.proxy.tally().retries), (1, 0), "{fault}");
    }
}

#[tokio::test]
async fn a_refusal_is_passed_on_when_the_content_is_gone_or_every_try_was_refused() {
    let lane = lane().await;
    let mut client = lane.client().await;
    client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nab").await;
    let mut backend = Raw::new(lane.accept().await.stream, &[]).await;
    backend.until(DATA).await;
    client.send("cd").await;
    backend.until(DATA).await;
    backend.send(RST_STREAM, 0, 1, &REFUSED_STREAM).await;
    assert!(client.until("did not take the request\n").await.starts_with("HTTP/1.1 503 "));
    assert_eq!(lane.proxy.tally().retries, 0);
    let mut client = lane.client().await;
    client.send(GET).await;
    for stream in [3, 5] {
        assert_eq!(backend.until(HEADERS).await, stream);
        backend.send(RST_STREAM, 0, stream, &REFUSED_STREAM).await;
    }
    assert!(client.head().await.starts_with("HTTP/1.1 503 "));
}

#[tokio::test]
async fn a_backend_that_never_opens_its_window_or_never_answers_is_given_up() {
    let mut settings = Settings::default();
    (settings.upstream.send, settings.upstream.read) = (Duration::from_millis(100), Duration::from_millis(100));
    let lane = Lane::to(settings, Protocol::Http2, None).await;
    const INITIAL_WINDOW_SIZE: u16 = 4;
    let mut client = lane.client().await;
    client.send(GET).await;
    let mut backend = Raw::new(lane.accept().await.stream, &[(INITIAL_WINDOW_SIZE, 0)]).await;
    backend.until(HEADERS).await;
    assert!(client.head().await.starts_with("HTTP/1.1 504 "));
    assert_eq!(backend.until(RST_STREAM).await, 1);
    let mut client = lane.client().await;
    client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nab").await;
    assert_eq!(backend.until(HEADERS).await, 3);
    client.send("cd").await;
    assert!(client.head().await.starts_with("HTTP/1.1 504 "));
    assert_eq!(backend.until(RST_STREAM).await, 3);
    assert_eq!((lane.faults("upstream_timeout"), lane.faults("upstream_stalled")), (1, 1));
}

#[tokio::test]
async fn a_call_takes_no_longer_than_it_says_it_may() {
    let lane = lane().await;
    let mut client = lane.client().await;
    client.send("POST /s/m HTTP/1.1\r\nHost: a.test\r\nGrpc-Timeout: 100m\r\nContent-Length: 0\r\n\r\n").await;
    let mut backend = Backend::accept(&lane).await;
    let (request, _respond) = backend.call().await;
    assert_eq!(request.headers()["grpc-timeout"], "100m");
    assert!(backend.during(client.head()).await.starts_with("HTTP/1.1 504 "));
    assert_eq!(lane.faults("call_timeout"), 1);
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_request_back() {
    let lane = lane().await;
    let mut client = lane.client().await;
    client.send(GET).await;
    let mut backend = Raw::new(lane.accept().await.stream, &[]).await;
    backend.until(HEADERS).await;
    drop(client);
    assert_eq!(backend.until(RST_STREAM).await, 1);
}

/// A flood is told from a stream by sizes: h2 before 0.4.19 closed connections that sent many messages of 600 bytes.
#[tokio::test]
async fn ten_thousand_small_messages_of_one_stream_arrive() {
    const MESSAGES: usize = 10_000;
    const BYTES: usize = 600;
    let lane = lane().await;
    let mut client = lane.client().await;
    client
        .send("POST /s/m HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n")
        .await;
    let mut backend = Backend::accept(&lane).await;
    let (_, mut respond) = backend.call().await;
    let response = Response::builder().header("content-type", "application/grpc").body(()).unwrap();
    let mut stream = respond.send_response(response, false).unwrap();
    let talk = async {
        for _ in 0..MESSAGES {
            send(&mut stream, Bytes::from(vec![7; BYTES]), false).await;
        }
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        stream.send_trailers(trailers).unwrap();
        std::future::pending::<()>().await;
    };
    let listen = async {
        client.head().await;
        let mut content = 0;
        while content < MESSAGES * BYTES {
            let line = client.until("\r\n").await;
            let length = usize::from_str_radix(line.trim_end(), 16).unwrap();
            while client.held.len() < length + 2 {
                tokio::io::AsyncReadExt::read_buf(&mut client.stream, &mut client.held).await.unwrap();
            }
            client.held.drain(..length + 2);
            content += length;
        }
        assert_eq!(content, MESSAGES * BYTES);
        client.until("\r\n\r\n").await;
    };
    let both = async {
        tokio::select! { () = talk => {}, () = listen => {} }
    };
    backend.during(both).await;
    assert_eq!(lane.proxy.tally().responses[2], 1);
}

#[tokio::test]
async fn interim_responses_are_counted() {
    let lane = lane().await;
    let mut client = lane.client().await;
    client.send(GET).await;
    let mut backend = Backend::accept(&lane).await;
    let (_, mut respond) = backend.call().await;
    for _ in 0..11 {
        respond.send_informational(Response::builder().status(103).body(()).unwrap()).unwrap();
    }
    assert!(backend.during(client.head()).await.starts_with("HTTP/1.1 502 "));
    assert_eq!(lane.faults("too_many_interim"), 1);
}

#[tokio::test]
async fn a_response_that_breaks_off_never_looks_complete() {
    let lane = lane().await;
    let mut client = lane.client().await;
    client.send(GET).await;
    let mut backend = Backend::accept(&lane).await;
    let (_, mut respond) = backend.call().await;
    let mut stream = respond.send_response(Response::new(()), false).unwrap();
    backend.during(send(&mut stream, Bytes::from_static(b"half"), false)).await;
    backend.during(client.until("4\r\nhalf\r\n")).await;
    stream.send_reset(Reason::INTERNAL_ERROR);
    assert!(backend.during(client.end()).await.is_err());
    eventually("it is counted", || lane.faults("response_truncated") == 1).await;
}

#[tokio::test]
async fn under_tls_only_a_backend_that_chooses_http2_is_spoken_to() {
    let ours = Authority::root();
    for (alpn, fault) in [("h2", None), ("", Some("upstream_handshake")), ("http/1.1", Some("upstream_handshake"))] {
        let tls = UpstreamTls {
            trust: Trust::Roots { roots: ours.roots(), depth: None },
            name: ServerName::try_from("web.shop.svc").unwrap(),
            asks_for_name: true,
            identity: None,
            versions: TlsVersions::Both,
        };
        let mut settings = Settings::default();
        settings.upstream.tries = 1;
        let lane = Lane::to(settings, Protocol::Http2, Some(tls)).await;
        let mut client = lane.client().await;
        client.send(GET).await;
        let config = server(ours.issue("web.shop.svc"), alpn, None);
        let accepted = TlsAcceptor::from(config).accept(lane.accept().await.stream).await;
        match fault {
            None => {
                let connection = h2::server::handshake(accepted.unwrap()).await.unwrap();
                let mut backend = Backend { connection };
                let (request, mut respond) = backend.call().await;
                assert_eq!(request.uri(), "https://a.test/a?b");
                respond.send_response(no_content(), true).unwrap();
                assert!(backend.during(client.head()).await.starts_with("HTTP/1.1 204 "));
            }
            Some(fault) => {
                assert!(client.head().await.starts_with("HTTP/1.1 502 "), "{alpn}");
                assert_eq!(lane.faults(fault), 1, "{alpn}");
            }
        }
    }
}
