//! `tests/bench/run`: what the shipped gateway costs, beside nginx and haproxy with the same routes, and whether that is
//! within the targets.
//!
//! In: the gateway of the `dist` profile and the peers of the distribution. Out: a table, and failure if a figure is behind
//! its target. `site` is what all of them serve, `traffic` how it is asked for, `proxies` starts
//! them, `load` asks; every other file is one measurement.

mod changes;
mod cpu;
mod idle;
mod instructions;
mod load;
mod proxies;
mod scale;
mod site;
mod syscalls;
mod table;
mod traffic;

use std::process::ExitCode;

use anyhow::Result;

use crate::proxies::Bench;
use crate::table::Table;
use crate::traffic::Traffic;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode> {
    let bench = Bench::new()?;
    let mut table = Table::default();
    table.add("system calls per request", syscalls::measure(&bench, Traffic::Http1, syscalls::HTTP1).await)?;
    table.add("HTTP/2: system calls per request", syscalls::measure(&bench, Traffic::Http2, syscalls::HTTP2).await)?;
    for (name, row) in instructions::rows(&bench).await {
        table.add(name, row)?;
    }
    table.add("failed requests over 200 route changes", changes::measure(&bench).await)?;
    table.add("bytes per idle connection", idle::measure(&bench).await)?;
    table.add("s to ready, 10,000 Ingresses", scale::cold(&bench).await)?;
    for (name, row) in scale::rows(&bench).await {
        table.add(name, row)?;
    }
    for comparison in &cpu::COMPARISONS {
        for (name, row) in cpu::rows(&bench, comparison).await {
            table.add(name, row)?;
        }
    }
    Ok(if table.is_within_targets() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
