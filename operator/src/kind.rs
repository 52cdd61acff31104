//! The kinds of object that a lane is made of: one table, which applying, pruning, watching and cleaning up all walk.

use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::discovery::ApiResource;

/// One kind of object that the operator applies. In the order in which they are applied; they are removed the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Identity of a lane's pods.
    ServiceAccount,
    /// Reads the lane document and the keyring.
    Role,
    /// Reads Ingresses and what they lead to.
    ClusterRole,
    /// Binds roles inside namespaces.
    RoleBinding,
    /// Binds roles in the whole cluster.
    ClusterRoleBinding,
    /// The lane document.
    ConfigMap,
    /// The keyring.
    Secret,
    /// Who may connect.
    NetworkPolicy,
    /// Traffic and admin Services.
    Service,
    /// How many pods may be evicted.
    PodDisruptionBudget,
    /// The gateways.
    Deployment,
    /// How many gateways there are.
    HorizontalPodAutoscaler,
    /// What Ingresses name.
    IngressClass,
}

impl Kind {
    /// Every kind, in the order in which objects are applied.
    pub const ALL: [Self; 13] = [
        Self::ServiceAccount,
        Self::Role,
        Self::ClusterRole,
        Self::RoleBinding,
        Self::ClusterRoleBinding,
        Self::ConfigMap,
        Self::Secret,
        Self::NetworkPolicy,
        Self::Service,
        Self::PodDisruptionBudget,
        Self::Deployment,
        Self::HorizontalPodAutoscaler,
        Self::IngressClass,
    ];

    /// The word that stands in `kind`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().1
    }

    /// API group; empty for the core group.
    #[must_use]
    pub const fn group(self) -> &'static str {
        self.row().0
    }

    /// Name of the resource.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        self.row().2
    }

    /// Whether objects live in namespaces.
    #[must_use]
    pub const fn namespaced(self) -> bool {
        !matches!(self, Self::ClusterRole | Self::ClusterRoleBinding | Self::IngressClass)
    }

    /// The kind whose name is `kind`.
    #[must_use]
    pub fn parse(kind: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == kind)
    }

    /// Where the API server serves it.
    #[must_use]
    pub fn resource(self) -> ApiResource {
        let (group, kind, plural) = self.row();
        let version = if matches!(self, Self::HorizontalPodAutoscaler) { "v2" } else { "v1" };
        let api_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
        ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version,
            kind: kind.to_owned(),
            plural: plural.to_owned(),
        }
    }

    /// Whether others write a status into it.
    #[must_use]
    pub const fn has_status(self) -> bool {
        matches!(self, Self::Service | Self::PodDisruptionBudget | Self::Deployment | Self::HorizontalPodAutoscaler)
    }

    const fn row(self) -> (&'static str, &'static str, &'static str) {
        const RBAC: &str = "rbac.authorization.k8s.io";
        const NETWORKING: &str = "networking.k8s.io";
        match self {
            Self::ServiceAccount => ("", "ServiceAccount", "serviceaccounts"),
            Self::Role => (RBAC, "Role", "roles"),
            Self::ClusterRole => (RBAC, "ClusterRole", "clusterroles"),
            Self::RoleBinding => (RBAC, "RoleBinding", "rolebindings"),
            Self::ClusterRoleBinding => (RBAC, "ClusterRoleBinding", "clusterrolebindings"),
            Self::ConfigMap => ("", "ConfigMap", "configmaps"),
            Self::Secret => ("", "Secret", "secrets"),
            Self::NetworkPolicy => (NETWORKING, "NetworkPolicy", "networkpolicies"),
            Self::Service => ("", "Service", "services"),
            Self::PodDisruptionBudget => ("policy", "PodDisruptionBudget", "poddisruptionbudgets"),
            Self::Deployment => ("apps", "Deployment", "deployments"),
            Self::HorizontalPodAutoscaler => ("autoscaling", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
            Self::IngressClass => (NETWORKING, "IngressClass", "ingressclasses"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Names one object of a lane.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Kind.
    pub kind: Kind,
    /// Namespace; empty for cluster-scoped objects.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl Key {
    /// The object of this kind whose metadata this is.
    #[must_use]
    pub fn of(kind: Kind, meta: &ObjectMeta) -> Self {
        Self {
            kind,
            namespace: meta.namespace.clone().unwrap_or_default(),
            name: meta.name.clone().unwrap_or_default(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "{} {}", self.kind, self.name)
        } else {
            write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifests::rbac;

    #[test]
    fn the_operator_may_do_with_every_kind_what_it_does() {
        for kind in Kind::ALL {
            for verb in ["get", "list", "watch", "create", "patch", "delete"] {
                assert!(rbac::allows(kind.group(), kind.plural(), verb), "{verb} {kind}");
            }
        }
    }

    #[test]
    fn a_kind_is_found_by_its_name() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(Kind::parse("Pod"), None);
    }
}
