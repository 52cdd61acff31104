//! How the content of a keyring is named: the Secrets from which a gateway reads the keys of its lane.

use std::fmt;

/// Names one entry: a key of a Secret or of a ConfigMap in a namespace.
///
/// Written `<namespace>_<name>_<key>`, and `ConfigMap_<namespace>_<name>_<key>` of a ConfigMap. Names of namespaces and objects hold no
/// underscore and no capital letter, so this can be read back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryName {
    /// What is copied.
    pub kind: EntryKind,
    /// Namespace of the object that is copied.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// A key of its data.
    pub key: String,
}

/// Kinds of object whose content is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// `v1` Secret.
    Secret,
    /// `v1` ConfigMap.
    ConfigMap,
}

/// Before the name of an entry that is copied from a ConfigMap.
const CONFIG_MAP: &str = "ConfigMap_";

impl EntryName {
    /// Names a key of a Secret.
    #[must_use]
    pub fn new(namespace: &str, name: &str, key: &str) -> Self {
        Self { kind: EntryKind::Secret, namespace: namespace.to_owned(), name: name.to_owned(), key: key.to_owned() }
    }

    /// Names a key of a ConfigMap.
    #[must_use]
    pub fn of_config_map(namespace: &str, name: &str, key: &str) -> Self {
        Self { kind: EntryKind::ConfigMap, ..Self::new(namespace, name, key) }
    }

    /// Reads what [`Display`](fmt::Display) writes; nothing for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = match text.strip_prefix(CONFIG_MAP) {
            Some(rest) => (EntryKind::ConfigMap, rest),
            None => (EntryKind::Secret, text),
        };
        let mut parts = rest.splitn(3, '_');
        let (namespace, name, key) = (parts.next()?, parts.next()?, parts.next()?);
        (![namespace, name, key].contains(&"")).then(|| Self { kind, ..Self::new(namespace, name, key) })
    }
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            EntryKind::Secret => "",
            EntryKind::ConfigMap => CONFIG_MAP,
        };
        write!(f, "{kind}{}_{}_{}", self.namespace, self.name, self.key)
    }
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::EntryName;

    #[test]
    fn a_name_is_read_back_and_nothing_else_is() {
        let entry = EntryName::new("shop", "web-tls", "tls_2.crt");
        assert_eq!(EntryName::parse(&entry.to_string()), Some(entry.clone()));
        let same = EntryName::of_config_map("shop", "web-tls", "tls_2.crt");
        assert_eq!(same.to_string(), "ConfigMap_shop_web-tls_tls_2.crt");
        assert_eq!(EntryName::parse(&same.to_string()), Some(same.clone()));
        assert_ne!(same, entry);
        for other in ["", "shop", "shop_web", "_web_tls.crt", "shop__tls.crt", "shop_web_", "ConfigMap_shop_web"] {
            assert_eq!(EntryName::parse(other), None, "{other}");
        }
    }
}
