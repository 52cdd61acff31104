//! Others who want something else, and say so again and again.

use std::time::Duration;

use anyhow::{Result, ensure};
use bulkhead_crds::names::LaneName;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::world::routes::route;
use crate::world::{Fleet, SOON};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![
        test(somebody_who_changes_an_object_again_and_again_is_told_of_and_not_fought),
        test(somebody_who_overwrites_the_status_of_an_ingress_is_not_fought),
    ]
}

const LANE: LaneName = LaneName::NorthSouth;
/// How long the others insist, and how often they look.
const LONG: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(50);

async fn somebody_who_changes_an_object_again_and_again_is_told_of_and_not_fought(
    cluster: &'static Cluster,
) -> Result<()> {
    /// Five at once, and one that was on its way.
    const MOST: usize = 7;
    let spec = "{northSouth: {replicas: 1, service: {internalTrafficPolicy: Cluster}}, eastWest: {replicas: 1}}";
    let fleet = Fleet::listening(cluster, "fought", spec).await?;
    let services = Api::<Service>::namespaced(cluster.admin.clone(), &fleet.namespace);
    let name = fleet.class(LANE);
    let theirs = Patch::Merge(json!({"spec": {"internalTrafficPolicy": "Local"}}));
    let policy = async || anyhow::Ok(services.get(&name).await?.spec.and_then(|spec| spec.internal_traffic_policy));
    let ours = policy().await?;
    let before = writes(cluster, &format!("/services/{name}"))?;
    let begun = Instant::now();
    while begun.elapsed() < LONG {
        if policy().await? == ours {
            services.patch(&name, &PatchParams::default(), &theirs).await?;
        }
        sleep(LOOK).await;
    }
    let fought = writes(cluster, &format!("/services/{name}"))? - before;
    eprintln!("an object that somebody insisted on for {} s was put right {fought} times", LONG.as_secs());
    ensure!((1..=MOST).contains(&fought), "in {} s it was put right {fought} times", LONG.as_secs());
    let told = wait_for("a lane that says so", SOON, async || {
        let status = fleet.instance().await?.status.unwrap_or_default();
        let conditions = status.lane(LANE).map(|lane| lane.conditions.clone()).unwrap_or_default();
        let told = conditions.into_iter().find(|one| one.type_ == "RolledOut" && one.reason == "ApplyFailed");
        let told = told.ok_or_else(|| anyhow::anyhow!("it does not"))?;
        let other = status.lane(LaneName::EastWest).map(|lane| lane.conditions.clone()).unwrap_or_default();
        ensure!(other.iter().all(|one| one.reason != "ApplyFailed"), "the other lane says {other:?}");
        Ok(told.message)
    })
    .await?;
    ensure!(told.contains(&format!("Service {}/{name} is changed by somebody else", fleet.namespace)), "{told}");

    // They have given up.
    wait_for("what was planned", SOON * 3, async || {
        ensure!(policy().await? == ours, "it is still theirs");
        Ok(())
    })
    .await?;
    fleet.wait_phase("Listening").await
}

async fn somebody_who_overwrites_the_status_of_an_ingress_is_not_fought(cluster: &'static Cluster) -> Result<()> {
    /// The first, and one more after a minute.
    const MOST: usize = 3;
    let fleet = Fleet::listening(cluster, "spoken", "{northSouth: {replicas: 1}, eastWest: {enabled: false}}").await?;
    cluster.set_load_balancer(&fleet.namespace, &fleet.class(LANE), [203, 0, 113, 77].into()).await?;
    route(cluster, &fleet.namespace, "spoken", &fleet.class(LANE), "spoken.example", "none").await?;
    let ingresses = Api::<Ingress>::namespaced(cluster.admin.clone(), &fleet.namespace);
    let says = async || {
        let balancer = ingresses.get("spoken").await?.status.and_then(|status| status.load_balancer);
        let first = balancer.and_then(|balancer| balancer.ingress).and_then(|all| all.into_iter().next());
        anyhow::Ok(first.and_then(|first| first.ip).unwrap_or_default())
    };
    wait_for("our address", SOON, async || {
        ensure!(says().await? == "203.0.113.77", "it says {:?}", says().await?);
        Ok(())
    })
    .await?;
    let before = writes(cluster, "/ingresses/spoken/status")?;
    let theirs = Patch::Merge(json!({"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.78"}]}}}));
    let begun = Instant::now();
    while begun.elapsed() < LONG {
        if says().await? != "203.0.113.78" {
            ingresses.patch_status("spoken", &PatchParams::default(), &theirs).await?;
        }
        sleep(LOOK).await;
    }
    let fought = writes(cluster, "/ingresses/spoken/status")? - before;
    ensure!(fought <= MOST, "in {} s it was overwritten {fought} times", LONG.as_secs());
    Ok(())
}

/// How often the operator wrote to what has this in its path.
fn writes(cluster: &Cluster, path: &str) -> Result<usize> {
    let all = cluster.writes()?;
    Ok(all.iter().filter(|write| write.user.ends_with(":bulkhead-operator") && write.target.contains(path)).count())
}
