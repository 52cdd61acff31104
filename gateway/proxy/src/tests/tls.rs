//! Handshakes, and what is served behind them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_model::tls::{Certificate, MinVersion, TlsPolicy};
use bulkhead_model::{HostPattern, Settings, TlsTable};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, HandshakeKind, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::support::{Lane, Peer, eventually};
use crate::upstream::verifier::{Signatures, Trusted, Verifier};

const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
pub(super) const BOTH: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];

/// A certificate for one name.
pub(super) fn certificate(name: &str) -> Arc<Certificate> {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let chain = vec![CertificateDer::from(made.cert)];
    let key = Arc::new(CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).unwrap());
    Arc::new(Certificate { origin: name.into(), key })
}

fn table(certificates: &[&Arc<Certificate>]) -> TlsTable {
    let mut table = TlsTable::default();
    for certificate in certificates {
        table.set(&HostPattern::parse(&certificate.origin).unwrap(), Some(Arc::clone(certificate)));
    }
    table
}

fn with(mut table: TlsTable, change: impl FnOnce(&mut TlsTable)) -> TlsTable {
    change(&mut table);
    table
}

/// One client: it resumes the sessions that it has had.
pub(super) fn client(versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
    client_of(aws_lc_rs::default_provider(), versions)
}

/// The same, with the ciphers of `provider` in its order.
pub(super) fn client_of(provider: CryptoProvider, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
    // Takes any certificate, so that a test can look at it, but checks that the server has its key.
    let algorithms = provider.signature_verification_algorithms;
    let verifier = Arc::new(Verifier { trusted: Trusted::Anyone, signatures: Signatures::Verified, algorithms });
    let builder = ClientConfig::builder_with_provider(Arc::new(provider));
    let builder = builder.with_protocol_versions(versions).unwrap();
    builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
}

pub(super) async fn connect(
    lane: &Lane,
    client: &Arc<ClientConfig>,
    name: &str,
) -> io::Result<Peer<TlsStream<TcpStream>>> {
    let tcp = TcpStream::connect(lane.proxy.tls_addresses()[0]).await?;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    Ok(Peer::new(TlsConnector::from(Arc::clone(client)).connect(name, tcp).await?))
}

fn shown(peer: &Peer<TlsStream<TcpStream>>) -> CertificateDer<'static> {
    peer.stream.get_ref().1.peer_certificates().unwrap()[0].clone()
}

fn leaf(certificate: &Certificate) -> CertificateDer<'static> {
    certificate.key.cert[0].clone()
}

/// One exchange with the backend behind the route `a.test/`.
async fn exchange(lane: &Lane, peer: &mut Peer<TlsStream<TcpStream>>) -> String {
    peer.send(GET).await;
    let mut backend = lane.accept().await;
    let head = backend.head().await;
    backend.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi").await;
    peer.until("hi").await;
    head
}

#[tokio::test]
async fn the_name_in_the_handshake_chooses_the_certificate_in_both_versions() {
    let lane = Lane::start().await;
    let (exact, wildcard, default) = (certificate("a.test"), certificate("*.b.test"), certificate("default.test"));
    lane.publish_tls(2, with(table(&[&exact, &wildcard]), |table| table.default = Some(Arc::clone(&default))));
    for versions in [&[&TLS12][..], &[&TLS13]] {
        let client = Arc::new(client(versions));
        for (name, expected) in [
            ("a.test", &exact),
            ("A.Test", &exact),
            ("x.b.test", &wildcard),
            ("x.y.b.test", &default),
            ("b.test", &default),
            ("127.0.0.1", &default),
        ] {
            let mut peer = connect(&lane, &client, name).await.unwrap();
            assert_eq!(shown(&peer), leaf(expected), "{name}");
            assert_eq!(peer.stream.get_ref().1.protocol_version(), Some(versions[0].version));
            let head = exchange(&lane, &mut peer).await;
            let port = lane.proxy.tls_addresses()[0].port();
            let told = format!("X-Forwarded-Port: {port}\r\nX-Forwarded-Proto: https\r\n");
            assert!(head.contains(&told), "{head}");
        }
    }
}

#[tokio::test]
async fn a_hybrid_key_exchange_and_the_better_protocol_are_agreed_on() {
    let lane = Lane::start().await;
    let mut offer = client(BOTH);
    offer.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let peer = connect(&lane, &Arc::new(offer), "a.test").await.unwrap();
    let connection = peer.stream.get_ref().1;
    assert_eq!(connection.alpn_protocol(), Some(b"h2".as_slice()));
    assert_eq!(connection.negotiated_key_exchange_group().unwrap().name(), rustls::NamedGroup::X25519MLKEM768);
    let mut only_h3 = client(BOTH);
    only_h3.alpn_protocols = vec![b"h3".to_vec()];
    assert!(connect(&lane, &Arc::new(only_h3), "a.test").await.is_err());
    eventually("it is counted", || lane.faults("tls_incompatible") == 1).await;
}

