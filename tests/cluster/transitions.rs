//! What `kubectl get gwi -w` prints while a lane comes up slowly, loses its node and comes back. The columns are those that the API server makes of the schema that
//! ships: kubectl prints them and nothing else.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bulkhead_crds::names::{LABEL_LANE, LaneName};
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::suite::{Test, test};
use futures::{AsyncBufReadExt, StreamExt};
use hyper::Request;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use rustix::process::Signal;
use serde_json::Value;
use tokio::time::timeout;

use crate::world::Fleet;
use crate::world::operator::Operator;

/// For the whole story: a lane without pods is degraded after 30 s.
const PATIENCE: Duration = Duration::from_secs(150);
/// What must come in this order; other phases may lie between.
const ORDER: [&str; 5] = ["Pending", "Running", "Listening", "Failed", "Listening"];

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![test(a_lane_that_loses_its_node_fails_and_comes_back_as_kubectl_shows)]
}

async fn a_lane_that_loses_its_node_fails_and_comes_back_as_kubectl_shows(cluster: &'static Cluster) -> Result<()> {
    const SPEC: &str = "{northSouth: {replicas: 1, service: {type: ClusterIP}}, eastWest: {replicas: 1}}";
    Operator::shared(cluster).await?;
    let fleet = Fleet::create(cluster, "watched", SPEC).await?;
    fleet.gateways.freeze(true);
    let mut table = Box::pin(rows(cluster, &fleet).await?);
    let (mut lines, mut awaited) = (Vec::new(), ORDER.into_iter().peekable());
    let story = async {
        while awaited.peek().is_some() {
            let cells = table.next().await.context("the watch ended")??;
            let line = print(&cells);
            if lines.last() == Some(&line) {
                continue;
            }
            lines.push(line);
            if awaited.next_if(|phase| *phase == cells[1]).is_none() {
                continue;
            }
            match ORDER.len() - awaited.len() {
                2 => thaw(&fleet)?,
                3 => lose_node(cluster, &fleet).await?,
                4 => fleet.gateways.hold(false),
                _ => {}
            }
        }
        anyhow::Ok(())
    };
    let seen = timeout(PATIENCE, story).await;
    eprintln!("{}", lines.join("\n"));
    let status = fleet.instance().await?.status.unwrap_or_default();
    seen.with_context(|| format!("what was to come: {:?}; now {status:#?}", awaited.collect::<Vec<_>>()))??;
    fleet.wait_condition("Degraded", "False", "Healthy").await?;
    Ok(())
}

/// Gateways answer the operator, who has been asking them.
fn thaw(fleet: &Fleet) -> Result<()> {
    fleet.gateways.freeze(false);
    LaneName::ALL.into_iter().try_for_each(|lane| fleet.gateways.signal(lane, Signal::CONT))
}

/// All pods of the east-west lane go, and no node takes new ones. What is missing of a rollout that is not over has its deadline to come.
async fn lose_node(cluster: &Cluster, fleet: &Fleet) -> Result<()> {
    fleet.wait_condition("Progressing", "False", "Reconciled").await?;
    fleet.gateways.hold(true);
    let pods = Api::<Pod>::namespaced(cluster.admin.clone(), &fleet.namespace);
    let of_lane = ListParams::default().labels(&format!("{LABEL_LANE}={}", LaneName::EastWest.slug()));
    for pod in pods.list(&of_lane).await? {
        pods.delete(&pod.name_any(), &Default::default()).await?;
    }
    Ok(())
}

/// The cells of every row that a watch of the table of the instance has.
async fn rows(cluster: &Cluster, fleet: &Fleet) -> Result<impl futures::Stream<Item = Result<Vec<String>>> + use<>> {
    let (namespace, name) = (&fleet.namespace, &fleet.name);
    let request = Request::get(format!(
        "/apis/bulkhead.io/v1alpha1/namespaces/{namespace}/gatewayinstances?watch=true&fieldSelector=metadata.name%3D{name}"
    ))
    .header("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
    .body(Vec::new())?;
    let lines = cluster.admin.request_stream(request).await?.lines();
    Ok(lines.map(|line| {
        let event: Value = serde_json::from_str(&line?)?;
        let cells = event["object"]["rows"][0]["cells"].as_array().with_context(|| format!("no row: {event}"))?;
        ensure!(cells.len() >= 6, "{cells:?}");
        let text = |cell: &Value| cell.as_str().map_or_else(|| cell.to_string(), str::to_owned);
        Ok(cells.iter().take(6).map(text).collect())
    }))
}

/// Name, phase, readiness and both lanes, as kubectl aligns them. The age differs from run to run.
fn print(cells: &[String]) -> String {
    format!("{:<14}{:<12}{:<9}{:<7}{:<7}", cells[0], cells[1], cells[2], cells[3], cells[4]).trim_end().to_owned()
}
