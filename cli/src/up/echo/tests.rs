use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::*;

async fn backend() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, Identity { service: "pier".to_owned(), namespace: "port".to_owned() }));
    address
}

/// The head and the content of the answer to a request.
async fn ask(request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(backend().await).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, content) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_ascii_lowercase(), content.to_owned())
}

#[tokio::test]
async fn a_request_is_answered_with_what_was_seen_of_it() {
    let request = "POST /load?crane=2 HTTP/1.1\r\nHost: quay.example\r\nX-Tag: a\r\nX-Tag: b\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc";
    let (head, content) = ask(request).await;
    assert!(head.starts_with("http/1.1 200 ") && head.contains("content-type: application/json"), "{head}");
    let echo: Value = serde_json::from_str(&content).unwrap();
    let seen = |name: &str| echo[name].as_str().unwrap().to_owned();
    assert_eq!((seen("service"), seen("namespace")), ("pier".to_owned(), "port".to_owned()));
    assert_eq!((seen("method"), seen("path")), ("POST".to_owned(), "/load?crane=2".to_owned()));
    assert_eq!(seen("host"), "quay.example");
    assert_eq!(echo["headers"]["x-tag"], "a, b");
    assert_eq!(echo["contentBytes"], 3);
}

#[test]
fn a_path_asks_for_a_status() {
    let cases = [
        ("/status/503", 503),
        ("/shop/status/204", 204),
        ("/status/100", 200),
        ("/status/99999", 200),
        ("/status/", 200),
        ("/status/503/more", 200),
        ("/", 200),
    ];
    for (path, expected) in cases {
        assert_eq!(status(path).as_u16(), expected, "{path}");
    }
}

#[tokio::test]
async fn a_download_has_as_many_bytes_as_asked_for() {
    let (head, content) =
        ask("GET /files/download?bytes=200000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(head.contains("content-length: 200000"), "{head}");
    assert_eq!(content.len(), 200_000);
}

#[tokio::test]
async fn a_download_is_as_slow_as_asked_for() {
    let begin = Instant::now();
    let (_, content) =
        ask("GET /download?bytes=3000&rate=10000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert_eq!(content.len(), 3000);
    assert!(begin.elapsed() >= Duration::from_millis(300), "{:?}", begin.elapsed());
}
