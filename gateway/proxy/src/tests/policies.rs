//! What a host says of the handshakes that name it, and that no session gets around it.

use std::sync::Arc;

use bulkhead_model::ciphers::Ciphers;
use bulkhead_model::client_auth::Demand;
use bulkhead_model::tls::{MinVersion, TlsPolicy, TlsWish};
use bulkhead_model::{ClientAuth, Settings, TlsTable};
use rustls::client::{ClientSessionMemoryCache, ClientSessionStore, Resumption, Tls12ClientSessionValue};
use rustls::client::{Tls12Resumption, Tls13ClientSessionValue};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, ClientConfig, HandshakeKind, NamedGroup, ProtocolVersion, SupportedProtocolVersion};

use super::clients::{ask, issuer, policy, publish_under};
use super::support::{Lane, eventually};
use super::tls::{BOTH, client, client_of, connect};

const AES_128: CipherSuite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
const CHACHA20: CipherSuite = CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256;
const VERSIONS: [&[&SupportedProtocolVersion]; 2] = [&[&TLS12], &[&TLS13]];

fn only(suite: CipherSuite) -> TlsWish {
    let at = Ciphers::SPOKEN.iter().position(|spoken| *spoken == suite).unwrap();
    TlsWish { ciphers: Ciphers::of_bits(1 << at), ..TlsWish::default() }
}

type Host<'h> = (&'h str, Option<&'h Arc<ClientAuth>>, TlsWish);

fn publish(lane: &Lane, number: u64, hosts: &[Host<'_>]) {
    publish_under(lane, number, TlsTable::default(), hosts, (false, Settings::default()));
}

/// Shakes hands for a host and asks it for `/`: how the handshake went, and the status.
async fn visit(lane: &Lane, client: &Arc<ClientConfig>, host: &str) -> std::io::Result<(bool, String)> {
    let mut peer = connect(lane, client, host).await?;
    let status = ask(lane, &mut peer, host, "").await.0;
    Ok((peer.stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed), status))
}

/// Keeps sessions without a thought for whom they are with, and offers them to everybody.
#[derive(Debug)]
struct Forgetful(ClientSessionMemoryCache);

fn somebody() -> ServerName<'static> {
    ServerName::try_from("somebody").unwrap()
}

impl ClientSessionStore for Forgetful {
    fn set_kx_hint(&self, _: ServerName<'static>, group: NamedGroup) {
        self.0.set_kx_hint(somebody(), group);
    }

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        self.0.kx_hint(&somebody())
    }

    fn set_tls12_session(&self, _: ServerName<'static>, session: Tls12ClientSessionValue) {
        self.0.set_tls12_session(somebody(), session);
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.0.tls12_session(&somebody())
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        self.0.insert_tls13_ticket(somebody(), ticket);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.0.take_tls13_ticket(&somebody())
    }
}

