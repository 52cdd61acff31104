//! The phase of an instance.

use bulkhead_crds::phase::Phase;
use bulkhead_crds::reason;

use super::LaneVerdicts;

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
