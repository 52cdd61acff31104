//! Tells every Ingress where it is reached: `status.loadBalancer`, from the Service of the lane that serves it. One field manager per lane,
//! which takes back what it said as soon as the lane no longer serves the Ingress.
//!
//! Works beside the reconciles, on the same caches, and one instance after the other: thousands of Ingresses of one neither hold up its own
//! objects nor those of others.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_crds::condition::ConditionType;
use bulkhead_crds::instance::{GatewayInstance, ManagementState};
use bulkhead_crds::names::LaneName;
use bulkhead_plan::names;
use futures::{StreamExt, stream};
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::reflector::ObjectRef;
use serde_json::json;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::call::{CallError, call};
use crate::conditions::find;
use crate::context::Context;
use crate::gather;
use crate::owner::InstanceId;
use crate::watch::Requests;

pub mod changes;
mod tries;

use changes::{Change, Voice};
use tries::{Tries, Turn};

/// Writes at once.
const AT_ONCE: usize = 8;
/// Writes for one instance before the next has its turn.
const TURN: usize = 200;
/// Between two rounds: events of one change come in a bunch.
const PAUSE: Duration = Duration::from_millis(100);
/// Between two looks at what could not be finished.
const AGAIN: Duration = Duration::from_secs(10);

/// The worker and what it remembers.
pub struct Publisher {
    context: Arc<Context>,
    requests: Requests,
    /// What was written lately, or could not be.
    tries: Tries,
    /// Where among the Ingresses the next turn begins, so that those at the end have theirs.
    start: usize,
}

impl Publisher {
    /// A worker that is asked through `requests`.
    #[must_use]
    pub fn new(context: Arc<Context>, requests: Requests) -> Self {
        Self { context, requests, tries: Tries::default(), start: 0 }
    }

