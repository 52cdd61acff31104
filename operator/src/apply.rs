//! Fourth step: what is planned becomes what is. Server-side apply in the order of dependencies, each lane for itself; an object of
//! somebody else is never taken over, and one that is as it was last applied is not touched.

use std::hash::{DefaultHasher, Hash, Hasher};

use bulkhead_crds::names::{self, LaneName};
use bulkhead_plan::LaneObjects;
use bulkhead_plan::keyring::present;
use kube::api::{DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::Instant;
use tracing::{info, warn};

use crate::call::{CallError, call};
use crate::contest;
use crate::context::{Applied, Context};
use crate::kind::{Key, Kind};
use crate::owner::InstanceId;
use crate::version;

/// Most failures told per lane: they usually have one cause.
const FAILURES_TOLD: usize = 4;

/// One object that could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server refused it.
    #[error("{0}")]
    Call(#[source] CallError),
    /// The API server refused it, perhaps because something of it can never change.
    #[error(
        "{source}. What of a Service cannot be changed takes a new one: run `kubectl -n {} delete service {}`, and the operator makes it again; clients are cut off meanwhile, and its address may be another",
        key.namespace, key.name
    )]
    Immutable {
        /// The object.
        key: Key,
        /// What it said.
        #[source]
        source: CallError,
    },
    /// Somebody else changes it as often as it is put right.
    #[error(
        "{key} is changed by somebody else as often as it is put right, which is done only every half minute now; `--show-managed-fields` of kubectl tells who it is"
    )]
    Contested {
        /// The object.
        key: Key,
    },
    /// The namespace of the instance is being deleted.
    #[error("namespace {namespace} is being deleted: what of the lane goes with it cannot be made again")]
    Ending {
        /// Which.
        namespace: String,
    },
    /// An object of that name is still there from an earlier instance.
    #[error("{key} was made for an earlier instance of this name; it is waited for until it is collected")]
    Earlier {
        /// The object.
        key: Key,
    },
    /// An object of that name belongs to somebody else.
    #[error(
        "{key} belongs to somebody else, who made it under a name that this instance needs; delete it, or have its owner delete it"
    )]
    Foreign {
        /// The object.
        key: Key,
    },
}

impl Error {
    /// A word for metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Call(error) | Self::Immutable { source: error, .. } => error.kind(),
            Self::Contested { .. } => "contested",
            Self::Ending { .. } => "ending",
            Self::Earlier { .. } => "earlier",
            Self::Foreign { .. } => "foreign",
        }
    }

    /// Whether it is a namespace of others that is closed, and not the lane that fails.
    fn closes(&self, key: &Key, id: &InstanceId) -> bool {
        key.kind == Kind::RoleBinding && key.namespace != id.namespace && !self.is_hopeless()
    }

    /// Whether further calls would only take time.
    fn is_hopeless(&self) -> bool {
        matches!(self.kind(), "timeout" | "unreachable")
    }
}

/// One planned object.
pub struct Planned {
    /// Which.
    pub key: Key,
    value: Value,
    hash: u64,
}

/// What became of one lane.
#[derive(Debug)]
pub struct LaneOutcome {
    /// Which lane.
    pub lane: LaneName,
    /// The first few objects that could not be applied.
    pub failures: Vec<Error>,
    /// The first few namespaces of others that the lane cannot read, because its RoleBinding there could not be applied. Whoever governs
    /// such a namespace can bring that about, so the rest of the lane does not depend on it.
    pub closed: Vec<Error>,
}

/// The objects of a lane, in the order in which they are applied. One of a kind that the operator does not know cannot be applied, which
/// a test rules out.
#[must_use]
pub fn planned(lane: &LaneObjects) -> Vec<Planned> {
    lane.to_values().into_iter().filter_map(of_value).collect()
}

fn of_value(value: Value) -> Option<Planned> {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let key = Key {
        kind: Kind::parse(&text("/kind"))?,
        namespace: text("/metadata/namespace"),
        name: text("/metadata/name"),
    };
    let mut hasher = DefaultHasher::new();
    value.to_string().hash(&mut hasher);
    Some(Planned { key, hash: hasher.finish(), value })
}

/// Applies one lane.
pub async fn apply(lane: &LaneObjects, objects: &[Planned], id: &InstanceId, context: &Context) -> LaneOutcome {
    for refused in &lane.refused {
        warn!(instance = %id, lane = %lane.lane, "{refused}");
    }
    let (mut failures, mut closed) = (Vec::new(), Vec::new());
    // An instance that is protected outlives what its namespace loses. To fight for each object would only make noise.
    let ends = context.caches.namespace_ends(&id.namespace);
    failures.extend(ends.then(|| Error::Ending { namespace: id.namespace.clone() }));
    for object in objects.iter().filter(|_| !ends) {
        if object.key.namespace != id.namespace
            && object.key.kind.namespaced()
            && !context.caches.namespace_takes_objects(&object.key.namespace)
        {
            // A namespace of the scope that does not exist yet, or not for long: its event brings us back.
            continue;
        }
        let Err(error) = apply_one(object, lane, id, context).await else { continue };
        context.metrics.failed("apply", error.kind());
        warn!(instance = %id, lane = %lane.lane, "{error}");
        let hopeless = error.is_hopeless();
        let told = if error.closes(&object.key, id) { &mut closed } else { &mut failures };
        if told.len() < FAILURES_TOLD {
            told.push(error);
        }
        if hopeless {
            break;
        }
    }
    if failures.is_empty() {
        let shards = present(&id.name, lane.lane, &lane.keyring);
        context.remember(id, |memory| memory.shards.insert(lane.lane, shards));
    } else {
        context.remember(id, |memory| memory.shards.remove(&lane.lane));
    }
    LaneOutcome { lane: lane.lane, failures, closed }
}

