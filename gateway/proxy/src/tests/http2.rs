//! Clients of HTTP/2, over backends of HTTP/1.1 whose every byte the test decides.

use std::future::poll_fn;
use std::time::Duration;

use bulkhead_model::Settings;
use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Request, Response, StatusCode};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::support::{Lane, eventually};

/// Longer than anything that works takes.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn connect(lane: &Lane) -> SendRequest<Bytes> {
    let stream = TcpStream::connect(lane.address()).await.unwrap();
    // Room for what other streams do not take.
    let builder = h2::client::Builder::new().initial_connection_window_size(1 << 20).clone();
    let (requests, connection) = builder.handshake(stream).await.unwrap();
    tokio::spawn(connection);
    requests
}

fn get(path: &str) -> Request<()> {
    Request::get(format!("http://a.test{path}")).body(()).unwrap()
}

pub(super) async fn send(
    requests: &mut SendRequest<Bytes>,
    request: Request<()>,
    ends: bool,
) -> (ResponseFuture, SendStream<Bytes>) {
    poll_fn(|cx| requests.poll_ready(cx)).await.unwrap();
    requests.send_request(request, ends).unwrap()
}

pub(super) async fn answer(response: ResponseFuture) -> Result<Response<RecvStream>, h2::Error> {
    timeout(PATIENCE, response).await.expect("an answer")
}

/// All content, and the trailers.
pub(super) async fn content(mut stream: RecvStream) -> Result<(String, HeaderMap), h2::Error> {
    let reading = async {
        let mut all = Vec::new();
        while let Some(data) = stream.data().await {
            let data = data?;
            stream.flow_control().release_capacity(data.len())?;
            all.extend_from_slice(&data);
        }
        Ok((String::from_utf8(all).unwrap(), stream.trailers().await?.unwrap_or_default()))
    };
    timeout(PATIENCE, reading).await.expect("an end")
}

