//! Paths of an Ingress that are not read, because there are too many before them. What they were to protect must not be left to wider rules.

use std::collections::{BTreeMap, BTreeSet};

use bulkhead_model::HostPattern;
use k8s_openapi::api::networking::v1::IngressRule;

use crate::ingress::{Rule, Target, show};
use crate::object::{MAX_CLOSED, MAX_PATHS, cost};
use crate::rule_path::RulePath;

/// Hosts of paths that are not read, because there are too many before them.
pub(crate) fn hosts(rules: &[IngressRule]) -> BTreeSet<HostPattern> {
    let mut left = MAX_PATHS;
    let is_unread = |rule: &&IngressRule| {
        let cost = cost(rule);
        let is_unread = cost > left;
        left = left.saturating_sub(cost);
        is_unread
    };
    let unread = rules.iter().filter(is_unread).take(MAX_CLOSED);
    unread.filter_map(|rule| HostPattern::parse(rule.host.as_deref().unwrap_or_default()).ok()).collect()
}

/// Has hosts of which not all paths are read answer 503 to whatever is not taken by one that is, or by the default backend.
pub(crate) fn close(hosts: &mut BTreeMap<HostPattern, Vec<Rule>>, closes: &BTreeSet<HostPattern>, has_default: bool) {
    for host in closes {
        let list = hosts.entry(host.clone()).or_default();
        if !has_default || list.is_empty() {
            list.push(Rule {
                path: RulePath::unmatched(),
                host: show(host),
                backend: Target::Unread,
                field: "spec.rules".into(),
            });
        }
    }
}
