//! Starting what is measured, each alone on one processor with files of its own.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bulkhead_crds::report::GatewayReport;
use bulkhead_tests::process::{Launch, Process};
use bulkhead_tests::wait::wait_for;
use bulkhead_tests::{exchange, places};
use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::site;
use crate::traffic::Traffic;

/// Longer than any of them takes to start, also under valgrind.
const PATIENCE: Duration = Duration::from_secs(60);

/// The backend, and the files that all measurements share.
pub(crate) struct Bench {
    files: TempDir,
    backend: u16,
    started: AtomicUsize,
    _process: Process,
}

/// A proxy that serves.
pub(crate) struct Proxy {
    pub(crate) process: Process,
    /// Where it is asked.
    pub(crate) port: u16,
}

/// A gateway with the manifests it follows.
pub(crate) struct Gateway {
    pub(crate) proxy: Proxy,
    /// Where its pages are.
    pub(crate) admin: SocketAddr,
    /// From its start until it was ready.
    pub(crate) ready_after: Duration,
    manifests: PathBuf,
}

impl Bench {
    /// Starts the backend beside the load, on the first processor.
    pub(crate) fn new() -> Result<Self> {
        let files = TempDir::with_prefix("bulkhead-bench-").context("make a folder")?;
        let backend = free_port()?;
        for (traffic, requests) in [
            (Traffic::Http1, site::requests(&[])),
            (Traffic::Expressions, site::requests_for_expressions()),
            (Traffic::Handshakes, site::requests(&[("Connection", "close")])),
        ] {
            fs::write(script(files.path(), traffic), requests)?;
        }
        let key = KeyPair::generate().context("make a key")?;
        let chain = CertificateParams::new(["localhost".to_owned()])?.self_signed(&key)?.pem();
        fs::write(files.path().join("chain.pem"), &chain)?;
        fs::write(files.path().join("key.pem"), key.serialize_pem())?;
        fs::write(files.path().join("both.pem"), chain + &key.serialize_pem())?;
        let process = nginx(files.path(), "backend", "0", &site::nginx_backend(backend))?;
        Ok(Self { files, backend, started: AtomicUsize::new(0), _process: process })
    }

    /// The script of `wrk` for this traffic.
    pub(crate) fn script(&self, traffic: Traffic) -> PathBuf {
        script(self.files.path(), traffic)
    }

    /// A gateway with one data thread; `under` are the words of a command that runs it, such as valgrind's.
    pub(crate) async fn gateway(&self, traffic: Traffic, under: &[&str]) -> Result<Gateway> {
        let mut hosts: Vec<_> =
            (0..site::HOSTS).map(|number| (format!("host{number}.yaml"), site::ingress(number, None))).collect();
        if traffic == Traffic::Expressions {
            hosts.push(("tenants.yaml".to_owned(), site::expressions()));
        }
        let gateway = self.gateway_of(&hosts, traffic, under).await?;
        gateway.proxy.wait_served(traffic).await?;
        Ok(gateway)
    }

    /// A gateway that serves these manifests beside the base, each with its file's name.
    pub(crate) async fn gateway_of(
        &self,
        more: &[(String, String)],
        traffic: Traffic,
        under: &[&str],
    ) -> Result<Gateway> {
        let files = self.folder("gateway")?;
        let (document, manifests) = (files.join("lane.json"), files.join("manifests"));
        fs::create_dir(&manifests)?;
        fs::write(&document, serde_json::to_string(&site::document())?)?;
        fs::write(manifests.join("base.yaml"), site::base(self.backend))?;
        for (name, text) in more {
            fs::write(manifests.join(name), text)?;
        }
        let (port, admin) = (free_port()?, free_port()?);
        let program = places::target().join("dist/bulkhead-gateway");
        ensure!(program.is_file(), "{} is not built: use tests/bench/run", program.display());
        let mut command = pinned("1");
        command.args(under).arg(program).arg("run").args(["--threads", "1"]);
        command.arg(format!("--lane=file:{}", document.display())).arg(format!("--source=dir:{}", manifests.display()));
        command.arg(format!("{}=127.0.0.1:{port}", traffic.flag())).arg(format!("--admin=127.0.0.1:{admin}"));
        let started = Instant::now();
        let process = Launch::new("gateway", command, &files).start()?;
        let admin = SocketAddr::from(([127, 0, 0, 1], admin));
        wait_for("a ready gateway", PATIENCE, async || {
            process.ensure_running()?;
            let report: GatewayReport = exchange::get(admin, "admin", "/v1/status").await?.json()?;
            ensure!(report.ready, "{report:?}");
            Ok(())
        })
        .await?;
        let ready_after = started.elapsed();
        Ok(Gateway { proxy: Proxy { process, port }, admin, ready_after, manifests })
    }

