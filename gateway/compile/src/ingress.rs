//! One Ingress, read by itself: which rules it makes, before anything else in the cluster is known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use bulkhead_crds::finding::Finding;
use bulkhead_model::HostPattern;
use bulkhead_model::route::PathKind;
use k8s_openapi::api::networking::v1::{HTTPIngressPath, Ingress, IngressBackend, IngressSpec};

use crate::age::Age;
use crate::annotation::{self, CanaryPolicy, Policies, Reader, Routing};
use crate::by_host::ByHost;
use crate::class::class_of;
use crate::code::FindingCode;
use crate::findings::{Notes, quote};
use crate::further::{self, Further};
use crate::name::Name;
use crate::object::{MAX_PATHS, cost};
use crate::rule_path::RulePath;
use crate::service::PortRef;
use crate::tls_claim::{self, TlsClaim};
use crate::unread;

/// What an Ingress without annotations asks for besides.
static NO_POLICIES: LazyLock<Arc<Policies>> = LazyLock::new(Arc::default);

/// An Ingress as far as it can be understood alone.
#[derive(Debug, PartialEq)]
pub(crate) struct Declared {
    pub(crate) age: Age,
    /// `namespace/name`.
    pub(crate) origin: Box<str>,
    pub(crate) class: Option<Box<str>>,
    /// A protection is asked for that cannot be had: every rule answers 503.
    pub(crate) unprotected: bool,
    /// What else its annotations ask for.
    /// Shared by all that have no annotations.
    pub(crate) policies: Arc<Policies>,
    /// It makes no routes, but takes a share of others'.
    pub(crate) canary: Option<Box<CanaryPolicy>>,
    /// By host; no list is empty. Lists are in the order they are written, the default backend last.
    pub(crate) hosts: ByHost<Vec<Rule>>,
    /// Hosts with more of its paths than are read. What those were to protect must not be left to wider rules.
    pub(crate) closes: Box<[HostPattern]>,
    /// Further names of its hosts.
    pub(crate) names: ByHost<Further>,
    /// By host: which certificate it wants.
    pub(crate) tls: ByHost<TlsClaim>,
    pub(crate) findings: Vec<Finding>,
}

/// One host and path.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule {
    pub(crate) path: RulePath,
    /// Host as shown: canonical, `*.` form, or empty.
    pub(crate) host: Arc<str>,
    pub(crate) backend: Target,
    /// Path of the field that `backend` is in.
    pub(crate) field: Arc<str>,
}

/// What a rule points at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Target {
    /// A port of a Service beside the Ingress.
    Service { name: Arc<str>, port: PortRef },
    /// Nothing that can be asked. Why has been noted.
    Nothing,
    /// Nothing, because paths of the host were not read.
    Unread,
}

impl Declared {
    pub(crate) fn read(ingress: &Ingress) -> Self {
        let age = Age::of(&ingress.metadata);
        let mut notes = Notes::new("Ingress", &age.name);
        let written = ingress.metadata.annotations.as_ref();
        let canary = written.and_then(|all| annotation::read_canary(all, &age.name.namespace, &mut notes));
        let (counting, canary) = canary.map_or((None, None), |(counting, canary)| (Some(counting), Some(canary)));
        let annotations = counting.as_ref().or(written);
        let denied = annotations.is_some_and(|all| annotation::judge(all, &mut notes));
        let mut read = |all| Policies::read(&mut Reader::new(all, &age.name.namespace, &mut notes));
        let policies = annotations.map_or_else(|| Arc::clone(&NO_POLICIES), |all| Arc::new(read(all)));
        let (mut hosts, mut closes) = (BTreeMap::new(), BTreeSet::new());
        let (mut names, mut tls) = (BTreeMap::new(), BTreeMap::new());
        if let Some(spec) = &ingress.spec {
            // A canary's path is meant as it is written, whatever else of its annotations does not count.
            let routing =
                |all| Routing::read(&mut Reader::new(all, &age.name.namespace, &mut Notes::new("Ingress", &age.name)));
            let routing = written.filter(|_| canary.is_some()).map(routing);
            hosts = read_rules(spec, routing.as_ref().unwrap_or(&policies.routing), &mut notes);
            // A canary makes no routes.
            if canary.is_none() {
                closes = unread::hosts(spec.rules.as_deref().unwrap_or_default());
                unread::close(&mut hosts, &closes, spec.default_backend.is_some());
            }
            let rules = spec.rules.iter().flatten();
            let mut rules = rules.filter_map(|rule| HostPattern::parse(rule.host.as_deref().unwrap_or_default()).ok());
            let first = rules.find(|host| hosts.contains_key(host));
            names = further::read(&policies.names, first.as_ref(), hosts.keys());
            // A canary is behind the certificate of the rule that it shares.
            let entries = if canary.is_some() { &[] } else { spec.tls.as_deref().unwrap_or_default() };
            tls = tls_claim::read(entries, &hosts.keys().collect(), &names, &mut notes);
        }
        let class = class_of(ingress).map(Into::into);
        let origin = age.name.to_string().into();
        let findings = notes.into_list();
        let unprotected = denied || policies.refused;
        Self {
            age,
            origin,
            class,
            unprotected,
            policies,
            canary: canary.map(Box::new),
            hosts: hosts.into(),
            closes: closes.into_iter().collect(),
            names: names.into(),
            tls: tls.into(),
            findings,
        }
    }

