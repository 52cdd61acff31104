//! One instance in a namespace of its own, its gateways running.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use bulkhead_crds::instance::GatewayInstance;
use bulkhead_crds::names::LaneName;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::echo::Echo;
use bulkhead_tests::exchange;
use bulkhead_tests::wait::wait_for;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::SOON;
use super::gateways::Gateways;
use super::operator::Operator;

/// A specification of two lanes with one gateway each: enough for whatever is not about numbers.
pub(crate) const SMALL: &str = "{northSouth: {replicas: 1}, eastWest: {replicas: 1}}";

/// An instance and its gateways. Its name is that of its namespace, so that no other test has it.
pub(crate) struct Fleet {
    pub(crate) cluster: &'static Cluster,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) gateways: Gateways,
}

impl Fleet {
    /// Creates an instance on the shared cluster and awaits `Listening`.
    pub(crate) async fn listening(cluster: &'static Cluster, prefix: &str, spec: &str) -> Result<Self> {
        Operator::shared(cluster).await?;
        let fleet = Self::create(cluster, prefix, spec).await?;
        fleet.wait_phase("Listening").await?;
        Ok(fleet)
    }

    /// Creates an instance, whether an operator runs or not.
    pub(crate) async fn create(cluster: &'static Cluster, prefix: &str, spec: &str) -> Result<Self> {
        Self::create_in(cluster, cluster.namespace(prefix).await?, spec).await
    }

    /// Creates an instance in a namespace that is used by no other, and is named like it.
    pub(crate) async fn create_in(cluster: &'static Cluster, namespace: String, spec: &str) -> Result<Self> {
        let fleet = Self { cluster, name: namespace.clone(), gateways: Gateways::play(cluster, &namespace), namespace };
        fleet.apply(spec).await?;
        Ok(fleet)
    }

    /// Applies the instance with this specification, as YAML.
    pub(crate) async fn apply(&self, spec: &str) -> Result<()> {
        let (namespace, name) = (&self.namespace, &self.name);
        let yaml = format!(
            "{{apiVersion: bulkhead.io/v1alpha1, kind: GatewayInstance, metadata: {{name: {name}, namespace: {namespace}}}, spec: {spec}}}"
        );
        self.cluster.apply(namespace, &yaml).await.map(|_| ())
    }

    pub(crate) fn api(&self) -> Api<GatewayInstance> {
        Api::namespaced(self.cluster.admin.clone(), &self.namespace)
    }

    pub(crate) async fn instance(&self) -> Result<GatewayInstance> {
        self.api().get(&self.name).await.with_context(|| format!("get GatewayInstance {}", self.name))
    }

    pub(crate) async fn uid(&self) -> Result<String> {
        self.instance().await?.metadata.uid.context("an instance without UID")
    }

    /// Merges into the specification.
    pub(crate) async fn patch(&self, spec: Value) -> Result<()> {
        let patch = Patch::Merge(json!({"spec": spec}));
        self.api().patch(&self.name, &PatchParams::default(), &patch).await?;
        Ok(())
    }

    /// Name of a lane's class, and of most of its objects.
    pub(crate) fn class(&self, lane: LaneName) -> String {
        lane.object_name(&self.name)
    }

    /// Awaits a phase that was reported for the current specification.
    pub(crate) async fn wait_phase(&self, phase: &str) -> Result<()> {
        wait_for(&format!("phase {phase} of {}", self.name), SOON * 2, async || {
            let instance = self.instance().await?;
            let status = instance.status.clone().unwrap_or_default();
            ensure!(
                status.phase == phase && status.observed_generation == instance.metadata.generation,
                "the phase is {:?}: {}; gateways that ended: {:?}",
                status.phase,
                told(&instance),
                self.gateways.ended()
            );
            Ok(())
        })
        .await
    }

    /// Awaits a condition of the instance, and returns it.
    pub(crate) async fn wait_condition(&self, of: &str, status: &str, reason: &str) -> Result<Condition> {
        wait_for(&format!("{of}={status} ({reason}) of {}", self.name), SOON * 2, async || {
            let instance = self.instance().await?;
            let conditions = instance.status.iter().flat_map(|status| &status.conditions);
            let found = conditions.filter(|condition| condition.type_ == of).find(|condition| {
                condition.status == status
                    && condition.reason == reason
                    && condition.observed_generation == instance.metadata.generation
            });
            found.cloned().with_context(|| told(&instance))
        })
        .await
    }

    /// A ready gateway of a lane.
    pub(crate) fn gateway(&self, lane: LaneName) -> Result<SocketAddr> {
        self.gateways.of(lane).first().copied().with_context(|| format!("no gateway of the {lane} lane is ready"))
    }

    /// Awaits that every gateway of a lane answers a GET of a host with this status.
    pub(crate) async fn wait_status(&self, lane: LaneName, host: &str, status: u16) -> Result<()> {
        wait_for(&format!("{status} for {host} from the {lane} lane of {}", self.name), SOON, async || {
            let gateways = self.gateways.of(lane);
            ensure!(!gateways.is_empty(), "no gateway of the lane is ready");
            for gateway in gateways {
                let answer = exchange::get(gateway, host, "/").await?;
                ensure!(answer.status == status, "{gateway} answers {} {:?}", answer.status, answer.text());
            }
            Ok(())
        })
        .await
    }

    /// Awaits that every gateway of a lane brings a host to this backend.
    pub(crate) async fn wait_backend(&self, lane: LaneName, host: &str, backend: &str) -> Result<()> {
        wait_for(&format!("{backend} behind {host} in the {lane} lane of {}", self.name), SOON, async || {
            let gateways = self.gateways.of(lane);
            ensure!(!gateways.is_empty(), "no gateway of the lane is ready");
            for gateway in gateways {
                let answer = exchange::get(gateway, host, "/").await?;
                let echo: Echo = answer.json()?;
                ensure!(echo.backend == backend, "{gateway} leads to {}", echo.backend);
            }
            Ok(())
        })
        .await
    }
}

/// An instance whose test is over would be looked at for ever.
impl Drop for Fleet {
    fn drop(&mut self) {
        let (api, name) = (self.api(), self.name.clone());
        tokio::spawn(async move {
            // It may be gone already.
            let _ = api.delete(&name, &DeleteParams::default()).await;
        });
    }
}

/// All conditions, one a line, for failures.
fn told(instance: &GatewayInstance) -> String {
    let status = instance.status.clone().unwrap_or_default();
    let lanes = status.lanes.iter().flat_map(|lane| lane.conditions.iter().map(|one| (lane.name.slug(), one)));
    let all = status.conditions.iter().map(|one| ("", one)).chain(lanes);
    all.map(|(lane, one)| format!("{lane} {}={} {} {}", one.type_, one.status, one.reason, one.message))
        .collect::<Vec<_>>()
        .join("\n")
}