#[tokio::test]
async fn an_unknown_name_gets_the_stand_in_or_is_refused() {
    let lane = Lane::start().await;
    let known = certificate("a.test");
    lane.publish_tls(2, table(&[&known]));
    let client = Arc::new(client(BOTH));
    let peer = connect(&lane, &client, "other.test").await.unwrap();
    assert_ne!(shown(&peer), leaf(&known));
    lane.publish_tls(3, with(table(&[&known]), |table| table.reject_unknown = true));
    assert_eq!(shown(&connect(&lane, &client, "a.test").await.unwrap()), leaf(&known));
    for name in ["other.test", "127.0.0.1"] {
        assert!(connect(&lane, &client, name).await.is_err(), "{name}: also a session from before is not resumed");
    }
    eventually("both are counted", || lane.faults("tls_unknown_name") == 2).await;
}

#[tokio::test]
async fn a_minimum_of_1_3_refuses_1_2() {
    let lane = Lane::start().await;
    let policy = TlsPolicy { min_version: MinVersion::V13, ..TlsPolicy::default() };
    lane.publish_tls(2, with(TlsTable::default(), |table| table.policy = policy));
    assert!(connect(&lane, &Arc::new(client(&[&TLS12])), "a.test").await.is_err());
    eventually("it is counted", || lane.faults("tls_incompatible") == 1).await;
    let mut peer = connect(&lane, &Arc::new(client(BOTH)), "a.test").await.unwrap();
    exchange(&lane, &mut peer).await;
}

#[tokio::test]
async fn a_certificate_that_is_replaced_drops_no_connection_and_is_shown_to_the_next() {
    let lane = Lane::start().await;
    let (old, new) = (certificate("a.test"), certificate("a.test"));
    lane.publish_tls(2, table(&[&old]));
    let client = Arc::new(client(BOTH));
    let mut open = connect(&lane, &client, "a.test").await.unwrap();
    exchange(&lane, &mut open).await;
    lane.publish_tls(3, table(&[&new]));
    exchange(&lane, &mut open).await;
    // Another client: this one would resume its session, and be shown nothing.
    let fresh = Arc::new(super::tls::client(BOTH));
    assert_eq!(shown(&connect(&lane, &fresh, "a.test").await.unwrap()), leaf(&new));
    assert_eq!(lane.proxy.tally().accepted, 2);
}

#[tokio::test]
async fn sessions_are_resumed_across_changes_of_certificates_and_not_without_tickets() {
    for versions in [&[&TLS12][..], &[&TLS13]] {
        let lane = Lane::start().await;
        let (a, b) = (certificate("a.test"), certificate("b.test"));
        lane.publish_tls(2, table(&[&a]));
        let client = Arc::new(client(versions));
        let kind = async || {
            let mut peer = connect(&lane, &client, "a.test").await.unwrap();
            // Tickets come behind the handshake.
            exchange(&lane, &mut peer).await;
            peer.stream.get_ref().1.handshake_kind().unwrap()
        };
        assert!(matches!(kind().await, HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest));
        assert_eq!(kind().await, HandshakeKind::Resumed);
        lane.publish_tls(3, table(&[&a, &b]));
        assert_eq!(kind().await, HandshakeKind::Resumed);
        lane.publish_tls(4, table(&[&certificate("a.test")]));
        assert_eq!(kind().await, HandshakeKind::Resumed);
        let policy = TlsPolicy { tickets: false, ..TlsPolicy::default() };
        lane.publish_tls(5, with(table(&[&a]), |table| table.policy = policy));
        assert_eq!(kind().await, HandshakeKind::Full);
        assert_eq!(kind().await, HandshakeKind::Full);
    }
}

#[tokio::test]
async fn a_handshake_that_stalls_is_timed_out_however_far_it_is() {
    let mut settings = Settings::default();
    settings.limits.tls_handshake = Duration::from_millis(50);
    let lane = Lane::with(settings).await;
    let address = lane.proxy.tls_addresses()[0];
    let mut silent = Peer::new(TcpStream::connect(address).await.unwrap());
    let mut slow = Peer::new(TcpStream::connect(address).await.unwrap());
    // A record header that announces a ClientHello, and the first byte of it (RFC 8446 §5.1).
    slow.stream.write_all(&[22, 3, 1, 2, 0, 1]).await.unwrap();
    assert_eq!(silent.end().await.unwrap(), "");
    let _ = slow.end().await;
    eventually("both are counted", || lane.faults("tls_timeout") == 2).await;
}

