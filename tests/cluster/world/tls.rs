//! Clients of a lane that speak TLS, and certificates for both sides.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bulkhead_crds::names::{HTTPS_PORT, LaneName};
use bulkhead_tests::wait::wait_for;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::{Fleet, SOON};

/// Longest wait for a byte.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who signs certificates.
pub(crate) struct Authority {
    pub(crate) issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key.
pub(crate) struct Signed {
    pub(crate) der: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Ok(Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate()?)? })
    }

    pub(crate) fn sign(&self, name: &str) -> Result<Signed> {
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new([name.to_owned()])?.signed_by(&key, &self.issuer)?;
        Ok(Signed { der: certificate.der().clone(), pem: certificate.pem(), key })
    }
}

impl Signed {
    pub(crate) fn secret(&self, name: &str) -> String {
        format!(
            "{{apiVersion: v1, kind: Secret, type: kubernetes.io/tls, metadata: {{name: {name}}}, stringData: {{tls.crt: {:?}, tls.key: {:?}}}}}",
            self.pem,
            self.key.serialize_pem()
        )
    }
}

/// A connection to the lane's gateway. Its calls block: the test has a thread of its own.
pub(crate) struct Connection(StreamOwned<ClientConnection, TcpStream>);

/// Awaits that a new connection is shown this certificate, and returns it.
pub(crate) async fn shown(
    fleet: &Fleet,
    lane: LaneName,
    authority: &Authority,
    host: &str,
    certificate: &Signed,
) -> Result<Connection> {
    wait_for(&format!("the certificate of {host}"), SOON, async || {
        let connection = connect(fleet, lane, authority, host, None)?;
        ensure!(connection.shown()? == certificate.der, "it is another one");
        Ok(connection)
    })
    .await
}

/// Shakes hands as a client that believes `authority` and has `identity` to show.
pub(crate) fn connect(
    fleet: &Fleet,
    lane: LaneName,
    authority: &Authority,
    host: &str,
    identity: Option<&Signed>,
) -> Result<Connection> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.issuer.der().clone())?;
    let builder = ClientConfig::builder().with_root_certificates(roots);
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some(Signed { der, key, .. }) => {
            let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
            builder.with_client_auth_cert(vec![der.clone()], key)?
        }
    };
    let address = SocketAddr::new(fleet.gateway(lane)?.ip(), HTTPS_PORT);
    let mut tcp = TcpStream::connect(address).with_context(|| format!("connect to {address}"))?;
    tcp.set_read_timeout(Some(PATIENCE))?;
    let mut session = ClientConnection::new(Arc::new(config), ServerName::try_from(host.to_owned())?)?;
    while session.is_handshaking() {
        session.complete_io(&mut tcp).context("shake hands")?;
    }
    Ok(Connection(StreamOwned::new(session, tcp)))
}

impl Connection {
    /// The certificate that the gateway has shown.
    pub(crate) fn shown(&self) -> Result<CertificateDer<'static>> {
        let chain = self.0.conn.peer_certificates().context("no certificate")?;
        Ok(chain.first().context("an empty chain")?.clone().into_owned())
    }

    /// Asks for `/`; the status.
    pub(crate) fn get(&mut self, host: &str) -> Result<u16> {
        write!(self.0, "GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")?;
        let (mut received, mut bytes) = (Vec::new(), [0; 4096]);
        loop {
            let text = String::from_utf8_lossy(&received);
            if let Some((head, content)) = text.split_once("\r\n\r\n") {
                let length = head
                    .lines()
                    .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
                if content.len() >= length.unwrap_or(0_usize) {
                    return head.split(' ').nth(1).context("no status")?.parse().context("no number");
                }
            }
            let read = self.0.read(&mut bytes)?;
            ensure!(read > 0, "the connection ended after {text:?}");
            received.extend_from_slice(bytes.get(..read).unwrap_or_default());
        }
    }
}
