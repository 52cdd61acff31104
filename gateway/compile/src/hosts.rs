//! One host: what all the Ingresses that name it come to.

mod backends;
mod taken;
mod widened;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bulkhead_crds::finding::Finding;
use bulkhead_crds::lane::Profile;
use bulkhead_model::client_auth::RouteAuth;
use bulkhead_model::tls::TlsWish;
use bulkhead_model::{Action, Denial, Filters, HostPattern, PathPattern, PathTable, Route, Settings};

use crate::backends::{Backends, Catalog, Uses};
use crate::canaries::Canaries;
use crate::code::FindingCode;
use crate::config_maps::ConfigMaps;
use crate::expression_rooms::ExpressionRooms;
use crate::fetched::{Fetched, Missing};
use crate::filters;
use crate::findings::Notes;
use crate::handshake_policy;
use crate::host_auth::{HostAuth, Ruling};
use crate::host_paths::{Expressions, HostPaths, Meant};
use crate::ingress::{Declared, Rule, Target};
use crate::secrets::Secrets;
use crate::wide_texts::WideTexts;
use crate::zones::Zones;

pub(crate) use self::words::missing;
use self::words::{lost, note_closed, note_owner};

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
    /// What session cookies of the lane have in common.
    pub(crate) salt: u64,
    /// Bounds of routes that set none.
    pub(crate) settings: Arc<Settings>,
}

/// A host that is served.
#[derive(Debug)]
pub(crate) struct HostState {
    pub(crate) table: Arc<PathTable>,
    /// Backends its routes lead to.
    pub(crate) uses: Uses,
    pub(crate) expressions: Expressions,
}

/// What a host is made from.
pub(crate) struct Workshop<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) backends: &'a mut Backends,
    pub(crate) secrets: &'a mut Secrets,
    pub(crate) config_maps: &'a ConfigMaps,
    pub(crate) policy: &'a HostPolicy,
    pub(crate) rooms: &'a ExpressionRooms,
    pub(crate) wide: &'a mut WideTexts,
    pub(crate) zones: &'a mut Zones,
}

/// A host, made anew. Routes that are as before are the same as before.
pub(crate) struct Made {
    pub(crate) state: HostState,
    pub(crate) findings: Vec<Finding>,
    /// The table is the one that was there.
    pub(crate) unchanged: bool,
}

