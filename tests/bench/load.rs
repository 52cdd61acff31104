//! `wrk`: 64 connections that ask again as soon as they are answered.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

/// What one run of `wrk` saw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// Complete responses.
    pub(crate) requests: u64,
    /// Responses that are not 2xx or 3xx, and connections that broke.
    pub(crate) failed: u64,
}

/// A run of `wrk` that has begun.
pub(crate) struct Running(Child);

/// Begins to ask `port` for `seconds`, on the processor that the proxy does not have.
pub(crate) fn begin(script: &Path, port: u16, seconds: u32) -> Result<Running> {
    let mut command = Command::new("taskset");
    command.args(["-c", "0", "wrk", "-t1", "-c64", "--timeout", "10s"]).arg(format!("-d{seconds}s"));
    command.arg("-s").arg(script).arg(format!("http://127.0.0.1:{port}/")).stdout(Stdio::piped());
    Ok(Running(command.spawn().context("start wrk")?))
}

/// Asks `port` for `seconds`; every answer must be a good one.
pub(crate) fn run(script: &Path, port: u16, seconds: u32) -> Result<Load> {
    let load = begin(script, port, seconds)?.end()?;
    ensure!(load.failed == 0 && load.requests > 0, "{load:?}");
    Ok(load)
}

impl Running {
    /// Waits for the end of the run.
    pub(crate) fn end(self) -> Result<Load> {
        let output = self.0.wait_with_output().context("wait for wrk")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(output.status.success(), "wrk ended with {}: {text}", output.status);
        read(&text).with_context(|| format!("read what wrk wrote: {text}"))
    }
}

fn read(text: &str) -> Option<Load> {
    let number = |word: &str| word.trim_end_matches(',').parse::<u64>().ok();
    let line = |mark: &str| text.lines().find(|line| line.contains(mark));
    let requests = number(line(" requests in ")?.split_whitespace().next()?)?;
    let bad = line("Non-2xx").and_then(|line| number(line.rsplit(' ').next()?)).unwrap_or_default();
    let broken = line("Socket errors").map_or(0, |line| line.split_whitespace().filter_map(number).sum());
    Some(Load { requests, failed: bad + broken })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_wrong_is_counted() {
        let quiet = read("  29715 requests in 5.03s, 32.59MB read\n").unwrap();
        assert_eq!((quiet.requests, quiet.failed), (29715, 0));
        let loud = "  10 requests in 1.00s, 1MB read\n  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 5\n";
        assert_eq!(read(loud).unwrap().failed, 15);
    }
}
