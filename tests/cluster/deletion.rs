//! Nothing is left behind.

use std::time::Duration;

use anyhow::{Result, ensure};
use bulkhead_crds::names::{LABEL_INSTANCE_UID, LaneName};
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, Secret, Service};
use k8s_openapi::api::networking::v1::{Ingress, IngressClass};
use kube::api::{Api, ListParams, Patch, PatchParams};
use serde_json::json;

use crate::world::operator::{Lone, Operator};
use crate::world::routes::{backend, route};
use crate::world::{Fleet, SMALL, SOON, objects};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![
        test(a_deleted_instance_leaves_nothing_and_what_it_shared_stays),
        test(instances_deleted_while_they_are_created_leave_nothing),
        test(a_protected_instance_serves_on_until_it_is_let_go),
        test(gateways_end_and_addresses_are_withdrawn_before_anything_else_goes),
        test(a_class_that_somebody_holds_does_not_hold_its_instance),
        test(an_instance_deleted_while_no_operator_runs_is_cleaned_up_when_one_does),
        test(a_deleted_namespace_takes_its_instance_and_everything_of_it_along),
    ]
}

/// The garbage collector learns of a new kind, such as ours, in rounds of 30 s, and collects nothing of it before.
const COLLECTED: Duration = Duration::from_secs(75);

const LANE: LaneName = LaneName::NorthSouth;

async fn a_deleted_instance_leaves_nothing_and_what_it_shared_stays(cluster: &'static Cluster) -> Result<()> {
    let going = Fleet::listening(cluster, "going", SMALL).await?;
    let staying = Fleet::listening(cluster, "staying", SMALL).await?;
    let team = cluster.namespace("team").await?;
    let _shop = backend(cluster, &team, "shop").await?;
    cluster
        .apply(&team, "{apiVersion: v1, kind: Secret, type: kubernetes.io/tls, metadata: {name: shared}, stringData: {tls.crt: a, tls.key: b}}")
        .await?;
    for fleet in [&going, &staying] {
        route(cluster, &team, &fleet.name, &fleet.class(LANE), &format!("{}.example", fleet.name), "shop").await?;
        let tls = "[{op: add, path: /spec/tls, value: [{secretName: shared}]}]";
        let patch = kube::api::Patch::Json::<()>(serde_saphyr::from_str(tls)?);
        let ingresses = Api::<k8s_openapi::api::networking::v1::Ingress>::namespaced(cluster.admin.clone(), &team);
        ingresses.patch(&fleet.name, &Default::default(), &patch).await?;
        fleet.wait_status(LANE, &format!("{}.example", fleet.name), 200).await?;
    }
    let (uid, theirs) = (going.uid().await?, uids(&staying).await?);
    let secrets = Api::<Secret>::namespaced(cluster.admin.clone(), &team);
    let services = Api::<Service>::namespaced(cluster.admin.clone(), &team);
    let shared = async || {
        let (secret, service) = (secrets.get("shared").await?, services.get("shop").await?);
        anyhow::Ok([secret.metadata.resource_version, service.metadata.resource_version])
    };
    let before = shared().await?;

    going.api().delete(&going.name, &Default::default()).await?;
    wait_gone(&going, &uid).await?;

    ensure!(uids(&staying).await? == theirs, "the other instance has other objects now");
    staying.wait_status(LANE, &format!("{}.example", staying.name), 200).await?;
    ensure!(shared().await? == before, "what both shared was written to");

    // Another instance of the same name begins anew.
    going.apply(SMALL).await?;
    going.wait_phase("Listening").await?;
    ensure!(going.uid().await? != uid, "it is the same one");
    going.wait_status(LANE, &format!("{}.example", going.name), 200).await
}

async fn instances_deleted_while_they_are_created_leave_nothing(cluster: &'static Cluster) -> Result<()> {
    Operator::shared(cluster).await?;
    let mut going = Vec::new();
    for objects in [0, 1, 8, 20] {
        let fleet = Fleet::create(cluster, "hasty", SMALL).await?;
        let uid = fleet.uid().await?;
        wait_for(&format!("{objects} objects"), SOON, async || {
            let there = objects::of(&fleet).await?.len();
            ensure!(there >= objects, "there are {there}");
            Ok(())
        })
        .await?;
        fleet.api().delete(&fleet.name, &Default::default()).await?;
        going.push((fleet, uid));
    }
    for (fleet, uid) in &going {
        wait_gone(fleet, uid).await?;
    }
    Ok(())
}