#[tokio::test]
async fn a_request_reaches_the_backend_as_any_other_and_its_answer_comes_back() {
    let lane = Lane::start().await;
    let mut requests = connect(&lane).await;
    let request = Request::get("http://a.test/cart?x=1")
        .header("cookie", "a=1")
        .header("accept", "text/html")
        .header("cookie", "b=2")
        .header("x-forwarded-for", "6.6.6.6")
        .header("x_real_ip", "6.6.6.6")
        .header("expect", "100-continue");
    let (response, _) = send(&mut requests, request.body(()).unwrap(), true).await;
    let mut backend = lane.accept().await;
    let seen = backend.head().await;
    assert!(
        seen.starts_with("GET /cart?x=1 HTTP/1.1\r\nHost: a.test\r\naccept: text/html\r\ncookie: a=1; b=2\r\n"),
        "{seen}"
    );
    assert!(seen.contains("\r\nVia: 2.0 bulkhead-N\r\n"), "{seen}");
    assert!(!seen.contains("6.6.6.6") && !seen.contains("xpect") && !seen.contains("ncoding"), "{seen}");
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\nX-Tag: one\r\nX-Tag: two\r\n\r\nhello")
        .await;
    let response = answer(response).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers().get_all("x-tag").iter().count(), 2);
    assert_eq!(response.headers()["content-length"], "5");
    assert!(response.headers().contains_key("date") && !response.headers().contains_key("connection"));
    assert_eq!(content(response.into_body()).await.unwrap().0, "hello");
    // The backend's connection is kept, and serves the next request.
    let (response, _) = send(&mut requests, get("/"), true).await;
    backend.head().await;
    backend.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(answer(response).await.unwrap().status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn content_flows_both_ways_at_once_and_trailers_follow() {
    let lane = Lane::start().await;
    let mut requests = connect(&lane).await;
    let request = Request::post("http://a.test/talk").header("te", "trailers").body(()).unwrap();
    let (response, mut up) = send(&mut requests, request, false).await;
    let mut backend = lane.accept().await;
    let seen = backend.head().await;
    assert!(seen.contains("Transfer-Encoding: chunked\r\n"), "{seen}");
    up.send_data("ping".into(), false).unwrap();
    backend.until("4\r\nping\r\n").await;
    backend.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npong\r\n").await;
    let mut response = answer(response).await.unwrap();
    assert_eq!(timeout(PATIENCE, response.body_mut().data()).await.unwrap().unwrap().unwrap(), "pong");
    up.send_data("last".into(), true).unwrap();
    backend.until("4\r\nlast\r\n0\r\n\r\n").await;
    backend.send("0\r\ngrpc-status: 0\r\nHost: evil\r\n\r\n").await;
    let (rest, trailers) = content(response.into_body()).await.unwrap();
    assert_eq!(rest, "");
    assert_eq!(trailers["grpc-status"], "0");
    assert_eq!(trailers.len(), 1);
}

#[tokio::test]
async fn a_response_of_any_size_waits_for_its_client_and_for_nobody_else() {
    let lane = Lane::start().await;
    let mut requests = connect(&lane).await;
    let (large, _) = send(&mut requests, get("/large"), true).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    let text = "x".repeat(1 << 20);
    let (head, rest) = text.split_at(1 << 16);
    backend.send(&format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{head}", text.len())).await;
    let large = answer(large).await.unwrap();
    // Its window is full soon; another stream of the same connection does not notice.
    let (small, _) = send(&mut requests, get("/small"), true).await;
    let mut other = lane.accept().await;
    other.head().await;
    other.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    assert_eq!(content(answer(small).await.unwrap().into_body()).await.unwrap().0, "ok");
    let (sent, received) = tokio::join!(backend.send(rest), content(large.into_body()));
    let () = sent;
    assert_eq!(received.unwrap().0.len(), text.len());
}

#[tokio::test]
async fn a_response_ends_although_its_client_has_no_window_left() {
    let lane = Lane::start().await;
    let stream = TcpStream::connect(lane.address()).await.unwrap();
    let (mut requests, connection) =
        h2::client::Builder::new().initial_window_size(5).handshake::<_, Bytes>(stream).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("http://a.test/").header("te", "trailers").body(()).unwrap();
    let (response, _) = send(&mut requests, request, true).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    backend.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n").await;
    let mut body = answer(response).await.unwrap().into_body();
    // It takes the five bytes, makes no room for more, and waits for the end.
    assert_eq!(timeout(PATIENCE, body.data()).await.unwrap().unwrap().unwrap(), "hello");
    backend.send("0\r\ngrpc-status: 0\r\n\r\n").await;
    assert_eq!(content(body).await.unwrap().1["grpc-status"], "0");
}

#[tokio::test]
async fn a_request_that_is_taken_back_ends_at_the_backend() {
    let lane = Lane::start().await;
    let mut requests = connect(&lane).await;
    let (response, mut up) = send(&mut requests, get("/slow"), true).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    up.send_reset(Reason::CANCEL);
    assert_eq!(backend.end().await.unwrap(), "");
    assert!(answer(response).await.is_err());
    eventually("it is counted", || lane.faults("client_gone") == 1).await;
}

#[tokio::test]
async fn a_response_that_breaks_is_reset_and_never_looks_complete() {
    let lane = Lane::start().await;
    let mut requests = connect(&lane).await;
    let (response, _) = send(&mut requests, get("/"), true).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    backend.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n").await;
    let mut response = answer(response).await.unwrap();
    assert_eq!(timeout(PATIENCE, response.body_mut().data()).await.unwrap().unwrap().unwrap(), "abc");
    drop(backend);
    let error = content(response.into_body()).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::INTERNAL_ERROR));
    assert_eq!(lane.faults("response_truncated"), 1);
}

#[tokio::test]
async fn what_http_1_could_not_say_is_refused() {
    let lane = Lane::start().await;
    let mut requests = connect(&lane).await;
    let request = |uri: &str| Request::get(uri);
    let mut crumbs = request("http://a.test/");
    for _ in 0..101 {
        crumbs = crumbs.header("cookie", "a=b");
    }
    for (request, status, fault) in [
        (request("http://a.test/").header("host", "b.test"), 400, "target_host_mismatch"),
        (request("http://user@a.test/"), 400, "bad_host"),
        (request("http://a.test/").header("host", "a.test").header("host", "a.test"), 400, "duplicate_host"),
        (request("ftp://a.test/"), 400, "bad_target"),
        (request("http://a.test/%00"), 400, "ambiguous_path"),
        (request("http://other.test/"), 404, "no_route"),
        (crumbs, 431, "too_many_fields"),
    ] {
        let (response, _) = send(&mut requests, request.body(()).unwrap(), true).await;
        let response = answer(response).await.unwrap();
        assert_eq!(response.status(), status, "{fault}");
        assert!(!content(response.into_body()).await.unwrap().0.is_empty());
        assert_eq!(lane.faults(fault), 1, "{fault}");
    }
}

