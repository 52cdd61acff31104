//! The rendered files against those on disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fmt, io};

use super::FOLDERS;

/// A file that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{action} {}", path.display())]
pub struct Error {
    action: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// What differs between the rendered files and those under a root.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Drift {
    /// Files that are not there.
    pub missing: Vec<PathBuf>,
    /// Files that read otherwise.
    pub stale: Vec<PathBuf>,
    /// Files in our folders that nothing renders.
    pub extra: Vec<PathBuf>,
}

impl Drift {
    /// Whether everything is as rendered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.stale.is_empty() && self.extra.is_empty()
    }
}

/// Writes every file below `root`, creating folders as needed. Files that nothing renders are left for [`drift`] to name.
///
/// # Errors
/// When a folder or file cannot be written.
pub fn write(root: &Path, files: &BTreeMap<PathBuf, String>) -> Result<(), Error> {
    for (path, text) in files {
        let path = root.join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|source| failed("creating", folder, source))?;
        }
        std::fs::write(&path, text).map_err(|source| failed("writing", &path, source))?;
    }
    Ok(())
}

impl fmt::Display for Drift {
    /// One line per kind of difference, each with what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (files, what) in [
            (&self.missing, "not there: is this the root of the repository?"),
            (&self.stale, "not as rendered (run this without --check):"),
            (&self.extra, "rendered by nothing (remove):"),
        ] {
            if !files.is_empty() {
                let names: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
                write!(f, "\n{what} {}", names.join(", "))?;
            }
        }
        Ok(())
    }
}

/// Compares `files` with what is below `root`.
///
/// # Errors
/// When a file or folder that exists cannot be read.
pub fn drift(root: &Path, files: &BTreeMap<PathBuf, String>) -> Result<Drift, Error> {
    let mut drift = Drift::default();
    for (path, text) in files {
        let full = root.join(path);
        match std::fs::read_to_string(&full) {
            Ok(found) if found == *text => {}
            Ok(_) => drift.stale.push(path.clone()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => drift.missing.push(path.clone()),
            Err(source) => return Err(failed("reading", &full, source)),
        }
    }
    for (folder, endings) in FOLDERS {
        drift.extra.extend(files_with(root, folder, endings)?.into_iter().filter(|path| !files.contains_key(path)));
    }
    Ok(drift)
}

/// Files of one folder with one of these endings, by their path from `root`, in order.
fn files_with(root: &Path, folder: &str, endings: &[&str]) -> Result<Vec<PathBuf>, Error> {
    let full = root.join(folder);
    let entries = match std::fs::read_dir(&full) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed("reading", &full, source)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry.map_err(|source| failed("reading", &full, source))?.file_name();
        let path = Path::new(folder).join(name);
        if path.extension().is_some_and(|extension| endings.iter().any(|ending| extension == *ending)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

pub(super) fn failed(action: &'static str, path: &Path, source: io::Error) -> Error {
    Error { action, path: path.to_owned(), source }
}
