use std::io::{Read, Write};
use std::net::TcpStream as Socket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bulkhead_crds::report::GatewayReport;
use bulkhead_model::Room;
use bulkhead_proxy::{Config, Proxy, Publication};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::places::CONNECTIONS;
use super::*;
use crate::overload::Reading;
use crate::state::ControlState;

/// An admin endpoint of a gateway that serves nothing yet.
struct Admin {
    address: SocketAddr,
    view: View,
    control: watch::Sender<Arc<ControlState>>,
}

impl Admin {
    fn start() -> Self {
        let any = "127.0.0.1:0".parse().unwrap();
        let config = Config {
            http: vec![any],
            https: Vec::new(),
            stand_in: None,
            threads: 1,
            name: "test".to_owned(),
            room: Room::default(),
        };
        let proxy = Arc::new(Proxy::start(config, Publication::new()).unwrap());
        let state = ControlState { waiting_for: vec!["the lane document".to_owned()], ..ControlState::default() };
        let (control, states) = watch::channel(Arc::new(state));
        let view = View::new(proxy, states, mpsc::channel(1).0, watch::channel(Reading::default()).1);
        Self { address: super::start(any, view.clone()).unwrap(), view, control }
    }

    /// Status line and content of the answer to one request.
    fn ask(&self, method: &str, path: &str) -> (String, String) {
        let mut socket = Socket::connect(self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        write!(socket, "{method} {path} HTTP/1.1\r\nHost: admin\r\n\r\n").unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        let (head, content) = answer.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().to_owned(), content.to_owned())
    }
}

#[test]
fn readiness_says_what_it_waits_for() {
    let admin = Admin::start();
    let (status, content) = admin.ask("GET", "/readyz");
    assert_eq!(
        (status.as_str(), content.as_str()),
        ("HTTP/1.1 503 Service Unavailable", "waiting for the lane document\n")
    );
    admin.control.send_replace(Arc::new(ControlState { published: 1, ..ControlState::default() }));
    assert!(admin.ask("GET", "/readyz").1.contains("every data thread"));
    admin.view.begin_drain();
    assert_eq!(admin.ask("GET", "/readyz").1, "draining\n");
}

#[test]
fn a_gateway_that_waits_is_alive() {
    assert_eq!(Admin::start().ask("GET", "/livez"), ("HTTP/1.1 200 OK".to_owned(), "ok\n".to_owned()));
}

#[test]
fn the_status_page_is_a_gateway_report() {
    let (status, content) = Admin::start().ask("GET", "/v1/status");
    assert_eq!(status, "HTTP/1.1 200 OK");
    let report: GatewayReport = serde_json::from_str(&content).unwrap();
    assert_eq!((report.ready, report.waiting_for.as_str()), (false, "the lane document"));
}

#[test]
fn metrics_are_served_in_their_format() {
    let (status, content) = Admin::start().ask("GET", "/metrics");
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(content.contains("\nbulkhead_ready 0\n"), "{content}");
}

#[test]
fn routes_are_not_waited_for_when_nobody_answers() {
    assert_eq!(Admin::start().ask("GET", "/v1/routes").0, "HTTP/1.1 503 Service Unavailable");
}

#[test]
fn another_path_lists_the_pages_and_another_method_is_refused() {
    let admin = Admin::start();
    let (status, content) = admin.ask("GET", "/");
    assert_eq!(status, "HTTP/1.1 404 Not Found");
    assert!(PAGES.iter().all(|(path, _)| content.contains(path)), "{content}");
    assert_eq!(admin.ask("POST", "/metrics").0, "HTTP/1.1 405 Method Not Allowed");
    let (status, content) = admin.ask("HEAD", "/metrics");
    assert_eq!((status.as_str(), content.as_str()), ("HTTP/1.1 200 OK", ""));
}

fn connect(address: SocketAddr) -> Socket {
    let socket = Socket::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket
}

