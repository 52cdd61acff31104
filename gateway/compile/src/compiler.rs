//! The compiler: objects come and go, and what follows from it is taken out in one piece.

mod certificates;
mod hosts;
mod options;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use bulkhead_crds::finding::Finding;
use bulkhead_crds::lane::{HostOwnership, LaneDocument, LaneIdentity, Profile};
use bulkhead_crds::report::{ClassReport, RouteReport};
use bulkhead_model::balance::key;
use bulkhead_model::{Backend, Endpoints, HostPattern, HostTable, PathTable, Snapshot, TlsTable};
use k8s_openapi::api::networking::v1::{Ingress, IngressClass};

use crate::backends::{Backends, Catalog};
use crate::calendar::Calendar;
use crate::class;
use crate::config_maps::ConfigMaps;
use crate::findings::{Ledger, Origin};
use crate::hosts::{HostPolicy, HostState};
use crate::ingress::{Declared, show};
use crate::ingresses::Ingresses;
use crate::lane;
use crate::name::Name;
use crate::names::{self, Names};
use crate::object::{Key, Kind, Object};
use crate::outside;
use crate::report::{self, Counts};
use crate::secrets::Secrets;
use crate::service::Ports;
use crate::slice::Slice;
use crate::tls;
use crate::zones::Zones;

pub use self::options::{Options, PlatformRoots};

/// All objects as far as they matter, and what was last made of them.
///
/// A change marks the hosts and Services that it touches; [`compile`](Self::compile) makes those anew and shares everything
/// else with the last snapshot. The result is the same as that of a new compiler that is given the same objects.
#[derive(Debug, Default)]
pub struct Compiler {
    options: Options,
    lane: Option<Lane>,
    classes: BTreeMap<String, IngressClass>,
    verdicts: Vec<ClassReport>,
    ingresses: Ingresses,
    catalog: Catalog,
    secrets: Secrets,
    config_maps: ConfigMaps,
    dirty: Dirty,
    hosts: BTreeMap<HostPattern, HostState>,
    backends: Backends,
    tls: Arc<TlsTable>,
    calendar: Calendar,
    ledger: Ledger,
    zones: Zones,
    snapshot: Option<Arc<Snapshot>>,
    /// Hosts that are asked by name, by what is asked there: a Service, or the host itself.
    wanted: BTreeMap<Name, Arc<str>>,
}

#[derive(Debug)]
struct Lane {
    document: LaneDocument,
    policy: HostPolicy,
}

#[derive(Debug, Default)]
struct Dirty {
    lane: bool,
    hosts: BTreeSet<HostPattern>,
    services: BTreeSet<Name>,
    /// Hosts whose certificate may be another.
    tls: BTreeSet<HostPattern>,
    /// What holds for all handshakes may be otherwise, the default certificate included.
    tls_defaults: bool,
}

/// What follows from the changes since the last compile.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// A new snapshot, if routes or settings changed. None before the first lane document.
    pub snapshot: Option<Arc<Snapshot>>,
    /// Endpoint swaps to publish with [`Backend::publish`], without any new snapshot.
    pub endpoints: Vec<(Arc<Backend>, Arc<Endpoints>)>,
    /// Every finding of the configuration now, in order. None: as before.
    pub findings: Option<Arc<[Finding]>>,
}

