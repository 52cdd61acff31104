//! A new default image, and one that does not come up.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use bulkhead_crds::names::LaneName;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::events::v1::Event;
use kube::api::{Api, ListParams, Patch, PatchParams};
use serde_json::json;

use crate::world::gateways::BROKEN;
use crate::world::operator::{Lone, Operator};
use crate::world::routes::{backend, route};
use crate::world::{Fleet, SOON};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![
        test(a_new_default_image_reaches_the_fleet_in_waves_and_stops_where_it_does_not_come_up),
        test(a_lane_whose_new_pods_do_not_come_up_goes_back_to_what_worked),
    ]
}

const OLD: &str = "local.test/gateway:1";
const NEW: &str = "local.test/gateway:2";

/// One gateway a lane, which counts as available at once; `rollout` is the rest of that field.
fn quick(rollout: &str) -> String {
    format!(
        "{{rollout: {{progressDeadlineSeconds: 30, {rollout}}}, northSouth: {{replicas: 1, minReadySeconds: 0}}, eastWest: {{replicas: 1, minReadySeconds: 0}}}}"
    )
}

async fn a_new_default_image_reaches_the_fleet_in_waves_and_stops_where_it_does_not_come_up(
    cluster: &'static Cluster,
) -> Result<()> {
    let lone = Lone::take(cluster).await?;
    let operator = Operator::start_with(lone.cluster, 19_112, OLD).await?;
    let mut fleets = Vec::new();
    for wave in [7, 0, 7] {
        fleets.push(Fleet::create(lone.cluster, "wave", &quick(&format!("wave: {wave}"))).await?);
    }
    let pinned =
        Fleet::create(lone.cluster, "pinned", &quick("wave: 0").replacen('{', &format!("{{image: {OLD}, "), 1)).await?;
    for fleet in fleets.iter().chain([&pinned]) {
        fleet.wait_phase("Listening").await?;
    }
    drop(operator);

    let operator = Operator::start_with(lone.cluster, 19_112, NEW).await?;
    let mut steps: Vec<BTreeMap<(usize, &'static str), String>> = Vec::new();
    wait_for("the new image everywhere", SOON * 3, async || {
        let now = images(&fleets).await?;
        if steps.last() != Some(&now) {
            steps.push(now.clone());
        }
        ensure!(now.values().all(|image| image == NEW), "there are {now:?}");
        Ok(())
    })
    .await?;
    // The first to have each lane's image changed, in order: wave 0, then one instance of wave 7 after the other; east-west first.
    let order: Vec<_> = steps
        .windows(2)
        .flat_map(|pair| {
            let changed = pair[1].iter().filter(|(lane, image)| pair[0].get(*lane) != Some(image));
            changed.map(|(lane, _)| *lane).collect::<Vec<_>>()
        })
        .collect();
    let lanes = |instance| [(instance, "east-west"), (instance, "north-south")];
    ensure!(order == [lanes(1), lanes(0), lanes(2)].concat(), "the order was {order:?}");
    ensure!(image(&pinned, LaneName::EastWest).await? == OLD, "an image that is pinned was replaced");
    for fleet in &fleets {
        fleet.wait_phase("Listening").await?;
    }
    drop(operator);

    // An image that does not come up: the first lane that takes it goes back, and nobody else takes it.
    let before = images(&fleets).await?;
    let _operator = Operator::start_with(lone.cluster, 19_112, BROKEN).await?;
    let first = &fleets[1];
    first.wait_condition("Degraded", "True", "RolloutFailed").await?;
    first.wait_condition("Ready", "True", "Ready").await?;
    wait_for("the image that worked", SOON, async || {
        let now = images(&fleets).await?;
        ensure!(now == before, "there are {now:?}");
        Ok(())
    })
    .await?;
    fleets[0].wait_condition("Progressing", "False", "WaitingForTurn").await?;
    let events = Api::<Event>::namespaced(lone.cluster.admin.clone(), &first.namespace);
    wait_for("an Event that tells who stops the rollout", SOON, async || {
        let list = events.list(&ListParams::default()).await?.items;
        let reasons: Vec<_> = list.into_iter().filter_map(|event| event.reason).collect();
        ensure!(
            ["RolloutStep", "RolloutStopped"].iter().all(|one| reasons.iter().any(|found| found == one)),
            "{reasons:?}"
        );
        Ok(())
    })
    .await
}

async fn a_lane_whose_new_pods_do_not_come_up_goes_back_to_what_worked(cluster: &'static Cluster) -> Result<()> {
    let lane = LaneName::NorthSouth;
    let fleet = Fleet::listening(cluster, "back", &quick("wave: 0")).await?;
    let _shop = backend(cluster, &fleet.namespace, "shop").await?;
    route(cluster, &fleet.namespace, "shop", &fleet.class(lane), "back.example", "shop").await?;
    fleet.wait_status(lane, "back.example", 200).await?;
    let gateways = fleet.gateways.of(lane);

    fleet.patch(json!({"image": BROKEN})).await?;
    wait_for("the image that does not come up", SOON, async || {
        let now = image(&fleet, lane).await?;
        ensure!(now == BROKEN, "it is {now}");
        Ok(())
    })
    .await?;
    fleet.wait_condition("Degraded", "True", "RolloutFailed").await?;
    let told = wait_for("a lane that says that it went back", SOON * 2, async || {
        let status = fleet.instance().await?.status.unwrap_or_default();
        let conditions = status.lane(lane).map(|lane| lane.conditions.clone()).unwrap_or_default();
        let found = conditions.into_iter().find(|one| one.type_ == "RolledOut").context("no condition")?;
        ensure!(found.reason == "RolledBack", "it is {found:?}");
        Ok(found)
    })
    .await?;
    ensure!(told.message.contains(BROKEN), "it says {:?}", told.message);
    ensure!(image(&fleet, lane).await? == OLD, "the lane asks for {}", image(&fleet, lane).await?);
    ensure!(fleet.gateways.of(lane) == gateways, "the gateways that worked were replaced");
    fleet.wait_status(lane, "back.example", 200).await?;

    // Tried again when somebody says so, then something else is wanted.
    let deployments = Api::<Deployment>::namespaced(cluster.admin.clone(), &fleet.namespace);
    let again = Patch::Merge(json!({"metadata": {"annotations": {"bulkhead.io/rolled-back-from-image": null}}}));
    deployments.patch(&fleet.class(lane), &PatchParams::default(), &again).await?;
    wait_for("another try", SOON, async || {
        let now = image(&fleet, lane).await?;
        ensure!(now == BROKEN, "it is {now}");
        Ok(())
    })
    .await?;
    fleet.patch(json!({"image": NEW})).await?;
    fleet.wait_phase("Listening").await?;
    ensure!(image(&fleet, lane).await? == NEW, "the lane asks for {}", image(&fleet, lane).await?);
    fleet.wait_status(lane, "back.example", 200).await
}

/// The image of every lane, by the number of its fleet.
async fn images(fleets: &[Fleet]) -> Result<BTreeMap<(usize, &'static str), String>> {
    let mut images = BTreeMap::new();
    for (number, fleet) in fleets.iter().enumerate() {
        for lane in LaneName::ALL {
            images.insert((number, lane.slug()), image(fleet, lane).await?);
        }
    }
    Ok(images)
}

/// The image that the Deployment of a lane asks for.
async fn image(fleet: &Fleet, lane: LaneName) -> Result<String> {
    let deployments = Api::<Deployment>::namespaced(fleet.cluster.admin.clone(), &fleet.namespace);
    let live = serde_json::to_value(deployments.get(&fleet.class(lane)).await?)?;
    let image = live.pointer("/spec/template/spec/containers/0/image").and_then(|image| image.as_str());
    image.map(str::to_owned).context("a Deployment without an image")
}
