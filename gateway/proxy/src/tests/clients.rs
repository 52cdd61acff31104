//! Client certificates, from the handshake to what the backend is told. Tests that stand for a class of mistakes of others name one
//! of its members.

use std::sync::Arc;

use bulkhead_model::client_auth::{Demand, RouteAuth};
use bulkhead_model::path_table::PathTable;
use bulkhead_model::pattern::{HostPattern, PathPattern};
use bulkhead_model::route::{PathKind, Weighted};
use bulkhead_model::settings::Network;
use bulkhead_model::tls::TlsWish;
use bulkhead_model::{
    Action, ClientAuth, ClientRoots, HostTable, Location, Route, Settings, Snapshot, SubjectRule, TlsTable,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, HandshakeKind};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::support::{Lane, Peer, eventually};
use super::tls::{BOTH, client, connect};

type Issuer = CertifiedIssuer<'static, KeyPair>;

pub(super) fn issuer(name: &str) -> Issuer {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for a client, valid until the beginning of a year.
pub(super) fn signed(issuer: &Issuer, until: i32) -> Arc<CertifiedKey> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::OrganizationName, "Mill");
    params.distinguished_name.push(DnType::CommonName, "alice");
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(until, 1, 1));
    let key = KeyPair::generate().unwrap();
    let chain = vec![params.signed_by(&key, issuer).unwrap().der().clone()];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Arc::new(CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).unwrap())
}

/// Where clients of a host that names subjects are sent if their certificate is no good.
const PAGE: &str = "https://help.test/why?not=1";

pub(super) fn policy(issuer: &Issuer, demand: Demand) -> Arc<ClientAuth> {
    policy_for(issuer, demand, None)
}

fn policy_for(issuer: &Issuer, demand: Demand, subject: Option<&str>) -> Arc<ClientAuth> {
    let subject = subject.map(|rule| SubjectRule::parse(rule).unwrap());
    let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
    let roots = ClientRoots::new("mill/ca", &[issuer.der().clone()], &[], algorithms).unwrap();
    Arc::new(ClientAuth { demand, depth: 1, roots: Arc::new(roots), subject })
}

/// Publishes one route for each host, to the backend of the lane.
pub(super) fn publish(lane: &Lane, number: u64, tls: TlsTable, hosts: &[(&str, Option<&Arc<ClientAuth>>)]) {
    publish_with(lane, number, tls, hosts, (false, Settings::default()));
}

pub(super) fn publish_with(
    lane: &Lane,
    number: u64,
    tls: TlsTable,
    hosts: &[(&str, Option<&Arc<ClientAuth>>)],
    (pass_certificate, settings): (bool, Settings),
) {
    let hosts: Vec<_> = hosts.iter().map(|(host, policy)| (*host, *policy, TlsWish::default())).collect();
    publish_under(lane, number, tls, &hosts, (pass_certificate, settings));
}

/// The same, of hosts that have something to say of their handshakes.
pub(super) fn publish_under(
    lane: &Lane,
    number: u64,
    tls: TlsTable,
    hosts: &[(&str, Option<&Arc<ClientAuth>>, TlsWish)],
    (pass_certificate, settings): (bool, Settings),
) {
    let table = hosts.iter().map(|(host, policy, wish)| {
        let route = Route {
            host: (*host).into(),
            path: "/".into(),
            kind: PathKind::Prefix,
            origin: "shop/web".into(),
            expression: None,
            client_auth: policy.map(|policy| RouteAuth {
                policy: Arc::clone(policy),
                pass_certificate,
                error_page: policy.subject.as_ref().and_then(|_| Location::parse(PAGE)),
            }),
            filters: None,
            action: Action::Forward(Box::new([Weighted { backend: Arc::clone(&lane.backend), weight: 1 }])),
        };
        let paths = PathTable::new([(PathPattern::prefix("/").unwrap(), Arc::new(route))], false).under(*wish);
        (HostPattern::parse(host).unwrap(), Arc::new(paths))
    });
    let hosts = HostTable::from_iter(table);
    let settings = Arc::new(settings);
    lane.publication.publish(Arc::new(Snapshot { number, config_generation: 1, settings, hosts, tls: Arc::new(tls) }));
}

/// A client with this certificate, or none.
fn with(identity: Option<&Arc<CertifiedKey>>) -> Arc<ClientConfig> {
    let mut config = client(BOTH);
    if let Some(identity) = identity {
        config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(Arc::clone(identity)));
    }
    Arc::new(config)
}

type Secure = Peer<TlsStream<TcpStream>>;

