//! What an Ingress says of each of its hosts. Most have one, and there are many Ingresses: a map that grows would hold room for ten more.

use std::collections::BTreeMap;

use bulkhead_model::HostPattern;

/// A map that is made once. Takes no more memory than its entries.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ByHost<V>(Box<[(HostPattern, V)]>);

impl<V> ByHost<V> {
    pub(crate) fn get(&self, host: &HostPattern) -> Option<&V> {
        let at = self.0.binary_search_by(|(known, _)| known.cmp(host)).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    pub(crate) fn contains_key(&self, host: &HostPattern) -> bool {
        self.get(host).is_some()
    }

    /// Hosts in their order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &HostPattern> {
        self.iter().map(|(host, _)| host)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&HostPattern, &V)> {
        self.0.iter().map(|(host, value)| (host, value))
    }
}

impl<V> From<BTreeMap<HostPattern, V>> for ByHost<V> {
    fn from(map: BTreeMap<HostPattern, V>) -> Self {
        Self(map.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_found_again_in_order_and_nothing_else() {
        let host = |name: &str| HostPattern::parse(name).unwrap();
        let names = ["b.test", "", "*.a.test", "a.test"];
        let map: BTreeMap<_, _> = names.iter().map(|name| (host(name), *name)).collect();
        let ours = ByHost::from(map.clone());
        assert!(ours.iter().eq(map.iter()));
        for name in names {
            assert_eq!(ours.get(&host(name)), Some(&name));
        }
        assert!(!ours.contains_key(&host("c.test")));
    }
}
