//! Backends and endpoints that outlive compiles: the same Service port, asked in the same way, is the same [`Backend`], the
//! same address of it the same [`Endpoint`], for as long as they are in use.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use bulkhead_crds::finding::{Finding, ObjectRef};
use bulkhead_model::balance::Affinity;
use bulkhead_model::{Backend, Endpoint, Endpoints, UpstreamTls};

use crate::code::FindingCode;
use crate::findings::{finding, quote};
use crate::name::Name;
use crate::names::{Names, Place, is_host};
use crate::service::{AppProtocol, Port, PortRef, Ports};
use crate::slice::{Address, Hint, Readiness, Slice};
use crate::transport::Transport;

/// A Service port that routes refer to, and how it is asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BackendKey {
    pub(crate) service: Name,
    pub(crate) port: u16,
    pub(crate) transport: Transport,
    /// Which requests belong together.
    pub(crate) affinity: Option<Box<Affinity>>,
    /// Whether its one address is asked, while it has one, rather than its endpoints.
    pub(crate) by_service: bool,
}

/// Services and where they are reached.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    pub(crate) services: BTreeMap<Name, Ports>,
    pub(crate) slices: BTreeMap<Name, Slice>,
    slices_of: BTreeMap<Name, BTreeSet<Name>>,
    pub(crate) names: Names,
    /// Whether Services that are another name for a host are followed there.
    pub(crate) follows_names: bool,
}

impl Catalog {
    /// Without any Service.
    pub(crate) fn new(names: Names) -> Self {
        Self { names, ..Self::default() }
    }

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

