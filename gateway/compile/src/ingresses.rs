//! All Ingresses, and who among those that are served names which host, which Service, which Secret and which ConfigMap.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bulkhead_model::HostPattern;
use k8s_openapi::api::networking::v1::Ingress;

use crate::age::Age;
use crate::class::class_of;
use crate::ingress::Declared;
use crate::name::Name;
use crate::object::trim_ingress;
use crate::outside;

/// Ingresses by name. Those that are not served are held, and count for nothing.
#[derive(Debug, Default)]
pub(crate) struct Ingresses {
    held: BTreeMap<Name, Held>,
    /// Served Ingresses with rules for a host, oldest first.
    claims: Claims,
    /// Served canaries with rules for a host, oldest first.
    canaries: Claims,
    /// Served Ingresses that want a certificate for a host, oldest first.
    tls_claims: Claims,
    /// Served Ingresses that know one of their hosts by a further name, oldest first.
    names: Claims,
    /// Served Ingresses that refer to a Service.
    of_service: Referrers,
    /// Served Ingresses that refer to a Secret.
    of_secret: Referrers,
    /// Served Ingresses that refer to a ConfigMap.
    of_config_map: Referrers,
}

type Claims = BTreeMap<HostPattern, BTreeSet<ByAge>>;

/// An Ingress among others, the oldest first.
#[derive(Debug)]
struct ByAge(Arc<Declared>);

impl Borrow<Age> for ByAge {
    fn borrow(&self) -> &Age {
        &self.0.age
    }
}

impl Ord for ByAge {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.age.cmp(&other.0.age)
    }
}

impl PartialOrd for ByAge {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ByAge {
    fn eq(&self, other: &Self) -> bool {
        self.0.age == other.0.age
    }
}

impl Eq for ByAge {}

type Referrers = BTreeMap<Name, BTreeSet<Name>>;

#[derive(Debug)]
struct Held {
    content: Content,
    served: bool,
}

#[derive(Debug)]
enum Content {
    /// Not served since it came: nothing has been made of it, because anybody may write Ingresses of a class that nobody serves.
    Unread(Box<Ingress>),
    /// Served, now or before its class was lost.
    Read(Arc<Declared>),
}

impl Content {
    fn class(&self) -> Option<&str> {
        match self {
            Self::Unread(ingress) => class_of(ingress),
            Self::Read(declared) => declared.class.as_deref(),
        }
    }

    fn declared(&self) -> Option<&Arc<Declared>> {
        match self {
            Self::Unread(_) => None,
            Self::Read(declared) => Some(declared),
        }
    }

    /// What the Ingress declares, read now if it never was.
    fn read(&mut self) -> Arc<Declared> {
        let declared = match self {
            Self::Unread(ingress) => Arc::new(Declared::read(ingress)),
            Self::Read(declared) => return Arc::clone(declared),
        };
        *self = Self::Read(Arc::clone(&declared));
        declared
    }
}

impl Ingresses {
    /// What is made of an Ingress, if it was ever served.
    pub(crate) fn get(&self, name: &Name) -> Option<&Declared> {
        self.held.get(name)?.content.declared().map(|declared| &**declared)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &Name> {
        self.held.keys()
    }

    pub(crate) fn served_count(&self) -> usize {
        self.held.values().filter(|held| held.served).count()
    }

    /// Those about which `serves` has changed its mind, and what it says now.
    pub(crate) fn turned(&self, serves: impl Fn(&Name, Option<&str>) -> bool) -> Vec<(Name, bool)> {
        let verdicts = self.held.iter().map(|(name, held)| (name, held.served, serves(name, held.content.class())));
        verdicts.filter(|(_, was, is)| was != is).map(|(name, _, is)| (name.clone(), is)).collect()
    }

    /// Puts an Ingress in, not served yet. One that is there must not be served any more.
    pub(crate) fn insert(&mut self, declared: Declared) {
        let name = declared.age.name.clone();
        self.held.insert(name, Held { content: Content::Read(Arc::new(declared)), served: false });
    }

    /// Puts an Ingress in that is not to be served, as [`insert`](Self::insert) does.
    pub(crate) fn insert_unread(&mut self, name: Name, mut ingress: Box<Ingress>) {
        trim_ingress(&mut ingress);
        self.held.insert(name, Held { content: Content::Unread(ingress), served: false });
    }

    pub(crate) fn remove(&mut self, name: &Name) {
        self.held.remove(name);
    }

    /// Enters an Ingress into the indexes or takes it out of them; the Ingress, if that changes anything.
    pub(crate) fn set_served(&mut self, name: &Name, served: bool) -> Option<Arc<Declared>> {
        let held = self.held.get_mut(name).filter(|held| held.served != served)?;
        held.served = served;
        let declared = held.content.read();
        let claims = if declared.canary.is_some() { &mut self.canaries } else { &mut self.claims };
        set_claims(claims, declared.hosts.keys(), &declared, served);
        set_claims(&mut self.tls_claims, declared.tls.keys(), &declared, served);
        set_claims(&mut self.names, declared.names.keys(), &declared, served);
        set_referrers(&mut self.of_service, declared.services(), name, served);
        set_referrers(&mut self.of_secret, declared.secrets(), name, served);
        for host in outside::hosts(&declared) {
            set_referrer(&mut self.of_service, host, name, served);
        }
        set_referrers(&mut self.of_config_map, declared.policies.config_maps(), name, served);
        Some(declared)
    }

    /// Every host that a served Ingress names, some of them twice.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &HostPattern> {
        self.claims.keys().chain(self.canaries.keys())
    }

