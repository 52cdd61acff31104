//! One host: what all the Ingresses that name it come to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bulkhead_crds::finding::Finding;
use bulkhead_crds::lane::Profile;
use bulkhead_model::route::Weighted;
use bulkhead_model::tls::TlsWish;
use bulkhead_model::{
    Action, Backend, Denial, ErrorPages, Filters, HostPattern, PathPattern, PathTable, Route, Settings,
};

use crate::annotation::{self, Pages};
use crate::backend_policy::BackendPolicy;
use crate::backends::{BackendKey, Backends, Catalog};
use crate::code::FindingCode;
use crate::filters;
use crate::findings::{Notes, quote};
use crate::handshake_policy;
use crate::host_auth::{HostAuth, Ruling};
use crate::ingress::{Declared, Rule, Target};
use crate::name::Name;
use crate::secrets::Secrets;
use crate::service::{Port, Ports};
use crate::transport::{BadTransport, Transport};

/// What a lane decides for all of its hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HostPolicy {
    /// Only the namespace of the oldest Ingress may make rules for a host.
    pub(crate) owned: bool,
    /// Requests for a named host never fall through to the rules of a wildcard or of every host. So it is where hosts
    /// are owned (others' rules must not catch what the owner leaves over), and so ingress-nginx does it.
    pub(crate) closed: bool,
    /// Whether Services that are another name for a host are followed there.
    pub(crate) follows_names: bool,
    /// Whose ways are followed.
    pub(crate) profile: Profile,
    /// Bounds of routes that set none.
    pub(crate) settings: Arc<Settings>,
}

/// A host that is served.
#[derive(Debug)]
pub(crate) struct HostState {
    pub(crate) table: Arc<PathTable>,
    /// Backends its routes lead to.
    pub(crate) uses: BTreeSet<BackendKey>,
}

/// What a host is made from.
pub(crate) struct Workshop<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) backends: &'a mut Backends,
    pub(crate) secrets: &'a mut Secrets,
    pub(crate) policy: &'a HostPolicy,
}

/// A host, made anew. Routes that are as before are the same as before.
pub(crate) struct Made {
    pub(crate) state: HostState,
    pub(crate) findings: Vec<Finding>,
    /// The table is the one that was there.
    pub(crate) unchanged: bool,
}

