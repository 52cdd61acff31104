//! The client against hyper's server, and the codec against the examples of RFC 7541 appendix C.

use std::convert::Infallible;
use std::net::SocketAddr;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

use super::frame::{self, Frame, PREFACE, error, flag, kind, setting};
use super::hpack::{self, Decoder};
use super::{Client, Outcome, opening};

/// The examples with Huffman code and a table of 256 bytes (RFC 7541 section C.6).
#[test]
fn field_blocks_are_read_with_tables_and_code() {
    let mut decoder = Decoder::new(256);
    let first =
        "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3";
    let second = "4883640effc1c0bf";
    let third = "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007";
    let date = |second: &str| ("date".to_owned(), format!("Mon, 21 Oct 2013 20:13:{second} GMT"));
    let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let common = [own("cache-control", "private"), date("21"), own("location", "https://www.example.com")];
    let mut read = |text: &str| {
        let bytes: Vec<u8> = text
            .as_bytes()
            .chunks(2)
            .map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap())
            .collect();
        decoder.decode(&bytes).unwrap()
    };
    assert_eq!(read(first), [&[own(":status", "302")], &common[..]].concat());
    assert_eq!(read(second), [&[own(":status", "307")], &common[..]].concat());
    let cookie = own("set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1");
    let third_fields = [
        own(":status", "200"),
        common[0].clone(),
        date("22"),
        common[2].clone(),
        own("content-encoding", "gzip"),
        cookie,
    ];
    assert_eq!(read(third), third_fields);
}

#[test]
fn literals_are_read_as_written() {
    let long = "x".repeat(5000);
    let fields = [(":path", "/a"), ("x-long", &long), ("", "")];
    let read = Decoder::new(0).decode(&hpack::encode(&fields)).unwrap();
    assert_eq!(read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>(), fields);
    let mut remembering = Decoder::new(4096);
    let block = [hpack::remembered("x", "y"), vec![hpack::LATEST; 3]].concat();
    assert_eq!(remembering.decode(&block).unwrap(), vec![("x".to_owned(), "y".to_owned()); 4]);
}

#[test]
fn a_long_block_is_continued() {
    let bytes = frame::continued(3, true, &[7; 25], 10);
    let mut rest = &bytes[..];
    let mut seen = Vec::new();
    while let Some((frame, length)) = Frame::cut(rest) {
        rest = &rest[length..];
        seen.push((frame.kind, frame.flags, frame.payload.len()));
    }
    let expected = [
        (kind::HEADERS, flag::END_STREAM, 10),
        (kind::CONTINUATION, 0, 10),
        (kind::CONTINUATION, flag::END_HEADERS, 5),
    ];
    assert_eq!((seen, rest.len()), (expected.to_vec(), 0));
}

/// A server whose answer is method, target and content of the request.
async fn reference() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service_fn(echo)));
        }
    });
    address
}

async fn echo(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let content = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let text = format!("{} {} {}", head.method, head.uri.path(), content.len());
    Ok(Response::builder().header("x-peer", "reference").body(Full::from(text)).unwrap())
}

const HEAD: [(&str, &str); 4] = [(":method", "POST"), (":scheme", "http"), (":authority", "a.test"), (":path", "/up")];

#[tokio::test]
async fn requests_are_answered_in_any_order() {
    let mut client = Client::open(reference().await).await.unwrap();
    let (slow, quick) = (client.next_stream(), client.next_stream());
    client.write(frame::headers(slow, false, &HEAD)).await.unwrap();
    client.write(frame::headers(quick, true, &HEAD)).await.unwrap();
    let answer = |outcome| match outcome {
        Outcome::Answered(response) => response.answer,
        other => panic!("{other:?}"),
    };
    let answered = answer(client.outcome(quick).await.unwrap());
    assert_eq!(
        (answered.status, answered.text(), answered.header("x-peer")),
        (200, "POST /up 0".to_owned(), Some("reference"))
    );
    client.write(frame::data(slow, false, "ab")).await.unwrap();
    client.write(frame::data(slow, true, "c")).await.unwrap();
    assert_eq!(answer(client.outcome(slow).await.unwrap()).text(), "POST /up 3");
    // Continued field blocks, and the next stream by itself.
    let block = hpack::encode(&HEAD);
    let third = client.next_stream();
    client.write(frame::continued(third, true, &block, 20)).await.unwrap();
    assert_eq!(client.outcome(third).await.unwrap().status(), 200);
    assert_eq!(client.get("a.test", "/").await.unwrap().status(), 200);
    assert!(client.setting(setting::MAX_CONCURRENT_STREAMS).is_some() && client.acks() == 1);
}

#[tokio::test]
async fn a_stream_and_a_connection_that_fail_are_told_apart() {
    let address = reference().await;
    let mut client = Client::open(address).await.unwrap();
    let te = [&HEAD[..], &[("te", "gzip")]].concat();
    assert_eq!(client.request(&te).await.unwrap(), Outcome::Reset(error::PROTOCOL_ERROR));
    assert_eq!(client.get("a.test", "/").await.unwrap().status(), 200);
    // DATA on a stream that was never opened.
    client.write(frame::data(99, true, "x")).await.unwrap();
    assert_eq!(client.end().await.unwrap().goaway.map(|(_, code)| code), Some(error::PROTOCOL_ERROR));
    let mut client = Client::open_with(address, &[(setting::ENABLE_PUSH, 7)], 0).await.unwrap();
    assert!(matches!(client.get("a.test", "/").await.unwrap(), Outcome::Ended(end) if end.goaway.is_some()));
}

#[test]
fn an_opening_begins_with_the_preface() {
    assert_eq!(opening(&[], 0), [PREFACE, &[0, 0, 0, 4, 0, 0, 0, 0, 0]].concat());
}
