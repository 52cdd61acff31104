//! Whom an event on an object of another kind concerns. Pure: the object and the known instances come in.

use std::sync::Arc;

use bulkhead_compile::{class_of, references};
use bulkhead_crds::instance::GatewayInstance;
use bulkhead_crds::names;
use bulkhead_crds::scope::NamespaceSource;
use k8s_openapi::api::networking::v1::Ingress;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::runtime::reflector::ObjectRef;

use crate::kind::{Key, Kind};
use crate::ours::could_be_of;
use crate::owner::{InstanceId, label};
use crate::publish::changes;

type Instances = [Arc<GatewayInstance>];
type Reference = ObjectRef<GatewayInstance>;

/// The instance that an object was made for: by its labels, or where those were removed, by its owner reference. Nobody, if no plan of
/// that instance would have named it so.
#[must_use]
pub fn of_child(kind: Kind, meta: &ObjectMeta) -> Vec<Reference> {
    let mut makers = makers(meta);
    makers
        .retain(|maker| could_be_of(&Key::of(kind, meta), maker.namespace.as_deref().unwrap_or_default(), &maker.name));
    makers
}

fn makers(meta: &ObjectMeta) -> Vec<Reference> {
    if let (Some(name), Some(namespace)) =
        (label(meta, names::LABEL_INSTANCE), label(meta, names::LABEL_INSTANCE_NAMESPACE))
    {
        return vec![ObjectRef::new(name).within(namespace)];
    }
    let owners = meta.owner_references.iter().flatten().filter(|owner| owner.kind == "GatewayInstance");
    owners.map(|owner| ObjectRef::new(&owner.name).within(meta.namespace.as_deref().unwrap_or_default())).collect()
}

/// The instance whose lane a pod is of. Its labels name no namespace, for it is its own.
#[must_use]
pub fn of_pod(meta: &ObjectMeta) -> Vec<Reference> {
    let name = label(meta, names::LABEL_INSTANCE);
    name.map(|name| ObjectRef::new(name).within(meta.namespace.as_deref().unwrap_or_default())).into_iter().collect()
}

/// The instances that mean to serve the class of this name.
#[must_use]
pub fn of_class(class: &str, instances: &Instances) -> Vec<Reference> {
    pick(instances, |instance| {
        let name = instance.metadata.name.as_deref().unwrap_or_default();
        instance.spec.enabled_lanes().any(|(lane, spec)| {
            spec.class_name(name, lane) == class || spec.ingress_class.also_serve.iter().any(|also| also == class)
        })
    })
}

/// The instances that mean to serve an Ingress, if it refers to anything that they have to copy.
#[must_use]
pub fn of_ingress(ingress: &Ingress, instances: &Instances) -> Vec<Reference> {
    match class_of(ingress) {
        Some(class) if !references(ingress).is_empty() => of_class(class, instances),
        _ => Vec::new(),
    }
}

/// The instances that mean to serve an Ingress.
#[must_use]
pub fn of_served(ingress: &Ingress, instances: &Instances) -> Vec<Reference> {
    class_of(ingress).map(|class| of_class(class, instances)).unwrap_or_default()
}

/// The instances that tell an Ingress where it is reached, or did.
#[must_use]
pub fn of_published(ingress: &Ingress, instances: &Instances) -> Vec<Reference> {
    let mut concerned = of_served(ingress, instances);
    let told = changes::speakers(ingress).filter_map(changes::speaks_for);
    concerned.extend(told.map(|(namespace, name)| ObjectRef::new(name).within(namespace)));
    concerned
}

/// The instances whose scope may gain or lose a namespace.
#[must_use]
pub fn of_namespace(namespace: &str, instances: &Instances) -> Vec<Reference> {
    pick(instances, |instance| {
        let scope = &instance.spec.scope.namespaces;
        match scope.from {
            NamespaceSource::All | NamespaceSource::Same => false,
            NamespaceSource::Names => scope.names.iter().any(|name| name == namespace),
            NamespaceSource::Selector => true,
        }
    })
}

