//! The operator is killed in the middle of its work.

use anyhow::{Result, ensure};
use bulkhead_crds::names::LaneName;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::exchange;
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;

use crate::world::operator::{Lone, Operator};
use crate::world::routes::{backend, route};
use crate::world::{Fleet, SMALL, SOON, objects};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![test(an_operator_that_is_killed_again_and_again_comes_to_the_same_objects)]
}

/// After how many further writes the operator is killed: a few of each, so that it ends within the first object, between lanes and between instances.
const KILLS: [usize; 6] = [1, 2, 5, 9, 14, 20];

const LANE: LaneName = LaneName::NorthSouth;

async fn an_operator_that_is_killed_again_and_again_comes_to_the_same_objects(cluster: &'static Cluster) -> Result<()> {
    let lone = Lone::take(cluster).await?;
    let operator = Operator::start(lone.cluster, 19_093).await?;
    let steady = Fleet::create(lone.cluster, "steady", SMALL).await?;
    let _shop = backend(lone.cluster, &steady.namespace, "shop").await?;
    route(lone.cluster, &steady.namespace, "shop", &steady.class(LANE), "steady.example", "shop").await?;
    steady.wait_phase("Listening").await?;
    steady.wait_status(LANE, "steady.example", 200).await?;
    let gateways = steady.gateways.of(LANE);
    drop(operator);

    let mut fleets = Vec::new();
    for _ in 0..3 {
        fleets.push(Fleet::create(lone.cluster, "killed", SMALL).await?);
    }
    for further in KILLS {
        let operator = Operator::start(lone.cluster, 19_093).await?;
        let pid = operator.process.id();
        let before = applied(&operator);
        wait_for(&format!("{further} writes of operator {pid}"), SOON, async || {
            let done = applied(&operator);
            // Nothing may be left to write once it has come this far often enough.
            let listening =
                async || anyhow::Ok(fleets.iter().all(|fleet| !fleet.gateways.of(LaneName::EastWest).is_empty()));
            ensure!(done >= before + further || listening().await?, "{} so far", done - before);
            Ok(())
        })
        .await?;
        drop(operator);
        let answer = exchange::get(steady.gateway(LANE)?, "steady.example", "/").await?;
        ensure!(answer.status == 200, "without an operator a gateway answers {}", answer.status);
        // A route that comes while nobody operates is served as well.
        let host = format!("without-{further}.example");
        route(lone.cluster, &steady.namespace, &format!("without-{further}"), &steady.class(LANE), &host, "shop")
            .await?;
        steady.wait_status(LANE, &host, 200).await?;
    }

    let _operator = Operator::start(lone.cluster, 19_093).await?;
    for fleet in &fleets {
        fleet.wait_phase("Listening").await?;
        let planned = objects::planned(fleet).await?;
        let mut there = objects::of(fleet).await?;
        there.retain(|(kind, ..), _| !objects::DERIVED.contains(&kind.as_str()));
        ensure!(there.keys().eq(planned.iter()), "planned {planned:#?}\nthere {:#?}", there.keys());
    }
    ensure!(steady.gateways.of(LANE) == gateways, "the gateways were replaced");
    Ok(())
}

/// Objects written so far by all operators of this cluster: they share a log.
fn applied(operator: &Operator) -> usize {
    operator.process.log().matches("\"applied\"").count()
}
