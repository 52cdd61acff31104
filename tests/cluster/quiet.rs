//! A cluster in which nothing changes is not written to.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bulkhead_crds::names::LaneName;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;
use rustix::process::Signal;

use crate::world::operator::{Lone, Operator};
use crate::world::routes::{backend, route};
use crate::world::{Fleet, SMALL, SOON, objects};

/// Longer than the longest time between two looks of the operator at a steady instance, which is 30 s.
const QUIET: Duration = Duration::from_secs(32);

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![test(a_steady_instance_is_not_written_to_not_even_by_a_new_operator)]
}

async fn a_steady_instance_is_not_written_to_not_even_by_a_new_operator(cluster: &'static Cluster) -> Result<()> {
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
    let after = writes(lone.cluster).await?;
    ensure!(operator.metric(RECONCILES).await? > reconciles, "the operator never looked");
    ensure!(
        after == before,
        "written meanwhile: {:?}",
        after.iter().filter(|line| !before.contains(line)).collect::<Vec<_>>()
    );

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
    ensure!(objects::of(&fleet).await? == objects, "a new operator changed objects");
    ensure!(fleet.instance().await?.metadata.resource_version == version, "a new operator changed the instance");
    Ok(())
}

/// How often the operator looked at an instance.
const RECONCILES: &str = "bulkhead_operator_reconcile_duration_seconds_count";

/// Awaits that a second passes without a write, and returns the counts.
async fn wait_still(cluster: &Cluster) -> Result<Vec<String>> {
    let mut last = Vec::new();
    wait_for("a second without a write", SOON * 2, async || {
        let now = writes(cluster).await?;
        if now == last {
            return Ok(now);
        }
        last = now;
        tokio::time::sleep(Duration::from_secs(1)).await;
        anyhow::bail!("there was one")
    })
    .await
}

/// Every counter of writing requests that the API server has, but for leases, by which its own parts say that they live, and for questions
/// that are asked by POST.
async fn writes(cluster: &Cluster) -> Result<Vec<String>> {
    let request = hyper::Request::get("/metrics").body(Vec::new()).context("ask for metrics")?;
    let text = cluster.admin.request_text(request).await?;
    let verbs = ["APPLY", "DELETE", "DELETECOLLECTION", "PATCH", "POST", "PUT"].map(|verb| format!("verb=\"{verb}\""));
    let counts = text.lines().filter(|line| {
        line.starts_with("apiserver_request_total{")
            && verbs.iter().any(|verb| line.contains(verb))
            && !["resource=\"leases\"", "accessreviews\"", "resource=\"tokenreviews\""]
                .iter()
                .any(|other| line.contains(other))
    });
    Ok(counts.map(str::to_owned).collect())
}
