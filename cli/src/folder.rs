//! The directory of manifests: read once, then followed on a thread of its own.
//!
//! A file is read when it was written to its end or renamed into place, or when it has stood still for [`SETTLE`]. If its text
//! is no manifest, what it said before stays.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;
use std::{io, thread};

use bulkhead_gateway::source::content;
use bulkhead_gateway::source::manifest::{self, Manifest};
use bulkhead_gateway::source::stamp::{Stamp, walk};
use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{EventKind, RecursiveMode, Watcher};
use thiserror::Error;
use tokio::sync::mpsc;

use crate::manifests::Inventory;
use crate::strict;

/// How long a file must stand still before it is believed to be complete, when no notice says so.
const SETTLE: Duration = Duration::from_millis(50);
/// How often every file is looked at although nothing was noticed: notices can be lost.
const LOOK: Duration = Duration::from_secs(2);

/// Why a directory cannot be followed.
#[derive(Debug, Error)]
pub(crate) enum FolderError {
    /// It cannot be listed.
    #[error("cannot read {0}: check that it is a directory and readable")]
    Unreadable(PathBuf, #[source] io::Error),
    /// The thread could not be started.
    #[error("cannot start the thread that reads manifests")]
    Thread(#[source] io::Error),
}

#[derive(Debug)]
struct File {
    stamp: Stamp,
    text: String,
    manifests: Vec<Manifest>,
    /// What it says in vain.
    remarks: Vec<String>,
    problem: Option<String>,
}

/// A directory and what its files say.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    files: BTreeMap<PathBuf, File>,
    /// Changes that have not stood still yet.
    unsettled: BTreeMap<PathBuf, Stamp>,
    problem: Option<String>,
}

impl Folder {
    /// Reads everything below `root`.
    ///
    /// # Errors
    /// When it cannot be listed: a mistyped path must not look like an empty directory.
    pub(crate) fn open(root: &Path) -> Result<Self, FolderError> {
        let unreadable = |error| FolderError::Unreadable(root.to_owned(), error);
        // Notices name absolute paths without links in them.
        let path = root.canonicalize().map_err(unreadable)?;
        let found = walk(&path).map_err(unreadable)?;
        let mut folder = Self { root: path, files: BTreeMap::new(), unsettled: BTreeMap::new(), problem: None };
        found.into_iter().for_each(|(path, stamp)| folder.read(path, stamp));
        Ok(folder)
    }

    /// Where it is, without links.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// What the files say now.
    pub(crate) fn inventory(&self) -> Inventory {
        let mut inventory = Inventory::default();
        inventory.problems.extend(self.problem.clone());
        for (path, file) in &self.files {
            let name = self.root.join(path).display().to_string();
            inventory.add(&name, &file.text, &file.manifests);
            let wrong = file.remarks.iter().chain(&file.problem);
            inventory.problems.extend(wrong.map(|problem| format!("{name}: {problem}")));
        }
        inventory
    }

    /// Follows changes on a thread of its own, which ends when nobody listens to `changes` any more.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub(crate) fn follow(mut self, changes: mpsc::Sender<Inventory>) -> Result<(), FolderError> {
        let body = move || self.run(&changes);
        thread::Builder::new().name("manifests".to_owned()).spawn(body).map(drop).map_err(FolderError::Thread)
    }

    fn run(&mut self, changes: &mpsc::Sender<Inventory>) {
        let (send, notices) = channel();
        let keep = send.clone();
        let watcher = watcher(send).and_then(|mut watcher| {
            watcher.watch(&self.root, RecursiveMode::Recursive)?;
            Ok(watcher)
        });
        // Without notices, changes are seen by looking every two seconds.
        let _watcher = watcher.ok();
        // What changed between the first reading and the first notice.
        let mut complete = BTreeSet::new();
        loop {
            if self.look(&complete) && changes.blocking_send(self.inventory()).is_err() {
                return;
            }
            let wait = if self.unsettled.is_empty() { LOOK } else { SETTLE };
            complete = match next(&notices, wait) {
                Ok(complete) => complete,
                Err(()) => break,
            };
            if changes.is_closed() {
                break;
            }
        }
        drop(keep);
    }

    /// Compares every file with what is known of it, and reads those that changed and are `complete` or stand still. Whether anything
    /// is different now.
    fn look(&mut self, complete: &BTreeSet<PathBuf>) -> bool {
        let found = match walk(&self.root) {
            Ok(found) => found,
            Err(error) => {
                let problem = Some(format!("{}: cannot list this directory: {error}", self.root.display()));
                return std::mem::replace(&mut self.problem, problem.clone()) != problem;
            }
        };
        let mut changed = self.problem.take().is_some();
        let before = self.files.len();
        self.files.retain(|path, _| found.contains_key(path));
        changed |= self.files.len() != before;
        let waiting = std::mem::take(&mut self.unsettled);
        for (path, stamp) in found {
            if self.files.get(&path).is_some_and(|file| file.stamp == stamp) {
                continue;
            }
            if complete.contains(&self.root.join(&path)) || waiting.get(&path) == Some(&stamp) {
                self.read(path, stamp);
                changed = true;
            } else {
                self.unsettled.insert(path, stamp);
            }
        }
        changed
    }

