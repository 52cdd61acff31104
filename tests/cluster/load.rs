//! Routes and endpoints change while clients send without a pause.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bulkhead_crds::names::LaneName;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::echo::EchoBackend;
use bulkhead_tests::exchange::Connection;
use bulkhead_tests::suite::{Test, test};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::world::routes::{self, route};
use crate::world::{Fleet, address, quantile};

/// Changes of each sort.
const CHANGES: usize = 50;
/// Connections that send meanwhile.
const CONNECTIONS: usize = 6;
/// Between two requests of one connection: enough of them to meet every change, few enough to leave two cores to the control plane.
const PAUSE: Duration = Duration::from_millis(2);

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![test(a_hundred_changes_lose_no_request_and_cut_no_connection)]
}

async fn a_hundred_changes_lose_no_request_and_cut_no_connection(cluster: &'static Cluster) -> Result<()> {
    let spec = "{northSouth: {replicas: 1}, eastWest: {enabled: false}}";
    let fleet = Fleet::listening(cluster, "load", spec).await?;
    let class = fleet.class(LaneName::NorthSouth);
    let (team, mut ips, mut backends) = (cluster.namespace("team").await?, Vec::new(), Vec::new());
    for name in ["one", "two", "three"] {
        let ip = address();
        backends.push(EchoBackend::start(name, SocketAddr::from((ip, routes::PORT))).await?);
        ips.push(ip);
    }
    routes::serve(cluster, &team, "busy", &ips).await?;
    routes::serve(cluster, &team, "steady", &ips[..1]).await?;
    route(cluster, &team, "busy", &class, "busy.example", "busy").await?;
    fleet.wait_status(LaneName::NorthSouth, "busy.example", 200).await?;

    let gateway = fleet.gateway(LaneName::NorthSouth)?;
    let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut clients = JoinSet::new();
    for _ in 0..CONNECTIONS {
        clients.spawn(send(gateway, Arc::clone(&stop), Arc::clone(&sent)));
    }
    let (mut to_route, mut after_write) = (Vec::new(), Vec::new());
    for nth in 0..CHANGES {
        // The busy host itself moves between Services, and its Service between endpoints: every choice answers.
        let service = if nth % 2 == 0 { "steady" } else { "busy" };
        route(cluster, &team, "busy", &class, "busy.example", service).await?;
        let some = [&ips[..1], &ips[1..], &ips[..], &ips[2..]][nth % 4];
        cluster.set_endpoints(&team, "busy", "http", routes::PORT, some).await?;

        let host = format!("new-{nth}.example");
        let mut watching = Connection::open(gateway).await?;
        let begun = Instant::now();
        route(cluster, &team, &format!("new-{nth}"), &class, &host, "steady").await?;
        let written = begun.elapsed();
        loop {
            watching.write(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).await?;
            match watching.answer().await?.status {
                200 => break,
                404 if begun.elapsed() < Duration::from_secs(10) => {}
                status => anyhow::bail!("a new route is answered {status} after {:?}", begun.elapsed()),
            }
        }
        to_route.push(begun.elapsed());
        after_write.push(begun.elapsed().saturating_sub(written));
    }
    stop.store(true, Ordering::SeqCst);
    while let Some(client) = clients.join_next().await {
        client?.context("a client that sent all the while")?;
    }
    let sent = sent.load(Ordering::SeqCst);
    ensure!(sent > (CHANGES * CONNECTIONS) as u64, "only {sent} requests were sent");
    eprintln!(
        "{CHANGES} routes added, {CHANGES} moved and {CHANGES} endpoint changes under {sent} requests on {CONNECTIONS} connections, none failed; \
         API write begun to first 200: p50 {:?}, p99 {:?} (write answered to first 200: p50 {:?}, p99 {:?})",
        quantile(&mut to_route, 50),
        quantile(&mut to_route, 99),
        quantile(&mut after_write, 50),
        quantile(&mut after_write, 99),
    );
    Ok(())
}

/// Sends on one connection until told to stop; anything but 200 and a cut connection are failures.
async fn send(gateway: SocketAddr, stop: Arc<AtomicBool>, sent: Arc<AtomicU64>) -> Result<()> {
    let mut connection = Connection::open(gateway).await?;
    while !stop.load(Ordering::SeqCst) {
        connection.write("GET /busy HTTP/1.1\r\nHost: busy.example\r\n\r\n").await?;
        let answer = connection.answer().await?;
        ensure!(answer.status == 200, "answered {} {:?}", answer.status, answer.text());
        sent.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}