#[tokio::test]
async fn a_client_that_is_told_to_go_has_its_requests_answered_first() {
    let lane = Lane::start().await;
    let mut requests = connect(&lane).await;
    let (response, _) = send(&mut requests, get("/"), true).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    lane.proxy.lameduck(Duration::ZERO);
    backend.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(answer(response).await.unwrap().status(), StatusCode::NO_CONTENT);
    eventually("the connection ends", || lane.proxy.connections() == 0).await;
    assert!(poll_fn(|cx| requests.poll_ready(cx)).await.is_err());
}

#[tokio::test]
async fn a_client_that_does_not_listen_is_refused_what_it_begins_after_it_was_told_to_go() {
    /// A request for `/` of `a.test`, in the words of RFC 7541; the stream's number is to be filled in.
    const REQUEST: &[u8] = b"\0\0\x0b\x01\x05\0\0\0\x01\x82\x86\x84\x41\x06a.test";
    /// The answer: REFUSED_STREAM.
    const REFUSED: &[u8] = &[0, 0, 0, 7];
    let lane = Lane::start().await;
    let mut client = lane.client().await;
    client.stream_send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    client.stream_send(REQUEST).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    lane.proxy.lameduck(Duration::ZERO);
    // It answers no PING, so that it never learns which request was the last, and begins one after the other.
    // Fewer than it may have at once: of more, any would be refused.
    for stream in (3_u8..).step_by(2).take(40) {
        let mut request = REQUEST.to_vec();
        request[8] = stream;
        client.stream_send(&request).await;
        let _ = timeout(Duration::from_millis(100), client.stream.read_buf(&mut client.held)).await;
        let reset = [&[0, 0, 4, 3, 0, 0, 0, 0, stream][..], REFUSED].concat();
        if client.held.windows(reset.len()).any(|part| part == reset) {
            return;
        }
    }
    panic!("it is served on and on");
}

#[tokio::test]
async fn an_idle_connection_ends_after_its_time() {
    let mut settings = Settings::default();
    settings.limits.keep_alive_idle = Duration::from_millis(50);
    let lane = Lane::with(settings).await;
    let _requests = connect(&lane).await;
    eventually("it is open", || lane.proxy.connections() == 1).await;
    eventually("it is closed", || lane.proxy.connections() == 0).await;
}

#[tokio::test]
async fn a_client_that_does_not_say_that_it_is_there_is_taken_for_gone() {
    let mut settings = Settings::default();
    (settings.limits.http2.ping, settings.limits.http2.pong) = (Duration::from_millis(100), Duration::from_millis(100));
    let lane = Lane::with(settings).await;
    // This one answers, for as long as it is asked.
    let mut here = connect(&lane).await;
    let (response, _) = send(&mut here, get("/"), true).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    // This one is silent once its request has been sent.
    let stream = TcpStream::connect(lane.address()).await.unwrap();
    let (mut requests, mut connection) = h2::client::handshake::<_>(stream).await.unwrap();
    let (_silent, _) = requests.send_request(get("/"), true).unwrap();
    let mut its_backend = tokio::select! {
        _ = &mut connection => panic!("the connection ended"),
        backend = lane.accept() => backend,
    };
    its_backend.head().await;
    eventually("it is closed", || lane.proxy.connections() == 1).await;
    assert!(its_backend.end().await.is_ok_and(|rest| rest.is_empty()), "its request is taken back");
    eventually("it is counted", || lane.faults("client_gone") == 1).await;
    backend.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(answer(response).await.unwrap().status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_client_that_takes_back_too_much_is_told_to_calm_down() {
    let lane = Lane::start().await;
    let stream = TcpStream::connect(lane.address()).await.unwrap();
    let (mut requests, connection) = h2::client::handshake::<_>(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    for _ in 0..2000 {
        if poll_fn(|cx| requests.poll_ready(cx)).await.is_err() {
            break;
        }
        let Ok((_, mut up)) = requests.send_request(get("/"), true) else { break };
        up.send_reset(Reason::CANCEL);
        tokio::task::yield_now().await;
    }
    let error = timeout(PATIENCE, connection).await.unwrap().unwrap().unwrap_err();
    assert_eq!(error.reason(), Some(Reason::ENHANCE_YOUR_CALM));
    eventually("it is counted", || lane.faults("too_many_resets") == 1).await;
}
