//! The first message of a handshake, in whatever pieces it comes: what it names decides, and nothing is guessed from a part of it.

use std::io::Write;
use std::sync::Arc;

use bulkhead_model::TlsTable;
use bulkhead_model::client_auth::Demand;
use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::clients::{ask, issuer, policy, publish, signed, status};
use super::support::{Lane, Peer, eventually};
use super::tls::{BOTH, client, connect};

/// Smallest records that rustls sends, so that a hello with a hybrid key share comes in dozens of them.
const SMALL: usize = 32;

/// As in CVE-2026-32305, where a hello that came in pieces was answered under the default policy, which asked for no certificate.
#[tokio::test]
async fn a_hello_in_many_records_is_answered_under_the_policy_of_the_host_it_names() {
    let lane = Lane::start().await;
    let ours = issuer("ours");
    publish(&lane, 2, TlsTable::default(), &[("a.test", Some(&policy(&ours, Demand::Required)))]);
    for (identity, expected) in [(None, "400"), (Some(signed(&ours, 2100)), "200")] {
        let mut config = client(BOTH);
        config.max_fragment_size = Some(SMALL);
        if let Some(identity) = identity {
            config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(identity));
        }
        assert_eq!(status(&lane, &Arc::new(config), "a.test", "a.test").await, expected);
    }
    assert_eq!(lane.faults("misdirected"), 0, "both were asked");
}

/// The same, where TCP delivers a byte at a time.
#[tokio::test]
async fn a_hello_in_many_segments_is_answered_under_the_policy_of_the_host_it_names() {
    let lane = Lane::start().await;
    let ours = issuer("ours");
    publish(&lane, 2, TlsTable::default(), &[("a.test", Some(&policy(&ours, Demand::Required)))]);
    let name = ServerName::try_from("a.test").unwrap();
    let mut session = ClientConnection::new(Arc::new(client(BOTH)), name).unwrap();
    let mut stream = TcpStream::connect(lane.proxy.tls_addresses()[0]).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut hello = Vec::new();
    session.write_tls(&mut hello).unwrap();
    for byte in hello {
        stream.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    session.writer().write_all(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").unwrap();
    let mut received = Vec::new();
    while !received.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut flight = Vec::new();
        while session.wants_write() {
            session.write_tls(&mut flight).unwrap();
        }
        stream.write_all(&flight).await.unwrap();
        let mut bytes = vec![0; 16 << 10];
        let read = stream.read(&mut bytes).await.unwrap();
        assert!(read > 0, "the connection ended");
        session.read_tls(&mut &bytes[..read]).unwrap();
        session.process_new_packets().unwrap();
        let _ = std::io::Read::read_to_end(&mut session.reader(), &mut received);
    }
    assert!(received.starts_with(b"HTTP/1.1 400 "), "{}", received.escape_ascii());
    eventually("it was asked, and had none", || lane.faults("client_certificate_missing") == 1).await;
}

#[tokio::test]
async fn a_session_of_one_host_is_not_resumed_for_another_that_wants_a_certificate() {
    let lane = Lane::start().await;
    let ours = issuer("ours");
    publish(&lane, 2, TlsTable::default(), &[("open.test", None), ("a.test", Some(&policy(&ours, Demand::Required)))]);
    let config = Arc::new(client(BOTH));
    let mut open = connect(&lane, &config, "open.test").await.unwrap();
    assert_eq!(ask(&lane, &mut open, "open.test", "").await.0, "200");
    // The host gets a policy: the tickets of before are of no use any more.
    publish(&lane, 3, TlsTable::default(), &[("open.test", Some(&policy(&ours, Demand::Required)))]);
    let mut again = connect(&lane, &config, "open.test").await.unwrap();
    assert_eq!(again.stream.get_ref().1.handshake_kind(), Some(rustls::HandshakeKind::Full));
    assert_eq!(ask(&lane, &mut again, "open.test", "").await.0, "400");
}

/// As in CVE-2024-39321, where requests came in early data, which anybody who has recorded it can send again.
#[tokio::test]
async fn no_request_can_come_before_the_end_of_a_handshake() {
    let lane = Lane::start().await;
    let mut config = client(BOTH);
    config.enable_early_data = true;
    let config = Arc::new(config);
    let mut first = connect(&lane, &config, "a.test").await.unwrap();
    assert_eq!(ask(&lane, &mut first, "a.test", "").await.0, "200");
    let mut second = ClientConnection::new(Arc::clone(&config), ServerName::try_from("a.test").unwrap()).unwrap();
    assert!(second.early_data().is_none(), "a ticket allows it");
    let third = connect(&lane, &config, "a.test").await.unwrap();
    assert_eq!(third.stream.get_ref().1.handshake_kind(), Some(rustls::HandshakeKind::Resumed), "there was a ticket");
}

#[tokio::test]
async fn a_handshake_that_stalls_behind_its_hello_is_timed_out_while_it_is_asked_for_a_certificate() {
    let mut settings = bulkhead_model::Settings::default();
    settings.limits.tls_handshake = std::time::Duration::from_millis(50);
    let lane = Lane::with(settings.clone()).await;
    let policy = policy(&issuer("ours"), Demand::Required);
    super::clients::publish_with(&lane, 2, TlsTable::default(), &[("a.test", Some(&policy))], (false, settings));
    let mut session = ClientConnection::new(Arc::new(client(BOTH)), ServerName::try_from("a.test").unwrap()).unwrap();
    let mut stalled = Peer::new(TcpStream::connect(lane.proxy.tls_addresses()[0]).await.unwrap());
    let mut hello = Vec::new();
    session.write_tls(&mut hello).unwrap();
    stalled.stream.write_all(&hello).await.unwrap();
    eventually("it is timed out", || lane.faults("tls_timeout") == 1).await;
}
