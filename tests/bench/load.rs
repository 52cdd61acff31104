//! Load: clients that ask again as soon as they are answered.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::proxies::Bench;
use crate::site;
use crate::traffic::Traffic;

/// What one run saw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// Complete responses.
    pub(crate) requests: u64,
    /// Responses that are not 2xx or 3xx, and connections that broke.
    pub(crate) failed: u64,
}

/// What asks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tool {
    Wrk,
    H2load,
}

/// A run that has begun.
pub(crate) struct Running {
    child: Child,
    tool: Tool,
}

/// Begins to ask `port` for `seconds`, on the processor that the proxy does not have.
pub(crate) fn begin(bench: &Bench, traffic: Traffic, port: u16, seconds: u32) -> Result<Running> {
    let (mut command, tool) = (Command::new("taskset"), traffic.tool());
    command.args(["-c", "0"]).stdout(Stdio::piped());
    match tool {
        Tool::Wrk => {
            command.args(["wrk", "-t1", "-c64", "--timeout", "10s"]).arg(format!("-d{seconds}s"));
            command.arg("-s").arg(bench.script(traffic)).arg(traffic.url(port));
        }
        Tool::H2load => {
            command.args(["h2load", "-t1", "-c8", "-m32", "-D"]).arg(seconds.to_string());
            command.arg(format!("--header=:authority: {}", site::host(0)));
            command.args(site::FIELDS.map(|(name, value)| format!("--header={name}: {value}")));
            command.args((0..site::PATHS).map(|path| format!("{}/p{path}/item?id={path}", traffic.url(port))));
        }
    }
    Ok(Running { child: command.spawn().with_context(|| format!("start {tool:?}"))?, tool })
}

/// Asks `port` for `seconds`; every answer must be a good one.
pub(crate) fn run(bench: &Bench, traffic: Traffic, port: u16, seconds: u32) -> Result<Load> {
    let load = begin(bench, traffic, port, seconds)?.end()?;
    ensure!(load.failed == 0 && load.requests > 0, "{load:?}");
    Ok(load)
}

impl Running {
    /// Waits for the end of the run.
    pub(crate) fn end(self) -> Result<Load> {
        let output = self.child.wait_with_output().context("wait for the load")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(output.status.success(), "{:?} ended with {}: {text}", self.tool, output.status);
        let load = match self.tool {
            Tool::Wrk => read_wrk(&text),
            Tool::H2load => read_h2load(&text),
        };
        load.with_context(|| format!("read what {:?} wrote: {text}", self.tool))
    }
}

fn read_wrk(text: &str) -> Option<Load> {
    let number = |word: &str| word.trim_end_matches(',').parse::<u64>().ok();
    let line = |mark: &str| text.lines().find(|line| line.contains(mark));
    let requests = number(line(" requests in ")?.split_whitespace().next()?)?;
    let bad = line("Non-2xx").and_then(|line| number(line.rsplit(' ').next()?)).unwrap_or_default();
    let broken = line("Socket errors").map_or(0, |line| line.split_whitespace().filter_map(number).sum());
    Some(Load { requests, failed: bad + broken })
}

/// `requests: 9 total, 9 started, 9 done, 9 succeeded, 0 failed, 0 errored, 0 timeout` and `status codes: 9 2xx, 0 3xx, 0 4xx, 0 5xx`.
fn read_h2load(text: &str) -> Option<Load> {
    let counts = |start: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(start))?;
        let pairs = line.split(',').filter_map(|pair| pair.trim().split_once(' '));
        Some(pairs.filter_map(|(count, name)| Some((name, count.parse::<u64>().ok()?))).collect::<BTreeMap<_, _>>())
    };
    let (requests, codes) = (counts("requests: ")?, counts("status codes: ")?);
    let broken: u64 = ["failed", "errored", "timeout"].iter().filter_map(|name| requests.get(name)).sum();
    let bad: u64 = ["4xx", "5xx"].iter().filter_map(|name| codes.get(name)).sum();
    Some(Load { requests: *requests.get("succeeded")?, failed: broken + bad })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_wrong_is_counted() {
        let quiet = read_wrk("  29715 requests in 5.03s, 32.59MB read\n").unwrap();
        assert_eq!((quiet.requests, quiet.failed), (29715, 0));
        let loud = "  10 requests in 1.00s, 1MB read\n  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 5\n";
        assert_eq!(read_wrk(loud).unwrap().failed, 15);
        let two = "requests: 9 total, 9 started, 9 done, 6 succeeded, 2 failed, 1 errored, 0 timeout\nstatus codes: 6 2xx, 0 3xx, 1 4xx, 1 5xx\n";
        let two = read_h2load(two).unwrap();
        assert_eq!((two.requests, two.failed), (6, 5));
    }
}
