//! Keeps the webhook's certificates, and what API servers are told of it. Every replica follows the Secret and shows what is in it; where
//! there is none, whoever is first makes one, for the API server takes only the first. All else is the leader's.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_crds::condition::ConditionType;
use bulkhead_crds::instance::GatewayInstance;
use bulkhead_crds::names::FIELD_MANAGER;
use bulkhead_plan::Claim;
use futures::StreamExt;
use jiff::Timestamp;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};
use kube::Client;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::reflector::ObjectRef;
use kube::runtime::{WatchStreamExt, watcher};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

use super::certificates::{self, Chest, Pair};
use super::configuration::{NAME, Webhook};
use super::identity::Identity;
use super::secret;
use crate::call::{CallError, call};
use crate::conditions::find;
use crate::context::Context;
use crate::ours::was_applied;

/// Name of the Secret, in the namespace of the operator.
pub const SECRET: &str = "bulkhead-webhook";
/// Between two looks of the leader: classes come and go, and a look reads caches only.
const LOOK: Duration = Duration::from_secs(2);
/// Between two looks at what somebody else may have changed, and between two tries of what failed.
const CHECK: Duration = Duration::from_secs(60);
/// Between two tries of what failed.
const AGAIN: Duration = Duration::from_secs(5);

/// A step that has to be tried again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server refused.
    #[error("{0}")]
    Call(#[from] CallError),
    /// No certificate could be made.
    #[error("{0}")]
    Certificates(#[from] certificates::Error),
    /// The configuration is somebody else's.
    #[error("ValidatingWebhookConfiguration {NAME} belongs to somebody else; delete it, or have its owner delete it")]
    Foreign,
}

impl Error {
    /// A word for metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Call(error) => error.kind(),
            Self::Certificates(_) => "certificate",
            Self::Foreign => "foreign",
        }
    }
}

/// Follows the Secret for ever: shows its certificate, tells `seen`, and makes one where there is none. `client` is behind no fence, which
/// would keep replicas that stand by from becoming ready, and with them a rollout that the leader waits for.
pub async fn follow(client: Client, webhook: Webhook, identity: Arc<Identity>, seen: watch::Sender<Option<Secret>>) {
    let api: Api<Secret> = Api::namespaced(client, &webhook.namespace);
    let mut events = pin!(watcher::watch_object(api.clone(), SECRET).default_backoff());
    let mut absent = false;
    loop {
        match timeout(AGAIN, events.next()).await {
            Ok(Some(Ok(Some(secret)))) => {
                absent = false;
                show(&secret, &identity);
                seen.send_replace(Some(secret));
            }
            Ok(Some(Ok(None))) => {
                absent = true;
                seen.send_replace(None);
            }
            Ok(Some(Err(error))) => warn!(secret = SECRET, "{error}"),
            Ok(None) => return,
            Err(_) => {}
        }
        if absent {
            match create(&api, &webhook).await {
                Ok(()) => info!(secret = SECRET, "made the webhook's certificate"),
                // Another replica was first.
                Err(Error::Call(error)) if error.is_conflict() => {}
                Err(error) => warn!("{error}"),
            }
        }
    }
}

async fn create(api: &Api<Secret>, webhook: &Webhook) -> Result<(), Error> {
    let now = Timestamp::now();
    let made = secret::write(SECRET, &Chest::new(Pair::make(&webhook.names(), now)?, now));
    call(format!("creating Secret {SECRET}"), api.create(&PostParams::default(), &made)).await?;
    Ok(())
}

/// Shows what the Secret holds from the next handshake on. One that holds nothing good changes nothing: what was shown is better.
fn show(secret: &Secret, identity: &Identity) {
    match secret::read(secret).map(|chest| chest.serving.certified()) {
        Some(Ok(certified)) => {
            identity.show(certified);
            info!(secret = SECRET, version = secret.metadata.resource_version, "shows the certificate");
        }
        Some(Err(error)) => warn!(secret = SECRET, "{error}; the leading replica makes another one"),
        None => warn!(secret = SECRET, "it holds no certificate; the leading replica makes one"),
    }
}

/// The leader's part.
pub struct Keeper {
    context: Arc<Context>,
    webhook: Webhook,
    seen: watch::Receiver<Option<Secret>>,
    /// The configuration as last applied, its version then, and when it was last looked at.
    applied: Option<(ValidatingWebhookConfiguration, Option<String>, Instant)>,
}

impl Keeper {
    /// One that has done nothing yet.
    #[must_use]
    pub const fn new(context: Arc<Context>, webhook: Webhook, seen: watch::Receiver<Option<Secret>>) -> Self {
        Self { context, webhook, seen, applied: None }
    }

    /// Keeps for ever.
    pub async fn run(mut self) {
        loop {
            let pause = match self.look().await {
                Ok(()) => LOOK,
                Err(error) => {
                    self.context.metrics.failed("webhook", error.kind());
                    warn!("{error}");
                    AGAIN
                }
            };
            // A Secret that changes is looked at as soon as it did.
            let _ = timeout(pause, self.seen.changed()).await;
        }
    }

