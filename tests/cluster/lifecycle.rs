//! From an empty namespace to traffic through both lanes.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use bulkhead_crds::instance::GatewayInstance;
use bulkhead_crds::names::LaneName;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::exchange;
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;
use futures::TryStreamExt;
use kube::api::{WatchEvent, WatchParams};

use crate::world::operator::Operator;
use crate::world::routes::{backend, route};
use crate::world::{Fleet, SOON, objects};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![
        test(an_empty_specification_becomes_two_lanes_that_listen),
        test(each_lane_serves_its_own_class_in_every_namespace_and_nothing_else),
    ]
}

async fn an_empty_specification_becomes_two_lanes_that_listen(cluster: &'static Cluster) -> Result<()> {
    Operator::shared(cluster).await?;
    let fleet = Fleet::create(cluster, "life", "{}").await?;
    let phases = tokio::spawn(phases(fleet.api(), fleet.name.clone()));
    fleet.wait_phase("Listening").await?;

    let phases = phases.await??;
    let order = ["Pending", "Running", "Listening"];
    let steps: Vec<_> = phases.iter().map(|phase| order.iter().position(|known| known == phase)).collect();
    ensure!(steps.iter().all(Option::is_some) && steps.is_sorted(), "the phases were {phases:?}");
    ensure!(phases.first().is_some_and(|first| first == "Pending"), "the phases were {phases:?}");

    let planned = objects::planned(&fleet).await?;
    let mut there: BTreeSet<_> = objects::of(&fleet).await?.into_keys().collect();
    there.retain(|(kind, ..)| !objects::DERIVED.contains(&kind.as_str()));
    ensure!(there == planned, "planned {planned:#?}\nthere {there:#?}");

    for (condition, status, reason) in [
        ("Accepted", "True", "Accepted"),
        ("Ready", "True", "Ready"),
        ("Degraded", "False", "Healthy"),
        ("Progressing", "False", "Reconciled"),
    ] {
        fleet.wait_condition(condition, status, reason).await?;
    }
    let status = fleet.instance().await?.status.context("no status")?;
    for lane in LaneName::ALL {
        let lane = status.lane(lane).context("a lane without status")?;
        ensure!((lane.ready.as_str(), lane.updated_replicas) == ("2/2", 2), "the lane is {lane:?}");
        for condition in ["Available", "RolledOut", "ConfigLoaded"] {
            let found = lane.conditions.iter().find(|one| one.type_ == condition).context("a condition is missing")?;
            ensure!(found.status == "True", "{} is {found:?}", lane.name);
        }
    }

    let service = fleet.class(LaneName::NorthSouth);
    cluster.set_load_balancer(&fleet.namespace, &service, [203, 0, 113, 7].into()).await?;
    wait_for("the address in the status", SOON, async || {
        let status = fleet.instance().await?.status.context("no status")?;
        let lane = status.lane(LaneName::NorthSouth).context("no lane")?;
        ensure!(lane.addresses == ["203.0.113.7"], "the addresses are {:?}", lane.addresses);
        Ok(())
    })
    .await
}

/// Every phase that is reported until `Listening`, repetitions left out.
async fn phases(api: kube::Api<GatewayInstance>, name: String) -> Result<Vec<String>> {
    let only = WatchParams::default().fields(&format!("metadata.name={name}"));
    let mut phases: Vec<String> = Vec::new();
    let mut events = Box::pin(api.watch(&only, "0").await?);
    while let Some(event) = events.try_next().await? {
        let (WatchEvent::Added(instance) | WatchEvent::Modified(instance)) = event else { continue };
        let phase = instance.status.unwrap_or_default().phase;
        if !phase.is_empty() && phases.last() != Some(&phase) {
            phases.push(phase.clone());
        }
        if phase == "Listening" {
            break;
        }
    }
    Ok(phases)
}

async fn each_lane_serves_its_own_class_in_every_namespace_and_nothing_else(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "traffic", crate::world::SMALL).await?;
    let teams = [cluster.namespace("team").await?, cluster.namespace("team").await?];
    let mut backends = Vec::new();
    for team in &teams {
        for lane in LaneName::ALL {
            backends.push(backend(cluster, team, lane.slug()).await?);
            let host = format!("{}.{team}.example", lane.slug());
            route(cluster, team, lane.slug(), &fleet.class(lane), &host, lane.slug()).await?;
        }
        // An Ingress of nobody, and one of somebody else.
        route(cluster, team, "none", "no-such-class", &format!("none.{team}.example"), LaneName::NorthSouth.slug())
            .await?;
    }
    let [north_south, east_west] = LaneName::ALL;
    for team in &teams {
        for (lane, other) in [(north_south, east_west), (east_west, north_south)] {
            let host = format!("{}.{team}.example", lane.slug());
            fleet.wait_backend(lane, &host, &format!("{team}/{}", lane.slug())).await?;
            let answer = exchange::get(fleet.gateway(other)?, &host, "/").await?;
            ensure!(answer.status == 404, "the {other} lane answers {} for a host of the {lane} lane", answer.status);
            let unknown = exchange::get(fleet.gateway(lane)?, &format!("none.{team}.example"), "/").await?;
            ensure!(unknown.status == 404, "a host of no class is answered {}", unknown.status);
        }
    }
    ensure!(backends.iter().all(|backend| backend.requests() > 0), "a backend was never asked");
    Ok(())
}
