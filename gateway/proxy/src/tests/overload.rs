//! What a proxy does on each level of overload, and with clients that are slow on purpose.

use std::time::Duration;

use bulkhead_model::Settings;
use bulkhead_model::overload::Level;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, sleep, timeout};

use super::support::{Lane, Peer, eventually};

const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Asks on a connection and answers from the backend; the head that the client gets.
async fn exchange(client: &mut Peer, backend: &mut Peer) -> String {
    client.send(GET).await;
    backend.head().await;
    backend.send(OK).await;
    client.until("ok").await
}

#[tokio::test]
async fn the_ladder_is_climbed_and_left_without_breaking_a_request() {
    let lane = Lane::start().await;
    let mut client = lane.client().await;
    client.send(GET).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    // A request in flight is finished, whatever happens meanwhile.
    lane.proxy.press(Level::StopAccepting);
    sleep(Duration::from_millis(20)).await;
    backend.send(OK).await;
    assert!(client.until("ok").await.contains("Connection: close\r\n"));
    assert_eq!(client.end().await.unwrap(), "");

    // Whoever comes now waits in the kernel, and is served when there is room again.
    let mut early = lane.client().await;
    early.send(GET).await;
    let accepted = lane.proxy.tally().accepted;
    assert!(timeout(Duration::from_millis(100), early.head()).await.is_err());
    assert_eq!(lane.proxy.tally().accepted, accepted);

    lane.proxy.press(Level::Refuse);
    let refusal = early.until("shortly\n").await;
    assert!(refusal.starts_with("HTTP/1.1 503 ") && refusal.contains("Retry-After: 2\r\n"), "{refusal}");
    assert!(refusal.contains("Connection: close\r\n"), "{refusal}");
    assert_eq!((early.end().await.unwrap(), lane.faults("overloaded")), (String::new(), 1));

    lane.proxy.press(Level::NoKeepAlive);
    let mut client = lane.client().await;
    sleep(Duration::from_millis(20)).await;
    assert!(exchange(&mut client, &mut backend).await.contains("Connection: close\r\n"));
    assert_eq!(client.end().await.unwrap(), "");

    for level in [Level::ShrinkIdle, Level::Normal] {
        lane.proxy.press(level);
        sleep(Duration::from_millis(20)).await;
        let mut client = lane.client().await;
        for _ in 0..2 {
            assert!(!exchange(&mut client, &mut backend).await.contains("Connection"), "{level:?}");
        }
    }
    assert_eq!(lane.faults("overloaded"), 1);
}

#[tokio::test]
async fn connections_without_a_request_are_closed_once_it_matters() {
    let lane = Lane::start().await;
    let (mut fresh, mut used) = (lane.client().await, lane.client().await);
    used.send(GET).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    backend.send(OK).await;
    used.until("ok").await;
    let since = Instant::now();
    lane.proxy.press(Level::NoKeepAlive);
    for client in [&mut fresh, &mut used] {
        assert_eq!(client.end().await.unwrap(), "");
    }
    assert!(since.elapsed() >= Duration::from_secs(1) && since.elapsed() < Duration::from_secs(8));
    eventually("both are gone", || lane.proxy.connections() == 0).await;
    assert_eq!(lane.proxy.tally().idle_closed, 2);
    // What was kept to the backend is given back as well.
    assert_eq!(backend.end().await.unwrap(), "");
}

#[tokio::test]
async fn what_is_in_flight_is_counted_however_it_ends() {
    let lane = Lane::start().await;
    let in_flight = || lane.proxy.tally().in_flight;
    let (mut whole, mut half) = (lane.client().await, lane.client().await);
    whole.send(GET).await;
    half.send("GET / HT").await;
    let mut backend = lane.accept().await;
    eventually("two in flight", || in_flight() == 2).await;
    let held = lane.proxy.held();
    assert!(held > 2 * (184 << 10), "{held}");
    drop(half);
    backend.head().await;
    backend.send(OK).await;
    whole.until("ok").await;
    eventually("none in flight", || in_flight() == 0).await;
    let (mut gone, _) = (lane.client().await, drop(backend));
    gone.send(GET).await;
    lane.accept().await.head().await;
    drop(gone);
    eventually("none in flight", || in_flight() == 0).await;
}

