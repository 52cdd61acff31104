//! CPU time per request, user and system, paired: the proxies take turns, and a ratio is made inside one round. Absolute
//! figures follow what else the machine does; ratios much less.

use std::fs;

use anyhow::{Context, Result};

use crate::load;
use crate::proxies::{Bench, Proxy};
use crate::table::Row;

/// Rounds; the median of their ratios is the figure.
const ROUNDS: usize = 4;
/// Seconds of load before a measurement, and during it.
const WARM: u32 = 1;
const MEASURED: u32 = 3;
/// At most this part of nginx's and of haproxy's CPU time.
const NGINX: f64 = 0.95;
const HAPROXY: f64 = 0.90;

/// Microseconds per request in one round.
pub(crate) struct Round {
    gateway: f64,
    nginx: f64,
    haproxy: f64,
}

pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Round>> {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let gateway = cost(bench, &bench.gateway(&[]).await?.proxy)?;
        let nginx = cost(bench, &bench.nginx().await?)?;
        let haproxy = cost(bench, &bench.haproxy().await?)?;
        rounds.push(Round { gateway, nginx, haproxy });
    }
    Ok(rounds)
}

/// The rows for the table.
pub(crate) fn rows(rounds: Result<Vec<Round>>) -> Vec<(&'static str, Result<Row>)> {
    let rounds = match rounds {
        Ok(rounds) => rounds,
        Err(error) => return vec![("CPU time per request", Err(error))],
    };
    let row = |target, peer: fn(&Round) -> f64| {
        let ratio = Spread::of(rounds.iter().map(|round| round.gateway / peer(round)));
        let (own, other) = (Spread::of(rounds.iter().map(|round| round.gateway)), Spread::of(rounds.iter().map(peer)));
        let remark = format!(
            "[{:.2}..{:.2}] of {} rounds; {:.1} us against {:.1} us",
            ratio.least,
            ratio.most,
            rounds.len(),
            own.median,
            other.median
        );
        Ok(Row { figure: ratio.median, target, decimals: 2, remark })
    };
    vec![
        ("CPU time per request / nginx", row(NGINX, |round| round.nginx)),
        ("CPU time per request / haproxy", row(HAPROXY, |round| round.haproxy)),
    ]
}

/// Microseconds of CPU time that a proxy spends on a request.
fn cost(bench: &Bench, proxy: &Proxy) -> Result<f64> {
    load::run(&bench.script, proxy.port, WARM)?;
    let before = run_time(proxy.process.id())?;
    let load = load::run(&bench.script, proxy.port, MEASURED)?;
    let spent = run_time(proxy.process.id())?.saturating_sub(before);
    Ok(spent as f64 / 1000.0 / load.requests as f64)
}

/// Nanoseconds that all threads of a process have run, as the scheduler counts them.
fn run_time(id: u32) -> Result<u64> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{id}/task")).context("list the threads of a proxy")? {
        let text = fs::read_to_string(task?.path().join("schedstat")).context("read a thread's run time")?;
        sum += text.split(' ').next().unwrap_or_default().parse::<u64>().context("a run time")?;
    }
    Ok(sum)
}

/// The middle and the ends of some figures.
struct Spread {
    least: f64,
    median: f64,
    most: f64,
}

impl Spread {
    fn of(figures: impl Iterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = figures.collect();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        let half = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 { at(half) } else { f64::midpoint(at(half.wrapping_sub(1)), at(half)) };
        Self { least: at(0), median, most: at(sorted.len().wrapping_sub(1)) }
    }
}