    /// The port of a Service that a route means.
    pub(crate) fn find(&self, service: &Name, wanted: &PortRef) -> Result<Cow<'_, Port>, FindingCode> {
        let ports = self.services.get(service).ok_or(FindingCode::ServiceNotFound)?;
        match &ports.external_name {
            Some(host) if self.follows_names && is_host(host) => ports.of_host(wanted),
            _ => ports.find(wanted).map(Cow::Borrowed),
        }
    }

    fn port(&self, service: &Name, number: u16) -> Option<Cow<'_, Port>> {
        self.find(service, &PortRef::Number(number)).ok()
    }

    /// The host whose addresses are the endpoints of `service`, which may be one itself.
    pub(crate) fn host<'n>(&'n self, service: &'n Name) -> Option<&'n Arc<str>> {
        let external = || self.services.get(service)?.external_name.as_ref().filter(|_| self.follows_names);
        service.host().or_else(external)
    }

    /// What is known of the host that a backend is, if it is one.
    fn place(&self, key: &BackendKey) -> Option<Place> {
        Some(self.names.place(self.host(&key.service)?, key.port))
    }

    fn slices_of(&self, service: &Name) -> impl Iterator<Item = &Slice> {
        self.slices_of.get(service).into_iter().flatten().filter_map(|name| self.slices.get(name))
    }

    /// What takes requests for a Service port: ready addresses, or else those that still serve on their way out. Of ready ones
    /// those that are meant for this gateway's zone, if every one of them says for which zones it is meant, and any is for this
    /// one: then somebody has seen to it that each zone has enough (Kubernetes, Topology Aware Routing, "Safeguards").
    fn addresses(&self, key: &BackendKey) -> BTreeSet<SocketAddr> {
        if let Some(place) = self.place(key) {
            return place.addresses;
        }
        let address = self.services.get(&key.service).filter(|_| key.by_service).and_then(Ports::address);
        if let Some(address) = address {
            return BTreeSet::from([SocketAddr::new(address, key.port)]);
        }
        let Some(port) = self.port(&key.service, key.port) else { return BTreeSet::new() };
        let port_name = &port.name;
        let (mut ready, mut near, mut leaving) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut all_say = true;
        for slice in self.slices_of(&key.service) {
            for (_, port) in slice.ports.iter().filter(|(name, _)| name == port_name) {
                for Address { ip, readiness, hint } in &slice.addresses {
                    let address = SocketAddr::new(*ip, *port);
                    if *readiness == Readiness::Leaving {
                        leaving.insert(address);
                        continue;
                    }
                    ready.insert(address);
                    all_say &= *hint != Hint::None;
                    if *hint == Hint::Here {
                        near.insert(address);
                    }
                }
            }
        }
        match (ready.is_empty(), all_say && !near.is_empty()) {
            (true, _) => leaving,
            (false, true) => near,
            (false, false) => ready,
        }
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
    /// The backend of a Service port, made on first use, under what `tls` gives then. Each call counts as one use, until
    /// [`Self::release`].
    pub(crate) fn acquire<E>(
        &mut self,
        key: &BackendKey,
        catalog: &Catalog,
        tls: impl FnOnce() -> Result<Option<Arc<UpstreamTls>>, E>,
    ) -> Result<Arc<Backend>, E> {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.uses += 1;
            return Ok(Arc::clone(&entry.backend));
        }
        let tls = tls()?;
        let given = self.endpoints(&catalog.addresses(key), &Endpoints::default());
        let name = format!("{}:{}", key.service, key.port).into();
        let backend = Backend::new(self.next_id(), name, key.transport.protocol, Arc::clone(&given));
        let backend = Arc::new(backend.under(tls).bound_by(key.affinity.as_deref().cloned()));
        self.entries.insert(key.clone(), Entry { backend: Arc::clone(&backend), given, uses: 1 });
        Ok(backend)
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

    /// Whether anything uses a Service, or a host.
    pub(crate) fn is_used(&self, service: &Name) -> bool {
        self.of(service).next().is_some()
    }

    /// What is to be said about a host to the Ingresses that name it.
    pub(crate) fn findings_of_host<'n>(
        &self,
        host: &Name,
        catalog: &Catalog,
        ingresses: impl Iterator<Item = &'n Name>,
    ) -> Vec<Finding> {
        let places: Vec<Place> = self.of(host).filter_map(|(key, _)| catalog.place(key)).collect();
        let said = ingresses.flat_map(|ingress| {
            let object = ObjectRef::new("Ingress", &ingress.namespace, &ingress.name);
            places.iter().flat_map(move |place| note_place(&object, &host.name, place))
        });
        // Two ports of one host are one name.
        said.collect::<BTreeSet<Finding>>().into_iter().collect()
    }

    /// What is to be said about a Service that routes refer to, and about its slices.
    pub(crate) fn findings(&self, service: &Name, catalog: &Catalog) -> Vec<Finding> {
        let object = ObjectRef::new("Service", &service.namespace, &service.name);
        let mut findings = Vec::new();
        let mut used = false;
        for (key, entry) in self.of(service) {
            used = true;
            findings
                .extend(catalog.port(service, key.port).and_then(|port| note_protocol(&object, &port, &key.transport)));
            if let Some(host) = catalog.host(service) {
                findings.extend(note_place(&object, host, &catalog.names.place(host, key.port)));
            } else if entry.given.list.is_empty() {
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

    /// Of one Service. No port has the number 0.
    fn of<'b>(&'b self, service: &Name) -> impl Iterator<Item = (&'b BackendKey, &'b Entry)> {
        let transport = Transport::default();
        let first = BackendKey { service: service.clone(), port: 0, transport, affinity: None, by_service: false };
        self.entries.range(first..).take_while(move |(key, _)| key.service == *service)
    }

    fn keys_of(&self, service: &Name) -> Vec<BackendKey> {
        self.of(service).map(|(key, _)| key.clone()).collect()
    }
}

/// What is to be said about a host that is asked by name, to those who wrote `object`.
fn note_place(object: &ObjectRef, host: &str, place: &Place) -> Vec<Finding> {
    let refused = place.refused.iter().map(|address| {
        let message = format!("The name {} leads to {address}, where a gateway sends no requests.", quote(host));
        finding(FindingCode::EndpointRefused, object, "", &message)
    });
    let mut findings: Vec<Finding> = refused.collect();
    if place.is_known && place.addresses.is_empty() && findings.is_empty() {
        let message = format!("The name {} has no address, so what is asked of it fails.", quote(host));
        findings.push(finding(FindingCode::NameNotResolved, object, "", &message));
    }
    findings
}

/// What is to be said about a port's `appProtocol`.
fn note_protocol(object: &ObjectRef, port: &Port, transport: &Transport) -> Option<Finding> {
    let field = format!("spec.ports[{}].appProtocol", port.position);
    match &port.app_protocol {
        AppProtocol::Unknown(word) => {
            let message = format!(
                "The protocol {} is not known, so HTTP/1.1 is spoken unless the Ingress says otherwise.",
                quote(word)
            );
            Some(finding(FindingCode::UnknownBackendProtocol, object, &field, &message))
        }
        AppProtocol::Known(spoken) if spoken.tls && transport.tls.as_ref().is_some_and(|tls| !tls.verify) => {
            let message = format!(
                "Whoever answers on port {} is taken for this Service: no certificate is verified.",
                port.number
            );
            Some(finding(FindingCode::BackendNotVerified, object, &field, &message))
        }
        AppProtocol::Unset | AppProtocol::Known(_) => None,
    }
}