    /// Publishes for ever.
    pub async fn run(mut self) {
        let mut unfinished: BTreeSet<(String, String)> = BTreeSet::new();
        let mut again = Instant::now() + AGAIN;
        loop {
            let mut batch = tokio::time::timeout_at(again, self.requests.all()).await.unwrap_or_default();
            if Instant::now() >= again {
                again = Instant::now() + AGAIN;
                let refs = std::mem::take(&mut unfinished);
                batch.extend(refs.iter().map(|(namespace, name)| ObjectRef::new(name).within(namespace)));
                self.tries.forget_old(Instant::now());
                self.clear_strangers().await;
            }
            for instance in batch {
                if !self.publish(&instance).await {
                    unfinished.insert((instance.namespace.clone().unwrap_or_default(), instance.name.clone()));
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// One turn of one instance; whether nothing is left that has to wait.
    async fn publish(&mut self, instance: &ObjectRef<GatewayInstance>) -> bool {
        let Some(instance) = self.context.caches.instances.get(instance) else { return true };
        let id = InstanceId::of(&instance.metadata);
        let Some(voices) = voices(&instance, &id, &self.context) else { return true };
        let (ingresses, now) = (self.context.caches.ingresses.state(), Instant::now());
        let changes = |ingress: &Arc<Ingress>| changes::of(ingress, &voices).collect();
        let Turn { due, waits, more } =
            tries::turn(&ingresses, &mut self.start, TURN, changes, |change| self.tries.is_due(change, now));
        let done = self.write(due).await && !waits;
        if more {
            // To the end of the queue, and not only when the next look is due.
            self.requests.ask([ObjectRef::from_obj(instance.as_ref())]);
        }
        done
    }

    /// Takes back what lanes said whose instance is gone, for no instance does.
    async fn clear_strangers(&mut self) {
        let known = self.context.caches.instances.state();
        let known = known.iter().map(|one| {
            (one.metadata.namespace.clone().unwrap_or_default(), one.metadata.name.clone().unwrap_or_default())
        });
        let known: BTreeSet<_> = known.collect();
        let ingresses = self.context.caches.ingresses.state();
        let now = Instant::now();
        let changes = |ingress: &Arc<Ingress>| changes::of_strangers(ingress, &known);
        let Turn { due, .. } =
            tries::turn(&ingresses, &mut self.start, TURN, changes, |change| self.tries.is_due(change, now));
        self.write(due).await;
    }

    /// Writes what is due; whether all of it could be.
    async fn write(&mut self, due: Vec<Change>) -> bool {
        let mut done = true;
        let context = &self.context;
        let results: Vec<_> = stream::iter(due)
            .map(async |change| (write(&change, context).await, change))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let now = Instant::now();
        for (result, change) in results {
            match result {
                Ok(()) => self.tries.wrote(&change, now),
                Err(error) => {
                    done = false;
                    self.tries.failed(&change, now);
                    self.context.metrics.failed("publish", error.kind());
                    warn!("{error}");
                }
            }
        }
        done
    }
}

async fn write(change: &Change, context: &Context) -> Result<(), CallError> {
    let Change { namespace, name, uid, manager, addresses } = change;
    let mut patch = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": { "name": name, "namespace": namespace, "uid": uid },
    });
    // Without a word the manager has no say any more; an empty status would be a word.
    if !addresses.is_empty()
        && let Some(patch) = patch.as_object_mut()
    {
        patch.insert("status".to_owned(), json!({ "loadBalancer": { "ingress": addresses } }));
    }
    let api: Api<Ingress> = Api::namespaced(context.client.clone(), namespace);
    let attempt = format!("writing the status of Ingress {namespace}/{name}");
    let parameters = PatchParams::apply(manager).force();
    match call(attempt, api.patch_status(name, &parameters, &Patch::Apply(&patch))).await {
        Ok(_) => {
            context.metrics.published();
            info!(manager, ingress = %format!("{namespace}/{name}"), addresses = addresses.len(), "published");
            Ok(())
        }
        // Gone, or another of the same name, whose own event brings us back.
        Err(error) if error.is_not_found() || error.is_conflict() => Ok(()),
        Err(error) => Err(error),
    }
}

/// What the lanes of an instance have to say; nothing where everything stays as it is.
fn voices(instance: &GatewayInstance, id: &InstanceId, context: &Context) -> Option<Vec<Voice>> {
    let conditions = instance.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let refused = find(conditions, ConditionType::Accepted).is_some_and(|accepted| accepted.status == "False");
    let leaves = instance.metadata.deletion_timestamp.is_some() && !instance.spec.deletion_protection;
    if !leaves && (refused || instance.spec.management_state == ManagementState::Paused) {
        return None;
    }
    let namespaces = gather::namespaces(instance, id, context).ok()?;
    let voice = |lane: LaneName| {
        let spec = instance.spec.lane(lane);
        let mut voice = Voice {
            manager: changes::manager(&id.namespace, &id.name, lane.slug()),
            classes: BTreeSet::new(),
            namespaces: namespaces.clone(),
            addresses: Vec::new(),
        };
        if spec.enabled && !leaves {
            let name = ObjectRef::new(&names::object(&id.name, lane)).within(&id.namespace);
            let service = context.caches.services.get(&name).filter(|service| id.owns(&service.metadata));
            let pods = context.caches.pods_of(id, lane);
            let pods: Vec<_> = pods.iter().map(AsRef::as_ref).collect();
            voice.addresses = changes::addresses(spec.service_type(lane), service.as_deref(), &pods);
            voice.classes = gather::classes(id, lane, spec, context);
            if !spec.ingress_class.publish_status_for_also_served {
                voice.classes.retain(|class| !spec.ingress_class.also_serve.contains(class));
            }
        }
        voice
    };
    Some(LaneName::ALL.map(voice).into())
}

/// How many Ingresses still say where they are reached through this instance.
#[must_use]
pub fn still_told(id: &InstanceId, context: &Context) -> usize {
    let managers = LaneName::ALL.map(|lane| changes::manager(&id.namespace, &id.name, lane.slug()));
    let told = |ingress: &Ingress| changes::speakers(ingress).any(|speaker| managers.iter().any(|one| one == speaker));
    context.caches.ingresses.state_filter(told).len()
}
