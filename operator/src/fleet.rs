//! Brings a new default image to all lanes that follow it, in turn. One task decides for all instances, so that no two reconciles count the
//! same place twice; what it decided is what [`Grants`] hold. What is not in memory follows from the Deployments, so a new leader goes on
//! where the last one stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bulkhead_crds::condition::ConditionType;
use bulkhead_crds::instance::{GatewayInstance, ManagementState};
use bulkhead_crds::names::LaneName;
use bulkhead_crds::reason;
use bulkhead_plan::fleet::{Member, State, Turn, next};
use bulkhead_plan::labels::ANNOTATION_ROLLED_BACK;
use bulkhead_plan::names;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use kube::runtime::reflector::ObjectRef;
use tracing::{info, warn};

use crate::conditions::find;
use crate::context::Context;
use crate::events::{self, Notice};
use crate::owner::InstanceId;
use crate::watch::Requests;

/// Between two looks at the fleet.
const LOOK: Duration = Duration::from_secs(2);

/// Time that a Deployment has for progress where it names none, in seconds (Kubernetes reference, `progressDeadlineSeconds`).
const DEADLINE: i32 = 600;

/// How fast a new default image reaches the fleet.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Instances that take it at the same time.
    pub at_once: usize,
    /// How long a lane must run it well before the next takes it.
    pub soak: Duration,
}

/// Lanes that were told to take the image. Instances that are gone stay in it until the operator ends: a few words each.
#[derive(Debug, Default)]
pub struct Grants(Mutex<BTreeSet<(InstanceId, LaneName)>>);

impl Grants {
    fn give(&self, id: &InstanceId, lane: LaneName) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((id.clone(), lane))
    }

    fn holds(&self, id: &InstanceId, lane: LaneName) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&(id.clone(), lane))
    }

    /// Forgets instances that are not among `known`.
    pub fn forget_all_but(&self, known: &BTreeSet<InstanceId>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(id, _)| known.contains(id));
    }
}

/// The image that a lane keeps for now; nothing when it takes what it should have: it pins one, is new, had its turn, or has it already.
#[must_use]
pub fn kept_image(instance: &GatewayInstance, id: &InstanceId, lane: LaneName, context: &Context) -> Option<String> {
    if !instance.spec.image.is_empty() || context.grants.holds(id, lane) {
        return None;
    }
    let deployment = deployment(id, lane, context)?;
    let target = &context.site.image;
    let current = image(&deployment)?;
    (current != *target && failed_image(&deployment) != Some(target)).then_some(current)
}

