//! Backends of HTTP/2 that send frames which nobody asked for.

use super::http2::lane;
use super::raw::{DATA, HEADERS, RST_STREAM, Raw};

const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const PUSH_PROMISE: u8 = 5;
const END_HEADERS: u8 = 4;
const END: u8 = 5;
/// `:status: 200`, in the static table of RFC 7541.
const OK: &[u8] = &[0x88];

/// A poisoned pool with streams in place of bytes, as in Traefik CVE-2026-71324: the answer to a request that has not been sent yet must not
/// be there when another client's request takes the number of that stream.
#[tokio::test]
async fn an_answer_that_is_there_before_its_request_is_nobodys() {
    for (case, kind, flags, stream, payload) in [
        ("the next stream", HEADERS, END, 3, OK),
        ("a stream of the backend's own", HEADERS, END, 2, OK),
        ("a push", PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2, 0x82, 0x84, 0x86]),
        ("content of the next stream", DATA, 1, 3, b"poison"),
        ("content of no stream", DATA, 1, 0, b"poison"),
    ] {
        let lane = lane().await;
        let (mut first, mut next) = (lane.client().await, lane.client().await);
        first.send(GET).await;
        let mut hostile = Raw::new(lane.accept().await.stream, &[]).await;
        assert_eq!(hostile.until(HEADERS).await, 1);
        hostile.send(kind, flags, stream, payload).await;
        let answer = first.head().await;
        assert!(answer.starts_with("HTTP/1.1 502 "), "{case}: {answer}");
        next.send(GET).await;
        let mut fresh = Raw::new(lane.accept().await.stream, &[]).await;
        assert_eq!(fresh.until(HEADERS).await, 1, "{case}");
        fresh.answer(1).await;
        assert!(next.head().await.starts_with("HTTP/1.1 204 "), "{case}");
    }
}

/// As in Envoy in August 2026, which such trailers ended.
#[tokio::test]
async fn trailers_that_do_not_end_their_stream_break_one_response() {
    let lane = lane().await;
    let (mut first, mut next) = (lane.client().await, lane.client().await);
    first.send(GET).await;
    let mut hostile = Raw::new(lane.accept().await.stream, &[]).await;
    assert_eq!(hostile.until(HEADERS).await, 1);
    hostile.send(HEADERS, END_HEADERS, 1, OK).await;
    hostile.send(DATA, 0, 1, b"half").await;
    first.until("4\r\nhalf\r\n").await;
    hostile.send(HEADERS, END_HEADERS, 1, &[0, 1, b'x', 1, b'1']).await;
    assert!(first.end().await.is_err(), "what breaks off does not look complete");
    assert_eq!(hostile.until(RST_STREAM).await, 1);
    next.send(GET).await;
    assert_eq!(hostile.until(HEADERS).await, 3);
    hostile.answer(3).await;
    assert!(next.head().await.starts_with("HTTP/1.1 204 "));
}
