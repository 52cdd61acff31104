//! Two replicas of the operator: one acts.

use std::time::Duration;

use anyhow::{Result, ensure};
use bulkhead_crds::names::LaneName;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::cluster::audit::Write;
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::Api;
use rustix::process::Signal;
use serde_json::json;
use tokio::time::Instant;

use crate::world::operator::{Lone, Operator};
use crate::world::{Fleet, SMALL, SOON};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![test(another_replica_takes_over_when_the_leader_dies_halts_or_leaves_and_never_two_act)]
}

const LANE: LaneName = LaneName::NorthSouth;
/// Longest time without a leader.
const TAKEOVER: Duration = Duration::from_secs(20);

async fn another_replica_takes_over_when_the_leader_dies_halts_or_leaves_and_never_two_act(
    cluster: &'static Cluster,
) -> Result<()> {
    let lone = Lone::take(cluster).await?;
    let first = Operator::start_as(lone.cluster, "replica-1", 19_095).await?;
    let second = Operator::start_as(lone.cluster, "replica-2", 19_096).await?;
    leads(&first, SOON).await?;
    ensure!(second.metric(LEADER).await? == 0.0, "both lead");
    let fleet = Fleet::create(lone.cluster, "led", SMALL).await?;
    fleet.wait_phase("Listening").await?;
    ensure!(second.metric(RECONCILES).await? == 0.0, "the one that stands by acts");

    // Killed.
    let killed = Instant::now();
    drop(first);
    leads(&second, TAKEOVER).await?;
    eprintln!("took over {:.1} s after the leader was killed", killed.elapsed().as_secs_f32());
    wait_resources(&fleet, "110m").await?;

    // Halted for longer than its lease lasts.
    let third = Operator::start_as(lone.cluster, "replica-3", 19_095).await?;
    second.process.signal(Signal::STOP)?;
    let halted = Instant::now();
    leads(&third, TAKEOVER).await?;
    eprintln!("took over {:.1} s after the leader was halted", halted.elapsed().as_secs_f32());
    wait_resources(&fleet, "120m").await?;
    // Nobody else writes while it finds out; what it would like to put right is there.
    third.process.signal(Signal::STOP)?;
    fleet.patch(json!({"northSouth": {"resources": {"requests": {"cpu": "130m"}}}})).await?;
    let before = writes(lone.cluster)?.len();
    second.process.signal(Signal::CONT)?;
    let end = second.process.wait_exit(SOON).await?;
    ensure!(!end.success(), "one that lost its lease ended with {end}");
    let late = writes(lone.cluster)?.split_off(before);
    ensure!(late.is_empty(), "one that lost its lease wrote {late:#?}");
    third.process.signal(Signal::CONT)?;

    // It was halted for a moment only, and leads on; then it leaves.
    wait_resources(&fleet, "140m").await?;
    let fourth = Operator::start_as(lone.cluster, "replica-4", 19_096).await?;
    third.process.signal(Signal::TERM)?;
    let end = third.process.wait_exit(SOON).await?;
    ensure!(end.success(), "one that was asked to leave ended with {end}");
    let left = Instant::now();
    leads(&fourth, Duration::from_secs(5)).await?;
    eprintln!("took over {:.1} s after the leader left", left.elapsed().as_secs_f32());
    wait_resources(&fleet, "150m").await?;
    fleet.wait_phase("Listening").await
}

const LEADER: &str = "bulkhead_operator_leader";
const RECONCILES: &str = "bulkhead_operator_reconcile_duration_seconds_count";

async fn leads(operator: &Operator, deadline: Duration) -> Result<()> {
    wait_for("a leader", deadline, async || {
        operator.process.ensure_running()?;
        ensure!(operator.metric(LEADER).await? == 1.0, "it stands by");
        Ok(())
    })
    .await
}

/// Wants other pods, and awaits that the Deployment says so.
async fn wait_resources(fleet: &Fleet, cpu: &str) -> Result<()> {
    fleet.patch(json!({"northSouth": {"resources": {"requests": {"cpu": cpu}}}})).await?;
    let deployments = Api::<Deployment>::namespaced(fleet.cluster.admin.clone(), &fleet.namespace);
    wait_for("the change in the Deployment", SOON, async || {
        let live = serde_json::to_value(deployments.get(&fleet.class(LANE)).await?)?;
        let found = live.pointer("/spec/template/spec/containers/0/resources/requests/cpu");
        ensure!(found == Some(&json!(cpu)), "it asks for {found:?}");
        Ok(())
    })
    .await
}

/// What the operator wrote, its Lease left out.
fn writes(cluster: &Cluster) -> Result<Vec<Write>> {
    let all = cluster.writes()?.into_iter();
    Ok(all.filter(|write| write.user.ends_with(":bulkhead-operator") && !write.is_of_a_lease()).collect())
}
