//! Streams beside each other: what happens to one happens to it alone, and what a client takes back is taken back from the backend.

use bulkhead_tests::http2::frame::{self, data, error, goaway, headers, reset, setting, window};
use bulkhead_tests::http2::{Client, Outcome};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::{HOST, lane_before};
use crate::support::PATIENCE;
use crate::support::backend::{Backend, Reply, Then};
use crate::support::manifest::document;

fn get(path: &str) -> [(&str, &str); 4] {
    [(":method", "GET"), (":scheme", "http"), (":authority", HOST), (":path", path)]
}

const POST: [(&str, &str); 4] = [(":method", "POST"), (":scheme", "http"), (":authority", HOST), (":path", "/up")];

/// The next connection to the backend, and what comes on it up to and with `end`.
pub(super) async fn accept(listener: &TcpListener, end: &[u8]) -> TcpStream {
    let accepted = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(end) {
            assert!(stream.read_buf(&mut seen).await.unwrap() > 0, "{}", seen.escape_ascii());
        }
        stream
    };
    timeout(PATIENCE, accepted).await.unwrap()
}

/// The gateway gives this connection up.
async fn given_up(mut stream: TcpStream) {
    let mut seen = Vec::new();
    let end = async { while stream.read_buf(&mut seen).await.unwrap_or(0) > 0 {} };
    timeout(PATIENCE, end).await.expect("the gateway still waits for the backend");
}

#[tokio::test]
async fn a_request_that_is_taken_back_is_taken_back_from_the_backend() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let lane = lane_before(&document(), listener.local_addr().unwrap().port()).await;
    let mut client = Client::open(lane.http).await.unwrap();
    // Before an answer, while it comes, and while content is still sent.
    let waiting = client.next_stream();
    client.write(headers(waiting, true, &get("/"))).await.unwrap();
    let backend = accept(&listener, b"\r\n\r\n").await;
    client.write(reset(waiting, error::CANCEL)).await.unwrap();
    given_up(backend).await;
    let answered = client.next_stream();
    client.write(headers(answered, true, &get("/"))).await.unwrap();
    let mut backend = accept(&listener, b"\r\n\r\n").await;
    backend.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart").await.unwrap();
    client.until("a part", |client| client.content_of(answered) == 4).await.unwrap();
    client.write(reset(answered, error::CANCEL)).await.unwrap();
    given_up(backend).await;
    let sending = client.next_stream();
    client.write(headers(sending, false, &POST)).await.unwrap();
    client.write(data(sending, false, "hi")).await.unwrap();
    let backend = accept(&listener, b"2\r\nhi\r\n").await;
    client.write(reset(sending, error::CANCEL)).await.unwrap();
    given_up(backend).await;
    // The connection serves on, and one that goes away takes all of its requests with it.
    let last = [client.next_stream(), client.next_stream()];
    for stream in last {
        client.write(headers(stream, true, &get("/"))).await.unwrap();
    }
    let backends = [accept(&listener, b"\r\n\r\n").await, accept(&listener, b"\r\n\r\n").await];
    drop(client);
    for backend in backends {
        given_up(backend).await;
    }
}

#[tokio::test]
async fn a_hundred_requests_at_once_get_their_own_answers() {
    let backend = Backend::echo().await;
    let lane = lane_before(&document(), backend.port()).await;
    let mut client = Client::open(lane.http).await.unwrap();
    let streams: Vec<(u32, String)> = (0..100).map(|n| (client.next_stream(), format!("/{n}"))).collect();
    let asked: Vec<u8> = streams.iter().flat_map(|(stream, path)| headers(*stream, true, &get(path))).collect();
    client.write(asked).await.unwrap();
    for (stream, path) in streams.iter().rev() {
        let Outcome::Answered(response) = client.outcome(*stream).await.unwrap() else { panic!("{path}") };
        assert_eq!((response.answer.status, response.answer.text()), (200, format!("GET {path}")));
    }
    assert_eq!(backend.saw().await.requests.len(), 100);
}

#[tokio::test]
async fn content_waits_for_the_window_of_its_stream_and_of_its_connection() {
    let large = Backend::start(|_| Reply::ok(&"x".repeat(200_000))).await;
    let lane = lane_before(&document(), large.port()).await;
    let mut client = Client::open_with(lane.http, &[(setting::INITIAL_WINDOW_SIZE, 1000)], 0).await.unwrap();
    let (first, second) = (client.next_stream(), client.next_stream());
    client.write(headers(first, true, &get("/"))).await.unwrap();
    client.until("a full window", |client| client.content_of(first) == 1000).await.unwrap();
    client.write(window(first, 300_000)).await.unwrap();
    // The window of the connection, 65,535 bytes, is next.
    client.until("a full window", |client| client.content_of(first) == 65_535).await.unwrap();
    client.write(headers(second, true, &get("/"))).await.unwrap();
    client.until("a head, which needs no window", |client| client.begun(second)).await.unwrap();
    assert_eq!(client.content_of(second), 0);
    client.write(window(0, 500_000)).await.unwrap();
    let Outcome::Answered(response) = client.outcome(first).await.unwrap() else { panic!("no answer") };
    assert_eq!(response.answer.content.len(), 200_000);
    client.write(window(second, 500_000)).await.unwrap();
    assert_eq!(client.outcome(second).await.unwrap().status(), 200);
}

/// What is cut off must not look complete.
#[tokio::test]
async fn a_response_that_breaks_off_is_reset() {
    let cases: [(&str, Then); 2] = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", Then::Close),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", Then::Close),
    ];
    for (bytes, then) in cases {
        let broken = Backend::start(move |_| Reply { bytes: bytes.into(), then }).await;
        let lane = lane_before(&document(), broken.port()).await;
        let mut client = Client::open(lane.http).await.unwrap();
        let outcome = client.get(HOST, "/").await.unwrap();
        assert_eq!(outcome, Outcome::Reset(error::INTERNAL_ERROR), "{bytes:?}");
        assert!(client.goaway().is_none());
    }
}

