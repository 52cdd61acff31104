//! CPU time per request, user and system, paired: the proxies take turns, and a ratio is made inside one round. Absolute
//! figures follow what else the machine does; ratios much less.

use std::fs;

use anyhow::{Context, Result, anyhow};

use crate::load;
use crate::proxies::{Bench, Proxy};
use crate::table::Row;
use crate::traffic::Traffic;

/// Rounds; the median of their ratios is the figure.
const ROUNDS: usize = 4;
/// Seconds of load before a measurement, and during it.
const WARM: u32 = 1;
const MEASURED: u32 = 3;

/// What is compared, and with whom.
pub(crate) struct Comparison {
    traffic: Traffic,
    /// Name of the row, and at most what part of nginx's CPU time.
    nginx: (&'static str, f64),
    /// The same of haproxy's.
    haproxy: (&'static str, f64),
}

/// Every comparison.
pub(crate) const COMPARISONS: [Comparison; 3] = [
    Comparison {
        traffic: Traffic::Http1,
        nginx: ("CPU time per request / nginx", 0.95),
        haproxy: ("CPU time per request / haproxy", 0.90),
    },
    Comparison {
        traffic: Traffic::Http2,
        nginx: ("HTTP/2: CPU time per request / nginx", 0.60),
        haproxy: ("HTTP/2: CPU time per request / haproxy", 0.90),
    },
    Comparison {
        traffic: Traffic::Handshakes,
        nginx: ("TLS: CPU time per handshake / nginx", 0.55),
        haproxy: ("TLS: CPU time per handshake / haproxy", 0.55),
    },
];

/// Microseconds per request in one round.
struct Round {
    gateway: f64,
    nginx: f64,
    haproxy: f64,
}

async fn measure(bench: &Bench, traffic: Traffic) -> Result<Vec<Round>> {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let gateway = cost(bench, traffic, &bench.gateway(traffic, &[]).await?.proxy)?;
        let nginx = cost(bench, traffic, &bench.nginx(traffic).await?)?;
        let haproxy = cost(bench, traffic, &bench.haproxy(traffic).await?)?;
        rounds.push(Round { gateway, nginx, haproxy });
    }
    Ok(rounds)
}

/// The rows for the table.
pub(crate) async fn rows(bench: &Bench, comparison: &Comparison) -> Vec<(&'static str, Result<Row>)> {
    let ((nginx, at_most_nginx), (haproxy, at_most_haproxy)) = (comparison.nginx, comparison.haproxy);
    let rounds = match measure(bench, comparison.traffic).await {
        Ok(rounds) => rounds,
        Err(error) => return vec![(nginx, Err(error)), (haproxy, Err(anyhow!("see above")))],
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
    vec![(nginx, row(at_most_nginx, |round| round.nginx)), (haproxy, row(at_most_haproxy, |round| round.haproxy))]
}

/// Microseconds of CPU time that a proxy spends on a request.
fn cost(bench: &Bench, traffic: Traffic, proxy: &Proxy) -> Result<f64> {
    load::run(bench, traffic, proxy.port, WARM)?;
    let before = run_time(proxy.process.id())?;
    let load = load::run(bench, traffic, proxy.port, MEASURED)?;
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
