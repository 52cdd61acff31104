//! The lane document: read from a ConfigMap or a file, and again whenever it changes. A document that cannot be read leaves
//! the last good one in force.

pub mod config_map;
pub mod file;

use bulkhead_crds::lane::{LANE_DOCUMENT_VERSION, LaneDocument};
use serde::Deserialize;
use thiserror::Error;
use tokio::sync::mpsc;

/// What became of the lane document: a new one, or why there is none.
pub type LaneUpdate = Result<Box<LaneDocument>, LaneError>;

/// Where lane documents are sent.
pub type LaneUpdates = mpsc::Sender<LaneUpdate>;

/// Why a lane document is not taken.
#[derive(Debug, Error)]
pub enum LaneError {
    /// It is not where it should be.
    #[error("there is no lane document in {place}")]
    Missing {
        /// The file, or the ConfigMap and its key.
        place: String,
    },
    /// It cannot be fetched.
    #[error("cannot read the lane document from {place}: {reason}")]
    Unreadable {
        /// The file or ConfigMap.
        place: String,
        /// What the system or the API server says.
        reason: String,
    },
    /// It is not what a lane document looks like.
    #[error("cannot understand the lane document: {0}")]
    Malformed(#[source] serde_json::Error),
    /// It is of another version.
    #[error(
        "the lane document has version {found:?}, this gateway reads {LANE_DOCUMENT_VERSION:?}: use a gateway of the operator's version"
    )]
    Version {
        /// The version it says it has.
        found: String,
    },
}

/// The lane document in a text.
///
/// # Errors
/// When it is malformed or of another version.
pub fn parse(text: &str) -> Result<Box<LaneDocument>, LaneError> {
    /// The one field every version has: another version must not be reported as a spelling mistake.
    #[derive(Deserialize)]
    struct Versioned {
        version: String,
    }
    let Versioned { version } = serde_json::from_str(text).map_err(LaneError::Malformed)?;
    if version != LANE_DOCUMENT_VERSION {
        return Err(LaneError::Version { found: version });
    }
    serde_json::from_str(text).map(Box::new).map_err(LaneError::Malformed)
}

#[cfg(test)]
mod tests;
