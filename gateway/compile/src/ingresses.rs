//! All Ingresses, and who among those that are served names which host and which Service.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bulkhead_model::HostPattern;

use crate::age::Age;
use crate::ingress::Declared;
use crate::name::Name;

/// Ingresses by name. Those that are not served are held, and count for nothing.
#[derive(Debug, Default)]
pub(crate) struct Ingresses {
    held: BTreeMap<Name, Held>,
    /// Served Ingresses with rules for a host, oldest first.
    claims: BTreeMap<HostPattern, BTreeMap<Age, Arc<Declared>>>,
    /// Served Ingresses that refer to a Service.
    referrers: BTreeMap<Name, BTreeSet<Name>>,
}

#[derive(Debug)]
struct Held {
    declared: Arc<Declared>,
    served: bool,
}

impl Ingresses {
    pub(crate) fn get(&self, name: &Name) -> Option<&Declared> {
        self.held.get(name).map(|held| &*held.declared)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &Name> {
        self.held.keys()
    }

    pub(crate) fn served_count(&self) -> usize {
        self.held.values().filter(|held| held.served).count()
    }

    /// Those about which `serves` has changed its mind, and what it says now.
    pub(crate) fn turned(&self, serves: impl Fn(&Declared) -> bool) -> Vec<(Name, bool)> {
        let verdicts = self.held.iter().map(|(name, held)| (name, held.served, serves(&held.declared)));
        verdicts.filter(|(_, was, is)| was != is).map(|(name, _, is)| (name.clone(), is)).collect()
    }

    /// Puts an Ingress in, not served yet. One that is there must not be served any more.
    pub(crate) fn insert(&mut self, declared: Declared) {
        self.held.insert(declared.age.name.clone(), Held { declared: Arc::new(declared), served: false });
    }

    pub(crate) fn remove(&mut self, name: &Name) {
        self.held.remove(name);
    }

    /// Enters an Ingress into the indexes or takes it out of them; the Ingress, if that changes anything.
    pub(crate) fn set_served(&mut self, name: &Name, served: bool) -> Option<&Declared> {
        let held = self.held.get_mut(name).filter(|held| held.served != served)?;
        held.served = served;
        for host in held.declared.hosts.keys() {
            if served {
                let claims = self.claims.entry(host.clone()).or_default();
                claims.insert(held.declared.age.clone(), Arc::clone(&held.declared));
            } else if let Some(claims) = self.claims.get_mut(host) {
                claims.remove(&held.declared.age);
                if claims.is_empty() {
                    self.claims.remove(host);
                }
            }
        }
        for service in held.declared.services() {
            let service = name.beside(service);
            if served {
                self.referrers.entry(service).or_default().insert(name.clone());
            } else if let Some(referrers) = self.referrers.get_mut(&service) {
                referrers.remove(name);
                if referrers.is_empty() {
                    self.referrers.remove(&service);
                }
            }
        }
        Some(&held.declared)
    }

    /// Every host that a served Ingress names.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &HostPattern> {
        self.claims.keys()
    }

    /// Served Ingresses with rules for a host, oldest first. `None`: nobody names it.
    pub(crate) fn claims(&self, host: &HostPattern) -> Option<impl Iterator<Item = &Declared>> {
        Some(self.claims.get(host)?.values().map(|declared| &**declared))
    }

    /// Hosts of which a served rule refers to a Service.
    pub(crate) fn hosts_of_service(&self, service: &Name) -> impl Iterator<Item = &HostPattern> {
        let referrers = self.referrers.get(service).into_iter().flatten();
        referrers.filter_map(|name| self.get(name)).flat_map(|declared| declared.hosts_of(service))
    }
}