    /// Whether it has a say on a host only because that is a further name of one of its hosts.
    pub(crate) fn only_names(&self, host: &HostPattern) -> bool {
        self.names.contains_key(host) && !tls_claim::is_ruled(host, &self.hosts.keys().collect())
    }

    /// Whether it makes all paths of `host` regular expressions, as ingress-nginx has it.
    pub(crate) fn spreads_expressions(&self, host: &HostPattern) -> bool {
        let Routing { expressions, rewrites, target, .. } = &self.policies.routing;
        let mut rules = self.hosts.get(host).into_iter().flatten();
        let is_other = |rule: &Rule| !rule.is_default() && *rule.path.written != **target;
        *expressions || (*rewrites && rules.any(is_other))
    }

    /// Names of the Services it refers to, some of them more than once.
    pub(crate) fn services(&self) -> impl Iterator<Item = &Arc<str>> {
        let asked = self.hosts.values().flatten().filter_map(|rule| match &rule.backend {
            Target::Service { name, .. } => Some(name),
            Target::Nothing | Target::Unread => None,
        });
        asked.chain(self.policies.services())
    }

    /// Names of the Secrets that it needs, some of them more than once.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Arc<str>> {
        let certificates = self.tls.values().filter_map(|claim| claim.secret.as_ref());
        certificates.chain(self.policies.secrets())
    }

    /// Hosts that want the certificate in `secret`, which is of the Ingress's namespace.
    pub(crate) fn hosts_of_secret(&self, secret: &Name) -> impl Iterator<Item = &HostPattern> {
        let wants = |claim: &TlsClaim| claim.secret.as_ref() == Some(&secret.name);
        self.tls.iter().filter(move |(_, claim)| wants(claim)).map(|(host, _)| host)
    }

    /// Hosts whose routes need what is in `secret`, which is of the Ingress's namespace: for TLS with backends, or to judge clients.
    pub(crate) fn hosts_behind(&self, secret: &Name) -> impl Iterator<Item = &HostPattern> {
        let mut all = self.policies.secrets();
        let needed = all.any(|name| *name == secret.name);
        self.hosts.keys().filter(move |_| needed)
    }

    /// Hosts with a rule that refers to `service`, which is of the Ingress's namespace, or with filters that do.
    pub(crate) fn hosts_of(&self, service: &Name) -> impl Iterator<Item = &HostPattern> {
        let of_all = self.policies.services().any(|name| *name == service.name);
        let refers = |rule: &Rule| matches!(&rule.backend, Target::Service { name, .. } if *name == service.name);
        self.hosts.iter().filter(move |(_, rules)| of_all || rules.iter().any(refers)).map(|(host, _)| host)
    }
}

impl Rule {
    /// Path of the field that the path is in. What `field` names is beside it.
    pub(crate) fn path_field(&self) -> String {
        self.field.strip_suffix(".backend").map_or_else(|| (*self.field).to_owned(), |at| format!("{at}.path"))
    }

    /// Whether it is the default backend.
    pub(crate) fn is_default(&self) -> bool {
        self.path.pattern.kind() == PathKind::Default
    }

    /// Whether what is asked of the backend is another path, as `routing` has it. Of `/` to `/` nothing is rewritten, as in
    /// ingress-nginx; of `/a` to `/a` what is below it is.
    pub(crate) fn is_rewritten(&self, routing: &Routing) -> bool {
        routing.rewrite.is_some()
            && !self.is_default()
            && !(*self.path.written == *routing.target && *routing.target == *"/")
    }
}

