//! Who owns a class, and what happens to the routes of one that is lost.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bulkhead_crds::names::{LABEL_INSTANCE_UID, LaneName};
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;
use k8s_openapi::api::networking::v1::IngressClass;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::json;
use tokio::time::Instant;

use crate::world::operator::Operator;
use crate::world::routes::{backend, ingress, route};
use crate::world::{Fleet, SMALL, SOON};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![
        test(a_deleted_class_comes_back_and_its_routes_with_it),
        test(a_class_that_is_no_longer_ours_takes_its_routes_along),
        test(a_class_of_another_controller_is_not_taken_over),
        test(of_two_instances_that_claim_a_class_the_older_keeps_it),
        test(an_ingress_that_changes_its_class_moves_to_the_other_lane),
        test(a_class_of_another_controller_is_served_when_asked_to),
    ]
}

const LANE: LaneName = LaneName::NorthSouth;

async fn a_deleted_class_comes_back_and_its_routes_with_it(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "lost", SMALL).await?;
    let _shop = backend(cluster, &fleet.namespace, "shop").await?;
    route(cluster, &fleet.namespace, "shop", &fleet.class(LANE), "lost.example", "shop").await?;
    fleet.wait_status(LANE, "lost.example", 200).await?;

    let classes = Api::<IngressClass>::all(cluster.admin.clone());
    let before = classes.get(&fleet.class(LANE)).await?.metadata.uid;
    classes.delete(&fleet.class(LANE), &Default::default()).await?;
    wait_for("another class of the same name", SOON, async || {
        let uid = classes.get(&fleet.class(LANE)).await?.metadata.uid;
        ensure!(uid != before, "it is the old one");
        Ok(())
    })
    .await?;
    fleet.wait_status(LANE, "lost.example", 200).await?;
    fleet.wait_phase("Listening").await
}

async fn a_class_that_is_no_longer_ours_takes_its_routes_along(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "stolen", SMALL).await?;
    let _shop = backend(cluster, &fleet.namespace, "shop").await?;
    for lane in LaneName::ALL {
        route(cluster, &fleet.namespace, lane.slug(), &fleet.class(lane), "stolen.example", "shop").await?;
        fleet.wait_status(lane, "stolen.example", 200).await?;
    }
    let classes = Api::<IngressClass>::all(cluster.admin.clone());
    let label = async |uid: &str| {
        let patch = Patch::Merge(json!({"metadata": {"labels": {LABEL_INSTANCE_UID: uid}}}));
        classes.patch(&fleet.class(LANE), &PatchParams::default(), &patch).await
    };
    label("00000000-0000-0000-0000-000000000000").await?;
    fleet.wait_status(LANE, "stolen.example", 404).await?;
    let accepted = fleet.wait_condition("Accepted", "False", "ClassTaken").await?;
    ensure!(accepted.message.contains(&fleet.class(LANE)), "the message is {:?}", accepted.message);
    fleet.wait_phase("Failed").await?;
    fleet.wait_status(LaneName::EastWest, "stolen.example", 200).await?;

    label(&fleet.uid().await?).await?;
    fleet.wait_status(LANE, "stolen.example", 200).await?;
    fleet.wait_phase("Listening").await
}

async fn a_class_of_another_controller_is_not_taken_over(cluster: &'static Cluster) -> Result<()> {
    Operator::shared(cluster).await?;
    let name = cluster.namespace("theirs").await?;
    let class = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": name},
        "spec": {"controller": "example.com/other"},
    });
    let classes = Api::<IngressClass>::all(cluster.admin.clone());
    let theirs = classes.create(&PostParams::default(), &serde_json::from_value(class)?).await?;
    let spec = format!("{{northSouth: {{replicas: 1, ingressClass: {{name: {name}}}}}, eastWest: {{enabled: false}}}}");
    let fleet = Fleet::create(cluster, "taker", &spec).await?;
    let accepted = fleet.wait_condition("Accepted", "False", "ClassTaken").await?;
    ensure!(accepted.message.contains("example.com/other"), "the message is {:?}", accepted.message);
    ensure!(classes.get(&name).await? == theirs, "their class was changed");

    classes.delete(&name, &Default::default()).await?;
    fleet.wait_phase("Listening").await
}

