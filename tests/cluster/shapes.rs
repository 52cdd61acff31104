//! A lane changes its shape while it serves: Services, sizes, classes, pods.

use anyhow::{Context, Result, ensure};
use bulkhead_crds::names::LaneName;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::networking::v1::{IngressClass, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{Api, ListParams, Patch, PatchParams};
use serde_json::json;

use crate::world::routes::{backend, route};
use crate::world::{Fleet, SMALL, SOON};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![
        test(replicas_that_an_autoscaler_chose_are_kept),
        test(what_an_autoscaler_reports_makes_nobody_write),
        test(the_traffic_service_follows_its_type),
        test(a_class_that_is_renamed_takes_the_old_one_along),
        test(what_is_planned_no_more_goes),
        test(a_new_image_replaces_the_pods_of_both_lanes),
    ]
}

const LANE: LaneName = LaneName::NorthSouth;

async fn replicas_that_an_autoscaler_chose_are_kept(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "scaled", "{northSouth: {replicas: 3}, eastWest: {enabled: false}}").await?;
    let deployments = Api::<Deployment>::namespaced(cluster.admin.clone(), &fleet.namespace);
    let scalers = Api::<HorizontalPodAutoscaler>::namespaced(cluster.admin.clone(), &fleet.namespace);
    let name = fleet.class(LANE);
    let replicas = async || anyhow::Ok(deployments.get(&name).await?.spec.and_then(|spec| spec.replicas));

    fleet.apply("{northSouth: {autoscaling: {minReplicas: 2, maxReplicas: 4}}, eastWest: {enabled: false}}").await?;
    fleet.wait_phase("Listening").await?;
    scalers.get(&name).await?;
    ensure!(replicas().await? == Some(3), "handing over to an autoscaler left {:?}", replicas().await?);

    let four = Patch::Merge(json!({"spec": {"replicas": 4}}));
    deployments.patch_scale(&name, &PatchParams::default(), &four).await?;
    fleet.patch(json!({"northSouth": {"limits": {"requestFields": 70}}})).await?;
    fleet.wait_phase("Listening").await?;
    ensure!(replicas().await? == Some(4), "what an autoscaler chose was changed to {:?}", replicas().await?);

    fleet.apply("{northSouth: {replicas: 1}, eastWest: {enabled: false}}").await?;
    wait_for("one replica and no autoscaler", SOON, async || {
        ensure!(replicas().await? == Some(1) && scalers.get_opt(&name).await?.is_none(), "{:?}", replicas().await?);
        Ok(())
    })
    .await
}

async fn what_an_autoscaler_reports_makes_nobody_write(cluster: &'static Cluster) -> Result<()> {
    let spec = "{northSouth: {autoscaling: {minReplicas: 1, maxReplicas: 4}}, eastWest: {enabled: false}}";
    let fleet = Fleet::listening(cluster, "metered", spec).await?;
    let scalers = Api::<HorizontalPodAutoscaler>::namespaced(cluster.admin.clone(), &fleet.namespace);
    let name = fleet.class(LANE);
    let target = format!("/namespaces/{}/horizontalpodautoscalers/{name}", fleet.namespace);
    let writes = || -> Result<usize> {
        let all = cluster.writes()?;
        Ok(all.iter().filter(|write| write.is_of_a_workload() && write.target.contains(&target)).count())
    };
    let before = writes()?;
    for replicas in 1..=3 {
        let report = Patch::Merge(json!({"status": {"currentReplicas": replicas, "desiredReplicas": replicas}}));
        scalers.patch_status(&name, &PatchParams::default(), &report).await?;
    }
    // A change that must be undone comes behind the reports in the same watch: whatever they cause has begun by then.
    let five = Patch::Merge(json!({"spec": {"maxReplicas": 5}}));
    scalers.patch(&name, &PatchParams::default(), &five).await?;
    wait_for("the planned number of replicas", SOON, async || {
        let most = scalers.get(&name).await?.spec.map(|spec| spec.max_replicas);
        ensure!(most == Some(4), "it is {most:?}");
        Ok(())
    })
    .await?;
    let written = writes()? - before;
    ensure!(
        written == 1,
        "an autoscaler that reported three times and was changed once was written to {written} times"
    );
    Ok(())
}