impl Workshop<'_> {
    /// The routes of `host` from the Ingresses that claim it. Backends are acquired, once each.
    pub(crate) fn make<'d>(
        &mut self,
        host: &HostPattern,
        claims: (impl Iterator<Item = &'d Declared>, Canaries<'d>),
        before: Option<&HostState>,
    ) -> Made {
        let known = before.map(|state| &state.expressions);
        let before = before.map(|state| &state.table);
        let (claims, canaries) = claims;
        let claims: Vec<&Declared> = claims.collect();
        let owner = claims.first().map(|oldest| &*oldest.age.name.namespace).unwrap_or_default();
        let has_say = |declared: &Declared| !self.policy.owned || *owner == *declared.age.name.namespace;
        let (ours, others): (Vec<&Declared>, Vec<&Declared>) = claims.into_iter().partition(|claim| has_say(claim));
        let spreads =
            |claim: &&Declared| self.policy.profile == Profile::IngressNginx && claim.spreads_expressions(host);
        let spreaders: Vec<&Declared> = ours.iter().copied().filter(spreads).collect();
        let paths = HostPaths::plan(!spreaders.is_empty(), host, &ours, (self.rooms, self.wide), known);
        let mut host = Host::new(host, paths, canaries);
        let closers: Vec<&Declared> =
            ours.iter().copied().filter(|claim| claim.closes.contains(host.pattern)).collect();
        let auth = HostAuth::choose(&ours, self.secrets);
        let tls = handshake_policy::choose(&ours);
        for declared in ours {
            let mut notes = Notes::new("Ingress", &declared.age.name);
            // Namespaces that share a host do not close it for each other by this.
            let closer = closers.iter().find(|closer| {
                closer.age.name.namespace == declared.age.name.namespace && closer.age.name != declared.age.name
            });
            if let Some(closer) = closer {
                note_closed(closer, rules_of(declared, host.pattern), &mut notes);
            }
            self.add_all(&mut host, declared, (&auth, closer.is_some()), before, &mut notes);
            widened::note(&spreaders, declared, rules_of(declared, host.pattern), &mut notes);
            handshake_policy::note_lost(tls, declared, (owner, shown(rules_of(declared, host.pattern))), &mut notes);
            host.findings.extend(notes.into_list());
        }
        for declared in others {
            let mut notes = Notes::new("Ingress", &declared.age.name);
            note_owner(owner, rules_of(declared, host.pattern), &mut notes);
            host.findings.extend(notes.into_list());
        }
        let left = host.canaries.left();
        host.findings.extend(left);
        host.add_redirects(self.policy.profile, before);
        host.finish(before, self.policy.closed, tls)
    }

    /// Adds all rules of one Ingress.
    fn add_all<'d>(
        &mut self,
        host: &mut Host<'_, 'd>,
        declared: &'d Declared,
        (auth, is_closed): (&HostAuth<'_>, bool),
        before: Option<&Arc<PathTable>>,
        notes: &mut Notes<'_>,
    ) {
        let rules = rules_of(declared, host.pattern);
        let ruling = auth.rule(declared, shown(rules), self.secrets, notes);
        let pages = self.pages(&mut host.uses, declared, notes);
        let outside = self.outside(&mut host.uses, host.pattern, declared, notes);
        let ruling = if outside.is_open || is_closed { Ruling::Refused } else { ruling };
        let (ruling, filters) = match Fetched::of(declared, self.secrets, self.config_maps, notes) {
            Ok(fetched) => (ruling, filters::make(declared, self.policy, self.zones, fetched, pages, outside)),
            Err(Missing) => (Ruling::Refused, None),
        };
        let plain = filters.as_ref().and_then(|filters| filters::without_rewrite(filters));
        for rule in rules {
            let filters = if rule.is_rewritten(&declared.policies.routing) { &filters } else { &plain };
            self.add(host, declared, rule, (&ruling, filters.as_ref(), before), notes);
        }
        if let (Ruling::Served(client_auth), false) = (ruling, declared.unprotected) {
            host.wishes.push(Wish { declared, client_auth, filters });
        }
    }

    fn add<'d>(
        &mut self,
        host: &mut Host<'_, 'd>,
        declared: &'d Declared,
        rule: &Rule,
        (ruling, filters, before): (&Ruling, Option<&Arc<Filters>>, Option<&Arc<PathTable>>),
        notes: &mut Notes<'_>,
    ) {
        let Some(pattern) = host.paths.pattern(rule) else {
            return rule.path.note_none(&rule.path_field(), notes);
        };
        if let Some(first) = host.routes.get(&pattern) {
            // What is doubled is the path; the backend beside it may be fine.
            if rule.backend != Target::Unread {
                notes.add(FindingCode::DuplicatePath, &rule.path_field(), || lost(first, declared));
            }
            return;
        }
        let Meant { pattern, expression, refused } = host.paths.take(pattern, rule, notes);
        let canary = host.canaries.take(rule, declared);
        let (client_auth, action) = match ruling {
            Ruling::Served(_) if refused => (None, Action::Deny(Denial::PolicyNotServed)),
            Ruling::Served(auth) => (auth.clone(), self.action(&mut host.uses, declared, rule, notes)),
            Ruling::Refused => (None, Action::Deny(Denial::PolicyNotServed)),
        };
        let canary = canary.and_then(|taker| self.canary(host, declared, taker, filters));
        let shared = canary.map(|canary| filters::share(filters, canary, self.policy));
        let filters = shared.as_ref().or(filters);
        let is_same = |old: &Route| {
            is_same(old, declared, rule, &action)
                && old.client_auth == client_auth
                && old.expression == expression
                && old.filters.as_ref() == filters
        };
        let same = before.and_then(|table| table.get(&pattern)).filter(|old| is_same(old));
        let route = same.cloned().unwrap_or_else(|| {
            Arc::new(Route {
                host: (*rule.host).into(),
                path: (*rule.path.written).into(),
                kind: pattern.kind(),
                origin: declared.origin.clone(),
                client_auth,
                expression,
                filters: filters.cloned(),
                action,
            })
        });
        host.routes.insert(pattern, route);
    }
}

