//! Whether something has been wrong for longer than its grace.

use std::time::Duration;

use bulkhead_crds::reason::{self, Reason};

use super::{JudgedLane, named};
use crate::conditions::Verdict;

/// What is wrong, and what soon will be.
pub(super) struct Degraded {
    /// Of the instance.
    pub(super) verdict: Verdict,
    /// When the next grace is over; nothing when none runs.
    pub(super) patience: Option<Duration>,
}

/// Judges an instance by its lanes. What is told is what has a remedy of its own: a rollout before the pods that are missing for it.
pub(super) fn judge(lanes: &[JudgedLane<'_>]) -> Degraded {
    let mut patience = None;
    let mut gravest: Option<Verdict> = None;
    for (lane, verdict) in lanes.iter().flat_map(causes) {
        match lane.patience(verdict) {
            Some(0) => {
                gravest.get_or_insert_with(|| Verdict::with(outcome(&verdict.reason), named(lane, verdict)));
            }
            Some(seconds) => {
                let left = Duration::from_secs(seconds);
                patience = Some(patience.map_or(left, |least: Duration| least.min(left)));
            }
            None => {}
        }
    }
    Degraded { verdict: gravest.unwrap_or(Verdict::plain(reason::HEALTHY)), patience }
}

/// Verdicts on a lane that time can make a fault of, the gravest first. Pods that a rollout of ours is bringing up are not missing.
fn causes<'l, 'a>(lane: &'l JudgedLane<'a>) -> impl Iterator<Item = (&'l JudgedLane<'a>, &'l Verdict)> {
    let verdicts = &lane.verdicts;
    let available = Some(&verdicts.available).filter(|_| !verdicts.settling);
    let all = [Some(&verdicts.rolled_out), available, Some(&verdicts.config_loaded), Some(&verdicts.exposed)];
    all.into_iter().flatten().map(move |verdict| (lane, verdict))
}

/// What the instance says of the cause.
fn outcome(cause: &Reason) -> Reason {
    if *cause == reason::LANE_APPLY_FAILED {
        reason::APPLY_FAILED
    } else if *cause == reason::ADDRESS_PENDING {
        reason::ADDRESS_MISSING
    } else if cause.of == reason::ROLLED_OUT.of {
        reason::ROLLOUT_FAILED
    } else {
        reason::LANE_DEGRADED
    }
}
