//! First step: everything of other objects that planning an instance needs. Reads caches, and exactly those Secrets and ConfigMaps that the lane's own
//! Ingresses refer to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bulkhead_compile::{Needs, ReferenceKind, class_of, owns_class, references};
use bulkhead_crds::instance::GatewayInstance;
use bulkhead_crds::lane::LaneIdentity;
use bulkhead_crds::lane_spec::LaneSpec;
use bulkhead_crds::names::LaneName;
use bulkhead_crds::scope::NamespaceSource;
use bulkhead_plan::keyring::{EntryName, KeyringInput, Place, present};
use bulkhead_plan::{Claim, Gathered, names};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::Api;
use kube::core::Selector;
use kube::runtime::reflector::ObjectRef;

use crate::call::{CallError, call};
use crate::context::{Context, Watched};
use crate::fleet::kept_image;
use crate::kind::Kind;
use crate::owner::InstanceId;

mod source;

/// How many Secrets are read at once for one lane.
const READS_AT_ONCE: usize = 8;

/// What the instance cannot be planned without, and could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The selector of the scope means nothing.
    #[error("reading spec.scope.namespaces.selector: {reason}; correct its operators and values")]
    Selector {
        /// Why not.
        reason: String,
    },
}

impl Error {
    /// A word for metrics.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Selector { .. } => "selector",
        }
    }
}

/// What was gathered, and the lanes whose keyring could not be.
pub struct Outcome {
    /// For the plan.
    pub gathered: Gathered,
    /// Lanes that must not be touched, for their keys could not be read, and why, as a sentence.
    pub unreadable: BTreeMap<LaneName, CallError>,
}

/// An object: kind, namespace, name.
type Source = (ReferenceKind, String, String);

/// Gathers for one instance.
///
/// # Errors
/// When the scope cannot be resolved. A lane whose keys cannot be read is no error, but named in the outcome.
pub async fn gather(instance: &GatewayInstance, id: &InstanceId, context: &Context) -> Result<Outcome, Error> {
    let selected_namespaces = selected_namespaces(instance, context)?;
    let mut keyrings = BTreeMap::new();
    let mut unreadable = BTreeMap::new();
    let mut watched = Watched::default();
    for (lane, spec) in instance.spec.enabled_lanes() {
        let sources = sources(instance, id, (lane, spec), &selected_namespaces, context, &mut watched);
        match keyring(id, lane, sources, context).await {
            Ok(input) => {
                keyrings.insert(lane, input);
            }
            Err(error) => {
                unreadable.insert(lane, error);
            }
        }
    }
    context.remember(id, |memory| memory.watched = watched);
    let kept = |(lane, _)| Some((lane, kept_image(instance, id, lane, context)?));
    let images = instance.spec.enabled_lanes().filter_map(kept).collect();
    let gathered = Gathered { keyrings, images, ..known(instance, id, selected_namespaces, context) };
    Ok(Outcome { gathered, unreadable })
}

/// What an instance is judged by, whether it exists or is about to: of other objects what caches know.
///
/// # Errors
/// When the scope cannot be resolved.
pub fn judged_by(instance: &GatewayInstance, id: &InstanceId, context: &Context) -> Result<Gathered, Error> {
    Ok(known(instance, id, selected_namespaces(instance, context)?, context))
}

fn known(
    instance: &GatewayInstance,
    id: &InstanceId,
    selected_namespaces: BTreeSet<String>,
    context: &Context,
) -> Gathered {
    let others = context.caches.instances.state();
    Gathered {
        selected_namespaces,
        absent_namespaces: absent_namespaces(instance, context),
        classes: context.caches.classes.state().iter().map(|class| class.as_ref().clone()).collect(),
        others: others
            .iter()
            .filter(|other| InstanceId::of(&other.metadata) != *id)
            .map(|other| {
                let namespace = other.metadata.namespace.as_deref().unwrap_or_default();
                Claim::of(other).confined(is_confined(namespace, context))
            })
            .collect(),
        confined: is_confined(&id.namespace, context),
        kubernetes_minor: context.kubernetes_minor,
        ..Gathered::default()
    }
}

/// Whether instances of a namespace may serve that one only.
fn is_confined(namespace: &str, context: &Context) -> bool {
    context.platform_namespaces.as_ref().is_some_and(|allowed| !allowed.contains(namespace))
}

/// Namespaces that the selector of the scope matches. One that is being deleted takes no binding any more, so no gateway could read it.
fn selected_namespaces(instance: &GatewayInstance, context: &Context) -> Result<BTreeSet<String>, Error> {
    let scope = &instance.spec.scope.namespaces;
    let Some(selector) = scope.selector.clone().filter(|_| scope.from == NamespaceSource::Selector) else {
        return Ok(BTreeSet::new());
    };
    let selector: Selector = selector.try_into().map_err(|error| Error::Selector { reason: format!("{error}") })?;
    let matching = context.caches.namespaces.state_filter_selector(&selector);
    let names = matching.iter().filter_map(|namespace| namespace.metadata.name.clone());
    Ok(names.filter(|name| context.caches.namespace_takes_objects(name)).collect())
}

/// Namespaces that the scope names and that do not exist, or not for long. Their events bring us back.
fn absent_namespaces(instance: &GatewayInstance, context: &Context) -> BTreeSet<String> {
    let names = instance.spec.scope.namespaces.names.iter();
    names.filter(|name| !context.caches.namespace_takes_objects(name)).cloned().collect()
}

/// The namespaces of the scope; nothing when it is all of them.
fn scope(instance: &GatewayInstance, id: &InstanceId, selected: &BTreeSet<String>) -> Option<BTreeSet<String>> {
    let scope = &instance.spec.scope.namespaces;
    match scope.from {
        NamespaceSource::All => None,
        NamespaceSource::Same => Some([id.namespace.clone()].into()),
        NamespaceSource::Names => Some(scope.names.iter().cloned().collect()),
        NamespaceSource::Selector => Some(selected.clone()),
    }
}

