//! Whoever reaches the port of the webhook, and is no API server.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bulkhead_operator::webhook::keeper::SECRET;
use bulkhead_operator::webhook::secret;
use bulkhead_operator::webhook::server::{REVIEW_BYTES, REVIEW_TIMEOUT};
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::wait::wait_for;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tokio::time::Instant;

use super::hook::{Hook, PORT, annotated, refusal, secrets};
use super::{BAD, LANE};
use crate::world::operator::Lone;
use crate::world::{Fleet, SMALL, SOON};

/// Longest wait for a byte.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn whatever_reaches_the_port_reviews_go_on(cluster: &'static Cluster) -> Result<()> {
    let lone = Lone::take(cluster).await?;
    let cluster = lone.cluster;
    let team = cluster.namespace("team").await?;
    let hook = Hook::start(cluster, 19_101).await?;
    let fleet = Fleet::create(cluster, "besieged", SMALL).await?;
    fleet.wait_phase("Listening").await?;
    let bad = annotated("bad", &fleet.class(LANE), BAD);
    wait_for("a refusal", SOON, async || refusal(cluster, &team, &bad).await).await?;

    let chest = secret::read(&secrets(cluster).get(SECRET).await?).context("no certificate")?;
    let visitor = Visitor { to: (hook.ip, PORT).into(), authority: chest.serving.authority };
    let large = vec![b'['; REVIEW_BYTES];
    for content in [b"what is this".as_slice(), b"{}", &large] {
        let told = visitor.post(content)?;
        ensure!(told.starts_with("HTTP/1.1 400 "), "{} bytes are told {told:?}", content.len());
    }
    let mut refused = visitor.begin(4 << 20)?;
    ensure!(status(&mut refused)? == "413", "4 MiB are not too much");
    // Some who drip, some who say nothing at all, and some who do not even shake hands.
    let begun = Instant::now();
    let mut dripping: Vec<_> = (0..4).map(|_| visitor.begin(100_000)).collect::<Result<_>>()?;
    let silent: Vec<_> = (0..20).map(|_| visitor.connect()).collect::<Result<_>>()?;
    let mute: Vec<_> = (0..20).map(|_| TcpStream::connect(visitor.to)).collect::<Result<_, _>>()?;
    wait_for("a refusal meanwhile", SOON, async || refusal(cluster, &team, &bad).await).await?;
    for connection in &mut dripping {
        ensure!(status(connection)? == "503", "it has an answer");
    }
    let took = begun.elapsed();
    ensure!(took < REVIEW_TIMEOUT * 5, "who drips is waited for {took:?}");
    refusal(cluster, &team, &bad).await?;
    hook.operator.process.ensure_running()?;
    drop((silent, mute));
    hook.off(cluster).await
}

/// Somebody who knows the authority.
pub(super) struct Visitor {
    pub(super) to: SocketAddr,
    pub(super) authority: String,
}

impl Visitor {
    /// Shakes hands with whoever the authority vouches for.
    pub(super) fn connect(&self) -> Result<StreamOwned<ClientConnection, TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.as_bytes())?)?;
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let mut tcp = TcpStream::connect(self.to)?;
        tcp.set_read_timeout(Some(PATIENCE))?;
        let name = ServerName::try_from("bulkhead-webhook.bulkhead-system.svc")?;
        let mut session = ClientConnection::new(Arc::new(config), name)?;
        while session.is_handshaking() {
            session.complete_io(&mut tcp).context("shake hands")?;
        }
        Ok(StreamOwned::new(session, tcp))
    }

    /// Posts content; the answer.
    fn post(&self, content: &[u8]) -> Result<String> {
        let mut connection = self.connect()?;
        write!(
            connection,
            "POST /validate/ingresses HTTP/1.1\r\nHost: hook\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            content.len()
        )?;
        connection.write_all(content)?;
        let (mut answer, mut bytes) = (Vec::new(), [0; 4096]);
        while let Ok(read @ 1..) = connection.read(&mut bytes) {
            answer.extend_from_slice(bytes.get(..read).unwrap_or_default());
        }
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// Posts the beginning of something long.
    fn begin(&self, length: usize) -> Result<StreamOwned<ClientConnection, TcpStream>> {
        let mut connection = self.connect()?;
        write!(connection, "POST /validate/ingresses HTTP/1.1\r\nHost: hook\r\nContent-Length: {length}\r\n\r\n{{")?;
        connection.flush()?;
        Ok(connection)
    }
}

/// The status of the next answer.
fn status(connection: &mut impl Read) -> Result<String> {
    let mut line = [0; 12];
    connection.read_exact(&mut line).context("read a status")?;
    let line = String::from_utf8_lossy(&line).into_owned();
    Ok(line.rsplit(' ').next().unwrap_or_default().to_owned())
}