/// RFC 9113 section 8.1: whoever has answered may say that it needs no more.
#[tokio::test]
async fn an_answer_before_the_content_is_complete_ends_the_upload() {
    let backend = Backend::echo().await;
    let lane = lane_before(&document(), backend.port()).await;
    let mut client = Client::open(lane.http).await.unwrap();
    let stream = client.next_stream();
    let nowhere = [&POST[..2], &[(":authority", "nowhere.test"), (":path", "/")]].concat();
    client.write(headers(stream, false, &nowhere)).await.unwrap();
    client.write(data(stream, false, "part")).await.unwrap();
    assert_eq!(client.outcome(stream).await.unwrap().status(), 404);
    client.until("a reset", |client| client.resets() == 1).await.unwrap();
    assert_eq!(client.outcome(stream).await.unwrap(), Outcome::Reset(error::NO_ERROR));
    assert_eq!(client.get(HOST, "/after").await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_client_that_says_goodbye_gets_what_it_asked_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let lane = lane_before(&document(), listener.local_addr().unwrap().port()).await;
    let mut client = Client::open(lane.http).await.unwrap();
    let stream = client.next_stream();
    client.write(headers(stream, true, &get("/"))).await.unwrap();
    let mut backend = accept(&listener, b"\r\n\r\n").await;
    client.write(goaway(0, error::NO_ERROR)).await.unwrap();
    backend.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
    assert_eq!(client.outcome(stream).await.unwrap().status(), 200);
    client.end().await.unwrap();
}

#[tokio::test]
async fn statuses_without_content_have_none() {
    for (head, status) in [("204 No Content", 204), ("304 Not Modified", 304), ("200 OK\r\nContent-Length: 0", 200)] {
        let backend = Backend::start(move |_| Reply::keep(format!("HTTP/1.1 {head}\r\nX: y\r\n\r\n"))).await;
        let lane = lane_before(&document(), backend.port()).await;
        let mut client = Client::open(lane.http).await.unwrap();
        let Outcome::Answered(response) = client.get(HOST, "/").await.unwrap() else { panic!("{head}") };
        assert_eq!(
            (response.answer.status, response.answer.header("x"), response.answer.content.len()),
            (status, Some("y"), 0)
        );
    }
    let backend = Backend::echo().await;
    let lane = lane_before(&document(), backend.port()).await;
    let mut client = Client::open(lane.http).await.unwrap();
    let head = [&[(":method", "HEAD")], &get("/")[1..]].concat();
    let Outcome::Answered(response) = client.request(&head).await.unwrap() else { panic!("HEAD") };
    assert_eq!((response.answer.header("content-length"), response.answer.content.len()), (Some("7"), 0));
}

/// RFC 9113 section 8.2.2: what a backend says of its connection is not passed on, and every name is in lower case.
#[tokio::test]
async fn a_response_is_one_of_http2() {
    let backend = Backend::start(|_| {
        Reply::keep("HTTP/1.1 200 Fine\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\nUpgrade: h2c\r\nX-Name: Value\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
    })
    .await;
    let lane = lane_before(&document(), backend.port()).await;
    let mut client = Client::open(lane.http).await.unwrap();
    let Outcome::Answered(response) = client.get(HOST, "/").await.unwrap() else { panic!("no answer") };
    let mut names: Vec<(&str, &str)> = response
        .answer
        .headers
        .iter()
        .map(|(name, value)| (&name[..], &value[..]))
        .filter(|(name, _)| *name != "date")
        .collect();
    names.sort_unstable();
    assert_eq!(names, [("set-cookie", "a=1"), ("set-cookie", "b=2"), ("x-name", "Value")]);
    assert_eq!(response.answer.text(), "ok");
}

#[tokio::test]
async fn interim_responses_are_passed_on_or_left_out_but_never_final() {
    let backend = Backend::start(|_| Reply::keep("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")).await;
    let lane = lane_before(&document(), backend.port()).await;
    let mut client = Client::open(lane.http).await.unwrap();
    let Outcome::Answered(response) = client.get(HOST, "/").await.unwrap() else { panic!("no answer") };
    assert_eq!((response.answer.status, response.answer.text()), (200, "ok".to_owned()));
    assert!(response.interim.iter().all(|status| *status == 103), "{:?}", response.interim);
}

/// The first stream may have any odd number, and none is used twice (RFC 9113 section 5.1.1).
#[tokio::test]
async fn numbers_of_streams_only_grow() {
    let backend = Backend::echo().await;
    let lane = lane_before(&document(), backend.port()).await;
    for (first, second) in [(7, 5), (7, 7), (3, 4)] {
        let mut client = Client::open(lane.http).await.unwrap();
        client.write(headers(first, true, &get("/"))).await.unwrap();
        assert_eq!(client.outcome(first).await.unwrap().status(), 200);
        client.write(headers(second, true, &get("/"))).await.unwrap();
        let code = client.end().await.unwrap().goaway.map(|(_, code)| code);
        assert!(matches!(code, Some(error::PROTOCOL_ERROR | error::STREAM_CLOSED)), "{second} after {first}: {code:?}");
    }
    // Half of a preface, or another one.
    for bytes in [&b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"[..], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\0\0\0\0\0\0"] {
        let mut client = Client::over(TcpStream::connect(lane.http).await.unwrap());
        client.write(bytes).await.unwrap();
        client.write(frame::settings(&[])).await.ok();
        let _ = client.end().await;
        assert!(client.is_closed(), "{bytes:?}");
    }
}