async fn a_protected_instance_serves_on_until_it_is_let_go(cluster: &'static Cluster) -> Result<()> {
    let spec = "{deletionProtection: true, northSouth: {replicas: 1}, eastWest: {replicas: 1}}";
    let fleet = Fleet::listening(cluster, "guarded", spec).await?;
    let _shop = backend(cluster, &fleet.namespace, "shop").await?;
    route(cluster, &fleet.namespace, "shop", &fleet.class(LANE), "guarded.example", "shop").await?;
    fleet.wait_status(LANE, "guarded.example", 200).await?;
    let uid = fleet.uid().await?;
    fleet.api().delete(&fleet.name, &Default::default()).await?;
    fleet.wait_condition("DeletionBlocked", "True", "DeletionProtected").await?;
    fleet.wait_phase("Deleting").await?;

    // What goes missing is made again, and a change of settings is carried out.
    let deployments = Api::<Deployment>::namespaced(cluster.admin.clone(), &fleet.namespace);
    let maps = Api::<ConfigMap>::namespaced(cluster.admin.clone(), &fleet.namespace);
    maps.delete(&fleet.class(LANE), &Default::default()).await?;
    fleet.patch(json!({"northSouth": {"replicas": 2}})).await?;
    wait_for("a lane as it is wanted", SOON, async || {
        maps.get(&fleet.class(LANE)).await?;
        let replicas = deployments.get(&fleet.class(LANE)).await?.spec.and_then(|spec| spec.replicas);
        ensure!(replicas == Some(2), "there are {replicas:?} replicas");
        Ok(())
    })
    .await?;
    fleet.wait_status(LANE, "guarded.example", 200).await?;
    fleet.wait_condition("Ready", "True", "Ready").await?;

    fleet.patch(json!({"deletionProtection": false})).await?;
    wait_gone(&fleet, &uid).await
}

async fn gateways_end_and_addresses_are_withdrawn_before_anything_else_goes(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "orderly", SMALL).await?;
    let class = fleet.class(LANE);
    route(cluster, &fleet.namespace, "shop", &class, "orderly.example", "shop").await?;
    cluster.set_load_balancer(&fleet.namespace, &class, [203, 0, 113, 31].into()).await?;
    let ingresses = Api::<Ingress>::namespaced(cluster.admin.clone(), &fleet.namespace);
    let addresses = async || {
        let balancer = ingresses.get("shop").await?.status.and_then(|status| status.load_balancer);
        anyhow::Ok(balancer.and_then(|balancer| balancer.ingress).unwrap_or_default().len())
    };
    wait_for("an address", SOON, async || {
        ensure!(addresses().await? == 1, "there is none");
        Ok(())
    })
    .await?;
    // A pod that takes its time.
    let pods = Api::<Pod>::namespaced(cluster.admin.clone(), &fleet.namespace);
    let selector = format!("{}={}", bulkhead_crds::names::LABEL_LANE, LANE.slug());
    let pod =
        pods.list(&ListParams::default().labels(&selector)).await?.items.remove(0).metadata.name.unwrap_or_default();
    let hold = |finalizers| Patch::Merge(json!({"metadata": {"finalizers": finalizers}}));
    pods.patch(&pod, &PatchParams::default(), &hold(json!(["tests.example/drains"]))).await?;

    let uid = fleet.uid().await?;
    fleet.api().delete(&fleet.name, &Default::default()).await?;
    let told = fleet.wait_condition("DeletionBlocked", "True", "CleaningUp").await?;
    ensure!(told.message.contains("have not ended"), "it says {:?}", told.message);
    wait_for("one pod that is left, and addresses withdrawn", SOON, async || {
        ensure!(addresses().await? == 0, "the Ingress still names addresses");
        let left = pods.list(&ListParams::default()).await?.items.len();
        ensure!(left == 1, "{left} pods are left");
        Ok(())
    })
    .await?;
    let classes = Api::<IngressClass>::all(cluster.admin.clone());
    ensure!(classes.get(&class).await?.metadata.deletion_timestamp.is_none(), "the class went before the pods");
    pods.patch(&pod, &PatchParams::default(), &hold(json!(null))).await?;
    wait_gone(&fleet, &uid).await
}

