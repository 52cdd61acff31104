//! What people are told on Ingresses that are not served as they are written.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use bulkhead_crds::names::LaneName;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;
use k8s_openapi::api::events::v1::Event;
use kube::api::{Api, ListParams};
use serde_json::json;
use tokio::time::Instant;

use crate::world::routes::{backend, ingress, route};
use crate::world::{Fleet, SMALL, SOON};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![test(findings_are_told_on_the_ingress_once), test(every_finding_of_many_ingresses_is_told_soon_and_once)]
}

const LANE: LaneName = LaneName::NorthSouth;
/// More than the status of an instance shows of a lane.
const MANY: usize = 40;
/// Longest time from a change of an Ingress to its Event. It is about a second on an idle machine; tests share two cores.
const PROMPT: Duration = Duration::from_secs(10);

/// Events on Ingresses of a namespace.
async fn told(cluster: &Cluster, namespace: &str) -> Result<Vec<Event>> {
    let events = Api::<Event>::namespaced(cluster.admin.clone(), namespace).list(&ListParams::default()).await?.items;
    let about = |event: &Event| event.regarding.as_ref().is_some_and(|one| one.kind.as_deref() == Some("Ingress"));
    Ok(events.into_iter().filter(about).collect())
}

fn regarded(event: &Event) -> String {
    event.regarding.as_ref().and_then(|one| one.name.clone()).unwrap_or_default()
}

async fn findings_are_told_on_the_ingress_once(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "found", SMALL).await?;
    let team = cluster.namespace("team").await?;
    let _shop = backend(cluster, &team, "shop").await?;
    route(cluster, &team, "shop", &fleet.class(LANE), "found.example", "no-such-service").await?;
    let first = wait_for("an Event on the Ingress", PROMPT, async || {
        let told = told(cluster, &team).await?;
        ensure!(!told.is_empty(), "there is none");
        Ok(told)
    })
    .await?;
    ensure!(first.iter().all(|event| event.type_.as_deref() == Some("Warning")), "they are {first:?}");
    ensure!(first.iter().all(|event| event.regarding.as_ref().is_some_and(|one| one.uid.is_some())));
    ensure!(first.iter().any(|event| event.note.as_ref().is_some_and(|note| note.contains("no-such-service"))));
    // A change of the instance has everything looked at again.
    fleet.patch(json!({"northSouth": {"limits": {"requestFields": 90}}})).await?;
    fleet.wait_phase("Listening").await?;
    ensure!(told(cluster, &team).await?.len() == first.len(), "the same is told again");

    let events = Api::<Event>::namespaced(cluster.admin.clone(), &fleet.namespace).list(&ListParams::default()).await?;
    let ready = events.items.iter().find(|event| event.reason.as_deref() == Some("Ready"));
    ensure!(ready.is_some_and(|event| event.type_.as_deref() == Some("Normal")), "nobody told that it is ready");
    Ok(())
}

async fn every_finding_of_many_ingresses_is_told_soon_and_once(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "many", SMALL).await?;
    let team = cluster.namespace("many").await?;
    let _shop = backend(cluster, &team, "shop").await?;
    let (class, elsewhere) = (fleet.class(LANE), format!("{team}-nobodys"));
    let write = async |name: &str, class: &str, size: &str| {
        let annotation =
            format!("{{name: {name}, annotations: {{nginx.ingress.kubernetes.io/proxy-body-size: {size}}}}}");
        let plain = ingress(name, class, &format!("{name}.example"), "shop");
        cluster.apply(&team, &plain.replacen(&format!("{{name: {name}}}"), &annotation, 1)).await?;
        anyhow::Ok(Instant::now())
    };
    // A good one, and one that no lane of ours serves.
    write("good", &class, "8m").await?;
    write("foreign", &elsewhere, "lots").await?;
    let mut applied = BTreeMap::new();
    for number in 0..MANY {
        let name = format!("bad-{number:02}");
        let at = write(&name, &class, "lots").await?;
        applied.insert(name, at);
    }
    let mut seen: BTreeMap<String, Duration> = BTreeMap::new();
    wait_for("an Event on each of the Ingresses", PROMPT, async || {
        for event in told(cluster, &team).await? {
            let name = regarded(&event);
            let at = applied.get(&name).ok_or_else(|| anyhow::anyhow!("{name} is not served as it is written"))?;
            seen.entry(name).or_insert_with(|| at.elapsed());
        }
        ensure!(seen.len() == MANY, "{} have one", seen.len());
        Ok(())
    })
    .await?;
    let mut times: Vec<_> = seen.values().copied().collect();
    times.sort();
    let (median, longest) =
        (times.get(MANY / 2).copied().unwrap_or_default(), times.last().copied().unwrap_or_default());
    eprintln!("{MANY} Ingresses with a finding each: Events after {median:.1?}, the last after {longest:.1?}");
    ensure!(longest <= PROMPT, "the last Event came after {longest:?}");

    // One that was good becomes bad.
    let at = write("good", &class, "plenty").await?;
    wait_for("an Event on the Ingress that became bad", PROMPT, async || {
        let told = told(cluster, &team).await?;
        ensure!(told.iter().any(|event| regarded(event) == "good"), "there is none");
        Ok(())
    })
    .await?;
    eprintln!("an edit that is not served as written: its Event after {:.1?}", at.elapsed());

    // A change of the instance has everything looked at again, and a change of all Ingresses that says the same as well.
    fleet.patch(json!({"northSouth": {"limits": {"requestFields": 90}}})).await?;
    fleet.wait_phase("Listening").await?;
    for number in 0..MANY {
        let name = format!("bad-{number:02}");
        cluster.apply(&team, &ingress(&name, &class, &format!("{name}.example"), "shop").replacen(
            &format!("{{name: {name}}}"),
            &format!("{{name: {name}, labels: {{seen: again}}, annotations: {{nginx.ingress.kubernetes.io/proxy-body-size: lots}}}}"),
            1,
        )).await?;
    }
    // What comes after it is told after it.
    write("last", &class, "many").await?;
    let all = wait_for("an Event on the last Ingress", SOON, async || {
        let told = told(cluster, &team).await?;
        ensure!(told.iter().any(|event| regarded(event) == "last"), "there is none");
        Ok(told)
    })
    .await?;
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    all.iter().for_each(|event| *count.entry(regarded(event)).or_default() += 1);
    ensure!(count.len() == MANY + 2 && count.values().all(|count| *count == 1), "told: {count:?}");
    ensure!(all.iter().all(|event| event.reason.as_deref() == Some("AnnotationUnreadable")), "told: {all:#?}");
    Ok(())
}
