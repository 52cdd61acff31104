//! What many objects cost: to begin with, to hold, and when one of them changes.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::idle::resident;
use crate::proxies::{Bench, Gateway};
use crate::table::Row;
use crate::traffic::Traffic;

/// Ingresses of a large cluster, each with a host of its own.
const INGRESSES: usize = 10_000;
/// Endpoints of each of their Services.
const ENDPOINTS: usize = 10;
/// Routes of a busy lane.
const ROUTES: usize = 5_000;
/// Changes that are looked at, one Ingress each.
const CHANGES: usize = 100;
/// Objects a file, as a person would not write and a generator does.
const PER_FILE: usize = 100;
/// Seconds.
const READY: f64 = 10.0;
/// Milliseconds for a compile.
const COMPILE: f64 = 1.0;
/// Milliseconds from a change to the first answer by it, of which one in a hundred may take longer.
const SERVED: f64 = 100.0;
/// MiB with all routes of a busy lane.
const RESIDENT: f64 = 60.0;
/// KiB for a route more.
const PER_ROUTE: f64 = 8.0;
/// For memory that only the start took to be given back.
const SETTLE: Duration = Duration::from_secs(2);
/// Between two looks whether a change is served.
const LOOK: Duration = Duration::from_micros(300);
/// No change takes as long.
const PATIENCE: Duration = Duration::from_secs(10);

/// From the start of the process until it is ready with 10,000 Ingresses and 100,000 endpoints.
pub(crate) async fn cold(bench: &Bench) -> Result<Row> {
    let gateway = bench.gateway_of(&everything(), Traffic::Http1, &[]).await?;
    let (routes, endpoints) = (gateway.metric("bulkhead_routes").await?, gateway.metric("bulkhead_endpoints").await?);
    let remark = format!("{routes} routes, {endpoints} endpoints, {} MiB", resident(gateway.proxy.process.id())? >> 10);
    Ok(Row { figure: gateway.ready_after.as_secs_f64(), target: READY, decimals: 2, remark })
}

/// Rows on a lane with 5,000 routes: its memory, that of a further route, what a change costs, and when it is served.
pub(crate) async fn rows(bench: &Bench) -> Vec<(&'static str, Result<Row>)> {
    match busy(bench).await {
        Ok(rows) => rows.into_iter().map(|(name, row)| (name, Ok(row))).collect(),
        Err(error) => vec![("a lane with 5,000 routes", Err(error))],
    }
}

async fn busy(bench: &Bench) -> Result<[(&'static str, Row); 4]> {
    let gateway = bench.gateway_of(&files((0..ROUTES).map(ingress)), Traffic::Http1, &[]).await?;
    sleep(SETTLE).await;
    let id = gateway.proxy.process.id();
    let before = resident(id)?;
    let compiles =
        (gateway.metric("bulkhead_compiles_total").await?, gateway.metric("bulkhead_compile_seconds_total").await?);
    let mut waits = Vec::with_capacity(CHANGES);
    for change in 0..CHANGES {
        waits.push(served_after(&gateway, change).await?);
    }
    let count = gateway.metric("bulkhead_compiles_total").await? - compiles.0;
    let seconds = gateway.metric("bulkhead_compile_seconds_total").await? - compiles.1;
    waits.sort_unstable();
    let at = |part: usize| waits.get(part * (CHANGES - 1) / 100).copied().unwrap_or_default().as_secs_f64() * 1e3;
    for (name, text) in files((ROUTES..2 * ROUTES).map(ingress)) {
        gateway.put(&format!("more-{name}"), &text)?;
    }
    bulkhead_tests::wait::wait_for("all routes", PATIENCE, async || {
        let routes = gateway.metric("bulkhead_routes").await?;
        anyhow::ensure!(routes >= (2 * ROUTES + CHANGES) as f64, "{routes} routes");
        Ok(())
    })
    .await?;
    sleep(SETTLE).await;
    let grown = resident(id)?.saturating_sub(before);
    let from = format!("{CHANGES} changes of one Ingress, {ROUTES} routes");
    Ok([
        (
            "MiB resident at 5,000 routes",
            Row { figure: before as f64 / 1024.0, target: RESIDENT, decimals: 1, remark: "idle".to_owned() },
        ),
        (
            "KiB resident for a further route",
            Row {
                figure: grown as f64 / ROUTES as f64,
                target: PER_ROUTE,
                decimals: 2,
                remark: format!("{ROUTES} more"),
            },
        ),
        (
            "ms to compile a change at 5,000 routes",
            Row {
                figure: seconds * 1e3 / count.max(1.0),
                target: COMPILE,
                decimals: 3,
                remark: format!("{from}, {count} compiles"),
            },
        ),
        (
            "ms until a change is served, p99",
            Row { figure: at(99), target: SERVED, decimals: 1, remark: format!("{from}, median {:.1}", at(50)) },
        ),
    ])
}

/// Writes one Ingress with a new path, and how long it takes until that is served.
async fn served_after(gateway: &Gateway, change: usize) -> Result<Duration> {
    let (host, path) = (format!("changed{change}.example.com"), format!("/new{change}"));
    let text = manifest(&format!("changed{change}"), &host, &path, "web").to_string();
    let begun = Instant::now();
    gateway.put(&format!("changed{change}.yaml"), &text)?;
    while begun.elapsed() < PATIENCE {
        if gateway.proxy.ensure_serves(&host, &path).await.is_ok() {
            return Ok(begun.elapsed());
        }
        sleep(LOOK).await;
    }
    Err(anyhow::anyhow!("{host}{path} is not served after {PATIENCE:?}")).context("wait for a change")
}

fn manifest(name: &str, host: &str, path: &str, service: &str) -> serde_json::Value {
    let backend = json!({"service": {"name": service, "port": {"number": 80}}});
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name, "namespace": "bench"},
        "spec": {
            "ingressClassName": "bench",
            "rules": [{"host": host, "http": {"paths": [{"path": path, "pathType": "Prefix", "backend": backend}]}}],
        },
    })
}

fn ingress(number: usize) -> String {
    manifest(&format!("many{number}"), &format!("many{number}.example.com"), "/", "web").to_string()
}

/// Every Ingress with a Service of its own.
fn everything() -> Vec<(String, String)> {
    let objects = (0..INGRESSES).flat_map(|number| {
        let service = format!("service{number}");
        let endpoints: Vec<_> = (0..ENDPOINTS)
            .map(|endpoint| json!({"addresses": [format!("10.{}.{}.{}", number / 250, number % 250, endpoint + 1)], "conditions": {"ready": true}}))
            .collect();
        [
            manifest(&format!("many{number}"), &format!("many{number}.example.com"), "/", &service).to_string(),
            json!({
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": service, "namespace": "bench"},
                "spec": {"ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
            })
            .to_string(),
            json!({
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "endpoints": endpoints,
                "metadata": {"name": format!("{service}-a"), "namespace": "bench", "labels": {"kubernetes.io/service-name": service}},
                "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
            })
            .to_string(),
        ]
    });
    files(objects)
}

/// Objects in files of [`PER_FILE`], with the files' names.
fn files(objects: impl Iterator<Item = String>) -> Vec<(String, String)> {
    let all: Vec<String> = objects.collect();
    all.chunks(PER_FILE)
        .enumerate()
        .map(|(number, part)| (format!("part{number}.yaml"), part.join("\n---\n")))
        .collect()
}