/// Asks for `/` of `host`; the status, and what the backend was sent if it was asked.
pub(super) async fn ask(lane: &Lane, peer: &mut Secure, host: &str, more: &str) -> (String, String) {
    peer.send(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n{more}\r\n")).await;
    let answered = async {
        let head = peer.head().await;
        let length: usize =
            head.split("Content-Length: ").nth(1).unwrap().split("\r\n").next().unwrap().parse().unwrap();
        let mut content = String::new();
        while content.len() < length {
            content.push_str(&peer.until("\n").await);
        }
        head.split(' ').nth(1).unwrap().to_owned()
    };
    let served = async {
        let mut backend = lane.accept().await;
        let head = backend.head().await;
        backend.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nhi\n").await;
        head
    };
    tokio::pin!(answered);
    tokio::select! {
        status = &mut answered => (status, String::new()),
        head = served => (answered.await, head),
    }
}

pub(super) async fn status(lane: &Lane, client: &Arc<ClientConfig>, name: &str, host: &str) -> String {
    let mut peer = connect(lane, client, name).await.unwrap();
    ask(lane, &mut peer, host, "").await.0
}

#[tokio::test]
async fn who_is_let_in_depends_on_the_certificate_and_on_what_the_host_demands() {
    let lane = Lane::start().await;
    let (ours, theirs) = (issuer("ours"), issuer("theirs"));
    let [good, expired, foreign] = [signed(&ours, 2100), signed(&ours, 2021), signed(&theirs, 2100)];
    use Demand::{Optional, OptionalUntrusted, Required};
    for (number, (demand, expected)) in [
        (Required, ["400", "200", "400", "400"]),
        (Optional, ["200", "200", "400", "400"]),
        (OptionalUntrusted, ["200", "200", "400", "200"]),
    ]
    .into_iter()
    .enumerate()
    {
        publish(&lane, number as u64 + 2, TlsTable::default(), &[("a.test", Some(&policy(&ours, demand)))]);
        for (identity, expected) in [None, Some(&good), Some(&expired), Some(&foreign)].into_iter().zip(expected) {
            for versions in [&[&TLS12][..], &[&TLS13]] {
                let mut config = client(versions);
                if let Some(identity) = identity {
                    config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(Arc::clone(identity)));
                }
                assert_eq!(status(&lane, &Arc::new(config), "a.test", "a.test").await, expected, "{demand:?}");
            }
        }
    }
    assert!(lane.faults("client_certificate_missing") > 0 && lane.faults("client_certificate_refused") > 0);
}

#[tokio::test]
async fn a_host_that_names_subjects_lets_in_no_others_and_sends_those_without_a_good_certificate_elsewhere() {
    use Demand::{Optional, OptionalUntrusted, Required};
    let lane = Lane::start().await;
    let (ours, theirs) = (issuer("ours"), issuer("theirs"));
    let [good, expired, foreign] = [signed(&ours, 2100), signed(&ours, 2021), signed(&theirs, 2100)];
    let elsewhere = Some(PAGE);
    for (number, (demand, rule, identity, status, location)) in [
        (Required, "CN=alice", Some(&good), "200", None),
        (Required, "CN=(bob|alice)$", Some(&good), "200", None),
        (Required, "CN=bob", Some(&good), "403", None),
        (Required, "CN=Mill", Some(&good), "403", None),
        (Required, "CN=alice", None, "302", elsewhere),
        (Required, "CN=alice", Some(&expired), "302", elsewhere),
        (Required, "CN=alice", Some(&foreign), "302", elsewhere),
        (Optional, "CN=alice", None, "403", None),
        (Optional, "CN=bob", Some(&good), "403", None),
        (OptionalUntrusted, "CN=alice", Some(&foreign), "200", None),
        (OptionalUntrusted, "CN=bob", Some(&foreign), "403", None),
        (OptionalUntrusted, "CN=alice", Some(&expired), "302", elsewhere),
    ]
    .into_iter()
    .enumerate()
    {
        let policy = policy_for(&ours, demand, Some(rule));
        publish(&lane, number as u64 + 2, TlsTable::default(), &[("a.test", Some(&policy)), ("b.test", None)]);
        let mut peer = connect(&lane, &with(identity), "a.test").await.unwrap();
        if status == "200" {
            assert_eq!(ask(&lane, &mut peer, "a.test", "").await.0, "200", "{demand:?} {rule}");
            continue;
        }
        peer.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
        let head = peer.head().await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{demand:?} {rule}: {head}");
        assert_eq!(head.split("Location: ").nth(1).and_then(|rest| rest.lines().next()), location, "{head}");
        peer.until("\n").await;
        assert_eq!(ask(&lane, &mut peer, "b.test", "").await.0, "200", "the connection is as good as before");
        peer.send("GET / HTTP/1.1\r\nHost: \r\n\r\n").await;
        let head = peer.head().await;
        assert!(!head.contains("Location"), "nor is anybody else sent there: {head}");
    }
    eventually("it is counted", || lane.faults("client_subject_refused") == 5).await;
}

