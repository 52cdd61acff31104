//! Last step: the status is written, if it differs from the one that stands.

use bulkhead_crds::instance::GatewayInstance;
use bulkhead_crds::names::{FIELD_MANAGER, GROUP};
use bulkhead_crds::status::GatewayInstanceStatus;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use tracing::info;

use crate::call::{CallError, call};
use crate::context::Context;
use crate::owner::InstanceId;

/// Writes `status`, unless the instance has it already. An instance that is gone meanwhile needs none.
///
/// # Errors
/// When the API server refuses.
pub async fn report(
    instance: &GatewayInstance,
    status: &GatewayInstanceStatus,
    id: &InstanceId,
    context: &Context,
) -> Result<(), CallError> {
    if instance.status.as_ref() == Some(status) {
        return Ok(());
    }
    let patch = json!({
        "apiVersion": format!("{GROUP}/v1alpha1"),
        "kind": "GatewayInstance",
        "metadata": { "name": id.name, "namespace": id.namespace, "uid": id.uid },
        "status": status,
    });
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    let attempt = format!("writing the status of GatewayInstance {id}");
    let api = context.instances(&id.namespace);
    match call(attempt, api.patch_status(&id.name, &parameters, &Patch::Apply(&patch))).await {
        Ok(_) => {}
        // Gone, or another of the same name: nobody is left to tell.
        Err(error) if error.is_not_found() || error.is_conflict() => return Ok(()),
        Err(error) => return Err(error),
    }
    let before = instance.status.as_ref().map_or("", |status| status.phase.as_str());
    if before != status.phase {
        info!(instance = %id, generation = status.observed_generation, from = before, phase = status.phase, "phase changed");
    }
    Ok(())
}
