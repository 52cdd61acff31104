//! The lane document in a file.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;
use std::{fs, io, thread};

use notify::{EventKind, RecursiveMode, Watcher};

use super::{LaneError, LaneUpdate, LaneUpdates, parse};

/// How often the file is read although nothing was noticed: notices can be lost, and it is small.
const COMPARE: Duration = Duration::from_secs(2);

/// Starts to follow `path` on a thread of its own. It ends when nobody listens to `updates` any more.
///
/// # Errors
/// When the thread cannot be started.
pub fn follow(path: PathBuf, updates: LaneUpdates) -> io::Result<()> {
    thread::Builder::new().name("lane".to_owned()).spawn(move || run(&path, &updates))?;
    Ok(())
}

fn run(path: &Path, updates: &LaneUpdates) {
    let (send, notices) = channel();
    let keep = send.clone();
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // That a file was opened or read is no news; reading it is what we do ourselves.
        if !event.is_ok_and(|event| is_reading(event.kind)) {
            // Nobody listens any more: the process is at its end.
            let _ = send.send(());
        }
    });
    // The directory, because a file that is replaced by renaming is another file.
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let watched =
        watcher.and_then(|mut watcher| watcher.watch(directory, RecursiveMode::NonRecursive).map(|()| watcher));
    if let Err(error) = &watched {
        tracing::warn!(%error, "cannot watch {}: changes are seen every {} s only", directory.display(), COMPARE.as_secs());
    }
    let mut last = None;
    loop {
        if let Some(update) = read(path, &mut last)
            && updates.blocking_send(update).is_err()
        {
            return;
        }
        if updates.is_closed() || wait(&notices) == Err(RecvTimeoutError::Disconnected) {
            drop(keep);
            return;
        }
    }
}

fn is_reading(kind: EventKind) -> bool {
    use notify::event::{AccessKind, AccessMode};
    matches!(kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write))
}

/// Waits for a notice, and takes those that came with it.
fn wait(notices: &Receiver<()>) -> Result<(), RecvTimeoutError> {
    match notices.recv_timeout(COMPARE) {
        Ok(()) => {
            notices.try_iter().for_each(drop);
            Ok(())
        }
        Err(RecvTimeoutError::Timeout) => Ok(()),
        Err(RecvTimeoutError::Disconnected) => Err(RecvTimeoutError::Disconnected),
    }
}

/// The document, or why there is none, if that is not what was said last. A file that is half written is no complete JSON
/// document, and is read again when it is.
fn read(path: &Path, last: &mut Option<Result<String, String>>) -> Option<LaneUpdate> {
    let place = || path.display().to_string();
    let found = fs::read_to_string(path).map_err(|error| (error.kind(), error.to_string()));
    let comparable = found.clone().map_err(|(_, reason)| reason);
    if last.as_ref() == Some(&comparable) {
        return None;
    }
    *last = Some(comparable);
    Some(match found {
        Ok(text) => parse(&text),
        Err((io::ErrorKind::NotFound, _)) => Err(LaneError::Missing { place: place() }),
        Err((_, reason)) => Err(LaneError::Unreadable { place: place(), reason }),
    })
}
