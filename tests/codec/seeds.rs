//! The laws that fuzzers look for breaches of, held against bytes that are known to come near one.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use bulkhead_tests::places;
use proptest::prelude::*;

use crate::laws::{LAWS, hold};

#[test]
fn every_law_holds_for_its_seeds_cut_anywhere() -> Result<()> {
    for (name, law) in LAWS {
        let seeds = entries(&places::repository().join("tests/fuzz/seeds").join(name))?;
        ensure!(seeds.len() > 4, "{name} has {} seeds", seeds.len());
        for seed in seeds {
            let bytes = std::fs::read(&seed).with_context(|| format!("read {}", seed.display()))?;
            for end in 0..=bytes.len() {
                law(&bytes[..end]);
            }
        }
    }
    Ok(())
}

#[test]
fn there_are_programs_and_seeds_for_every_law_and_for_no_other() -> Result<()> {
    let known: BTreeSet<String> = LAWS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let fuzz = places::repository().join("tests/fuzz");
    for (folder, extension) in [("seeds", ""), ("targets", ".rs")] {
        let named: BTreeSet<String> = entries(&fuzz.join(folder))?
            .iter()
            .filter_map(|path| path.file_name()?.to_str()?.strip_suffix(extension).map(str::to_owned))
            .collect();
        ensure!(named == known, "{folder} has {named:?}, the laws are {known:?}");
    }
    Ok(())
}

fn entries(folder: &std::path::Path) -> Result<Vec<PathBuf>> {
    let listing = std::fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))?;
    Ok(listing.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?)
}

proptest! {
    /// A few bytes of a seed changed, doubled or left out: what a fuzzer does first, and often.
    #[test]
    fn every_law_holds_near_its_seeds(law in 0..LAWS.len(), pick: prop::sample::Index, edits in edits()) {
        let (name, _) = LAWS[law];
        let seeds = entries(&places::repository().join("tests/fuzz/seeds").join(name)).unwrap();
        let mut bytes = std::fs::read(pick.get(&seeds)).unwrap();
        for (at, edit) in edits {
            let at = at.index(bytes.len() + 1);
            match edit {
                Edit::Insert(text) => drop(bytes.splice(at..at, text)),
                Edit::Remove(len) => drop(bytes.drain(at..(at + len).min(bytes.len()))),
                Edit::Double(len) => bytes.extend_from_within(at..(at + len).min(bytes.len())),
            }
        }
        hold(name, &bytes);
    }
}

#[derive(Clone, Debug)]
enum Edit {
    Insert(Vec<u8>),
    Remove(usize),
    Double(usize),
}

fn edits() -> impl Strategy<Value = Vec<(prop::sample::Index, Edit)>> {
    let marks = prop::sample::select(
        &["\r\n", "\n", "\r", "\0", ":", " ", "\t", ";", ",", "%", "%2e", "/", "..", "0", "chunked"][..],
    );
    let edit = prop_oneof![
        marks.prop_map(|mark| Edit::Insert(mark.as_bytes().to_vec())),
        any::<u8>().prop_map(|byte| Edit::Insert(vec![byte])),
        (1usize..12).prop_map(Edit::Remove),
        (1usize..40).prop_map(Edit::Double),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), edit), 1..4)
}
