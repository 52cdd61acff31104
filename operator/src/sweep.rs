//! What was left behind: objects that no owner reference collects and whose instance is gone, because its finalizer was taken off by
//! hand while no operator ran.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

use crate::call::{CallError, call};
use crate::context::Context;
use crate::kind::Key;
use crate::ours::could_be_of;
use crate::owner::InstanceId;
use crate::remove::remove;

/// Between two sweeps. Nothing depends on them but tidiness, and each reads caches only unless there is something to remove.
const EVERY: Duration = Duration::from_secs(60);

/// Sweeps for ever.
pub async fn run(context: Arc<Context>) {
    loop {
        if let Err(error) = sweep(&context).await {
            context.metrics.failed("sweep", error.kind());
            warn!("{error}");
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Removes the objects of every instance that the API server says is gone.
///
/// # Errors
/// The first failure.
pub async fn sweep(context: &Context) -> Result<(), CallError> {
    let known: BTreeSet<_> = context.caches.instances.state().iter().map(|one| InstanceId::of(&one.metadata)).collect();
    context.forget_all_but(&known);
    let mut orphans: BTreeMap<InstanceId, Vec<Key>> = BTreeMap::new();
    for child in context.caches.children_where(|meta| meta.owner_references.is_none()) {
        let Some(owner) = InstanceId::labelled(&child.meta) else { continue };
        if !known.contains(&owner) && could_be_of(&child.key, &owner.namespace, &owner.name) {
            orphans.entry(owner).or_default().push(child.key);
        }
    }
    for (owner, keys) in orphans {
        // A cache may be behind: only the API server can say that an instance does not exist.
        let api = context.instances(&owner.namespace);
        let live = call(format!("looking for GatewayInstance {owner}"), api.get_metadata_opt(&owner.name)).await?;
        if live.is_some_and(|live| live.metadata.uid.as_ref() == Some(&owner.uid)) {
            continue;
        }
        for key in keys {
            remove(&key, &owner, context).await?;
        }
    }
    Ok(())
}
