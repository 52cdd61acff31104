//! The objects of many manifest files, sorted by what `up` and `render` do with them.

use std::collections::{BTreeMap, BTreeSet};

use bulkhead_compile::{Object, class_of};
use bulkhead_crds::instance::GatewayInstance;
use bulkhead_crds::names::GROUP;
use bulkhead_gateway::source::manifest::{Content, Manifest, Other};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::networking::v1::IngressClass;

use crate::instance::{self, Mistake};
use crate::locate::line_of;
use crate::name::InstanceName;
use crate::strict;

/// The version of our own kinds that this program reads.
const VERSION: &str = "v1alpha1";

/// An Ingress, as far as it decides who serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrittenIngress {
    /// File and line.
    pub(crate) place: String,
    /// The class it names.
    pub(crate) class: Option<String>,
}

/// What the files say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inventory {
    /// Instances that an API server would take.
    pub(crate) instances: BTreeMap<InstanceName, GatewayInstance>,
    /// Instances that it would refuse. One that was good before stays as it was.
    pub(crate) refused: BTreeSet<InstanceName>,
    /// IngressClasses.
    pub(crate) classes: BTreeMap<String, IngressClass>,
    /// Services by namespace and name.
    pub(crate) services: BTreeMap<(String, String), Service>,
    /// Ingresses by namespace and name.
    pub(crate) ingresses: BTreeMap<(String, String), WrittenIngress>,
    /// Labels of the namespaces that are written down.
    pub(crate) namespaces: BTreeMap<String, BTreeMap<String, String>>,
    /// What cannot be used, a sentence each.
    pub(crate) problems: BTreeSet<String>,
}

impl Inventory {
    /// Adds the objects of a file, which are those of `text`. Of two definitions of one object the first counts, as in a gateway; gateways say so of the kinds
    /// they serve.
    pub(crate) fn add(&mut self, file: &str, text: &str, manifests: &[Manifest]) {
        for manifest in manifests {
            match &manifest.content {
                Content::Object(Object::IngressClass(class)) => {
                    let name = class.metadata.name.clone().unwrap_or_default();
                    self.classes.entry(name).or_insert_with(|| (**class).clone());
                }
                Content::Object(Object::Service(service)) => {
                    let text = |field: &Option<String>| field.clone().unwrap_or_default();
                    let key = (text(&service.metadata.namespace), text(&service.metadata.name));
                    self.services.entry(key).or_insert_with(|| (**service).clone());
                }
                Content::Object(Object::Ingress(ingress)) => {
                    let text = |field: &Option<String>| field.clone().unwrap_or_default();
                    let key = (text(&ingress.metadata.namespace), text(&ingress.metadata.name));
                    let written = WrittenIngress {
                        place: format!("{file}: line {}", manifest.line),
                        class: class_of(ingress).map(str::to_owned),
                    };
                    self.ingresses.entry(key).or_insert(written);
                }
                Content::Object(Object::EndpointSlice(_) | Object::Secret(_) | Object::ConfigMap(_)) => {}
                Content::Other(other) => {
                    if let Err(mistake) = self.add_other(other) {
                        let line = line_of(text, manifest.line, &mistake.field);
                        self.problems.insert(format!("{file}: line {line}: {}", mistake.reason));
                    }
                }
            }
        }
    }

    /// Adds what another inventory has; what this one has already counts.
    pub(crate) fn join(&mut self, other: Self) {
        for (name, instance) in other.instances {
            self.instances.entry(name).or_insert(instance);
        }
        for (name, class) in other.classes {
            self.classes.entry(name).or_insert(class);
        }
        for (name, service) in other.services {
            self.services.entry(name).or_insert(service);
        }
        for (name, ingress) in other.ingresses {
            self.ingresses.entry(name).or_insert(ingress);
        }
        for (name, labels) in other.namespaces {
            self.namespaces.entry(name).or_insert(labels);
        }
        self.problems.extend(other.problems);
        self.refused.extend(other.refused);
    }

    /// Takes refused instances as they were in `before`: what an API server refuses leaves what it has in force.
    pub(crate) fn keep_refused(&mut self, before: &Self) {
        for name in &self.refused {
            if let Some(instance) = before.instances.get(name) {
                self.instances.entry(name.clone()).or_insert_with(|| instance.clone());
            }
        }
    }

    fn add_other(&mut self, other: &Other) -> Result<(), Mistake> {
        match (other.api_version.as_str(), other.kind.as_str()) {
            ("v1", "Namespace") => self.add_namespace(other),
            (version, kind) if version.split('/').next() == Some(GROUP) => self.add_own(version, kind, other)?,
            _ => {}
        }
        Ok(())
    }