/// As in CVE-2026-48491 and CVE-2026-50149, where a policy was chosen by the name in the handshake, or by none, and a request for
/// another host came in under it.
#[tokio::test]
async fn a_host_with_a_policy_is_served_on_connections_to_itself_only() {
    let lane = Lane::start().await;
    let ours = issuer("ours");
    let (good, strict) = (with(Some(&signed(&ours, 2100))), policy(&ours, Demand::Required));
    let open = ("open.test", None);
    let hosts = [("a.test", Some(&strict)), ("b.test", Some(&strict)), ("*.w.test", Some(&strict)), open];
    publish(&lane, 2, TlsTable::default(), &hosts);
    for (name, host, expected) in [
        ("a.test", "a.test", "200"),
        ("a.test", "A.Test.:443", "200"),
        ("A.TEST", "a.test", "200"),
        ("x.w.test", "x.w.test", "200"),
        ("x.w.test", "X.W.TEST", "200"),
        ("x.w.test", "y.w.test", "421"),
        ("a.test", "b.test", "421"),
        ("open.test", "a.test", "421"),
        ("unknown.test", "a.test", "421"),
        // An address is no server name: the handshake names nobody (RFC 6066 section 3).
        ("127.0.0.1", "a.test", "421"),
        ("a.test", "open.test", "200"),
        ("open.test", "open.test", "200"),
        ("127.0.0.1", "open.test", "200"),
    ] {
        assert_eq!(status(&lane, &good, name, host).await, expected, "{name} {host}");
    }
    let mut plain = lane.client().await;
    plain.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    assert!(plain.head().await.starts_with("HTTP/1.1 403 "));
    let mut trusted = Settings::default();
    trusted.forwarded.trusted = vec![Network { address: "127.0.0.0".parse().unwrap(), prefix: 8 }];
    publish_with(&lane, 3, TlsTable::default(), &[("a.test", Some(&strict))], (false, trusted));
    let mut behind = lane.client().await;
    behind
        .send("GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-Proto: https\r\nSsl-Client-Verify: SUCCESS\r\n\r\n")
        .await;
    assert!(behind.head().await.starts_with("HTTP/1.1 403 "), "whatever a proxy in front says");
}

#[tokio::test]
async fn a_421_leaves_the_connection_to_the_requests_that_belong_on_it() {
    let lane = Lane::start().await;
    let ours = issuer("ours");
    let strict = policy(&ours, Demand::Required);
    publish(&lane, 2, TlsTable::default(), &[("a.test", Some(&strict)), ("b.test", Some(&strict))]);
    let mut peer = connect(&lane, &with(Some(&signed(&ours, 2100))), "a.test").await.unwrap();
    for (host, expected) in [("a.test", "200"), ("b.test", "421"), ("a.test", "200")] {
        assert_eq!(ask(&lane, &mut peer, host, "").await.0, expected, "{host}");
    }
    eventually("it is counted", || lane.faults("misdirected") == 1).await;
}

#[tokio::test]
async fn a_policy_that_changes_holds_for_connections_that_are_open() {
    let lane = Lane::start().await;
    let (ours, theirs) = (issuer("ours"), issuer("theirs"));
    let (first, second) = (policy(&ours, Demand::Required), policy(&theirs, Demand::Required));
    publish(&lane, 2, TlsTable::default(), &[("a.test", Some(&first))]);
    let mut peer = connect(&lane, &with(Some(&signed(&ours, 2100))), "a.test").await.unwrap();
    let mut steps = 2;
    for (policy, expected) in [(&first, "200"), (&second, "400"), (&first, "200")] {
        steps += 1;
        publish(&lane, steps, TlsTable::default(), &[("a.test", Some(policy))]);
        assert_eq!(ask(&lane, &mut peer, "a.test", "").await.0, expected);
    }
    // One that comes to a host is not held against those who were never asked: they are told to come again.
    publish(&lane, 10, TlsTable::default(), &[("a.test", None)]);
    let mut early = connect(&lane, &with(None), "a.test").await.unwrap();
    assert_eq!(ask(&lane, &mut early, "a.test", "").await.0, "200");
    publish(&lane, 11, TlsTable::default(), &[("a.test", Some(&first))]);
    assert_eq!(ask(&lane, &mut early, "a.test", "").await.0, "421");
    assert_eq!(lane.proxy.tally().accepted, 2, "no connection was cut");
}

