//! Canaries of one host: whose traffic each takes a share of, and why others take none.

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead_crds::finding::Finding;
use bulkhead_model::balance::{Affinity, Side, Sticky};
use bulkhead_model::canary::Canary;
use bulkhead_model::route::PathKind;
use bulkhead_model::{Filters, HostPattern, PathPattern, Settings};

use crate::code::FindingCode;
use crate::findings::{Notes, quote};
use crate::hosts::{Host, Workshop, missing};
use crate::ingress::{Declared, Rule, Target};

/// Rules of canaries that look for the rule that they share.
pub(crate) struct Canaries<'d> {
    /// By host and path, oldest first.
    waiting: BTreeMap<&'d PathPattern, Vec<(&'d Declared, &'d Rule)>>,
    /// Whose rules they were, and which canary has got each.
    taken: BTreeMap<&'d PathPattern, (&'d Declared, Option<&'d Declared>)>,
}

impl<'d> Canaries<'d> {
    /// The rules of canaries for a host, oldest first.
    pub(crate) fn of(all: impl Iterator<Item = &'d Declared>, host: &HostPattern) -> Self {
        let mut waiting: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for declared in all {
            for rule in declared.hosts.get(host).into_iter().flatten() {
                waiting.entry(&rule.path.pattern).or_default().push((declared, rule));
            }
        }
        Self { waiting, taken: BTreeMap::new() }
    }

    /// The canary of a rule: the oldest one of the same namespace.
    pub(crate) fn take(&mut self, rule: &Rule, main: &'d Declared) -> Option<(&'d Declared, &'d Rule)> {
        // A canary need not say again that its path is an expression.
        let literal = || {
            PathPattern::prefix(&rule.path.written).ok().filter(|_| rule.path.pattern.kind() == PathKind::Expression)
        };
        let found = self.waiting.get_key_value(&rule.path.pattern);
        let (&pattern, waiting) = found.or_else(|| self.waiting.get_key_value(&literal()?))?;
        let namespace = &main.age.name.namespace;
        let found = waiting.iter().find(|(canary, _)| canary.age.name.namespace == *namespace).copied();
        self.taken.insert(pattern, (main, found.map(|(canary, _)| canary)));
        found
    }

    /// What is to be said about those that take nothing.
    pub(crate) fn left(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (pattern, waiting) in &self.waiting {
            let taken = self.taken.get(pattern);
            for (canary, rule) in waiting {
                let mut notes = Notes::new("Ingress", &canary.age.name);
                let why = match taken {
                    None => "no other Ingress has a rule with this host, path and path type".to_owned(),
                    Some((_, Some(taker))) if std::ptr::eq(*taker, *canary) => continue,
                    Some((main, _)) if main.age.name.namespace != canary.age.name.namespace => format!(
                        "the rule is that of an Ingress of another namespace, {}, and a canary shares the traffic of its own",
                        main.age.name.namespace
                    ),
                    Some((_, taker)) => {
                        let origin = taker.map(|taker| &*taker.origin).unwrap_or_default();
                        format!("Ingress {origin} is older and the canary of this rule already")
                    }
                };
                notes.add(FindingCode::CanaryNotServed, &rule.field, || {
                    format!(
                        "The canary takes no requests for {}{}: {why}.",
                        host(&rule.host),
                        quote(&rule.path.written)
                    )
                });
                findings.extend(notes.into_list());
            }
        }
        findings
    }
}

impl Workshop<'_> {
    /// What a canary takes of the rule of `main`. Its backend is asked as `main` says; sessions are with the one or the other.
    pub(crate) fn canary(
        &mut self,
        host: &mut Host<'_, '_>,
        main: &Declared,
        (declared, rule): (&Declared, &Rule),
        filters: Option<&Arc<Filters>>,
    ) -> Option<Canary> {
        let policy = declared.canary.as_ref()?;
        let share = policy.share.clone()?;
        let Target::Service { name, port } = &rule.backend else { return None };
        let service = declared.age.name.beside(name);
        let mut notes = Notes::new("Ingress", &declared.age.name);
        let catalog = self.catalog;
        let backend = match catalog.find(&service, port) {
            Err(code) => {
                notes.add(code, &rule.field, || missing(code, &service, rule, "this canary takes no requests"));
                None
            }
            Ok(port) => {
                match self.backend(
                    &mut host.uses,
                    &main.policies.backend,
                    (&service, &port, main.policies.service),
                    self.beside(main, declared),
                ) {
                    Ok(backend) => Some(backend),
                    Err(bad) => {
                        notes.add(FindingCode::BackendTlsBroken, &rule.field, || {
                        format!("TLS with Service {service} cannot be as Ingress {} wants it: {bad}, so the canary takes no requests.", main.origin)
                    });
                        None
                    }
                }
            }
        };
        host.findings.extend(notes.into_list());
        let settings = declared.policies.method.and_then(|method| {
            let own = filters.and_then(|filters| filters.settings.as_deref()).unwrap_or(&self.policy.settings);
            let mut settings: Settings = own.clone();
            settings.upstream.method = method;
            (settings != *own).then(|| Arc::new(settings))
        });
        Some(Canary { backend: backend?, settings, share, sticks: policy.sticks })
    }

    /// Which requests to a canary belong together: where clients stay with one of the two, those that do at `main`.
    fn beside(&self, main: &Declared, canary: &Declared) -> Option<Affinity> {
        let own = self.affinity(canary);
        let sticks = canary.canary.as_ref().is_some_and(|policy| policy.sticks);
        let affinity = self.affinity(main).filter(|main| sticks && matches!(main, Affinity::Sticky(_))).or(own);
        match affinity? {
            Affinity::Sticky(sticky) => Some(Affinity::Sticky(Sticky { side: Side::Canary, ..sticky })),
            other => Some(other),
        }
    }
}

/// A rule's host as messages name it.
fn host(host: &str) -> String {
    if host.is_empty() { String::new() } else { format!("{host} ") }
}
