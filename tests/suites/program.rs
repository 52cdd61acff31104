//! The programs of other projects that the suites run.

use std::path::PathBuf;

use bulkhead_tests::places;

/// A program that `tests/suites/tools/build` makes.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = places::target().join("suites").join(name);
    assert!(
        path.is_file(),
        "{} is missing: run `tests/suites/tools/build {}`",
        path.display(),
        places::target().display()
    );
    path
}
