//! etcd, kube-apiserver and kube-controller-manager, started in order and awaited.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use kube::Client;

use super::audit::Audit;
use super::components::Components;
use super::kubeconfig::{self, Credential};
use super::pki::{Pki, TokenKeys};
use super::sandbox::NODE;
use crate::process::{Launch, Process};
use crate::wait::wait_for;

/// Three to four seconds on an idle machine of two cores; the rest is for a busy one.
const READY_DEADLINE: Duration = Duration::from_secs(60);

/// Below the range of ports that the kernel gives to clients (32768 on), so that none of ours is taken.
const FIRST_PORT: u16 = 20_000;

/// Ports that each control plane has to itself.
const PORTS: u16 = 10;

/// Controllers for which there is no node here: they would evict pods from one that sends no heartbeat.
const CONTROLLERS: &str =
    "*,-node-ipam-controller,-node-lifecycle-controller,-taint-eviction-controller,-pod-garbage-collector-controller";

/// The running processes, in the order they end: those that use others first.
pub(super) struct ControlPlane {
    /// Held because dropping one ends it, as the others.
    _manager: Process,
    pub(super) apiserver: Process,
    _etcd: Process,
    pub(super) audit: Audit,
    pub(super) server: String,
    pub(super) admin_kubeconfig: PathBuf,
}

impl ControlPlane {
    /// Starts the `nth` control plane of this run, and returns it with a client of every right when it is ready.
    pub(super) async fn start(
        nth: u16,
        dir: &Path,
        pki: &Pki,
        components: &Components,
    ) -> anyhow::Result<(Self, Client)> {
        let base = nth
            .checked_mul(PORTS)
            .and_then(|offset| FIRST_PORT.checked_add(offset))
            .context("too many control planes")?;
        let site = Site { dir, pki, components, base };
        let tokens = pki.token_keys()?;
        let etcd = site.etcd()?;
        let audit = Audit::new(dir)?;
        let apiserver = site.apiserver(&tokens, &audit)?;
        let admin_kubeconfig = site.kubeconfig("admin", &["system:masters"])?;
        let admin = kubeconfig::client(&admin_kubeconfig).await?;
        wait_ready(&admin, &[&etcd, &apiserver]).await?;
        let manager = site.manager(&tokens)?;
        let plane = Self { _manager: manager, apiserver, _etcd: etcd, audit, server: site.server(), admin_kubeconfig };
        Ok((plane, admin))
    }
}

/// What every component is started with.
struct Site<'a> {
    dir: &'a Path,
    pki: &'a Pki,
    components: &'a Components,
    base: u16,
}

impl Site<'_> {
    fn etcd_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.base)
    }

    fn server(&self) -> String {
        format!("https://127.0.0.1:{}", self.base + 2)
    }

    fn kubeconfig(&self, user: &str, groups: &[&str]) -> anyhow::Result<PathBuf> {
        let path = self.dir.join(format!("{}.kubeconfig", user.replace(':', "-")));
        let identity = self.pki.client(user, groups)?;
        kubeconfig::write(&path, &self.server(), &self.pki.ca(), &Credential::Certificate(&identity), "default")?;
        Ok(path)
    }

    fn etcd(&self) -> anyhow::Result<Process> {
        let peer = format!("http://127.0.0.1:{}", self.base + 1);
        self.start(
            "etcd",
            vec![
                // Nothing here outlives the run, so nothing needs to reach the disk.
                "--unsafe-no-fsync".to_owned(),
                format!("--data-dir={}", self.dir.join("etcd").display()),
                format!("--listen-client-urls={}", self.etcd_url()),
                format!("--advertise-client-urls={}", self.etcd_url()),
                format!("--listen-peer-urls={peer}"),
                format!("--initial-advertise-peer-urls={peer}"),
                format!("--initial-cluster=default={peer}"),
            ],
        )
    }

    fn apiserver(&self, tokens: &TokenKeys, audit: &Audit) -> anyhow::Result<Process> {
        let serving = self.pki.server()?;
        let kubelet_client = self.pki.client("apiserver-kubelet-client", &["system:masters"])?;
        let mut flags = vec![
            format!("--etcd-servers={}", self.etcd_url()),
            "--bind-address=0.0.0.0".to_owned(),
            format!("--advertise-address={NODE}"),
            format!("--secure-port={}", self.base + 2),
            format!("--tls-cert-file={}", serving.certificate.display()),
            format!("--tls-private-key-file={}", serving.key.display()),
            format!("--client-ca-file={}", self.pki.ca().display()),
            format!("--kubelet-client-certificate={}", kubelet_client.certificate.display()),
            format!("--kubelet-client-key={}", kubelet_client.key.display()),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--service-account-key-file={}", tokens.public.display()),
            format!("--service-account-signing-key-file={}", tokens.private.display()),
            "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
            "--authorization-mode=Node,RBAC".to_owned(),
            "--enable-admission-plugins=NodeRestriction".to_owned(),
            "--allow-privileged=true".to_owned(),
            // Webhooks are reached at the endpoints of their Services: there is no kube-proxy behind cluster addresses.
            "--enable-aggregator-routing=true".to_owned(),
        ];
        flags.extend(audit.flags());
        self.start("kube-apiserver", flags)
    }

    fn manager(&self, tokens: &TokenKeys) -> anyhow::Result<Process> {
        let kubeconfig = self.kubeconfig("system:kube-controller-manager", &[])?;
        let kubeconfig = kubeconfig.display();
        self.start(
            "kube-controller-manager",
            vec![
                format!("--kubeconfig={kubeconfig}"),
                format!("--authentication-kubeconfig={kubeconfig}"),
                format!("--authorization-kubeconfig={kubeconfig}"),
                "--bind-address=127.0.0.1".to_owned(),
                format!("--secure-port={}", self.base + 3),
                "--leader-elect=false".to_owned(),
                "--use-service-account-credentials=true".to_owned(),
                format!("--root-ca-file={}", self.pki.ca().display()),
                format!("--service-account-private-key-file={}", tokens.private.display()),
                format!("--controllers={CONTROLLERS}"),
                // The default of 20 requests a second would make tests wait for it.
                "--kube-api-qps=500".to_owned(),
                "--kube-api-burst=1000".to_owned(),
            ],
        )
    }

    fn start(&self, component: &str, flags: Vec<String>) -> anyhow::Result<Process> {
        Launch::new(component, self.components.command(component), &self.dir.join("log")).args(flags).start()
    }
}

/// Awaits the answer `ok`. An answer that merely contains it comes earlier, when the bootstrap roles are not there yet and
/// controller-manager would give up.
async fn wait_ready(admin: &Client, processes: &[&Process]) -> anyhow::Result<()> {
    let ready = wait_for("a ready API server", READY_DEADLINE, async || {
        if let Some(Err(end)) = processes.iter().map(|process| process.ensure_running()).find(Result::is_err) {
            // Final: what has ended will not become ready.
            return Ok(Err(end));
        }
        let request = hyper::Request::get("/readyz").body(Vec::new()).context("ask for readiness")?;
        match tokio::time::timeout(Duration::from_secs(1), admin.request_text(request)).await {
            Ok(Ok(answer)) if answer == "ok" => Ok(Ok(())),
            Ok(answer) => bail!("/readyz answers {answer:?}"),
            Err(_) => bail!("/readyz does not answer"),
        }
    });
    ready.await?
}
