//! A storm in one instance's class, and how long another instance waits for the operator meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bulkhead_crds::names::LaneName;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::suite::{Test, test};
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::world::routes::route;
use crate::world::{Fleet, quantile};

/// Who writes at once: more than the two processors can serve.
const WRITERS: usize = 8;
/// Ingresses of each.
const EACH: usize = 10;
/// Changes of the other instance that are timed.
const CHANGES: usize = 20;
/// Longest wait of one in a hundred for the operator to have acted on a change (a person who waits for a prompt notices no more than that).
const BOUND: Duration = Duration::from_secs(1);
/// Between two looks at whether it has.
const LOOK: Duration = Duration::from_millis(2);

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![test(a_storm_in_one_class_delays_no_other_instance)]
}

async fn a_storm_in_one_class_delays_no_other_instance(cluster: &'static Cluster) -> Result<()> {
    const SPEC: &str = "{northSouth: {replicas: 1}, eastWest: {enabled: false}}";
    let (loud, quiet) =
        (Fleet::listening(cluster, "loud", SPEC).await?, Fleet::listening(cluster, "quiet", SPEC).await?);
    let class = loud.class(LaneName::NorthSouth);
    for nth in 0..WRITERS * EACH {
        let host = format!("storm-{nth}.example");
        route(cluster, &loud.namespace, &format!("storm-{nth}"), &class, &host, "none").await?;
    }
    let mut alone = times(&quiet).await?;

    let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut writers = JoinSet::new();
    let begun = Instant::now();
    for writer in 0..WRITERS {
        let api = Api::<Ingress>::namespaced(cluster.admin.clone(), &loud.namespace);
        writers.spawn(storm(api, writer, Arc::clone(&stop), Arc::clone(&written)));
    }
    let beside = times(&quiet).await;
    stop.store(true, Ordering::SeqCst);
    while let Some(writer) = writers.join_next().await {
        writer?.context("a writer of the storm")?;
    }
    let (mut beside, written) = (beside?, written.load(Ordering::SeqCst));
    let rate = written as f64 / begun.elapsed().as_secs_f64();
    eprintln!(
        "an instance is looked at after a change within p50 {:?}, p99 {:?}; beside {rate:.0} changes a second in another's class p50 {:?}, p99 {:?}",
        quantile(&mut alone, 50),
        quantile(&mut alone, 99),
        quantile(&mut beside, 50),
        quantile(&mut beside, 99),
    );
    ensure!(written > 100, "that was no storm: {written} changes");
    ensure!(quantile(&mut beside, 99) < BOUND, "it waited for {:?}", quantile(&mut beside, 99));
    Ok(())
}

/// How long the operator takes to have acted on each of some changes.
async fn times(fleet: &Fleet) -> Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(CHANGES);
    for nth in 0..CHANGES {
        let begun = Instant::now();
        fleet.patch(json!({"northSouth": {"limits": {"requestFields": 60 + nth}}})).await?;
        loop {
            let instance = fleet.instance().await?;
            let seen = instance.status.and_then(|status| status.observed_generation);
            if seen == instance.metadata.generation {
                break;
            }
            ensure!(begun.elapsed() < BOUND * 30, "the operator has not looked since {begun:?}");
            sleep(LOOK).await;
        }
        times.push(begun.elapsed());
    }
    Ok(times)
}

/// Changes the Ingresses of one writer by turns: what the operator reads of them as well, so that each is a reason to reconcile.
async fn storm(api: Api<Ingress>, writer: usize, stop: Arc<AtomicBool>, written: Arc<AtomicU64>) -> Result<()> {
    for nth in 0.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let name = format!("storm-{}", writer * EACH + nth % EACH);
        let tls = json!({"spec": {"tls": [{"hosts": [format!("{name}.example")], "secretName": format!("none-{}", nth % 7)}]}});
        api.patch(&name, &PatchParams::default(), &Patch::Merge(tls)).await?;
        written.fetch_add(1, Ordering::SeqCst);
    }
    Ok(())
}
