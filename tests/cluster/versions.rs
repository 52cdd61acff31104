//! An operator is replaced by one of another version, and by the first again, as in an upgrade that is taken back. The replicas of both stand side by
//! side meanwhile.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bulkhead_crds::names::LaneName;
use bulkhead_operator::client::client;
use bulkhead_operator::fence::Fence;
use bulkhead_operator::fleet::Pace;
use bulkhead_operator::run::{Replica, run};
use bulkhead_plan::Site;
use bulkhead_plan::labels::ANNOTATION_OPERATOR_VERSION;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::cluster::audit::Write;
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::Pod;
use kube::Config;
use kube::api::{Api, ListParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use rustix::process::Signal;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::world::operator::{ACCOUNT, Lone, NAMESPACE, Operator};
use crate::world::routes::{backend, route};
use crate::world::{Fleet, SMALL, SOON, objects};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![test(operators_of_two_versions_take_turns_and_no_pod_is_restarted)]
}

const LANE: LaneName = LaneName::NorthSouth;
const IMAGE: &str = "local.test/gateway:1";
/// A version before this one.
const BEFORE: &str = "0.0.9";
/// Most writes of a new leader beyond one for each object, which it says once more: of its version on each Deployment the status is told.
const MORE: usize = 12;

/// An operator of the version before, in this process.
struct Older {
    task: JoinHandle<Result<()>>,
    leave: oneshot::Sender<()>,
}

impl Older {
    async fn start(cluster: &Cluster) -> Result<Self> {
        let path = cluster.kubeconfig_for_service_account(NAMESPACE, ACCOUNT).await?;
        let file = Kubeconfig::read_from(&path).context("read the kubeconfig of the operator")?;
        let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?;
        let fence = Fence::default();
        let client = client(config, &fence)?;
        let site = Site { image: IMAGE.to_owned(), version: BEFORE.to_owned(), ..Site::default() };
        let replica = Replica {
            name: "older".to_owned(),
            fence,
            health: ([127, 0, 0, 1], 0).into(),
            pace: Pace { at_once: 1, soak: Duration::from_secs(1) },
            platform_namespaces: None,
            webhook: None,
        };
        let (leave, left) = oneshot::channel();
        let left = async {
            let _ = left.await;
        };
        Ok(Self { task: tokio::spawn(run(client, site, replica, left)), leave })
    }

    /// Asks it to leave, and awaits that it has.
    async fn leave(self) -> Result<()> {
        let _ = self.leave.send(());
        self.task.await.context("the older operator did not end by itself")?
    }
}

async fn operators_of_two_versions_take_turns_and_no_pod_is_restarted(cluster: &'static Cluster) -> Result<()> {
    let lone = Lone::take(cluster).await?;
    let older = Older::start(lone.cluster).await?;
    let fleet = Fleet::create(lone.cluster, "version", SMALL).await?;
    let _shop = backend(lone.cluster, &fleet.namespace, "shop").await?;
    route(lone.cluster, &fleet.namespace, "shop", &fleet.class(LANE), "version.example", "shop").await?;
    fleet.wait_phase("Listening").await?;
    fleet.wait_status(LANE, "version.example", 200).await?;
    wait_led(&fleet, BEFORE).await?;
    wait_still(lone.cluster).await?;
    let pods = pods(&fleet).await?;
    let before = objects::of(&fleet).await?;

    // The new one stands by.
    let mut written = writes(lone.cluster)?.len();
    let newer = Operator::start_as(lone.cluster, "newer", 19_106).await?;
    fleet.patch(json!({"northSouth": {"limits": {"requestFields": 81}}})).await?;
    fleet.wait_phase("Listening").await?;
    ensure!(newer.metric("bulkhead_operator_leader").await? == 0.0, "both lead");
    wait_led(&fleet, BEFORE).await?;

    let most = before.keys().filter(|(kind, ..)| !objects::DERIVED.contains(&kind.as_str())).count() + MORE;
    // It leads, then the older one does again.
    written += few(lone.cluster, written, "a change of settings", usize::MAX).await?;
    older.leave().await?;
    wait_led(&fleet, env!("CARGO_PKG_VERSION")).await?;
    written += few(lone.cluster, written, "an upgrade", most).await?;
    let older = Older::start(lone.cluster).await?;
    newer.process.signal(Signal::TERM)?;
    newer.process.wait_exit(SOON).await?;
    wait_led(&fleet, BEFORE).await?;
    few(lone.cluster, written, "an upgrade that was taken back", most).await?;

    fleet.wait_phase("Listening").await?;
    fleet.wait_status(LANE, "version.example", 200).await?;
    ensure!(self::pods(&fleet).await? == pods, "pods were replaced: {pods:?} by {:?}", self::pods(&fleet).await?);
    let uids = |objects: &BTreeMap<objects::Id, (String, String)>| {
        objects.iter().map(|(id, (uid, _))| (id.clone(), uid.clone())).collect::<BTreeMap<_, _>>()
    };
    ensure!(uids(&objects::of(&fleet).await?) == uids(&before), "objects were made anew");
    let sets = Api::<ReplicaSet>::namespaced(lone.cluster.admin.clone(), &fleet.namespace);
    let sets = sets.list(&ListParams::default()).await?.items.len();
    ensure!(sets == LaneName::ALL.len(), "there were {sets} pod templates");
    older.leave().await
}

/// Awaits that every Deployment was applied by an operator of this version.
async fn wait_led(fleet: &Fleet, version: &str) -> Result<()> {
    let deployments = Api::<Deployment>::namespaced(fleet.cluster.admin.clone(), &fleet.namespace);
    wait_for(&format!("Deployments of version {version}"), SOON, async || {
        for lane in LaneName::ALL {
            let found = deployments.get(&fleet.class(lane)).await?.metadata.annotations.unwrap_or_default();
            let found = found.get(ANNOTATION_OPERATOR_VERSION);
            ensure!(found.is_some_and(|found| found == version), "the {lane} lane is of {found:?}");
        }
        Ok(())
    })
    .await
}

/// Awaits stillness; how much was written since `before`, which must not be more than `most`.
async fn few(cluster: &Cluster, before: usize, what: &str, most: usize) -> Result<usize> {
    wait_still(cluster).await?;
    let written = writes(cluster)?.split_off(before);
    ensure!(written.len() <= most, "{what} took {} writes and not {most}: {written:#?}", written.len());
    eprintln!("{what} took {} writes", written.len());
    Ok(written.len())
}

/// Awaits two seconds without a write of an operator.
async fn wait_still(cluster: &Cluster) -> Result<()> {
    wait_for("two seconds without a write", SOON * 2, async || {
        let before = writes(cluster)?.len();
        tokio::time::sleep(Duration::from_secs(2)).await;
        let written = writes(cluster)?.split_off(before);
        ensure!(written.is_empty(), "written meanwhile: {written:#?}");
        Ok(())
    })
    .await
}

/// What operators wrote, the Lease left out.
fn writes(cluster: &Cluster) -> Result<Vec<Write>> {
    let all = cluster.writes()?.into_iter();
    Ok(all.filter(|write| write.user.ends_with(":bulkhead-operator") && !write.is_of_a_lease()).collect())
}

async fn pods(fleet: &Fleet) -> Result<Vec<Option<String>>> {
    let pods = Api::<Pod>::namespaced(fleet.cluster.admin.clone(), &fleet.namespace);
    let mut uids: Vec<_> = pods.list(&ListParams::default()).await?.into_iter().map(|pod| pod.metadata.uid).collect();
    uids.sort();
    Ok(uids)
}
