//! A running source, as the control thread sees it: events come in, and what it should watch goes out.

use std::collections::BTreeSet;
use std::path::PathBuf;

use bulkhead_compile::Kind;
use bulkhead_crds::lane::LaneDocument;
use kube::Client;
use tokio::sync::{mpsc, watch};

use crate::source::directory::{self, DirectoryError};
use crate::source::kubernetes::{self, Wanted};
use crate::source::{BATCHES, Batch, Scope};

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
    wanted: Option<watch::Sender<Wanted>>,
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
                let (wanted, wants) = watch::channel(Wanted::default());
                tokio::spawn(kubernetes::follow(client.clone(), wants, send));
                Some(wanted)
            }
            Origin::Directories(roots) => {
                directory::follow(roots.clone(), send)?;
                None
            }
        };
        Ok(Self { events, wanted })
    }

    /// Makes the source cover what `lane` needs (nothing before the first lane document), and says which lists that takes. A
    /// directory is always read whole: the compiler passes over what is out of scope.
    pub fn cover(&self, lane: Option<&LaneDocument>) -> BTreeSet<(Kind, Scope)> {
        let Some(wanted) = &self.wanted else { return Kind::ALL.into_iter().map(|kind| (kind, Scope::All)).collect() };
        let wants = lane.map(Wanted::of).unwrap_or_default();
        wanted.send_if_modified(|now| {
            let differs = *now != wants;
            now.clone_from(&wants);
            differs
        });
        wants.lists
    }
}
