//! Which file defines which object, and who wins when two define the same.
//!
//! Pure: files go in as text that was read elsewhere, [`Event`]s come out.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use bulkhead_compile::{Key, Object};

use super::manifest::{self, Content};
use super::{Batch, Event};

/// A file, by the place of its directory on the command line and its path below it. The smaller one wins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName {
    /// Place of its directory among the sources.
    pub root: usize,
    /// Path below that directory.
    pub path: PathBuf,
}

/// Definitions of one object, by their files. Nearly always there is one: a map that grows would hold room for ten more.
#[derive(Debug, Default)]
struct Definitions(Vec<(FileName, Object)>);

impl Definitions {
    fn place(&self, file: &FileName) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.cmp(file))
    }

    fn insert(&mut self, file: &FileName, object: Object) {
        match self.place(file) {
            Ok(at) => {
                if let Some((_, known)) = self.0.get_mut(at) {
                    *known = object;
                }
            }
            Err(at) => {
                self.0.reserve_exact(1);
                self.0.insert(at, (file.clone(), object));
            }
        }
    }

    fn remove(&mut self, file: &FileName) {
        if let Ok(at) = self.place(file) {
            self.0.remove(at);
        }
    }
}

/// Every file with the objects it defines.
#[derive(Debug, Default)]
pub struct Files {
    roots: Vec<PathBuf>,
    keys: BTreeMap<FileName, BTreeSet<Key>>,
    definitions: HashMap<Key, Definitions>,
    /// Files whose definition of the key was passed over, when that was last said.
    passed_over: HashMap<Key, BTreeSet<FileName>>,
}

impl Files {
    /// No files yet, below `roots`.
    #[must_use]
    pub fn new(roots: Vec<PathBuf>) -> Self {
        Self { roots, ..Self::default() }
    }

    /// Files that are known, readable or not.
    pub fn names(&self) -> impl Iterator<Item = &FileName> {
        self.keys.keys()
    }

    /// Where a file is.
    fn locate(&self, file: &FileName) -> PathBuf {
        self.roots.get(file.root).map_or_else(|| file.path.clone(), |root| root.join(&file.path))
    }

    /// A file was written. If its text is no manifest, what it defined before stays.
    pub fn write(&mut self, file: &FileName, text: Result<String, String>, batch: &mut Batch) {
        let parsed = text.and_then(|text| manifest::parse(&text).map_err(|error| error.to_string()));
        match parsed {
            Ok(manifests) => {
                let mut objects = BTreeMap::new();
                for manifest in manifests {
                    if let Content::Object(object) = manifest.content {
                        objects.entry(object.key()).or_insert(object);
                    }
                }
                batch.push(Event::Problem { subject: self.subject(file), problem: None });
                self.replace(file, objects, batch);
            }
            Err(reason) => {
                self.keys.entry(file.clone()).or_default();
                batch.push(Event::Problem { subject: self.subject(file), problem: Some(reason) });
            }
        }
    }

    /// A file is gone, and what it defined with it.
    pub fn remove(&mut self, file: &FileName, batch: &mut Batch) {
        if self.keys.contains_key(file) {
            batch.push(Event::Problem { subject: self.subject(file), problem: None });
            self.replace(file, BTreeMap::new(), batch);
            self.keys.remove(file);
        }
    }

    fn subject(&self, file: &FileName) -> String {
        self.locate(file).display().to_string()
    }

    fn replace(&mut self, file: &FileName, objects: BTreeMap<Key, Object>, batch: &mut Batch) {
        let now: BTreeSet<Key> = objects.keys().cloned().collect();
        let before = self.keys.insert(file.clone(), now.clone()).unwrap_or_default();
        for key in before.difference(&now) {
            if let Some(definitions) = self.definitions.get_mut(key) {
                definitions.remove(file);
            }
            self.settle(key, batch);
        }
        for (key, object) in objects {
            self.definitions.entry(key.clone()).or_default().insert(file, object);
            self.settle(&key, batch);
        }
    }

    /// Says what holds for `key` now.
    fn settle(&mut self, key: &Key, batch: &mut Batch) {
        let definitions = self.definitions.get(key);
        let mut files = definitions.into_iter().flat_map(|definitions| &definitions.0);
        let first = files.next().map(|(file, object)| (file.clone(), object.clone()));
        let passed_over: BTreeSet<FileName> = files.map(|(file, _)| file.clone()).collect();
        match &first {
            Some((_, object)) => batch.push(Event::Applied(object.clone())),
            None => {
                self.definitions.remove(key);
                batch.push(Event::Deleted(key.clone()));
            }
        }
        let said = self.passed_over.remove(key).unwrap_or_default();
        for file in said.difference(&passed_over) {
            batch.push(Event::Problem { subject: self.subject_of(file, key), problem: None });
        }
        if let Some((winner, _)) = &first {
            let winner = self.subject(winner);
            for file in &passed_over {
                let problem = format!("it is also defined in {winner}, which comes first: this definition is not used");
                batch.push(Event::Problem { subject: self.subject_of(file, key), problem: Some(problem) });
            }
        }
        if !passed_over.is_empty() {
            self.passed_over.insert(key.clone(), passed_over);
        }
    }

    fn subject_of(&self, file: &FileName, key: &Key) -> String {
        format!("{}: {}", self.subject(file), super::describe(key))
    }
}

/// Whether a path below a source directory is read: a manifest by its ending, with no part that begins with a dot.
#[must_use]
pub fn is_manifest(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    matches!(ending, Some("yaml" | "yml" | "json")) && !is_hidden(path)
}

/// Whether a part of a path begins with a dot: editors and version control keep such files for themselves.
#[must_use]
pub fn is_hidden(path: &Path) -> bool {
    path.iter().any(|part| part.as_encoded_bytes().first() == Some(&b'.'))
}
