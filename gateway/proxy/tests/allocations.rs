//! What the data path allocates.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

use std::alloc::System;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use bulkhead_model::path_table::PathTable;
use bulkhead_model::pattern::{HostPattern, PathPattern};
use bulkhead_model::route::{PathKind, Weighted};
use bulkhead_model::{Action, Backend, Endpoint, Endpoints, HostTable, Room, Route, Settings, Snapshot};
use bulkhead_proxy::{Config, Proxy, Publication};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const REQUEST: &[u8] = b"GET /x?q=1 HTTP/1.1\r\nHost: a.test\r\nUser-Agent: test\r\nAccept: */*\r\nCookie: a=b\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
const REQUESTS: usize = 1000;

#[test]
fn a_busy_connection_allocates_nothing() {
    let backend = TcpListener::bind("127.0.0.1:0").unwrap();
    let (_proxy, address) = start(backend.local_addr().unwrap());
    std::thread::spawn(move || answer(backend.accept().unwrap().0));
    let mut client = TcpStream::connect(address).unwrap();
    for _ in 0..REQUESTS {
        exchange(&mut client);
    }
    // The thread also sweeps its pool once a second, and the test's own threads may be caught at some work of theirs: what
    // a request allocates, it allocates every time.
    let before = ALLOCATOR.stats().allocations;
    for _ in 0..REQUESTS {
        exchange(&mut client);
    }
    let allocations = ALLOCATOR.stats().allocations - before;
    assert!(allocations < REQUESTS / 100, "{allocations} allocations in {REQUESTS} requests");
}

/// A proxy that sends every request for `a.test` to `backend`.
fn start(backend: SocketAddr) -> (Proxy, SocketAddr) {
    let endpoints = Arc::new(Endpoints { list: Box::new([Arc::new(Endpoint::new(1, backend))]) });
    let backend = Arc::new(Backend::new(1, "shop/web:80".into(), bulkhead_model::backend::Protocol::Http1, endpoints));
    let route = Route {
        host: "a.test".into(),
        path: "/".into(),
        kind: PathKind::Prefix,
        origin: "shop/web".into(),
        client_auth: None,
        expression: None,
        filters: None,
        action: Action::Forward(Box::new([Weighted { backend, weight: 1 }])),
    };
    let paths = PathTable::new([(PathPattern::prefix("/").unwrap(), Arc::new(route))], false);
    let hosts = HostTable::from_iter([(HostPattern::parse("a.test").unwrap(), Arc::new(paths))]);
    let publication = Publication::new();
    let settings = Arc::new(Settings::default());
    publication.publish(Arc::new(Snapshot { number: 1, config_generation: 1, settings, hosts, tls: Arc::default() }));
    let config = Config {
        http: vec!["127.0.0.1:0".parse().unwrap()],
        https: Vec::new(),
        stand_in: None,
        threads: 1,
        name: "test".into(),
        room: Room::default(),
    };
    let proxy = Proxy::start(config, publication).unwrap();
    let address = *proxy.addresses().first().unwrap();
    (proxy, address)
}

fn exchange(client: &mut TcpStream) {
    client.write_all(REQUEST).unwrap();
    read_to(client, b"hello");
}

/// Answers every request, allocating nothing.
fn answer(mut stream: TcpStream) {
    loop {
        if !read_to(&mut stream, b"\r\n\r\n") || stream.write_all(RESPONSE).is_err() {
            return;
        }
    }
}

/// Reads until what came ends with `end`; `false` if it never does.
fn read_to(stream: &mut TcpStream, end: &[u8]) -> bool {
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let (mut held, mut filled) = ([0; 4096], 0);
    loop {
        match stream.read(held.get_mut(filled..).unwrap()) {
            Ok(0) | Err(_) => return false,
            Ok(read) => filled += read,
        }
        if held.get(..filled).unwrap().ends_with(end) {
            return true;
        }
    }
}
