//! System calls of the whole process, counted by strace under load.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bulkhead_tests::wait::wait_for;
use rustix::process::{Pid, Signal, kill_process};

use crate::load;
use crate::proxies::Bench;
use crate::table::Row;
use crate::traffic::Traffic;

/// Of HTTP/1.1: two to read, two to write, and what the reactor needs for many connections at once.
pub(crate) const HTTP1: f64 = 4.2;
/// Of HTTP/2, where one of each serves many requests of a client, and the backend's side is the same.
pub(crate) const HTTP2: f64 = 2.3;

pub(crate) async fn measure(bench: &Bench, traffic: Traffic, target: f64) -> Result<Row> {
    let gateway = bench.gateway(traffic, &[]).await?;
    load::run(bench, traffic, gateway.proxy.port, 1)?;
    let id = gateway.proxy.process.id();
    let strace = Command::new("strace")
        .args(["-f", "-c", "-p", &id.to_string()])
        .stderr(Stdio::piped())
        .spawn()
        .context("start strace")?;
    wait_for("strace on every thread", Duration::from_secs(10), async || {
        for task in std::fs::read_dir(format!("/proc/{id}/task"))? {
            let status = std::fs::read_to_string(task?.path().join("status"))?;
            ensure!(!status.contains("TracerPid:\t0\n"), "a thread is not traced");
        }
        Ok(())
    })
    .await?;
    let load = load::run(bench, traffic, gateway.proxy.port, 2)?;
    let tracer = i32::try_from(strace.id()).ok().and_then(Pid::from_raw).context("a process id out of range")?;
    kill_process(tracer, Signal::INT).context("end strace")?;
    let output = strace.wait_with_output().context("wait for strace")?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let calls = total(&text).with_context(|| format!("read what strace wrote: {text}"))?;
    let remark = format!("{calls} calls, {} requests", load.requests);
    Ok(Row { figure: calls as f64 / load.requests as f64, target, decimals: 2, remark })
}

/// The fourth column of the last row, whose name is `total`.
fn total(text: &str) -> Option<u64> {
    text.lines().find(|line| line.ends_with(" total"))?.split_whitespace().nth(3)?.parse().ok()
}