    /// One look. A certificate is never changed in the same look as what is told of it, so that API servers have heard of it.
    async fn look(&mut self) -> Result<(), Error> {
        // Whoever follows it makes one.
        let Some(secret) = self.seen.borrow_and_update().clone() else { return Ok(()) };
        let now = Timestamp::now();
        let (webhook, names) = (self.webhook.name(), self.webhook.names());
        let after = match secret::read(&secret) {
            Some(chest) if self.configure(&chest).await? => return Ok(()),
            Some(chest) => chest.step(&webhook, now, || Pair::make(&names, now))?,
            None => Some(Chest::new(Pair::make(&names, now)?, now)),
        };
        let Some(after) = after else { return Ok(()) };
        let patch = Patch::Merge(secret::patch(secret.metadata.resource_version.as_deref(), &after));
        let api: Api<Secret> = Api::namespaced(self.context.client.clone(), &self.webhook.namespace);
        let attempt = format!("changing Secret {SECRET}");
        match call(attempt, api.patch(SECRET, &PatchParams::default(), &patch)).await {
            Ok(_) => info!(secret = SECRET, next = after.next.is_some(), "changed the webhook's certificates"),
            // Somebody else changed it, or took it away: what there is now is seen in a moment.
            Err(error) if error.is_conflict() || error.is_not_found() => sleep(LOOK).await,
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Tells API servers of the webhook as it is now; whether they had to be told.
    async fn configure(&mut self, chest: &Chest) -> Result<bool, Error> {
        let caches = &self.context.caches;
        let Some(namespace) = caches.namespaces.get(&ObjectRef::new(&self.webhook.namespace)) else { return Ok(true) };
        let uid = namespace.metadata.uid.clone().unwrap_or_default();
        let instances = caches.instances.state();
        // What is not accepted serves nobody, whatever names it says.
        let accepted = instances.iter().filter(|instance| is_accepted(instance));
        let classes: BTreeSet<String> = accepted.flat_map(|instance| Claim::of(instance).classes).collect();
        let wanted = self.webhook.configuration(&uid, &chest.bundle(), &classes);
        if self.applied.as_ref().is_some_and(|(last, _, looked)| *last == wanted && looked.elapsed() < CHECK) {
            return Ok(false);
        }
        let api = configurations(&self.context);
        let live = call(format!("looking for ValidatingWebhookConfiguration {NAME}"), api.get_opt(NAME)).await?;
        if live.as_ref().is_some_and(|live| !was_applied(&live.metadata)) {
            return Err(Error::Foreign);
        }
        // Nobody is sent to a Service behind which nobody is ready yet: where what cannot be reviewed is refused, everything would be.
        if live.is_none() && !self.is_reached().await? {
            return Ok(true);
        }
        if let (Some((last, version, looked)), Some(live)) = (&mut self.applied, &live)
            && *last == wanted
            && *version == live.metadata.resource_version
        {
            *looked = Instant::now();
            return Ok(false);
        }
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        let attempt = format!("applying ValidatingWebhookConfiguration {NAME}");
        let applied = call(attempt, api.patch(NAME, &parameters, &Patch::Apply(&wanted))).await?;
        info!(configuration = NAME, classes = classes.len(), "applied");
        self.applied = Some((wanted, applied.metadata.resource_version, Instant::now()));
        Ok(true)
    }

    /// Whether a replica is ready behind the Service.
    async fn is_reached(&self) -> Result<bool, CallError> {
        let api: Api<EndpointSlice> = Api::namespaced(self.context.client.clone(), &self.webhook.namespace);
        let of_service = ListParams::default().labels(&format!("{SERVICE_OF_SLICE}={}", self.webhook.service));
        let what = format!("looking for endpoints of Service {}", self.webhook.service);
        let slices = call(what, api.list(&of_service)).await?;
        Ok(slices.items.iter().any(has_ready))
    }
}

/// Names the Service of an EndpointSlice (Kubernetes reference, well-known labels).
const SERVICE_OF_SLICE: &str = "kubernetes.io/service-name";

/// Whether an endpoint of a slice is ready, which one that does not say is (EndpointSlice API reference, `EndpointConditions.ready`).
fn has_ready(slice: &EndpointSlice) -> bool {
    let ready = |endpoint: &Endpoint| endpoint.conditions.as_ref().and_then(|conditions| conditions.ready);
    slice.endpoints.iter().any(|endpoint| ready(endpoint) != Some(false))
}

/// Whether an instance is carried out as it is written, as far as its status says.
fn is_accepted(instance: &GatewayInstance) -> bool {
    let conditions = instance.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    find(conditions, ConditionType::Accepted).is_some_and(|accepted| accepted.status == "True")
}

/// ValidatingWebhookConfigurations.
pub(super) fn configurations(context: &Context) -> Api<ValidatingWebhookConfiguration> {
    Api::all(context.client.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_accepted_names_classes_and_only_who_is_ready_is_reached() {
        let instance = |status: Option<&str>| -> GatewayInstance {
            let conditions: Vec<_> = status
                .map(|status| json!({ "type": "Accepted", "status": status, "reason": "X", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z" }))
                .into_iter()
                .collect();
            serde_json::from_value(json!({
                "apiVersion": "bulkhead.io/v1alpha1", "kind": "GatewayInstance", "metadata": { "name": "edge" },
                "spec": {}, "status": { "conditions": conditions },
            }))
            .expect("an instance")
        };
        for (status, accepted) in
            [(None, false), (Some("Unknown"), false), (Some("False"), false), (Some("True"), true)]
        {
            assert_eq!(is_accepted(&instance(status)), accepted, "{status:?}");
        }
        for (conditions, ready) in
            [(json!({}), true), (json!({ "ready": true }), true), (json!({ "ready": false }), false)]
        {
            let slice = json!({ "addressType": "IPv4", "metadata": {}, "endpoints": [{ "addresses": ["192.0.2.1"], "conditions": conditions }] });
            assert_eq!(has_ready(&serde_json::from_value(slice).expect("a slice")), ready, "{conditions}");
        }
        assert!(!has_ready(&EndpointSlice::default()));
    }
}