/// References to instances that are known by their UID.
#[must_use]
pub fn of_ids(ids: Vec<InstanceId>) -> Vec<Reference> {
    ids.into_iter().map(|id| ObjectRef::new(&id.name).within(&id.namespace)).collect()
}

fn pick(instances: &Instances, concerned: impl Fn(&GatewayInstance) -> bool) -> Vec<Reference> {
    instances
        .iter()
        .filter(|instance| concerned(instance))
        .map(|instance| ObjectRef::from_obj(instance.as_ref()))
        .collect()
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
    use serde_json::json;

    use super::*;

    fn instance(name: &str, spec: serde_json::Value) -> Arc<GatewayInstance> {
        let value = json!({
            "apiVersion": "bulkhead.io/v1alpha1", "kind": "GatewayInstance",
            "metadata": { "name": name, "namespace": "infra" }, "spec": spec,
        });
        Arc::new(serde_json::from_value(value).expect("an instance"))
    }

    fn ingress(class: &str, tls: bool) -> Ingress {
        let tls = if tls { json!([{ "secretName": "cert" }]) } else { json!([]) };
        serde_json::from_value(json!({
            "metadata": { "name": "web", "namespace": "team" },
            "spec": { "ingressClassName": class, "tls": tls },
        }))
        .expect("an Ingress")
    }

    fn names(references: Vec<Reference>) -> Vec<String> {
        references.into_iter().map(|reference| reference.name).collect()
    }

    #[test]
    fn a_child_is_traced_by_labels_and_else_by_its_owner() {
        let labels = [(names::LABEL_INSTANCE, "edge"), (names::LABEL_INSTANCE_NAMESPACE, "infra")];
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let (namespace, name) = (Some("infra".to_owned()), Some("edge-east-west".to_owned()));
        let named = ObjectMeta { namespace, name, ..ObjectMeta::default() };
        let labelled = ObjectMeta { labels: Some(labels), ..named.clone() };
        assert_eq!(of_child(Kind::ConfigMap, &labelled), [ObjectRef::new("edge").within("infra")]);
        let copied = ObjectMeta { namespace: Some("team".to_owned()), ..labelled };
        assert_eq!(of_child(Kind::ConfigMap, &copied), []);
        let owner =
            OwnerReference { kind: "GatewayInstance".to_owned(), name: "edge".to_owned(), ..Default::default() };
        let owned = ObjectMeta { owner_references: Some(vec![owner]), ..named.clone() };
        assert_eq!(of_child(Kind::ConfigMap, &owned), [ObjectRef::new("edge").within("infra")]);
        assert_eq!(of_child(Kind::ConfigMap, &named), []);
    }

    #[test]
    fn an_ingress_concerns_those_who_serve_its_class_and_only_if_it_refers_to_something() {
        let known = [
            instance("edge", json!({})),
            instance("shop", json!({ "northSouth": { "ingressClass": { "alsoServe": ["nginx"] } } })),
        ];
        assert_eq!(names(of_ingress(&ingress("edge-east-west", true), &known)), ["edge"]);
        assert_eq!(names(of_ingress(&ingress("nginx", true), &known)), ["shop"]);
        assert_eq!(names(of_ingress(&ingress("nginx", false), &known)), Vec::<String>::new());
        assert_eq!(names(of_ingress(&ingress("else", true), &known)), Vec::<String>::new());
    }

    #[test]
    fn a_namespace_concerns_those_who_name_it_or_select_by_label() {
        let known = [
            instance("all", json!({})),
            instance("named", json!({ "scope": { "namespaces": { "from": "Names", "names": ["team"] } } })),
            instance("selected", json!({ "scope": { "namespaces": { "from": "Selector", "selector": {} } } })),
        ];
        assert_eq!(names(of_namespace("team", &known)), ["named", "selected"]);
        assert_eq!(names(of_namespace("other", &known)), ["selected"]);
    }
}
