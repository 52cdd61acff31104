//! Names of hosts that no rule is for: aliases, and those that lead to the same name with `www.` or without.
//!
//! A rule for a name always comes first, whatever its age; then the oldest alias; then the oldest redirect. Where hosts are owned, an
//! Ingress gives names only to hosts that its own namespace owns, and none below a wildcard host that another namespace owns.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bulkhead_crds::finding::Finding;
use bulkhead_crds::lane::Profile;
use bulkhead_model::redirect::{HostRedirect, Redirects};
use bulkhead_model::route::PathKind;
use bulkhead_model::{Action, Denial, Filters, HostPattern, PathPattern, PathTable, Route};

use crate::annotation::{self, Names};
use crate::code::FindingCode;
use crate::findings::{Notes, quote};
use crate::hosts::HostPolicy;
use crate::ingress::{Declared, show};
use crate::ingresses::Ingresses;

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Further {
    /// The host, which a rule of the same Ingress is for.
    pub(crate) of: HostPattern,
    /// Whether requests are sent to that host, and not served as it does.
    pub(crate) leads: bool,
}

/// The further names of the hosts of an Ingress, of which `first` is the one that is written first.
pub(crate) fn read<'h>(
    names: &Names,
    first: Option<&HostPattern>,
    hosts: impl Iterator<Item = &'h HostPattern> + Clone,
) -> BTreeMap<HostPattern, Further> {
    let mut further = BTreeMap::new();
    let has = |name: &HostPattern| hosts.clone().any(|host| host == name);
    for (name, of) in names.aliases.iter().filter_map(|name| Some((name, first?))) {
        if !has(name) {
            further.insert(name.clone(), Further { of: of.clone(), leads: false });
        }
    }
    for host in hosts.clone().filter(|_| names.www) {
        let HostPattern::Exact(name) = host else { continue };
        let other = name.strip_prefix("www.").map_or_else(|| format!("www.{name}"), str::to_owned);
        let Ok(other @ HostPattern::Exact(_)) = HostPattern::parse(&other) else { continue };
        if !has(&other) {
            further.entry(other).or_insert_with(|| Further { of: host.clone(), leads: true });
        }
    }
    further
}

/// The wildcard host one label above a host.
pub(crate) fn parent(host: &HostPattern) -> Option<HostPattern> {
    match host {
        HostPattern::Exact(name) => name.split_once('.').map(|(_, domain)| HostPattern::Wildcard(domain.into())),
        HostPattern::Wildcard(_) | HostPattern::Any => None,
    }
}

impl Ingresses {
    /// The Ingress whose further name a host is; `None` if a rule is for it, or nobody may have it.
    pub(crate) fn namer(&self, host: &HostPattern, owned: bool) -> Option<(&Declared, &Further)> {
        if self.claims(host).is_some() {
            return None;
        }
        let owner = |host: &HostPattern| self.claims(host)?.next().map(|oldest| &oldest.age.name.namespace);
        let may = |declared: &Declared, further: &Further| {
            let is_own = |owner| owner == &declared.age.name.namespace;
            !owned
                || (owner(&further.of).is_some_and(is_own)
                    && parent(host).and_then(|above| owner(&above)).is_none_or(is_own))
        };
        let all = self.named(host).filter_map(|declared| Some((declared, declared.names.get(host)?)));
        all.filter(|(declared, further)| may(declared, further)).min_by_key(|(_, further)| further.leads)
    }

    /// Adds the further names of which something may be otherwise because it is of these hosts.
    pub(crate) fn add_names(&self, hosts: &mut BTreeSet<HostPattern>) {
        if self.names_of_hosts().next().is_none() {
            return;
        }
        let mut more = BTreeSet::new();
        for host in &*hosts {
            for declared in self.claims(host).into_iter().flatten() {
                more.extend(
                    declared.names.iter().filter(|(_, further)| further.of == *host).map(|(name, _)| name.clone()),
                );
            }
        }
        let below = self.names_of_hosts().filter(|name| parent(name).is_some_and(|above| hosts.contains(&above)));
        more.extend(below.cloned());
        hosts.extend(more);
    }

    /// What there is to say to those whose alias a host is not.
    pub(crate) fn lost_names(&self, host: &HostPattern, owned: bool) -> Vec<Finding> {
        let namer = self.namer(host, owned).map(|(namer, _)| &namer.age.name);
        let first = self.claims(host).and_then(|mut claims| claims.next()).map(|first| &first.age.name).or(namer);
        let mut findings = Vec::new();
        for declared in self.named(host).filter(|declared| Some(&declared.age.name) != namer) {
            if declared.names.get(host).is_none_or(|further| further.leads) {
                continue;
            }
            let mut notes = Notes::new("Ingress", &declared.age.name);
            notes.add(FindingCode::NameTaken, &annotation::key("server-alias"), || {
                let name = quote(&show(host));
                let why = first.map_or_else(
                    || "belongs to another namespace".to_owned(),
                    |first| format!("is a host of Ingress {first}"),
                );
                format!("The alias {name} {why}, so it is left out.")
            });
            findings.extend(notes.into_list());
        }
        findings
    }
}

/// The routes of a name that leads to another.
pub(crate) fn leading(
    name: &HostPattern,
    (declared, further): (&Declared, &Further),
    policy: &HostPolicy,
    before: Option<&Arc<PathTable>>,
) -> Arc<PathTable> {
    let form = declared.policies.redirects.form;
    let strips_slash = policy.profile == Profile::IngressNginx;
    let host = Some(HostRedirect::Name { host: (*show(&further.of)).into(), strips_slash });
    let redirects = Some(Redirects { host, form, ..Redirects::default() });
    let route = Route {
        host: (*show(name)).into(),
        path: "/".into(),
        kind: PathKind::Prefix,
        origin: declared.origin.clone(),
        client_auth: None,
        expression: None,
        filters: Some(Arc::new(Filters { redirects, ..Filters::default() })),
        action: Action::Deny(Denial::NoRoute),
    };
    let is_same = |table: &&Arc<PathTable>| {
        let old = table.routes();
        let same =
            |old: &Route| old.origin == route.origin && old.filters == route.filters && old.client_auth.is_none();
        table.is_closed() == policy.closed && matches!(&old[..], [old] if same(old))
    };
    if let Some(table) = before.filter(is_same) {
        return Arc::clone(table);
    }
    let pattern = PathPattern::prefix("/").unwrap_or_else(|_| PathPattern::unmatched());
    Arc::new(PathTable::new([(pattern, Arc::new(route))], policy.closed))
}
