//! Conditions as values: built from the table of reasons, merged with those that stood before. Pure; the time is an argument.

use bulkhead_crds::condition::ConditionType;
use bulkhead_crds::reason::{ConditionStatus, Reason};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// Longest message, in bytes: enough for every field of a specification, and far below what the API server takes.
const MESSAGE_BYTES: usize = 2048;

/// What is to be said of one condition: why, and about what exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Its type, its status, and the table's explanation.
    pub reason: Reason,
    /// What is particular to this case, as sentences; empty when the explanation says it all.
    pub detail: String,
}

impl Verdict {
    /// A verdict with nothing particular to say.
    #[must_use]
    pub const fn plain(reason: Reason) -> Self {
        Self { reason, detail: String::new() }
    }

    /// A verdict with something particular to say.
    #[must_use]
    pub fn with(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }

    /// Its type.
    #[must_use]
    pub const fn of(&self) -> ConditionType {
        self.reason.of
    }

    /// Whether its status is True.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.reason.status == ConditionStatus::True
    }

    /// Whether it is this reason.
    #[must_use]
    pub fn is(&self, reason: &Reason) -> bool {
        self.reason == *reason
    }

    /// Explanation, detail and remedy, as far as they go.
    fn message(&self) -> String {
        let parts = [self.reason.meaning, &self.detail, self.reason.remedy];
        let mut text = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        text.truncate(text.floor_char_boundary(MESSAGE_BYTES));
        text
    }
}

/// Writes each of `verdicts` as a condition. One whose status is as before keeps its time of transition. Conditions in `old` of which
/// nothing is said now are dropped.
#[must_use]
pub fn merge(old: &[Condition], verdicts: &[Verdict], generation: i64, now: Timestamp) -> Vec<Condition> {
    let write = |verdict: &Verdict| {
        let status = verdict.reason.status.as_str();
        let before = find(old, verdict.of()).filter(|condition| condition.status == status);
        Condition {
            type_: verdict.of().as_str().to_owned(),
            status: status.to_owned(),
            reason: verdict.reason.name.to_owned(),
            message: verdict.message(),
            observed_generation: Some(generation),
            last_transition_time: before
                .map_or_else(|| Time(seconds(now)), |before| before.last_transition_time.clone()),
        }
    };
    verdicts.iter().map(write).collect()
}

/// The condition of one type.
#[must_use]
pub fn find(conditions: &[Condition], of: ConditionType) -> Option<&Condition> {
    conditions.iter().find(|condition| condition.type_ == of.as_str())
}

/// Seconds since `verdict`'s status last changed, as it will be written; 0 when it changes now.
#[must_use]
pub fn age_seconds(old: &[Condition], verdict: &Verdict, now: Timestamp) -> i64 {
    find(old, verdict.of())
        .filter(|before| before.status == verdict.reason.status.as_str())
        .map_or(0, |before| now.as_second().saturating_sub(before.last_transition_time.0.as_second()).max(0))
}

/// The API server keeps whole seconds: a finer time would differ from its own copy for ever.
fn seconds(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use bulkhead_crds::reason;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn a_condition_keeps_its_time_until_its_status_flips() {
        let first = merge(&[], &[Verdict::plain(reason::LANES_NOT_READY)], 1, at(100));
        let same = merge(&first, &[Verdict::with(reason::NOT_ACCEPTED, "Because.")], 2, at(200));
        let flipped = merge(&same, &[Verdict::plain(reason::READY)], 3, at(300));
        let times = [&first, &same, &flipped].map(|conditions| conditions[0].last_transition_time.0.as_second());
        assert_eq!(times, [100, 100, 300]);
        assert_eq!(same[0].reason, "NotAccepted");
        assert_eq!(same[0].observed_generation, Some(2));
    }

    #[test]
    fn a_message_explains_then_particularises_then_helps_and_is_bounded() {
        let verdict = Verdict::with(reason::CLASS_TAKEN, "IngressClass web belongs to somebody.");
        let message = &merge(&[], &[verdict], 1, at(0))[0].message;
        assert!(message.starts_with(reason::CLASS_TAKEN.meaning), "{message}");
        assert!(message.contains("IngressClass web"), "{message}");
        assert!(message.ends_with(reason::CLASS_TAKEN.remedy), "{message}");
        let long = Verdict::with(reason::CLASS_TAKEN, "ä".repeat(5000));
        assert!(merge(&[], &[long], 1, at(0))[0].message.len() <= MESSAGE_BYTES);
    }

    #[test]
    fn equal_verdicts_give_equal_conditions_at_any_time() {
        let verdicts = [Verdict::plain(reason::READY), Verdict::plain(reason::HEALTHY)];
        let first = merge(&[], &verdicts, 1, at(100));
        assert_eq!(merge(&first, &verdicts, 1, at(999)), first);
    }

    #[test]
    fn the_age_of_a_state_starts_anew_when_it_flips() {
        let old = merge(&[], &[Verdict::plain(reason::NO_PODS_AVAILABLE)], 1, at(100));
        assert_eq!(age_seconds(&old, &Verdict::plain(reason::TOO_FEW_AVAILABLE), at(160)), 60);
        assert_eq!(age_seconds(&old, &Verdict::plain(reason::MINIMUM_AVAILABLE), at(160)), 0);
        assert_eq!(age_seconds(&[], &Verdict::plain(reason::NO_PODS_AVAILABLE), at(160)), 0);
    }
}
