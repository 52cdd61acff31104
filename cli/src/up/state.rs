//! The state folder: what `up` tells its lanes, and where their logs are. It is gone when `up` ends.
//!
//! ```text
//! objects/classes.json    the IngressClasses of all lanes
//! objects/backends.json   the EndpointSlices of built-in backends
//! lanes/LANE/lane.json    one lane document each
//! logs/LANE.log           what the lane's process writes
//! logs/LANE.access.log    its access log
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bulkhead_crds::lane::LaneDocument;
use bulkhead_crds::names::LANE_DOCUMENT_KEY;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::IngressClass;
use serde::Serialize;
use serde_json::json;
use tempfile::TempDir;
use thiserror::Error;

use crate::name::LaneId;

/// Why the state folder cannot be used.
#[derive(Debug, Error)]
pub(crate) enum StateError {
    /// It cannot be made.
    #[error("cannot make a folder for state in {}, set TMPDIR to a writable one", std::env::temp_dir().display())]
    Create(#[source] io::Error),
    /// A file cannot be written.
    #[error("cannot write {0}")]
    Write(PathBuf, #[source] io::Error),
    /// A value is no JSON.
    #[error("cannot encode {0}")]
    Encode(PathBuf, #[source] serde_json::Error),
}

/// The folder.
#[derive(Debug)]
pub(crate) struct State {
    root: TempDir,
}

impl State {
    /// A new, empty folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn create() -> Result<Self, StateError> {
        let root = tempfile::Builder::new().prefix("bulkhead-").tempdir().map_err(StateError::Create)?;
        for folder in ["objects", "lanes", "logs", "unfinished"] {
            fs::create_dir(root.path().join(folder)).map_err(StateError::Create)?;
        }
        Ok(Self { root })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.root.path()
    }

    /// Folder of generated objects: a source of every lane.
    pub(crate) fn objects(&self) -> PathBuf {
        self.path().join("objects")
    }

    /// A lane's document.
    pub(crate) fn document(&self, lane: &LaneId) -> PathBuf {
        self.path().join("lanes").join(lane.file_stem()).join(LANE_DOCUMENT_KEY)
    }

    /// A lane's log.
    pub(crate) fn log(&self, lane: &LaneId) -> PathBuf {
        self.path().join("logs").join(format!("{}.log", lane.file_stem()))
    }

    /// Writes a lane's document.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn write_document(&self, lane: &LaneId, document: &LaneDocument) -> Result<(), StateError> {
        let path = self.document(lane);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| StateError::Write(path.clone(), error))?;
        }
        self.write(&path, document)
    }

    /// Writes the classes of all lanes.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(crate) fn write_classes(&self, classes: &[&IngressClass]) -> Result<(), StateError> {
        self.write(&self.objects().join("classes.json"), &list(classes))
    }

    /// Writes the endpoints of built-in backends.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(crate) fn write_backends(&self, slices: &[EndpointSlice]) -> Result<(), StateError> {
        self.write(&self.objects().join("backends.json"), &list(slices))
    }

    /// Replaces a file as a whole: no reader ever sees half of it. Equal content is not written again.
    fn write(&self, path: &Path, value: &impl Serialize) -> Result<(), StateError> {
        let bytes = serde_json::to_vec_pretty(value).map_err(|error| StateError::Encode(path.to_owned(), error))?;
        if fs::read(path).is_ok_and(|before| before == bytes) {
            return Ok(());
        }
        // In a folder of its own, so that those who watch the target see one change and no unfinished file.
        let unfinished = self.path().join("unfinished").join("file");
        let write = fs::write(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, path));
        write.map_err(|error| StateError::Write(path.to_owned(), error))
    }
}

fn list(items: &[impl Serialize]) -> impl Serialize {
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bulkhead_gateway::source::manifest::parse;

    use super::*;
    use crate::manifests::Inventory;
    use crate::up::desired::decide;

    #[test]
    fn what_is_planned_can_be_read_back_by_a_gateway() {
        let mut inventory = Inventory::default();
        let text = "apiVersion: bulkhead.io/v1alpha1\nkind: GatewayInstance\nmetadata: {name: quay, namespace: port}\nspec: {}";
        inventory.add("quay.yaml", text, &parse(text).unwrap());
        let desired = decide(&inventory, &BTreeMap::new());
        let state = State::create().unwrap();
        for (id, lane) in &desired.lanes {
            state.write_document(id, &lane.document).unwrap();
            let read = bulkhead_gateway::lane::parse(&fs::read_to_string(state.document(id)).unwrap()).unwrap();
            assert_eq!(*read, lane.document);
        }
        let classes: Vec<&IngressClass> = desired.lanes.values().map(|lane| &lane.class).collect();
        state.write_classes(&classes).unwrap();
        let read = parse(&fs::read_to_string(state.objects().join("classes.json")).unwrap()).unwrap();
        assert_eq!(read.len(), 2);
    }

    #[test]
    fn an_equal_file_is_not_written_again() {
        let state = State::create().unwrap();
        let path = state.objects().join("backends.json");
        state.write_backends(&[]).unwrap();
        let before = fs::metadata(&path).unwrap().modified().unwrap();
        state.write_backends(&[]).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
        assert_eq!(fs::read_dir(state.path().join("unfinished")).unwrap().count(), 0);
    }

    #[test]
    fn the_folder_goes_with_its_owner() {
        let state = State::create().unwrap();
        let path = state.path().to_owned();
        drop(state);
        assert!(!path.exists());
    }
}
