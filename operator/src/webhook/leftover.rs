//! What an operator with a webhook left behind, for one without: nobody must go on asking a webhook that is not there.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::Resource;
use kube::api::{Api, DeleteParams, Preconditions};
use tracing::{info, warn};

use super::configuration::NAME;
use super::keeper::{SECRET, configurations};
use super::secret;
use crate::call::{CallError, call};
use crate::context::Context;
use crate::ours::was_applied;

/// Between two tries.
const AGAIN: Duration = Duration::from_secs(30);

/// Removes the configuration and the Secret, if they are there and ours.
pub async fn remove(context: Arc<Context>) {
    while let Err(error) = try_to_remove(&context).await {
        // An operator that may not know of webhooks has made none.
        if error.kind() == "forbidden" {
            return;
        }
        context.metrics.failed("webhook", error.kind());
        warn!("{error}");
        tokio::time::sleep(AGAIN).await;
    }
}

async fn try_to_remove(context: &Context) -> Result<(), CallError> {
    let api = configurations(context);
    let what = format!("ValidatingWebhookConfiguration {NAME}");
    let live = call(format!("looking for {what}"), api.get_opt(NAME)).await?;
    if let Some(live) = live.filter(|live| was_applied(&live.metadata)) {
        call(format!("deleting {what}"), api.delete(NAME, &this(&live))).await.map(drop).or_else(gone)?;
        info!(configuration = NAME, "deleted, for there is no webhook any more");
    }
    let api: Api<Secret> = Api::namespaced(context.client.clone(), &context.site.operator_namespace);
    let live = call(format!("looking for Secret {SECRET}"), api.get_opt(SECRET)).await?;
    if let Some(live) = live.filter(secret::is_ours) {
        call(format!("deleting Secret {SECRET}"), api.delete(SECRET, &this(&live))).await.map(drop).or_else(gone)?;
        info!(secret = SECRET, "deleted, for there is no webhook any more");
    }
    Ok(())
}

/// The object as it was seen, and no other of its name.
fn this<K: Resource>(live: &K) -> DeleteParams {
    let meta = live.meta();
    let seen = Preconditions { uid: meta.uid.clone(), resource_version: meta.resource_version.clone() };
    DeleteParams { preconditions: Some(seen), ..DeleteParams::default() }
}

/// What is gone by now is what was wanted.
fn gone(error: CallError) -> Result<(), CallError> {
    if error.is_not_found() { Ok(()) } else { Err(error) }
}
