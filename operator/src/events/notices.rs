//! What there is to tell: of an instance, what its conditions have come to. Of its Ingresses [`herald`](crate::herald) tells. Pure.

use std::hash::{DefaultHasher, Hash, Hasher};

use bulkhead_crds::condition::{ConditionType, Polarity};
use bulkhead_crds::status::GatewayInstanceStatus;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::ledger::Topic;
use crate::conditions::find;

/// One thing to tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// On which object.
    pub regarding: ObjectReference,
    /// Whether somebody should do something.
    pub warning: bool,
    /// A word of the tables of reasons or findings.
    pub reason: String,
    /// What the operator did, as a word.
    pub action: &'static str,
    /// What there is to say, as sentences.
    pub note: String,
    /// Tells this occurrence from an earlier one with the same words; empty for a state that lasts.
    pub since: String,
}

impl Notice {
    /// What it is about, which decides how many of its kind may be told. An Ingress is known by its UID.
    #[must_use]
    pub fn topic(&self) -> Topic {
        if self.regarding.kind.as_deref() != Some("Ingress") {
            return Topic::Condition;
        }
        let mut hasher = DefaultHasher::new();
        self.regarding.uid.hash(&mut hasher);
        Topic::Finding(hasher.finish())
    }
}

/// Conditions of an instance whose changes are told. Of lanes nothing is: what is wrong with one for long is in `Degraded`.
const TOLD: [ConditionType; 5] = [
    ConditionType::Accepted,
    ConditionType::Ready,
    ConditionType::Degraded,
    ConditionType::Paused,
    ConditionType::DeletionBlocked,
];

/// What the change from one status to another amounts to. A condition that is said for the first time and is as
/// it should be is no news, but for being ready.
#[must_use]
pub fn of_changes(
    instance: &ObjectReference,
    before: &GatewayInstanceStatus,
    after: &GatewayInstanceStatus,
) -> Vec<Notice> {
    let changed = TOLD.into_iter().filter_map(|of| {
        let now = find(&after.conditions, of)?;
        let then = find(&before.conditions, of);
        let news = match (then, of) {
            (Some(then), _) => then.status != now.status || then.reason != now.reason,
            // Until it is ready for the first time, that goes without saying.
            (None, ConditionType::Ready | ConditionType::Paused) => now.status == "True",
            (None, _) => is_bad(of, now),
        };
        news.then(|| Notice {
            regarding: instance.clone(),
            warning: is_bad(of, now),
            reason: now.reason.clone(),
            action: "Observe",
            note: now.message.clone(),
            since: now.last_transition_time.0.to_string(),
        })
    });
    changed.collect()
}

fn is_bad(of: ConditionType, condition: &Condition) -> bool {
    match of.polarity() {
        Polarity::Positive => condition.status == "False",
        Polarity::Negative => condition.status == "True",
        Polarity::Neutral => false,
    }
}

#[cfg(test)]
mod tests {
    use bulkhead_crds::reason;
    use jiff::Timestamp;

    use super::*;
    use crate::conditions::{Verdict, merge};

    fn status(verdicts: &[reason::Reason]) -> GatewayInstanceStatus {
        let verdicts: Vec<_> = verdicts.iter().map(|reason| Verdict::plain(*reason)).collect();
        GatewayInstanceStatus {
            conditions: merge(&[], &verdicts, 1, Timestamp::UNIX_EPOCH),
            ..GatewayInstanceStatus::default()
        }
    }

    fn told(before: &[reason::Reason], after: &[reason::Reason]) -> Vec<(String, bool)> {
        let notices = of_changes(&ObjectReference::default(), &status(before), &status(after));
        notices.into_iter().map(|notice| (notice.reason, notice.warning)).collect()
    }

    #[test]
    fn a_new_instance_that_comes_up_is_told_of_once_it_is_ready() {
        use reason::{ACCEPTED, HEALTHY, LANES_NOT_READY, MANAGED, READY};
        assert_eq!(told(&[], &[ACCEPTED, LANES_NOT_READY, HEALTHY, MANAGED]), []);
        assert_eq!(
            told(&[ACCEPTED, LANES_NOT_READY, HEALTHY, MANAGED], &[ACCEPTED, READY, HEALTHY, MANAGED]),
            [("Ready".to_owned(), false)]
        );
        assert_eq!(told(&[ACCEPTED, READY], &[ACCEPTED, READY]), []);
    }

    #[test]
    fn what_goes_wrong_is_a_warning_and_its_end_is_told_too() {
        use reason::{CLASS_TAKEN, HEALTHY, LANE_DEGRADED, LANES_NOT_READY, PAUSED, READY};
        assert_eq!(told(&[], &[CLASS_TAKEN]), [("ClassTaken".to_owned(), true)]);
        assert_eq!(told(&[HEALTHY], &[LANE_DEGRADED]), [("LaneDegraded".to_owned(), true)]);
        assert_eq!(told(&[LANE_DEGRADED], &[HEALTHY]), [("Healthy".to_owned(), false)]);
        assert_eq!(told(&[READY], &[LANES_NOT_READY]), [("LanesNotReady".to_owned(), true)]);
        assert_eq!(told(&[], &[PAUSED]), [("Paused".to_owned(), false)]);
    }
}
