//! One Secret or ConfigMap, as an Ingress may refer to it.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};

/// A Secret or a ConfigMap that a lane may use: from its keyring, or from a directory of manifests.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyringEntry {
    /// Namespace of the object that Ingresses name, which for a copy is not that of the copy.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its data, decoded.
    pub data: BTreeMap<String, Vec<u8>>,
}

impl KeyringEntry {
    /// A Secret as it is written, `stringData` over `data` (Secret API reference).
    #[must_use]
    pub fn of(secret: Secret) -> Self {
        let mut data: BTreeMap<String, Vec<u8>> =
            secret.data.into_iter().flatten().map(|(key, value)| (key, value.0)).collect();
        data.extend(secret.string_data.into_iter().flatten().map(|(key, value)| (key, value.into_bytes())));
        Self {
            namespace: secret.metadata.namespace.unwrap_or_default(),
            name: secret.metadata.name.unwrap_or_default(),
            data,
        }
    }

    /// A ConfigMap as it is written. What is binary is for no header.
    #[must_use]
    pub fn of_config_map(config_map: ConfigMap) -> Self {
        Self {
            namespace: config_map.metadata.namespace.unwrap_or_default(),
            name: config_map.metadata.name.unwrap_or_default(),
            data: config_map.data.into_iter().flatten().map(|(key, value)| (key, value.into_bytes())).collect(),
        }
    }
}

/// Names and sizes only: nothing of a Secret must end up in a log.
impl fmt::Debug for KeyringEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: BTreeMap<_, _> = self.data.iter().map(|(key, content)| (key, content.len())).collect();
        let Self { namespace, name, data: _ } = self;
        f.debug_struct("KeyringEntry").field("namespace", namespace).field("name", name).field("bytes", &sizes).finish()
    }
}
