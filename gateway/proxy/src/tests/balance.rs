//! Who is asked: failing endpoints, full ones, and those that a client belongs to.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_model::backend::Protocol;
use bulkhead_model::balance::{Affinity, HashBy, Method, Mode, Sticky};
use bulkhead_model::{Backend, Endpoint, Endpoints, Settings, Template};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use super::support::{Lane, Peer, eventually};

const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

/// What a backend does with each connection.
#[derive(Clone, Copy, PartialEq)]
enum Habit {
    /// Answers every request with its port.
    Answers,
    /// Answers the first request of a connection and closes it at the second.
    ClosesAtTheSecond,
    /// Takes requests and says nothing.
    Silent,
}

/// A backend that runs until the test ends.
async fn backend(habit: Habit) -> SocketAddr {
    backend_at("127.0.0.1:0", habit).await
}

async fn backend_at(address: &str, habit: Habit) -> SocketAddr {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, address.port(), habit));
        }
    });
    address
}

async fn serve(mut stream: TcpStream, port: u16, habit: Habit) -> std::io::Result<()> {
    let (mut held, mut requests) = (Vec::new(), 0);
    while stream.read_buf(&mut held).await? > 0 {
        while let Some(at) = held.windows(4).position(|window| window == b"\r\n\r\n") {
            held.drain(..at + 4);
            requests += 1;
            match habit {
                Habit::ClosesAtTheSecond if requests == 2 => return Ok(()),
                Habit::Silent => {}
                _ => {
                    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{port:05}");
                    stream.write_all(answer.as_bytes()).await?;
                }
            }
        }
    }
    Ok(())
}

/// An address where nobody listens.
async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

fn endpoints(addresses: &[SocketAddr]) -> Endpoints {
    let mut addresses = addresses.to_vec();
    addresses.sort();
    let list = addresses.iter().map(|address| Arc::new(Endpoint::new(u64::from(address.port()), *address)));
    Endpoints { list: list.collect() }
}

async fn lane(addresses: &[SocketAddr], affinity: Option<Affinity>, settings: Settings) -> Lane {
    let mut lane = Lane::with(settings).await;
    let backend = Backend::new(2, "shop/web:80".into(), Protocol::Http1, Arc::new(endpoints(addresses)));
    lane.backend = Arc::new(backend.bound_by(affinity));
    lane.publish(2);
    lane
}

/// The endpoints again, with those of before wherever an address is the same.
fn change(lane: &Lane, addresses: &[SocketAddr]) {
    let before = lane.backend.endpoints();
    let same = |new: &Arc<Endpoint>| before.list.iter().find(|old| old.address == new.address).unwrap_or(new).clone();
    let next = Endpoints { list: endpoints(addresses).list.iter().map(same).collect() };
    lane.backend.publish(Arc::new(next));
}

/// Sends one request with further field lines: its status, the port that answered, and the cookie that was set.
async fn ask(client: &mut Peer, fields: &str) -> (u16, u16, Option<String>) {
    client.send(&GET.replace("\r\n\r\n", &format!("\r\n{fields}\r\n"))).await;
    let head = client.head().await;
    let status = head[9..12].parse().unwrap();
    let length: usize = head.split("Content-Length: ").nth(1).unwrap().split("\r\n").next().unwrap().parse().unwrap();
    let mut content = Vec::new();
    while client.held.len() < length {
        assert!(client.stream.read_buf(&mut client.held).await.unwrap() > 0);
    }
    content.extend(client.held.drain(..length));
    let cookie = head.split("Set-Cookie: ").nth(1).map(|rest| rest.split("\r\n").next().unwrap().to_owned());
    (status, String::from_utf8_lossy(&content).parse().unwrap_or(0), cookie)
}

async fn shares(client: &mut Peer, requests: usize) -> BTreeMap<u16, usize> {
    let mut shares = BTreeMap::new();
    for _ in 0..requests {
        *shares.entry(ask(client, "").await.1).or_default() += 1;
    }
    shares
}