fn settings(change: impl FnOnce(&mut Settings)) -> Settings {
    let mut settings = Settings::default();
    change(&mut settings);
    settings
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed_sooner_than_one_that_has_asked() {
    let lane = Lane::with(settings(|settings| settings.limits.first_byte = Duration::from_millis(200))).await;
    let (mut silent, mut client) = (lane.client().await, lane.client().await);
    client.send(GET).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    backend.send(OK).await;
    client.until("ok").await;
    let since = Instant::now();
    assert_eq!(silent.end().await.unwrap(), "");
    assert_eq!(lane.proxy.tally().idle_closed, 1);
    sleep(Duration::from_millis(300).saturating_sub(since.elapsed())).await;
    assert!(exchange(&mut client, &mut backend).await.starts_with("HTTP/1.1 200 "));
}

/// Starts a chunked request and sends a byte of it every 50 ms until the client is told something, or a second has passed.
async fn drip(lane: &Lane, client: &mut Peer) -> Option<String> {
    client.send("POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    let mut backend = lane.accept().await;
    backend.head().await;
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(1) {
        client.send("1\r\nx\r\n").await;
        if let Ok(head) = timeout(Duration::from_millis(50), client.head()).await {
            return Some(head);
        }
    }
    client.send("0\r\n\r\n").await;
    backend.until("0\r\n\r\n").await;
    backend.send(OK).await;
    client.until("ok").await;
    None
}

#[tokio::test]
async fn content_that_only_trickles_in_is_refused_before_it_is_complete() {
    let slow = |rate| {
        settings(|settings| {
            settings.limits.content_idle = Duration::from_millis(300);
            settings.limits.content_rate = rate;
        })
    };
    let lane = Lane::with(slow(240)).await;
    let told = drip(&lane, &mut lane.client().await).await.expect("an answer");
    assert!(told.starts_with("HTTP/1.1 408 ") && told.contains("Connection: close\r\n"), "{told}");
    assert_eq!(lane.faults("content_too_slow"), 1);
    // Twenty bytes a second are enough for this one, and anything is for the other.
    for rate in [10, 0] {
        let lane = Lane::with(slow(rate)).await;
        assert_eq!(drip(&lane, &mut lane.client().await).await, None, "{rate} B/s");
        assert_eq!(lane.faults("content_too_slow"), 0);
    }
}

#[tokio::test]
async fn a_client_that_is_answered_already_may_take_its_time() {
    let lane = Lane::with(settings(|settings| settings.limits.content_idle = Duration::from_millis(300))).await;
    let mut client = lane.client().await;
    client.send("POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    let mut backend = lane.accept().await;
    backend.head().await;
    backend.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    client.head().await;
    for _ in 0..12 {
        sleep(Duration::from_millis(50)).await;
        client.send("1\r\nx\r\n").await;
    }
    client.send("0\r\n\r\n").await;
    backend.until("0\r\n\r\n").await;
    backend.send("0\r\n\r\n").await;
    assert_eq!(client.until("0\r\n\r\n").await, "0\r\n\r\n");
}

#[tokio::test]
async fn an_overloaded_proxy_breaks_off_responses_that_nobody_takes() {
    let lane = Lane::start().await;
    let mut client = lane.client().await;
    client.send(GET).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    backend.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n").await;
    // More than the kernel takes on a connection that is not read.
    let feeding = tokio::spawn(async move {
        let piece = vec![b'x'; 1 << 20];
        for _ in 0..100 {
            if backend.stream.write_all(&piece).await.is_err() {
                return;
            }
        }
    });
    client.head().await;
    let begun = Instant::now();
    lane.proxy.press(Level::Refuse);
    eventually("it is broken off", || lane.faults("response_stalled") == 1).await;
    // Long before it would be in peace.
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    feeding.await.unwrap();
}
