//! Objects that come and go, and what each of them touches.

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::Ingress;

use super::Compiler;
use crate::class;
use crate::findings::Origin;
use crate::ingress::Declared;
use crate::name::Name;
use crate::object::{Key, Kind, Object};
use crate::outside;
use crate::service::Ports;
use crate::slice::Slice;
use crate::tls;

impl Compiler {
    /// Puts an object in, in place of one with the same key.
    pub fn apply(&mut self, object: Object) {
        match object {
            Object::Ingress(ingress) => self.apply_ingress(ingress),
            Object::IngressClass(class) => {
                let name = class.metadata.name.clone().unwrap_or_default();
                self.classes.insert(name, *class);
                self.judge();
            }
            Object::Service(service) => {
                self.set_service(&Name::of(&service.metadata), Some(Ports::read(&service, &self.options)));
            }
            Object::EndpointSlice(slice) => {
                let name = Name::of(&slice.metadata);
                self.set_slice(&name, Some(Slice::read(&slice, &self.options)));
            }
            Object::Secret(entry) => {
                let name = Name::new(&entry.namespace, &entry.name);
                self.set_secret(&name, Some(entry.data));
            }
            Object::ConfigMap(entry) => {
                let name = Name::new(&entry.namespace, &entry.name);
                self.set_config_map(&name, Some(entry.data));
            }
        }
    }

    /// Takes an object out, if it is there.
    pub fn delete(&mut self, key: &Key) {
        let name = Name::new(&key.namespace, &key.name);
        match key.kind {
            Kind::Ingress => {
                self.set_served(&name, false);
                self.ingresses.remove(&name);
            }
            Kind::IngressClass => {
                self.classes.remove(&key.name);
                self.judge();
            }
            Kind::Service => self.set_service(&name, None),
            Kind::EndpointSlice => self.set_slice(&name, None),
            Kind::Secret => self.set_secret(&name, None),
            Kind::ConfigMap => self.set_config_map(&name, None),
        }
    }

    /// Keys of all objects of a kind, in order: what a new list is compared with.
    #[must_use]
    pub fn keys(&self, kind: Kind) -> Vec<Key> {
        let key = |name: &Name| Key { kind, namespace: name.namespace.to_string(), name: name.name.to_string() };
        match kind {
            Kind::Ingress => self.ingresses.names().map(key).collect(),
            Kind::Service => self.catalog.services.keys().map(key).collect(),
            Kind::EndpointSlice => self.catalog.slices.keys().map(key).collect(),
            Kind::Secret => self.secrets.names().map(key).collect(),
            Kind::ConfigMap => self.config_maps.names().map(key).collect(),
            Kind::IngressClass => {
                let names = self.classes.keys().cloned();
                names.map(|name| Key { kind, namespace: String::new(), name }).collect()
            }
        }
    }

    fn apply_ingress(&mut self, ingress: Box<Ingress>) {
        let name = Name::of(&ingress.metadata);
        if !self.serves(&name, class::class_of(&ingress)) {
            self.set_served(&name, false);
            self.ingresses.insert_unread(name, ingress);
            return;
        }
        let declared = Declared::read(&ingress);
        if self.ingresses.get(&name) == Some(&declared) {
            return;
        }
        self.set_served(&name, false);
        self.ingresses.insert(declared);
        self.set_served(&name, true);
    }

    fn set_service(&mut self, name: &Name, ports: Option<Ports>) {
        if self.catalog.services.get(name) == ports.as_ref() {
            return;
        }
        match ports {
            Some(ports) => self.catalog.services.insert(name.clone(), ports),
            None => self.catalog.services.remove(name),
        };
        self.dirty.services.insert(name.clone());
        self.dirty.hosts.extend(self.ingresses.hosts_of_service(name).cloned());
    }

    fn set_slice(&mut self, name: &Name, slice: Option<Slice>) {
        let touched = self.catalog.set_slice(name, slice);
        self.dirty.services.extend(touched);
    }

    fn set_secret(&mut self, name: &Name, data: Option<BTreeMap<String, Vec<u8>>>) {
        if self.secrets.set(name, data) {
            self.dirty.tls.extend(self.ingresses.hosts_of_secret(name).cloned());
            self.dirty.hosts.extend(self.ingresses.hosts_behind(name).cloned());
            let default = self.lane.as_ref().and_then(|lane| tls::default_name(&lane.document));
            self.dirty.tls_defaults |= default.as_ref() == Some(name);
        }
    }

    fn set_config_map(&mut self, name: &Name, data: Option<BTreeMap<String, Vec<u8>>>) {
        if self.config_maps.set(name, data) {
            self.dirty.hosts.extend(self.ingresses.hosts_of_config_map(name).cloned());
        }
    }

    /// Decides anew which classes are served, and with them which Ingresses.
    pub(super) fn judge(&mut self) {
        let Some(lane) = &self.lane else { return };
        self.verdicts = class::judge(&lane.document, &self.classes);
        for (name, served) in self.ingresses.turned(|name, class| self.serves(name, class)) {
            self.set_served(&name, served);
        }
    }

    fn serves(&self, ingress: &Name, class: Option<&str>) -> bool {
        let Some(lane) = &self.lane else { return false };
        let served = |name: &str| self.verdicts.iter().any(|class| class.served && class.name == name);
        lane.document.scope.namespaces.contains(&ingress.namespace) && class.is_some_and(served)
    }

    /// Begins or ends serving an Ingress, and marks what depends on it.
    fn set_served(&mut self, name: &Name, served: bool) {
        let Some(declared) = self.ingresses.set_served(name, served) else { return };
        self.dirty.hosts.extend(declared.hosts.keys().chain(declared.names.keys()).cloned());
        self.dirty.services.extend(outside::hosts(&declared));
        // Rules say who owns a host, and with it who has a say on its certificate.
        let named = declared.hosts.keys().chain(declared.names.keys());
        self.dirty.tls.extend(declared.tls.keys().chain(named).cloned());
        let findings = if served { declared.findings.clone() } else { Vec::new() };
        self.ledger.set(Origin::Ingress(name.clone()), findings);
    }
}
