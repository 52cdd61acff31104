//! Calls of gRPC, from a client of HTTP/2 to a backend of HTTP/2.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_model::backend::Protocol;
use bulkhead_model::{Endpoints, Settings};
use bytes::Bytes;
use h2::Reason;
use http::{HeaderMap, HeaderValue, Request, Response};

use super::http2::{Backend, lane, send};
use crate::tests::http2::{answer, connect, content, send as call};
use crate::tests::support::{Lane, eventually};

fn request(path: &str) -> Request<()> {
    let request = Request::post(format!("http://a.test{path}")).header("te", "trailers");
    request.header("content-type", "application/grpc+proto").body(()).unwrap()
}

fn response() -> Response<()> {
    Response::builder().header("content-type", "application/grpc+proto").body(()).unwrap()
}

fn trailers(status: &'static str) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(status));
    trailers.insert("cargo", HeaderValue::from_static("flour"));
    trailers
}

#[tokio::test]
async fn both_sides_of_a_call_speak_when_they_like_and_it_ends_with_its_status() {
    let lane = lane().await;
    let mut client = connect(&lane).await;
    let (response_to_come, mut to_backend) = call(&mut client, request("/mill/Grind"), false).await;
    let mut backend = Backend::accept(&lane).await;
    let (request, mut respond) = backend.call().await;
    assert_eq!(request.headers()["te"], "trailers");
    let mut from_client = request.into_body();
    // The backend speaks first.
    let mut to_client = respond.send_response(response(), false).unwrap();
    let mut from_backend = backend.during(answer(response_to_come)).await.unwrap().into_body();
    for word in ["one", "two", "three"] {
        to_backend.send_data(Bytes::from_static(word.as_bytes()), false).unwrap();
        assert_eq!(backend.during(from_client.data()).await.unwrap().unwrap(), word);
        backend.during(send(&mut to_client, Bytes::from_static(word.as_bytes()), false)).await;
        assert_eq!(backend.during(from_backend.data()).await.unwrap().unwrap(), word);
    }
    to_backend.send_data(Bytes::new(), true).unwrap();
    assert_eq!(backend.during(content(from_client)).await.unwrap(), (String::new(), HeaderMap::new()));
    to_client.send_trailers(trailers("0")).unwrap();
    let (rest, ended) = backend.during(content(from_backend)).await.unwrap();
    assert_eq!((rest.as_str(), ended), ("", trailers("0")));
}

#[tokio::test]
async fn a_call_that_fails_at_once_has_its_status_in_the_head() {
    let lane = lane().await;
    let mut client = connect(&lane).await;
    let (response_to_come, _) = call(&mut client, request("/mill/Grind"), true).await;
    let mut backend = Backend::accept(&lane).await;
    let mut response = response();
    response.headers_mut().extend(trailers("5"));
    backend.call().await.1.send_response(response, true).unwrap();
    let response = backend.during(answer(response_to_come)).await.unwrap();
    assert_eq!(
        (&response.headers()["grpc-status"], &response.headers()["cargo"]),
        (&"5".parse().unwrap(), &"flour".parse().unwrap())
    );
    assert!(response.body().is_end_stream());
}

#[tokio::test]
async fn a_call_that_cannot_be_served_is_told_so_in_its_own_words() {
    let lane = lane().await;
    lane.backend.publish(Arc::new(Endpoints::default()));
    let mut client = connect(&lane).await;
    let (response, _) = call(&mut client, request("/mill/Grind"), true).await;
    let response = answer(response).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/grpc");
    assert_eq!(response.headers()["grpc-status"], "14");
    assert_eq!(response.headers()["grpc-message"], "the route's service has no ready endpoint");
    assert!(response.body().is_end_stream());
    // Who does not call is told as everybody is.
    let (response, _) = call(&mut client, Request::get("http://a.test/").body(()).unwrap(), true).await;
    assert_eq!(answer(response).await.unwrap().status(), 503);
}

