//! Names of namespaced objects, cheap to copy.

use std::fmt;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// `namespace/name`, in that order of comparison.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name {
    pub(crate) namespace: Arc<str>,
    pub(crate) name: Arc<str>,
}

impl Name {
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    pub(crate) fn of(metadata: &ObjectMeta) -> Self {
        Self::new(metadata.namespace.as_deref().unwrap_or_default(), metadata.name.as_deref().unwrap_or_default())
    }

    /// What an Ingress names by host: it is in no namespace, and no object ever has this name.
    pub(crate) fn outside(host: &Arc<str>) -> Self {
        Self { namespace: "".into(), name: Arc::clone(host) }
    }

    /// The host that it is, if it is one.
    pub(crate) fn host(&self) -> Option<&Arc<str>> {
        self.namespace.is_empty().then_some(&self.name)
    }

    /// Another object of the same namespace.
    pub(crate) fn beside(&self, name: &Arc<str>) -> Self {
        Self { namespace: Arc::clone(&self.namespace), name: Arc::clone(name) }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host() {
            Some(host) => f.write_str(host),
            None => write!(f, "{}/{}", self.namespace, self.name),
        }
    }
}
