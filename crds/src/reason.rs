//! Why a condition is as it is: one table of reasons, each with what to do about it.

use std::fmt;

use crate::condition::{ConditionType, Polarity};

mod instance;
mod lane;

pub use instance::*;
pub use lane::*;

/// The three values of a condition's `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not.
    False,
    /// Nobody knows.
    Unknown,
}

impl ConditionStatus {
    /// The word that stands in `status`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// One reason of one condition. A reason belongs to one condition and one status, so that neither can be mixed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reason {
    /// The condition it explains.
    pub of: ConditionType,
    /// The status it explains.
    pub status: ConditionStatus,
    /// The word that stands in `reason`.
    pub name: &'static str,
    /// What it means, as a sentence.
    pub meaning: &'static str,
    /// What to do, as a sentence; empty when there is nothing to do.
    pub remedy: &'static str,
    /// Seconds for which it may stand before the instance counts as degraded, counted from when the condition took this status; nothing: it
    /// never makes that.
    pub grace: Option<u32>,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Reason {
    /// Whether it explains a condition that is as it should be.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        matches!(
            (self.of.polarity(), self.status),
            (Polarity::Positive, ConditionStatus::True) | (Polarity::Negative, ConditionStatus::False)
        ) || (matches!(self.of.polarity(), Polarity::Neutral) && self.remedy.is_empty())
    }

    const fn new(
        of: ConditionType,
        status: ConditionStatus,
        name: &'static str,
        meaning: &'static str,
        remedy: &'static str,
    ) -> Self {
        Self { of, status, name, meaning, remedy, grace: None }
    }

    /// The same, of which too much is a fault of the instance.
    const fn with_grace(mut self, seconds: u32) -> Self {
        self.grace = Some(seconds);
        self
    }
}

/// Every reason, in the order of the conditions that they explain.
pub const ALL: &[Reason] = &[
    ACCEPTED,
    INVALID,
    CLASS_TAKEN,
    CLASS_CLAIMED_TWICE,
    NAME_TOO_LONG,
    CLUSTER_TOO_OLD,
    SCOPE_NOT_ALLOWED,
    READY,
    LANES_NOT_READY,
    NOT_ACCEPTED,
    READY_UNKNOWN,
    LANES_UNKNOWN,
    RECONCILED,
    CREATING,
    ROLLING_OUT,
    REPLACING_PODS,
    LOADING,
    WAITING_FOR_TURN,
    HELD,
    HEALTHY,
    APPLY_FAILED,
    LANE_DEGRADED,
    ADDRESS_MISSING,
    ROLLOUT_FAILED,
    PAUSED,
    MANAGED,
    FULLY_OBEYED,
    FIELDS_NOT_OBEYED,
    DELETION_PROTECTED,
    CLEANING_UP,
    NOT_BLOCKED,
    MINIMUM_AVAILABLE,
    NO_PODS_AVAILABLE,
    TOO_FEW_AVAILABLE,
    SCALED_TO_ZERO,
    AVAILABLE_UNKNOWN,
    ROLLED_OUT,
    ROLLOUT_UNDER_WAY,
    PROGRESS_DEADLINE_EXCEEDED,
    ROLLED_BACK,
    LANE_APPLY_FAILED,
    ROLLED_OUT_UNKNOWN,
    ADDRESS_ASSIGNED,
    EXPOSED_BY_USER,
    ADDRESS_PENDING,
    EXPOSED_UNKNOWN,
    LOADED,
    LOAD_UNDER_WAY,
    CLASS_NOT_OWNED,
    NO_READY_PODS,
    PODS_UNREACHABLE,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_condition_has_reasons_and_no_reason_is_written_twice() {
        for condition in ConditionType::ALL {
            assert!(ALL.iter().any(|reason| reason.of == condition), "{condition} has no reason");
        }
        let names: BTreeSet<_> = ALL.iter().map(|reason| (reason.of, reason.name)).collect();
        assert_eq!(names.len(), ALL.len());
    }

    #[test]
    fn a_reason_is_a_word_and_its_meaning_a_sentence() {
        for reason in ALL {
            assert!(reason.name.chars().all(|c| c.is_ascii_alphabetic()), "{reason}");
            assert!(reason.name.starts_with(|c: char| c.is_ascii_uppercase()), "{reason}");
            assert!(reason.meaning.ends_with('.'), "{reason}");
            assert!(reason.remedy.is_empty() || reason.remedy.ends_with('.'), "{reason}");
        }
    }

    #[test]
    fn a_good_state_asks_for_nothing() {
        for reason in ALL {
            assert!(!reason.is_good() || reason.remedy.is_empty(), "{reason} is good, but has a remedy");
        }
    }
}
