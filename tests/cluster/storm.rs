//! Random faults, and then none: whatever befell the requests of the operator, everything comes to be as it is wanted, and nothing is written
//! any more.
//!
//! Each seed stands for one change of one instance and the faults that the operator meets while it carries it out. `BULKHEAD_SEEDS=17` or
//! `BULKHEAD_SEEDS=1-1000` runs other seeds than [`SEEDS`]. What a seed draws is always the same; which request is the fifth depends on the moment.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bulkhead_crds::instance::GatewayInstance;
use bulkhead_crds::names::LABEL_INSTANCE_UID;
use bulkhead_operator::kind::Kind;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;
use futures::future::join_all;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::world::SOON;
use crate::world::operator::{Lone, Operator};

mod picture;
pub(crate) mod sky;

use picture::Camera;
use sky::{Random, Sky};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![test(whatever_befalls_its_requests_the_operator_comes_to_what_is_wanted_and_rests)]
}

/// The seeds that are run, first and last.
const SEEDS: (u64, u64) = (1, 200);
/// Seeds that follow one another on the same instance.
const IN_A_ROW: usize = 8;
/// What the names of instances begin with; a number follows.
const PREFIX: &str = "storm-";
/// Longest time that faults are waited for: it may be a while until it is the instance's turn.
const FAULTS: Duration = Duration::from_secs(10);
/// Longest time from the last fault to a state that is as wanted: five failures in a row make the operator wait for 20 s, a call that hangs takes 10 s, and
/// a watch that broke three times is resumed after 6 s.
const SETTLED: Duration = Duration::from_secs(60);

async fn whatever_befalls_its_requests_the_operator_comes_to_what_is_wanted_and_rests(
    cluster: &'static Cluster,
) -> Result<()> {
    let lone = Lone::take(cluster).await?;
    let cluster = lone.cluster;
    let seeds = seeds()?;
    let sky = Arc::new(Sky::default());
    let (operator, _proxy) = Operator::start_through(cluster, 19_089, sky.weather()).await?;
    let camera = Camera::start(cluster);
    let begun = Instant::now();
    let mut rows = Vec::new();
    for seeds in seeds.chunks(IN_A_ROW) {
        let name = cluster.namespace(PREFIX.trim_end_matches('-')).await?;
        rows.push((seeds, Row { cluster, name, sky: &sky, camera: &camera }));
    }
    let runs = join_all(rows.iter().map(async |(seeds, row)| row.run(seeds).await)).await;
    let (slowest, failed): (Vec<_>, Vec<_>) = runs.into_iter().partition(Result::is_ok);
    let failed: Vec<_> = failed.into_iter().filter_map(Result::err).map(|error| format!("{error:#}")).collect();
    ensure!(
        failed.is_empty(),
        "{} of {} rows of seeds failed:\n{}",
        failed.len(),
        seeds.len().div_ceil(IN_A_ROW),
        failed.join("\n")
    );
    let took = begun.elapsed();
    wait_rest(cluster).await?;
    for ended in join_all(rows.iter().map(async |(_, row)| row.end().await)).await {
        ended?;
    }
    operator.process.ensure_running()?;
    ensure!(!operator.process.log().contains("panicked"), "the operator panicked");
    let slowest = slowest.into_iter().flatten().max().unwrap_or_default();
    let (first, last) = (seeds.first().copied().unwrap_or_default(), seeds.last().copied().unwrap_or_default());
    eprintln!(
        "seeds {first}-{last}: {} requests were spoilt in {:.0} s; the slowest was as wanted {:.1} s after its last fault (seed {})",
        sky.spoilt(),
        took.as_secs_f32(),
        slowest.0.as_secs_f32(),
        slowest.1,
    );
    Ok(())
}

/// Awaits that an operator that looks at everything writes nothing.
async fn wait_rest(cluster: &Cluster) -> Result<()> {
    /// Instances whose pods are missing, as there is no kubelet, are looked at every 5 s.
    const LOOKED: Duration = Duration::from_secs(6);
    let writes = || {
        let all = cluster.writes()?.into_iter().filter(|write| write.is_of_a_workload() && !write.is_of_a_lease());
        anyhow::Ok(all.collect::<Vec<_>>())
    };
    wait_for("an operator that rests", SETTLED, async || {
        let before = writes()?.len();
        tokio::time::sleep(LOOKED).await;
        let written = writes()?.split_off(before);
        ensure!(written.is_empty(), "written meanwhile: {written:#?}");
        Ok(())
    })
    .await
}

/// What `BULKHEAD_SEEDS` says, or all of [`SEEDS`].
fn seeds() -> Result<Vec<u64>> {
    let (first, last) = match std::env::var("BULKHEAD_SEEDS") {
        Err(_) => SEEDS,
        Ok(text) => {
            let (first, last) = text.split_once('-').unwrap_or((&text, &text));
            let read = |text: &str| text.trim().parse::<u64>().with_context(|| format!("read BULKHEAD_SEEDS {text:?}"));
            (read(first)?, read(last)?)
        }
    };
    ensure!(first <= last, "BULKHEAD_SEEDS begins with {first} and ends with {last}");
    Ok((first..=last).collect())
}

/// One instance, whose namespace bears its name.
struct Row<'a> {
    cluster: &'static Cluster,
    name: String,
    sky: &'a Sky,
    camera: &'a Camera,
}

