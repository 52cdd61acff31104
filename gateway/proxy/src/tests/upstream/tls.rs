//! TLS towards backends: whose certificate is taken, and what becomes of the connection.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_model::backend::Protocol;
use bulkhead_model::upstream_tls::{TlsVersions, Trust, UpstreamTls};
use bulkhead_model::{Certificate, Settings};
use rustls::pki_types::ServerName;
use rustls::{HandshakeKind, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::authority::{Authority, identity, server};
use crate::tests::support::{Lane, Peer};

const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

fn policy(trust: Trust) -> UpstreamTls {
    UpstreamTls {
        trust,
        name: ServerName::try_from("web.shop.svc").unwrap(),
        asks_for_name: false,
        identity: None,
        versions: TlsVersions::Both,
    }
}

async fn lane(tls: UpstreamTls) -> Lane {
    let mut settings = Settings::default();
    // There is but one endpoint: another try would be more of the same.
    settings.upstream.tries = 1;
    Lane::to(settings, Protocol::Http1, Some(tls)).await
}

/// The backend's side of the next connection, after its handshake.
async fn accept(lane: &Lane, config: &Arc<ServerConfig>) -> std::io::Result<Peer<TlsStream<TcpStream>>> {
    let Peer { stream, .. } = lane.accept().await;
    Ok(Peer::new(TlsAcceptor::from(Arc::clone(config)).accept(stream).await?))
}

/// One exchange, in which the backend answers if it can; what the client gets.
async fn exchange(lane: &Lane, config: &Arc<ServerConfig>) -> String {
    let mut client = lane.client().await;
    client.send(GET).await;
    let backend = async {
        let mut backend = accept(lane, config).await?;
        backend.head().await;
        backend.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
        std::io::Result::Ok(backend)
    };
    let (head, _backend) = tokio::join!(client.head(), backend);
    head.lines().next().unwrap().to_owned()
}

#[tokio::test]
async fn only_a_backend_that_proves_who_it_is_gets_the_request() {
    let (ours, theirs) = (Authority::root(), Authority::root());
    let deep = ours.below();
    let shallow = |depth| Trust::Roots { roots: ours.roots(), depth: Some(depth) };
    for (case, trust, shown, fault) in [
        ("its own authority", ours.trust(), ours.issue("web.shop.svc"), None),
        ("an authority below ours", ours.trust(), deep.issue("web.shop.svc"), None),
        ("an authority below ours, and one is allowed", shallow(1), deep.issue("web.shop.svc"), None),
        (
            "an authority below ours, and none is allowed",
            shallow(0),
            deep.issue("web.shop.svc"),
            Some("upstream_untrusted"),
        ),
        ("another authority", ours.trust(), theirs.issue("web.shop.svc"), Some("upstream_untrusted")),
        ("another name", ours.trust(), ours.issue("mail.shop.svc"), Some("upstream_untrusted")),
        ("run out", ours.trust(), ours.issue_expired("web.shop.svc"), Some("upstream_untrusted")),
        ("run out, and nobody looks", Trust::Anyone, theirs.issue_expired("x.test"), None),
    ] {
        let lane = lane(policy(trust)).await;
        let status = exchange(&lane, &server(shown, "http/1.1", None)).await;
        let expected = if fault.is_some() { "HTTP/1.1 502 Bad Gateway" } else { "HTTP/1.1 200 OK" };
        assert_eq!(status, expected, "{case}");
        let tally = lane.proxy.tally();
        let failures = u64::from(fault.is_some());
        assert_eq!((tally.upstream_handshakes, tally.upstream_handshake_failures), (1 - failures, failures), "{case}");
        if let Some(fault) = fault {
            assert_eq!(lane.faults(fault), 1, "{case}");
        }
    }
}

#[tokio::test]
async fn the_handshake_names_whom_it_asks_for_only_where_it_is_told_to() {
    let ours = Authority::root();
    let config = server(ours.issue("web.shop.svc"), "http/1.1", None);
    for asks_for_name in [true, false] {
        let lane = lane(UpstreamTls { asks_for_name, ..policy(ours.trust()) }).await;
        let mut client = lane.client().await;
        client.send(GET).await;
        let backend = accept(&lane, &config).await.unwrap();
        let session = backend.stream.get_ref().1;
        assert_eq!(session.server_name(), asks_for_name.then_some("web.shop.svc"));
        assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));
    }
}

