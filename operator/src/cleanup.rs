//! The finalizer: what no owner reference can collect is deleted by hand before an instance goes. That is what has no namespace
//! (IngressClass, ClusterRole, ClusterRoleBinding) or lies in another one (RoleBinding).

use bulkhead_crds::instance::GatewayInstance;
use bulkhead_crds::names::{FINALIZER, LABEL_INSTANCE_UID};
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::json;

use crate::call::{CallError, call};
use crate::context::Context;
use crate::kind::{Key, Kind};
use crate::ours::could_be_of;
use crate::owner::InstanceId;
use crate::remove::remove;

/// Kinds of which an instance can have objects outside its namespace.
const BEYOND_NAMESPACE: [Kind; 4] =
    [Kind::IngressClass, Kind::ClusterRoleBinding, Kind::RoleBinding, Kind::ClusterRole];

/// Whether the instance carries our finalizer.
#[must_use]
pub fn is_held(instance: &GatewayInstance) -> bool {
    instance.metadata.finalizers.iter().flatten().any(|finalizer| finalizer == FINALIZER)
}

/// Adds the finalizer, before anything is made that needs it.
///
/// # Errors
/// When the API server refuses, also because the instance changed since it was seen.
pub async fn hold(instance: &GatewayInstance, id: &InstanceId, context: &Context) -> Result<(), CallError> {
    if is_held(instance) {
        return Ok(());
    }
    let mut finalizers = instance.metadata.finalizers.clone().unwrap_or_default();
    finalizers.push(FINALIZER.to_owned());
    write_finalizers(instance, id, &finalizers, context).await
}

/// Takes the finalizer off, after which the instance is gone. One that is gone already is fine.
///
/// # Errors
/// When the API server refuses, also because the instance changed since it was seen.
pub async fn release(instance: &GatewayInstance, id: &InstanceId, context: &Context) -> Result<(), CallError> {
    let finalizers = instance.metadata.finalizers.iter().flatten();
    let others: Vec<_> = finalizers.filter(|finalizer| *finalizer != FINALIZER).cloned().collect();
    match write_finalizers(instance, id, &others, context).await {
        Err(error) if error.is_not_found() => Ok(()),
        result => result,
    }
}

/// Deletes everything of the instance outside its namespace. Asks the API server what there is: what was made a moment ago may not have
/// reached the caches. All are tried, even if one cannot be deleted.
///
/// # Errors
/// The first failure.
pub async fn clean_up(id: &InstanceId, context: &Context) -> Result<(), CallError> {
    let mut outcome = Ok(());
    for kind in BEYOND_NAMESPACE {
        let done = clean_up_kind(kind, id, context).await;
        outcome = outcome.and(done);
    }
    outcome
}

async fn clean_up_kind(kind: Kind, id: &InstanceId, context: &Context) -> Result<(), CallError> {
    let labelled = ListParams::default().labels(&format!("{LABEL_INSTANCE_UID}={}", id.uid));
    let api = context.api_everywhere(kind);
    let found = call(format!("listing {} of {id}", kind.plural()), api.list_metadata(&labelled)).await?;
    let mut outcome = Ok(());
    let keys = found.items.iter().map(|object| Key::of(kind, &object.metadata));
    for key in keys.filter(|key| could_be_of(key, &id.namespace, &id.name)) {
        let done = remove(&key, id, context).await;
        outcome = outcome.and(done);
    }
    outcome
}

/// A merge patch that names the version it was made from: what somebody else added meanwhile is not lost.
async fn write_finalizers(
    instance: &GatewayInstance,
    id: &InstanceId,
    finalizers: &[String],
    context: &Context,
) -> Result<(), CallError> {
    let patch = Patch::Merge(json!({
        "metadata": { "resourceVersion": instance.metadata.resource_version, "uid": id.uid, "finalizers": finalizers },
    }));
    let api = context.instances(&id.namespace);
    let attempt = format!("writing finalizers of GatewayInstance {id}");
    call(attempt, api.patch_metadata(&id.name, &PatchParams::default(), &patch)).await?;
    Ok(())
}
