//! Sessions and the policies they were begun under, with OpenSSL and with rustls.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned, SupportedProtocolVersion};

use super::{Secure, VERSIONS, issuer, text};
use crate::support::PATIENCE;

/// The same versions, as rustls has them.
const NAMED: [&[&SupportedProtocolVersion]; 2] = [&[&TLS12], &[&TLS13]];

/// A client that believes one certificate and keeps its sessions.
fn client(versions: &[&'static SupportedProtocolVersion], believed: &CertificateDer<'static>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(believed.clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    builder.with_protocol_versions(versions).unwrap().with_root_certificates(roots).with_no_client_auth()
}

/// Asks a host for `/`: whether a session was resumed for it, and the first line of the answer.
async fn ask(address: SocketAddr, client: &Arc<ClientConfig>, host: &'static str) -> (bool, String) {
    let client = Arc::clone(client);
    let asked = move || {
        let tcp = TcpStream::connect(address).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        let connection = ClientConnection::new(client, ServerName::try_from(host).unwrap()).unwrap();
        let mut session = StreamOwned::new(connection, tcp);
        write!(session, "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        session.read_to_string(&mut answer).unwrap();
        let is_resumed = session.conn.handshake_kind() == Some(HandshakeKind::Resumed);
        (is_resumed, answer.lines().next().unwrap_or_default().to_owned())
    };
    // On a thread of its own: the backend lives on this one.
    tokio::task::spawn_blocking(asked).await.unwrap()
}

const OK: &str = "HTTP/1.1 200 OK";

#[tokio::test]
async fn sessions_live_on_while_certificates_change() {
    let site = Secure::start().await;
    site.serve("kept", "a.test", &[]).await;
    let believed = site.show("kept", "a.test", "kept").await;
    site.serve("changed", "b.test", &[]).await;
    let mut known = Vec::new();
    for (number, (version, named)) in VERSIONS.into_iter().zip(NAMED).enumerate() {
        let session = site.keys.path().join(format!("session-{number}"));
        let with = |option| [version, option, text(&session)];
        let rustls = Arc::new(client(named, &believed));
        let first = site.ask("a.test", "a.test", &with("-sess_out")).await.unwrap();
        assert!(!first.is_resumed() && first.status() == 200, "{version}\n{}", first.0);
        assert_eq!(ask(site.https, &rustls, "a.test").await, (false, OK.to_owned()), "{version}");
        for change in [false, true] {
            if change {
                site.show("changed", "b.test", &format!("changed {number}")).await;
            }
            let again = site.ask("a.test", "a.test", &with("-sess_in")).await.unwrap();
            assert!(again.is_resumed() && again.status() == 200, "{version} {change}\n{}", again.0);
            assert_eq!(ask(site.https, &rustls, "a.test").await, (true, OK.to_owned()), "{version} {change}");
        }
        known.push((version, session, rustls));
    }
    site.show("kept", "a.test", "renewed").await;
    for (version, session, rustls) in known {
        let again = site.ask("a.test", "a.test", &[version, "-sess_in", text(&session)]).await.unwrap();
        assert!(again.is_resumed() && again.status() == 200, "{version}\n{}", again.0);
        assert_eq!(ask(site.https, &rustls, "a.test").await, (true, OK.to_owned()), "{version}");
        let mut stranger = ClientConfig::clone(&rustls);
        stranger.resumption = Resumption::disabled();
        let Err(_) = tokio::spawn(async move { ask(site.https, &Arc::new(stranger), "a.test").await }).await else {
            panic!("{version}: the certificate is still the one that was believed")
        };
    }
}

/// A session is good for the name, and under the policy, that it was begun with.
#[tokio::test]
async fn a_session_with_one_host_opens_no_other() {
    let site = Secure::start().await;
    site.secret("issuers", &[("ca.crt", &issuer("ours").pem())]);
    site.serve("open", "open.test", &[]).await;
    site.serve("inner", "inner.test", &["auth-tls-secret: issuers"]).await;
    site.serve("narrow", "narrow.test", &["ssl-ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256:DHE-RSA-AES128-SHA'"]).await;
    site.lane.wait_for("inner.test", "/", 403, "TLS").await;
    site.show("open", "open.test", "open").await;
    site.show("narrow", "narrow.test", "narrow").await;
    for (number, version) in VERSIONS.into_iter().enumerate() {
        let session = site.keys.path().join(format!("opened-{number}"));
        let first = site.ask("open.test", "open.test", &[version, "-sess_out", text(&session)]).await.unwrap();
        assert_eq!((first.is_resumed(), first.status()), (false, 200), "{version}\n{}", first.0);
        for (host, is_resumed, status) in
            [("open.test", true, 200), ("inner.test", false, 400), ("narrow.test", false, 200)]
        {
            let said = site.ask(host, host, &[version, "-sess_in", text(&session)]).await.unwrap();
            assert_eq!((said.is_resumed(), said.status()), (is_resumed, status), "{version} {host}\n{}", said.0);
        }
    }
    let narrow = site.ask("narrow.test", "narrow.test", &["-tls1_2"]).await.unwrap();
    assert_eq!(narrow.cipher(), "ECDHE-ECDSA-AES128-GCM-SHA256", "{}", narrow.0);
    let other = ["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"];
    assert_eq!(site.status("narrow.test", "narrow.test", &other).await, 0, "it is not spoken there");
    assert_eq!(site.status("open.test", "open.test", &other).await, 200);
}