    /// nginx as a proxy.
    pub(crate) async fn nginx(&self, traffic: Traffic) -> Result<Proxy> {
        let (files, port) = (self.folder("nginx")?, free_port()?);
        for name in ["chain.pem", "key.pem"] {
            fs::copy(self.files.path().join(name), files.join(name))?;
        }
        let process = nginx(&files, "nginx", "1", &site::nginx_proxy(port, self.backend, traffic))?;
        let proxy = Proxy { process, port };
        proxy.wait_served(traffic).await?;
        Ok(proxy)
    }

    /// haproxy.
    pub(crate) async fn haproxy(&self, traffic: Traffic) -> Result<Proxy> {
        let (files, port) = (self.folder("haproxy")?, free_port()?);
        let (map, configuration) = (files.join("routes.map"), files.join("haproxy.cfg"));
        fs::write(&map, site::haproxy_map())?;
        let certificate = self.files.path().join("both.pem");
        let bind = format!("127.0.0.1:{port}{}", traffic.haproxy(&certificate.display().to_string()));
        fs::write(&configuration, site::haproxy(&bind, self.backend, &map.display().to_string()))?;
        let mut command = pinned("1");
        command.args(["haproxy", "-db", "-f"]).arg(configuration);
        let process = Launch::new("haproxy", command, &files).start()?;
        let proxy = Proxy { process, port };
        proxy.wait_served(traffic).await?;
        Ok(proxy)
    }

    /// A fresh folder.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let folder = self.files.path().join(format!("{name}-{number}"));
        fs::create_dir(&folder)?;
        Ok(folder)
    }
}

impl Proxy {
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Awaits an answer of the backend through the last route; a connection, where it would take another client.
    async fn wait_served(&self, traffic: Traffic) -> Result<()> {
        wait_for("an answer through the proxy", PATIENCE, async || {
            self.process.ensure_running()?;
            if traffic != Traffic::Http1 {
                // What answers is seen to by the load, of which no request may fail.
                return TcpStream::connect(self.address()).map(drop).context("connect");
            }
            self.ensure_serves(&site::host(site::HOSTS - 1), "/p0/").await
        })
        .await
    }

    /// `Ok` if a request is answered by the backend.
    pub(crate) async fn ensure_serves(&self, host: &str, path: &str) -> Result<()> {
        let answer = exchange::get(self.address(), host, path).await?;
        ensure!(answer.status == 200 && answer.text().len() == site::CONTENT, "{host}{path} answers {}", answer.status);
        Ok(())
    }
}

impl Gateway {
    /// Replaces the Ingress of one host.
    pub(crate) fn replace(&self, number: usize, more: &str) -> Result<()> {
        self.put(&format!("host{number}.yaml"), &site::ingress(number, Some(more)))
    }

    /// Puts a manifest file in place, whole.
    pub(crate) fn put(&self, name: &str, text: &str) -> Result<()> {
        let beside = self.manifests.join(".next");
        fs::write(&beside, text)?;
        Ok(fs::rename(&beside, self.manifests.join(name))?)
    }

    /// A sample of its metrics page.
    pub(crate) async fn metric(&self, name: &str) -> Result<f64> {
        let page = exchange::get(self.admin, "admin", "/metrics").await?.text();
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(value.with_context(|| format!("{name} is not among the metrics"))?.parse()?)
    }
}

fn script(files: &Path, traffic: Traffic) -> PathBuf {
    files.join(format!("{traffic:?}.lua"))
}

fn nginx(files: &Path, name: &str, processor: &str, servers: &str) -> Result<Process> {
    let configuration = files.join(format!("{name}.conf"));
    fs::write(&configuration, site::nginx(servers))?;
    let mut command = pinned(processor);
    command.arg("nginx").arg("-p").arg(files).arg("-c").arg(configuration);
    Launch::new(name, command, files).start()
}

/// A command on one processor; it is replaced by what it runs, so that the process id stays.
fn pinned(processor: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", processor]);
    command
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("find a free port")?;
    Ok(listener.local_addr()?.port())
}
