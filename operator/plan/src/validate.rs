//! What the schema cannot see: names, and classes that somebody else has or claims.

use std::collections::BTreeSet;

use bulkhead_crds::instance::{GatewayInstance, NAME_BYTES};
use bulkhead_crds::names::{CONTROLLER, LABEL_INSTANCE_UID, LaneName};
use bulkhead_crds::reason::{self, Reason};
use bulkhead_crds::scope::NamespaceSource;
use bulkhead_crds::service::TrafficDistribution;
use k8s_openapi::api::networking::v1::IngressClass;

use crate::gathered::{Claim, Gathered};
use crate::instance::{Uid, ValidInstance};
use crate::names;

/// Why an instance is not accepted: one sentence for the condition `Accepted`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} {remedy}")]
pub struct Rejection {
    /// Reason of `Accepted=False`.
    pub reason: Reason,
    /// What is wrong, as a sentence.
    pub message: String,
    /// What to do, as a sentence.
    pub remedy: String,
}

/// Judges `instance` against everything that CEL cannot see. What it rejects is not carried out; what ran before runs on.
///
/// # Errors
///
/// Every rejection, the first one being the gravest; never an empty list.
pub fn validate(instance: &GatewayInstance, gathered: &Gathered) -> Result<ValidInstance, Vec<Rejection>> {
    let valid = accept(instance);
    let mut rejections = Vec::new();
    rejections.extend(name_is_usable(&valid.name));
    rejections.extend(namespace_is_given(&valid.namespace));
    rejections.extend(lanes_are_apart(&valid));
    rejections.extend(scope_is_allowed(&valid, gathered.confined));
    rejections.extend(classes_are_allowed(&valid, gathered.confined));
    for (lane, _) in valid.spec.enabled_lanes() {
        rejections.extend(class_is_free(&valid, lane, &gathered.classes));
        rejections.extend(served_classes_are_of_others(&valid, lane, &gathered.classes));
    }
    rejections.extend(claims_prevail(&valid, &Claim::of(instance).confined(gathered.confined), gathered));
    rejections.extend(cluster_is_new_enough(&valid, gathered.kubernetes_minor));
    if rejections.is_empty() { Ok(valid) } else { Err(rejections) }
}

fn accept(instance: &GatewayInstance) -> ValidInstance {
    let metadata = &instance.metadata;
    let namespace = metadata.namespace.clone().unwrap_or_default();
    let name = metadata.name.clone().unwrap_or_default();
    let uid = match metadata.uid.clone().filter(|uid| !uid.is_empty()) {
        Some(uid) => Uid::Real(uid),
        None => Uid::StandIn(names::stand_in_uid(&namespace, &name)),
    };
    ValidInstance { namespace, name, uid, generation: metadata.generation.unwrap_or(1), spec: instance.spec.clone() }
}

/// An instance that is confined to its namespace may not ask for another one.
fn scope_is_allowed(instance: &ValidInstance, confined: bool) -> Option<Rejection> {
    let namespaces = &instance.spec.scope.namespaces;
    let own = match namespaces.from {
        NamespaceSource::Same => true,
        NamespaceSource::Names => namespaces.names.iter().all(|name| *name == instance.namespace),
        NamespaceSource::All | NamespaceSource::Selector => false,
    };
    let message = || format!("spec.scope.namespaces reaches beyond {}.", instance.namespace);
    (confined && !own).then(|| Rejection::new(reason::SCOPE_NOT_ALLOWED, message()))
}

/// An instance that is confined to its namespace may not take Ingresses that name no class, nor those of classes that are not its own: both
/// are for the whole cluster to agree on.
fn classes_are_allowed(instance: &ValidInstance, confined: bool) -> Vec<Rejection> {
    let lanes = instance.spec.enabled_lanes().filter(|_| confined);
    let asked = lanes.flat_map(|(lane, spec)| {
        let class = &spec.ingress_class;
        let asks = [("default", class.is_default), ("alsoServe", !class.also_serve.is_empty())];
        asks.into_iter().filter(|(_, asks)| *asks).map(move |(field, _)| (lane, field))
    });
    let reject = |(lane, field): (LaneName, &str)| Rejection {
        remedy: format!(
            "Remove it, or move the instance to a namespace in --platform-namespaces of the operator; {CONFINED}"
        ),
        ..Rejection::new(
            reason::SCOPE_NOT_ALLOWED,
            format!("spec.{}.ingressClass.{field} reaches beyond {}.", lane.field(), instance.namespace),
        )
    };
    asked.map(reject).collect()
}

