//! The rules of the house, held against this repository; the rules themselves are in `src/house.rs`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use bulkhead_tests::house::{ARROWS, BANS, LINES, banned_in, foreign_arrows, foreign_words};
use bulkhead_tests::places;

#[test]
fn no_package_has_a_banned_crate_in_its_tree() -> Result<()> {
    let mut offences = Vec::new();
    for ban in BANS {
        for package in ban.packages {
            let tree = cargo(&["tree", "--locked", "-p", package, "-e", "normal", "--prefix", "none"])?;
            ensure!(tree.starts_with(&format!("{package} v")), "cargo tree of {package} begins otherwise:\n{tree}");
            offences.extend(
                banned_in(&tree, ban.banned).iter().map(|name| format!("{package} has {name}: {}", ban.reason)),
            );
        }
    }
    ensure!(offences.is_empty(), "{offences:#?}\n`cargo tree -p PACKAGE -e normal -i CRATE` shows the way");
    Ok(())
}

#[test]
fn our_packages_use_each_other_as_designed() -> Result<()> {
    let metadata = serde_json::from_str(&cargo(&["metadata", "--locked", "--no-deps", "--format-version", "1"])?)?;
    let foreign = foreign_arrows(&metadata)?;
    ensure!(foreign.is_empty(), "{foreign:#?} are not among {ARROWS:#?}");
    Ok(())
}

#[test]
fn no_file_names_a_machine_or_a_registry() -> Result<()> {
    let mut offences = Vec::new();
    for file in tracked_files()? {
        let text = read(&file)?;
        offences.extend(foreign_words(&text).iter().map(|word| format!("{} says {word}", file.display())));
    }
    ensure!(offences.is_empty(), "{offences:#?}");
    Ok(())
}

#[test]
fn no_source_file_outgrows_one_idea() -> Result<()> {
    let mut offences = Vec::new();
    for file in tracked_files()? {
        let text = read(&file)?;
        let lines = text.lines().count();
        if is_source(&file, &text) && lines > LINES {
            offences.push(format!("{}: {lines} lines", file.display()));
        }
    }
    ensure!(offences.is_empty(), "more than {LINES} lines, split by idea: {offences:#?}");
    Ok(())
}

fn is_source(file: &Path, text: &str) -> bool {
    file.extension().is_some_and(|extension| extension == "rs" || extension == "go") || text.starts_with("#!")
}

/// The text of a tracked file; nothing for one that holds no text or was removed since.
fn read(file: &Path) -> Result<String> {
    match std::fs::read(places::repository().join(file)) {
        Ok(bytes) => Ok(String::from_utf8(bytes).unwrap_or_default()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error).with_context(|| format!("read {}", file.display())),
    }
}

fn tracked_files() -> Result<Vec<PathBuf>> {
    // The checkout may belong to somebody else, as it does in a container.
    let listing = run(Command::new("git").args(["-c", "safe.directory=*", "ls-files", "-z"]))?;
    let files: Vec<PathBuf> = listing.split_terminator('\0').map(PathBuf::from).collect();
    ensure!(!files.is_empty(), "git lists no tracked file");
    Ok(files)
}

fn cargo(arguments: &[&str]) -> Result<String> {
    run(Command::new(env!("CARGO")).args(arguments))
}

fn run(command: &mut Command) -> Result<String> {
    let output = command.current_dir(places::repository()).output().with_context(|| format!("run {command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).with_context(|| format!("read the output of {command:?}"))
}