fn forgetful(versions: &[&'static SupportedProtocolVersion]) -> Arc<ClientConfig> {
    let mut config = client(versions);
    let store = Arc::new(Forgetful(ClientSessionMemoryCache::new(32)));
    config.resumption = Resumption::store(store).tls12_resumption(Tls12Resumption::SessionIdOrTickets);
    Arc::new(config)
}

#[tokio::test]
async fn each_host_has_its_own_versions_protocols_and_ciphers_and_the_rest_is_the_lanes() {
    let lane = Lane::start().await;
    let newer = TlsWish { min_version: Some(MinVersion::V13), ..TlsWish::default() };
    let older = TlsWish { min_version: Some(MinVersion::V12), ..TlsWish::default() };
    let plain = TlsWish { http2: Some(false), ..TlsWish::default() };
    let hosts: [Host<'_>; 6] = [
        ("newer.test", None, newer),
        ("older.test", None, older),
        ("plain.test", None, plain),
        ("cha.test", None, only(CHACHA20)),
        ("*.w.test", None, only(AES_128)),
        ("own.w.test", None, TlsWish::default()),
    ];
    publish(&lane, 2, &hosts);
    let mut both = client(BOTH);
    both.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let (both, old) = (Arc::new(both), Arc::new(client(&[&TLS12])));
    let agreed = async |client, name| {
        let peer = connect(&lane, client, name).await.ok()?;
        let connection = peer.stream.get_ref().1;
        let alpn = connection.alpn_protocol().map(|id| String::from_utf8(id.to_vec()).unwrap());
        Some((connection.protocol_version()?, connection.negotiated_cipher_suite()?.suite(), alpn))
    };
    let (v12, v13) = (ProtocolVersion::TLSv1_2, ProtocolVersion::TLSv1_3);
    let usual = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384;
    for (name, expected) in [
        ("newer.test", None),
        ("older.test", Some(usual)),
        ("plain.test", Some(usual)),
        ("cha.test", Some(CHACHA20)),
        ("CHA.Test.", Some(CHACHA20)),
        ("x.w.test", Some(AES_128)),
        ("own.w.test", Some(usual)),
        ("unknown.test", Some(usual)),
    ] {
        assert_eq!(agreed(&old, name).await, expected.map(|suite| (v12, suite, None)), "{name}");
        let (version, suite, alpn) = agreed(&both, name).await.unwrap();
        assert_eq!((version, suite), (v13, CipherSuite::TLS13_AES_256_GCM_SHA384), "{name}");
        assert_eq!(alpn.as_deref(), Some(if name == "plain.test" { "http/1.1" } else { "h2" }), "{name}");
    }
    eventually("what failed is counted", || lane.faults("tls_incompatible") == 1).await;
    let policy = TlsPolicy { min_version: MinVersion::V13, http2: false, ..TlsPolicy::default() };
    let mut table = TlsTable::default();
    table.policy = policy;
    publish_under(&lane, 3, table, &hosts, (false, Settings::default()));
    assert_eq!(agreed(&old, "older.test").await, None, "no host lowers what its lane has");
    assert_eq!(agreed(&both, "own.w.test").await.unwrap().2.as_deref(), Some("http/1.1"));
}

#[tokio::test]
async fn the_order_of_ciphers_is_the_clients_unless_the_host_wants_its_own() {
    let lane = Lane::start().await;
    let ours = TlsWish { server_order: Some(true), ..TlsWish::default() };
    publish(&lane, 2, &[("theirs.test", None, TlsWish::default()), ("ours.test", None, ours)]);
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.reverse();
    let backwards = Arc::new(client_of(provider, &[&TLS12]));
    for (name, suite) in
        [("theirs.test", CHACHA20), ("ours.test", CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384)]
    {
        let peer = connect(&lane, &backwards, name).await.unwrap();
        assert_eq!(peer.stream.get_ref().1.negotiated_cipher_suite().unwrap().suite(), suite, "{name}");
    }
}

/// A ticket is no way around what its host has come to want since, nor is it lost if that is taken back.
#[tokio::test]
async fn no_session_outlives_the_policy_it_was_begun_under() {
    let strict = policy(&issuer("ours"), Demand::Required);
    let unlike = TlsWish { server_order: Some(true), ..TlsWish::default() };
    for versions in VERSIONS {
        let lane = Lane::start().await;
        let client = Arc::new(client(versions));
        let open: [Host<'_>; 2] = [("a.test", None, TlsWish::default()), ("b.test", None, TlsWish::default())];
        publish(&lane, 2, &open);
        for name in ["a.test", "b.test"] {
            assert_eq!(visit(&lane, &client, name).await.unwrap(), (false, "200".to_owned()));
            assert_eq!(visit(&lane, &client, name).await.unwrap(), (true, "200".to_owned()));
        }
        let mut number = 3;
        for (auth, wish, status) in [
            (None, only(AES_128), "200"),
            (None, unlike, "200"),
            (Some(&strict), TlsWish::default(), "400"),
            (Some(&strict), only(AES_128), "400"),
        ] {
            publish(&lane, number, &[("a.test", auth, wish), open[1]]);
            assert_eq!(visit(&lane, &client, "a.test").await.unwrap(), (false, status.to_owned()), "{wish:?}");
            assert!(visit(&lane, &client, "b.test").await.unwrap().0, "what is another host's is left alone");
            publish(&lane, number + 1, &open);
            // What was begun under the other policy is good for nothing here, and the next is.
            visit(&lane, &client, "a.test").await.unwrap();
            assert_eq!(visit(&lane, &client, "a.test").await.unwrap(), (true, "200".to_owned()));
            number += 2;
        }
        let newer = TlsWish { min_version: Some(MinVersion::V13), ..TlsWish::default() };
        publish(&lane, number, &[("a.test", None, newer), open[1]]);
        match visit(&lane, &client, "a.test").await {
            Ok((resumed, _)) => assert!(!resumed && versions[0].version == ProtocolVersion::TLSv1_3),
            Err(_) => assert_eq!(versions[0].version, ProtocolVersion::TLSv1_2),
        }
    }
}

/// Whatever a client does with a session, it is good for the name and under the policy that it was begun with, and for nothing else.
#[tokio::test]
async fn a_session_with_one_host_opens_no_other() {
    let strict = policy(&issuer("ours"), Demand::Required);
    let newer = TlsWish { min_version: Some(MinVersion::V13), ..TlsWish::default() };
    for versions in VERSIONS {
        let is_old = versions[0].version == ProtocolVersion::TLSv1_2;
        for (other, auth, wish) in [
            ("like.test", None, TlsWish::default()),
            ("unlike.test", None, only(AES_128)),
            ("newer.test", None, newer),
            ("inner.test", Some(&strict), TlsWish::default()),
        ] {
            let lane = Lane::start().await;
            publish(&lane, 2, &[("open.test", None, TlsWish::default()), (other, auth, wish)]);
            let client = forgetful(versions);
            assert!(!visit(&lane, &client, "open.test").await.unwrap().0);
            assert!(visit(&lane, &client, "open.test").await.unwrap().0, "it does resume");
            match visit(&lane, &client, other).await {
                Ok((resumed, status)) => {
                    assert!(!resumed, "{other}");
                    assert_eq!(status, if auth.is_some() { "400" } else { "200" }, "{other}");
                    assert!(!(is_old && other == "newer.test"));
                }
                Err(error) => assert!(is_old && other == "newer.test", "{other}: {error}"),
            }
        }
    }
}