const CONFINED: &str = "instances elsewhere have classes of their own only.";

/// Services are named after the instance, and theirs are DNS labels that begin with a letter (RFC 1035 section 2.3.1).
fn name_is_usable(name: &str) -> Option<Rejection> {
    let usable = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if name.len() > NAME_BYTES {
        return Some(Rejection::new(
            reason::NAME_TOO_LONG,
            format!("The name has {} characters, more than {NAME_BYTES}.", name.len()),
        ));
    }
    (!usable).then(|| Rejection {
        remedy: "Create the instance anew under another name.".to_owned(),
        ..Rejection::new(
            reason::INVALID,
            "The name must begin with a letter and consist of lower case letters, digits and hyphens, because Services are named after it.",
        )
    })
}

fn namespace_is_given(namespace: &str) -> Option<Rejection> {
    namespace.is_empty().then(|| Rejection {
        remedy: "Set metadata.namespace.".to_owned(),
        ..Rejection::new(reason::INVALID, "The instance has no namespace.")
    })
}

/// The schema compares classes as written; here names that are left to us count as well.
fn lanes_are_apart(instance: &ValidInstance) -> Vec<Rejection> {
    let classes = |lane: LaneName| -> BTreeSet<String> {
        let spec = instance.spec.lane(lane);
        let also = spec.ingress_class.also_serve.iter().cloned();
        also.chain([instance.class_name(lane)]).filter(|_| spec.enabled).collect()
    };
    let (north_south, east_west) = (classes(LaneName::NorthSouth), classes(LaneName::EastWest));
    let shared = north_south.intersection(&east_west).map(|class| Rejection {
        remedy: "Give the lanes different ingressClass.name and alsoServe.".to_owned(),
        ..Rejection::new(reason::INVALID, format!("Both lanes would serve the class {class}."))
    });
    let doubled = instance.spec.enabled_lanes().filter(|(lane, spec)| {
        let own = instance.class_name(*lane);
        spec.ingress_class.also_serve.contains(&own)
    });
    let doubled = doubled.map(|(lane, _)| Rejection {
        remedy: "Remove it from alsoServe.".to_owned(),
        ..Rejection::new(reason::INVALID, format!("The {lane} lane lists its own class in alsoServe."))
    });
    shared.chain(doubled).collect()
}

/// A class that exists under the name of the lane's own must be this instance's. One of an earlier instance of the same name is not.
fn class_is_free(instance: &ValidInstance, lane: LaneName, classes: &[IngressClass]) -> Option<Rejection> {
    let name = instance.class_name(lane);
    let class = find(&name, classes)?;
    if !is_of_a_gateway(class) {
        return Some(Rejection::new(
            reason::CLASS_TAKEN,
            format!(
                "The IngressClass {name} of the {lane} lane belongs to the controller \"{}\".",
                shown(controller(class))
            ),
        ));
    }
    (!is_made_for(instance, class)).then(|| {
        Rejection::new(
            reason::CLASS_TAKEN,
            format!("The IngressClass {name} of the {lane} lane was not made for this instance."),
        )
    })
}

/// `alsoServe` is for classes of other controllers: a class of another instance would hand over its routes and its keys. One that was
/// this instance's own until it took another name is none of another's.
fn served_classes_are_of_others(instance: &ValidInstance, lane: LaneName, classes: &[IngressClass]) -> Vec<Rejection> {
    let listed = instance.spec.lane(lane).ingress_class.also_serve.iter();
    let foreign = |name: &&String| {
        find(name, classes).is_some_and(|class| is_of_a_gateway(class) && !is_made_for(instance, class))
    };
    let reject = |name: &String| Rejection {
        remedy: REMOVE_FROM_ALSO_SERVE.to_owned(),
        ..Rejection::new(
            reason::CLASS_TAKEN,
            format!("The {lane} lane lists {name} in alsoServe, which is the class of another GatewayInstance."),
        )
    };
    listed.filter(foreign).map(reject).collect()
}

const REMOVE_FROM_ALSO_SERVE: &str = "Remove it from alsoServe.";

