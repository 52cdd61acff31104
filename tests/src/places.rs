//! Where things are: the repository, the target folder, and the folder of the running profile.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// The root of the repository these tests were built from.
pub fn repository() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}

/// Cargo's target folder: `CARGO_TARGET_DIR` when set, else `target` in the repository.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => repository().join(dir),
        None => repository().join("target"),
    }
}

/// The profile folder this executable was built into (`target/debug`, say): the binaries under test lie there.
pub fn profile() -> anyhow::Result<PathBuf> {
    let executable = std::env::current_exe().context("find the path of this test executable")?;
    let folder = executable.parent().context("this test executable lies in no folder")?;
    let is_deps = folder.file_name().is_some_and(|name| name == "deps");
    Ok(if is_deps { folder.parent().unwrap_or(folder) } else { folder }.to_owned())
}