#[tokio::test]
async fn a_dying_endpoint_is_ejected_and_comes_back() {
    let (alive, dead) = (backend(Habit::Answers).await, nobody().await);
    let lane = lane(&[alive, dead], None, Settings::default()).await;
    let mut client = lane.client().await;
    assert_eq!(shares(&mut client, 40).await, [(alive.port(), 40)].into(), "no request is lost on it");
    let tally = lane.proxy.tally();
    assert_eq!((tally.ejections, tally.retries), (1, 5), "five failures, and nobody is sent there again");

    backend_at(&dead.to_string(), Habit::Answers).await;
    let begun = Instant::now();
    while ask(&mut client, "").await.1 != dead.port() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it is asked again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(begun.elapsed() > Duration::from_secs(8), "not before its time");
    assert_eq!(shares(&mut client, 40).await, [(alive.port(), 20), (dead.port(), 20)].into());
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_in_time_is_ejected() {
    let (alive, silent) = (backend(Habit::Answers).await, backend(Habit::Silent).await);
    let mut settings = Settings::default();
    settings.upstream.read = Duration::from_millis(100);
    let lane = lane(&[alive, silent], None, settings).await;
    let mut client = lane.client().await;
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.push(ask(&mut client, "").await.0);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 504).count(), 5, "{statuses:?}");
    assert_eq!(lane.proxy.tally().ejections, 1);
}

#[tokio::test]
async fn those_that_are_left_are_never_fewer_than_half() {
    let dead = [nobody().await, nobody().await, nobody().await];
    let lane = lane(&dead, None, Settings::default()).await;
    let mut client = lane.client().await;
    for _ in 0..60 {
        assert_eq!(ask(&mut client, "").await.0, 502, "that is what is wrong, and not that there is nobody");
    }
    assert_eq!(lane.proxy.tally().ejections, 1, "one of three");
    // Two are taken away, and the one that is ejected is all that is left: it is asked.
    let ejected = lane.backend.endpoints().list.iter().position(|one| is_out(one)).unwrap();
    backend_at(&dead_at(&lane, ejected).to_string(), Habit::Answers).await;
    change(&lane, &[dead_at(&lane, ejected)]);
    assert_eq!(ask(&mut client, "").await.0, 200);
    assert_eq!(lane.proxy.tally().balance_panics, 1);
}

/// Within the first ten seconds of a process.
fn is_out(endpoint: &Endpoint) -> bool {
    endpoint.health.is_ejected(bulkhead_model::Moment::from_micros(10_000_000))
}

fn dead_at(lane: &Lane, at: usize) -> SocketAddr {
    lane.backend.endpoints().list[at].address
}

#[tokio::test]
async fn a_backend_that_fails_as_a_whole_is_hardly_asked_more_often_than_clients_ask() {
    let lane = lane(&[nobody().await, nobody().await], None, Settings::default()).await;
    let mut client = lane.client().await;
    for _ in 0..200 {
        assert_eq!(ask(&mut client, "").await.0, 502);
    }
    let retries = lane.proxy.tally().retries;
    assert!((1..=40).contains(&retries), "{retries} second tries of 200 requests");
}

#[tokio::test]
async fn second_tries_are_refused_once_their_budget_is_spent() {
    let address = backend(Habit::ClosesAtTheSecond).await;
    let lane = lane(&[address], None, Settings::default()).await;
    let (mut client, begun) = (lane.client().await, Instant::now());
    let mut failed = 0;
    for _ in 0..1000 {
        failed += u64::from(ask(&mut client, "").await.0 == 502);
    }
    let tally = lane.proxy.tally();
    let law = 1000.0 / 5.0 + 100.0 + 10.0 * begun.elapsed().as_secs_f64();
    assert!(tally.retries as f64 <= law && tally.retries >= 300, "{} second tries, {law} allowed", tally.retries);
    assert!(failed > 50 && failed == tally.retries_refused, "{failed} failed, {} refused", tally.retries_refused);
}

