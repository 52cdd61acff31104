//! What an Ingress refers to besides Services.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::networking::v1::Ingress;

use crate::annotation::{self, is_canary};
use crate::object::MAX_PATHS;
use crate::users::Form;

/// An object in the Ingress's own namespace. Other namespaces cannot be referred to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// Kind.
    pub kind: ReferenceKind,
    /// Name.
    pub name: String,
    /// What of it is needed.
    pub needs: Needs,
}

/// What of a Secret is needed. Of a ConfigMap everything is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Needs {
    /// A certificate with its key, of a Secret of type `kubernetes.io/tls`.
    pub certificate: bool,
    /// Certificates of issuers and what they have revoked, `ca.crt` and `ca.crl`, of a Secret of any type. Neither is secret.
    pub issuers: bool,
    /// Users with the hashes of their passwords, under the key `auth`, of a Secret of any type.
    pub users: bool,
    /// The same, each user a key, of a Secret of any type.
    pub user_map: bool,
}

impl Needs {
    /// A certificate and nothing else.
    pub const CERTIFICATE: Self = Self { certificate: true, ..Self::NOTHING };
    /// Issuers and nothing else.
    pub const ISSUERS: Self = Self { issuers: true, ..Self::NOTHING };
    /// A file of users and nothing else.
    pub const USERS: Self = Self { users: true, ..Self::NOTHING };
    /// A map of users and nothing else.
    pub const USER_MAP: Self = Self { user_map: true, ..Self::NOTHING };
    /// Nothing that is secret.
    pub const NOTHING: Self = Self { certificate: false, issuers: false, users: false, user_map: false };

    /// What either needs.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self {
            certificate: self.certificate || other.certificate,
            issuers: self.issuers || other.issuers,
            users: self.users || other.users,
            user_map: self.user_map || other.user_map,
        }
    }
}

/// Kinds of object that hold what an Ingress needs to be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReferenceKind {
    /// `v1` Secret.
    Secret,
    /// `v1` ConfigMap.
    ConfigMap,
}

/// Whether [`references`] looks at the annotation with this key.
#[must_use]
pub fn is_reference(annotation: &str) -> bool {
    annotation.strip_prefix(annotation::PREFIX).and_then(annotation::row).is_some_and(|row| row.refers)
}

/// Longest name of a Secret (Kubernetes: `DNS1123SubdomainMaxLength`).
const NAME_BYTES: usize = 253;

/// Whether a Secret can have this name: labels of lower-case letters, digits and inner hyphens, parted by dots (Kubernetes, "Object Names and
/// IDs", DNS subdomain names). An API server does not look into annotations, and whoever reads the Secret writes its name into the path
/// of a request, where `..%2F`, `?` or a space ask for something else, or make a request that cannot be sent.
fn is_name(text: &str) -> bool {
    let inner = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    let is_label = |label: &str| {
        let edge = label.starts_with('-') || label.ends_with('-');
        !label.is_empty() && !edge && label.bytes().all(inner)
    };
    text.len() <= NAME_BYTES && text.split('.').all(is_label)
}

/// What an Ingress refers to: the Secrets of its TLS entries (`spec.tls[].secretName`), that of TLS towards its backends
/// (annotation `proxy-ssl-secret`), that of its clients' issuers (annotation `auth-tls-secret`), that of its users (annotation
/// `auth-secret`), and the ConfigMaps of fields of its responses (annotation `custom-headers`) and
/// of what an authentication service is told (annotation `auth-proxy-set-headers`). A canary needs nothing of its own.
#[must_use]
pub fn references(ingress: &Ingress) -> BTreeSet<Reference> {
    if ingress.metadata.annotations.as_ref().is_some_and(is_canary) {
        return BTreeSet::new();
    }
    let tls = ingress.spec.iter().flat_map(|spec| spec.tls.iter().flatten());
    // A certificate is for a host that a rule is for, and there are no more of those.
    let shown = tls.filter_map(|entry| entry.secret_name.as_deref()).take(MAX_PATHS);
    let shown = shown.map(|name| (name.to_owned(), Needs::CERTIFICATE));
    let needed = annotation::needed(ingress);
    let behind = needed.backend.tls.secret.iter().map(|name| (name.to_string(), Needs::CERTIFICATE.or(Needs::ISSUERS)));
    let clients = needed.clients.secret().map(|name| (name.to_string(), Needs::ISSUERS));
    let users = needed.basic.iter().map(|basic| {
        let needs = match basic.form {
            Form::File => Needs::USERS,
            Form::Map => Needs::USER_MAP,
        };
        (basic.secret.to_string(), needs)
    });
    let mut secrets: BTreeMap<String, Needs> = BTreeMap::new();
    for (name, needs) in shown.chain(behind).chain(clients).chain(users).filter(|(name, _)| is_name(name)) {
        let known = secrets.entry(name).or_default();
        *known = known.or(needs);
    }
    let config_maps = needed.config_maps().filter(|name| is_name(name)).map(|name| name.to_string());
    let config_maps = config_maps.map(|name| Reference { kind: ReferenceKind::ConfigMap, name, needs: Needs::NOTHING });
    let secrets = secrets.into_iter().map(|(name, needs)| Reference { kind: ReferenceKind::Secret, name, needs });
    secrets.chain(config_maps).collect()
}
