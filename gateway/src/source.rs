//! Where objects come from. Every source speaks the same few [`Event`]s, so that nothing behind it knows which one runs.

pub mod content;
pub mod directory;
pub mod files;
pub mod keyring;
pub mod kubernetes;
pub mod manifest;
pub mod stamp;
pub mod watch;

use std::collections::BTreeSet;
use std::fmt;

use bulkhead_compile::{Key, Kind, Object};
use bulkhead_crds::finding::ObjectRef;
use tokio::sync::mpsc;

/// Part of a cluster that one list covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Everything there is; the only scope of cluster-scoped kinds and of directories.
    All,
    /// One namespace.
    Namespace(String),
}

impl Scope {
    /// Whether objects of `namespace` belong to this scope.
    #[must_use]
    pub fn contains(&self, namespace: &str) -> bool {
        match self {
            Self::All => true,
            Self::Namespace(name) => name == namespace,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all namespaces"),
            Self::Namespace(name) => write!(f, "namespace {name}"),
        }
    }
}

/// One thing a source has learnt.
#[derive(Clone, Debug)]
pub enum Event {
    /// A list of everything begins. What was known stays known until the list is complete.
    Restarted {
        /// Kind that is listed.
        kind: Kind,
        /// Where.
        scope: Scope,
    },
    /// An object is new or changed, or was listed.
    Applied(Object),
    /// An object exists but cannot be decoded: its last good state stays.
    Undecodable {
        /// Which object.
        key: Key,
        /// Why.
        reason: String,
    },
    /// An object is gone.
    Deleted(Key),
    /// The list is complete: what it did not name is gone.
    Completed {
        /// Kind that was listed.
        kind: Kind,
        /// Where.
        scope: Scope,
    },
    /// The list of Secrets that was told is all that these Secrets of the keyring hold.
    KeyringRead {
        /// Their names.
        shards: BTreeSet<String>,
    },
    /// A kind has never been readable in a namespace, and it does not look as if it soon were: nobody should wait for this list. It is
    /// tried on.
    Refused {
        /// Kind.
        kind: Kind,
        /// Where.
        scope: Scope,
    },
    /// A kind may no longer be read: nothing of it may be relied on.
    Forbidden {
        /// Kind.
        kind: Kind,
        /// Where.
        scope: Scope,
    },
    /// Something about the source itself is wrong, or, with `None`, right again.
    Problem {
        /// What is concerned: a file, a watch.
        subject: String,
        /// What is wrong, as a sentence.
        problem: Option<String>,
    },
}

/// A key as people write it: `Ingress shop/cart`.
#[must_use]
pub fn describe(key: &Key) -> String {
    ObjectRef::new(key.kind.as_str(), &key.namespace, &key.name).to_string()
}

/// Events that belong together (one file, one watch event): nothing is compiled between them.
pub type Batch = Vec<Event>;

/// Batches that may wait while a compile runs; a source that is faster is held back.
pub const BATCHES: usize = 1024;

/// Where sources send what they learn.
pub type Events = mpsc::Sender<Batch>;
