//! Removing one object that is ours: read live, judged again, and deleted only if it is still that very object.

use kube::api::{DeleteParams, Preconditions};
use tracing::info;

use crate::call::{CallError, call};
use crate::context::Context;
use crate::kind::Key;
use crate::ours::{could_be_of, was_applied};
use crate::owner::InstanceId;

/// Deletes `key` if it exists, is not being deleted already, and is `owner`'s. Whatever else it is, it is left alone.
///
/// # Errors
/// When it cannot be read or deleted.
pub async fn remove(key: &Key, owner: &InstanceId, context: &Context) -> Result<(), CallError> {
    if !could_be_of(key, &owner.namespace, &owner.name) {
        return Ok(());
    }
    let api = context.api(key);
    let Some(live) = call(format!("looking for {key}"), api.get_metadata_opt(&key.name)).await? else { return Ok(()) };
    let live_meta = &live.metadata;
    if live_meta.deletion_timestamp.is_some() || !owner.owns(live_meta) || !was_applied(live_meta) {
        return Ok(());
    }
    let parameters = DeleteParams {
        preconditions: Some(Preconditions {
            uid: live.metadata.uid.clone(),
            resource_version: live.metadata.resource_version.clone(),
        }),
        ..DeleteParams::background()
    };
    match call(format!("deleting {key}"), api.delete(&key.name, &parameters)).await {
        Ok(_) => {
            context.metrics.removed(key.kind);
            info!(instance = %owner, object = %key, "removed");
            Ok(())
        }
        Err(error) if error.is_not_found() => Ok(()),
        Err(error) => Err(error),
    }
}
