//! What scheduler, kubelet and load balancer would do, written straight into the API: pods bound and running, endpoints, addresses.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Context;
use k8s_openapi::api::core::v1::{Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::Cluster;
use super::sandbox::NODE;

/// The one node that all pods are bound to.
const NODE_NAME: &str = "node-1";

/// The field manager of what a node would write.
const MANAGER: &str = "bulkhead-tests-node";

/// Between two looks of a [`Kubelet`] at its pods.
const PERIOD: Duration = Duration::from_millis(50);

impl Cluster {
    /// Creates a pod that is bound, running, ready and has this address; it stands for whatever really listens there.
    ///
    /// # Errors
    /// When the API server refuses it.
    pub async fn create_pod(
        &self,
        namespace: &str,
        name: &str,
        labels: &[(&str, &str)],
        ip: Ipv4Addr,
    ) -> anyhow::Result<Pod> {
        let labels: Value = labels.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect();
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "labels": labels},
            "spec": {"containers": [{"name": "main", "image": "local.test/main:1"}]},
        });
        let pods = Api::<Pod>::namespaced(self.admin.clone(), namespace);
        let pod = serde_json::from_value(pod).context("write a pod")?;
        pods.create(&PostParams::default(), &pod).await.with_context(|| format!("create pod {namespace}/{name}"))?;
        self.run_pod(namespace, name, ip).await
    }

    /// Binds an existing pod (a ReplicaSet's, say) and reports it running and ready at this address.
    ///
    /// # Errors
    /// When there is no such pod.
    pub async fn run_pod(&self, namespace: &str, name: &str, ip: Ipv4Addr) -> anyhow::Result<Pod> {
        run_pod(&Api::namespaced(self.admin.clone(), namespace), name, ip).await
    }

    /// Reports whether a running pod is ready, as its readiness probe would.
    ///
    /// # Errors
    /// When there is no such pod.
    pub async fn set_pod_ready(&self, namespace: &str, name: &str, ready: bool) -> anyhow::Result<()> {
        let pods = Api::<Pod>::namespaced(self.admin.clone(), namespace);
        let status = json!({"status": {"conditions": conditions(&["Ready", "ContainersReady"], ready)}});
        let answer = pods.patch_status(name, &PatchParams::default(), &Patch::Strategic(status)).await;
        answer.map(|_| ()).with_context(|| format!("report readiness of pod {namespace}/{name}"))
    }

    /// Deletes a pod at once, as if its kubelet had ended it.
    ///
    /// # Errors
    /// When there is no such pod.
    pub async fn delete_pod(&self, namespace: &str, name: &str) -> anyhow::Result<()> {
        end_pod(&Api::namespaced(self.admin.clone(), namespace), name).await
    }

    /// Writes the one EndpointSlice of a Service without selector: ready endpoints on a named port (empty: the unnamed one).
    ///
    /// # Errors
    /// When the API server refuses it.
    pub async fn set_endpoints(
        &self,
        namespace: &str,
        service: &str,
        port_name: &str,
        port: u16,
        addresses: &[Ipv4Addr],
    ) -> anyhow::Result<()> {
        let endpoints: Vec<Value> =
            addresses.iter().map(|ip| json!({"addresses": [ip], "conditions": {"ready": true}})).collect();
        let name = format!("{service}-{}", if port_name.is_empty() { "unnamed" } else { port_name });
        let slice = json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": name, "labels": {"kubernetes.io/service-name": service}},
            "addressType": "IPv4",
            "endpoints": endpoints,
            "ports": [{"name": port_name, "port": port, "protocol": "TCP"}],
        });
        let api = Api::<EndpointSlice>::namespaced(self.admin.clone(), namespace);
        let answer = api.patch(&name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(slice)).await;
        answer.map(|_| ()).with_context(|| format!("write endpoints of service {namespace}/{service}"))
    }

    /// Gives a LoadBalancer Service its address.
    ///
    /// # Errors
    /// When there is no such Service.
    pub async fn set_load_balancer(&self, namespace: &str, service: &str, ip: Ipv4Addr) -> anyhow::Result<()> {
        let api = Api::<Service>::namespaced(self.admin.clone(), namespace);
        let status = json!({"status": {"loadBalancer": {"ingress": [{"ip": ip}]}}});
        let answer = api.patch_status(service, &PatchParams::default(), &Patch::Merge(status)).await;
        answer.map(|_| ()).with_context(|| format!("give service {namespace}/{service} an address"))
    }

    /// The EndpointSlice controller lists a pod only when the node it is bound to exists.
    pub(super) async fn register_node(&self) -> anyhow::Result<()> {
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE_NAME}});
        let nodes = Api::<Node>::all(self.admin.clone());
        let node = serde_json::from_value(node).context("write the node")?;
        nodes.create(&PostParams::default(), &node).await.context("create the node")?;
        let status = json!({"status": {
            "addresses": [{"type": "InternalIP", "address": NODE}],
            "conditions": conditions(&["Ready"], true),
        }});
        nodes
            .patch_status(NODE_NAME, &PatchParams::default(), &Patch::Strategic(status))
            .await
            .context("report the node ready")?;
        Ok(())
    }
}