/// The namespaces that an instance serves; nothing when it is all of them.
///
/// # Errors
/// When the selector of the scope means nothing.
pub fn namespaces(
    instance: &GatewayInstance,
    id: &InstanceId,
    context: &Context,
) -> Result<Option<BTreeSet<String>>, Error> {
    Ok(scope(instance, id, &selected_namespaces(instance, context)?))
}

/// What the lane's own Ingresses refer to, and its default certificate.
fn sources(
    instance: &GatewayInstance,
    id: &InstanceId,
    (lane, spec): (LaneName, &LaneSpec),
    selected: &BTreeSet<String>,
    context: &Context,
    watched: &mut Watched,
) -> BTreeMap<Source, Needs> {
    let classes = classes(id, lane, spec, context);
    let namespaces = scope(instance, id, selected);
    let in_scope = |namespace: &str| namespaces.as_ref().is_none_or(|namespaces| namespaces.contains(namespace));
    let served = |ingress: &Ingress| {
        in_scope(ingress.metadata.namespace.as_deref().unwrap_or_default())
            && class_of(ingress).is_some_and(|class| classes.contains(class))
    };
    let mut sources: BTreeMap<Source, Needs> = BTreeMap::new();
    for ingress in context.caches.ingresses.state_filter(served) {
        let namespace = ingress.metadata.namespace.clone().unwrap_or_default();
        let found: Vec<_> = references(&ingress)
            .into_iter()
            .map(|reference| ((reference.kind, namespace.clone(), reference.name), reference.needs))
            .collect();
        if !found.is_empty() {
            watched.ingresses.insert((namespace, ingress.metadata.name.clone().unwrap_or_default()));
            for (source, needs) in found {
                let known = sources.entry(source).or_default();
                *known = known.or(needs);
            }
        }
    }
    // The user of the instance names this one, and may: it lies in the instance's own namespace.
    if let Some(secret) = &spec.tls.default_certificate {
        let known = sources.entry((ReferenceKind::Secret, id.namespace.clone(), secret.name.clone())).or_default();
        *known = known.or(Needs::CERTIFICATE);
    }
    watched.references.extend(sources.keys().cloned());
    sources
}

/// The classes whose Ingresses the lane serves now: its own while it is its own, and those of others.
#[must_use]
pub fn classes(id: &InstanceId, lane: LaneName, spec: &LaneSpec, context: &Context) -> BTreeSet<String> {
    let mut classes: BTreeSet<_> = spec.ingress_class.also_serve.iter().cloned().collect();
    let own = spec.class_name(&id.name, lane);
    let identity =
        LaneIdentity { namespace: id.namespace.clone(), instance: id.name.clone(), uid: id.uid.clone(), lane };
    let object = context.caches.classes.get(&ObjectRef::new(&own));
    if object.is_some_and(|class| owns_class(&class, &identity).is_ok()) {
        classes.insert(own);
    }
    classes
}

/// Reads every source of a lane. One that does not exist is left out: routes that need it say so.
async fn keyring(
    id: &InstanceId,
    lane: LaneName,
    sources: BTreeMap<Source, Needs>,
    context: &Context,
) -> Result<KeyringInput, CallError> {
    let present = match context.remember(id, |memory| memory.shards.get(&lane).cloned()) {
        Some(present) => present,
        None => present_shards(id, lane, context).await?,
    };
    let empty = KeyringInput { present, ..KeyringInput::default() };
    let mut input = stream::iter(sources)
        .map(|source| read(source, context))
        .buffer_unordered(READS_AT_ONCE)
        .try_fold(empty, async |mut all, copied| {
            all.entries.extend(copied.entries);
            all.refused.extend(copied.refused);
            Ok(all)
        })
        .await?;
    input.refused.sort();
    Ok(input)
}

/// Reads one Secret or ConfigMap.
async fn read(
    ((kind, namespace, name), needs): (Source, Needs),
    context: &Context,
) -> Result<source::Copied, CallError> {
    let client = context.client.clone();
    match kind {
        ReferenceKind::Secret => {
            let api: Api<Secret> = Api::namespaced(client, &namespace);
            let found = call(format!("reading Secret {namespace}/{name}"), api.get_opt(&name)).await?;
            Ok(found.map(|secret| source::choose(&namespace, &name, secret, needs)).unwrap_or_default())
        }
        ReferenceKind::ConfigMap => {
            let api: Api<ConfigMap> = Api::namespaced(client, &namespace);
            let found = call(format!("reading ConfigMap {namespace}/{name}"), api.get_opt(&name)).await?;
            Ok(found.map(|config_map| source::choose_fields(&namespace, &name, config_map)).unwrap_or_default())
        }
    }
}

/// The shards of a lane as they are, read after a restart.
async fn present_shards(
    id: &InstanceId,
    lane: LaneName,
    context: &Context,
) -> Result<BTreeMap<EntryName, Place>, CallError> {
    let api: Api<Secret> = Api::namespaced(context.client.clone(), &id.namespace);
    let children = context.caches.children_of(id);
    let shards = children
        .into_iter()
        .map(|child| child.key)
        .filter(|key| key.kind == Kind::Secret && names::keyring_shard(&id.name, lane, &key.name).is_some());
    let mut secrets: Vec<Arc<Secret>> = Vec::new();
    for key in shards {
        secrets.extend(call(format!("reading {key}"), api.get_opt(&key.name)).await?.map(Arc::new));
    }
    Ok(present(&id.name, lane, secrets.iter().map(AsRef::as_ref)))
}