impl Compiler {
    /// A compiler that knows nothing yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let catalog = Catalog::new(Names::new(options.clone()));
        let platform = options.platform.as_ref().map(|PlatformRoots(roots)| Arc::clone(roots));
        Self { options, catalog, secrets: Secrets::new(platform), ..Self::default() }
    }

    /// Hosts that are asked by name, as of the last compile. Somebody else has to find out where they are.
    #[must_use]
    pub fn names(&self) -> BTreeSet<Arc<str>> {
        let names = self.wanted.values().filter(|host| names::address(host).is_none());
        names.cloned().collect()
    }

    /// Takes all addresses that a host has now; there may be none. Of one that nobody asks for by name it takes nothing.
    pub fn set_addresses(&mut self, host: &str, addresses: impl IntoIterator<Item = IpAddr>) {
        let asked: Vec<(&Name, &Arc<str>)> = self.wanted.iter().filter(|(_, wanted)| ***wanted == *host).collect();
        let Some((_, host)) = asked.first() else { return };
        if self.catalog.names.set(host, addresses) {
            self.dirty.services.extend(asked.iter().map(|(name, _)| (*name).clone()));
        }
    }

    /// Takes the lane's settings. An equal document changes nothing.
    pub fn set_lane(&mut self, document: LaneDocument) {
        if self.lane.as_ref().is_some_and(|lane| lane.document == document) {
            return;
        }
        let (settings, findings) = lane::settings(&document);
        self.ledger.set(Origin::Lane, findings);
        let owned = document.scope.host_ownership == HostOwnership::Namespace;
        let profile = document.profile;
        let policy = HostPolicy {
            owned,
            closed: owned || profile == Profile::IngressNginx,
            profile,
            follows_names: document.upstream.external_names,
            salt: salt(&document),
            settings: Arc::new(settings),
        };
        if self.catalog.follows_names != policy.follows_names {
            self.catalog.follows_names = policy.follows_names;
            self.dirty.services.extend(self.catalog.services.keys().cloned());
        }
        // Routes with bounds of their own take the others from the lane.
        if self.lane.as_ref().is_none_or(|lane| lane.policy != policy) {
            self.dirty.hosts.extend(self.ingresses.hosts().chain(self.ingresses.names_of_hosts()).cloned());
            self.dirty.tls.extend(self.ingresses.tls_hosts().cloned());
        }
        self.dirty.lane = true;
        self.dirty.tls_defaults = true;
        self.lane = Some(Lane { document, policy });
        self.judge();
    }

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

    /// Whether something changed since the last compile that could lead to something. Never before the first lane document.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        let Dirty { lane, hosts, services, tls, tls_defaults } = &self.dirty;
        let any = *lane || *tls_defaults || !hosts.is_empty() || !services.is_empty() || !tls.is_empty();
        self.lane.is_some() && (any || self.ledger.has_changed())
    }

    /// Everything that follows from the changes since the last call. Equal input publishes nothing.
    pub fn compile(&mut self) -> Changes {
        if self.lane.is_none() {
            return Changes::default();
        }
        let tls_changed = self.make_tls();
        let hosts = self.make_hosts();
        let endpoints = self.refresh_services();
        let findings = self.ledger.take_changed();
        Changes { snapshot: self.publish(hosts, tls_changed), endpoints, findings }
    }

    /// Every class the lane was told to serve, and whether it does. Empty before the first lane document.
    #[must_use]
    pub fn classes(&self) -> Vec<ClassReport> {
        self.verdicts.clone()
    }

    /// How much is served as of the last compile.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            ingresses: report::count(self.ingresses.served_count()),
            routes: report::count(self.hosts.values().map(|host| host.table.len()).sum()),
            endpoints: report::count(self.backends.endpoint_count()),
        }
    }

    /// Every route of the last snapshot, in order of precedence, with its endpoints as of now.
    #[must_use]
    pub fn routes(&self) -> Vec<RouteReport> {
        let hosts = self.snapshot.iter().flat_map(|snapshot| snapshot.hosts.hosts());
        let of_host = |(host, table): (HostPattern, &Arc<PathTable>)| {
            let host = show(&host);
            table.routes().into_iter().map(|route| report::route(&host, route)).collect::<Vec<_>>()
        };
        hosts.flat_map(of_host).collect()
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
    fn judge(&mut self) {
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

    /// Looks at every dirty Service: endpoints, backends nobody uses any more, findings.
    fn refresh_services(&mut self) -> Vec<(Arc<Backend>, Arc<Endpoints>)> {
        let mut changed = Vec::new();
        for service in std::mem::take(&mut self.dirty.services) {
            self.backends.sweep(&service);
            changed.extend(self.backends.refresh(&service, &self.catalog));
            let findings = match service.host() {
                Some(_) => {
                    let ingresses = self.ingresses.referrers(&service);
                    self.backends.findings_of_host(&service, &self.catalog, ingresses)
                }
                None => self.backends.findings(&service, &self.catalog),
            };
            match self.catalog.host(&service).filter(|_| self.backends.is_used(&service)).cloned() {
                Some(host) => self.wanted.insert(service.clone(), host),
                None => self.wanted.remove(&service),
            };
            self.ledger.set(Origin::Service(service), findings);
        }
        self.catalog.names.keep(&self.names());
        changed
    }

    fn publish(&mut self, hosts: Option<HostTable>, tls_changed: bool) -> Option<Arc<Snapshot>> {
        let lane = self.lane.as_ref()?;
        if hosts.is_none() && !tls_changed && !std::mem::take(&mut self.dirty.lane) {
            return None;
        }
        self.dirty.lane = false;
        let last = self.snapshot.as_deref();
        let snapshot = Arc::new(Snapshot {
            number: last.map_or(0, |last| last.number) + 1,
            config_generation: lane.document.config_generation,
            settings: Arc::clone(&lane.policy.settings),
            hosts: hosts.or_else(|| last.map(|last| last.hosts.clone())).unwrap_or_default(),
            tls: Arc::clone(&self.tls),
        });
        self.snapshot = Some(Arc::clone(&snapshot));
        Some(snapshot)
    }
}

/// What session cookies of a lane have in common on all of its replicas, and with no other lane.
fn salt(document: &LaneDocument) -> u64 {
    let LaneIdentity { namespace, instance, lane, .. } = &document.identity;
    key(format!("{namespace}/{instance}/{lane:?}").as_bytes())
}