/// Plays the kubelet for one namespace until it is dropped: pods that come up run, pods being deleted end.
#[derive(Debug)]
pub struct Kubelet {
    task: JoinHandle<()>,
}

impl Kubelet {
    /// Starts playing. `place` chooses the address of a new pod; `None` leaves the pod pending for now.
    pub fn start(
        cluster: &Cluster,
        namespace: &str,
        place: impl FnMut(&Pod) -> Option<Ipv4Addr> + Send + 'static,
    ) -> Self {
        Self { task: tokio::spawn(play(cluster.admin.clone(), namespace.to_owned(), place)) }
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn play(client: Client, namespace: String, mut place: impl FnMut(&Pod) -> Option<Ipv4Addr> + Send) {
    let pods = Api::<Pod>::namespaced(client, &namespace);
    loop {
        // A pod that is gone or changed meanwhile is looked at again in the next round.
        for pod in pods.list(&ListParams::default()).await.into_iter().flatten() {
            let name = pod.name_any();
            if pod.metadata.deletion_timestamp.is_some() {
                let _ = end_pod(&pods, &name).await;
            } else if is_new(&pod)
                && let Some(ip) = place(&pod)
            {
                let _ = run_pod(&pods, &name, ip).await;
            }
        }
        sleep(PERIOD).await;
    }
}

fn is_new(pod: &Pod) -> bool {
    pod.status.as_ref().is_none_or(|status| status.pod_ip.is_none())
}

async fn run_pod(pods: &Api<Pod>, name: &str, ip: Ipv4Addr) -> anyhow::Result<Pod> {
    let pod = pods.get(name).await.with_context(|| format!("get pod {name}"))?;
    let spec = pod.spec.unwrap_or_default();
    if spec.node_name.is_none() {
        let binding = json!({
            "apiVersion": "v1", "kind": "Binding", "metadata": {"name": name},
            "target": {"apiVersion": "v1", "kind": "Node", "name": NODE_NAME},
        });
        let bound = pods.create_subresource::<_, Value>("binding", name, &PostParams::default(), &binding).await;
        bound.with_context(|| format!("bind pod {name}"))?;
    }
    let containers: Vec<Value> = spec
        .containers
        .iter()
        .map(|container| {
            json!({
                "name": container.name, "image": container.image, "imageID": container.image,
                "ready": true, "started": true, "restartCount": 0, "state": {"running": {"startedAt": now()}},
            })
        })
        .collect();
    let status = json!({"status": {
        "phase": "Running",
        "hostIP": NODE,
        "podIP": ip,
        "podIPs": [{"ip": ip}],
        "startTime": now(),
        "conditions": conditions(&["PodScheduled", "Initialized", "ContainersReady", "Ready"], true),
        "containerStatuses": containers,
    }});
    let answer = pods.patch_status(name, &PatchParams::default(), &Patch::Strategic(status)).await;
    answer.with_context(|| format!("report pod {name} running"))
}

async fn end_pod(pods: &Api<Pod>, name: &str) -> anyhow::Result<()> {
    let at_once = DeleteParams::default().grace_period(0);
    pods.delete(name, &at_once).await.map(|_| ()).with_context(|| format!("delete pod {name}"))
}

fn conditions(types: &[&str], is_true: bool) -> Value {
    let status = if is_true { "True" } else { "False" };
    types.iter().map(|kind| json!({"type": kind, "status": status, "lastTransitionTime": now()})).collect()
}

/// The API server's own form of a time: whole seconds, UTC.
fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
