//! That the fuzzers can be built, as far as it can be told without building them. They are a workspace of their own, which would compile every
//! dependency a second time, for a nightly compiler. So what they share with this test binary is compiled here (`laws`), and what they do not is compared:
//! programs of three lines, a manifest and a lock file.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use bulkhead_tests::places;

use crate::laws::LAWS;

/// All that a fuzzer is.
fn program(law: &str) -> String {
    format!("#![no_main]\n\nlibfuzzer_sys::fuzz_target!(|bytes: &[u8]| bulkhead_fuzz::hold(\"{law}\", bytes));\n")
}

/// All that the manifest says of it.
fn entry(law: &str) -> String {
    format!("[[bin]]\nname = \"{law}\"\npath = \"targets/{law}.rs\"\ntest = false\ndoc = false\nbench = false\n")
}

/// Crates that fuzzers may use and nothing else does.
const OWN: [&str; 3] = ["arbitrary", "bulkhead-fuzz", "libfuzzer-sys"];

#[test]
fn every_law_has_a_fuzzer_that_is_nothing_else() -> Result<()> {
    let manifest = read("tests/fuzz/Cargo.toml")?;
    for (law, _) in LAWS {
        let target = read(&format!("tests/fuzz/targets/{law}.rs"))?;
        ensure!(target == program(law), "the fuzzer {law} is\n{target}\nand not\n{}", program(law));
        ensure!(manifest.contains(&entry(law)), "the manifest of the fuzzers lacks\n{}", entry(law));
    }
    let programs = manifest.matches("[[bin]]").count();
    ensure!(programs == LAWS.len(), "{programs} programs in the manifest of the fuzzers, {} laws", LAWS.len());
    Ok(())
}

#[test]
fn laws_use_no_crate_that_fuzzers_do_not_have() -> Result<()> {
    let manifest = read("tests/fuzz/Cargo.toml")?;
    let declared: BTreeSet<String> =
        manifest.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.replace('-', "_")).collect();
    let sources = places::repository().join("tests/fuzz/src");
    for file in std::fs::read_dir(&sources)? {
        let path = file?.path();
        let text = std::fs::read_to_string(&path)?;
        for used in text.lines().filter_map(|line| line.strip_prefix("use ")?.split("::").next()) {
            let known = ["std", "crate", "super", "self"].contains(&used) || declared.contains(used);
            ensure!(known, "{} uses {used}, which tests/fuzz/Cargo.toml does not declare", path.display());
        }
    }
    Ok(())
}

/// What fuzzers run is what ships, and cargo finds nothing to change in their lock file.
#[test]
fn fuzzers_lock_what_the_workspace_locks() -> Result<()> {
    let (ours, theirs) = (lock("Cargo.lock")?, lock("tests/fuzz/Cargo.lock")?);
    for ((name, version), dependencies) in &theirs {
        if OWN.contains(&name.as_str()) {
            continue;
        }
        let same = ours.get(&(name.clone(), version.clone()));
        let others: Vec<&str> = ours.keys().filter(|(known, _)| known == name).map(|(_, other)| &**other).collect();
        let mend = format!("cargo update --manifest-path tests/fuzz/Cargo.toml {name}@{version} --precise VERSION");
        let same = same.with_context(|| format!("fuzzers lock {name} {version}, we lock {others:?}: {mend}"))?;
        let foreign: Vec<_> = dependencies.difference(same).collect();
        ensure!(foreign.is_empty(), "{name} depends on {foreign:?} in the lock file of the fuzzers, and not in ours");
    }
    for name in ["http1", "model"] {
        let manifest = read(&format!("gateway/{name}/Cargo.toml"))?;
        let normal = manifest.split("[dependencies]\n").nth(1).and_then(|rest| rest.split("\n[").next());
        let normal = normal.unwrap_or_default().lines().filter_map(|line| line.split(['.', ' ']).next());
        let expected: BTreeSet<String> = normal.filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let locked = theirs.iter().find(|((known, _), _)| *known == format!("bulkhead-{name}"));
        let (_, locked) = locked.with_context(|| format!("the fuzzers' lock file has no bulkhead-{name}"))?;
        ensure!(
            *locked == expected,
            "fuzzers lock {locked:?} for bulkhead-{name}, it has {expected:?}: cargo update --manifest-path tests/fuzz/Cargo.toml --workspace"
        );
    }
    Ok(())
}

type Lock = BTreeMap<(String, String), BTreeSet<String>>;

/// Names and versions in a lock file, and the names of what each depends on.
fn lock(path: &str) -> Result<Lock> {
    let text = read(path)?;
    let packages = text.split("[[package]]\n").skip(1).map(|package| {
        let value = |key: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
            line.map(|value| value.trim_matches('"').to_owned())
                .with_context(|| format!("{path}: no {key}:\n{package}"))
        };
        // A version follows the name where there are several.
        let dependencies = package.lines().filter_map(|line| line.strip_prefix(" \"")?.split(['"', ' ']).next());
        Ok(((value("name")?, value("version")?), dependencies.map(str::to_owned).collect()))
    });
    let packages: Lock = packages.collect::<Result<_>>()?;
    ensure!(packages.len() > 5, "{path} locks {packages:?}");
    Ok(packages)
}

fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(places::repository().join(path)).with_context(|| format!("read {path}"))
}
