//! The one word that people see, derived from the conditions and never read back.

use bulkhead_crds::reason;

use super::LaneVerdicts;

/// Phase of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not every enabled lane has a ready pod.
    Pending,
    /// Every enabled lane has a ready pod.
    Running,
    /// Every ready pod of every enabled lane has loaded the latest configuration and watches its class.
    Listening,
    /// The specification is not accepted, or something has been wrong for longer than its grace period.
    Failed,
    /// The operator leaves it alone.
    Paused,
    /// It is being deleted.
    Deleting,
}

impl Phase {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Listening => "Listening",
            Self::Failed => "Failed",
            Self::Paused => "Paused",
            Self::Deleting => "Deleting",
        }
    }
}

/// What the phase follows from.
pub(super) struct Input<'a> {
    pub(super) paused: bool,
    pub(super) accepted: bool,
    pub(super) degraded: bool,
    pub(super) lanes: &'a [&'a LaneVerdicts],
}

/// The first that applies: what somebody asked for, then what is wrong, then how far it got.
pub(super) fn derive(input: &Input<'_>) -> Phase {
    if input.paused {
        Phase::Paused
    } else if !input.accepted || input.degraded {
        Phase::Failed
    } else if input.lanes.is_empty() || !input.lanes.iter().all(|lane| lane.has_pods()) {
        Phase::Pending
    } else if input.lanes.iter().all(|lane| lane.config_loaded.is(&reason::LOADED)) {
        Phase::Listening
    } else {
        Phase::Running
    }
}
