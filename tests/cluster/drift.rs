//! Somebody else changes what the operator made, or was there first.

use anyhow::{Context, Result, ensure};
use bulkhead_crds::names::{LABEL_INSTANCE, LaneName};
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};

use crate::world::operator::Operator;
use crate::world::{Fleet, SMALL, SOON, objects};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![
        test(every_deleted_child_is_made_again),
        test(an_edited_child_is_put_right),
        test(a_child_that_lost_its_labels_is_labelled_again),
        test(an_object_of_somebody_else_is_never_taken_over),
    ]
}

const LANE: LaneName = LaneName::NorthSouth;

async fn every_deleted_child_is_made_again(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "erased", "{northSouth: {replicas: 2}, eastWest: {replicas: 2}}").await?;
    let planned = objects::planned(&fleet).await?;
    let before = objects::of(&fleet).await?;
    for kind in objects::kinds(cluster).await? {
        for (_, namespace, name) in planned.iter().filter(|(of, ..)| *of == kind.kind) {
            let api = api(cluster, &kind, namespace);
            api.delete(name, &Default::default()).await.with_context(|| format!("delete {} {name}", kind.kind))?;
        }
    }
    wait_for("every object again", SOON, async || {
        let now = objects::of(&fleet).await?;
        let missing: Vec<_> = planned
            .iter()
            .filter(|id| now.get(id).is_none_or(|new| before.get(id).is_some_and(|old| old.0 == new.0)))
            .collect();
        ensure!(missing.is_empty(), "missing or not new: {missing:?}");
        Ok(())
    })
    .await?;
    fleet.wait_phase("Listening").await
}

async fn an_edited_child_is_put_right(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "edited", SMALL).await?;
    let (name, merge) = (fleet.class(LANE), PatchParams::default());
    let deployments = Api::<Deployment>::namespaced(cluster.admin.clone(), &fleet.namespace);
    let services = Api::<Service>::namespaced(cluster.admin.clone(), &fleet.namespace);
    let maps = Api::<ConfigMap>::namespaced(cluster.admin.clone(), &fleet.namespace);
    let document = maps.get(&name).await?.data;

    deployments.patch(&name, &merge, &Patch::Merge(json!({"spec": {"replicas": 3}}))).await?;
    services.patch(&name, &merge, &Patch::Merge(json!({"spec": {"selector": {LABEL_INSTANCE: "nobody"}}}))).await?;
    maps.patch(&name, &merge, &Patch::Merge(json!({"data": {"lane.json": "{}"}}))).await?;
    wait_for("what was planned", SOON, async || {
        let replicas = deployments.get(&name).await?.spec.and_then(|spec| spec.replicas);
        ensure!(replicas == Some(1), "there are {replicas:?} replicas");
        let selector = services.get(&name).await?.spec.and_then(|spec| spec.selector).unwrap_or_default();
        ensure!(selector.get(LABEL_INSTANCE) == Some(&fleet.name), "the selector is {selector:?}");
        let now = maps.get(&name).await?.data;
        ensure!(now == document, "the document is {now:?}");
        Ok(())
    })
    .await?;
    fleet.wait_phase("Listening").await
}

async fn a_child_that_lost_its_labels_is_labelled_again(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "bare", SMALL).await?;
    let before = objects::of(&fleet).await?;
    let planned = objects::planned(&fleet).await?;
    for kind in objects::kinds(cluster).await? {
        // What has no namespace has no owner reference either: without labels it is nobody's.
        for (_, namespace, name) in
            planned.iter().filter(|(of, namespace, _)| *of == kind.kind && !namespace.is_empty())
        {
            let bare =
                Patch::Json::<Value>(serde_json::from_value(json!([{"op": "remove", "path": "/metadata/labels"}]))?);
            api(cluster, &kind, namespace)
                .patch(name, &PatchParams::default(), &bare)
                .await
                .with_context(|| format!("strip {} {name}", kind.kind))?;
        }
    }
    wait_for("the same objects with labels", SOON, async || {
        let now = objects::of(&fleet).await?;
        let bare: Vec<_> =
            planned.iter().filter(|id| now.get(id).map(|new| &new.0) != before.get(id).map(|old| &old.0)).collect();
        ensure!(bare.is_empty(), "without labels, or others: {bare:?}");
        Ok(())
    })
    .await
}

async fn an_object_of_somebody_else_is_never_taken_over(cluster: &'static Cluster) -> Result<()> {
    Operator::shared(cluster).await?;
    // The name of an instance is that of its namespace, which tells the names of its objects beforehand.
    let namespace = cluster.namespace("foreign").await?;
    let name = LANE.object_name(&namespace);
    cluster
        .apply(
            &namespace,
            &format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}}}, data: {{theirs: yes}}}}")
                .replace("yes", "'1'"),
        )
        .await?;
    let maps = Api::<ConfigMap>::namespaced(cluster.admin.clone(), &namespace);
    let theirs = maps.get(&name).await?;
    let fleet = Fleet::create_in(cluster, namespace, SMALL).await?;
    wait_for("a lane that says whose it is", SOON, async || {
        let status = fleet.instance().await?.status.unwrap_or_default();
        let lane = status.lane(LANE).context("no lane")?;
        let found = lane.conditions.iter().find(|one| one.type_ == "RolledOut").context("no condition")?;
        ensure!(
            found.reason == "ApplyFailed" && found.message.contains(&format!("ConfigMap {}/{name}", fleet.namespace)),
            "it says {found:?}"
        );
        let other = status.lane(LaneName::EastWest).context("no lane")?;
        ensure!(
            other.conditions.iter().any(|one| one.type_ == "ConfigLoaded" && one.status == "True"),
            "the other lane is {other:?}"
        );
        Ok(())
    })
    .await?;
    ensure!(maps.get(&name).await? == theirs, "their object was changed");

    maps.delete(&name, &Default::default()).await?;
    fleet.wait_phase("Listening").await
}

fn api(cluster: &Cluster, kind: &kube::core::ApiResource, namespace: &str) -> Api<DynamicObject> {
    match namespace {
        "" => Api::all_with(cluster.admin.clone(), kind),
        _ => Api::namespaced_with(cluster.admin.clone(), namespace, kind),
    }
}
