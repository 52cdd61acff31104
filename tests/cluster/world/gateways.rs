//! The kubelet of lane pods: a pod becomes a gateway process with the pod's arguments, environment and identity; it is ready when its
//! readiness probe says so, and its process ends when the pod is deleted.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use bulkhead_crds::names::{ADMIN_PORT, HTTP_PORT, HTTPS_PORT, LABEL_LANE, LaneName};
use bulkhead_tests::binaries::Binary;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::exchange;
use bulkhead_tests::process::Process;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use rustix::process::Signal;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::address;

/// Between two looks at the pods: a real kubelet is told at once.
const PERIOD: Duration = Duration::from_millis(50);

/// An image that no node can start.
pub(crate) const BROKEN: &str = "local.test/broken:1";

/// Plays until it is dropped; the processes end with it.
pub(crate) struct Gateways {
    running: Running,
    stop: Arc<Notify>,
    faults: Arc<Faults>,
}

/// What nodes do wrong.
#[derive(Default)]
struct Faults {
    /// None takes pods.
    held: AtomicBool,
    /// Processes freeze when they have become ready.
    frozen: AtomicBool,
}

type Running = Arc<Mutex<BTreeMap<String, Gateway>>>;

struct Gateway {
    lane: String,
    ip: Ipv4Addr,
    process: Process,
    /// Its pod was reported ready.
    ready: bool,
}

impl Gateways {
    /// Plays for the pods of `namespace`.
    pub(crate) fn play(cluster: &'static Cluster, namespace: &str) -> Self {
        let running = Running::default();
        let stop = Arc::new(Notify::new());
        let (runtime, stopped) = (Handle::current(), Arc::clone(&stop));
        let faults = Arc::new(Faults::default());
        let (namespace, played, known) = (namespace.to_owned(), Arc::clone(&running), Arc::clone(&faults));
        // A thread, because what probes await cannot be handed from one thread to another.
        std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = play(cluster, namespace, played, &known) => {}
                    () = stopped.notified() => {}
                }
            });
        });
        Self { running, stop, faults }
    }

    /// Lets no node take further pods, or lets them again.
    pub(crate) fn hold(&self, held: bool) {
        self.faults.held.store(held, Ordering::SeqCst);
    }

    /// Stops whatever becomes ready, just before that is told, until [`Signal::CONT`] is sent; or lets it be again.
    pub(crate) fn freeze(&self, frozen: bool) {
        self.faults.frozen.store(frozen, Ordering::SeqCst);
    }

    /// Where the ready gateways of a lane serve.
    pub(crate) fn of(&self, lane: LaneName) -> Vec<SocketAddr> {
        self.look(|gateway| (gateway.lane == lane.slug() && gateway.ready).then(|| at(gateway.ip, HTTP_PORT)))
    }

    /// Sends a signal to the gateways of a lane.
    pub(crate) fn signal(&self, lane: LaneName, signal: Signal) -> Result<()> {
        self.look(|gateway| (gateway.lane == lane.slug()).then(|| gateway.process.signal(signal))).into_iter().collect()
    }

    /// The ends of gateways that ended by themselves.
    pub(crate) fn ended(&self) -> Vec<String> {
        self.look(|gateway| gateway.process.ensure_running().err().map(|error| format!("{error:#}")))
    }

    fn look<T>(&self, with: impl Fn(&Gateway) -> Option<T>) -> Vec<T> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).values().filter_map(with).collect()
    }
}

impl Drop for Gateways {
    fn drop(&mut self) {
        self.stop.notify_one();
        self.running.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

async fn play(cluster: &'static Cluster, namespace: String, running: Running, faults: &Faults) {
    let pods = Api::<Pod>::namespaced(cluster.admin.clone(), &namespace);
    loop {
        let list = pods.list(&ListParams::default().labels(LABEL_LANE)).await;
        for pod in list.into_iter().flatten() {
            // What fails now, because the pod changed or is gone, is tried again in the next round.
            let _ = look_after(cluster, &namespace, &pod, (&running, faults)).await;
        }
        tokio::time::sleep(PERIOD).await;
    }
}

async fn look_after(
    cluster: &Cluster,
    namespace: &str,
    pod: &Pod,
    (running, faults): (&Running, &Faults),
) -> Result<()> {
    let name = pod.name_any();
    let known = |with: &dyn Fn(&mut Gateway)| {
        let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
        running.get_mut(&name).map(|gateway| {
            with(gateway);
            (gateway.ip, gateway.ready)
        })
    };
    if pod.metadata.deletion_timestamp.is_some() {
        running.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
        return cluster.delete_pod(namespace, &name).await;
    }
    let images = pod.spec.iter().flat_map(|spec| &spec.containers).filter_map(|container| container.image.as_deref());
    match known(&|_| {}) {
        None if faults.held.load(Ordering::SeqCst) || images.into_iter().any(|image| image == BROKEN) => {}
        None => {
            let gateway = start(cluster, namespace, pod).await?;
            running.lock().unwrap_or_else(PoisonError::into_inner).insert(name, gateway);
        }
        Some((ip, false)) => {
            let probe = exchange::get(at(ip, ADMIN_PORT), "kubelet", "/readyz").await?;
            if probe.status == 200 {
                if faults.frozen.load(Ordering::SeqCst) {
                    known(&|gateway| drop(gateway.process.signal(Signal::STOP)));
                }
                cluster.run_pod(namespace, &name, ip).await?;
                known(&|gateway| gateway.ready = true);
            }
        }
        Some((_, true)) => {}
    }
    Ok(())
}

/// Starts what the pod's container says, at an address of its own.
async fn start(cluster: &Cluster, namespace: &str, pod: &Pod) -> Result<Gateway> {
    let spec = pod.spec.as_ref().context("a pod without a specification")?;
    let account = spec.service_account_name.as_deref().context("a pod without a service account")?;
    let container = spec.containers.first().context("a pod without containers")?;
    let ip = address();
    let kubeconfig = cluster.kubeconfig_for_service_account(namespace, account).await?;
    let mut launch = cluster.process(&pod.name_any(), Binary::Gateway)?.kubeconfig(&kubeconfig);
    for variable in container.env.iter().flatten() {
        let field = variable.value_from.as_ref().and_then(|source| source.field_ref.as_ref());
        let value = match field.map(|field| field.field_path.as_str()) {
            Some("status.podIPs") => ip.to_string(),
            _ => variable.value.clone().unwrap_or_default(),
        };
        launch = launch.env(&variable.name, &value);
    }
    let process = launch
        .args(container.args.iter().flatten())
        .args([
            format!("--http={}", at(ip, HTTP_PORT)),
            format!("--https={}", at(ip, HTTPS_PORT)),
            format!("--admin={}", at(ip, ADMIN_PORT)),
            "--threads=1".to_owned(),
        ])
        .start()?;
    let lane = pod.labels().get(LABEL_LANE).cloned().unwrap_or_default();
    Ok(Gateway { lane, ip, process, ready: false })
}

fn at(ip: Ipv4Addr, port: u16) -> SocketAddr {
    SocketAddr::from((ip, port))
}