#[tokio::test]
async fn a_client_that_is_asked_is_asked_each_time() {
    let lane = Lane::start().await;
    let ours = issuer("ours");
    let strict = policy(&ours, Demand::Required);
    publish(&lane, 2, TlsTable::default(), &[("a.test", Some(&strict)), ("open.test", None)]);
    for versions in [&[&TLS12][..], &[&TLS13]] {
        let mut config = client(versions);
        config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(Arc::clone(&signed(&ours, 2100))));
        let config = Arc::new(config);
        for (name, kinds) in
            [("a.test", [HandshakeKind::Full; 2]), ("open.test", [HandshakeKind::Full, HandshakeKind::Resumed])]
        {
            for kind in kinds {
                let mut peer = connect(&lane, &config, name).await.unwrap();
                assert_eq!(ask(&lane, &mut peer, name, "").await.0, "200");
                assert_eq!(peer.stream.get_ref().1.handshake_kind(), Some(kind), "{name}");
            }
        }
    }
}

/// As in CVE-2026-33433 and CVE-2026-29054, where a client could say itself who it was.
#[tokio::test]
async fn backends_hear_of_a_certificate_from_the_gateway_and_from_nobody_else() {
    let lane = Lane::start().await;
    let ours = issuer("ours");
    let good = signed(&ours, 2100);
    let policy = policy(&ours, Demand::Optional);
    let lies = "Ssl-Client-Verify: SUCCESS\r\nssl-client-subject-dn: CN=root\r\nSSL-CLIENT-ISSUER-DN: CN=ours\r\n\
                Ssl-Client-Cert: x\r\nSsl-Client-Fingerprint: x\r\nSsl_Client_Verify: SUCCESS\r\n";
    let mut trusting = Settings::default();
    trusting.forwarded.trusted = vec![Network { address: "127.0.0.0".parse().unwrap(), prefix: 8 }];
    for (number, (settings, pass)) in
        [(Settings::default(), true), (Settings::default(), false), (trusting, true)].into_iter().enumerate()
    {
        publish_with(&lane, number as u64 + 2, TlsTable::default(), &[("a.test", Some(&policy))], (pass, settings));
        for identity in [Some(&good), None] {
            let mut peer = connect(&lane, &with(identity), "a.test").await.unwrap();
            let (status, head) = ask(&lane, &mut peer, "a.test", lies).await;
            assert_eq!(status, "200");
            let mut told: Vec<&str> =
                head.lines().filter(|line| line.to_ascii_lowercase().starts_with("ssl")).collect();
            let sent = told.iter().position(|line| line.starts_with("Ssl-Client-Cert: ")).map(|at| told.remove(at));
            if identity.is_some() {
                let names = [
                    "Ssl-Client-Verify: SUCCESS",
                    "Ssl-Client-Subject-Dn: O=Mill,CN=alice",
                    "Ssl-Client-Issuer-Dn: CN=ours",
                ];
                assert_eq!(told, names, "{head}");
                assert_eq!(sent.is_some(), pass);
                assert!(sent.is_none_or(|sent| sent.contains("-----BEGIN%20CERTIFICATE-----%0AMII")), "{head}");
            } else {
                assert_eq!((told, sent), (vec!["Ssl-Client-Verify: NONE"], None), "{head}");
            }
        }
    }
}

#[tokio::test]
async fn a_client_is_told_whose_certificates_are_accepted_and_cannot_send_any_amount() {
    let lane = Lane::start().await;
    let ours = issuer("ours");
    publish(&lane, 2, TlsTable::default(), &[("a.test", Some(&policy(&ours, Demand::OptionalUntrusted)))]);
    let good = signed(&ours, 2100);
    let chain = |count: usize| {
        let certificates: Vec<CertificateDer<'static>> = std::iter::repeat_n(good.cert[0].clone(), count).collect();
        Arc::new(CertifiedKey::new(certificates, Arc::clone(&good.key)))
    };
    assert_eq!(status(&lane, &with(Some(&chain(10))), "a.test", "a.test").await, "200");
    let mut refused = match connect(&lane, &with(Some(&chain(11))), "a.test").await {
        // Under TLS 1.3 a client has finished before the server has looked.
        Ok(peer) => peer,
        Err(_) => return,
    };
    assert!(refused.end().await.is_err());
    eventually("it is counted", || lane.faults("tls_failed") == 1).await;
}
