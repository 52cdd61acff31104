//! Watches: each keeps one store of the caches up to date, and asks for a reconcile of every instance that an event concerns.

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use bulkhead_crds::instance::GatewayInstance;
use bulkhead_crds::names::GROUP;
use futures::{Stream, StreamExt, future};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::Api;
use kube::core::{DeserializeGuard, error_boundary::InvalidObject};
use kube::runtime::reflector::store::Writer;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch_api};
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tracing::{info, warn};

mod children;
pub mod concerns;
mod instances;
mod requests;
mod start;

pub use requests::Requests;
pub use start::{Readiness, Watches, start};

/// Events of one kind of object, errors told and left behind.
type Events<K> = std::pin::Pin<Box<dyn Stream<Item = Event<K>> + Send>>;

/// Watches objects that this program's types describe exactly, or of which only metadata is read.
fn events<K>(api: Api<K>, config: watcher::Config) -> Events<K>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    K::DynamicType: Hash + Eq + Clone,
{
    let what = api.resource_url().to_owned();
    let told = move |event: Result<Event<K>, watcher::Error>| {
        if let Err(error) = &event {
            // A watch is broken now and then, and resumed: only those that stay broken matter, and readiness or staleness shows them.
            warn!(watch = what, "{error}");
        }
        future::ready(event.ok())
    };
    watch_api(api, config).default_backoff().filter_map(told).boxed()
}

/// Watches objects that users write: one that cannot be decoded is left out, instead of blocking all others.
fn guarded<K>(api: Api<DeserializeGuard<K>>, config: watcher::Config) -> Events<K>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    K::DynamicType: Hash + Eq + Clone,
{
    events(api, config).filter_map(|event| future::ready(decoded(event))).boxed()
}

fn decoded<K: Resource>(event: Event<DeserializeGuard<K>>) -> Option<Event<K>> {
    let good = |guard: DeserializeGuard<K>| {
        let told = |invalid: &InvalidObject| {
            let meta = &invalid.metadata;
            warn!(
                namespace = meta.namespace,
                name = meta.name,
                "cannot be decoded, so it is left out: {}",
                invalid.error
            );
        };
        guard.0.inspect_err(told).ok()
    };
    match event {
        Event::Apply(guard) => good(guard).map(Event::Apply),
        Event::InitApply(guard) => good(guard).map(Event::InitApply),
        Event::Delete(guard) => good(guard).map(Event::Delete),
        Event::Init => Some(Event::Init),
        Event::InitDone => Some(Event::InitDone),
    }
}

/// Drops what nobody reads.
fn trim<K: Resource>(object: &mut K) {
    object.meta_mut().managed_fields = None;
    drop_copy(object);
}

/// Labels of one object that are kept; whoever has more keeps ours.
const LABELS: usize = 64;
/// Owners of one object that are kept: ours have one.
const OWNERS: usize = 16;
/// Longest value of an annotation that is kept, in bytes: those that are read are the name of an image or a number.
const VALUE_BYTES: usize = 1024;
/// Annotations of one object that are kept.
const ANNOTATIONS: usize = 64;

/// As [`trim`], of what tenants can make and label as ours: no more than a few KiB are kept of any metadata.
fn bound<K: Resource>(object: &mut K) {
    trim(object);
    bound_meta(object.meta_mut());
}

fn bound_meta(meta: &mut ObjectMeta) {
    meta.finalizers = None;
    if let Some(labels) = meta.labels.as_mut().filter(|labels| labels.len() > LABELS) {
        labels.retain(|key, _| key.starts_with(GROUP) || key == "app.kubernetes.io/managed-by");
        while labels.len() > LABELS && labels.pop_last().is_some() {}
    }
    if let Some(owners) = meta.owner_references.as_mut() {
        owners.truncate(OWNERS);
        owners.shrink_to_fit();
    }
    if let Some(annotations) = meta.annotations.as_mut() {
        annotations.retain(|_, value| value.len() <= VALUE_BYTES);
        while annotations.len() > ANNOTATIONS
            && let Some(other) =
                annotations.keys().find(|key| !key.starts_with(GROUP)).or_else(|| annotations.keys().next()).cloned()
        {
            annotations.remove(&other);
        }
    }
}

/// Drops the annotation of `kubectl apply` that repeats the whole object, Secrets included.
fn drop_copy<K: Resource>(object: &mut K) {
    if let Some(annotations) = object.meta_mut().annotations.as_mut() {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
}

/// Fills a store with `events` and asks, through each of `requests`, for whom `concerned` names. The first list asks for nothing, for every instance is
/// reconciled once all watches have theirs; later ones ask when they are complete, and the store with them.
async fn follow<K, const N: usize>(
    mut events: Events<K>,
    mut writer: Writer<K>,
    mut trim: impl FnMut(&mut K),
    mut concerned: impl FnMut(&Event<K>) -> Vec<ObjectRef<GatewayInstance>>,
    requests: [Requests; N],
) where
    K: Resource + Clone + 'static,
    K::DynamicType: Hash + Eq + Clone,
{
    let ask = |instances: Vec<ObjectRef<GatewayInstance>>| {
        requests.iter().for_each(|requests| requests.ask(instances.iter().cloned()));
    };
    let mut first = true;
    let mut listed = HashSet::new();
    while let Some(event) = events.next().await {
        let event = event.modify(&mut trim);
        writer.apply_watcher_event(&event);
        let instances = concerned(&event);
        match event {
            Event::Apply(_) | Event::Delete(_) => ask(instances),
            Event::Init | Event::InitApply(_) if first => {}
            // A list that breaks off begins anew, and what its first half gave up is not given up twice: nothing is forgotten here.
            Event::Init | Event::InitApply(_) => listed.extend(instances),
            Event::InitDone => {
                first = false;
                ask(listed.drain().collect());
            }
        }
    }
}

/// The object of an event that has one.
fn object<K>(event: &Event<K>) -> Option<&K> {
    match event {
        Event::Apply(object) | Event::InitApply(object) | Event::Delete(object) => Some(object),
        Event::Init | Event::InitDone => None,
    }
}

#[cfg(test)]
mod tests;
