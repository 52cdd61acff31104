//! The API server does not answer.

use anyhow::{Result, ensure};
use bulkhead_crds::names::{ADMIN_PORT, LaneName};
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::exchange::{self, Connection};
use bulkhead_tests::suite::{Test, test};
use rustix::process::Signal;

use crate::world::operator::{Lone, Operator};
use crate::world::routes::{backend, route};
use crate::world::{Fleet, SMALL};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![test(gateways_serve_on_and_stay_ready_while_the_api_server_hangs)]
}

const LANE: LaneName = LaneName::NorthSouth;

/// Requests sent meanwhile.
const REQUESTS: usize = 500;

async fn gateways_serve_on_and_stay_ready_while_the_api_server_hangs(cluster: &'static Cluster) -> Result<()> {
    let lone = Lone::take(cluster).await?;
    let operator = Operator::start(lone.cluster, 19_094).await?;
    let fleet = Fleet::create(lone.cluster, "outage", SMALL).await?;
    let _shop = backend(lone.cluster, &fleet.namespace, "shop").await?;
    route(lone.cluster, &fleet.namespace, "shop", &fleet.class(LANE), "outage.example", "shop").await?;
    fleet.wait_phase("Listening").await?;
    fleet.wait_status(LANE, "outage.example", 200).await?;
    let gateway = fleet.gateway(LANE)?;

    lone.cluster.signal_apiserver(Signal::STOP)?;
    let served = serve(gateway).await;
    lone.cluster.signal_apiserver(Signal::CONT)?;
    served?;

    operator.process.ensure_running()?;
    route(lone.cluster, &fleet.namespace, "later", &fleet.class(LANE), "later.example", "shop").await?;
    fleet.wait_status(LANE, "later.example", 200).await?;
    fleet.patch(serde_json::json!({"northSouth": {"limits": {"requestFields": 80}}})).await?;
    fleet.wait_phase("Listening").await?;
    ensure!(fleet.gateway(LANE)? == gateway, "the gateway was replaced");
    Ok(())
}

async fn serve(gateway: std::net::SocketAddr) -> Result<()> {
    let mut connection = Connection::open(gateway).await?;
    for _ in 0..REQUESTS {
        connection.write("GET / HTTP/1.1\r\nHost: outage.example\r\n\r\n").await?;
        let answer = connection.answer().await?;
        ensure!(answer.status == 200, "answered {} {:?}", answer.status, answer.text());
    }
    let ready = exchange::get((gateway.ip(), ADMIN_PORT).into(), "kubelet", "/readyz").await?;
    ensure!(ready.status == 200, "/readyz answers {} {:?}", ready.status, ready.text());
    Ok(())
}
