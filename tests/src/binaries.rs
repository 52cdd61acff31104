//! The three programs under test, taken from the profile folder of the running test.

use std::path::PathBuf;

use anyhow::ensure;

use crate::places;

/// One of the programs that this repository ships.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// `bulkhead`, the command line.
    Cli,
    /// `bulkhead-gateway`, the data plane.
    Gateway,
    /// `bulkhead-operator`.
    Operator,
}

impl Binary {
    /// The file name of the program, which for the two services is also the name of its package.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Cli => "bulkhead",
            Self::Gateway => "bulkhead-gateway",
            Self::Operator => "bulkhead-operator",
        }
    }

    /// The built program.
    ///
    /// # Errors
    /// When it has not been built into the profile of this test; the message names the missing `cargo build`.
    pub fn path(self) -> anyhow::Result<PathBuf> {
        let path = places::profile()?.join(self.file_name());
        ensure!(
            path.is_file(),
            "{name} is not built at {path}: run `cargo build --bin {name}` (with the profile of this test) first",
            name = self.file_name(),
            path = path.display(),
        );
        Ok(path)
    }
}
