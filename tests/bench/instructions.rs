//! Instructions in user space, counted by valgrind: the difference of two runs, so that starting costs nothing. Only the
//! data thread's: what the control thread does goes by the clock, which under valgrind runs far ahead of the requests.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use rustix::process::Signal;

use crate::load;
use crate::proxies::Bench;
use crate::table::Row;
use crate::traffic::Traffic;

/// Half of what nginx needs here.
const TARGET: f64 = 14_000.0;
/// One look at each byte of a path: some 25 of them, and 40 instructions for each.
const EXPRESSIONS: f64 = 1_000.0;
/// Lengths of the two runs, in seconds.
const SHORT: u32 = 1;
const LONG: u32 = 6;

/// What one run counted.
struct Run {
    /// Instructions by thread; threads are numbered as they start.
    threads: BTreeMap<String, u64>,
    requests: u64,
}

/// Rows for a request by a prefix, and for what a host with 1,000 expressions adds to that.
pub(crate) async fn rows(bench: &Bench) -> [(&'static str, Result<Row>); 2] {
    let plain = measure(bench, Traffic::Http1, TARGET).await;
    let found = measure(bench, Traffic::Expressions, EXPRESSIONS).await;
    let more = found.and_then(|row| {
        let plain = plain.as_ref().map_err(|_| anyhow!("there is nothing to compare with"))?;
        Ok(Row { figure: row.figure - plain.figure, ..row })
    });
    [("user instructions per request", plain), ("more of them with 1,000 expressions", more)]
}

async fn measure(bench: &Bench, traffic: Traffic, target: f64) -> Result<Row> {
    let short = run(bench, traffic, SHORT).await?;
    let long = run(bench, traffic, LONG).await?;
    ensure!(long.requests > short.requests, "{} requests, then {}", short.requests, long.requests);
    let grown = long
        .threads
        .iter()
        .map(|(thread, count)| count.saturating_sub(short.threads.get(thread).copied().unwrap_or_default()));
    // The thread that grew most is the one that served.
    let (instructions, requests) = (grown.max().unwrap_or_default(), long.requests - short.requests);
    ensure!(instructions > 0, "no thread counted more in the long run");
    let remark = format!("{instructions} instructions, {requests} requests");
    Ok(Row { figure: instructions as f64 / requests as f64, target, decimals: 0, remark })
}

async fn run(bench: &Bench, traffic: Traffic, seconds: u32) -> Result<Run> {
    let counts = bench.folder("callgrind")?;
    let out = format!("--callgrind-out-file={}", counts.join("count").display());
    let gateway = bench.gateway(traffic, &["valgrind", "--tool=callgrind", "--separate-threads=yes", &out]).await?;
    let load = load::run(bench, traffic, gateway.proxy.port, seconds)?;
    gateway.proxy.process.signal(Signal::TERM)?;
    gateway.proxy.process.wait_exit(Duration::from_secs(30)).await?;
    Ok(Run { threads: threads(&counts)?, requests: load.requests })
}

/// The sum in each file that valgrind wrote, one a thread.
fn threads(folder: &Path) -> Result<BTreeMap<String, u64>> {
    let mut threads = BTreeMap::new();
    for file in fs::read_dir(folder)? {
        let file = file?;
        let text = fs::read_to_string(file.path())?;
        let sum = text.lines().find_map(|line| line.strip_prefix("totals: ")?.trim().parse().ok());
        if let Some(sum) = sum {
            threads.insert(file.file_name().to_string_lossy().into_owned(), sum);
        }
    }
    ensure!(!threads.is_empty(), "valgrind wrote no counts to {}", folder.display());
    Ok(threads)
}