/// Of several instances that claim a class one keeps it, and only the others are rejected.
fn claims_prevail(instance: &ValidInstance, own: &Claim, gathered: &Gathered) -> Vec<Rejection> {
    // What a confined one claims takes nothing from one that is not, and what it may not claim takes nothing from anybody.
    let counts = |other: &&Claim| !other.is_of_same_instance(own) && (own.confined || !other.confined);
    let others = gathered.others.iter().filter(counts);
    let shared =
        others.flat_map(|other| other.classes.intersection(&own.classes).map(move |class| (class.as_str(), other)));
    let mut lost: Vec<(&str, &Claim)> = shared
        .filter(|(name, other)| {
            let class = find(name, &gathered.classes);
            if own.confined && !other.confined {
                return !class.is_some_and(|class| is_made_for(instance, class));
            }
            if other.confined && !other.own.contains(*name) {
                return false;
            }
            match (own.own.contains(*name), other.own.contains(*name)) {
                (true, false) => false,
                // Nobody can have the class of another controller for his own, so that claim takes it from nobody.
                (false, true) => class.is_none_or(is_of_a_gateway),
                (true, true) => !class.is_some_and(|class| is_made_for(instance, class)) && other.is_older_than(own),
                (false, false) => other.is_older_than(own),
            }
        })
        .collect();
    lost.sort_by_key(|(name, other)| {
        (*name, !other.own.contains(*name), other.namespace.as_str(), other.name.as_str())
    });
    lost.dedup_by_key(|(name, _)| *name);
    lost.into_iter().map(|(name, other)| claimed_twice(name, own, other)).collect()
}

fn claimed_twice(class: &str, own: &Claim, other: &Claim) -> Rejection {
    let holder = format!("{}/{}", other.namespace, other.name);
    if other.own.contains(class) && !own.own.contains(class) {
        return Rejection {
            remedy: REMOVE_FROM_ALSO_SERVE.to_owned(),
            ..Rejection::new(
                reason::CLASS_CLAIMED_TWICE,
                format!("alsoServe lists the class {class}, which is the GatewayInstance {holder}'s own."),
            )
        };
    }
    let first = match (&own.created, &other.created) {
        _ if own.confined && !other.confined => {
            format!("the GatewayInstance {holder}, whose namespace is one of --platform-namespaces")
        }
        (None, None) => {
            format!("another GatewayInstance too; neither has a creationTimestamp, so {holder} comes first by name")
        }
        (own, other) if own == other => {
            format!("another GatewayInstance too; both were created at the same time, so {holder} comes first by name")
        }
        _ => format!("the older GatewayInstance {holder}"),
    };
    Rejection::new(reason::CLASS_CLAIMED_TWICE, format!("The class {class} is claimed by {first}."))
}

fn find<'a>(name: &str, classes: &'a [IngressClass]) -> Option<&'a IngressClass> {
    classes.iter().find(|class| class.metadata.name.as_deref() == Some(name))
}

fn controller(class: &IngressClass) -> &str {
    class.spec.as_ref().and_then(|spec| spec.controller.as_deref()).unwrap_or_default()
}

fn is_of_a_gateway(class: &IngressClass) -> bool {
    controller(class) == CONTROLLER
}

/// Whether the operator made it for this very instance, and not for an earlier one of its name.
fn is_made_for(instance: &ValidInstance, class: &IngressClass) -> bool {
    let owner = class.metadata.labels.as_ref().and_then(|labels| labels.get(LABEL_INSTANCE_UID));
    is_of_a_gateway(class) && owner.map(String::as_str) == Some(instance.uid())
}

/// First minor version of Kubernetes 1 whose Services know `PreferSameZone` and `PreferSameNode` without a feature gate.
const SAME_ZONE_SINCE: u32 = 34;

fn cluster_is_new_enough(instance: &ValidInstance, minor: Option<u32>) -> Vec<Rejection> {
    let Some(minor) = minor.filter(|minor| *minor < SAME_ZONE_SINCE) else { return Vec::new() };
    let lanes = instance.spec.enabled_lanes();
    let wants = lanes.filter_map(|(lane, spec)| Some((lane, spec.service.traffic_distribution?)));
    let too_new = wants.filter(|(_, wanted)| *wanted != TrafficDistribution::PreferClose);
    let reject = |(lane, wanted): (LaneName, TrafficDistribution)| {
        Rejection::new(
            reason::CLUSTER_TOO_OLD,
            format!(
                "spec.{}.service.trafficDistribution {} needs Kubernetes 1.{SAME_ZONE_SINCE}, but the cluster runs 1.{minor}.",
                lane.field(),
                wanted.as_str()
            ),
        )
    };
    too_new.map(reject).collect()
}

/// Text of others, as it may be shown in a status.
fn shown(text: &str) -> String {
    text.chars().take(253).flat_map(char::escape_debug).collect()
}

impl Rejection {
    /// With the remedy that the table of reasons knows.
    fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), remedy: reason.remedy.to_owned() }
    }
}

#[cfg(test)]
mod tests;
