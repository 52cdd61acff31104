//! When a gateway may be sent requests.
//!
//! Listeners are bound before anything here is asked (they are bound before the admin endpoint is). What remains is the first
//! complete snapshot, served by every data thread, and that no drain has begun. How recent the last change is, and whether the
//! API server can be reached, never matters: a quiet or lost control plane must not take a working data plane with it.

use crate::state::ControlState;

/// Whether requests may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// They may.
    Ready,
    /// Not yet: what is missing, a phrase each, never empty.
    Waiting(Vec<String>),
    /// Not any more.
    Draining,
}

impl Readiness {
    /// Of a gateway whose control thread knows `state` and whose slowest data thread serves snapshot `served` (0: none).
    #[must_use]
    pub fn of(state: &ControlState, served: u64, draining: bool) -> Self {
        match (draining, served) {
            (true, _) => Self::Draining,
            (false, 0) if state.published == 0 && !state.waiting_for.is_empty() => {
                Self::Waiting(state.waiting_for.clone())
            }
            (false, 0) => Self::Waiting(vec!["every data thread to take the first snapshot".to_owned()]),
            (false, _) => Self::Ready,
        }
    }

    /// Whether requests may be sent.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        *self == Self::Ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(for_what: &[&str], published: u64) -> ControlState {
        let waiting_for = for_what.iter().map(|&what| what.to_owned()).collect();
        ControlState { waiting_for, published, ..ControlState::default() }
    }

    #[test]
    fn a_gateway_is_ready_from_the_first_snapshot_on_every_thread_until_it_drains() {
        let lane = "the lane document";
        let cases = [
            ("nothing known", waiting(&[lane], 0), 0, false, Readiness::Waiting(vec![lane.to_owned()])),
            (
                "published",
                waiting(&[], 1),
                0,
                false,
                Readiness::Waiting(vec!["every data thread to take the first snapshot".into()]),
            ),
            ("served", waiting(&[], 1), 1, false, Readiness::Ready),
            (
                "a scope that grew",
                waiting(&["the list of kind Service in namespace quay"], 7),
                7,
                false,
                Readiness::Ready,
            ),
            ("a compiler that panics", waiting(&["the compiler failed"], 7), 7, false, Readiness::Ready),
            ("a thread that is behind", waiting(&[], 9), 7, false, Readiness::Ready),
            ("draining", waiting(&[], 9), 9, true, Readiness::Draining),
        ];
        for (case, state, served, draining, expected) in cases {
            assert_eq!(Readiness::of(&state, served, draining), expected, "{case}");
        }
    }
}
