//! Connections that begin with a PROXY protocol header, or should.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_model::Settings;
use bulkhead_model::settings::{Forwarded, Network};
use rustls::pki_types::ServerName;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::support::{Lane, Peer, eventually};
use super::tls::{BOTH, client};

const LINE: &[u8] = b"PROXY TCP4 203.0.113.7 192.0.2.1 49153 8443\r\n";
const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

/// Version 2 for the same connection, with a value of some type behind the addresses.
fn binary(command: u8) -> Vec<u8> {
    let addresses = [203, 0, 113, 7, 192, 0, 2, 1, 0xc0, 0x01, 0x20, 0xfb];
    let fixed = [&b"\r\n\r\n\0\r\nQUIT\n"[..], &[command, 0x11, 0, 17]].concat();
    [&fixed[..], &addresses, &[0x04, 0, 2, 0, 0]].concat()
}

/// A lane whose connections begin with a header from peers in `trusted`.
async fn lane(trusted: &str, change: impl FnOnce(&mut Settings)) -> Lane {
    let network = Network { address: trusted.parse().unwrap(), prefix: 32 };
    let forwarded = Forwarded { proxy_protocol: true, trusted: vec![network], ..Forwarded::default() };
    let mut settings = Settings { forwarded, ..Settings::default() };
    change(&mut settings);
    Lane::with(settings).await
}

async fn accepting() -> Lane {
    lane("127.0.0.1", |_| ()).await
}

/// What the backend is told of the client.
async fn told(lane: &Lane) -> Vec<String> {
    let mut backend = lane.accept().await;
    let head = backend.head().await;
    backend.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi").await;
    let names = ["X-Forwarded-For: ", "X-Forwarded-Port: ", "X-Real-IP: "];
    let value = |name: &&str| head.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
    names.iter().map(|name| value(name).unwrap_or_else(|| panic!("no {name} in {head}"))).collect()
}

#[tokio::test]
async fn the_client_is_whom_the_header_names() {
    let lane = accepting().await;
    for header in [LINE.to_vec(), binary(0x21)] {
        let mut client = lane.client().await;
        client.stream.write_all(&[&header[..], GET.as_bytes()].concat()).await.unwrap();
        assert_eq!(told(&lane).await, ["203.0.113.7", "8443", "203.0.113.7"]);
        client.until("hi").await;
    }
}

#[tokio::test]
async fn a_client_that_speaks_for_others_is_believed_no_more_than_without_a_header() {
    let lane = accepting().await;
    let mut client = lane.client().await;
    let lie = GET.replace("\r\n\r\n", "\r\nX-Forwarded-For: 192.0.2.66\r\nX-Real-IP: 192.0.2.66\r\n\r\n");
    client.stream.write_all(&[LINE, lie.as_bytes()].concat()).await.unwrap();
    assert_eq!(told(&lane).await, ["203.0.113.7", "8443", "203.0.113.7"]);
    client.until("hi").await;
}

#[tokio::test]
async fn a_connection_of_the_balancer_itself_is_the_peers() {
    let lane = accepting().await;
    for header in [binary(0x20), b"PROXY UNKNOWN\r\n".to_vec()] {
        let mut client = lane.client().await;
        client.stream.write_all(&[&header[..], GET.as_bytes()].concat()).await.unwrap();
        assert_eq!(told(&lane).await, ["127.0.0.1", &lane.address().port().to_string(), "127.0.0.1"]);
        client.until("hi").await;
    }
}

#[tokio::test]
async fn it_does_not_matter_how_a_header_is_cut() {
    let lane = accepting().await;
    for header in [LINE.to_vec(), binary(0x21)] {
        for at in 1..=header.len() {
            let mut client = lane.client().await;
            client.stream.set_nodelay(true).unwrap();
            client.stream.write_all(&header[..at]).await.unwrap();
            tokio::task::yield_now().await;
            client.stream.write_all(&[&header[at..], GET.as_bytes()].concat()).await.unwrap();
            assert_eq!(told(&lane).await[0], "203.0.113.7", "cut at {at}");
            client.until("hi").await;
        }
    }
}

#[tokio::test]
async fn a_header_stands_before_tls() {
    let lane = accepting().await;
    let connector = TlsConnector::from(Arc::new(client(BOTH)));
    for header in [LINE.to_vec(), binary(0x21)] {
        let mut tcp = TcpStream::connect(lane.proxy.tls_addresses()[0]).await.unwrap();
        tcp.write_all(&header).await.unwrap();
        let name = ServerName::try_from("a.test").unwrap();
        let mut client = Peer::new(connector.connect(name, tcp).await.unwrap());
        client.send(GET).await;
        assert_eq!(told(&lane).await, ["203.0.113.7", "8443", "203.0.113.7"]);
        client.until("hi").await;
    }
}

