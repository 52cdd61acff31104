//! What an Ingress refers to besides Services.

use std::collections::BTreeSet;

use k8s_openapi::api::networking::v1::Ingress;

use crate::backend_policy;

/// An object in the Ingress's own namespace. Other namespaces cannot be referred to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// Kind.
    pub kind: ReferenceKind,
    /// Name.
    pub name: String,
}

/// Kinds of object that hold what an Ingress needs to be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReferenceKind {
    /// `v1` Secret.
    Secret,
    /// `v1` ConfigMap.
    ConfigMap,
}

/// What an Ingress refers to: the Secrets of its TLS entries (`spec.tls[].secretName`), and that of TLS towards its backends
/// (annotation `proxy-ssl-secret`).
#[must_use]
pub fn references(ingress: &Ingress) -> BTreeSet<Reference> {
    let tls = ingress.spec.iter().flat_map(|spec| spec.tls.iter().flatten());
    let secrets = tls.filter_map(|entry| entry.secret_name.as_deref()).filter(|name| !name.is_empty());
    let behind = backend_policy::secret(ingress);
    let secrets = secrets.map(str::to_owned).chain(behind.map(|name| name.to_string()));
    secrets.map(|name| Reference { kind: ReferenceKind::Secret, name }).collect()
}