impl Row<'_> {
    /// Runs seeds one after the other; the longest time that one took to settle, and which.
    async fn run(&self, seeds: &[u64]) -> Result<(Duration, u64)> {
        let mut slowest = (Duration::ZERO, 0);
        for seed in seeds {
            let settled = self.weather(*seed).await;
            let again = || format!("BULKHEAD_SEEDS={}-{seed}", seeds.first().copied().unwrap_or_default());
            slowest = slowest.max((settled.with_context(again)?, *seed));
        }
        Ok(slowest)
    }

    /// A change under faults, then calm; how long until everything was as wanted.
    async fn weather(&self, seed: u64) -> Result<Duration> {
        let mut random = Random::of(seed);
        let spec = specification(&self.name, &mut random);
        self.sky.arm(&self.name, &mut random);
        let changed = self.change(&spec, &mut random).await;
        let spent = wait_for("the faults", FAULTS, async || {
            ensure!(self.sky.is_spent(&self.name), "some are ahead");
            Ok(())
        });
        // Some are never met, when there is nothing left to ask for.
        let _ = spent.await;
        let told = self.sky.calm(&self.name);
        changed.with_context(|| format!("change to {spec}"))?;
        let calm = Instant::now();
        let settled = wait_for("everything as it is wanted", SETTLED, async || {
            let picture = self.camera.next().await?;
            picture.shows(&self.api().get(&self.name).await?)
        });
        settled.await.with_context(|| format!("{spec}, after {told:#?}"))?;
        Ok(calm.elapsed())
    }

    /// Asks for something else, and now and then spoils an object of what there is, or begins anew.
    async fn change(&self, spec: &Value, random: &mut Random) -> Result<()> {
        let there = self.camera.next().await?.of(&self.name);
        match random.below(10) {
            0 if !there.is_empty() => self.begin_anew().await?,
            1..4 if !there.is_empty() => {
                let (kind, namespace, name) = random.of_these(&there);
                let kind = Kind::parse(&kind).context("an unknown kind")?.resource();
                let all = self.cluster.admin.clone();
                let api = match namespace.as_str() {
                    "" => Api::<DynamicObject>::all_with(all, &kind),
                    _ => Api::namespaced_with(all, &namespace, &kind),
                };
                let label = random.of_these(&["app.kubernetes.io/managed-by", LABEL_INSTANCE_UID]);
                let lost = json!({"metadata": {"labels": {label: null}}});
                // It may be gone already.
                let _ = match random.below(2) {
                    0 => api.delete(&name, &DeleteParams::background()).await.map(|_| ()),
                    _ => api.patch(&name, &PatchParams::default(), &Patch::Merge(lost)).await.map(|_| ()),
                };
            }
            _ => {}
        }
        let (name, namespace) = (&self.name, &self.name);
        let instance = json!({
            "apiVersion": "bulkhead.io/v1alpha1", "kind": "GatewayInstance",
            "metadata": {"name": name, "namespace": namespace}, "spec": spec,
        });
        self.cluster.apply(namespace, &instance.to_string()).await.map(|_| ())
    }

    async fn begin_anew(&self) -> Result<()> {
        self.api().delete(&self.name, &DeleteParams::default()).await?;
        wait_for("the end of the instance", SETTLED * 2, async || {
            ensure!(self.api().get_opt(&self.name).await?.is_none(), "it is still there");
            Ok(())
        })
        .await
    }

    /// Nothing is left of it, in the cluster or in its namespace.
    async fn end(&self) -> Result<()> {
        self.begin_anew().await?;
        wait_for("nothing that is left", SOON * 3, async || {
            let left = self.camera.next().await?.of(&self.name);
            ensure!(left.is_empty(), "left are {left:?}");
            Ok(())
        })
        .await
    }

    fn api(&self) -> Api<GatewayInstance> {
        Api::namespaced(self.cluster.admin.clone(), &self.name)
    }
}

/// Something that the operator can be asked for.
fn specification(name: &str, random: &mut Random) -> Value {
    let enabled = random.below(4);
    let mut lane = |enabled: bool, nth: u64| {
        let mut lane = json!({
            "enabled": enabled,
            "service": {"type": random.of_these(&["LoadBalancer", "ClusterIP", "NodePort", "None"])},
            "networkPolicy": {"mode": random.of_these(&["Managed", "Managed", "Off"])},
            "limits": {"requestFields": 40 + random.below(40)},
        });
        match random.below(4) {
            0 => lane["autoscaling"] = json!({"minReplicas": 1, "maxReplicas": 2 + random.below(2)}),
            size => lane["replicas"] = (size.min(2)).into(),
        }
        if random.below(3) == 0 {
            lane["ingressClass"] = json!({"name": format!("{name}-class-{nth}-{}", random.below(2))});
        }
        lane
    };
    let (north_south, east_west) = (lane(enabled != 0, 0), lane(enabled != 1, 1));
    let from = match random.below(3) {
        0 => json!({"from": "All"}),
        1 => json!({"from": "Same"}),
        _ => json!({"from": "Names", "names": ["default", name]}),
    };
    json!({"scope": {"namespaces": from}, "northSouth": north_south, "eastWest": east_west})
}
