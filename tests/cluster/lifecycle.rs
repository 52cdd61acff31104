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
use k8s_openapi::api::core::v1::{Namespace, ResourceQuota};
use kube::api::{Api, Patch, PatchParams, WatchEvent, WatchParams};
use rustix::process::Signal;
use serde_json::json;

use crate::world::operator::Operator;
use crate::world::routes::{backend, route};
use crate::world::{Fleet, SMALL, SOON, objects};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![
        test(an_empty_specification_becomes_two_lanes_that_listen),
        test(a_gateway_that_does_not_answer_holds_the_phase_at_running),
        test(pods_are_taken_where_pod_security_is_restricted),
        test(a_quota_that_refuses_objects_is_told_and_recovered_from),
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
async fn phases(api: Api<GatewayInstance>, name: String) -> Result<Vec<String>> {
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

async fn a_gateway_that_does_not_answer_holds_the_phase_at_running(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "mute", SMALL).await?;
    fleet.gateways.signal(LaneName::EastWest, Signal::STOP)?;
    fleet.patch(json!({"eastWest": {"limits": {"requestFields": 90}}})).await?;
    fleet.wait_phase("Running").await?;
    fleet.wait_condition("Ready", "Unknown", "LanesUnknown").await?;
    fleet.wait_condition("Degraded", "False", "Healthy").await?;
    fleet.gateways.signal(LaneName::EastWest, Signal::CONT)?;
    fleet.wait_phase("Listening").await
}

async fn pods_are_taken_where_pod_security_is_restricted(cluster: &'static Cluster) -> Result<()> {
    Operator::shared(cluster).await?;
    let namespace = cluster.namespace("restricted").await?;
    let labels = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
    let namespaces = Api::<Namespace>::all(cluster.admin.clone());
    namespaces.patch(&namespace, &PatchParams::default(), &Patch::Merge(labels)).await?;
    let root = cluster.create_pod(&namespace, "root", &[], [10, 77, 3, 253].into()).await;
    ensure!(root.is_err(), "the namespace is not restricted");
    Fleet::create_in(cluster, namespace, SMALL).await?.wait_phase("Listening").await
}

async fn a_quota_that_refuses_objects_is_told_and_recovered_from(cluster: &'static Cluster) -> Result<()> {
    Operator::shared(cluster).await?;
    let namespace = cluster.namespace("quota").await?;
    cluster
        .apply(
            &namespace,
            "{apiVersion: v1, kind: ResourceQuota, metadata: {name: few}, spec: {hard: {count/deployments.apps: '1'}}}",
        )
        .await?;
    let quotas = Api::<ResourceQuota>::namespaced(cluster.admin.clone(), &namespace);
    wait_for("a quota in force", SOON, async || {
        let used = quotas.get("few").await?.status.and_then(|status| status.used);
        ensure!(used.is_some(), "nobody has counted yet");
        Ok(())
    })
    .await?;
    let fleet = Fleet::create_in(cluster, namespace, SMALL).await?;
    let refused = wait_for("one lane that is refused, and one that works", SOON, async || {
        let lanes = fleet.instance().await?.status.unwrap_or_default().lanes;
        let has = |of: &str, reason: &str| {
            let with =
                lanes.iter().find(|lane| lane.conditions.iter().any(|one| one.type_ == of && one.reason == reason));
            with.cloned().with_context(|| format!("no lane has {of} {reason}: {lanes:?}"))
        };
        ensure!(has("ConfigLoaded", "Loaded")?.name != has("RolledOut", "ApplyFailed")?.name, "it is the same lane");
        has("RolledOut", "ApplyFailed")
    })
    .await?;
    let told = refused.conditions.iter().find(|one| one.type_ == "RolledOut").context("no condition")?;
    ensure!(told.message.contains("exceeded quota: few"), "the message is {:?}", told.message);
    quotas.delete("few", &Default::default()).await?;
    fleet.wait_phase("Listening").await
}

async fn each_lane_serves_its_own_class_in_every_namespace_and_nothing_else(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "traffic", SMALL).await?;
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
