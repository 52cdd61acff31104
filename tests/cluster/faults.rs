//! The operator at the mercy of its client: it dies after its first write, its second, and so on. It runs in this process, behind a layer that
//! brings that about.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bulkhead_crds::names::LABEL_INSTANCE_UID;
use bulkhead_operator::fence::Fence;
use bulkhead_operator::fleet::Pace;
use bulkhead_operator::run::{Replica, run};
use bulkhead_plan::Site;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;
use kube::Config;
use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig};
use tokio::task::JoinHandle;

use crate::world::operator::{ACCOUNT, Lone, NAMESPACE, Operator};
use crate::world::{Fleet, SMALL, SOON, objects};

mod layer;

use layer::Death;

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![test(an_operator_that_dies_after_any_number_of_writes_comes_to_the_same_objects_and_leaves_none)]
}

/// Longest life of an operator that is to die: it may have less to write.
const LIFE: Duration = Duration::from_secs(4);
/// More writes than an instance takes to come up or go.
const WRITES: usize = 80;

/// An operator in this process. It dies when dropped, whatever it does at that moment.
struct Inside {
    task: JoinHandle<Result<()>>,
}

impl Inside {
    /// Starts one that comes to this end.
    async fn start(cluster: &Cluster, death: &Death) -> Result<Self> {
        let path = cluster.kubeconfig_for_service_account(NAMESPACE, ACCOUNT).await?;
        let file = Kubeconfig::read_from(&path).context("read the kubeconfig of the operator")?;
        let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?;
        let fence = Fence::default();
        let client = ClientBuilder::try_from(config)?.with_layer(death).with_layer(&fence).build();
        let site = Site { image: "local.test/gateway:1".to_owned(), ..Site::default() };
        let pace = Pace { at_once: 1, soak: Duration::from_secs(1) };
        let replica = Replica {
            name: "operator".to_owned(),
            fence,
            health: ([127, 0, 0, 1], 0).into(),
            pace,
            platform_namespaces: None,
            webhook: None,
        };
        Ok(Self { task: tokio::spawn(run(client, site, replica, std::future::pending())) })
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn an_operator_that_dies_after_any_number_of_writes_comes_to_the_same_objects_and_leaves_none(
    cluster: &'static Cluster,
) -> Result<()> {
    let lone = Lone::take(cluster).await?;
    let fleet = Fleet::create(lone.cluster, "mortal", SMALL).await?;
    let uid = fleet.uid().await?;
    let listens = async || anyhow::Ok(fleet.instance().await?.status.unwrap_or_default().phase == "Listening");
    let births = die_until(lone.cluster, listens).await?;
    let planned = objects::planned(&fleet).await?;
    let mut there = objects::of(&fleet).await?;
    there.retain(|(kind, ..), _| !objects::DERIVED.contains(&kind.as_str()));
    ensure!(there.keys().eq(planned.iter()), "planned {planned:#?}\nthere {:#?}", there.keys());
    eprintln!("it came up in {births} lives");

    // One that lives finds everything as it should be.
    let operator = Operator::start(lone.cluster, 19_113).await?;
    fleet.wait_phase("Listening").await?;
    let mut later = objects::of(&fleet).await?;
    later.retain(|(kind, ..), _| !objects::DERIVED.contains(&kind.as_str()));
    let uids = |objects: &std::collections::BTreeMap<objects::Id, (String, String)>| {
        objects.iter().map(|(id, (uid, _))| (id.clone(), uid.clone())).collect::<Vec<_>>()
    };
    ensure!(uids(&there) == uids(&later), "objects were made anew");
    drop(operator);

    fleet.api().delete(&fleet.name, &Default::default()).await?;
    let gone = async || anyhow::Ok(fleet.api().get_opt(&fleet.name).await?.is_none());
    let deaths = die_until(lone.cluster, gone).await?;
    eprintln!("it went in {deaths} lives");
    wait_for("nothing that is left", SOON * 3, async || {
        let left = objects::labelled(lone.cluster, &format!("{LABEL_INSTANCE_UID}={uid}")).await?;
        ensure!(left.is_empty(), "left are {:?}", left.keys());
        Ok(())
    })
    .await
}

/// Starts operators of which the nth dies after n writes, until `done`; how many it took. Each knows nothing of what those before it did.
async fn die_until(cluster: &Cluster, done: impl AsyncFn() -> Result<bool>) -> Result<usize> {
    for life in 1..=WRITES {
        if done().await? {
            return Ok(life - 1);
        }
        let death = Death::after(life);
        let operator = Inside::start(cluster, &death).await?;
        let _ = tokio::time::timeout(LIFE, death.comes()).await;
        drop(operator);
    }
    anyhow::bail!("not done after {WRITES} lives")
}
