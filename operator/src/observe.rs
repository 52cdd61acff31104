//! What was seen of an instance, as its status. Pure: live objects, reports of pods, the status before and the time come in; the new
//! status and when to look again go out.

use std::time::Duration;

use bulkhead_crds::instance::{GatewayInstance, ManagementState};
use bulkhead_crds::names::LaneName;
use bulkhead_crds::not_obeyed::fields_not_obeyed;
use bulkhead_crds::phase::Phase;
use bulkhead_crds::reason;
use bulkhead_crds::status::{GatewayInstanceStatus, LaneStatus};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::conditions::{Verdict, age_seconds, merge};

mod degraded;
mod findings;
mod lane;
mod phase;

pub use lane::{LaneSeen, LaneVerdicts, PodSeen, Wanted, reported_findings};

/// When to look again while pods load: they tell nobody when they have.
const WHILE_LOADING: Duration = Duration::from_secs(1);
/// When to look again while pods are missing or something is wrong: pods and Deployments send events, but time makes a fault of a wait.
const WHILE_WAITING: Duration = Duration::from_secs(5);
/// When to look again when nothing is to be expected: routes and findings are read from pods, which send no events.
const WHEN_STEADY: Duration = Duration::from_secs(30);

/// What was seen of an instance.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Whether the specification can be carried out.
    pub accepted: Verdict,
    /// Its enabled lanes, north-south first.
    pub lanes: Vec<LaneSeen>,
}

/// The new status of an instance, and when to look at it again.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// Status to report.
    pub status: GatewayInstanceStatus,
    /// When to look again.
    pub look_again: Duration,
}

/// Condenses what was `seen` of `instance` into its status.
#[must_use]
pub fn observe(instance: &GatewayInstance, seen: &Seen, now: Timestamp) -> Observed {
    let before = instance.status.clone().unwrap_or_default();
    let generation = instance.metadata.generation.unwrap_or_default();
    let lanes: Vec<_> = seen.lanes.iter().map(|lane| JudgedLane::of(lane, &before, now)).collect();
    let paused = instance.spec.management_state == ManagementState::Paused;
    let held = paused || !seen.accepted.holds();
    let degraded = degraded::judge(&lanes);
    let phase = phase::derive(&phase::Input {
        paused,
        accepted: seen.accepted.holds(),
        degraded: degraded.verdict.holds(),
        lanes: &lanes.iter().map(|lane| &lane.verdicts).collect::<Vec<_>>(),
    });
    let verdicts = [
        accepted(instance, &seen.accepted),
        ready(&seen.accepted, &lanes),
        progressing(held, &lanes),
        degraded.verdict,
        Verdict::plain(if paused { reason::PAUSED } else { reason::MANAGED }),
        fully_obeyed(instance),
    ];
    let status = GatewayInstanceStatus {
        observed_generation: Some(generation),
        phase: phase.as_str().to_owned(),
        conditions: merge(&before.conditions, &verdicts, generation, now),
        lanes: lanes.iter().map(|lane| lane.status(generation, now)).collect(),
    };
    let look_again = match phase {
        Phase::Running => WHILE_LOADING,
        Phase::Pending => WHILE_WAITING,
        Phase::Failed if seen.accepted.holds() => WHILE_WAITING,
        Phase::Failed | Phase::Listening | Phase::Paused | Phase::Deleting => WHEN_STEADY,
    };
    Observed { status, look_again: degraded.patience.map_or(look_again, |patience| look_again.min(patience)) }
}

/// A lane with its verdicts and the conditions that stood before.
struct JudgedLane<'a> {
    seen: &'a LaneSeen,
    verdicts: LaneVerdicts,
    before: Vec<Condition>,
    now: Timestamp,
}

impl<'a> JudgedLane<'a> {
    fn of(seen: &'a LaneSeen, before: &GatewayInstanceStatus, now: Timestamp) -> Self {
        let before = before.lane(seen.lane).map(|lane| lane.conditions.clone()).unwrap_or_default();
        Self { seen, verdicts: lane::judge(seen), before, now }
    }

    fn name(&self) -> LaneName {
        self.seen.lane
    }

    fn status(&self, generation: i64, now: Timestamp) -> LaneStatus {
        let conditions = merge(&self.before, &self.verdicts.list(), generation, now);
        LaneStatus { conditions, ..lane::facts(self.seen) }
    }

    /// Seconds until a verdict has stood for longer than its grace; nothing when it may stand for ever.
    fn patience(&self, verdict: &Verdict) -> Option<u64> {
        let grace = i64::from(verdict.reason.grace?);
        let left = grace.saturating_sub(age_seconds(&self.before, verdict, self.now));
        Some(u64::try_from(left).unwrap_or_default())
    }
}