#[tokio::test]
async fn an_endpoint_has_no_more_requests_in_flight_than_it_may_have() {
    let mut settings = Settings::default();
    settings.upstream.requests_per_endpoint = 2;
    let lane = Lane::with(settings).await;
    let (mut one, mut two, mut other) = (lane.client().await, lane.client().await, lane.client().await);
    other.send(GET).await;
    let mut busy = lane.accept().await;
    busy.head().await;
    one.send(GET).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    // One above it, up to ten times above.
    for refused in 1..=18 {
        assert_eq!(ask(&mut two, "").await.0, 503, "at once: nobody waits for others to end");
        assert_eq!(lane.faults("endpoints_full"), refused);
    }
    backend.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    one.head().await;
    two.send(GET).await;
    backend.head().await;
    // A client that goes away gives its place back.
    drop(two);
    one.send(GET).await;
    lane.accept().await.head().await;
}

#[tokio::test]
async fn the_less_busy_endpoint_is_asked_where_the_lane_says_so() {
    let (one, two) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let mut settings = Settings::default();
    settings.upstream.method = Method::LeastRequests;
    let lane = lane(&[one.local_addr().unwrap(), two.local_addr().unwrap()], None, settings).await;
    let mut clients = Vec::new();
    for sent in 1..=10 {
        let mut client = lane.client().await;
        client.send(GET).await;
        clients.push(client);
        eventually("it is on its way", || lane.proxy.tally().upstream_connects == sent).await;
    }
    // Nobody has been answered, and every request has a connection of its own.
    for listener in [&one, &two] {
        for _ in 0..5 {
            listener.accept().await.unwrap();
        }
    }
}

#[tokio::test]
async fn requests_with_one_key_go_to_one_endpoint() {
    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(backend(Habit::Answers).await);
    }
    for (affinity, field, without) in [
        (HashBy::Field("x-user".into()), "X-User: NAME\r\n", 4),
        (HashBy::Cookie("user".into()), "Cookie: a=b; user=NAME\r\n", 4),
        // A text says something of every request.
        (HashBy::Template(Template::parse("$host-$http_x_user").unwrap()), "X-User: NAME\r\n", 1),
    ] {
        let lane = lane(&all, Some(Affinity::Hash(affinity)), Settings::default()).await;
        let mut used = BTreeSet::new();
        for user in 0..30 {
            let field = field.replace("NAME", &format!("u{user}"));
            let (_, first, cookie) = ask(&mut lane.client().await, &field).await;
            assert_eq!(cookie, None);
            assert_eq!(ask(&mut lane.client().await, &field).await.1, first, "{field}");
            used.insert(first);
        }
        assert_eq!(used.len(), 4);
        let mut client = lane.client().await;
        assert_eq!(shares(&mut client, 8).await.len(), without, "requests without it are balanced");
    }
    let lane = lane(&all, Some(Affinity::Hash(HashBy::Address)), Settings::default()).await;
    assert_eq!(shares(&mut lane.client().await, 12).await.len(), 1);
}

fn sticky(mode: Mode) -> Option<Affinity> {
    Some(Affinity::Sticky(Sticky::new("route", mode, 7)))
}

#[tokio::test]
async fn a_session_stays_with_its_endpoint() {
    let (one, two, three) =
        (backend(Habit::Answers).await, backend(Habit::Answers).await, backend(Habit::Answers).await);
    for mode in [Mode::Balanced, Mode::Persistent] {
        let lane = lane(&[one, two, three], sticky(mode), Settings::default()).await;
        let mut used = BTreeSet::new();
        for _ in 0..30 {
            let mut client = lane.client().await;
            let (_, home, cookie) = ask(&mut client, "").await;
            let cookie = cookie.expect("a session begins");
            let (pair, attributes) = cookie.split_once(';').unwrap();
            assert_eq!(attributes, " Path=/; HttpOnly");
            for _ in 0..3 {
                let again = ask(&mut client, &format!("Cookie: {pair}\r\n")).await;
                assert_eq!(again, (200, home, None), "{mode:?}");
            }
            used.insert(home);
        }
        assert_eq!(used.len(), 3, "sessions are spread, {mode:?}");
        let (_, _, cookie) = ask(&mut lane.client().await, "Cookie: route=made-up\r\n").await;
        assert!(cookie.is_some(), "what is not ours begins a session, {mode:?}");
    }
}

