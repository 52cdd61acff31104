//! Certificates, from Secrets of a team to handshakes with a gateway that can read none of them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bulkhead_crds::names::{HTTPS_PORT, LaneName};
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DeleteParams, ListParams};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::world::routes::{backend, ingress};
use crate::world::{Fleet, SMALL, SOON};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![
        test(a_replaced_certificate_is_shown_to_new_connections_and_cuts_no_old_one),
        test(issuers_of_clients_are_copied_alone_and_close_their_host_when_they_go),
    ]
}

const LANE: LaneName = LaneName::NorthSouth;
/// Longest wait for a byte.
const PATIENCE: Duration = Duration::from_secs(10);

async fn a_replaced_certificate_is_shown_to_new_connections_and_cuts_no_old_one(
    cluster: &'static Cluster,
) -> Result<()> {
    let fleet = Fleet::listening(cluster, "shown", SMALL).await?;
    let team = cluster.namespace("team").await?;
    let _backend = backend(cluster, &team, "web").await?;
    let (authority, host) = (Authority::new("servers")?, "shown.example");
    let (first, second) = (authority.sign(host)?, authority.sign(host)?);
    cluster.apply(&team, &first.secret("web")).await?;
    let written =
        format!("{}  tls: [{{hosts: [{host}], secretName: web}}]\n", ingress("web", &fleet.class(LANE), host, "web"));
    cluster.apply(&team, &written).await?;

    // Verified by the client, as any other does: until then it is shown a certificate of nobody it knows.
    let mut old = shown(&fleet, &authority, host, &first).await?;
    ensure!(old.get(host)? == 200);
    cluster.apply(&team, &second.secret("web")).await?;
    let mut new = shown(&fleet, &authority, host, &second).await?;
    ensure!(new.get(host)? == 200, "a connection under the second certificate is not served");
    ensure!(old.get(host)? == 200, "the connection under the first certificate is not served any more");
    ensure!(old.shown()? == first.der, "the old connection is another one");
    Ok(())
}

async fn issuers_of_clients_are_copied_alone_and_close_their_host_when_they_go(
    cluster: &'static Cluster,
) -> Result<()> {
    let fleet = Fleet::listening(cluster, "issuers", SMALL).await?;
    let team = cluster.namespace("team").await?;
    let _backend = backend(cluster, &team, "web").await?;
    let (servers, clients, host) = (Authority::new("servers")?, Authority::new("clients")?, "issuers.example");
    let certificate = servers.sign(host)?;
    cluster.apply(&team, &certificate.secret("web")).await?;
    let tls = format!("  tls: [{{hosts: [{host}], secretName: web}}]\n");
    let wants = "metadata: {annotations: {nginx.ingress.kubernetes.io/auth-tls-secret: issuers}, ";
    let written = ingress("web", &fleet.class(LANE), host, "web").replacen("metadata: {", wants, 1) + &tls;
    cluster.apply(&team, &written).await?;
    fleet.wait_status(LANE, host, 503).await?;

    let issuers = format!(
        "{{apiVersion: v1, kind: Secret, metadata: {{name: issuers}}, stringData: {{ca.crt: {:?}, password: not-yours}}}}",
        clients.issuer.pem()
    );
    cluster.apply(&team, &issuers).await?;
    // In clear text there are no certificates.
    fleet.wait_status(LANE, host, 403).await?;
    let copied = keyring(&fleet).await?;
    let copied: Vec<_> = copied.iter().filter(|key| key.contains("_issuers_")).collect();
    ensure!(copied == [&format!("{team}_issuers_ca.crt")], "the keyring has {copied:?} of it");

    let (alice, mallory) = (clients.sign("alice")?, servers.sign("mallory")?);
    let status = |identity| anyhow::Ok(connect(&fleet, &servers, host, identity)?.get(host)?);
    ensure!(status(Some(&alice))? == 200, "a client with a certificate of the issuers is not served");
    ensure!(status(None)? == 400, "a client without a certificate is served");
    ensure!(status(Some(&mallory))? == 400, "a client with a certificate of others is served");

    Api::<Secret>::namespaced(cluster.admin.clone(), &team).delete("issuers", &DeleteParams::default()).await?;
    fleet.wait_status(LANE, host, 503).await?;
    ensure!(status(Some(&alice))? == 503, "a host whose issuers are gone is served");
    Ok(())
}

/// Names of all entries of the lane's keyring.
async fn keyring(fleet: &Fleet) -> Result<Vec<String>> {
    let secrets = Api::<Secret>::namespaced(fleet.cluster.admin.clone(), &fleet.namespace);
    let prefix = format!("{}-keyring-", fleet.class(LANE));
    let all = secrets.list(&ListParams::default()).await?.into_iter();
    let shards = all.filter(|secret| secret.metadata.name.as_ref().is_some_and(|name| name.starts_with(&prefix)));
    Ok(shards.flat_map(|secret| secret.data.unwrap_or_default().into_keys()).collect())
}

/// Who signs certificates.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key.
struct Signed {
    der: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
}

impl Authority {
    fn new(name: &str) -> Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Ok(Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate()?)? })
    }

    fn sign(&self, name: &str) -> Result<Signed> {
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new([name.to_owned()])?.signed_by(&key, &self.issuer)?;
        Ok(Signed { der: certificate.der().clone(), pem: certificate.pem(), key })
    }
}

impl Signed {
    fn secret(&self, name: &str) -> String {
        format!(
            "{{apiVersion: v1, kind: Secret, type: kubernetes.io/tls, metadata: {{name: {name}}}, stringData: {{tls.crt: {:?}, tls.key: {:?}}}}}",
            self.pem,
            self.key.serialize_pem()
        )
    }
}

/// A connection to the lane's gateway. Its calls block: the test has a thread of its own.
struct Connection(StreamOwned<ClientConnection, TcpStream>);

/// Awaits that a new connection is shown this certificate, and returns it.
async fn shown(fleet: &Fleet, authority: &Authority, host: &str, certificate: &Signed) -> Result<Connection> {
    wait_for(&format!("the certificate of {host}"), SOON, async || {
        let connection = connect(fleet, authority, host, None)?;
        ensure!(connection.shown()? == certificate.der, "it is another one");
        Ok(connection)
    })
    .await
}

/// Shakes hands as a client that believes `authority` and has `identity` to show.
fn connect(fleet: &Fleet, authority: &Authority, host: &str, identity: Option<&Signed>) -> Result<Connection> {
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
    let address = SocketAddr::new(fleet.gateway(LANE)?.ip(), HTTPS_PORT);
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
    fn shown(&self) -> Result<CertificateDer<'static>> {
        let chain = self.0.conn.peer_certificates().context("no certificate")?;
        Ok(chain.first().context("an empty chain")?.clone().into_owned())
    }

    /// Asks for `/`; the status.
    fn get(&mut self, host: &str) -> Result<u16> {
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