    fn add_own(&mut self, version: &str, kind: &str, other: &Other) -> Result<(), Mistake> {
        let known = format!("{GROUP}/{VERSION}");
        if (version, kind) != (&known, "GatewayInstance") {
            let reason = format!("there is no {kind} of {version}, write apiVersion {known} and kind GatewayInstance");
            return Err(Mistake { field: if version == known { "kind" } else { "apiVersion" }.to_owned(), reason });
        }
        let instance = instance::admit(&other.value).map_err(|mistake| {
            self.refused.extend(instance::claimed_name(&other.value));
            Mistake { reason: format!("{}: {}", strict::title(&other.value), mistake.reason), ..mistake }
        })?;
        let name = instance::name(&instance);
        if self.instances.contains_key(&name) {
            let reason = format!("GatewayInstance {name} is defined before: this definition is not used");
            return Err(Mistake { field: String::new(), reason });
        }
        self.instances.insert(name, instance);
        Ok(())
    }

    fn add_namespace(&mut self, other: &Other) {
        let Some(name) = other.value.pointer("/metadata/name").and_then(serde_json::Value::as_str) else { return };
        let written = other.value.pointer("/metadata/labels").cloned().unwrap_or_default();
        let mut labels: BTreeMap<String, String> = serde_json::from_value(written).unwrap_or_default();
        // An API server gives every namespace this label (Kubernetes 1.22).
        labels.insert("kubernetes.io/metadata.name".to_owned(), name.to_owned());
        self.namespaces.entry(name.to_owned()).or_insert(labels);
    }
}

#[cfg(test)]
mod tests {
    use bulkhead_gateway::source::manifest::parse;

    use super::*;

    fn inventory(files: &[(&str, &str)]) -> Inventory {
        let mut inventory = Inventory::default();
        files.iter().for_each(|(file, text)| inventory.add(file, text, &parse(text).unwrap()));
        inventory
    }

    const HARBOUR: &str =
        "apiVersion: bulkhead.io/v1alpha1\nkind: GatewayInstance\nmetadata: {name: harbour, namespace: port}\n";

    #[test]
    fn every_object_finds_its_place() {
        let rest = "---\napiVersion: v1\nkind: Service\nmetadata: {name: pier}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: port, labels: {sea: north}}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\n";
        let inventory = inventory(&[("a.yaml", &format!("{HARBOUR}spec: {{}}\n{rest}"))]);
        assert_eq!(inventory.instances.keys().map(ToString::to_string).collect::<Vec<_>>(), ["port/harbour"]);
        assert_eq!(inventory.services.keys().next(), Some(&("default".to_owned(), "pier".to_owned())));
        assert_eq!(inventory.namespaces["port"].len(), 2);
        assert!(inventory.problems.is_empty());
    }

    #[test]
    fn the_first_definition_of_an_instance_counts_and_the_second_is_named() {
        let first = format!("{HARBOUR}spec: {{image: one}}");
        let second = format!("# comment\n{HARBOUR}spec: {{image: two}}");
        let inventory = inventory(&[("a.yaml", &first), ("b.yaml", &second)]);
        assert_eq!(inventory.instances.values().next().unwrap().spec.image, "one");
        let problem = inventory.problems.first().unwrap();
        assert!(problem.starts_with("b.yaml: line 2: GatewayInstance port/harbour is defined before"), "{problem}");
    }

    #[test]
    fn a_refused_change_leaves_the_last_good_instance_in_force() {
        let before = inventory(&[("a.yaml", &format!("{HARBOUR}spec: {{image: one}}"))]);
        let mut after =
            inventory(&[("a.yaml", &format!("{HARBOUR}spec: {{northsouth: {{enabled: true}}, image: two}}"))]);
        assert!(after.instances.is_empty());
        after.keep_refused(&before);
        assert_eq!(after.instances.values().next().unwrap().spec.image, "one");
        let mut gone = inventory(&[("a.yaml", "")]);
        gone.keep_refused(&before);
        assert!(gone.instances.is_empty(), "what is removed is gone");
    }

    #[test]
    fn another_version_of_our_own_kind_is_no_stranger() {
        let inventory =
            inventory(&[("a.yaml", "apiVersion: bulkhead.io/v9\nkind: GatewayInstance\nmetadata: {name: a}")]);
        assert!(inventory.problems.first().unwrap().contains("write apiVersion bulkhead.io/v1alpha1"));
    }
}