async fn apply_one(object: &Planned, lane: &LaneObjects, id: &InstanceId, context: &Context) -> Result<(), Error> {
    let seen = context.caches.child(&object.key).filter(|seen| id.owns(&seen.metadata));
    let before = seen.map(|seen| seen.metadata.clone()).unwrap_or_default();
    let remembered = context.remember(id, |memory| memory.applied.get(&object.key).cloned());
    let planned_before = remembered.as_ref().is_some_and(|applied| applied.hash == object.hash);
    let unchanged = remembered.as_ref().is_some_and(|applied| version::sealed(&before) == Some(&applied.version));
    if planned_before && unchanged {
        return Ok(());
    }
    let (now, remembered) = (Instant::now(), remembered.filter(|_| planned_before));
    let contest = remembered.as_ref().map(|applied| applied.contest).unwrap_or_default();
    if !contest.allows(now) {
        return Err(Error::Contested { key: object.key.clone() });
    }
    let after = match &before.uid {
        Some(uid) => match write(object, Some(uid), context).await {
            // What was seen is not what is: look, then decide anew.
            Err(error) if error.is_conflict() || error.is_not_found() => write_looking(object, id, context).await?,
            Err(source) if object.key.kind == Kind::Service && source.kind() == "invalid" => {
                return Err(Error::Immutable { key: object.key.clone(), source });
            }
            result => result.map_err(Error::Call)?,
        },
        None => write_looking(object, id, context).await?,
    }
    .metadata;
    let version = version::of(object.key.kind, &after);
    if version::sealed(&before) != Some(&version) {
        context.metrics.applied(object.key.kind);
        info!(instance = %id, lane = %lane.lane, generation = lane.document.config_generation, object = %object.key, "applied");
    }
    let put_right = remembered.is_some() && contest::changed(&before, &after);
    let contest = if put_right { contest.again(now) } else { contest };
    let applied = Applied { hash: object.hash, version, contest };
    context.remember(id, |memory| memory.applied.insert(object.key.clone(), applied));
    Ok(())
}

/// Writes an object after a look at what there is.
async fn write_looking(object: &Planned, id: &InstanceId, context: &Context) -> Result<DynamicObject, Error> {
    let api = context.api(&object.key);
    let found = call(format!("looking for {}", object.key), api.get_metadata_opt(&object.key.name)).await;
    match found.map_err(Error::Call)? {
        Some(found) if id.replaces_owner_of(&found.metadata) => Err(Error::Earlier { key: object.key.clone() }),
        Some(found) if !id.owns(&found.metadata) => Err(Error::Foreign { key: object.key.clone() }),
        Some(found) => write(object, found.metadata.uid.as_deref(), context).await.map_err(Error::Call),
        None => write(object, None, context).await.map_err(Error::Call),
    }
}

/// Applies `object`: over the object of this UID only, or, where there is none, without force, so that one that somebody else made in
/// this very moment is not overwritten.
async fn write(object: &Planned, uid: Option<&str>, context: &Context) -> Result<DynamicObject, CallError> {
    let api = context.api(&object.key);
    let mut value = object.value.clone();
    let mut parameters = PatchParams::apply(names::FIELD_MANAGER);
    if let Some(uid) = uid {
        parameters = parameters.force();
        if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("uid".to_owned(), json!(uid));
        }
        if object.key.kind == Kind::Deployment && value.pointer("/spec/replicas").is_none() {
            keep_replicas(object, uid, context).await?;
        }
    }
    call(format!("applying {}", object.key), api.patch(&object.key.name, &parameters, &Patch::Apply(&value))).await
}

/// Field manager that takes over `spec.replicas` for an autoscaler.
const REPLICAS_MANAGER: &str = "bulkhead-operator-replicas";

/// Before an apply that leaves replicas to an autoscaler, another field manager takes them over as they are: a field that loses its last
/// manager falls back to its default, here to one pod.
async fn keep_replicas(object: &Planned, uid: &str, context: &Context) -> Result<(), CallError> {
    let api = context.api(&object.key);
    let Some(live) = call(format!("reading {}", object.key), api.get_opt(&object.key.name)).await? else {
        return Ok(());
    };
    let ours = live.metadata.managed_fields.iter().flatten().any(|entry| {
        let replicas = entry.fields_v1.as_ref().and_then(|fields| fields.0.pointer("/f:spec/f:replicas"));
        entry.manager.as_deref() == Some(names::FIELD_MANAGER) && replicas.is_some()
    });
    let Some(replicas) = live.data.pointer("/spec/replicas").filter(|_| ours) else { return Ok(()) };
    let value = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": object.key.name, "namespace": object.key.namespace, "uid": uid },
        "spec": { "replicas": replicas },
    });
    let parameters = PatchParams::apply(REPLICAS_MANAGER).force();
    let patch = Patch::Apply(&value);
    call(format!("handing over replicas of {}", object.key), api.patch(&object.key.name, &parameters, &patch)).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
