//! Whose Ingresses a lane serves.

use std::collections::BTreeMap;

use bulkhead_crds::lane::{LaneDocument, LaneIdentity};
use bulkhead_crds::names::{CONTROLLER, GROUP, LABEL_INSTANCE_UID, LABEL_LANE};
use bulkhead_crds::report::ClassReport;
use k8s_openapi::api::networking::v1::{Ingress, IngressClass};

/// The annotation that named a class before `spec.ingressClassName` did (Kubernetes 1.18).
const LEGACY_CLASS: &str = "kubernetes.io/ingress.class";

/// The class an Ingress names: `spec.ingressClassName`, or the legacy annotation when the field is unset.
#[must_use]
pub fn class_of(ingress: &Ingress) -> Option<&str> {
    let field = ingress.spec.as_ref().and_then(|spec| spec.ingress_class_name.as_deref());
    field.or_else(|| ingress.metadata.annotations.as_ref()?.get(LEGACY_CLASS).map(String::as_str))
}

/// Whether an IngressClass is this lane's own: its controller is ours, its parameters name this GatewayInstance, and its
/// labels carry the instance's UID and the lane.
///
/// # Errors
/// Why not, as a sentence.
pub fn owns_class(class: &IngressClass, identity: &LaneIdentity) -> Result<(), String> {
    let spec = class.spec.as_ref();
    let controller = spec.and_then(|spec| spec.controller.as_deref()).unwrap_or_default();
    same("Its spec.controller", controller, CONTROLLER)?;
    let Some(parameters) = spec.and_then(|spec| spec.parameters.as_ref()) else {
        return Err("It has no spec.parameters, so it belongs to no GatewayInstance.".to_owned());
    };
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    same("Its spec.parameters.apiGroup", &text(&parameters.api_group), GROUP)?;
    same("Its spec.parameters.kind", &parameters.kind, "GatewayInstance")?;
    same("Its spec.parameters.scope", &text(&parameters.scope), "Namespace")?;
    same("Its spec.parameters.namespace", &text(&parameters.namespace), &identity.namespace)?;
    same("Its spec.parameters.name", &parameters.name, &identity.instance)?;
    let label = |key: &str| class.metadata.labels.as_ref().and_then(|labels| labels.get(key)).cloned();
    same("Its label bulkhead.io/instance-uid", &label(LABEL_INSTANCE_UID).unwrap_or_default(), &identity.uid)?;
    same("Its label bulkhead.io/lane", &label(LABEL_LANE).unwrap_or_default(), identity.lane.slug())
}

fn same(what: &str, found: &str, wanted: &str) -> Result<(), String> {
    if found == wanted && !wanted.is_empty() {
        return Ok(());
    }
    // Written by whoever may write IngressClasses, and shown in a status.
    let found: String = found.chars().take(253).flat_map(char::escape_debug).collect();
    Err(format!("{what} is \"{found}\", not \"{wanted}\"."))
}

/// A verdict on every class the lane was told to serve, its own first.
pub(crate) fn judge(lane: &LaneDocument, classes: &BTreeMap<String, IngressClass>) -> Vec<ClassReport> {
    let own = match classes.get(&lane.classes.own) {
        None => Err("There is no IngressClass of this name.".to_owned()),
        Some(class) => owns_class(class, &lane.identity),
    };
    let own =
        ClassReport { name: lane.classes.own.clone(), served: own.is_ok(), reason: own.err().unwrap_or_default() };
    // Listed by name because somebody else's controller has the class; its object is theirs to keep or delete. The lane's
    // own class is never taken on its name alone.
    let others = lane.classes.also_serve.iter().filter(|name| **name != lane.classes.own);
    let others = others.map(|name| match classes.get(name) {
        Some(class) if is_of_another_gateway(class, &lane.identity) => ClassReport {
            name: name.clone(),
            served: false,
            reason: "It is the class of another GatewayInstance.".to_owned(),
        },
        _ => ClassReport { name: name.clone(), served: true, reason: String::new() },
    });
    std::iter::once(own).chain(others).collect()
}

/// Whether another instance has the class for its own. A lane document may have been written before that came into being.
fn is_of_another_gateway(class: &IngressClass, identity: &LaneIdentity) -> bool {
    let controller = class.spec.as_ref().and_then(|spec| spec.controller.as_deref());
    let uid = class.metadata.labels.as_ref().and_then(|labels| labels.get(LABEL_INSTANCE_UID));
    controller == Some(CONTROLLER) && uid != Some(&identity.uid)
}
