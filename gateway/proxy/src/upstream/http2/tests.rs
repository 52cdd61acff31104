use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::LocalSet;
use tokio::time::{Instant, timeout};

use super::*;

const PING: u8 = 6;
const RST_STREAM: u8 = 3;
const CANCEL: [u8; 4] = [0, 0, 0, 8];

/// Reads frames up to one of this kind; its content. `None` at the end of the connection.
async fn until(server: &mut DuplexStream, kind: u8) -> Option<Vec<u8>> {
    loop {
        let mut head = [0; 9];
        server.read_exact(&mut head).await.ok()?;
        let mut content = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        server.read_exact(&mut content).await.ok()?;
        if head[3] == kind {
            return Some(content);
        }
    }
}

/// A session with one request on its way, and the backend's end of it.
async fn begin(sessions: &Sessions) -> (Lease, Begun, DuplexStream) {
    let (client, mut server) = duplex(1 << 16);
    let mut lease = sessions.establish(client, KeepAlive::default()).await.unwrap();
    server.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
    server.read_exact(&mut [0; 24]).await.unwrap();
    let begun = lease
        .begin(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", false, Piece { content: b"", last: true, trailers: None })
        .unwrap();
    (lease, begun, server)
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_does_not_answer_a_ping_is_given_up() {
    let sessions = Sessions::default();
    let test = async {
        let (_lease, _source, mut server) = begin(&sessions).await;
        let begun = Instant::now();
        // What it has said so far counts: it is asked after a whole interval of silence.
        assert!(until(&mut server, PING).await.is_some());
        assert_eq!(begun.elapsed().as_secs(), 60);
        assert!(until(&mut server, PING).await.is_none());
        assert_eq!(begun.elapsed().as_secs(), 70);
        assert!(sessions.vacancy().is_none());
    };
    LocalSet::new().run_until(test).await;
}

/// Servers of gRPC close a connection on which pings come often while nothing else does.
#[tokio::test(start_paused = true)]
async fn a_backend_that_only_keeps_silent_is_asked_ever_more_seldom() {
    let sessions = Sessions::default();
    let test = async {
        let (_lease, _source, mut server) = begin(&sessions).await;
        let mut last = Instant::now();
        let mut pauses = Vec::new();
        for _ in 0..4 {
            let asked = until(&mut server, PING).await.unwrap();
            pauses.push(last.elapsed().as_secs());
            last = Instant::now();
            server.write_all(&[&[0, 0, 8, PING, 1, 0, 0, 0, 0], &asked[..]].concat()).await.unwrap();
        }
        assert_eq!(pauses, [60, 30, 330, 330]);
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_requests_is_not_asked_and_closed_when_it_was_unused_for_long() {
    let sessions = Sessions::default();
    let test = async {
        let (lease, source, mut server) = begin(&sessions).await;
        drop((lease, source));
        assert!(timeout(Duration::from_secs(3600), until(&mut server, PING)).await.is_err());
        let (now, keep) = (Instant::now(), Duration::from_secs(60));
        // It is old by now, so that no further request gets a place on it.
        sessions.sweep(now, keep, 8);
        assert!(sessions.is_empty());
        assert!(until(&mut server, PING).await.is_none());
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test(start_paused = true)]
async fn an_unused_connection_is_kept_for_as_long_as_it_may_and_a_used_one_longer() {
    let sessions = Sessions::default();
    let test = async {
        let (lease, _source, _server) = begin(&sessions).await;
        let (now, keep) = (Instant::now(), Duration::from_secs(60));
        sessions.sweep(now, keep, 8);
        sessions.sweep(now + keep * 2, keep, 8);
        assert!(!sessions.is_empty());
        drop(lease);
        sessions.sweep(now + keep * 2, keep, 8);
        sessions.sweep(now + keep * 3 - Duration::from_secs(1), keep, 8);
        assert!(!sessions.is_empty());
        sessions.sweep(now + keep * 3, keep, 8);
        assert!(sessions.is_empty());
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test(start_paused = true)]
async fn of_too_many_connections_the_unused_are_closed() {
    let sessions = Sessions::default();
    let test = async {
        let (_used, _source, _server) = begin(&sessions).await;
        let mut servers = Vec::new();
        for _ in 0..3 {
            let (client, server) = duplex(1 << 16);
            drop(sessions.establish(client, KeepAlive::default()).await.unwrap());
            servers.push(server);
        }
        let keep = Duration::from_secs(60);
        assert_eq!(sessions.sweep(Instant::now(), keep, 2), 2);
        assert_eq!(sessions.sweep(Instant::now(), keep, 0), 1);
    };
    LocalSet::new().run_until(test).await;
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const NOTHING: Piece<'_> = Piece { content: b"", last: true, trailers: None };

#[tokio::test(start_paused = true)]
async fn a_connection_on_which_much_is_taken_back_takes_no_more_and_does_it_late() {
    let sessions = Sessions::default();
    let test = async {
        let (mut lease, begun, mut server) = begin(&sessions).await;
        let calls: Vec<Begun> = (0..20).map(|_| lease.begin(GET, false, NOTHING).unwrap()).collect();
        let since = Instant::now();
        // At the limit, one above, and the rest.
        for (at, call) in calls.into_iter().enumerate() {
            assert_eq!(sessions.vacancy().is_some(), at < 17, "{at} were taken back");
            drop(call);
        }
        for at in 0..20 {
            assert_eq!(until(&mut server, RST_STREAM).await.unwrap(), CANCEL);
            assert_eq!(since.elapsed().as_millis() >= 1000, at >= 16, "{at}");
        }
        assert!(sessions.is_empty(), "others get another connection");
        // Who was on it before is served to the end; then it is closed.
        drop(lease);
        assert!(timeout(Duration::from_secs(10), until(&mut server, RST_STREAM)).await.is_err());
        drop(begun);
        assert!(until(&mut server, RST_STREAM).await.is_some());
        assert!(until(&mut server, RST_STREAM).await.is_none());
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_taken_back_now_and_then_leave_a_connection_as_it_is() {
    let sessions = Sessions::default();
    let test = async {
        let (mut lease, _begun, mut server) = begin(&sessions).await;
        for _ in 0..100 {
            drop(lease.begin(GET, false, NOTHING).unwrap());
            assert_eq!(until(&mut server, RST_STREAM).await.unwrap(), CANCEL);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        assert!(sessions.vacancy().is_some());
    };
    LocalSet::new().run_until(test).await;
}