fn accepted(instance: &GatewayInstance, verdict: &Verdict) -> Verdict {
    let fields = fields_not_obeyed(&instance.spec);
    if !verdict.holds() || fields.is_empty() {
        return verdict.clone();
    }
    Verdict::with(verdict.reason, format!("Fields that this version does not act on: {}.", fields.join(", ")))
}

fn fully_obeyed(instance: &GatewayInstance) -> Verdict {
    match fields_not_obeyed(&instance.spec).as_slice() {
        [] => Verdict::plain(reason::FULLY_OBEYED),
        fields => Verdict::with(reason::FIELDS_NOT_OBEYED, format!("They are: {}.", fields.join(", "))),
    }
}

fn ready(accepted: &Verdict, lanes: &[JudgedLane<'_>]) -> Verdict {
    if !accepted.holds() {
        return Verdict::plain(reason::NOT_ACCEPTED);
    }
    let failing = |status: reason::ConditionStatus| {
        lanes.iter().flat_map(move |lane| {
            let verdicts = [&lane.verdicts.available, &lane.verdicts.config_loaded];
            verdicts.into_iter().find(|verdict| verdict.reason.status == status).map(|verdict| named(lane, verdict))
        })
    };
    let no: Vec<_> = failing(reason::ConditionStatus::False).collect();
    let unknown: Vec<_> = failing(reason::ConditionStatus::Unknown).collect();
    if !no.is_empty() {
        Verdict::with(reason::LANES_NOT_READY, no.join(" "))
    } else if !unknown.is_empty() {
        let looked = lanes.iter().all(|lane| lane.verdicts.available.holds());
        Verdict::with(if looked { reason::LANES_UNKNOWN } else { reason::READY_UNKNOWN }, unknown.join(" "))
    } else {
        Verdict::plain(reason::READY)
    }
}

fn progressing(held: bool, lanes: &[JudgedLane<'_>]) -> Verdict {
    if held {
        return Verdict::plain(reason::HELD);
    }
    let find = |moves: fn(&JudgedLane<'_>) -> bool| lanes.iter().find(|lane| moves(lane));
    let detail = |lane: &JudgedLane<'_>| format!("It is the {} lane.", lane.name());
    if let Some(lane) = find(|lane| lane.seen.deployment.is_none()) {
        Verdict::with(reason::CREATING, detail(lane))
    } else if let Some(lane) = find(|lane| {
        lane.verdicts.rolled_out.is(&reason::ROLLOUT_UNDER_WAY)
            || lane.verdicts.rolled_out.is(&reason::ROLLED_OUT_UNKNOWN)
    }) {
        Verdict::with(reason::ROLLING_OUT, detail(lane))
    } else if let Some(lane) = find(|lane| lane.verdicts.config_loaded.is(&reason::LOAD_UNDER_WAY)) {
        Verdict::with(reason::LOADING, detail(lane))
    } else if let Some(lane) = find(|lane| lane.verdicts.rolled_out.holds() && lane.seen.is_short_of_pods()) {
        Verdict::with(reason::REPLACING_PODS, detail(lane))
    } else if let Some(lane) = find(|lane| lane.verdicts.rolled_out.is(&reason::ROLLED_BACK)) {
        Verdict::with(reason::HELD, detail(lane))
    } else if let Some((lane, image)) = lanes.iter().find_map(|lane| Some((lane, lane.seen.next_image.as_ref()?))) {
        Verdict::with(reason::WAITING_FOR_TURN, format!("The {} lane takes {image} then.", lane.name()))
    } else {
        Verdict::plain(reason::RECONCILED)
    }
}

fn named(lane: &JudgedLane<'_>, verdict: &Verdict) -> String {
    let text = if verdict.detail.is_empty() { verdict.reason.meaning } else { &verdict.detail };
    format!("{}: {} is {} ({}): {text}", lane.name(), verdict.of(), verdict.reason.status.as_str(), verdict.reason)
}

/// The status of an instance that is being deleted: the one it has otherwise, and what holds the deletion.
#[must_use]
pub fn deleting(
    instance: &GatewayInstance,
    mut status: GatewayInstanceStatus,
    held: &Verdict,
    now: Timestamp,
) -> GatewayInstanceStatus {
    let before = instance.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let generation = instance.metadata.generation.unwrap_or_default();
    let condition = merge(before, std::slice::from_ref(held), generation, now);
    status.conditions.retain(|condition| condition.type_ != held.of().as_str());
    status.conditions.extend(condition);
    status.observed_generation = Some(generation);
    status.phase = Phase::Deleting.as_str().to_owned();
    status
}

#[cfg(test)]
mod tests;
