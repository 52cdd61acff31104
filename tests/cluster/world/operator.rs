//! The operator as it ships: its manifests applied as they are in the repository, its process with its own service account's token.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use bulkhead_tests::binaries::Binary;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::process::Process;
use bulkhead_tests::wait::wait_for;
use bulkhead_tests::{exchange, places};
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

use super::proxy::{Proxy, Weather};

/// Where the manifests put the operator.
pub(crate) const NAMESPACE: &str = "bulkhead-system";
/// Its service account.
pub(crate) const ACCOUNT: &str = "bulkhead-operator";

/// Every watch must have been listed once; the rest is for a busy machine.
const START: Duration = Duration::from_secs(60);

/// The operator of the cluster that all tests share.
static SHARED: OnceCell<Operator> = OnceCell::const_new();

/// A running operator.
pub(crate) struct Operator {
    pub(crate) process: Process,
    health: SocketAddr,
}

impl Operator {
    /// The operator of the shared cluster, started by the first test that needs it.
    pub(crate) async fn shared(cluster: &Cluster) -> Result<&'static Self> {
        SHARED
            .get_or_try_init(async || {
                install(cluster).await?;
                Self::start(cluster, 19_090).await
            })
            .await
    }

    /// Starts the only replica of an operator whose health is at `port`, and awaits its first look at the cluster. One that is started after
    /// another one died is the same replica, as a container that is started anew in its pod.
    pub(crate) async fn start(cluster: &Cluster, port: u16) -> Result<Self> {
        Self::start_with(cluster, port, "local.test/gateway:1").await
    }

    /// Starts one with this default image of gateways.
    pub(crate) async fn start_with(cluster: &Cluster, port: u16, image: &str) -> Result<Self> {
        Self::launch(cluster, "operator", port, image, &[]).await
    }

    /// Starts the replica of this name.
    pub(crate) async fn start_as(cluster: &Cluster, replica: &str, port: u16) -> Result<Self> {
        Self::launch(cluster, replica, port, "local.test/gateway:1", &[]).await
    }

    /// Starts the only replica, whose way to the API server is spoilt by `weather`.
    pub(crate) async fn start_through(cluster: &Cluster, port: u16, weather: Weather) -> Result<(Self, Proxy)> {
        let kubeconfig = cluster.kubeconfig_for_service_account(NAMESPACE, ACCOUNT).await?;
        let proxy = Proxy::start(&kubeconfig, weather).await?;
        let through = proxy.lead(&kubeconfig)?;
        let operator = Self::launch_with(cluster, "operator", port, "local.test/gateway:1", &through, &[]).await?;
        Ok((operator, proxy))
    }

    /// Starts the replica of this name with settings of its own.
    pub(crate) async fn start_set(
        cluster: &Cluster,
        replica: &str,
        port: u16,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        Self::launch(cluster, replica, port, "local.test/gateway:1", settings).await
    }

    async fn launch(
        cluster: &Cluster,
        replica: &str,
        port: u16,
        image: &str,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let kubeconfig = cluster.kubeconfig_for_service_account(NAMESPACE, ACCOUNT).await?;
        Self::launch_with(cluster, replica, port, image, &kubeconfig, settings).await
    }

    async fn launch_with(
        cluster: &Cluster,
        replica: &str,
        port: u16,
        image: &str,
        kubeconfig: &Path,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let operator = Self::spawn(cluster, replica, port, image, kubeconfig, settings)?;
        wait_for("a ready operator", START, async || {
            operator.process.ensure_running()?;
            let answer = operator.readiness().await?;
            anyhow::ensure!(answer.status == 200, "/readyz answers {} {}", answer.status, answer.text());
            Ok(())
        })
        .await?;
        Ok(operator)
    }

    /// Starts the only replica, and does not wait for it.
    pub(crate) async fn begin(cluster: &Cluster, port: u16) -> Result<Self> {
        let kubeconfig = cluster.kubeconfig_for_service_account(NAMESPACE, ACCOUNT).await?;
        Self::spawn(cluster, "operator", port, "local.test/gateway:1", &kubeconfig, &[])
    }

    fn spawn(
        cluster: &Cluster,
        replica: &str,
        port: u16,
        image: &str,
        kubeconfig: &Path,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let health = SocketAddr::from(([127, 0, 0, 1], port));
        let launch = cluster.process(replica, Binary::Operator)?;
        let process = settings
            .iter()
            .fold(launch, |launch, (name, value)| launch.env(name, value))
            .kubeconfig(kubeconfig)
            .env("POD_NAME", replica)
            .env("POD_NAMESPACE", NAMESPACE)
            .env("RELATED_IMAGE_GATEWAY", image)
            // Long enough to be waited for, short enough to wait for.
            .env("BULKHEAD_ROLLOUT_SOAK_SECONDS", "1")
            .args(["run".to_owned(), format!("--health={health}")])
            .start()?;
        Ok(Self { process, health })
    }

    /// What it says when it is asked whether it is ready.
    pub(crate) async fn readiness(&self) -> Result<exchange::Answer> {
        exchange::get(self.health, "operator", "/readyz").await
    }

    /// The sum of all lines of its metrics that begin so.
    pub(crate) async fn sum(&self, beginning: &str) -> Result<f64> {
        let text = exchange::get(self.health, "operator", "/metrics").await?.text();
        let lines = text.lines().filter(|line| line.starts_with(beginning));
        lines.map(|line| anyhow::Ok(line.rsplit(' ').next().unwrap_or_default().parse::<f64>()?)).sum()
    }

    /// The value of one line of its metrics; 0 when there is none.
    pub(crate) async fn metric(&self, line: &str) -> Result<f64> {
        let text = exchange::get(self.health, "operator", "/metrics").await?.text();
        let value = text.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(' '));
        value.map_or(Ok(0.0), |value| value.parse().with_context(|| format!("read {line} {value}")))
    }
}