fn rules_of<'d>(declared: &'d Declared, host: &HostPattern) -> &'d [Rule] {
    declared.hosts.get(host).map(Vec::as_slice).unwrap_or_default()
}

/// The host of these rules, as it is shown.
fn shown(rules: &[Rule]) -> &str {
    rules.first().map(|rule| &*rule.host).unwrap_or_default()
}

/// A host in the making.
pub(crate) struct Host<'h, 'd> {
    pattern: &'h HostPattern,
    paths: HostPaths,
    /// Those that are written.
    pub(crate) routes: BTreeMap<PathPattern, Arc<Route>>,
    /// Those that follow from what is written, and stand instead of others of the same pattern.
    pub(crate) further: BTreeMap<PathPattern, Arc<Route>>,
    /// What the Ingresses want that are served, oldest first.
    pub(crate) wishes: Vec<Wish<'d>>,
    pub(crate) uses: Uses,
    canaries: Canaries<'d>,
    pub(crate) findings: Vec<Finding>,
}

/// An Ingress of a host, and what all of its routes have in common.
pub(crate) struct Wish<'d> {
    pub(crate) declared: &'d Declared,
    pub(crate) client_auth: Option<RouteAuth>,
    pub(crate) filters: Option<Arc<Filters>>,
}

impl<'h, 'd> Host<'h, 'd> {
    fn new(pattern: &'h HostPattern, paths: HostPaths, canaries: Canaries<'d>) -> Self {
        let (routes, further, uses) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        Self { pattern, paths, routes, further, wishes: Vec::new(), canaries, uses, findings: Vec::new() }
    }

    fn finish(self, before: Option<&Arc<PathTable>>, closed: bool, tls: TlsWish) -> Made {
        let mut routes = self.routes;
        routes.extend(self.further);
        let kept = before.filter(|table| {
            table.is_closed() == closed
                && table.tls() == tls
                && table.len() == routes.len()
                && routes.iter().all(|(pattern, new)| table.get(pattern).is_some_and(|old| Arc::ptr_eq(old, new)))
        });
        let unchanged = kept.is_some();
        let (automata, expressions) = self.paths.finish();
        let table = kept.cloned().unwrap_or_else(|| Arc::new(PathTable::with(&automata, routes, closed).under(tls)));
        let mut findings = self.findings;
        taken::note(&table, &mut findings);
        Made { state: HostState { table, uses: self.uses, expressions }, findings, unchanged }
    }
}

fn is_same(old: &Route, declared: &Declared, rule: &Rule, action: &Action) -> bool {
    let same_rule = old.origin == declared.origin && *old.path == *rule.path.written && *old.host == *rule.host;
    same_rule && does_same(&old.action, action)
}

/// Whether two actions do the same, with the very same backends.
pub(crate) fn does_same(old: &Action, new: &Action) -> bool {
    match (old, new) {
        (Action::Deny(old), Action::Deny(new)) => old == new,
        (Action::Forward(old), Action::Forward(new)) => old
            .iter()
            .map(|w| (Arc::as_ptr(&w.backend), w.weight))
            .eq(new.iter().map(|w| (Arc::as_ptr(&w.backend), w.weight))),
        _ => false,
    }
}
