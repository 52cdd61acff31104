//! A running source, as the control thread sees it: events come in, and what it should watch goes out.

use std::collections::BTreeSet;
use std::path::PathBuf;

use bulkhead_compile::Kind;
use bulkhead_crds::lane::NamespaceSet;
use kube::Client;
use tokio::sync::{mpsc, watch};

use crate::source::directory::{self, DirectoryError};
use crate::source::{BATCHES, Batch, Scope, kubernetes};

/// Where objects come from, with what is needed to begin again.
#[derive(Clone)]
pub enum Origin {
    /// The API server.
    Kubernetes(Client),
    /// Manifests in directories.
    Directories(Vec<PathBuf>),
}

/// A running source. It ends when this is dropped.
pub struct Feed {
    /// What it learns.
    pub events: mpsc::Receiver<Batch>,
    wanted: Option<watch::Sender<BTreeSet<(Kind, Scope)>>>,
}

impl Feed {
    /// Starts a source. Everything it knows comes again from the first list on.
    ///
    /// # Errors
    /// When a directory cannot be read.
    pub fn start(origin: &Origin) -> Result<Self, DirectoryError> {
        let (send, events) = mpsc::channel(BATCHES);
        let wanted = match origin {
            Origin::Kubernetes(client) => {
                let (wanted, lists) = watch::channel(BTreeSet::new());
                tokio::spawn(kubernetes::follow(client.clone(), lists, send));
                Some(wanted)
            }
            Origin::Directories(roots) => {
                directory::follow(roots.clone(), send)?;
                None
            }
        };
        Ok(Self { events, wanted })
    }

    /// Makes the source cover `namespaces` (none before the first lane document), and says which lists that takes. A directory
    /// is always read whole: the compiler passes over what is out of scope.
    pub fn cover(&self, namespaces: Option<&NamespaceSet>) -> BTreeSet<(Kind, Scope)> {
        let Some(wanted) = &self.wanted else { return Kind::ALL.into_iter().map(|kind| (kind, Scope::All)).collect() };
        let lists = namespaces.map(kubernetes::lists).unwrap_or_default();
        wanted.send_if_modified(|now| {
            let differs = *now != lists;
            now.clone_from(&lists);
            differs
        });
        lists
    }
}
