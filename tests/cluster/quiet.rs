//! A cluster in which nothing changes is not written to.

use std::time::Duration;

use anyhow::{Result, ensure};
use bulkhead_crds::names::LaneName;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::cluster::audit::Write;
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;
use rustix::process::Signal;

use crate::world::operator::{Lone, Operator};
use crate::world::routes::{backend, route};
use crate::world::{Fleet, SMALL, SOON, objects};

/// Longer than the longest time between two looks of the operator at a steady instance, which is 30 s.
const QUIET: Duration = Duration::from_secs(32);

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![test(a_steady_instance_is_not_written_to_and_a_new_operator_changes_nothing)]
}

async fn a_steady_instance_is_not_written_to_and_a_new_operator_changes_nothing(
    cluster: &'static Cluster,
) -> Result<()> {
    let lone = Lone::take(cluster).await?;
    let operator = Operator::start(lone.cluster, 19_092).await?;
    let fleet = Fleet::create(lone.cluster, "quiet", SMALL).await?;
    let _shop = backend(lone.cluster, &fleet.namespace, "shop").await?;
    route(lone.cluster, &fleet.namespace, "shop", &fleet.class(LaneName::NorthSouth), "quiet.example", "shop").await?;
    fleet.wait_phase("Listening").await?;
    fleet.wait_status(LaneName::NorthSouth, "quiet.example", 200).await?;
    wait_for("a status that counts the route, and rollouts that are over", SOON * 2, async || {
        let status = fleet.instance().await?.status.unwrap_or_default();
        ensure!(status.lane(LaneName::NorthSouth).is_some_and(|lane| lane.routes == 1), "it does not");
        // Pods that have been ready for a while turn available, which Deployments count.
        let rolled_out = status.lanes.iter().flat_map(|lane| &lane.conditions).filter(|one| one.type_ == "RolledOut");
        ensure!(rolled_out.clone().all(|one| one.status == "True"), "{:?}", rolled_out.collect::<Vec<_>>());
        Ok(())
    })
    .await?;
    let before = wait_still(lone.cluster).await?;

    let objects = objects::of(&fleet).await?;
    let version = fleet.instance().await?.metadata.resource_version;
    let reconciles = operator.metric(RECONCILES).await?;
    // The one thing awaited here is time itself.
    tokio::time::sleep(QUIET).await;
    let written = writes(lone.cluster)?.split_off(before);
    ensure!(operator.metric(RECONCILES).await? > reconciles, "the operator never looked");
    ensure!(written.is_empty(), "written meanwhile: {written:#?}");

    operator.process.signal(Signal::TERM)?;
    let end = operator.process.wait_exit(SOON).await?;
    ensure!(end.success(), "the operator ended with {end}");
    drop(operator);
    let operator = Operator::start(lone.cluster, 19_092).await?;
    wait_for("a reconcile of the new operator", SOON, async || {
        let done = operator.metric(RECONCILES).await?;
        ensure!(done >= 1.0, "{done} are done");
        Ok(())
    })
    .await?;
    // A new operator says once more what it wants, and finds it so.
    ensure!(objects::of(&fleet).await? == objects, "a new operator changed objects");
    ensure!(fleet.instance().await?.metadata.resource_version == version, "a new operator changed the instance");
    Ok(())
}

/// How often the operator looked at an instance.
const RECONCILES: &str = "bulkhead_operator_reconcile_duration_seconds_count";

/// Awaits that a second passes without a write, and returns how many there were until then.
async fn wait_still(cluster: &Cluster) -> Result<usize> {
    let mut last = None;
    wait_for("a second without a write", SOON * 2, async || {
        let now = writes(cluster)?.len();
        if last.replace(now) == Some(now) {
            return Ok(now);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        anyhow::bail!("there was one")
    })
    .await
}

/// Every write of an operator or a gateway. The control plane's own parts are left out: they still clear away what earlier tests left.
fn writes(cluster: &Cluster) -> Result<Vec<Write>> {
    let all = cluster.writes()?.into_iter();
    Ok(all.filter(|write| write.is_of_a_workload() && !write.is_a_question() && !write.is_of_a_lease()).collect())
}
