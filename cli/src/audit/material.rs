//! The objects that an audit is made of, wherever they come from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bulkhead_compile::{KeyringEntry, Object, ReferenceKind};
use bulkhead_crds::instance::GatewayInstanceSpec;
use bulkhead_crds::names::{GROUP, LaneName};
use bulkhead_gateway::source::content;
use bulkhead_gateway::source::manifest::{self, Content, Manifest, Other, Parsed};
use bulkhead_gateway::source::stamp::walk;
use k8s_openapi::api::networking::v1::{Ingress, IngressClass};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;

use super::AuditError;
use crate::strict;

/// Namespace and name.
pub(crate) type Place = (String, String);

/// What was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Material {
    pub(crate) ingresses: BTreeMap<Place, Ingress>,
    pub(crate) classes: BTreeMap<String, IngressClass>,
    /// Services, EndpointSlices, Secrets and ConfigMaps.
    pub(crate) objects: Vec<Object>,
    /// Whether Services were read at all.
    pub(crate) has_services: bool,
    /// Secrets and ConfigMaps whose content is known.
    pub(crate) contents: BTreeSet<(ReferenceKind, Place)>,
    /// Whether all there is was read, so that what is not known is not there. A cluster is not asked for Secrets.
    pub(crate) is_complete: bool,
    /// Classes that GatewayInstances make.
    pub(crate) own_classes: BTreeSet<String>,
    /// Deployments and DaemonSets, as written: a controller may be among them.
    pub(crate) workloads: BTreeMap<Place, Value>,
    pub(crate) config_maps: BTreeMap<Place, ConfigMap>,
    /// What could not be read, a sentence each.
    pub(crate) problems: BTreeSet<String>,
    /// What was left out and is not needed, a sentence each.
    pub(crate) remarks: BTreeSet<String>,
}

/// A ConfigMap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ConfigMap {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) data: BTreeMap<String, String>,
}

impl Material {
    /// Everything below a directory.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub(crate) fn of_directory(root: &Path) -> Result<Self, AuditError> {
        let unreadable = |error| AuditError::Unreadable(root.to_owned(), error);
        let path = root.canonicalize().map_err(unreadable)?;
        let mut material = Self::default();
        for below in walk(&path).map_err(unreadable)?.into_keys() {
            let name = root.join(&below).display().to_string();
            match content::read(&path, &below) {
                Ok(text) => material.add_text(&name, &text),
                Err(error) => {
                    material.problems.insert(format!("{name}: {error}"));
                }
            }
        }
        Ok(material)
    }

    /// The objects of a text, which came from `name`.
    pub(crate) fn add_text(&mut self, name: &str, text: &str) {
        self.is_complete = true;
        let Parsed { manifests, errors } = manifest::parse_each(text);
        // What is left out shifts the items of a list, and is told in any case.
        let remarks = if errors.is_empty() { strict::remarks(text, &manifests) } else { Vec::new() };
        self.problems.extend(errors.iter().map(|error| format!("{name}: {error}")));
        for remark in remarks {
            let told = if remark.is_passed_over { &mut self.problems } else { &mut self.remarks };
            told.insert(format!("{name}: {}", remark.text));
        }
        manifests.into_iter().for_each(|manifest| self.add_manifest(manifest));
    }

    fn add_manifest(&mut self, manifest: Manifest) {
        match manifest.content {
            Content::Object(Object::ConfigMap(entry)) => self.add_config_map(entry, manifest.labels),
            Content::Object(object) => self.add(object),
            Content::Other(other) => self.add_other(&other),
        }
    }

    /// Adds an object. The first of two with one name counts, as in a gateway.
    pub(crate) fn add(&mut self, object: Object) {
        match object {
            Object::Ingress(ingress) => {
                self.ingresses.entry(place(&ingress.metadata)).or_insert(*ingress);
            }
            Object::IngressClass(class) => {
                self.classes.entry(class.metadata.name.clone().unwrap_or_default()).or_insert(*class);
            }
            Object::Secret(entry) => {
                let place = (entry.namespace.clone(), entry.name.clone());
                if self.contents.insert((ReferenceKind::Secret, place)) {
                    self.objects.push(Object::Secret(entry));
                }
            }
            Object::ConfigMap(entry) => self.add_config_map(entry, BTreeMap::new()),
            Object::Service(_) => {
                self.has_services = true;
                self.objects.push(object);
            }
            _ => self.objects.push(object),
        }
    }

    fn add_config_map(&mut self, entry: KeyringEntry, labels: BTreeMap<String, String>) {
        let text = |(key, value): (&String, &Vec<u8>)| (key.clone(), String::from_utf8_lossy(value).into_owned());
        let data = entry.data.iter().map(text).collect();
        let place = (entry.namespace.clone(), entry.name.clone());
        if self.contents.insert((ReferenceKind::ConfigMap, place.clone())) {
            self.config_maps.insert(place, ConfigMap { labels, data });
            self.objects.push(Object::ConfigMap(entry));
        }
    }

    fn add_other(&mut self, other: &Other) {
        let text = |path: &str| other.value.pointer(path).and_then(Value::as_str).map(str::to_owned);
        let Some(name) = text("/metadata/name") else { return };
        if other.kind == "GatewayInstance" && other.api_version.split('/').next() == Some(GROUP) {
            let spec = other.value.get("spec").cloned().unwrap_or_default();
            let spec: GatewayInstanceSpec = serde_json::from_value(spec).unwrap_or_default();
            self.own_classes.extend(LaneName::ALL.map(|lane| spec.lane(lane).class_name(&name, lane)));
            return;
        }
        let place = (text("/metadata/namespace").unwrap_or_else(|| "default".to_owned()), name);
        if let ("apps/v1", "Deployment" | "DaemonSet") = (other.api_version.as_str(), other.kind.as_str()) {
            self.workloads.entry(place).or_insert_with(|| other.value.clone());
        }
    }
}

pub(crate) fn place(metadata: &ObjectMeta) -> Place {
    (metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default())
}