async fn a_class_that_somebody_holds_does_not_hold_its_instance(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "held", SMALL).await?;
    let classes = Api::<IngressClass>::all(cluster.admin.clone());
    let finalizers = async |list: serde_json::Value| {
        let patch = Patch::Merge(json!({"metadata": {"finalizers": list}}));
        classes.patch(&fleet.class(LANE), &PatchParams::default(), &patch).await
    };
    finalizers(json!(["example.com/hold"])).await?;
    let uid = fleet.uid().await?;
    fleet.api().delete(&fleet.name, &Default::default()).await?;
    wait_for("the end of the instance", SOON, async || {
        ensure!(fleet.api().get_opt(&fleet.name).await?.is_none(), "it is still there");
        Ok(())
    })
    .await?;
    ensure!(
        classes.get(&fleet.class(LANE)).await?.metadata.deletion_timestamp.is_some(),
        "the class is not being deleted"
    );

    // Another instance of the same name waits for the class, and has it as soon as it is let go.
    fleet.apply(SMALL).await?;
    wait_for("a lane that says what it waits for", SOON, async || {
        let status = fleet.instance().await?.status.unwrap_or_default();
        let told = serde_json::to_string(&status)?;
        ensure!(told.contains(&format!("IngressClass {}", fleet.class(LANE))), "it says {told}");
        ensure!(status.phase != "Listening", "it listens without a class");
        Ok(())
    })
    .await?;
    finalizers(json!(null)).await?;
    fleet.wait_phase("Listening").await?;
    ensure!(fleet.uid().await? != uid, "it is the same instance");
    Ok(())
}

async fn an_instance_deleted_while_no_operator_runs_is_cleaned_up_when_one_does(
    cluster: &'static Cluster,
) -> Result<()> {
    let lone = Lone::take(cluster).await?;
    let operator = Operator::start(lone.cluster, 19_091).await?;
    let fleet = Fleet::create(lone.cluster, "away", SMALL).await?;
    fleet.wait_phase("Listening").await?;
    let uid = fleet.uid().await?;

    drop(operator);
    fleet.api().delete(&fleet.name, &Default::default()).await?;
    ensure!(fleet.instance().await?.metadata.deletion_timestamp.is_some(), "it is not being deleted");

    let _operator = Operator::start(lone.cluster, 19_091).await?;
    wait_gone(&fleet, &uid).await
}

async fn a_deleted_namespace_takes_its_instance_and_everything_of_it_along(cluster: &'static Cluster) -> Result<()> {
    let spec =
        "{scope: {namespaces: {from: Selector, selector: {}}}, northSouth: {replicas: 1}, eastWest: {replicas: 1}}";
    let fleet = Fleet::listening(cluster, "ending", spec).await?;
    let uid = fleet.uid().await?;
    let namespaces = Api::<Namespace>::all(cluster.admin.clone());
    namespaces.delete(&fleet.namespace, &Default::default()).await?;
    wait_gone(&fleet, &uid).await?;
    wait_for("the end of the namespace", SOON, async || {
        let left = namespaces.get_opt(&fleet.namespace).await?;
        ensure!(left.is_none(), "it is still there: {:?}", left.and_then(|left| left.status));
        Ok(())
    })
    .await
}

/// Awaits that the instance and every object with its UID are gone.
async fn wait_gone(fleet: &Fleet, uid: &str) -> Result<()> {
    wait_for(&format!("nothing of {}", fleet.name), COLLECTED, async || {
        let left = objects::labelled(fleet.cluster, &format!("{LABEL_INSTANCE_UID}={uid}")).await?;
        ensure!(left.is_empty(), "left are {:?}", left.keys());
        let left = objects::of(fleet).await?;
        ensure!(left.is_empty(), "left are {:?}", left.keys());
        let instance = fleet.api().get_opt(&fleet.name).await?;
        ensure!(instance.is_none(), "the instance is still there: {:?}", instance.map(|one| one.metadata.finalizers));
        Ok(())
    })
    .await
}

/// The objects of a fleet that do not come and go by themselves.
async fn uids(fleet: &Fleet) -> Result<Vec<(objects::Id, String)>> {
    Ok(objects::of(fleet).await?.into_iter().map(|(id, (uid, _))| (id, uid)).collect())
}