async fn of_two_instances_that_claim_a_class_the_older_keeps_it(cluster: &'static Cluster) -> Result<()> {
    let older = Fleet::listening(cluster, "older", SMALL).await?;
    let _shop = backend(cluster, &older.namespace, "shop").await?;
    route(cluster, &older.namespace, "shop", &older.class(LANE), "claimed.example", "shop").await?;
    older.wait_status(LANE, "claimed.example", 200).await?;
    let generation = older.instance().await?.metadata.generation;

    let claim = format!(
        "{{northSouth: {{replicas: 1, ingressClass: {{name: {}}}}}, eastWest: {{enabled: false}}}}",
        older.class(LANE)
    );
    let younger = Fleet::create(cluster, "younger", &claim).await?;
    // Two reasons at once: the class exists and is not its own, and somebody older claims it. The first is the gravest.
    let accepted = younger.wait_condition("Accepted", "False", "ClassTaken").await?;
    let owner = format!("{}/{}", older.namespace, older.name);
    ensure!(accepted.message.contains(&owner), "the message does not name {owner}: {}", accepted.message);
    younger.wait_phase("Failed").await?;

    older.wait_phase("Listening").await?;
    older.wait_status(LANE, "claimed.example", 200).await?;
    ensure!(older.instance().await?.metadata.generation == generation, "the older one was changed");

    older.api().delete(&older.name, &Default::default()).await?;
    let freed = Instant::now();
    younger.wait_condition("Accepted", "True", "Accepted").await?;
    // It would look again by itself, after 30 s.
    ensure!(freed.elapsed() < Duration::from_secs(20), "it was told after {:?}", freed.elapsed());
    younger.wait_phase("Listening").await
}

async fn an_ingress_that_changes_its_class_moves_to_the_other_lane(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "moves", SMALL).await?;
    let _shop = backend(cluster, &fleet.namespace, "shop").await?;
    let [north_south, east_west] = LaneName::ALL;
    for (to, from) in [(north_south, east_west), (east_west, north_south), (north_south, east_west)] {
        route(cluster, &fleet.namespace, "shop", &fleet.class(to), "moves.example", "shop").await?;
        fleet.wait_status(to, "moves.example", 200).await?;
        fleet.wait_status(from, "moves.example", 404).await?;
    }
    // The old annotation counts where the field is unset, and only there.
    let class = fleet.class(east_west);
    let legacy = ingress("old", "unset", "legacy.example", "shop").replace("  ingressClassName: unset\n", "");
    let legacy =
        legacy.replace("{name: old}", &format!("{{name: old, annotations: {{kubernetes.io/ingress.class: {class}}}}}"));
    cluster.apply(&fleet.namespace, &legacy).await?;
    fleet.wait_status(east_west, "legacy.example", 200).await?;
    fleet.wait_status(north_south, "legacy.example", 404).await
}

async fn a_class_of_another_controller_is_served_when_asked_to(cluster: &'static Cluster) -> Result<()> {
    let also = cluster.namespace("nginx").await?;
    let yaml = format!(
        "{{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {{name: {also}}}, spec: {{controller: k8s.io/ingress-nginx}}}}"
    );
    cluster.apply("default", &yaml).await?;
    let fleet = Fleet::listening(cluster, "also", SMALL).await?;
    let _shop = backend(cluster, &fleet.namespace, "shop").await?;
    route(cluster, &fleet.namespace, "shop", &also, "also.example", "shop").await?;
    fleet.patch(json!({"northSouth": {"ingressClass": {"alsoServe": [also]}}})).await?;
    fleet.wait_status(LANE, "also.example", 200).await?;
    fleet.wait_phase("Listening").await?;
    let loaded = fleet.instance().await?.status.context("no status")?;
    ensure!(loaded.lane(LANE).is_some_and(|lane| lane.routes == 1), "the status is {loaded:?}");
    fleet.patch(json!({"northSouth": {"ingressClass": {"alsoServe": []}}})).await?;
    fleet.wait_status(LANE, "also.example", 404).await
}
