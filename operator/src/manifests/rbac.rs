//! Every permission of the operator, with its reason: one table, from which the ClusterRole is written and against which tests hold
//! what the operator grants and applies.
//!
//! An account can grant only what it holds itself, unless it may `escalate` or `bind`. The operator may neither, so every right of a
//! gateway stands here as well, marked as such.

use std::fmt::Write as _;

use k8s_openapi::api::rbac::v1::PolicyRule;

use crate::webhook::configuration;

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// API group; empty for the core group.
    pub group: &'static str,
    /// Resources, plural, with their subresource where it is one.
    pub resources: &'static [&'static str],
    /// Verbs.
    pub verbs: &'static [&'static str],
    /// Names of the only objects it is about; empty where it is about all.
    pub names: &'static [&'static str],
    /// What the operator needs it for, as sentences.
    pub why: &'static str,
}

const READ: &[&str] = &["get", "list", "watch"];
/// Server-side apply of an object that does not exist yet needs `create` as well as `patch`.
const OWN: &[&str] = &["get", "list", "watch", "create", "patch", "delete"];

/// Whatever it is called.
const ALL: &[&str] = &[];

/// The whole table.
pub const TABLE: &[Row] = &[
    Row {
        group: "bulkhead.io",
        resources: &["gatewayinstances"],
        verbs: &["get", "list", "watch", "patch"],
        names: ALL,
        why: "Reads what is wanted. Patch adds and removes the operator's finalizer; nothing else of an instance is written.",
    },
    Row {
        group: "bulkhead.io",
        resources: &["gatewayinstances/status"],
        verbs: &["get", "patch"],
        names: ALL,
        why: "Reports what it sees.",
    },
    Row {
        group: "bulkhead.io",
        resources: &["gatewayinstances/finalizers"],
        verbs: &["update"],
        names: ALL,
        why: "Clusters that check owner references ask for it when an object names an instance as its blocking owner.",
    },
    Row {
        group: "apps",
        resources: &["deployments"],
        verbs: OWN,
        names: ALL,
        why: "One Deployment of gateways per lane.",
    },
    Row {
        group: "apps",
        resources: &["replicasets"],
        verbs: &["list"],
        names: ALL,
        why: "Finds the pod template that a lane goes back to when its new pods do not come up.",
    },
    Row {
        group: "",
        resources: &["services"],
        verbs: OWN,
        names: ALL,
        why: "Traffic and admin Services of a lane. Gateways are granted get, list and watch, to find the ports of backends.",
    },
    Row { group: "", resources: &["serviceaccounts"], verbs: OWN, names: ALL, why: "One identity per lane." },
    Row {
        group: "",
        resources: &["configmaps"],
        verbs: OWN,
        names: ALL,
        why: "The lane document, which gateways are granted by name; and the ConfigMaps that a lane's Ingresses refer to, which are \
              copied into the lane's keyring. Every other ConfigMap is listed and watched as metadata only.",
    },
    Row {
        group: "",
        resources: &["secrets"],
        verbs: OWN,
        names: ALL,
        why: "The keyring: exactly the Secrets that a lane's Ingresses refer to are read, and copied into Secrets of that lane, which its \
              gateways are granted by name. Every other Secret is listed and watched as metadata only; permissions cannot tell the two \
              apart.",
    },
    Row {
        group: "",
        resources: &["pods"],
        verbs: READ,
        names: ALL,
        why: "Finds the gateways of a lane, to ask each what it has loaded.",
    },
    Row {
        group: "",
        resources: &["namespaces"],
        verbs: READ,
        names: ALL,
        why: "Resolves namespace selectors, and leaves namespaces alone that are being deleted.",
    },
    Row {
        group: "rbac.authorization.k8s.io",
        resources: &["roles", "rolebindings", "clusterroles", "clusterrolebindings"],
        verbs: OWN,
        names: ALL,
        why: "The permissions of a lane's gateways. Neither escalate nor bind: what is not in this list cannot be granted.",
    },
    Row {
        group: "policy",
        resources: &["poddisruptionbudgets"],
        verbs: OWN,
        names: ALL,
        why: "How many gateways of a lane may be evicted at once.",
    },
    Row {
        group: "autoscaling",
        resources: &["horizontalpodautoscalers"],
        verbs: OWN,
        names: ALL,
        why: "Lanes whose replicas follow their load.",
    },
    Row {
        group: "networking.k8s.io",
        resources: &["networkpolicies"],
        verbs: OWN,
        names: ALL,
        why: "Who may connect to a lane.",
    },
    Row {
        group: "networking.k8s.io",
        resources: &["ingressclasses"],
        verbs: OWN,
        names: ALL,
        why: "One class per lane. Gateways are granted get, list and watch, to see that the class is still theirs.",
    },
    Row {
        group: "networking.k8s.io",
        resources: &["ingresses"],
        verbs: READ,
        names: ALL,
        why: "Finds the Secrets and ConfigMaps that a lane's Ingresses refer to. Gateways are granted the same, to serve them.",
    },
    Row {
        group: "networking.k8s.io",
        resources: &["ingresses/status"],
        verbs: &["patch"],
        names: ALL,
        why: "Tells Ingresses of a lane's class where they are reached, and takes it back. Nothing else of an Ingress is written.",
    },
    Row {
        group: "events.k8s.io",
        resources: &["events"],
        verbs: &["create"],
        names: ALL,
        why: "Tells on an Ingress what of it is not served as written, and on an instance what became of it.",
    },
    Row {
        group: "",
        resources: &["events"],
        verbs: &["list"],
        names: ALL,
        why: "Reads why the Service of a lane has no address yet.",
    },
    Row {
        group: "discovery.k8s.io",
        resources: &["endpointslices"],
        verbs: READ,
        names: ALL,
        why: "Gateways are granted it, to find endpoints. The operator itself lists those of its webhook, before API servers are told of it.",
    },
    Row {
        group: "admissionregistration.k8s.io",
        resources: &["validatingwebhookconfigurations"],
        verbs: &["get", "create", "patch", "delete"],
        names: &[configuration::NAME],
        why: "Tells API servers of the operator's own webhook where one is asked for, and takes it back where none is.",
    },
];

