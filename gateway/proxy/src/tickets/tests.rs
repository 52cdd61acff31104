//! Handshakes in memory, with a clock that tests set.

use std::sync::atomic::{AtomicU64, Ordering};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::server::NoServerSessionStorage;
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, RootCertStore, ServerConfig, ServerConnection,
    SupportedProtocolVersion,
};

use super::*;

const VERSIONS: [&[&SupportedProtocolVersion]; 2] = [&[&TLS12], &[&TLS13]];

/// Tickets by a clock that begins at a time which is no multiple of anything.
fn tickets() -> (Arc<Tickets>, Arc<AtomicU64>) {
    let clock = Arc::new(AtomicU64::new(1_000_000_007));
    let hand = Arc::clone(&clock);
    (Arc::new(Tickets::by(Box::new(move || hand.load(Ordering::Relaxed))).unwrap()), clock)
}

/// A server that seals with these, and a client that believes it.
fn pair(
    tickets: Arc<Tickets>,
    versions: &[&'static SupportedProtocolVersion],
) -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let made = rcgen::generate_simple_self_signed(["a.test".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let chain: Vec<CertificateDer<'static>> = vec![made.cert.der().clone()];
    let mut roots = RootCertStore::empty();
    roots.add(chain[0].clone()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.ticketer = tickets;
    let client = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    (Arc::new(server), Arc::new(client.with_root_certificates(roots).with_no_client_auth()))
}

/// Shakes hands, and hears of new tickets.
fn shake((server, client): &(Arc<ServerConfig>, Arc<ClientConfig>)) -> HandshakeKind {
    let mut server = ServerConnection::new(Arc::clone(server)).unwrap();
    let mut client = ClientConnection::new(Arc::clone(client), ServerName::try_from("a.test").unwrap()).unwrap();
    while client.wants_write() || server.wants_write() {
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets().unwrap();
        }
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets().unwrap();
        }
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    client.handshake_kind().unwrap()
}

fn is_full(kind: HandshakeKind) -> bool {
    kind != HandshakeKind::Resumed
}

#[test]
fn a_ticket_is_taken_for_a_period_after_its_key_was_changed_and_then_a_full_handshake_is_made() {
    for versions in VERSIONS {
        // How late in its key's time a ticket is sealed, how old it is when it comes back, and whether it is taken.
        for (sealed, age, is_taken) in [
            (0, 0, true),
            (0, PERIOD, true),
            (0, 2 * PERIOD - 1, true),
            (0, 2 * PERIOD, false),
            (PERIOD - 1, PERIOD, true),
            (PERIOD - 1, PERIOD + 1, false),
            (PERIOD - 1, 10 * PERIOD, false),
        ] {
            let (tickets, clock) = tickets();
            let pair = pair(tickets, versions);
            clock.fetch_add(sealed, Ordering::Relaxed);
            assert!(is_full(shake(&pair)));
            clock.fetch_add(age, Ordering::Relaxed);
            assert_eq!(shake(&pair) == HandshakeKind::Resumed, is_taken, "{versions:?} {sealed} {age}");
            assert_eq!(shake(&pair), HandshakeKind::Resumed, "the ticket that came of it is good");
        }
    }
}

#[test]
fn a_key_that_is_noticed_late_is_read_no_longer_for_that() {
    let (tickets, clock) = tickets();
    let old = tickets.encrypt(b"session").unwrap();
    clock.fetch_add(2 * PERIOD - 1, Ordering::Relaxed);
    assert_eq!(tickets.decrypt(&old).as_deref(), Some(&b"session"[..]));
    let new = tickets.encrypt(b"other").unwrap();
    clock.fetch_add(1, Ordering::Relaxed);
    assert_eq!(tickets.decrypt(&old), None);
    assert_eq!(tickets.decrypt(&new).as_deref(), Some(&b"other"[..]));
}

#[test]
fn what_is_no_ticket_of_ours_is_not_taken() {
    let (ours, _) = tickets();
    let (theirs, _) = tickets();
    let mut ticket = ours.encrypt(b"session").unwrap();
    assert_eq!(theirs.decrypt(&ticket), None);
    for at in 0..ticket.len() {
        ticket[at] ^= 1;
        assert_eq!(ours.decrypt(&ticket), None, "{at}");
        ticket[at] ^= 1;
    }
    assert!(ours.decrypt(&ticket).is_some());
    assert_eq!(ours.decrypt(b""), None);
}