    fn read(&mut self, path: PathBuf, stamp: Stamp) {
        let text = content::read(&self.root, &path).map_err(|error| error.to_string());
        let parsed = text.and_then(|text| {
            let manifests = manifest::parse(&text).map_err(|error| error.to_string())?;
            let remarks = strict::remarks(&text, &manifests).into_iter().map(|remark| remark.text).collect();
            Ok(File { stamp, text, manifests, remarks, problem: None })
        });
        let file = parsed.unwrap_or_else(|reason| {
            let before = self.files.remove(&path);
            let before = before.map(|file| (file.text, file.manifests, file.remarks));
            let (text, manifests, remarks) = before.unwrap_or_default();
            File { stamp, text, manifests, remarks, problem: Some(reason) }
        });
        self.files.insert(path, file);
    }
}

/// Waits for notices, and takes those that came with the first. The files that are complete.
fn next(notices: &Receiver<Vec<PathBuf>>, wait: Duration) -> Result<BTreeSet<PathBuf>, ()> {
    match notices.recv_timeout(wait) {
        Ok(first) => Ok(first.into_iter().chain(notices.try_iter().flatten()).collect()),
        Err(RecvTimeoutError::Timeout) => Ok(BTreeSet::new()),
        Err(RecvTimeoutError::Disconnected) => Err(()),
    }
}

fn watcher(notices: Sender<Vec<PathBuf>>) -> notify::Result<notify::RecommendedWatcher> {
    notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if let Some(paths) = complete(event) {
            // Nobody listens any more: the process is at its end.
            let _ = notices.send(paths);
        }
    })
}

/// The files that a notice says are complete, or gone; nothing when it only says that a file was opened or is being written.
fn complete(event: notify::Result<notify::Event>) -> Option<Vec<PathBuf>> {
    let Ok(event) = event else { return Some(Vec::new()) };
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) | EventKind::Modify(ModifyKind::Name(_)) => {
            Some(event.paths)
        }
        EventKind::Access(_) => None,
        // The end of the writing will be noticed as well.
        EventKind::Modify(ModifyKind::Data(_)) if cfg!(target_os = "linux") => None,
        _ => Some(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use bulkhead_gateway::source::manifest::FILE_BYTES;

    use super::*;

    fn instance(name: &str) -> String {
        format!("apiVersion: bulkhead.io/v1alpha1\nkind: GatewayInstance\nmetadata: {{name: {name}}}\nspec: {{}}\n")
    }

    fn names(inventory: &Inventory) -> Vec<String> {
        inventory.instances.keys().map(|name| name.name.clone()).collect()
    }

    #[test]
    fn a_path_that_is_no_directory_is_an_error() {
        let error = Folder::open(Path::new("/nonexistent/manifests")).unwrap_err().to_string();
        assert!(error.contains("/nonexistent/manifests"), "{error}");
    }

    #[tokio::test]
    async fn what_is_written_renamed_and_removed_is_followed() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("below")).unwrap();
        fs::write(directory.path().join("a.yaml"), instance("a")).unwrap();
        let folder = Folder::open(directory.path()).unwrap();
        assert_eq!(names(&folder.inventory()), ["a"]);
        let (send, mut changes) = mpsc::channel(16);
        folder.follow(send).unwrap();
        let mut until = async |expected: &[&str]| {
            while names(&changes.recv().await.unwrap()) != expected {}
        };

        fs::write(directory.path().join("below/b.yml"), instance("b")).unwrap();
        until(&["a", "b"]).await;
        fs::write(directory.path().join(".c"), instance("c")).unwrap();
        fs::rename(directory.path().join(".c"), directory.path().join("c.yaml")).unwrap();
        until(&["a", "b", "c"]).await;
        fs::remove_file(directory.path().join("a.yaml")).unwrap();
        until(&["b", "c"]).await;
    }

    #[test]
    fn nothing_below_the_directory_leads_out_of_it_or_never_ends() {
        let (outside, directory) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(outside.path().join("other.yaml"), instance("other")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("other.yaml"), directory.path().join("link.yaml")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", directory.path().join("endless.yaml")).unwrap();
        fs::write(directory.path().join("long.yaml"), " ".repeat(FILE_BYTES + 1)).unwrap();
        fs::write(directory.path().join("good.yaml"), instance("good")).unwrap();
        let inventory = Folder::open(directory.path()).unwrap().inventory();
        assert_eq!(names(&inventory), ["good"]);
        assert!(
            inventory.problems.iter().any(|problem| problem.contains("long.yaml: line 1: ")),
            "{:?}",
            inventory.problems
        );
    }

    #[tokio::test]
    async fn a_broken_file_keeps_its_last_good_content_and_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.yaml");
        fs::write(&file, instance("a")).unwrap();
        let folder = Folder::open(directory.path()).unwrap();
        let (send, mut changes) = mpsc::channel(16);
        folder.follow(send).unwrap();
        fs::write(&file, "kind: [\n").unwrap();
        let inventory = loop {
            let inventory = changes.recv().await.unwrap();
            if !inventory.problems.is_empty() {
                break inventory;
            }
        };
        assert_eq!(names(&inventory), ["a"]);
        assert!(inventory.problems.first().unwrap().contains("a.yaml: line "), "{:?}", inventory.problems);
    }
}