    /// Every host that a served Ingress wants a certificate for.
    pub(crate) fn tls_hosts(&self) -> impl Iterator<Item = &HostPattern> {
        self.tls_claims.keys()
    }

    /// Served canaries with rules for a host, oldest first.
    pub(crate) fn canaries(&self, host: &HostPattern) -> impl Iterator<Item = &Declared> {
        self.canaries.get(host).into_iter().flatten().map(|ByAge(declared)| &**declared)
    }

    /// Every further name that a served Ingress gives to one of its hosts.
    pub(crate) fn names_of_hosts(&self) -> impl Iterator<Item = &HostPattern> {
        self.names.keys()
    }

    /// Served Ingresses that give a host this further name, oldest first.
    pub(crate) fn named(&self, host: &HostPattern) -> impl Iterator<Item = &Declared> {
        self.names.get(host).into_iter().flatten().map(|ByAge(declared)| &**declared)
    }

    /// Served Ingresses with rules for a host, oldest first. `None`: nobody names it.
    pub(crate) fn claims(&self, host: &HostPattern) -> Option<impl Iterator<Item = &Declared>> {
        Some(self.claims.get(host)?.iter().map(|ByAge(declared)| &**declared))
    }

    /// Served Ingresses that want a certificate for a host, oldest first.
    pub(crate) fn tls_claims(&self, host: &HostPattern) -> impl Iterator<Item = &Declared> {
        self.tls_claims.get(host).into_iter().flatten().map(|ByAge(declared)| &**declared)
    }

    /// Served Ingresses that refer to a Service, or name a host by which something is asked.
    pub(crate) fn referrers(&self, service: &Name) -> impl Iterator<Item = &Name> {
        self.of_service.get(service).into_iter().flatten()
    }

    /// Hosts of which a served rule refers to a Service.
    pub(crate) fn hosts_of_service(&self, service: &Name) -> impl Iterator<Item = &HostPattern> {
        let referrers = self.of_service.get(service).into_iter().flatten();
        referrers.filter_map(|name| self.get(name)).flat_map(|declared| declared.hosts_of(service))
    }

    /// Hosts that a served Ingress wants the certificate in a Secret for.
    pub(crate) fn hosts_of_secret(&self, secret: &Name) -> impl Iterator<Item = &HostPattern> {
        let referrers = self.of_secret.get(secret).into_iter().flatten();
        referrers.filter_map(|name| self.get(name)).flat_map(|declared| declared.hosts_of_secret(secret))
    }

    /// Hosts whose routes need what is in a Secret, as a served Ingress has it.
    pub(crate) fn hosts_behind(&self, secret: &Name) -> impl Iterator<Item = &HostPattern> {
        let referrers = self.of_secret.get(secret).into_iter().flatten();
        referrers.filter_map(|name| self.get(name)).flat_map(|declared| declared.hosts_behind(secret))
    }

    /// Hosts whose routes need what is in a ConfigMap, as a served Ingress has it.
    pub(crate) fn hosts_of_config_map(&self, config_map: &Name) -> impl Iterator<Item = &HostPattern> {
        let referrers = self.of_config_map.get(config_map).into_iter().flatten();
        referrers.filter_map(|name| self.get(name)).flat_map(|declared| declared.hosts.keys())
    }
}

fn set_claims<'h>(
    claims: &mut Claims,
    hosts: impl Iterator<Item = &'h HostPattern>,
    declared: &Arc<Declared>,
    served: bool,
) {
    for host in hosts {
        if served {
            claims.entry(host.clone()).or_default().insert(ByAge(Arc::clone(declared)));
        } else if let Some(of_host) = claims.get_mut(host) {
            of_host.remove(&declared.age);
            if of_host.is_empty() {
                claims.remove(host);
            }
        }
    }
}

fn set_referrers<'r>(
    referrers: &mut Referrers,
    referred: impl Iterator<Item = &'r Arc<str>>,
    name: &Name,
    served: bool,
) {
    for object in referred {
        set_referrer(referrers, name.beside(object), name, served);
    }
}

fn set_referrer(referrers: &mut Referrers, object: Name, name: &Name, served: bool) {
    if served {
        referrers.entry(object).or_default().insert(name.clone());
    } else if let Some(of_object) = referrers.get_mut(&object) {
        of_object.remove(name);
        if of_object.is_empty() {
            referrers.remove(&object);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ingress(paths: usize) -> Box<Ingress> {
        let path = serde_json::json!({"path": "/", "pathType": "Prefix", "backend": {}});
        let rule = serde_json::json!({"http": {"paths": vec![path; paths]}});
        Box::new(serde_json::from_value(serde_json::json!({"spec": {"rules": [{}, rule, rule, {}]}})).unwrap())
    }

    #[test]
    fn an_ingress_that_was_never_served_is_kept_unread_and_trimmed() {
        let mut all = Ingresses::default();
        let name = Name::new("mill", "a");
        all.insert_unread(name.clone(), ingress(17_000));
        let Content::Unread(kept) = &all.held[&name].content else { panic!() };
        let rules = kept.spec.as_ref().unwrap().rules.as_ref().unwrap();
        assert_eq!((rules.len(), rules.capacity()), (4, 4));
        assert!(rules[2].http.is_none(), "of what is not read, only the host is kept");
        let paths = &rules[1].http.as_ref().unwrap().paths;
        assert_eq!((paths.len(), paths.capacity()), (2_000, 2_000));
        assert!(all.get(&name).is_none() && all.claims.is_empty());

        assert_eq!(all.set_served(&name, true).unwrap().findings[0].code, "TooManyPaths");
        assert!(matches!(all.held[&name].content, Content::Read(_)));
    }
}