impl Row {
    /// The row as a rule of a ClusterRole.
    #[must_use]
    pub fn rule(&self) -> PolicyRule {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        PolicyRule {
            api_groups: Some(vec![self.group.to_owned()]),
            resources: Some(owned(self.resources)),
            verbs: owned(self.verbs),
            resource_names: Some(owned(self.names)).filter(|names| !names.is_empty()),
            ..PolicyRule::default()
        }
    }
}

/// Whether the table holds everything that `rule` grants. A rule on named objects is covered by a row on all of them.
#[must_use]
pub fn covers(rule: &PolicyRule) -> bool {
    let list = |words: &Option<Vec<String>>| words.clone().unwrap_or_default();
    list(&rule.non_resource_urls).is_empty()
        && list(&rule.api_groups).iter().all(|group| {
            list(&rule.resources).iter().all(|resource| rule.verbs.iter().all(|verb| allows(group, resource, verb)))
        })
}

/// Whether the table holds one verb on all objects of one resource.
#[must_use]
pub fn allows(group: &str, resource: &str, verb: &str) -> bool {
    TABLE.iter().any(|row| {
        row.names.is_empty() && row.group == group && row.resources.contains(&resource) && row.verbs.contains(&verb)
    })
}

/// The `rules:` of the ClusterRole as YAML, each under its reason.
pub(super) fn rules_yaml() -> String {
    let mut yaml = String::from("rules:\n");
    for row in TABLE {
        for line in wrapped(row.why) {
            let _ = writeln!(yaml, "# {line}");
        }
        let _ = writeln!(yaml, "- apiGroups: [\"{}\"]", row.group);
        let _ = writeln!(yaml, "  resources: [{}]", row.resources.join(", "));
        let _ = writeln!(yaml, "  verbs: [{}]", row.verbs.join(", "));
        if !row.names.is_empty() {
            let _ = writeln!(yaml, "  resourceNames: [{}]", row.names.join(", "));
        }
    }
    yaml
}

/// Lines of at most 100 characters.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + 1 + word.len() <= 100 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
