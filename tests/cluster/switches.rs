//! What a user switches: lanes, and the operator's hand.

use anyhow::{Context, Result, ensure};
use bulkhead_crds::names::{LABEL_INSTANCE_UID, LABEL_LANE, LaneName};
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{Api, ListParams, Patch, PatchParams};
use serde_json::json;

use crate::world::routes::{backend, route};
use crate::world::{Fleet, SMALL, SOON, objects};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![
        test(a_lane_that_is_switched_off_goes_and_leaves_the_other_alone),
        test(a_paused_instance_is_left_as_it_is_until_it_is_managed_again),
        test(a_setting_reaches_gateways_without_a_new_pod),
    ]
}

const LANE: LaneName = LaneName::NorthSouth;

async fn a_lane_that_is_switched_off_goes_and_leaves_the_other_alone(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "half", SMALL).await?;
    let _shop = backend(cluster, &fleet.namespace, "shop").await?;
    route(cluster, &fleet.namespace, "shop", &fleet.class(LANE), "half.example", "shop").await?;
    fleet.wait_status(LANE, "half.example", 200).await?;
    let of_lane = async |lane: LaneName| {
        objects::labelled(cluster, &format!("{LABEL_INSTANCE_UID}={},{LABEL_LANE}={}", fleet.uid().await?, lane.slug()))
            .await
    };
    let (gateways, before) = (fleet.gateways.of(LANE), of_lane(LANE).await?);
    ensure!(!before.is_empty() && !of_lane(LaneName::EastWest).await?.is_empty(), "a lane has no objects");

    fleet.patch(json!({"eastWest": {"enabled": false}})).await?;
    wait_for("no object of the lane", SOON, async || {
        let left = of_lane(LaneName::EastWest).await?;
        ensure!(left.is_empty(), "left are {:?}", left.keys());
        Ok(())
    })
    .await?;
    fleet.wait_phase("Listening").await?;
    let uids = |objects: &std::collections::BTreeMap<objects::Id, (String, String)>| -> Vec<_> {
        objects.iter().map(|(id, (uid, _))| (id.clone(), uid.clone())).collect()
    };
    ensure!(uids(&of_lane(LANE).await?) == uids(&before), "the other lane has other objects now");
    ensure!(fleet.gateways.of(LANE) == gateways, "the gateways of the other lane were replaced");
    fleet.wait_status(LANE, "half.example", 200).await?;
    let status = fleet.instance().await?.status.context("no status")?;
    ensure!(status.lane(LaneName::EastWest).is_none(), "the lane is still reported: {status:?}");

    fleet.patch(json!({"eastWest": {"enabled": true}})).await?;
    fleet.wait_phase("Listening").await?;
    fleet.wait_status(LaneName::EastWest, "half.example", 404).await
}

async fn a_paused_instance_is_left_as_it_is_until_it_is_managed_again(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "paused", SMALL).await?;
    fleet.patch(json!({"managementState": "Paused"})).await?;
    fleet.wait_phase("Paused").await?;
    fleet.wait_condition("Paused", "True", "Paused").await?;

    let deployments = Api::<Deployment>::namespaced(cluster.admin.clone(), &fleet.namespace);
    let replicas = async || anyhow::Ok(deployments.get(&fleet.class(LANE)).await?.spec.and_then(|spec| spec.replicas));
    let two = Patch::Merge(json!({"spec": {"replicas": 2}}));
    deployments.patch(&fleet.class(LANE), &PatchParams::default(), &two).await?;
    // By the time a later change of the instance is reported, the earlier one of the Deployment has been seen.
    fleet.patch(json!({"northSouth": {"limits": {"requestFields": 50}}})).await?;
    fleet.wait_phase("Paused").await?;
    ensure!(replicas().await? == Some(2), "a paused instance was put right");
    let maps = Api::<ConfigMap>::namespaced(cluster.admin.clone(), &fleet.namespace);
    let document = maps.get(&fleet.class(LANE)).await?.data.unwrap_or_default();
    ensure!(
        document.values().all(|text| !text.contains("\"requestFields\": 50")),
        "the document follows a paused instance"
    );

    fleet.patch(json!({"managementState": "Managed"})).await?;
    wait_for("one replica", SOON, async || {
        let now = replicas().await?;
        ensure!(now == Some(1), "there are {now:?}");
        Ok(())
    })
    .await?;
    fleet.wait_phase("Listening").await?;

    fleet.patch(json!({"managementState": "Paused"})).await?;
    fleet.wait_phase("Paused").await?;
    fleet.api().delete(&fleet.name, &Default::default()).await?;
    wait_for("the end of a paused instance", SOON, async || {
        ensure!(fleet.api().get_opt(&fleet.name).await?.is_none(), "it is still there");
        Ok(())
    })
    .await
}

async fn a_setting_reaches_gateways_without_a_new_pod(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "setting", SMALL).await?;
    let _shop = backend(cluster, &fleet.namespace, "shop").await?;
    route(cluster, &fleet.namespace, "shop", &fleet.class(LANE), "setting.example", "shop").await?;
    fleet.wait_status(LANE, "setting.example", 200).await?;
    let pods = async || {
        let pods = Api::<Pod>::namespaced(cluster.admin.clone(), &fleet.namespace).list(&ListParams::default()).await?;
        anyhow::Ok(pods.into_iter().map(|pod| pod.metadata.uid).collect::<Vec<_>>())
    };
    let before = pods().await?;

    fleet.patch(json!({"northSouth": {"limits": {"requestContentBytes": "1Ki"}}})).await?;
    fleet.wait_phase("Listening").await?;
    let post = format!("POST / HTTP/1.1\r\nHost: setting.example\r\nContent-Length: 2000\r\n\r\n{}", "x".repeat(2000));
    let answer = bulkhead_tests::exchange::send(fleet.gateway(LANE)?, post).await?;
    ensure!(answer.status == 413, "2000 bytes are answered {}", answer.status);
    ensure!(pods().await? == before, "a setting replaced pods");
    let status = fleet.instance().await?.status.context("no status")?;
    let (loaded, wanted) =
        (status.lane(LANE).and_then(|lane| lane.config_generation), fleet.instance().await?.metadata.generation);
    ensure!(loaded == wanted, "generation {loaded:?} is loaded, {wanted:?} is wanted");
    Ok(())
}
