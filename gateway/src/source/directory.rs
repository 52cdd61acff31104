//! Directories as a source: manifests below them, followed as they change.
//!
//! A file is read when it was written to its end or renamed into place. Where only a comparison of file stamps can tell
//! (changes that no notice was seen for, other systems than Linux), a change is read once it has stood still for [`SETTLE`].

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;
use std::{fs, io, thread};

use bulkhead_compile::Kind;
use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use thiserror::Error;

use super::files::{FileName, Files, is_hidden, is_manifest};
use super::stamp::{Stamp, walk};
use super::{Batch, Event, Events, Scope, content};

/// How long a file must stand still before it is believed to be complete, when no notice says so.
const SETTLE: Duration = Duration::from_millis(50);
/// How often every stamp is compared although nothing was noticed: a kernel's queue of notices can overflow, and some
/// network file systems send none.
const COMPARE: Duration = Duration::from_secs(2);

/// Why a directory cannot be a source.
#[derive(Debug, Error)]
pub enum DirectoryError {
    /// It cannot be listed.
    #[error("cannot read source directory {path}: check that it exists and is readable")]
    Unreadable {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The thread could not be started.
    #[error("cannot start the thread that reads source directories")]
    Thread(#[source] io::Error),
}

/// Starts to follow `roots` on a thread of its own. It ends when nobody listens to `events` any more.
///
/// # Errors
/// When a directory cannot be listed: a mistyped path must not look like an empty one.
pub fn follow(roots: Vec<PathBuf>, events: Events) -> Result<(), DirectoryError> {
    for root in &roots {
        fs::read_dir(root).map_err(|source| DirectoryError::Unreadable { path: root.clone(), source })?;
    }
    let body = move || Directory::new(roots).run(&events);
    thread::Builder::new().name("files".to_owned()).spawn(body).map_err(DirectoryError::Thread)?;
    Ok(())
}

/// What a notice asks for.
enum Notice {
    /// These files are complete, or gone.
    Touched(Vec<PathBuf>),
    /// Something changed somewhere.
    Look,
}

struct Directory {
    roots: Vec<PathBuf>,
    files: Files,
    stamps: HashMap<FileName, Stamp>,
    /// Changes that have not stood still yet.
    unsettled: HashMap<FileName, Stamp>,
    watcher: Option<RecommendedWatcher>,
    /// Roots that could not be listed the last time.
    broken: BTreeSet<usize>,
    notices: Receiver<Notice>,
    /// Keeps `notices` open when there is no watcher.
    _keep: Sender<Notice>,
}

impl Directory {
    fn new(roots: Vec<PathBuf>) -> Self {
        let (send, notices) = channel();
        // Events name absolute paths without links in them.
        let roots: Vec<PathBuf> = roots.into_iter().map(|root| root.canonicalize().unwrap_or(root)).collect();
        let watcher = watcher(send.clone());
        let (files, stamps, unsettled) = (Files::new(roots.clone()), HashMap::new(), HashMap::new());
        Self { roots, files, stamps, unsettled, watcher, broken: BTreeSet::new(), notices, _keep: send }
    }

    fn run(mut self, events: &Events) {
        let mut batch = self.start();
        loop {
            if !batch.is_empty() && events.blocking_send(std::mem::take(&mut batch)).is_err() {
                return;
            }
            let wait = if self.unsettled.is_empty() { COMPARE } else { SETTLE };
            match self.notices.recv_timeout(wait) {
                Ok(first) => self.attend(first, &mut batch),
                Err(RecvTimeoutError::Timeout) => self.compare(&mut batch),
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if events.is_closed() {
                return;
            }
        }
    }

    /// Everything there is, as one complete list.
    fn start(&mut self) -> Batch {
        (0..self.roots.len()).for_each(|root| self.watch(root));
        let mut batch: Batch = Kind::ALL.map(|kind| Event::Restarted { kind, scope: Scope::All }).into();
        let (found, _) = self.list(&mut batch);
        for (file, stamp) in found {
            self.read(file, stamp, &mut batch);
        }
        batch.extend(Kind::ALL.map(|kind| Event::Completed { kind, scope: Scope::All }));
        batch
    }

    fn watch(&mut self, root: usize) {
        let (Some(watcher), Some(path)) = (&mut self.watcher, self.roots.get(root)) else { return };
        if let Err(error) = watcher.watch(path, RecursiveMode::Recursive) {
            let path = path.display();
            tracing::warn!(%error, "cannot watch {path}: its changes are seen every {} s only", COMPARE.as_secs());
        }
    }

    /// Deals with a notice and all that came with it.
    fn attend(&mut self, first: Notice, batch: &mut Batch) {
        let (mut touched, mut look) = (HashSet::new(), false);
        let mut next = Some(first);
        while let Some(notice) = next {
            match notice {
                Notice::Touched(paths) => touched.extend(paths),
                Notice::Look => look = true,
            }
            next = self.notices.try_recv().ok();
        }
        let mut touched: Vec<PathBuf> = touched.into_iter().collect();
        touched.sort_unstable();
        for path in touched {
            look |= !self.touch(&path, batch);
        }
        if look {
            self.compare(batch);
        }
    }

    /// Reads or forgets one file that a notice names. False when the path is none of ours, such as a whole directory.
    fn touch(&mut self, path: &Path, batch: &mut Batch) -> bool {
        let Some(file) = self.name(path) else { return false };
        let Some(root) = self.roots.get(file.root) else { return false };
        match Stamp::of(root, &file.path) {
            Ok(Some(stamp)) => self.read(file, stamp, batch),
            Ok(None) => return false,
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.forget(&file, batch),
            Err(error) => self.files.write(&file, Err(error.to_string()), batch),
        }
        true
    }

    fn name(&self, path: &Path) -> Option<FileName> {
        let below = |(root, directory): (usize, &PathBuf)| {
            let path = path.strip_prefix(directory).ok()?;
            is_manifest(path).then(|| FileName { root, path: path.to_owned() })
        };
        self.roots.iter().enumerate().find_map(below)
    }

    /// Compares every file with what is known of it.
    fn compare(&mut self, batch: &mut Batch) {
        let (found, unreadable) = self.list(batch);
        let gone: Vec<FileName> = self
            .files
            .names()
            .filter(|file| !found.contains_key(file) && !unreadable.contains(&file.root))
            .cloned()
            .collect();
        for file in gone {
            self.forget(&file, batch);
        }
        let waiting = std::mem::take(&mut self.unsettled);
        for (file, stamp) in found {
            if self.stamps.get(&file) == Some(&stamp) {
                continue;
            }
            if waiting.get(&file) == Some(&stamp) {
                self.read(file, stamp, batch);
            } else {
                self.unsettled.insert(file, stamp);
            }
        }
    }

    /// Every manifest file with its stamp, and the roots that could not be listed: what they held stays.
    fn list(&mut self, batch: &mut Batch) -> (BTreeMap<FileName, Stamp>, BTreeSet<usize>) {
        let (mut found, mut unreadable) = (BTreeMap::new(), BTreeSet::new());
        for (root, directory) in self.roots.iter().enumerate() {
            match walk(directory) {
                Ok(files) => {
                    found.extend(files.into_iter().map(|(path, stamp)| (FileName { root, path }, stamp)));
                    if self.broken.contains(&root) {
                        batch.push(Event::Problem { subject: directory.display().to_string(), problem: None });
                    }
                }
                Err(error) => {
                    unreadable.insert(root);
                    let problem = Some(format!("cannot list this directory: {error}"));
                    batch.push(Event::Problem { subject: directory.display().to_string(), problem });
                }
            }
        }
        let healed: Vec<usize> = self.broken.difference(&unreadable).copied().collect();
        healed.into_iter().for_each(|root| self.watch(root));
        self.broken.clone_from(&unreadable);
        (found, unreadable)
    }

    fn read(&mut self, file: FileName, stamp: Stamp, batch: &mut Batch) {
        let Some(root) = self.roots.get(file.root) else { return };
        let text = content::read(root, &file.path).map_err(|error| error.to_string());
        self.files.write(&file, text, batch);
        self.unsettled.remove(&file);
        self.stamps.insert(file, stamp);
    }

    fn forget(&mut self, file: &FileName, batch: &mut Batch) {
        self.files.remove(file, batch);
        self.stamps.remove(file);
        self.unsettled.remove(file);
    }
}

fn watcher(notices: Sender<Notice>) -> Option<RecommendedWatcher> {
    let handler = move |event: notify::Result<notify::Event>| {
        if let Some(notice) = read_notice(event) {
            // Nobody listens any more: the source is at its end.
            let _ = notices.send(notice);
        }
    };
    notify::recommended_watcher(handler)
        .inspect_err(
            |error| tracing::warn!(%error, "no file notices: changes are seen every {} s only", COMPARE.as_secs()),
        )
        .ok()
}

/// What a notice asks for; nothing when it says that a file was opened, or that it is still being written.
fn read_notice(event: notify::Result<notify::Event>) -> Option<Notice> {
    let Ok(event) = event else { return Some(Notice::Look) };
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write))
        | EventKind::Modify(ModifyKind::Name(_))
        | EventKind::Remove(_) => {
            // A hidden name may be a directory that links point into, as in a mounted ConfigMap.
            let hidden = event.paths.iter().any(|path| path.file_name().is_some_and(|name| is_hidden(Path::new(name))));
            Some(if hidden { Notice::Look } else { Notice::Touched(event.paths) })
        }
        EventKind::Access(_) => None,
        // The end of the writing will be noticed as well.
        EventKind::Modify(ModifyKind::Data(_)) if cfg!(target_os = "linux") => None,
        _ => Some(Notice::Look),
    }
}

#[cfg(test)]
mod tests;
