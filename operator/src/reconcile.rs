//! One instance, once: gather, validate, plan, apply, observe, report. This file tells the order; each step has a file of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bulkhead_crds::condition::ConditionType;
use bulkhead_crds::instance::{GatewayInstance, ManagementState};
use bulkhead_crds::names::LaneName;
use bulkhead_crds::reason;
use bulkhead_crds::report::FindingsReport;
use bulkhead_crds::status::GatewayInstanceStatus;
use bulkhead_plan::{Plan, Rejection};
use futures::FutureExt;
use futures::future::join_all;
use jiff::Timestamp;
use kube::runtime::reflector::ObjectRef;
use tokio::time::Instant;
use tracing::{debug, error, warn};

use crate::apply::{self, LaneOutcome, apply, planned};
use crate::balancer;
use crate::call::CallError;
use crate::cleanup;
use crate::conditions::{Verdict, find};
use crate::context::Context;
use crate::events;
use crate::gather::{self, gather};
use crate::observe::{self, LaneSeen, Observed, Seen, Wanted, observe};
use crate::owner::InstanceId;
use crate::poll::poll;
use crate::prune::prune;
use crate::publish::changes::nodes;
use crate::report::report;
use crate::rollback::turn_back;
use crate::teardown::{Left, tear_down};
use crate::turns::Again;

/// A reconcile that has to be tried again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something it is planned from could not be had.
    #[error("gathering for GatewayInstance {instance}")]
    Gather {
        /// Which.
        instance: InstanceId,
        /// Why not.
        #[source]
        source: gather::Error,
    },
    /// The finalizer could not be written.
    #[error("holding GatewayInstance {instance}")]
    Hold {
        /// Which.
        instance: InstanceId,
        /// Why not.
        #[source]
        source: CallError,
    },
    /// Something outside its namespace could not be deleted.
    #[error("cleaning up after GatewayInstance {instance}")]
    CleanUp {
        /// Which.
        instance: InstanceId,
        /// Why not.
        #[source]
        source: CallError,
    },
    /// Its status could not be written.
    #[error("reporting on GatewayInstance {instance}")]
    Report {
        /// Which.
        instance: InstanceId,
        /// Why not.
        #[source]
        source: CallError,
    },
    /// A mistake in this program. Other instances go on.
    #[error("reconciling GatewayInstance {instance} panicked; please report it with the log above")]
    Panicked {
        /// Which.
        instance: InstanceId,
    },
}

impl Error {
    /// A word for metrics.
    #[must_use]
    pub fn kind(&self) -> (&'static str, &'static str) {
        match self {
            Self::Gather { source, .. } => ("gather", source.kind()),
            Self::Hold { source, .. } => ("hold", source.kind()),
            Self::CleanUp { source, .. } => ("clean_up", source.kind()),
            Self::Report { source, .. } => ("report", source.kind()),
            Self::Panicked { .. } => ("reconcile", "panic"),
        }
    }
}

/// Reconciles one instance, and keeps its panic from ending the others.
///
/// # Errors
/// When it has to be tried again.
pub async fn reconcile(instance: &GatewayInstance, context: &Context) -> Result<Again, Error> {
    let id = InstanceId::of(&instance.metadata);
    context.metrics.begun(&id.namespace, &id.name);
    let started = Instant::now();
    let result = AssertUnwindSafe(step(instance, &id, context)).catch_unwind().await;
    let result = result.unwrap_or_else(|_| Err(Error::Panicked { instance: id.clone() }));
    context.metrics.reconciled(started.elapsed(), result.is_ok());
    debug!(instance = %id, ok = result.is_ok(), "reconciled");
    result
}

/// What to do after a failure: wait, longer each time.
#[must_use]
pub fn after_failure(instance: &GatewayInstance, failure: &Error, context: &Context) -> Again {
    let id = InstanceId::of(&instance.metadata);
    let (step, kind) = failure.kind();
    context.metrics.failed(step, kind);
    let again = context.backoff.failed(&id);
    let cause = std::error::Error::source(failure).map(ToString::to_string).unwrap_or_default();
    error!(instance = %id, step, kind, cause, again_seconds = again.as_secs(), "{failure}");
    Again::After(again)
}