#[tokio::test]
async fn nobody_else_may_name_an_address() {
    let lane = lane("127.0.0.2", |_| ()).await;
    for (address, first) in
        [(lane.address(), LINE), (lane.address(), GET.as_bytes()), (lane.proxy.tls_addresses()[0], LINE)]
    {
        let before = lane.faults("proxy_untrusted");
        let mut client = Peer::new(TcpStream::connect(address).await.unwrap());
        // It may be closed already.
        let _ = client.stream.write_all(first).await;
        assert!(matches!(client.end().await.as_deref(), Ok("") | Err(_)), "nothing is answered");
        eventually("it is counted", || lane.faults("proxy_untrusted") == before + 1).await;
    }
    assert_eq!(lane.proxy.tally().requests, 0);
}

#[tokio::test]
async fn what_does_not_begin_with_a_header_is_closed_and_counted() {
    let lane = accepting().await;
    let unix = [&b"\r\n\r\n\0\r\nQUIT\n"[..], &[0x21, 0x31, 0, 216]].concat();
    let endless = [&b"PROXY UNKNOWN "[..], &[b'x'; 200]].concat();
    let garbage: [&[u8]; 5] = [GET.as_bytes(), b"\x16\x03\x01\x02\x00", b"PROXY TCP4 a b c d\r\n", &unix, &endless];
    for (n, first) in garbage.into_iter().enumerate() {
        let mut client = lane.client().await;
        client.stream.write_all(first).await.unwrap();
        assert!(matches!(client.end().await.as_deref(), Ok("") | Err(_)), "{n}: nothing is answered");
        eventually("it is counted", || lane.faults("proxy_malformed") == n as u64 + 1).await;
    }
    assert_eq!(lane.proxy.tally().requests, 0);
}

#[tokio::test]
async fn a_header_that_takes_its_time_is_not_waited_for() {
    let short = Duration::from_millis(50);
    let lane =
        lane("127.0.0.1", |settings| (settings.limits.head, settings.limits.tls_handshake) = (short, short)).await;
    for (n, address) in [lane.address(), lane.proxy.tls_addresses()[0]].into_iter().enumerate() {
        for (m, first) in [&b""[..], b"PROXY TCP4 203.0"].into_iter().enumerate() {
            let mut client = Peer::new(TcpStream::connect(address).await.unwrap());
            client.stream.write_all(first).await.unwrap();
            assert!(matches!(client.end().await.as_deref(), Ok("") | Err(_)));
            eventually("it is counted", || lane.faults("proxy_timeout") == (2 * n + m + 1) as u64).await;
        }
    }
}

#[tokio::test]
async fn header_and_handshake_share_one_deadline() {
    let short = Duration::from_secs(1);
    let lane = lane("127.0.0.1", |settings| settings.limits.tls_handshake = short).await;
    let begin = tokio::time::Instant::now();
    let mut client = Peer::new(TcpStream::connect(lane.proxy.tls_addresses()[0]).await.unwrap());
    tokio::time::sleep(short * 9 / 10).await;
    client.stream.write_all(LINE).await.unwrap();
    let _ = client.end().await;
    assert!(begin.elapsed() < short * 9 / 5, "{:?}", begin.elapsed());
    eventually("the handshake is counted", || lane.faults("tls_timeout") == 1).await;
}

#[tokio::test]
async fn a_peer_that_only_looks_whether_somebody_is_there_does_nothing_wrong() {
    let lane = accepting().await;
    drop(lane.client().await);
    let mut broken = lane.client().await;
    broken.stream.write_all(b"PROXY").await.unwrap();
    drop(broken);
    eventually("the one that broke off is counted", || lane.faults("proxy_aborted") == 1).await;
    eventually("both are gone", || lane.proxy.tally().open == 0).await;
    assert_eq!(lane.faults("proxy_aborted"), 1);
}

#[tokio::test]
async fn without_the_setting_a_header_is_a_malformed_request() {
    let lane = Lane::start().await;
    for header in [LINE.to_vec(), binary(0x21)] {
        let mut client = lane.client().await;
        client.stream.write_all(&[&header[..], GET.as_bytes()].concat()).await.unwrap();
        let head = client.head().await;
        assert!(head.starts_with("HTTP/1.1 400 ") || head.starts_with("HTTP/1.1 505 "), "{head}");
    }
}
