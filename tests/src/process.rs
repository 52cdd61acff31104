//! A child process with a log file of its own, killed when dropped.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::wait::wait_for;

/// Lines of a log that an error message shows: enough for a cause, little enough to read.
const TAIL: usize = 30;

/// A process that is about to be started.
#[derive(Debug)]
pub struct Launch {
    name: String,
    command: Command,
    log: PathBuf,
}

impl Launch {
    /// A launch of `command`, whose output goes to `NAME.log` in `logs`.
    pub fn new(name: &str, command: Command, logs: &Path) -> Self {
        Self { name: name.to_owned(), command, log: logs.join(format!("{name}.log")) }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Gives the process the identity of a kubeconfig file.
    #[must_use]
    pub fn kubeconfig(self, path: &Path) -> Self {
        self.env("KUBECONFIG", path)
    }

    /// Starts the process. Its log is appended to, so that a restart under the same name keeps what came before.
    ///
    /// # Errors
    /// When the log cannot be opened or the program cannot be started.
    pub fn start(mut self) -> anyhow::Result<Process> {
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.with_context(|| format!("open the log {}", self.log.display()))?;
        let errors = log.try_clone().context("share the log with standard error")?;
        self.command.stdin(Stdio::null()).stdout(log).stderr(errors);
        let child = self.command.spawn().with_context(|| format!("start {}: {:?}", self.name, self.command))?;
        Ok(Process { name: self.name, id: child.id(), child: Mutex::new(child), log: self.log })
    }
}

/// A running process. Dropping it kills it and waits for its end.
#[derive(Debug)]
pub struct Process {
    name: String,
    id: u32,
    child: Mutex<Child>,
    log: PathBuf,
}

impl Process {
    /// The process id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// All that the process has written so far, standard output and error together.
    pub fn log(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// How the process ended, `None` while it runs.
    ///
    /// # Errors
    /// When the operating system does not tell.
    pub fn exit_status(&self) -> anyhow::Result<Option<ExitStatus>> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        child.try_wait().with_context(|| format!("ask how {} ended", self.name))
    }

    /// `Ok` while the process runs: the first line of a probe that waits for something the process does.
    ///
    /// # Errors
    /// When it has ended, with the last lines of its log.
    pub fn ensure_running(&self) -> anyhow::Result<()> {
        match self.exit_status()? {
            None => Ok(()),
            Some(status) => {
                bail!("{} ended with {status}; its log {} ends:\n{}", self.name, self.log.display(), tail(&self.log()))
            }
        }
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// When the process has ended already.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        self.ensure_running()?;
        let id = i32::try_from(self.id).ok().and_then(Pid::from_raw).context("a process id out of range")?;
        kill_process(id, signal).with_context(|| format!("send {signal:?} to {}", self.name))
    }

    /// Awaits the end of the process.
    ///
    /// # Errors
    /// After `deadline`, with the last lines of the log.
    pub async fn wait_exit(&self, deadline: Duration) -> anyhow::Result<ExitStatus> {
        wait_for(&format!("the end of {}", self.name), deadline, async || {
            self.exit_status()?.with_context(|| format!("still running; its log ends:\n{}", tail(&self.log())))
        })
        .await
    }

    /// Awaits `text` in the log.
    ///
    /// # Errors
    /// After `deadline`, with the last lines of the log.
    pub async fn wait_log(&self, text: &str, deadline: Duration) -> anyhow::Result<()> {
        wait_for(&format!("{text:?} in the log of {}", self.name), deadline, async || {
            let log = self.log();
            ensure!(log.contains(text), "the log ends:\n{}", tail(&log));
            Ok(())
        })
        .await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        // Both fail only for a process that has ended already, which is what is wanted.
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// The last lines of a log.
pub fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let skipped = lines.len().saturating_sub(TAIL);
    lines.into_iter().skip(skipped).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(name: &str, script: &str) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let logs = std::env::temp_dir();
        Launch::new(&format!("bulkhead-process-{name}-{}", std::process::id()), command, &logs).start().unwrap()
    }

    #[tokio::test]
    async fn a_process_is_seen_to_write_and_to_end() {
        let process = shell("end", "echo hello; exit 3");
        process.wait_log("hello", Duration::from_secs(5)).await.unwrap();
        assert_eq!(process.wait_exit(Duration::from_secs(5)).await.unwrap().code(), Some(3));
        assert!(format!("{:#}", process.ensure_running().unwrap_err()).contains("hello"));
        std::fs::remove_file(&process.log).unwrap();
    }

    #[tokio::test]
    async fn a_dropped_process_is_gone() {
        let process = shell("drop", "exec sleep 600");
        let (id, log) = (process.id(), process.log.clone());
        assert!(Path::new(&format!("/proc/{id}")).exists());
        drop(process);
        assert!(!Path::new(&format!("/proc/{id}")).exists());
        std::fs::remove_file(log).unwrap();
    }
}