async fn step(instance: &GatewayInstance, id: &InstanceId, context: &Context) -> Result<Again, Error> {
    let leaving = instance.metadata.deletion_timestamp.is_some();
    let protected = instance.spec.deletion_protection && (!leaving || cleanup::is_held(instance));
    if leaving && !protected {
        return delete(instance, id, context).await;
    }
    if protected {
        cleanup::hold(instance, id, context).await.map_err(|source| Error::Hold { instance: id.clone(), source })?;
    }
    let mut gathered =
        gather(instance, id, context).await.map_err(|source| Error::Gather { instance: id.clone(), source })?;
    let judged = bulkhead_plan::validate(instance, &gathered.gathered);
    let mut plan = judged.as_ref().ok().map(|valid| bulkhead_plan::plan(valid, &context.site, &gathered.gathered));
    let managed = instance.spec.management_state == ManagementState::Managed;
    if instance.spec.rollout.auto_rollback && managed {
        for lane in plan.iter_mut().flat_map(|plan| &mut plan.lanes) {
            if let Err(error) = turn_back(lane, id, context).await {
                gathered.unreadable.insert(lane.lane, error);
            }
        }
    }
    let outcome = match plan.as_ref().filter(|_| managed) {
        Some(plan) => {
            cleanup::hold(instance, id, context)
                .await
                .map_err(|source| Error::Hold { instance: id.clone(), source })?;
            carry_out(plan, &gathered.unreadable, id, context).await
        }
        None => Outcome::default(),
    };
    let mut lanes = see(instance, plan.as_ref(), &outcome, id, context).await;
    for lane in &mut lanes {
        lane.next_image = gathered.gathered.images.get(&lane.lane).map(|_| context.site.image.clone());
    }
    let seen = Seen { accepted: accepted(judged.err()), lanes };
    let now = Timestamp::now();
    let mut observed = observe(instance, &seen, now);
    if leaving {
        // What is protected serves on as if nobody had asked for its end.
        let held = Verdict::plain(reason::DELETION_PROTECTED);
        observed.status = observe::deleting(instance, observed.status, &held, now);
    }
    report(instance, &observed.status, id, context)
        .await
        .map_err(|source| Error::Report { instance: id.clone(), source })?;
    tell(instance, &observed.status, id, context).await;
    herald(&seen, id, context);
    Ok(next(&observed, &outcome, id, context))
}

/// What became of the plan.
#[derive(Default)]
struct Outcome {
    /// Why a lane is not as planned, as sentences.
    failures: BTreeMap<LaneName, Vec<String>>,
    /// Which namespaces a lane cannot read, as sentences.
    closed: BTreeMap<LaneName, Vec<String>>,
    /// Something that is no longer planned is still there.
    left_over: bool,
}

/// Applies all lanes side by side, so that none waits for another, then removes what is no longer planned.
async fn carry_out(
    plan: &Plan,
    unreadable: &BTreeMap<LaneName, CallError>,
    id: &InstanceId,
    context: &Context,
) -> Outcome {
    let objects: Vec<_> = plan.lanes.iter().map(|lane| (lane, planned(lane))).collect();
    let readable = objects.iter().filter(|(lane, _)| !unreadable.contains_key(&lane.lane));
    let outcomes = join_all(readable.map(|(lane, objects)| apply(lane, objects, id, context))).await;
    let mut failures: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for (lane, error) in unreadable {
        warn!(instance = %id, lane = %lane, "{error}");
        context.metrics.failed("gather", error.kind());
        failures.insert(*lane, vec![format!("{error}.")]);
    }
    let sentences = |errors: &[apply::Error]| errors.iter().map(|error| format!("{error}.")).collect();
    for LaneOutcome { lane, failures: errors, .. } in outcomes.iter().filter(|outcome| !outcome.failures.is_empty()) {
        failures.insert(*lane, sentences(errors));
    }
    let closed = outcomes.iter().filter(|outcome| !outcome.closed.is_empty());
    let closed = closed.map(|outcome| (outcome.lane, sentences(&outcome.closed))).collect();
    let keep = objects.iter().flat_map(|(_, objects)| objects.iter().map(|object| object.key.clone())).collect();
    let unsettled: BTreeSet<_> = failures.keys().copied().collect();
    let left_over = prune(id, &keep, &unsettled, context).await;
    Outcome { failures, closed, left_over }
}

