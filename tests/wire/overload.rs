//! What a gateway does as its memory and its descriptors fill up: every rung of the ladder, up and down again.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use bulkhead_crds::lane::LaneDocument;
use bulkhead_tests::binaries::Binary;
use bulkhead_tests::wait::wait_for;
use tempfile::TempDir;
use tokio::time::timeout;

use crate::support::PATIENCE;
use crate::support::backend::{Backend, Reply};
use crate::support::lane::{Lane, gateway};
use crate::support::manifest::{all_of, document, file, ingress, served};
use crate::support::message::Request;

const HOST: &str = "overload.test";
const GET: &str = "GET / HTTP/1.1\r\nHost: overload.test\r\n\r\n";

/// The files of a control group, as the kernel would keep them.
struct Group(TempDir);

impl Group {
    fn new(max: u64) -> Self {
        let group = Self(TempDir::with_prefix("bulkhead-group-").unwrap());
        group.set("memory.max", &max.to_string());
        group.set("memory.current", "0");
        group
    }

    fn set(&self, file: &str, text: &str) {
        let (file, beside) = (self.0.path().join(file), self.0.path().join("new"));
        fs::write(&beside, text).unwrap();
        fs::rename(&beside, file).unwrap();
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

/// A gateway whose memory is what a group's files say.
async fn watching(group: &Group, document: &LaneDocument) -> Lane {
    let mut command = gateway();
    command.env("BULKHEAD_CGROUP", group.path());
    Lane::start_as(document, command).await
}

/// Serves the host by a backend that answers every path but `/never`.
async fn backed(lane: &Lane) -> Backend {
    let script = |request: &Request| if request.target() == "/never" { Reply::keep("") } else { Reply::ok("here") };
    let backend = Backend::start(script).await;
    lane.put("web.yaml", &file(&[ingress("web", &[all_of(HOST, "web")]), served("web", backend.port())]));
    lane.wait_for(HOST, "/", 200, "here").await;
    backend
}

/// Waits until the gateway says that it is on this level.
async fn level(lane: &Lane, level: f64) {
    let what = format!("level {level}");
    let seen = wait_for(&what, PATIENCE, async || {
        let metrics = lane.metrics().await;
        anyhow::ensure!(metrics["bulkhead_overload_level"] == level, "{}", metrics["bulkhead_overload_level"]);
        Ok(())
    });
    seen.await.unwrap();
}

/// Status of a GET on a new connection, and what its answer says of the connection.
async fn ask(lane: &Lane) -> (u16, Option<String>) {
    let mut client = lane.connect().await;
    client.write(GET).await.unwrap();
    let answer = client.answer().await.unwrap();
    (answer.status, answer.header("connection").map(str::to_owned))
}

#[tokio::test]
async fn every_rung_is_climbed_as_memory_fills_up_and_left_as_it_empties() {
    let group = Group::new(1_000_000);
    let lane = watching(&group, &document()).await;
    let _backend = backed(&lane).await;
    let fill = |thousandths: u64| group.set("memory.current", &(thousandths * 1000).to_string());
    let (keeps, closes) = ((200, None), (200, Some("close".to_owned())));
    // A request in flight, which accounts for more than a tenth of so small a memory.
    let mut held = lane.connect().await;
    held.write(format!("GET /never HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await.unwrap();

    fill(799);
    level(&lane, 0.0).await;
    assert_eq!(ask(&lane).await, keeps);
    fill(800);
    level(&lane, 1.0).await;
    assert_eq!(ask(&lane).await, keeps);
    fill(880);
    level(&lane, 2.0).await;
    assert_eq!(ask(&lane).await, closes);
    assert_eq!(lane.faults().await.get("overloaded"), None);

    fill(930);
    level(&lane, 3.0).await;
    let mut client = lane.connect().await;
    client.write(GET).await.unwrap();
    let refusal = client.answer().await.unwrap();
    assert_eq!(
        (refusal.status, refusal.header("retry-after"), refusal.header("connection")),
        (503, Some("2"), Some("close"))
    );
    assert!(client.closed().await.unwrap().is_empty());
    assert_eq!(lane.faults().await["overloaded"], 1);
    assert!(lane.status().await.ready, "a gateway that refuses is not restarted, nor taken out of service");

    fill(970);
    level(&lane, 4.0).await;
    let mut waiting = lane.connect().await;
    waiting.write(GET).await.unwrap();
    let accepted = lane.metrics().await["bulkhead_connections_accepted_total"];
    assert!(timeout(Duration::from_millis(300), waiting.answer()).await.is_err());
    assert_eq!(lane.metrics().await["bulkhead_connections_accepted_total"], accepted);

    // Down again, each rung a little below where it was climbed.
    fill(941);
    level(&lane, 4.0).await;
    fill(939);
    level(&lane, 3.0).await;
    assert_eq!(waiting.answer().await.unwrap().status, 503);
    fill(899);
    level(&lane, 2.0).await;
    assert_eq!(ask(&lane).await, closes);
    fill(849);
    level(&lane, 1.0).await;
    assert_eq!(ask(&lane).await, keeps);
    fill(769);
    level(&lane, 0.0).await;
    assert_eq!(ask(&lane).await, keeps);
    assert_eq!(lane.metrics().await["bulkhead_overload_pressure_ratio{of=\"memory\"}"], 0.769);
    assert_eq!(lane.faults().await["overloaded"], 2);
}

#[tokio::test]
async fn memory_that_no_client_holds_closes_no_door() {
    let group = Group::new(512 << 20);
    let lane = watching(&group, &document()).await;
    let _backend = backed(&lane).await;
    group.set("memory.current", &(512_u64 << 20).to_string());
    level(&lane, 2.0).await;
    assert_eq!(ask(&lane).await, (200, Some("close".to_owned())));
    // Files that are only cached are none of it.
    group.set("memory.stat", &format!("anon 1\ninactive_file {}\n", 256 << 20));
    level(&lane, 0.0).await;
    assert_eq!(ask(&lane).await, (200, None));
}

#[tokio::test]
async fn an_idle_connection_is_closed_when_memory_runs_short() {
    let group = Group::new(512 << 20);
    let lane = watching(&group, &document()).await;
    let _backend = backed(&lane).await;
    let mut idle = lane.connect().await;
    idle.write(GET).await.unwrap();
    assert_eq!(idle.answer().await.unwrap().header("connection"), None);
    let closed = lane.metrics().await["bulkhead_connections_idle_closed_total"];
    group.set("memory.current", &(500_u64 << 20).to_string());
    assert!(timeout(PATIENCE, idle.closed()).await.unwrap().unwrap().is_empty());
    lane.wait_for_metrics(|seen| seen["bulkhead_connections_idle_closed_total"] > closed, true).await;
}

#[tokio::test]
async fn the_number_of_connections_follows_from_memory() {
    let group = Group::new(64 << 20);
    let mut settings = document();
    settings.limits.connections = 0;
    let lane = watching(&group, &settings).await;
    // 60 % of 64 MiB, in pieces of 184 KiB.
    assert_eq!(lane.metrics().await["bulkhead_connections_limit"], 213.0);
    settings.limits.request_head_bytes = 256 << 10;
    lane.configure(&settings).await;
    assert_eq!(lane.metrics().await["bulkhead_connections_limit"], 96.0);
    settings.limits.connections = 7;
    lane.configure(&settings).await;
    assert_eq!(lane.metrics().await["bulkhead_connections_limit"], 7.0);
}

/// A gateway that has so many descriptors and no more.
async fn with_descriptors(count: u32, document: &LaneDocument) -> Lane {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -n {count} && exec \"$0\" \"$@\"")]).arg(Binary::Gateway.path().unwrap());
    Lane::start_as(document, command).await
}

/// Opens so many connections, and keeps those that are not turned away at once.
async fn open(lane: &Lane, count: usize) -> Vec<bulkhead_tests::exchange::Connection<tokio::net::TcpStream>> {
    let mut open = Vec::new();
    for _ in 0..count {
        open.push(lane.connect().await);
    }
    open
}

#[tokio::test]
async fn half_the_descriptors_are_for_clients() {
    let mut settings = document();
    settings.limits.connections = 0;
    let lane = with_descriptors(160, &settings).await;
    let _backend = backed(&lane).await;
    let clients = open(&lane, 400).await;
    // The second is counted after the first, and each thread counts for itself.
    let metrics = wait_for("all of them seen", PATIENCE, async || {
        let metrics = lane.metrics().await;
        let seen = metrics["bulkhead_connections_accepted_total"];
        let turned_away = metrics["bulkhead_connections_over_limit_total"];
        anyhow::ensure!(seen >= 400.0 && turned_away >= 320.0, "{seen}, of which {turned_away} were turned away");
        Ok(metrics)
    });
    let metrics = metrics.await.unwrap();
    assert_eq!(metrics["bulkhead_connections_limit"], 80.0);
    assert!(metrics["bulkhead_connections"] <= 80.0, "{}", metrics["bulkhead_connections"]);
    drop(clients);
    lane.wait_for(HOST, "/", 200, "here").await;
}

#[tokio::test]
async fn a_gateway_that_runs_out_of_descriptors_recovers_by_itself() {
    // As many connections are allowed as there never can be.
    let lane = with_descriptors(160, &document()).await;
    let _backend = backed(&lane).await;
    let clients = open(&lane, 400).await;
    let seen = wait_for("a process that is short of descriptors", PATIENCE, async || {
        anyhow::ensure!(lane.process.log().contains("\"level\":\"stop_accepting\""), "not yet");
        Ok(())
    });
    seen.await.unwrap();
    // Those that say nothing are closed for it, long before they would have been.
    drop(clients);
    level(&lane, 0.0).await;
    assert_eq!(ask(&lane).await, (200, None));
    lane.process.ensure_running().unwrap();
}

/// Memory of a real process, as far as it is resident, against a bound that it is told.
#[tokio::test]
async fn a_flood_is_shed_and_what_it_held_is_given_back() {
    let mut command = gateway();
    // The second as in a pod: without it the allocator keeps what was freed.
    command.env("BULKHEAD_MEMORY_LIMIT", "64Mi").env("MALLOC_MMAP_THRESHOLD_", "32768");
    let mut settings = document();
    settings.limits.request_head_bytes = 256 << 10;
    let lane = Lane::start_as(&settings, command).await;
    let _backend = backed(&lane).await;
    let head = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nX: {}", "y".repeat(200 << 10));
    let mut flood = Vec::new();
    for _ in 0..400 {
        let mut client = lane.connect().await;
        // Nobody takes it once the gateway is full.
        let _ = timeout(Duration::from_millis(50), client.write(&head)).await;
        flood.push(client);
    }
    let shed = wait_for("a gateway that sheds load", PATIENCE, async || {
        let log = lane.process.log();
        anyhow::ensure!(log.contains("\"level\":\"refuse\"") || log.contains("\"level\":\"stop_accepting\""), "{log}");
        Ok(())
    });
    shed.await.unwrap();
    drop(flood);
    level(&lane, 0.0).await;
    assert_eq!(ask(&lane).await, (200, None));
    // The level is left at 0.77 already, while connections are still being closed.
    let full = wait_for("memory that is given back", PATIENCE, async || {
        let full = lane.metrics().await["bulkhead_overload_pressure_ratio{of=\"memory\"}"];
        anyhow::ensure!(full < 0.7, "{full} of it is still in use");
        Ok(full)
    });
    println!("{} of the memory is in use after the flood", full.await.unwrap());
}
