//! The compiler: objects come and go, and what follows from it is taken out in one piece.

mod certificates;
mod hosts;
mod intake;
mod options;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use bulkhead_crds::finding::Finding;
use bulkhead_crds::lane::{HostOwnership, LaneDocument, LaneIdentity, Profile};
use bulkhead_crds::report::{ClassReport, RouteReport};
use bulkhead_model::balance::key;
use bulkhead_model::{Backend, Endpoints, HostPattern, HostTable, PathTable, Snapshot, TlsTable};
use k8s_openapi::api::networking::v1::IngressClass;

use crate::backends::{Backends, Catalog};
use crate::calendar::Calendar;
use crate::config_maps::ConfigMaps;
use crate::expression_rooms::ExpressionRooms;
use crate::findings::{Ledger, Origin};
use crate::hosts::{HostPolicy, HostState};
use crate::ingress::show;
use crate::ingresses::Ingresses;
use crate::lane;
use crate::name::Name;
use crate::names::{self, Names};
use crate::report::{self, Counts};
use crate::secrets::Secrets;
use crate::wide_texts::WideTexts;
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
    rooms: ExpressionRooms,
    wide: WideTexts,
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
        let rooms = ExpressionRooms::new(options.expressions);
        Self { options, catalog, secrets: Secrets::new(platform), rooms, ..Self::default() }
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