impl Workshop<'_> {
    /// The routes of `host` from the Ingresses that claim it, oldest first. Backends are acquired, once each.
    pub(crate) fn make<'d>(
        &mut self,
        host: &HostPattern,
        claims: impl Iterator<Item = &'d Declared>,
        before: Option<&HostState>,
    ) -> Made {
        let before = before.map(|state| &state.table);
        let mut host = Host { routes: BTreeMap::new(), uses: BTreeSet::new(), findings: Vec::new(), pattern: host };
        let claims: Vec<&Declared> = claims.collect();
        let owner = claims.first().map(|oldest| &*oldest.age.name.namespace).unwrap_or_default();
        let has_say = |declared: &Declared| !self.policy.owned || *owner == *declared.age.name.namespace;
        let (ours, others): (Vec<&Declared>, Vec<&Declared>) = claims.into_iter().partition(|claim| has_say(claim));
        let auth = HostAuth::choose(&ours, self.secrets);
        let tls = handshake_policy::choose(&ours);
        for declared in ours {
            let mut notes = Notes::new("Ingress", &declared.age.name);
            self.add_all(&mut host, declared, &auth, before, &mut notes);
            handshake_policy::note_lost(tls, declared, (owner, shown(rules_of(declared, host.pattern))), &mut notes);
            host.findings.extend(notes.into_list());
        }
        for declared in others {
            let mut notes = Notes::new("Ingress", &declared.age.name);
            note_owner(owner, rules_of(declared, host.pattern), &mut notes);
            host.findings.extend(notes.into_list());
        }
        host.finish(before, self.policy.closed, tls)
    }

    /// Adds all rules of one Ingress.
    fn add_all<'d>(
        &mut self,
        host: &mut Host<'_, 'd>,
        declared: &'d Declared,
        auth: &HostAuth<'_>,
        before: Option<&Arc<PathTable>>,
        notes: &mut Notes<'_>,
    ) {
        let rules = rules_of(declared, host.pattern);
        let ruling = auth.rule(declared, shown(rules), self.secrets, notes);
        let pages = self.pages(&mut host.uses, declared, notes);
        let filters = filters::make(declared, self.policy, pages);
        for rule in rules {
            self.add(host, declared, rule, (&ruling, filters.as_ref(), before), notes);
        }
    }

    fn add<'d>(
        &mut self,
        host: &mut Host<'_, 'd>,
        declared: &'d Declared,
        rule: &'d Rule,
        (ruling, filters, before): (&Ruling, Option<&Arc<Filters>>, Option<&Arc<PathTable>>),
        notes: &mut Notes<'_>,
    ) {
        if let Some(first) = host.routes.get(&rule.pattern) {
            // What is doubled is the path; the backend beside it may be fine.
            let field =
                rule.field.strip_suffix(".backend").map_or_else(|| (*rule.field).to_owned(), |at| format!("{at}.path"));
            notes.add(FindingCode::DuplicatePath, &field, || lost(first, declared));
            return;
        }
        let (client_auth, action) = match ruling {
            Ruling::Served(auth) => (auth.clone(), self.action(&mut host.uses, declared, rule, notes)),
            Ruling::Refused => (None, Action::Deny(Denial::PolicyNotServed)),
        };
        let is_same = |old: &Route| {
            is_same(old, declared, rule, &action) && old.client_auth == client_auth && old.filters.as_ref() == filters
        };
        let same = before.and_then(|table| table.get(&rule.pattern)).filter(|old| is_same(old));
        let route = same.cloned().unwrap_or_else(|| {
            Arc::new(Route {
                host: (*rule.host).into(),
                path: (*rule.path).into(),
                kind: rule.pattern.kind(),
                origin: declared.origin.clone(),
                client_auth,
                filters: filters.cloned(),
                action,
            })
        });
        host.routes.insert(&rule.pattern, route);
    }

    fn action(
        &mut self,
        uses: &mut BTreeSet<BackendKey>,
        declared: &Declared,
        rule: &Rule,
        notes: &mut Notes<'_>,
    ) -> Action {
        if declared.unprotected {
            return Action::Deny(Denial::PolicyNotServed);
        }
        let Target::Service { name, port } = &rule.backend else { return Action::Deny(Denial::NoService) };
        let service = declared.age.name.beside(name);
        let catalog = self.catalog;
        let port = match catalog.find(&service, port) {
            Ok(port) => port,
            Err(code) => {
                notes.add(code, &rule.field, || missing(code, &service, rule));
                return Action::Deny(Denial::NoService);
            }
        };
        match self.backend(uses, &declared.backend, &service, &port) {
            Ok(backend) => {
                if backend.tls.is_none() && declared.backend.tls.are_any() {
                    notes.add(FindingCode::BackendTlsUnused, &rule.field, || {
                        format!("Service {service} is spoken to in clear text, so the annotations proxy-ssl-* of this Ingress change nothing.")
                    });
                }
                Action::Forward(Box::from([Weighted { backend, weight: 1 }]))
            }
            Err(bad) => {
                notes.add(FindingCode::BackendTlsBroken, &rule.field, || {
                    format!("TLS with Service {service} cannot be as this Ingress wants it: {bad}, so the route answers 503.")
                });
                Action::Deny(Denial::PolicyNotServed)
            }
        }
    }

    /// What is answered instead of errors. It is asked as its Service says, whatever the Ingress says of its own backends.
    fn pages(
        &mut self,
        uses: &mut BTreeSet<BackendKey>,
        declared: &Declared,
        notes: &mut Notes<'_>,
    ) -> Option<ErrorPages> {
        let Pages { service, statuses, own_only } = declared.policies.pages.as_ref()?;
        let service = declared.age.name.beside(service);
        let found = self.catalog.services.get(&service).ok_or(FindingCode::ServiceNotFound);
        let backend = found.and_then(Ports::first).and_then(|port| {
            let backend = self.backend(uses, &BackendPolicy::default(), &service, port);
            backend.map_err(|_| FindingCode::BackendTlsBroken)
        });
        match backend {
            Ok(backend) => Some(ErrorPages { backend, statuses: statuses.clone(), own_only: *own_only }),
            Err(code) => {
                notes.add(FindingCode::ErrorPagesMissing, &annotation::key(annotation::DEFAULT_BACKEND), || {
                    format!("Service {service} {}, so errors are answered without its pages.", why_not(code))
                });
                None
            }
        }
    }

    /// The backend of a Service port, as `policy` wants it to be spoken to.
    fn backend(
        &mut self,
        uses: &mut BTreeSet<BackendKey>,
        policy: &BackendPolicy,
        service: &Name,
        port: &Port,
    ) -> Result<Arc<Backend>, BadTransport> {
        let spoken = port.app_protocol.spoken();
        let transport = Transport::choose(policy, service, spoken, self.secrets)?;
        let key = BackendKey { service: service.clone(), port: port.number, transport };
        if let Some(known) = self.backends.get(&key).filter(|_| uses.contains(&key)) {
            return Ok(known);
        }
        let tls = || key.transport.tls.as_ref().map(|tls| tls.make(self.secrets).map(Arc::new)).transpose();
        let backend = self.backends.acquire(&key, self.catalog, tls)?;
        uses.insert(key);
        Ok(backend)
    }
}

