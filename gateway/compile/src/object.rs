//! The objects a gateway looks at.

use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::{Ingress, IngressClass, IngressRule};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::secret::KeyringEntry;

/// Paths of one Ingress that are looked at, over all of its rules; a rule without paths counts as one. An object of the 3 MiB that an API
/// server takes can have 34,000, which cost a gateway 25 MB, while those that people write have a few dozen.
pub(crate) const MAX_PATHS: usize = 2_000;
/// Rules behind those of [`MAX_PATHS`] of which the hosts are closed: as many hosts as an Ingress can have otherwise.
pub(crate) const MAX_CLOSED: usize = 2_000;

/// One object of a kind that matters.
#[derive(Clone, Debug, PartialEq)]
pub enum Object {
    /// Routes.
    Ingress(Box<Ingress>),
    /// Whose routes.
    IngressClass(Box<IngressClass>),
    /// Names and ports that routes refer to.
    Service(Box<Service>),
    /// Where a Service is reached.
    EndpointSlice(Box<EndpointSlice>),
    /// Certificates and their keys.
    Secret(KeyringEntry),
    /// Fields of messages.
    ConfigMap(KeyringEntry),
}

/// Kinds of [`Object`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `networking.k8s.io/v1` Ingress.
    Ingress,
    /// `networking.k8s.io/v1` IngressClass, cluster-scoped.
    IngressClass,
    /// `v1` Service.
    Service,
    /// `discovery.k8s.io/v1` EndpointSlice.
    EndpointSlice,
    /// `v1` Secret.
    Secret,
    /// `v1` ConfigMap.
    ConfigMap,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Ingress, Self::IngressClass, Self::Service, Self::EndpointSlice, Self::Secret, Self::ConfigMap];

    /// The kind as manifests write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingress => "Ingress",
            Self::IngressClass => "IngressClass",
            Self::Service => "Service",
            Self::EndpointSlice => "EndpointSlice",
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
        }
    }
}

/// What tells an object from all others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Kind.
    pub kind: Kind,
    /// Namespace; empty for cluster-scoped objects.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl Object {
    /// Its key.
    #[must_use]
    pub fn key(&self) -> Key {
        let (kind, metadata) = match self {
            Self::Ingress(o) => (Kind::Ingress, &o.metadata),
            Self::IngressClass(o) => (Kind::IngressClass, &o.metadata),
            Self::Service(o) => (Kind::Service, &o.metadata),
            Self::EndpointSlice(o) => (Kind::EndpointSlice, &o.metadata),
            Self::Secret(entry) => {
                return Key { kind: Kind::Secret, namespace: entry.namespace.clone(), name: entry.name.clone() };
            }
            Self::ConfigMap(entry) => {
                return Key { kind: Kind::ConfigMap, namespace: entry.namespace.clone(), name: entry.name.clone() };
            }
        };
        let namespace = match kind {
            Kind::IngressClass => String::new(),
            _ => metadata.namespace.clone().unwrap_or_default(),
        };
        Key { kind, namespace, name: metadata.name.clone().unwrap_or_default() }
    }

    /// Drops what no program of ours reads, so that whoever keeps objects keeps little.
    pub fn trim(&mut self) {
        match self {
            Self::Ingress(ingress) => trim_ingress(ingress),
            Self::IngressClass(class) => trim_metadata(&mut class.metadata),
            Self::Service(service) => {
                trim_metadata(&mut service.metadata);
                service.status = None;
            }
            Self::EndpointSlice(slice) => {
                trim_metadata(&mut slice.metadata);
                for endpoint in &mut slice.endpoints {
                    endpoint.deprecated_topology = None;
                    if let Some(hints) = &mut endpoint.hints {
                        hints.for_nodes = None;
                    }
                    endpoint.hostname = None;
                    endpoint.node_name = None;
                    endpoint.target_ref = None;
                    endpoint.zone = None;
                }
            }
            Self::Secret(_) | Self::ConfigMap(_) => {}
        }
    }
}

/// As [`Object::trim`]. Of more than [`MAX_PATHS`] paths one too many is kept, which shows that there were more, and of the rules behind
/// them only their hosts.
pub(crate) fn trim_ingress(ingress: &mut Ingress) {
    trim_metadata(&mut ingress.metadata);
    ingress.status = None;
    let Some(rules) = ingress.spec.as_mut().and_then(|spec| spec.rules.as_mut()) else { return };
    let mut left = MAX_PATHS + 1;
    let mut closed = MAX_CLOSED;
    rules.retain_mut(|rule| {
        if left == 0 {
            rule.http = None;
            let is_closed = closed > 0;
            closed = closed.saturating_sub(1);
            return is_closed;
        }
        if let Some(http) = &mut rule.http {
            http.paths.truncate(left);
            http.paths.shrink_to_fit();
        }
        left = left.saturating_sub(cost(rule));
        true
    });
    rules.shrink_to_fit();
}

/// What a rule counts towards [`MAX_PATHS`].
pub(crate) fn cost(rule: &IngressRule) -> usize {
    rule.http.as_ref().map_or(1, |http| http.paths.len().max(1))
}

fn trim_metadata(metadata: &mut ObjectMeta) {
    metadata.managed_fields = None;
    metadata.owner_references = None;
    metadata.finalizers = None;
    if let Some(annotations) = &mut metadata.annotations {
        // A copy of the whole object that kubectl keeps there.
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
}

impl From<Ingress> for Object {
    fn from(object: Ingress) -> Self {
        Self::Ingress(Box::new(object))
    }
}

impl From<IngressClass> for Object {
    fn from(object: IngressClass) -> Self {
        Self::IngressClass(Box::new(object))
    }
}

impl From<Service> for Object {
    fn from(object: Service) -> Self {
        Self::Service(Box::new(object))
    }
}

impl From<EndpointSlice> for Object {
    fn from(object: EndpointSlice) -> Self {
        Self::EndpointSlice(Box::new(object))
    }
}

impl From<Secret> for Object {
    fn from(secret: Secret) -> Self {
        Self::Secret(KeyringEntry::of(secret))
    }
}

impl From<ConfigMap> for Object {
    fn from(config_map: ConfigMap) -> Self {
        Self::ConfigMap(KeyringEntry::of_config_map(config_map))
    }
}
