//! The content of a file below a source directory, read without being led away or held up.
//!
//! Whoever may write below the directory is not thereby allowed to show the process other files, and a pipe or a kernel log
//! that never ends would stop the thread that reads all the others.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::OFlags;
use thiserror::Error;

use super::manifest::FILE_BYTES;

/// Most links from a name to its file: what Linux follows (`path_resolution(7)`).
const LINKS: usize = 40;

/// Why a file was not read.
#[derive(Debug, Error)]
pub enum ContentError {
    /// It is not there, not readable, or behind links that lead out of the directory or nowhere.
    #[error("cannot read this file: {0}")]
    Unreadable(#[from] io::Error),
    /// It is a pipe, a device, a socket or a directory.
    #[error("this is not a regular file")]
    Irregular,
    /// It has more bytes than a manifest may.
    #[error("line 1: the file is longer than {FILE_BYTES} bytes: split it")]
    TooLong,
}

/// Reads what `below` names in `root`, which has no links in it. Links are followed as long as they stay below `root`.
///
/// # Errors
/// When it is no regular file below `root`, is longer than [`FILE_BYTES`], or is not UTF-8.
pub fn read(root: &Path, below: &Path) -> Result<String, ContentError> {
    let path = resolve(root, below)?;
    // Opening a device can do something already, such as rewind a tape.
    if !path.symlink_metadata()?.is_file() {
        return Err(ContentError::Irregular);
    }
    // It may have been replaced since: a pipe must not be waited for, and a link not be followed.
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(ContentError::Irregular);
    }
    let mut text = String::new();
    // One byte more than is read tells a file that is too long from one that is just as long.
    file.take(FILE_BYTES as u64 + 1).read_to_string(&mut text)?;
    if text.len() > FILE_BYTES { Err(ContentError::TooLong) } else { Ok(text) }
}

/// Where `below` leads, with no link left in it. Nothing outside of `root` is touched to find out: that could hang already,
/// as a network file system does whose server is gone.
///
/// # Errors
/// When a link leads out of `root`, there are too many, or there is nothing.
pub(super) fn resolve(root: &Path, below: &Path) -> io::Result<PathBuf> {
    let (mut path, mut left, mut links) = (PathBuf::new(), parts(below)?, 0);
    while let Some(part) = left.pop_front() {
        if part == ".." {
            if !path.pop() {
                return Err(outside());
            }
            continue;
        }
        path.push(part);
        match root.join(&path).read_link() {
            Ok(target) if links < LINKS => {
                links += 1;
                path.pop();
                if target.is_absolute() {
                    path.clear();
                }
                let mut parts = parts(target.strip_prefix(root).unwrap_or(&target))?;
                parts.append(&mut left);
                left = parts;
            }
            Ok(_) => return Err(io::Error::other("too many links lead from it to the next")),
            // There is no link here.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {}
            Err(error) => return Err(error),
        }
    }
    Ok(root.join(path))
}

/// The parts of a path below the directory.
fn parts(path: &Path) -> io::Result<VecDeque<OsString>> {
    path.components()
        .filter(|part| *part != Component::CurDir)
        .map(|part| match part {
            Component::Normal(_) | Component::ParentDir => Ok(part.as_os_str().to_owned()),
            _ => Err(outside()),
        })
        .collect()
}

fn outside() -> io::Error {
    io::Error::other("it is a link that leads out of the source directory")
}

#[cfg(test)]
mod tests;