fn rules_of<'d>(declared: &'d Declared, host: &HostPattern) -> &'d [Rule] {
    declared.hosts.get(host).map(Vec::as_slice).unwrap_or_default()
}

/// The host of these rules, as it is shown.
fn shown(rules: &[Rule]) -> &str {
    rules.first().map(|rule| &*rule.host).unwrap_or_default()
}

/// Why a Service cannot be asked at all.
const fn why_not(code: FindingCode) -> &'static str {
    match code {
        FindingCode::ExternalName => "is of type ExternalName, which is not followed",
        FindingCode::PortNotTcp => "has no TCP port",
        FindingCode::BackendTlsBroken => "cannot be spoken to with TLS",
        _ => "does not exist",
    }
}

/// A host in the making.
struct Host<'h, 'd> {
    pattern: &'h HostPattern,
    routes: BTreeMap<&'d PathPattern, Arc<Route>>,
    uses: BTreeSet<BackendKey>,
    findings: Vec<Finding>,
}

impl Host<'_, '_> {
    fn finish(self, before: Option<&Arc<PathTable>>, closed: bool, tls: TlsWish) -> Made {
        let kept = before.filter(|table| {
            table.is_closed() == closed
                && table.tls() == tls
                && table.len() == self.routes.len()
                && self.routes.iter().all(|(pattern, new)| table.get(pattern).is_some_and(|old| Arc::ptr_eq(old, new)))
        });
        let unchanged = kept.is_some();
        let table = kept.cloned().unwrap_or_else(|| {
            let routes = self.routes.into_iter().map(|(pattern, route)| (pattern.clone(), route));
            Arc::new(PathTable::new(routes, closed).under(tls))
        });
        Made { state: HostState { table, uses: self.uses }, findings: self.findings, unchanged }
    }
}

fn is_same(old: &Route, declared: &Declared, rule: &Rule, action: &Action) -> bool {
    let same_action = match (&old.action, action) {
        (Action::Deny(old), Action::Deny(new)) => old == new,
        (Action::Forward(old), Action::Forward(new)) => old
            .iter()
            .map(|w| (Arc::as_ptr(&w.backend), w.weight))
            .eq(new.iter().map(|w| (Arc::as_ptr(&w.backend), w.weight))),
        _ => false,
    };
    same_action && old.origin == declared.origin && *old.path == *rule.path && *old.host == *rule.host
}

fn note_owner(owner: &str, rules: &[Rule], notes: &mut Notes<'_>) {
    let Some(rule) = rules.first() else { return };
    notes.add(FindingCode::HostNotOwned, &rule.field, || {
        let host = if rule.host.is_empty() { "every other host".to_owned() } else { quote(&rule.host) };
        format!("The namespace {owner} has the oldest Ingress for {host} and so owns it; the rules of this Ingress for it are left out.")
    });
}

fn lost(first: &Route, declared: &Declared) -> String {
    let host = if first.host.is_empty() { "every other host".to_owned() } else { quote(&first.host) };
    format!(
        "Ingress {} has the {:?} path {} of {host} already, so this rule of Ingress {} is left out.",
        first.origin,
        first.kind,
        quote(&first.path),
        declared.origin
    )
}

fn missing(code: FindingCode, service: &Name, rule: &Rule) -> String {
    let port = match &rule.backend {
        Target::Service { port, .. } => port.to_string(),
        Target::Nothing => String::new(),
    };
    let why = match code {
        FindingCode::ExternalName => {
            "is of type ExternalName, which is not followed in this lane, or says no host".to_owned()
        }
        FindingCode::PortNotFound => format!("has no port {}", quote(&port)),
        FindingCode::PortNotTcp => format!("has no TCP port {}", quote(&port)),
        _ => "does not exist".to_owned(),
    };
    format!("Service {service} {why}, so the route answers 503.")
}
