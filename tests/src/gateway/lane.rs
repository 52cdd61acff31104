//! One gateway process with the files it follows.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Weak};

use crate::binaries::Binary;
use crate::exchange::{self, Answer, Connection};
use crate::process::{Launch, Process};
use crate::wait::wait_for;
use anyhow::{Context, ensure};
use bulkhead_crds::lane::LaneDocument;
use bulkhead_crds::report::{GatewayReport, RoutesReport};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use super::PATIENCE;
use super::manifest::{class, document};

/// The process that tests share as long as one of them runs: each has hosts of its own. Nobody may change its settings.
static SHARED: Mutex<Weak<Lane>> = Mutex::const_new(Weak::new());

/// A running gateway. Dropping it kills the process and removes its files.
pub struct Lane {
    pub process: Process,
    /// Where clients connect.
    pub http: SocketAddr,
    /// Where its pages are.
    pub admin: SocketAddr,
    files: TempDir,
}

impl Lane {
    /// The gateway that tests share.
    pub async fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().await;
        if let Some(lane) = shared.upgrade() {
            return lane;
        }
        let lane = Arc::new(Self::start(&document()).await);
        *shared = Arc::downgrade(&lane);
        lane
    }

    /// A gateway of one's own, ready, with the lane's class and nothing else.
    pub async fn start(document: &LaneDocument) -> Self {
        Self::start_as(document, gateway()).await
    }

    /// The same, started by a command that [`gateway`] is the usual one of: with an environment of its own, or by another program.
    pub async fn start_as(document: &LaneDocument, command: Command) -> Self {
        let files = TempDir::with_prefix("bulkhead-wire-").unwrap();
        fs::create_dir(files.path().join("manifests")).unwrap();
        replace(&files.path().join("manifests/class.yaml"), &class(&document.identity.uid));
        replace(&files.path().join("lane.json"), &serde_json::to_string(document).unwrap());
        let lane = Self::launch(files, command).await;
        lane.wait("a ready gateway", |report| report.ready).await;
        lane
    }

    /// A gateway on files that are there already; it may not be ready.
    async fn launch(files: TempDir, command: Command) -> Self {
        let (document, manifests) = (files.path().join("lane.json"), files.path().join("manifests"));
        let arguments = [
            "run".to_owned(),
            format!("--lane=file:{}", document.display()),
            format!("--source=dir:{}", manifests.display()),
            "--http=127.0.0.1:0".to_owned(),
            "--admin=127.0.0.1:0".to_owned(),
            "--threads=2".to_owned(),
        ];
        // A file per life: the addresses are those of the last one.
        let name = format!("gateway-{}", fs::read_dir(files.path()).unwrap().count());
        let process = Launch::new(&name, command, files.path()).args(arguments).start().unwrap();
        let (http, admin) = wait_for("the gateway's addresses", PATIENCE, async || {
            process.ensure_running()?;
            anyhow::Ok((listening(&process, "http")?, listening(&process, "admin")?))
        })
        .await
        .unwrap();
        Self { process, http, admin, files }
    }

    /// Where clients connect by TLS, of a gateway whose environment names an address for them (`BULKHEAD_HTTPS`).
    pub fn https(&self) -> SocketAddr {
        listening(&self.process, "https").unwrap()
    }

    /// Kills the process, as a crash would, and starts another one on the same files.
    pub async fn restart(self) -> Self {
        let Self { process, files, .. } = self;
        drop(process);
        Self::launch(files, gateway()).await
    }

    /// Puts a manifest file in place, whole.
    pub fn put(&self, file: &str, manifests: &str) {
        replace(&self.files.path().join("manifests").join(file), manifests);
    }

    /// Takes a manifest file away.
    pub fn remove(&self, file: &str) {
        fs::remove_file(self.files.path().join("manifests").join(file)).unwrap();
    }

    /// Changes the settings and waits until every data thread has them. The generation counts up by itself.
    pub async fn configure(&self, document: &LaneDocument) {
        let mut document = document.clone();
        document.config_generation = self.status().await.config_generation + 1;
        self.set_document(&serde_json::to_string(&document).unwrap());
        self.wait("the new settings", |report| report.config_generation == document.config_generation).await;
    }

    /// Replaces the lane document by any text.
    pub fn set_document(&self, text: &str) {
        replace(&self.files.path().join("lane.json"), text);
    }

    /// Its status page.
    pub async fn status(&self) -> GatewayReport {
        self.page("/v1/status").await.json().unwrap()
    }

    /// Its routes page.
    pub async fn routes(&self) -> RoutesReport {
        self.page("/v1/routes").await.json().unwrap()
    }

    /// A page of its admin endpoint.
    pub async fn page(&self, path: &str) -> Answer {
        exchange::get(self.admin, "admin", path).await.unwrap()
    }

    /// Every sample of its metrics page.
    pub async fn metrics(&self) -> BTreeMap<String, f64> {
        let page = self.page("/metrics").await.text();
        let samples = page.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' '));
        samples.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
    }

    /// Waits until a figure made of its metrics is as wanted: a request is counted when its client may have its answer already.
    pub async fn wait_for_metrics<F: PartialEq + Debug>(
        &self,
        figure: impl Fn(&BTreeMap<String, f64>) -> F,
        wanted: F,
    ) {
        let seen = wait_for("a figure of the metrics", PATIENCE, async || {
            self.process.ensure_running()?;
            let metrics = self.metrics().await;
            let seen = figure(&metrics);
            ensure!(seen == wanted, "{seen:?} instead of {wanted:?}: {metrics:#?}");
            Ok(())
        });
        seen.await.unwrap();
    }

    /// How often requests were refused or failed, for reasons that have occurred.
    pub async fn faults(&self) -> BTreeMap<String, u64> {
        let reason =
            |name: &str| Some(name.strip_prefix("bulkhead_faults_total{reason=\"")?.strip_suffix("\"}")?.to_owned());
        let metrics = self.metrics().await;
        metrics
            .iter()
            .filter_map(|(name, count)| Some((reason(name)?, *count as u64)))
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    /// Waits until its status is as wanted.
    pub async fn wait(&self, what: &str, wanted: impl Fn(&GatewayReport) -> bool) -> GatewayReport {
        wait_for(what, PATIENCE, async || {
            self.process.ensure_running()?;
            let report: GatewayReport = exchange::get(self.admin, "admin", "/v1/status").await?.json()?;
            ensure!(wanted(&report), "{report:#?}");
            Ok(report)
        })
        .await
        .unwrap()
    }

    /// A client's connection.
    pub async fn connect(&self) -> Connection<TcpStream> {
        Connection::open(self.http).await.unwrap()
    }

    /// Sends one request on a connection of its own.
    pub async fn send(&self, request: impl AsRef<[u8]>) -> Answer {
        exchange::send(self.http, request).await.unwrap()
    }

    /// GETs a path on a connection of its own, of which nothing is left behind.
    pub async fn get(&self, host: &str, path: &str) -> Answer {
        let mut client = self.connect().await;
        client.write(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await.unwrap();
        let answer = client.answer().await.unwrap();
        forget(client);
        answer
    }

    /// Waits until a GET has this status and content.
    pub async fn wait_for(&self, host: &str, path: &str, status: u16, content: &str) {
        let what = format!("{status} {content:?} from {host}{path}");
        let seen = wait_for(&what, PATIENCE, async || {
            self.process.ensure_running()?;
            let answer = exchange::get(self.http, host, path).await?;
            ensure!(
                answer.status == status && answer.text().contains(content),
                "{} {:?}",
                answer.status,
                answer.text()
            );
            Ok(())
        });
        seen.await.unwrap();
    }
}

/// The program, without arguments.
pub fn gateway() -> Command {
    Command::new(Binary::Gateway.path().unwrap())
}

/// Where a gateway says that it listens.
fn listening(process: &Process, what: &str) -> anyhow::Result<SocketAddr> {
    let log = process.log();
    let line = log.lines().find(|line| line.contains("\"message\":\"listening\"")).context("not listening yet")?;
    let line: serde_json::Value = serde_json::from_str(line)?;
    line[what].as_str().context("no address")?.parse().context("an address")
}

/// Closes a connection that is done with by a reset. Thousands of them would otherwise stay in the kernel's table for a minute, and make it
/// slow to read.
pub fn forget(mut client: Connection<TcpStream>) {
    client.stream().set_zero_linger().unwrap();
}

/// Writes a file beside its place and renames it: nobody sees a part of it.
fn replace(path: &Path, text: &str) {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let beside = path.with_file_name(format!(".{name}"));
    fs::write(&beside, text).unwrap();
    fs::rename(&beside, path).unwrap();
}