#[tokio::test]
async fn persistent_sessions_stay_while_their_endpoint_exists_and_balanced_ones_move_when_endpoints_come() {
    let mut all = Vec::new();
    for _ in 0..6 {
        all.push(backend(Habit::Answers).await);
    }
    for mode in [Mode::Balanced, Mode::Persistent] {
        let lane = lane(&all[..3], sticky(mode), Settings::default()).await;
        let mut client = lane.client().await;
        let mut sessions = Vec::new();
        for _ in 0..40 {
            let (_, home, cookie) = ask(&mut client, "").await;
            sessions.push((home, format!("Cookie: {}\r\n", cookie.unwrap().split(';').next().unwrap())));
        }
        change(&lane, &all);
        let mut moved = 0;
        for (home, cookie) in &sessions {
            let (_, now, set) = ask(&mut client, cookie).await;
            assert_eq!(set, None, "{mode:?}");
            moved += usize::from(now != *home);
        }
        match mode {
            Mode::Persistent => assert_eq!(moved, 0),
            Mode::Balanced => assert!((5..36).contains(&moved), "about half of 40 move, {moved} did"),
        }
        // All that were there at first are gone.
        change(&lane, &all[3..]);
        for (home, cookie) in &sessions {
            let (status, now, set) = ask(&mut client, cookie).await;
            assert!(status == 200 && now != *home, "{mode:?}");
            assert_eq!(
                set.is_some(),
                mode == Mode::Persistent,
                "a new endpoint needs a new cookie only where it names one"
            );
        }
    }
}

#[tokio::test]
async fn a_session_whose_endpoint_fails_comes_back_to_it_or_moves_for_good() {
    for (mode, moves) in
        [(Mode::Balanced, false), (Mode::Balanced, true), (Mode::Persistent, false), (Mode::Persistent, true)]
    {
        let (alive, dead) = (backend(Habit::Answers).await, nobody().await);
        let session = Sticky { moves, ..Sticky::new("route", mode, 7) };
        let lane = lane(&[alive, dead], Some(Affinity::Sticky(session.clone())), Settings::default()).await;
        let mut client = lane.client().await;
        // A cookie that stands for the endpoint that does not answer.
        let list = [alive, dead].map(|address| Endpoint::new(1, address));
        let value = match mode {
            Mode::Persistent => session.token(list[1].key),
            Mode::Balanced => balanced_value(&mut client, &lane, &session, dead).await,
        };
        let mut cookie = b"Cookie: ".to_vec();
        session.write(value, &mut cookie);
        let cookie = format!("{}\r\n", String::from_utf8(cookie).unwrap());
        let (status, port, set) = ask(&mut client, &cookie).await;
        assert_eq!((status, port, set.is_some()), (200, alive.port(), moves), "{mode:?} {moves}");
        if let Some(set) = set {
            let moved = format!("Cookie: {}\r\n", set.split(';').next().unwrap());
            assert_eq!(ask(&mut client, &moved).await, (200, alive.port(), None), "{mode:?}");
        }
    }
}

/// What the cookie of a balanced session says that is with the endpoint at `address`: found by trying, as a client cannot know.
async fn balanced_value(client: &mut Peer, lane: &Lane, session: &Sticky, address: SocketAddr) -> u64 {
    // A request that goes there first is counted as tried again.
    for value in (0..400).step_by(2) {
        let before = lane.proxy.tally().retries;
        let mut cookie = b"Cookie: ".to_vec();
        session.write(value, &mut cookie);
        ask(client, &format!("{}\r\n", String::from_utf8(cookie).unwrap())).await;
        if lane.proxy.tally().retries > before {
            return value;
        }
    }
    panic!("no session is with {address}");
}
