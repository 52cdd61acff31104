//! What the control thread tells the rest of the process.

use std::time::Duration;

use bulkhead_compile::{Certificates, Counts};
use bulkhead_crds::lane::{LaneDrain, LaneIdentity};
use bulkhead_crds::report::{ClassReport, RouteReport};
use tokio::sync::{mpsc, oneshot};

use crate::findings::Findings;

/// What the control thread knows, as of its last change.
#[derive(Clone, Debug, Default)]
pub struct ControlState {
    /// Which lane this is, once a lane document was read.
    pub identity: Option<LaneIdentity>,
    /// How to leave, as the lane document says.
    pub drain: Option<LaneDrain>,
    /// Number of the last snapshot that was published; 0 before the first.
    pub published: u64,
    /// First snapshot of each configuration generation that may still be served, oldest first.
    pub generations: Vec<(u64, i64)>,
    /// First snapshot that holds everything of each revision of the lane document, oldest first.
    pub revisions: Vec<(u64, String)>,
    /// What the first snapshot, or the last change, waits for.
    pub waiting_for: Vec<String>,
    /// The lane's classes.
    pub classes: Vec<ClassReport>,
    /// Sizes of the last snapshot.
    pub counts: Counts,
    /// What has become of the certificates that are wanted.
    pub certificates: Certificates,
    /// Findings of the last snapshot.
    pub findings: Findings,
    /// What could not be read.
    pub source_problems: Vec<String>,
    /// Counters since the start.
    pub counters: ControlCounters,
}

/// Counters of the control thread, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ControlCounters {
    /// Compiles that ended, whether or not anything was published.
    pub compiles: u64,
    /// Time spent in them.
    pub compile_time: Duration,
    /// Compiles that panicked.
    pub compile_panics: u64,
    /// Snapshots published.
    pub snapshots: u64,
    /// Endpoint changes published without a snapshot.
    pub endpoint_changes: u64,
    /// Lane documents that were refused.
    pub lane_documents_refused: u64,
}

/// A question for the routes as they are now. They live on the control thread.
pub type RoutesQuestion = oneshot::Sender<Vec<RouteReport>>;

/// Where such questions are put. A small queue: the answer is large.
pub type RoutesQuestions = mpsc::Sender<RoutesQuestion>;