async fn the_traffic_service_follows_its_type(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "typed", SMALL).await?;
    let services = Api::<Service>::namespaced(cluster.admin.clone(), &fleet.namespace);
    for (service, kind, exposed) in [
        ("{type: NodePort, httpNodePort: 30088}", Some("NodePort"), "AddressAssigned"),
        ("{type: ClusterIP}", Some("ClusterIP"), "AddressAssigned"),
        ("{type: LoadBalancer, externalTrafficPolicy: Local}", Some("LoadBalancer"), "AddressPending"),
        ("{type: None}", None, "NoServiceWanted"),
        ("{type: ClusterIP, httpPort: 8000}", Some("ClusterIP"), "AddressAssigned"),
    ] {
        fleet.apply(&format!("{{northSouth: {{replicas: 1, service: {service}}}, eastWest: {{replicas: 1}}}}")).await?;
        fleet.wait_phase("Listening").await?;
        wait_for(&format!("a Service as {service} says"), SOON, async || {
            let found = services.get_opt(&fleet.class(LANE)).await?.and_then(|service| service.spec);
            ensure!(found.as_ref().and_then(|spec| spec.type_.as_deref()) == kind, "it is {found:?}");
            let port = found.and_then(|spec| spec.ports).and_then(|ports| ports.into_iter().next());
            let node_port = port.as_ref().and_then(|port| port.node_port);
            ensure!(kind != Some("NodePort") || node_port == Some(30_088), "the port is {port:?}");
            ensure!(kind != Some("ClusterIP") || node_port.is_none(), "the port is {port:?}");
            ensure!(
                !service.contains("8000") || port.as_ref().is_some_and(|port| port.port == 8000),
                "the port is {port:?}"
            );
            let status = fleet.instance().await?.status.context("no status")?;
            let lane = status.lane(LANE).context("no lane")?.clone();
            ensure!(
                lane.conditions.iter().any(|one| one.type_ == "Exposed" && one.reason == exposed),
                "the lane is {lane:?}"
            );
            Ok(())
        })
        .await?;
    }
    Ok(())
}

async fn a_class_that_is_renamed_takes_the_old_one_along(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "renamed", SMALL).await?;
    let _shop = backend(cluster, &fleet.namespace, "shop").await?;
    let (old, new) = (fleet.class(LANE), format!("{}-new", fleet.name));
    route(cluster, &fleet.namespace, "old", &old, "old.example", "shop").await?;
    route(cluster, &fleet.namespace, "new", &new, "new.example", "shop").await?;
    fleet.wait_status(LANE, "old.example", 200).await?;
    fleet.patch(json!({"northSouth": {"ingressClass": {"name": new}}})).await?;
    fleet.wait_status(LANE, "new.example", 200).await?;
    fleet.wait_status(LANE, "old.example", 404).await?;
    wait_for("the end of the old class", SOON, async || {
        let left = Api::<IngressClass>::all(cluster.admin.clone()).get_opt(&old).await?;
        ensure!(left.is_none(), "it is still there");
        Ok(())
    })
    .await?;
    fleet.wait_phase("Listening").await
}

async fn what_is_planned_no_more_goes(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "fewer", "{northSouth: {replicas: 2}, eastWest: {enabled: false}}").await?;
    let budgets = Api::<PodDisruptionBudget>::namespaced(cluster.admin.clone(), &fleet.namespace);
    let policies = Api::<NetworkPolicy>::namespaced(cluster.admin.clone(), &fleet.namespace);
    let there = async || {
        let name = fleet.class(LANE);
        anyhow::Ok((budgets.get_opt(&name).await?.is_some(), policies.get_opt(&name).await?.is_some()))
    };
    ensure!(there().await? == (true, true), "there is no budget or no policy");
    fleet.apply("{northSouth: {replicas: 1, networkPolicy: {mode: 'Off'}}, eastWest: {enabled: false}}").await?;
    wait_for("neither budget nor policy", SOON, async || {
        let now = there().await?;
        ensure!(now == (false, false), "(budget, policy) are {now:?}");
        Ok(())
    })
    .await?;
    fleet.wait_phase("Listening").await
}

async fn a_new_image_replaces_the_pods_of_both_lanes(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "image", SMALL).await?;
    let _shop = backend(cluster, &fleet.namespace, "shop").await?;
    route(cluster, &fleet.namespace, "shop", &fleet.class(LANE), "image.example", "shop").await?;
    fleet.wait_status(LANE, "image.example", 200).await?;
    fleet.patch(json!({"image": "local.test/gateway:2", "northSouth": {"minReadySeconds": 0}, "eastWest": {"minReadySeconds": 0}})).await?;
    wait_for("pods of the new image only", SOON, async || {
        let pods = Api::<Pod>::namespaced(cluster.admin.clone(), &fleet.namespace).list(&ListParams::default()).await?;
        let images: Vec<_> =
            pods.into_iter().flat_map(|pod| pod.spec.unwrap_or_default().containers).map(|one| one.image).collect();
        ensure!(images == vec![Some("local.test/gateway:2".to_owned()); 2], "the images are {images:?}");
        Ok(())
    })
    .await?;
    fleet.wait_phase("Listening").await?;
    fleet.wait_status(LANE, "image.example", 200).await?;
    let status = fleet.instance().await?.status.context("no status")?;
    ensure!(status.lanes.iter().all(|lane| lane.image == "local.test/gateway:2"), "the status is {status:?}");
    Ok(())
}
