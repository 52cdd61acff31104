//! A real control plane for one test run. In: the built components. Out: [`Cluster`], with clients, identities, manifests and pods.
//!
//! `sandbox` gives the run its own network, processes and mounts; `components` finds or builds Kubernetes; `pki` makes the identities;
//! `control_plane` starts the three processes; `identity`, `manifests` and `node` are what tests do with them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};
use rustix::process::Signal;

use crate::binaries::Binary;
use crate::process::Launch;
use crate::wait::wait_for;
use audit::Write;
use components::Components;
use control_plane::ControlPlane;
use pki::Pki;

pub mod audit;
pub mod components;
mod control_plane;
mod identity;
mod kubeconfig;
pub mod manifests;
pub mod node;
mod pki;
pub mod sandbox;

/// Control planes started by this process: each has ports and a folder of its own.
static STARTED: AtomicU16 = AtomicU16::new(0);

/// A namespace gets its default service account within a second of a running controller-manager; the rest is for a busy machine.
const NAMESPACE_DEADLINE: Duration = Duration::from_secs(30);

/// A running control plane. Dropping it ends its processes.
pub struct Cluster {
    /// A client with every right (group `system:masters`).
    pub admin: Client,
    /// The kubeconfig file of that client.
    pub admin_kubeconfig: PathBuf,
    /// The URL of the API server.
    pub server: String,
    /// The PEM file of the certificate authority that signed the API server's certificate.
    pub ca: PathBuf,
    /// The folder of this control plane: `log`, `pki` and kubeconfig files. Kept when a test fails.
    pub dir: PathBuf,
    components: Components,
    pki: Pki,
    namespaces: AtomicUsize,
    /// Its processes end with it.
    plane: ControlPlane,
}

impl Cluster {
    /// Starts a control plane, and returns when it serves and its controllers run.
    ///
    /// # Errors
    /// When a component does not start or is not ready within a minute; the message ends with its log.
    pub async fn start(components: &Components) -> anyhow::Result<Self> {
        let nth = STARTED.fetch_add(1, Ordering::SeqCst);
        let dir = sandbox::run_folder()?.join(format!("cluster-{nth}"));
        std::fs::create_dir_all(dir.join("log")).with_context(|| format!("create {}", dir.display()))?;
        let pki = Pki::new(&dir.join("pki"))?;
        let (plane, admin) = ControlPlane::start(nth, &dir, &pki, components).await?;
        let cluster = Self {
            admin,
            admin_kubeconfig: plane.admin_kubeconfig.clone(),
            server: plane.server.clone(),
            ca: pki.ca(),
            dir,
            components: components.clone(),
            pki,
            namespaces: AtomicUsize::new(0),
            plane,
        };
        cluster.register_node().await?;
        cluster.wait_service_account("default", "default").await?;
        Ok(cluster)
    }

    /// Starts another control plane that shares nothing with this one: for a test that would disturb others.
    ///
    /// # Errors
    /// As for [`Cluster::start`].
    pub async fn another(&self) -> anyhow::Result<Self> {
        Box::pin(Self::start(&self.components)).await
    }

    /// Creates a namespace whose name begins with `prefix` and is used by no other test, and awaits its default service account.
    ///
    /// # Errors
    /// When the API server refuses it or the service account does not come.
    pub async fn namespace(&self, prefix: &str) -> anyhow::Result<String> {
        let name = format!("{prefix}-{}", self.namespaces.fetch_add(1, Ordering::SeqCst));
        let metadata = ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() };
        let namespace = Namespace { metadata, ..Namespace::default() };
        let api = Api::<Namespace>::all(self.admin.clone());
        api.create(&PostParams::default(), &namespace).await.with_context(|| format!("create namespace {name}"))?;
        self.wait_service_account(&name, "default").await?;
        Ok(name)
    }

    /// Sends a signal to the API server: stopped, it accepts connections and answers nothing until it continues.
    ///
    /// # Errors
    /// When it has ended.
    pub fn signal_apiserver(&self, signal: Signal) -> anyhow::Result<()> {
        self.plane.apiserver.signal(signal)
    }

    /// Every writing request that was answered so far, the oldest first.
    ///
    /// # Errors
    /// When the API server's record cannot be read.
    pub fn writes(&self) -> anyhow::Result<Vec<Write>> {
        self.plane.audit.writes()
    }

    /// One of our programs, about to be started; its log is `NAME.log` in the cluster's `log` folder.
    ///
    /// # Errors
    /// When the program is not built.
    pub fn process(&self, name: &str, binary: Binary) -> anyhow::Result<Launch> {
        let mut command = std::process::Command::new(binary.path()?);
        // What a developer's shell says must not decide what a test sees.
        command.env_clear().env("RUST_BACKTRACE", "1");
        Ok(Launch::new(name, command, &self.dir.join("log")))
    }

    async fn wait_service_account(&self, namespace: &str, name: &str) -> anyhow::Result<()> {
        let api = Api::<ServiceAccount>::namespaced(self.admin.clone(), namespace);
        wait_for(&format!("service account {namespace}/{name}"), NAMESPACE_DEADLINE, async || {
            Ok(api.get(name).await.map(|_| ())?)
        })
        .await
    }
}