fn accepted(rejections: Option<Vec<Rejection>>) -> Verdict {
    let rejections = rejections.unwrap_or_default();
    match rejections.first() {
        None => Verdict::plain(reason::ACCEPTED),
        Some(gravest) => {
            // The condition ends with the remedy of its reason, which must not be told twice.
            let told = |rejection: &Rejection| match rejection.remedy == gravest.reason.remedy {
                true => rejection.message.clone(),
                false => rejection.to_string(),
            };
            Verdict::with(gravest.reason, rejections.iter().map(told).collect::<Vec<_>>().join(" "))
        }
    }
}

/// Looks at every enabled lane: its live objects, and what its pods say.
async fn see(
    instance: &GatewayInstance,
    plan: Option<&Plan>,
    outcome: &Outcome,
    id: &InstanceId,
    context: &Context,
) -> Vec<LaneSeen> {
    let lanes = instance.spec.enabled_lanes().map(async |(lane, spec)| {
        let planned = plan.and_then(|plan| plan.lanes.iter().find(|planned| planned.lane == lane));
        let budget = planned.and_then(|planned| planned.disruption_budget.as_ref()?.spec.as_ref());
        let before = instance.status.as_ref().and_then(|status| status.lane(lane)?.config_generation);
        let managed = instance.spec.management_state == ManagementState::Managed;
        let name = ObjectRef::new(&bulkhead_plan::names::object(&id.name, lane)).within(&id.namespace);
        let service = ObjectRef::new(&name.name).within(&id.namespace);
        let pods = context.caches.pods_of(id, lane);
        let service = context.caches.services.get(&service).filter(|o| id.owns(&o.metadata)).map(Arc::unwrap_or_clone);
        // At the second look: nobody assigns one at once, and nobody complains at once.
        let has_waited = instance.status.as_ref().and_then(|status| status.lane(lane)).is_some_and(|lane| {
            find(&lane.conditions, ConditionType::Exposed).is_some_and(|it| it.reason == reason::ADDRESS_PENDING.name)
        });
        LaneSeen {
            lane,
            instance_uid: id.uid.clone(),
            class: spec.class_name(&id.name, lane),
            service_type: spec.service_type(lane),
            // A lane that is left alone keeps the document it has.
            wanted: match planned.filter(|_| managed) {
                Some(lane) => Some(Wanted::Revision(lane.document.revision.clone())),
                None => before.map(Wanted::Generation),
            },
            max_unavailable: budget.and_then(|budget| budget.max_unavailable.clone()),
            deployment: context
                .caches
                .deployments
                .get(&name)
                .filter(|o| id.owns(&o.metadata))
                .map(Arc::unwrap_or_clone),
            address_trouble: match &service {
                Some(service) if has_waited => balancer::trouble(service, context).await,
                _ => None,
            },
            service,
            nodes: nodes(&pods.iter().map(AsRef::as_ref).collect::<Vec<_>>()),
            pods: poll(pods).await,
            refused: planned.map(|lane| lane.refused.clone()).unwrap_or_default(),
            apply_failures: outcome.failures.get(&lane).cloned().unwrap_or_default(),
            closed_namespaces: outcome.closed.get(&lane).cloned().unwrap_or_default(),
            next_image: None,
        }
    });
    join_all(lanes).await
}

/// Tells what is new in a status, as Events.
async fn tell(instance: &GatewayInstance, status: &GatewayInstanceStatus, id: &InstanceId, context: &Context) {
    let before = instance.status.clone().unwrap_or_default();
    let notices = events::notices::of_changes(&events::instance(id), &before, status);
    events::tell(notices, id, context).await;
}

