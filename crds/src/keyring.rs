//! How the content of a keyring is named: the Secrets from which a gateway reads the keys of its lane.

use std::fmt;

/// Names one entry: a key of a Secret in a namespace.
///
/// Written `<namespace>_<name>_<key>`. Names of namespaces and Secrets hold no underscore, so this can be read back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryName {
    /// Namespace of the Secret that is copied.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// A key of its data.
    pub key: String,
}

impl EntryName {
    /// An [`EntryName`] from its parts.
    #[must_use]
    pub fn new(namespace: &str, name: &str, key: &str) -> Self {
        Self { namespace: namespace.to_owned(), name: name.to_owned(), key: key.to_owned() }
    }

    /// Reads what [`Display`](fmt::Display) writes; nothing for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '_');
        let (namespace, name, key) = (parts.next()?, parts.next()?, parts.next()?);
        (![namespace, name, key].contains(&"")).then(|| Self::new(namespace, name, key))
    }
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}_{}", self.namespace, self.name, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::EntryName;

    #[test]
    fn a_name_is_read_back_and_nothing_else_is() {
        let entry = EntryName::new("shop", "web-tls", "tls_2.crt");
        assert_eq!(EntryName::parse(&entry.to_string()), Some(entry));
        for other in ["", "shop", "shop_web", "_web_tls.crt", "shop__tls.crt", "shop_web_"] {
            assert_eq!(EntryName::parse(other), None, "{other}");
        }
    }
}
