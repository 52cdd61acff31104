//! Instructions in user space, counted by valgrind: the difference of two runs, so that starting costs nothing.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;

use crate::load;
use crate::proxies::Bench;
use crate::table::Row;

/// Half of what nginx needs here.
const TARGET: f64 = 14_000.0;
/// Lengths of the two runs, in seconds.
const SHORT: u32 = 1;
const LONG: u32 = 6;

pub(crate) async fn measure(bench: &Bench) -> Result<Row> {
    let short = run(bench, SHORT).await?;
    let long = run(bench, LONG).await?;
    ensure!(long.0 > short.0 && long.1 > short.1, "the long run {long:?} has no more than the short one {short:?}");
    let (instructions, requests) = (long.0 - short.0, long.1 - short.1);
    let remark = format!("{instructions} instructions, {requests} requests");
    Ok(Row { figure: instructions as f64 / requests as f64, target: TARGET, decimals: 0, remark })
}

/// Instructions and requests of one run.
async fn run(bench: &Bench, seconds: u32) -> Result<(u64, u64)> {
    let gateway = bench.gateway(&["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]).await?;
    let load = load::run(&bench.script, gateway.proxy.port, seconds)?;
    let process = &gateway.proxy.process;
    process.signal(Signal::TERM)?;
    process.wait_exit(Duration::from_secs(30)).await?;
    let log = process.log();
    let counted = log.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    Ok((counted.with_context(|| format!("find a count in {log}"))?, load.requests))
}
