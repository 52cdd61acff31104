//! What is known of the cluster: feeds the compiler, and knows which lists are complete.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use bulkhead_compile::{Compiler, Key, Kind};

use crate::source::{Batch, Event, Scope, describe};

/// Most problems that are remembered one by one. More of them say nothing new.
const PROBLEMS: usize = 1024;

/// A list, once it has begun.
#[derive(Debug, Default)]
struct List {
    complete: bool,
    /// The right to read it is missing, and was so from the start.
    refused: bool,
    /// What the list that runs now has named so far.
    seen: Option<HashSet<Key>>,
}

/// What is known of the cluster.
pub struct Store {
    compiler: Compiler,
    lists: BTreeMap<(Kind, Scope), List>,
    problems: BTreeMap<String, String>,
    undecodable: BTreeMap<Key, String>,
    /// From which Secrets the keyring was last read.
    keyring: Option<BTreeSet<String>>,
}

impl Store {
    /// Knows nothing yet, and waits for nothing.
    #[must_use]
    pub fn new(compiler: Compiler) -> Self {
        let (lists, problems, undecodable) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { compiler, lists, problems, undecodable, keyring: None }
    }

    /// The compiler behind it.
    pub fn compiler(&mut self) -> &mut Compiler {
        &mut self.compiler
    }

    /// Which lists there are from now on. What no list covers any more is forgotten; what a new one covers and an old one has
    /// already told stays, so that a scope can widen and narrow without a gap.
    pub fn expect(&mut self, lists: &BTreeSet<(Kind, Scope)>) {
        self.lists.retain(|list, _| lists.contains(list));
        for list in lists {
            self.lists.entry(list.clone()).or_default();
        }
        for kind in Kind::ALL {
            for key in self.compiler.keys(kind) {
                if !self.covers(&key) {
                    self.delete(&key);
                }
            }
        }
    }

    /// Forgets every object and every list, and with them what was complete. The compiler stays: the numbers it gives must
    /// never be given twice.
    pub fn forget(&mut self) {
        self.lists.clear();
        self.expect(&BTreeSet::new());
        self.problems.clear();
        self.undecodable.clear();
        self.keyring = None;
    }

    /// Whether what is known of Secrets was read from all of `keyring` and from nothing else. A source without a keyring has all there is.
    #[must_use]
    pub fn has_read(&self, keyring: &[String]) -> bool {
        self.keyring.as_ref().is_none_or(|read| *read == keyring.iter().cloned().collect())
    }

    /// Lists that were never complete so far and are waited for. Nothing may be served before there are none.
    ///
    /// A namespace that may not be read is not waited for, as long as another one is known: whoever governs it must not hold up the rest.
    /// A gateway that may read none at all is of no use, and must not replace one that knows what was there before.
    pub fn incomplete(&self) -> impl Iterator<Item = &(Kind, Scope)> {
        let knows_one = self.lists.iter().any(|((kind, _), list)| *kind == Kind::Ingress && list.complete);
        let passed_over = move |list: &List| list.complete || (list.refused && knows_one);
        self.lists.iter().filter(move |(_, list)| !passed_over(list)).map(|(list, _)| list)
    }

    /// What could not be read, a sentence each, in order.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let undecodable = |(key, reason): (&Key, &String)| {
            format!("{}: cannot be decoded, its last good state is kept: {reason}", describe(key))
        };
        let problems = self.problems.iter().map(|(subject, problem)| format!("{subject}: {problem}"));
        problems.chain(self.undecodable.iter().map(undecodable)).collect()
    }

    /// Notes that something is wrong with `subject`, or right again. Whether that is news.
    pub fn note(&mut self, subject: String, problem: Option<String>) -> bool {
        match problem {
            None => self.problems.remove(&subject).is_some(),
            Some(_) if self.problems.len() >= PROBLEMS && !self.problems.contains_key(&subject) => false,
            Some(problem) => self.problems.insert(subject, problem.clone()) != Some(problem),
        }
    }

    /// Takes what a source has learnt.
    pub fn take(&mut self, batch: Batch) {
        for event in batch {
            self.take_one(event);
        }
    }

    fn take_one(&mut self, event: Event) {
        match event {
            Event::Restarted { kind, scope } => {
                if let Some(list) = self.lists.get_mut(&(kind, scope)) {
                    list.seen = Some(HashSet::new());
                }
            }
            Event::Applied(object) => {
                let key = object.key();
                if self.see(&key) {
                    self.undecodable.remove(&key);
                    self.compiler.apply(object);
                }
            }
            Event::Undecodable { key, reason } => {
                if self.see(&key) && self.undecodable.len() < PROBLEMS {
                    tracing::warn!(
                        object = describe(&key),
                        reason,
                        "an object cannot be decoded, its last good state is kept"
                    );
                    self.undecodable.insert(key, reason);
                }
            }
            Event::Deleted(key) => self.delete(&key),
            Event::Completed { kind, scope } => self.complete(kind, &scope),
            Event::Refused { kind, scope } => {
                if let Some(list) = self.lists.get_mut(&(kind, scope)) {
                    list.refused = true;
                }
            }
            Event::KeyringRead { shards } => self.keyring = Some(shards),
            Event::Forbidden { kind, scope } => {
                for key in self.keys(kind, &scope) {
                    self.delete(&key);
                }
            }
            Event::Problem { subject, problem } => {
                let what = problem.clone();
                if self.note(subject.clone(), problem) {
                    match what {
                        Some(problem) => tracing::warn!(subject, problem, "a source has a problem"),
                        None => tracing::info!(subject, "a source has recovered"),
                    }
                }
            }
        }
    }

    /// Notes that a list named `key`. False when no list covers it (any more): a watch that was stopped may still be heard.
    fn see(&mut self, key: &Key) -> bool {
        let mut covered = false;
        for ((kind, scope), list) in &mut self.lists {
            if *kind == key.kind && scope.contains(&key.namespace) {
                covered = true;
                if let Some(seen) = &mut list.seen {
                    seen.insert(key.clone());
                }
            }
        }
        covered
    }

    fn covers(&self, key: &Key) -> bool {
        self.lists.keys().any(|(kind, scope)| *kind == key.kind && scope.contains(&key.namespace))
    }

    /// A complete list is the only proof that something is gone which no event said was deleted.
    fn complete(&mut self, kind: Kind, scope: &Scope) {
        let Some(list) = self.lists.get_mut(&(kind, scope.clone())) else { return };
        let Some(seen) = list.seen.take() else { return };
        list.complete = true;
        list.refused = false;
        for key in self.keys(kind, scope) {
            if !seen.contains(&key) {
                self.delete(&key);
            }
        }
    }

    fn keys(&self, kind: Kind, scope: &Scope) -> Vec<Key> {
        let undecodable = self.undecodable.keys().filter(|key| key.kind == kind).cloned();
        let keys = self.compiler.keys(kind).into_iter().chain(undecodable);
        keys.filter(|key| scope.contains(&key.namespace)).collect()
    }

    fn delete(&mut self, key: &Key) {
        self.undecodable.remove(key);
        self.compiler.delete(key);
    }
}

#[cfg(test)]
mod tests;