#[tokio::test]
async fn clear_text_where_tls_is_spoken_is_closed_and_counted() {
    let lane = Lane::start().await;
    let mut plain = TcpStream::connect(lane.proxy.tls_addresses()[0]).await.unwrap();
    plain.write_all(GET.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "an alert at most");
    eventually("it is counted", || lane.faults("tls_plaintext") == 1).await;
    drop(TcpStream::connect(lane.proxy.tls_addresses()[0]).await.unwrap());
    eventually("so is one that says nothing", || lane.faults("tls_aborted") == 1).await;
    assert_eq!(lane.proxy.tally().requests, 0);
}

#[tokio::test]
async fn content_is_passed_on_in_both_directions_whatever_its_size() {
    let lane = Lane::start().await;
    let mut peer = connect(&lane, &Arc::new(client(BOTH)), "a.test").await.unwrap();
    peer.send("POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n").await;
    let mut backend = lane.accept().await;
    assert!(backend.until("3\r\nabc\r\n").await.contains("\r\nTransfer-Encoding: chunked\r\n"));
    peer.send("2\r\nde\r\n0\r\n\r\n").await;
    assert_eq!(backend.until("0\r\n\r\n").await, "2\r\nde\r\n0\r\n\r\n");
    // Far more than sockets and sessions hold, so that the gateway has to wait for its client.
    let content = "0123456789abcdef".repeat(1 << 18);
    let response = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{content}END", content.len() + 3);
    let (received, ()) = tokio::join!(peer.until("END"), backend.send(&response));
    assert_eq!(received.len(), response.len());
    assert!(received.ends_with("abcdefEND"));
    exchange_on(&mut backend, &mut peer).await;
}

/// One more exchange on connections that are open.
async fn exchange_on(backend: &mut Peer, peer: &mut Peer<TlsStream<TcpStream>>) {
    peer.send(GET).await;
    backend.head().await;
    backend.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert!(peer.head().await.starts_with("HTTP/1.1 204 "));
}

#[tokio::test]
async fn a_client_that_ends_its_session_cancels_its_request() {
    let lane = Lane::start().await;
    let mut peer = connect(&lane, &Arc::new(client(BOTH)), "a.test").await.unwrap();
    peer.send(GET).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    // Says so first and closes later, as many clients do.
    peer.stream.get_mut().1.send_close_notify();
    peer.stream.flush().await.unwrap();
    assert_eq!(backend.end().await.unwrap(), "");
    eventually("it is counted", || lane.faults("client_gone") == 1).await;
}

#[tokio::test]
async fn a_truncated_response_never_looks_complete() {
    let lane = Lane::start().await;
    let mut peer = connect(&lane, &Arc::new(client(BOTH)), "a.test").await.unwrap();
    peer.send("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n").await;
    let mut backend = lane.accept().await;
    backend.head().await;
    backend.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n").await;
    peer.until("hi").await;
    drop(backend);
    assert!(peer.end().await.is_err(), "no word of the end, so that the client knows");
}

#[tokio::test]
async fn a_response_that_the_end_of_the_session_completes_is_completed() {
    let lane = Lane::start().await;
    let mut peer = connect(&lane, &Arc::new(client(BOTH)), "a.test").await.unwrap();
    peer.send("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n").await;
    let mut backend = lane.accept().await;
    backend.head().await;
    backend.send("HTTP/1.1 200 OK\r\n\r\nhi").await;
    drop(backend);
    assert!(peer.end().await.unwrap().ends_with("\r\n\r\nhi"));
}

#[tokio::test]
async fn a_drain_finishes_what_is_in_flight_and_says_the_end_to_what_is_idle() {
    let lane = Lane::start().await;
    let client = Arc::new(client(BOTH));
    let mut idle = connect(&lane, &client, "a.test").await.unwrap();
    let mut busy = connect(&lane, &client, "a.test").await.unwrap();
    busy.send(GET).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    // One that has not shaken hands yet has nothing to lose.
    let silent = TcpStream::connect(lane.proxy.tls_addresses()[0]).await.unwrap();
    eventually("all are open", || lane.proxy.connections() == 3).await;
    let drain = lane.proxy.drain(Duration::from_secs(5));
    let rest = async {
        assert_eq!(idle.end().await.unwrap(), "");
        backend.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await;
        assert!(busy.until("hi").await.contains("Connection: close\r\n"));
        assert_eq!(busy.end().await.unwrap(), "");
        drop(busy);
    };
    let (cut, ()) = tokio::join!(drain, rest);
    assert_eq!((cut, lane.proxy.connections()), (0, 0));
    drop(silent);
    assert!(TcpStream::connect(lane.proxy.tls_addresses()[0]).await.is_err());
}
