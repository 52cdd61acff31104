//! Which namespaces an instance serves, and who may claim a host there.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::lane::HostOwnership;
use crate::schema::{embedded, rules};

/// The part of the cluster that an instance looks at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Scope {
    /// Namespaces whose Ingresses, Services and endpoints the gateways may read. They get permissions nowhere else.
    pub namespaces: NamespaceScope,
    /// Who may claim a host name. Shared: rules of several namespaces for one host are merged. Namespace: the namespace of
    /// the oldest Ingress that names a host owns it, and rules of other namespaces for that host are refused. A wildcard is a
    /// host of its own and owns no name below it.
    pub host_ownership: HostOwnership,
}

/// A set of namespaces, by one of four ways to say it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rules(&[
    (
        "self.?from.orValue('All') == 'Names' ? self.?names.orValue([]).size() > 0 : self.?names.orValue([]).size() == 0",
        "names must be given exactly when from is Names: list at least one namespace, or remove names",
    ),
    (
        "(self.?from.orValue('All') == 'Selector') == has(self.selector)",
        "selector must be given exactly when from is Selector: add a selector, or remove it",
    ),
])))]
pub struct NamespaceScope {
    /// How the namespaces are chosen. All: every namespace, also later ones. Same: the namespace of this GatewayInstance.
    /// Names: those listed in names. Selector: those whose labels match selector, followed as labels change.
    pub from: NamespaceSource,
    /// Namespaces to serve when from is Names. One that does not exist yet is served once it does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 256),
        inner(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")),
        extend("x-kubernetes-list-type" = "set")
    )]
    pub names: Vec<String>,
    /// Labels that a namespace must carry to be served when from is Selector. An empty selector matches every namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "embedded::<LabelSelector>")]
    pub selector: Option<LabelSelector>,
}

/// How the namespaces of an instance are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum NamespaceSource {
    /// Every namespace.
    #[default]
    All,
    /// The namespace of the GatewayInstance.
    Same,
    /// Those that are named.
    Names,
    /// Those whose labels match.
    Selector,
}
