//! The process of one lane.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, ChildStdin, Command};

use super::listen::Addresses;
use super::log::{self, Log};

/// How a lane's process is started.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    /// This program.
    pub(crate) program: PathBuf,
    /// The lane document.
    pub(crate) document: PathBuf,
    /// Directories of manifests; the first that defines an object wins.
    pub(crate) sources: Vec<PathBuf>,
    pub(crate) addresses: Addresses,
    pub(crate) threads: usize,
    pub(crate) log: Log,
}

impl Launch {
    fn arguments(&self) -> Vec<OsString> {
        let prefixed = |prefix: &str, path: &PathBuf| {
            let mut word = OsString::from(prefix);
            word.push(path);
            word
        };
        let mut words: Vec<OsString> = ["gateway", "--parent"].map(OsString::from).into();
        words.push(std::process::id().to_string().into());
        words.extend([OsString::from("run"), "--lane".into(), prefixed("file:", &self.document)]);
        for source in &self.sources {
            words.extend([OsString::from("--source"), prefixed("dir:", source)]);
        }
        let [http, https, admin] =
            [self.addresses.http, self.addresses.https, self.addresses.admin].map(|address| address.to_string());
        let threads = self.threads.to_string();
        let addresses = ["--http", &http, "--https", &https, "--admin", &admin];
        words.extend(addresses.map(OsString::from));
        words.extend(["--threads", &threads, "--log-format", "json"].map(OsString::from));
        words
    }

    /// Starts the process. Dropping what is returned kills it.
    ///
    /// # Errors
    /// When the system gives no process.
    pub(crate) fn start(&self) -> io::Result<Process> {
        let mut command = Command::new(&self.program);
        command.args(self.arguments()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        // Where the kernel cannot tie two processes together, a pipe does: its end is the end of `up`.
        command.stdin(if cfg!(target_os = "linux") { Stdio::null() } else { Stdio::piped() });
        // Ctrl-C is sent to the whole group of a terminal; a lane is asked to end by `up` alone, once.
        command.process_group(0);
        let mut child = command.spawn()?;
        if let Some(errors) = child.stderr.take() {
            tokio::spawn(log::copy(errors, self.log.clone()));
        }
        if let Some(lines) = child.stdout.take() {
            tokio::spawn(log::copy(lines, self.log.access()));
        }
        // Out of the child's hands, because waiting for a child closes its standard input.
        let pipe = child.stdin.take();
        Ok(Process { child, _pipe: pipe })
    }
}

/// A lane's process.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// Where a pipe ties the process to this one: closed when this ends.
    _pipe: Option<ChildStdin>,
}

impl Process {
    /// Its number, until it has ended.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits for its end. Can be dropped and called again.
    ///
    /// # Errors
    /// When the system does not tell.
    pub(crate) async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Asks it to drain.
    pub(crate) fn terminate(&self) {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(id) = id {
            // It may have ended a moment ago, which is what is wanted.
            let _ = kill_process(id, Signal::TERM);
        }
    }

    /// Ends it at once.
    pub(crate) async fn kill(&mut self) {
        // Fails only when it has ended already.
        let _ = self.child.kill().await;
    }
}