/// Has findings told that are others than at the last look, and those that the API server is about to forget.
fn herald(seen: &Seen, id: &InstanceId, context: &Context) {
    let now = Instant::now();
    let has_news = |lane: &LaneSeen| {
        let Some(reported) = observe::reported_findings(lane).map(hash) else { return false };
        context.remember(id, |memory| {
            let reading = memory.findings.entry(lane.lane).or_default();
            let before = std::mem::replace(&mut reading.reported, reported);
            before != reported || reading.at.is_none_or(|at| now.saturating_duration_since(at) >= events::ONCE)
        })
    };
    // Every lane is looked at, not only the first that has any.
    if seen.lanes.iter().filter(|lane| has_news(lane)).count() > 0 {
        context.heralded.ask([ObjectRef::new(&id.name).within(&id.namespace)]);
    }
}

fn hash(findings: &FindingsReport) -> u64 {
    let mut hasher = DefaultHasher::new();
    serde_json::to_vec(findings).unwrap_or_default().hash(&mut hasher);
    hasher.finish()
}

/// When to come back.
fn next(observed: &Observed, outcome: &Outcome, id: &InstanceId, context: &Context) -> Again {
    if outcome.failures.is_empty() && outcome.closed.is_empty() && !outcome.left_over {
        context.backoff.succeeded(id);
        return Again::After(observed.look_again);
    }
    Again::After(context.backoff.failed(id).min(observed.look_again.max(FAILED_LANE_AGAIN)))
}

/// Least time between two tries of a lane that failed while the other is still on its way.
const FAILED_LANE_AGAIN: std::time::Duration = std::time::Duration::from_secs(5);

/// Between two looks at an instance on its way out: that Ingresses were told is no event of its own.
const WHILE_LEAVING: std::time::Duration = std::time::Duration::from_secs(1);

/// The way out: clean up, say what holds, let go.
async fn delete(instance: &GatewayInstance, id: &InstanceId, context: &Context) -> Result<Again, Error> {
    if !cleanup::is_held(instance) {
        context.forget(id);
        return Ok(Again::OnChange);
    }
    let left = tear_down(instance, id, context).await;
    let held = match &left {
        Ok(left) => left
            .sentence()
            .map_or(Verdict::plain(reason::NOT_BLOCKED), |sentence| Verdict::with(reason::CLEANING_UP, sentence)),
        Err(error) => Verdict::with(reason::CLEANING_UP, format!("{error}.")),
    };
    let status = instance.status.clone().unwrap_or_default();
    let status = observe::deleting(instance, status, &held, Timestamp::now());
    report(instance, &status, id, context).await.map_err(|source| Error::Report { instance: id.clone(), source })?;
    let left = left.map_err(|source| Error::CleanUp { instance: id.clone(), source })?;
    if left != Left::default() {
        return Ok(Again::After(WHILE_LEAVING));
    }
    let live = context.instances(&id.namespace);
    let live = crate::call::call(format!("reading GatewayInstance {id}"), live.get_opt(&id.name)).await;
    let live = live.map_err(|source| Error::Hold { instance: id.clone(), source })?;
    if let Some(live) = live.filter(|live| live.metadata.uid.as_ref() == Some(&id.uid)) {
        cleanup::release(&live, id, context).await.map_err(|source| Error::Hold { instance: id.clone(), source })?;
    }
    context.forget(id);
    Ok(Again::OnChange)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_is_told_once_and_one_of_its_own_is_told_too() {
        let rejection = |remedy: &str| Rejection {
            reason: reason::CLASS_TAKEN,
            message: "The class is taken.".to_owned(),
            remedy: remedy.to_owned(),
        };
        let common = rejection(reason::CLASS_TAKEN.remedy);
        assert_eq!(accepted(Some(vec![common])).detail, "The class is taken.");
        assert_eq!(accepted(Some(vec![rejection("Ask them.")])).detail, "The class is taken. Ask them.");
    }
}