#[tokio::test]
async fn a_call_that_took_too_long_is_told_so_and_one_that_reached_nobody_that() {
    let mut settings = Settings::default();
    settings.upstream.read = Duration::from_millis(50);
    let lane = Lane::to(settings, Protocol::Http2, None).await;
    let mut client = connect(&lane).await;
    let (response, _) = call(&mut client, request("/mill/Grind"), true).await;
    let mut backend = Backend::accept(&lane).await;
    let unanswered = backend.call().await;
    let response = backend.during(answer(response)).await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["grpc-status"]), (200, &HeaderValue::from_static("4")));
    assert_eq!(lane.faults("upstream_timeout"), 1);
    drop((unanswered, backend));
    let address = lane.backend.endpoints().list[0].address;
    drop(lane.listener);
    eventually("nobody listens", || std::net::TcpStream::connect(address).is_err()).await;
    let (response, _) = call(&mut client, request("/mill/Grind"), true).await;
    assert_eq!(answer(response).await.unwrap().headers()["grpc-status"], "14");
}

#[tokio::test]
async fn a_call_that_is_taken_back_is_taken_back_from_the_backend() {
    let lane = lane().await;
    let mut client = connect(&lane).await;
    let (response, mut to_backend) = call(&mut client, request("/mill/Grind"), false).await;
    let mut backend = Backend::accept(&lane).await;
    let (request, mut respond) = backend.call().await;
    to_backend.send_reset(Reason::CANCEL);
    drop(response);
    let reset = std::future::poll_fn(|cx| respond.poll_reset(cx));
    assert_eq!(backend.during(reset).await.unwrap(), Reason::CANCEL);
    drop(request);
    eventually("it is counted", || lane.faults("client_gone") == 1).await;
}

#[tokio::test]
async fn a_caller_in_a_hurry_does_not_make_a_backend_look_broken() {
    let lane = lane().await;
    let mut client = connect(&lane).await;
    let mut backend = None;
    for _ in 0..2 * bulkhead_model::health::FAILURES {
        let mut request = request("/mill/Grind");
        request.headers_mut().insert("grpc-timeout", HeaderValue::from_static("5m"));
        let (response, _) = call(&mut client, request, true).await;
        if backend.is_none() {
            backend = Some(Backend::accept(&lane).await);
        }
        let backend = backend.as_mut().unwrap();
        let _unanswered = backend.call().await;
        let response = backend.during(answer(response)).await.unwrap();
        let (status, message) = (&response.headers()["grpc-status"], &response.headers()["grpc-message"]);
        assert_eq!(
            (status.as_bytes(), message.as_bytes()),
            (&b"4"[..], &b"the call took longer than its caller gave it"[..])
        );
    }
    assert!(lane.backend.endpoints().list[0].health.is_spotless());
}

#[tokio::test]
async fn a_request_ends_although_its_backend_has_no_window_left() {
    let lane = lane().await;
    let mut client = lane.client().await;
    client.send("POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    let mut backend = Backend::with(&lane, h2::server::Builder::new().initial_window_size(5)).await;
    let (request, _respond) = backend.call().await;
    client.send("5\r\nhello\r\n").await;
    let mut body = request.into_body();
    // It takes the five bytes, makes no room for more, and waits for the end.
    assert_eq!(backend.during(body.data()).await.unwrap().unwrap(), "hello");
    client.send("0\r\n\r\n").await;
    assert_eq!(backend.during(content(body)).await.unwrap().0, "");
}

#[tokio::test]
async fn ten_thousand_small_messages_cross_between_clients_and_backends_of_http2() {
    const MESSAGES: usize = 10_000;
    const BYTES: usize = 600;
    let lane = lane().await;
    let mut client = connect(&lane).await;
    let (response_to_come, _) = call(&mut client, request("/mill/Watch"), true).await;
    let mut backend = Backend::accept(&lane).await;
    let (_, mut respond) = backend.call().await;
    let mut to_client = respond.send_response(response(), false).unwrap();
    let from_backend = backend.during(answer(response_to_come)).await.unwrap().into_body();
    let talk = async {
        for _ in 0..MESSAGES {
            send(&mut to_client, Bytes::from(vec![b'7'; BYTES]), false).await;
        }
        to_client.send_trailers(trailers("0")).unwrap();
    };
    let both = async { tokio::join!(content(from_backend), talk).0 };
    let (all, ended) = backend.during(both).await.unwrap();
    assert_eq!((all.len(), ended), (MESSAGES * BYTES, trailers("0")));
}