fn read_rules(spec: &IngressSpec, routing: &Routing, notes: &mut Notes<'_>) -> BTreeMap<HostPattern, Vec<Rule>> {
    let mut hosts: BTreeMap<HostPattern, Vec<Rule>> = BTreeMap::new();
    let rules = spec.rules.as_deref().unwrap_or_default();
    let mut left = MAX_PATHS;
    if rules.iter().map(cost).sum::<usize>() > left {
        notes.add(FindingCode::TooManyPaths, "spec.rules", || {
            format!("This Ingress has more than {MAX_PATHS} paths, so those after the first {MAX_PATHS} are not read. Nobody knows what they were to protect: on their hosts, whatever the other ones do not take answers 503, and so do all routes of other Ingresses of this namespace.")
        });
    }
    for (r, rule) in rules.iter().enumerate() {
        if left == 0 {
            break;
        }
        let taken = left;
        left = left.saturating_sub(cost(rule));
        let written = rule.host.as_deref().unwrap_or_default();
        let host = match HostPattern::parse(written) {
            Ok(host) => host,
            Err(why) => {
                notes.add(FindingCode::BadHost, &format!("spec.rules[{r}].host"), || {
                    format!("The host {} {why}, so this rule is left out.", quote(written))
                });
                continue;
            }
        };
        let shown = show(&host);
        let list = hosts.entry(host).or_default();
        let paths = rule.http.iter().flat_map(|http| &http.paths).take(taken).enumerate();
        list.extend(paths.filter_map(|(p, path)| {
            read_path(&shown, path, routing, &format!("spec.rules[{r}].http.paths[{p}]"), notes)
        }));
    }
    if let Some(backend) = &spec.default_backend {
        let target = read_backend(backend, "spec.defaultBackend", notes);
        // With rules it is for what they leave over of their hosts; alone it is for every request. Rules of which none
        // can be served do not make it a catch-all.
        if rules.is_empty() {
            hosts.insert(HostPattern::Any, Vec::new());
        }
        for (host, list) in &mut hosts {
            list.push(Rule {
                path: RulePath::unmatched(),
                host: show(host),
                backend: target.clone(),
                field: "spec.defaultBackend".into(),
            });
        }
    }
    hosts.retain(|_, list| !list.is_empty());
    hosts.values_mut().for_each(Vec::shrink_to_fit);
    hosts
}

/// A host as it is written; empty for every host.
pub(crate) fn show(host: &HostPattern) -> Arc<str> {
    match host {
        HostPattern::Exact(name) => (**name).into(),
        HostPattern::Wildcard(domain) => format!("*.{domain}").into(),
        HostPattern::Any => "".into(),
    }
}

fn read_path(
    host: &Arc<str>,
    path: &HTTPIngressPath,
    routing: &Routing,
    field: &str,
    notes: &mut Notes<'_>,
) -> Option<Rule> {
    let read = RulePath::read(path, routing, field, notes)?;
    let field = format!("{field}.backend");
    let backend = read_backend(&path.backend, &field, notes);
    Some(Rule { path: read, host: Arc::clone(host), backend, field: field.into() })
}

fn read_backend(backend: &IngressBackend, field: &str, notes: &mut Notes<'_>) -> Target {
    match (&backend.service, &backend.resource) {
        (Some(service), None) if !service.name.is_empty() => {
            if let Some(port) = service.port.as_ref().and_then(PortRef::read) {
                return Target::Service { name: service.name.as_str().into(), port };
            }
            notes.add(FindingCode::BadBackend, &format!("{field}.service.port"), || {
                format!("The port of Service {} is neither one number from 1 to 65535 nor one name, so the route answers 503.", quote(&service.name))
            });
        }
        (None, Some(resource)) => notes.add(FindingCode::ResourceBackend, &format!("{field}.resource"), || {
            format!(
                "The backend is the {} {}, and only Services are asked, so the route answers 503.",
                quote(&resource.kind),
                quote(&resource.name)
            )
        }),
        _ => notes.add(FindingCode::BadBackend, field, || {
            "The backend is not exactly one Service or resource, so the route answers 503.".to_owned()
        }),
    }
    Target::Nothing
}