/// Applies the definition and the plain install.
pub(crate) async fn install(cluster: &Cluster) -> Result<()> {
    define(cluster).await?;
    install_plain(cluster).await
}

/// Applies the definition alone.
pub(crate) async fn define(cluster: &Cluster) -> Result<()> {
    cluster.apply(NAMESPACE, &read("crds/gatewayinstances.yaml")?).await.map(|_| ())
}

/// Applies the plain install without the definition, in the order in which its kustomization names it.
pub(crate) async fn install_plain(cluster: &Cluster) -> Result<()> {
    #[derive(serde::Deserialize)]
    struct Kustomization {
        resources: Vec<String>,
    }
    let list: Kustomization = serde_saphyr::from_str(&read("olm/plain/kustomization.yaml")?)?;
    for file in list.resources.iter().filter(|file| !file.ends_with("crds")) {
        cluster.apply(NAMESPACE, &read(&format!("olm/plain/{file}"))?).await?;
    }
    Ok(())
}

fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(places::repository().join(path)).with_context(|| format!("read {path}"))
}

/// A control plane of one's own, for tests that end the operator or need a cluster in which nothing else happens.
pub(crate) struct Lone {
    pub(crate) cluster: &'static Cluster,
    /// Holds others off.
    _turn: SemaphorePermit<'static>,
}

/// Control planes for tests that need one alone: as many such tests run at once.
const LONE: usize = 2;
static TURNS: Semaphore = Semaphore::const_new(LONE);
/// Those that no test has.
static FREE: Mutex<Vec<&'static Cluster>> = Mutex::new(Vec::new());

impl Lone {
    /// Awaits its turn. The operator is installed and not running.
    pub(crate) async fn take(cluster: &Cluster) -> Result<Self> {
        let turn = TURNS.acquire().await?;
        let free = free().pop();
        let cluster = match free {
            Some(cluster) => cluster,
            None => {
                let another = cluster.another().await?;
                install(&another).await?;
                // Its processes end with the sandbox.
                Box::leak(Box::new(another))
            }
        };
        Ok(Self { cluster, _turn: turn })
    }
}

impl Drop for Lone {
    fn drop(&mut self) {
        free().push(self.cluster);
    }
}

fn free() -> MutexGuard<'static, Vec<&'static Cluster>> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}