/// Decides for ever.
pub async fn run(context: Arc<Context>, pace: Pace, requests: Requests) {
    let mut stopped_by = None;
    let mut moving = Moving::default();
    loop {
        let now = Timestamp::now();
        let mut members = members(&context, pace.soak, now);
        moving.judge(&mut members, |id, lane| patience(id, lane, pace.soak, &context), now);
        context.metrics.rollout(
            State::ALL
                .map(|state| (state.as_str(), members.iter().filter(|(_, member)| member.state == state).count())),
        );
        let plain: Vec<_> = members.iter().map(|(_, member)| member.clone()).collect();
        let id_of = |member: &Member| members.iter().find(|(_, one)| one == member).map(|(id, _)| id.clone());
        match next(&plain, pace.at_once) {
            Turn::Go(lanes) => {
                stopped_by = None;
                for member in lanes {
                    let Some(id) = id_of(member) else { continue };
                    if context.grants.give(&id, member.lane) {
                        tell_step(&id, member, &context).await;
                        requests.ask([ObjectRef::new(&id.name).within(&id.namespace)]);
                    }
                }
            }
            Turn::Stopped(member) => {
                let waits = plain.iter().any(|member| member.state == State::Waiting);
                if waits && stopped_by.as_ref() != Some(member) {
                    stopped_by = Some(member.clone());
                    if let Some(id) = id_of(member) {
                        tell_stop(&id, member, &context).await;
                    }
                }
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Since when each lane moves without a sign of progress. One whose Deployment was paused, say, would move for ever.
#[derive(Default)]
struct Moving(BTreeMap<(InstanceId, LaneName), Timestamp>);

impl Moving {
    /// Has those of `members` failed that move for longer than `patience` gives them, which also says when a lane last made progress.
    fn judge(
        &mut self,
        members: &mut [(InstanceId, Member)],
        patience: impl Fn(&InstanceId, LaneName) -> (Duration, Option<Timestamp>),
        now: Timestamp,
    ) {
        let before = std::mem::take(&mut self.0);
        for (id, member) in members.iter_mut().filter(|(_, member)| member.state == State::Moving) {
            let key = (id.clone(), member.lane);
            let first = before.get(&key).copied().unwrap_or(now);
            let (patience, progress) = patience(id, member.lane);
            let since = progress.map_or(first, |progress| progress.max(first));
            let age = u64::try_from(now.as_second().saturating_sub(since.as_second())).unwrap_or_default();
            if age > patience.as_secs() {
                member.state = State::Failed;
            }
            self.0.insert(key, first);
        }
    }
}

/// How long a lane may move without progress: as long as its Deployment gives it, and until it would have settled. And when it last made any.
fn patience(id: &InstanceId, lane: LaneName, soak: Duration, context: &Context) -> (Duration, Option<Timestamp>) {
    let deployment = deployment(id, lane, context);
    let deadline = deployment.as_ref().and_then(|deployment| deployment.spec.as_ref()?.progress_deadline_seconds);
    let conditions =
        deployment.iter().flat_map(|deployment| deployment.status.iter().flat_map(|status| &status.conditions));
    let progress = conditions.flatten().find(|condition| condition.type_ == "Progressing");
    let last = progress.and_then(|progress| Some(progress.last_update_time.as_ref()?.0));
    (Duration::from_secs(u64::try_from(deadline.unwrap_or(DEADLINE)).unwrap_or_default()).saturating_add(soak), last)
}

/// Every lane that follows the default image and exists.
fn members(context: &Context, soak: Duration, now: Timestamp) -> Vec<(InstanceId, Member)> {
    let mut members = Vec::new();
    for instance in context.caches.instances.state() {
        let id = InstanceId::of(&instance.metadata);
        for (lane, _) in instance.spec.enabled_lanes().filter(|_| follows(&instance)) {
            let Some(deployment) = deployment(&id, lane, context) else { continue };
            let granted = context.grants.holds(&id, lane);
            let state = state(&instance, lane, &deployment, &context.site.image, (soak, now));
            let state = match state {
                // It was told to, and cannot: a quota, say.
                State::Waiting if granted && is_harmed(&instance) => State::Failed,
                State::Waiting if granted => State::Moving,
                state => state,
            };
            let member = Member {
                wave: instance.spec.rollout.wave,
                namespace: id.namespace.clone(),
                instance: id.name.clone(),
                lane,
                state,
            };
            members.push((id.clone(), member));
        }
    }
    members
}

/// Whether an instance takes the default image at all. One that is left alone, refused or leaving would hold up all others.
fn follows(instance: &GatewayInstance) -> bool {
    let conditions = instance.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    instance.spec.image.is_empty()
        && instance.spec.management_state == ManagementState::Managed
        && instance.metadata.deletion_timestamp.is_none()
        && find(conditions, ConditionType::Accepted).is_none_or(|accepted| accepted.status != "False")
}

/// Whether it is degraded by something that an image could have done. That nobody assigns addresses is none of it, and would hold up all
/// others for ever.
fn is_harmed(instance: &GatewayInstance) -> bool {
    let conditions = instance.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let degraded = find(conditions, ConditionType::Degraded).filter(|condition| condition.status == "True");
    degraded.is_some_and(|condition| condition.reason != reason::ADDRESS_MISSING.name)
}

/// How far a lane is with the image `target`. Taken from the Deployment, which knows of its own rollout before any condition of ours does.
fn state(
    instance: &GatewayInstance,
    lane: LaneName,
    deployment: &Deployment,
    target: &String,
    (soak, now): (Duration, Timestamp),
) -> State {
    if failed_image(deployment) == Some(target) {
        return State::Failed;
    }
    if image(deployment).as_ref() != Some(target) {
        return State::Waiting;
    }
    let status = deployment.status.clone().unwrap_or_default();
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let conditions = status.conditions.unwrap_or_default();
    let progress = conditions.iter().find(|condition| condition.type_ == "Progressing");
    let is = |reason: &str| progress.is_some_and(|progress| progress.reason.as_deref() == Some(reason));
    let seen = status.observed_generation >= deployment.metadata.generation;
    if seen && is("ProgressDeadlineExceeded") {
        return State::Failed;
    }
    let all_new = status.updated_replicas.unwrap_or_default() == status.replicas.unwrap_or_default();
    let rolled_out = seen && all_new && (is("NewReplicaSetAvailable") || wanted == 0);
    if !rolled_out {
        return State::Moving;
    }
    if is_harmed(instance) {
        return State::Failed;
    }
    let holds = |of: ConditionType, conditions: &[_]| find(conditions, of).is_some_and(|one| one.status == "True");
    let loaded = instance.status.as_ref().and_then(|status| status.lane(lane)).is_some_and(|lane| {
        wanted == 0
            || holds(ConditionType::Available, &lane.conditions) && holds(ConditionType::ConfigLoaded, &lane.conditions)
    });
    let since = progress.and_then(|progress| progress.last_update_time.as_ref());
    let age = since.map_or(i64::MAX, |since| now.as_second().saturating_sub(since.0.as_second()));
    if loaded && u64::try_from(age).unwrap_or_default() >= soak.as_secs() { State::Settled } else { State::Moving }
}

fn deployment(id: &InstanceId, lane: LaneName, context: &Context) -> Option<Arc<Deployment>> {
    let name = ObjectRef::new(&names::object(&id.name, lane)).within(&id.namespace);
    context.caches.deployments.get(&name).filter(|deployment| id.owns(&deployment.metadata))
}

fn image(deployment: &Deployment) -> Option<String> {
    let spec = deployment.spec.as_ref()?.template.spec.as_ref()?;
    spec.containers.first()?.image.clone().filter(|image| !image.is_empty())
}

/// The image that a lane went back from.
fn failed_image(deployment: &Deployment) -> Option<&String> {
    deployment.metadata.annotations.as_ref()?.get(ANNOTATION_ROLLED_BACK)
}

async fn tell_step(id: &InstanceId, member: &Member, context: &Context) {
    let image = &context.site.image;
    info!(instance = %id, lane = %member.lane, image, wave = member.wave, "takes the default image");
    let note = format!("The {} lane takes the image {image}: it is the turn of wave {}.", member.lane, member.wave);
    tell(id, false, "RolloutStep", note, context).await;
}

async fn tell_stop(id: &InstanceId, member: &Member, context: &Context) {
    let image = &context.site.image;
    warn!(instance = %id, lane = %member.lane, image, "stops the rollout of the default image");
    let note = format!(
        "The {} lane does not do well with the image {image}, so no further instance takes it. Repair the lane, pin spec.image, or give the operator another image.",
        member.lane
    );
    tell(id, true, "RolloutStopped", note, context).await;
}

async fn tell(id: &InstanceId, warning: bool, reason: &str, note: String, context: &Context) {
    let notice = Notice {
        regarding: events::instance(id),
        warning,
        reason: reason.to_owned(),
        action: "RollOut",
        note,
        since: String::new(),
    };
    events::tell(vec![notice], id, context).await;
}

#[cfg(test)]
mod tests;
