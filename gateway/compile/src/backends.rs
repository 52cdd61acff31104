//! Backends and endpoints that outlive compiles: the same Service port is the same [`Backend`], the same address of it
//! the same [`Endpoint`], for as long as they are in use.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use bulkhead_crds::finding::{Finding, ObjectRef};
use bulkhead_model::backend::Protocol;
use bulkhead_model::{Backend, Endpoint, Endpoints};

use crate::code::FindingCode;
use crate::findings::finding;
use crate::name::Name;
use crate::service::Ports;
use crate::slice::{Readiness, Slice};

/// A Service port that routes refer to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BackendKey {
    pub(crate) service: Name,
    pub(crate) port: u16,
}

/// Services and where they are reached.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    pub(crate) services: BTreeMap<Name, Ports>,
    pub(crate) slices: BTreeMap<Name, Slice>,
    slices_of: BTreeMap<Name, BTreeSet<Name>>,
}

impl Catalog {
    /// Puts a slice in, or takes it out; the Services whose endpoints may have changed.
    pub(crate) fn set_slice(&mut self, name: &Name, slice: Option<Slice>) -> Vec<Name> {
        if self.slices.get(name) == slice.as_ref() {
            return Vec::new();
        }
        let mut touched = Vec::new();
        if let Some(service) = self.slices.remove(name).and_then(|old| old.service) {
            if let Some(slices) = self.slices_of.get_mut(&service) {
                slices.remove(name);
                if slices.is_empty() {
                    self.slices_of.remove(&service);
                }
            }
            touched.push(service);
        }
        if let Some(slice) = slice {
            if let Some(service) = &slice.service {
                self.slices_of.entry(service.clone()).or_default().insert(name.clone());
                touched.push(service.clone());
            }
            self.slices.insert(name.clone(), slice);
        }
        touched
    }

    fn slices_of(&self, service: &Name) -> impl Iterator<Item = &Slice> {
        self.slices_of.get(service).into_iter().flatten().filter_map(|name| self.slices.get(name))
    }

    /// What takes requests for a Service port: ready addresses, or else those that still serve on their way out.
    fn addresses(&self, key: &BackendKey) -> BTreeSet<SocketAddr> {
        let Some(port_name) = self.services.get(&key.service).and_then(|ports| ports.name_of(key.port)) else {
            return BTreeSet::new();
        };
        let (mut ready, mut leaving) = (BTreeSet::new(), BTreeSet::new());
        for slice in self.slices_of(&key.service) {
            for (_, port) in slice.ports.iter().filter(|(name, _)| name == port_name) {
                for (address, readiness) in &slice.addresses {
                    let list = if *readiness == Readiness::Ready { &mut ready } else { &mut leaving };
                    list.insert(SocketAddr::new(*address, *port));
                }
            }
        }
        if ready.is_empty() { leaving } else { ready }
    }
}

/// Every backend that a route refers to.
#[derive(Debug, Default)]
pub(crate) struct Backends {
    entries: BTreeMap<BackendKey, Entry>,
    /// Last number given away; numbers are never used twice.
    last_id: u64,
}

#[derive(Debug)]
struct Entry {
    backend: Arc<Backend>,
    /// What was given out last. The backend's own list follows when the receiver publishes it.
    given: Arc<Endpoints>,
    /// Hosts that use it.
    uses: usize,
}

impl Backends {
    /// The backend of a Service port, made on first use. Each call counts as one use, until [`Self::release`].
    pub(crate) fn acquire(&mut self, key: &BackendKey, catalog: &Catalog) -> Arc<Backend> {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.uses += 1;
            return Arc::clone(&entry.backend);
        }
        let given = self.endpoints(&catalog.addresses(key), &Endpoints::default());
        let name = format!("{}:{}", key.service, key.port).into();
        let backend = Arc::new(Backend::new(self.next_id(), name, Protocol::Http1, Arc::clone(&given)));
        self.entries.insert(key.clone(), Entry { backend: Arc::clone(&backend), given, uses: 1 });
        backend
    }

    /// A backend that somebody uses.
    pub(crate) fn get(&self, key: &BackendKey) -> Option<Arc<Backend>> {
        self.entries.get(key).map(|entry| Arc::clone(&entry.backend))
    }

    /// Ends one use.
    pub(crate) fn release(&mut self, key: &BackendKey) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.uses = entry.uses.saturating_sub(1);
        }
    }

    /// Forgets a Service's backends that nothing uses any more. Old snapshots may keep them for a while.
    pub(crate) fn sweep(&mut self, service: &Name) {
        for key in self.keys_of(service) {
            if self.entries.get(&key).is_some_and(|entry| entry.uses == 0) {
                self.entries.remove(&key);
            }
        }
    }

    /// New endpoint lists of a Service's backends, where they differ from what was given out last.
    pub(crate) fn refresh(&mut self, service: &Name, catalog: &Catalog) -> Vec<(Arc<Backend>, Arc<Endpoints>)> {
        let mut changed = Vec::new();
        for key in self.keys_of(service) {
            let addresses = catalog.addresses(&key);
            let Some(before) = self.entries.get(&key).map(|entry| Arc::clone(&entry.given)) else { continue };
            if before.list.iter().map(|endpoint| &endpoint.address).eq(&addresses) {
                continue;
            }
            let given = self.endpoints(&addresses, &before);
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.given = Arc::clone(&given);
                changed.push((Arc::clone(&entry.backend), given));
            }
        }
        changed
    }

    /// What is to be said about a Service that routes refer to, and about its slices.
    pub(crate) fn findings(&self, service: &Name, catalog: &Catalog) -> Vec<Finding> {
        let object = ObjectRef::new("Service", &service.namespace, &service.name);
        let mut findings = Vec::new();
        let mut used = false;
        for (key, entry) in self.of(service) {
            used = true;
            if entry.given.list.is_empty() {
                let message =
                    format!("Port {} has no endpoint that takes requests, so its routes answer 503.", key.port);
                findings.push(finding(FindingCode::NoEndpoints, &object, "", &message));
            }
        }
        if used {
            findings.extend(catalog.slices_of(service).flat_map(|slice| slice.findings.iter().cloned()));
        }
        findings
    }

    /// Endpoints of all backends.
    pub(crate) fn endpoint_count(&self) -> usize {
        self.entries.values().map(|entry| entry.given.list.len()).sum()
    }

    fn endpoints(&mut self, addresses: &BTreeSet<SocketAddr>, before: &Endpoints) -> Arc<Endpoints> {
        let list = addresses.iter().map(|address| {
            // One that was taken out and comes back is another: connections to the first are being closed.
            match before.list.binary_search_by(|old| old.address.cmp(address)).ok().and_then(|at| before.list.get(at)) {
                Some(same) => Arc::clone(same),
                None => Arc::new(Endpoint::new(self.next_id(), *address)),
            }
        });
        Arc::new(Endpoints { list: list.collect() })
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn of(&self, service: &Name) -> impl Iterator<Item = (&BackendKey, &Entry)> {
        let end = |port| BackendKey { service: service.clone(), port };
        self.entries.range(end(0)..=end(u16::MAX))
    }

    fn keys_of(&self, service: &Name) -> Vec<BackendKey> {
        self.of(service).map(|(key, _)| key.clone()).collect()
    }
}