#[test]
fn the_oldest_that_has_not_asked_makes_room_for_the_next() {
    let admin = Admin::start();
    let begun = Instant::now();
    let mut idle: Vec<Socket> = (0..=CONNECTIONS).map(|_| connect(admin.address)).collect();
    assert!(matches!(idle[0].read(&mut [0]), Ok(0) | Err(_)), "closed without an answer");
    assert!(begun.elapsed() < HEAD, "it made room, it did not run out of time");
    let last = idle.last_mut().unwrap();
    write!(last, "GET /livez HTTP/1.1\r\nHost: admin\r\n\r\n").unwrap();
    let mut answer = String::new();
    last.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[test]
fn a_request_without_an_end_is_closed_after_a_second() {
    let admin = Admin::start();
    let begun = Instant::now();
    let mut slow = connect(admin.address);
    write!(slow, "GET /livez HTTP/1.1\r\n").unwrap();
    let mut rest = Vec::new();
    // A reset is as good an end as any.
    let _ = slow.read_to_end(&mut rest);
    assert!((HEAD..HEAD * 4).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}

#[test]
fn probes_are_answered_while_others_hold_every_place_and_take_it_again() {
    let admin = Admin::start();
    let (address, stop) = (admin.address, Arc::new(AtomicBool::new(false)));
    let flood = |_| {
        let stop = Arc::clone(&stop);
        thread::spawn(move || {
            let open = || {
                let socket = connect(address);
                socket.set_nonblocking(true).unwrap();
                socket
            };
            let mut held: Vec<Socket> = (0..CONNECTIONS).map(|_| open()).collect();
            let is_open = |socket: &mut Socket| {
                socket.read(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
            };
            while !stop.load(Ordering::Relaxed) {
                held.iter_mut()
                    .filter_map(|socket| (!is_open(socket)).then_some(socket))
                    .for_each(|socket| *socket = open());
            }
        })
    };
    let floods: Vec<_> = (0..2).map(flood).collect();
    let timed = |_| {
        let begun = Instant::now();
        assert_eq!(admin.ask("GET", "/livez").1, "ok\n");
        begun.elapsed()
    };
    let late = (0..50).map(timed).filter(|took| *took > Duration::from_secs(1)).count();
    // On a busy machine one may be; a kubelet gives up after three in a row.
    assert!(late < 3, "{late} took longer than a kubelet waits");
    stop.store(true, Ordering::Relaxed);
    floods.into_iter().for_each(|flood| flood.join().unwrap());
}

/// As in kgateway CVE-2025-64323, Envoy Gateway CVE-2026-53714 and CVE-2025-24030 and Skipper CVE-2026-54246, where whoever reached such a port
/// could give orders there.
#[test]
fn nothing_that_is_asked_changes_anything() {
    let admin = Admin::start();
    let before = admin.ask("GET", "/v1/status");
    let pages = PAGES.map(|(path, _)| path);
    let orders = [
        "/quitquitquit",
        "/shutdown",
        "/drain",
        "/healthcheck/fail",
        "/logging?level=trace",
        "/debug/pprof/heap",
        "/config_dump",
    ];
    for path in pages.into_iter().chain(orders) {
        for method in ["POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "QUIT"] {
            let target = if method == "CONNECT" { "admin:1" } else { path };
            assert_eq!(admin.ask(method, target).0, "HTTP/1.1 405 Method Not Allowed", "{method} {path}");
        }
    }
    for path in orders {
        assert_eq!(admin.ask("GET", path).0, "HTTP/1.1 404 Not Found", "{path}");
    }
    assert_eq!(admin.ask("GET", "/v1/status"), before);
}

/// As in Traefik CVE-2026-26998, Skipper CVE-2026-54247 and ingress-nginx CVE-2026-24514, which read whatever they were sent.
#[test]
fn no_more_is_read_than_a_head_of_bounded_length() {
    let admin = Admin::start();
    let begun = Instant::now();
    let mut endless = connect(admin.address);
    endless.write_all(&[&b"GET /livez HTTP/1.1\r\nX: "[..], &[b'x'; BUFFER]].concat()).unwrap();
    // A reset is as good an end as any.
    let _ = endless.read_to_end(&mut Vec::new());
    assert!(begun.elapsed() < HEAD, "refused, not waited for");
    let mut large = connect(admin.address);
    write!(large, "GET /livez HTTP/1.1\r\nHost: admin\r\nContent-Length: 1000000000000\r\n\r\nx").unwrap();
    let mut answer = String::new();
    large.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("ok\n"), "{answer}");
}
