//! The run's own network, processes and mounts: fixed addresses, no route out, and nothing left behind when the run ends.
//!
//! The API server refuses loopback addresses in EndpointSlices, so a control plane needs a network it may invent addresses in.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use crate::places;

/// The address of the one node, and of the API server as pods would see it.
pub const NODE: &str = "192.168.77.1";

/// Set inside, to the process id that the run has outside: it names the run's folder.
const MARK: &str = "BULKHEAD_TEST_SANDBOX";

/// Addresses of backends and pods: every one of 10.77.0.0/16 is local, as 127.0.0.0/8 is.
const NETWORK: &[&[&str]] = &[
    &["link", "set", "lo", "up"],
    &["addr", "add", "10.77.0.1/16", "dev", "lo"],
    &["link", "add", "bh-node", "type", "veth", "peer", "name", "bh-peer"],
    &["link", "set", "bh-peer", "up"],
    &["addr", "add", "192.168.77.1/24", "dev", "bh-node"],
    &["link", "set", "bh-node", "up"],
    &["route", "add", "default", "dev", "bh-node"],
];

/// Runs this program again inside of new namespaces; returns only there, with the network set up. To be called before any thread starts.
///
/// # Errors
/// When `unshare` or `ip` is missing or refused.
pub fn enter() -> anyhow::Result<()> {
    if std::env::var_os(MARK).is_some() {
        return NETWORK.iter().try_for_each(|arguments| ip(arguments));
    }
    forget_ended_runs();
    let mut unshare = Command::new("unshare");
    unshare.args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    if !rustix::process::geteuid().is_root() {
        unshare.args(["--user", "--map-root-user"]);
    }
    let program = std::env::current_exe().context("find the path of this test executable")?;
    unshare.arg("--").arg(program).args(std::env::args_os().skip(1)).env(MARK, std::process::id().to_string());
    Err(unshare.exec()).context("run `unshare` (Debian: util-linux), which gives the tests a network of their own")
}

/// The folder of this run's logs and state, below `target/cluster`.
///
/// # Errors
/// Outside of the sandbox.
pub fn run_folder() -> anyhow::Result<PathBuf> {
    let run = std::env::var_os(MARK)
        .context("clusters are started inside of the sandbox only: call `sandbox::enter` first")?;
    Ok(runs().join(run))
}

fn runs() -> PathBuf {
    places::target().join("cluster")
}

/// Removes the folders of runs that are over, so that only the last failures take space.
fn forget_ended_runs() {
    let entries = std::fs::read_dir(runs()).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| is_ended(&entry.file_name())) {
        // Another run may be removing it as well.
        let _ = std::fs::remove_dir_all(entry.path());
    }
}

fn is_ended(process: &OsStr) -> bool {
    !Path::new("/proc").join(process).exists()
}

fn ip(arguments: &[&str]) -> anyhow::Result<()> {
    // Debian keeps `ip` in a folder that is not on everybody's PATH.
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let output =
        Command::new("ip").args(arguments).env("PATH", path).output().context("run `ip` (Debian: iproute2)")?;
    ensure!(output.status.success(), "ip {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}
