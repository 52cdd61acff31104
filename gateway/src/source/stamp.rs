//! What tells one state of a file from another without reading it, and the files below a directory.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::content;
use super::files::{is_hidden, is_manifest};

/// Most files below one source directory: far above what a person writes, far below what would fill memory.
const FILES: usize = 100_000;
/// Most directories inside each other.
const DEPTH: usize = 32;

/// What tells one state of a file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Bytes.
    pub length: u64,
    modified: Option<SystemTime>,
    /// Device and inode: a file renamed into place is another one.
    identity: (u64, u64),
}

impl Stamp {
    /// The stamp of what `below` names in `root`, links followed; `None` for a directory. A link that cannot be followed, or
    /// leads out of `root`, has a stamp of its own: reading it says what is wrong.
    ///
    /// # Errors
    /// When there is nothing, or nothing that can be looked at.
    pub fn of(root: &Path, below: &Path) -> io::Result<Option<Self>> {
        let path = match content::resolve(root, below) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(error),
            resolved => resolved.unwrap_or_else(|_| root.join(below)),
        };
        let metadata = fs::symlink_metadata(path)?;
        let stamp = || Self {
            length: metadata.len(),
            modified: metadata.modified().ok(),
            identity: (metadata.dev(), metadata.ino()),
        };
        Ok((!metadata.is_dir()).then(stamp))
    }
}

/// Every manifest below `root`, by its path below it. Links to files are followed, links to directories are not. What has a
/// manifest's name and is no file is listed as well: reading it says what is wrong.
///
/// # Errors
/// When `root` or a directory below it cannot be listed, or holds too many files.
pub fn walk(root: &Path) -> io::Result<BTreeMap<PathBuf, Stamp>> {
    let mut found = BTreeMap::new();
    let mut directories = vec![(root.to_owned(), 0)];
    while let Some((directory, depth)) = directories.pop() {
        let entries = match fs::read_dir(&directory) {
            // Gone since its parent was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound && depth > 0 => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            if is_hidden(Path::new(&entry.file_name())) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                if depth < DEPTH {
                    directories.push((path, depth + 1));
                }
            } else if let Ok(below) = path.strip_prefix(root)
                && is_manifest(below)
                && let Ok(Some(stamp)) = Stamp::of(root, below)
            {
                found.insert(below.to_owned(), stamp);
            }
        }
        if found.len() > FILES {
            return Err(io::Error::other(format!("more than {FILES} files")));
        }
    }
    Ok(found)
}