#[tokio::test]
async fn a_backend_that_asks_who_we_are_is_shown_the_certificate() {
    let (ours, clients) = (Authority::root(), Authority::root());
    let config = server(ours.issue("web.shop.svc"), "http/1.1", Some(&clients));
    let key = clients.issue("gateway.test");
    let identity: Option<Arc<Certificate>> = identity(Arc::clone(&key));
    let lane_with = lane(UpstreamTls { identity, ..policy(ours.trust()) }).await;
    let mut client = lane_with.client().await;
    client.send(GET).await;
    let mut backend = accept(&lane_with, &config).await.unwrap();
    assert_eq!(backend.stream.get_ref().1.peer_certificates().unwrap(), key.cert);
    backend.head().await;
    backend.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 204 "));
    // Without one it is let in nowhere, and the client is told so.
    let without = lane(policy(ours.trust())).await;
    let mut client = without.client().await;
    client.send(GET).await;
    assert!(accept(&without, &config).await.is_err());
    assert!(client.head().await.starts_with("HTTP/1.1 502 "));
}

#[tokio::test]
async fn a_session_carries_many_requests_and_content_both_ways() {
    let ours = Authority::root();
    let config = server(ours.issue("web.shop.svc"), "http/1.1", None);
    let lane = lane(policy(ours.trust())).await;
    let mut client = lane.client().await;
    let long = "x".repeat(300_000);
    client.send(&format!("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 300000\r\n\r\n{long}")).await;
    let mut backend = accept(&lane, &config).await.unwrap();
    backend.head().await;
    backend.until(&long).await;
    for _ in 0..3 {
        backend.send(&format!("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n{long}")).await;
        client.head().await;
        client.until(&long).await;
        client.send(GET).await;
        // What the backend said beside its answers, such as tickets, does not keep the session from being used again.
        assert!(backend.head().await.starts_with("GET / "));
    }
    let tally = lane.proxy.tally();
    assert_eq!((tally.upstream_connects, tally.upstream_handshakes, tally.upstream_reuses), (1, 1, 3));
}

#[tokio::test]
async fn a_session_that_the_backend_ended_is_not_used_again_but_resumed() {
    let ours = Authority::root();
    let config = server(ours.issue("web.shop.svc"), "http/1.1", None);
    let lane = lane(policy(ours.trust())).await;
    let mut client = lane.client().await;
    for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
        client.send(GET).await;
        let mut backend = accept(&lane, &config).await.unwrap();
        assert_eq!(backend.stream.get_ref().1.handshake_kind(), Some(kind));
        backend.head().await;
        backend.send("HTTP/1.1 204 No Content\r\n\r\n").await;
        client.head().await;
        tokio::io::AsyncWriteExt::shutdown(&mut backend.stream).await.unwrap();
        // The gateway has heard it once nothing is left to be read.
        drop(backend);
    }
}

#[tokio::test]
async fn a_backend_without_tls_or_without_a_word_is_told_apart() {
    let ours = Authority::root();
    let plain = lane(policy(ours.trust())).await;
    let mut client = plain.client().await;
    client.send(GET).await;
    let mut backend = plain.accept().await;
    backend.send("HTTP/1.1 400 Bad Request\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 502 "));
    assert_eq!(plain.faults("upstream_handshake"), 1);

    let mut settings = Settings::default();
    (settings.upstream.connect, settings.upstream.tries) = (Duration::from_millis(100), 1);
    let silent = Lane::to(settings, Protocol::Http1, Some(policy(ours.trust()))).await;
    let mut client = silent.client().await;
    client.send(GET).await;
    let _backend = silent.accept().await;
    assert!(client.head().await.starts_with("HTTP/1.1 504 "));
    assert_eq!(silent.faults("connect_timeout"), 1);
}
