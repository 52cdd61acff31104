//! A read-only map from text, searched by hash.
//!
//! Keys come from Ingress authors, who may be hostile, and looking them up must cost other tenants nothing. A hash table
//! would need a secret key against made collisions. Here entries are sorted by hash and then by key: equal hashes cost a
//! few string compares more, never a linear search, so the hash can be public and quick.

use std::cmp::Ordering;
use std::sync::Arc;

/// A sorted slice of keys and values. Keys are unique.
#[derive(Clone, Debug)]
pub(crate) struct Index<V>(Box<[Entry<V>]>);

#[derive(Clone, Debug)]
struct Entry<V> {
    hash: u64,
    key: Arc<str>,
    value: V,
}

impl<V> Default for Index<V> {
    fn default() -> Self {
        Self(Box::default())
    }
}

impl<V: Clone> Index<V> {
    /// Of two entries with one key the first stays.
    pub(crate) fn new(entries: impl IntoIterator<Item = (Arc<str>, V)>) -> Self {
        let mut list: Vec<_> =
            entries.into_iter().map(|(key, value)| Entry { hash: hash(key.as_bytes()), key, value }).collect();
        list.sort_by(|a, b| a.order(b.hash, b.key.as_bytes()));
        list.dedup_by(|later, first| later.key == first.key);
        Self(list.into())
    }

    /// The same map with one key set or removed; everything else is shared.
    pub(crate) fn with(&self, key: &str, value: Option<V>) -> Self {
        let hash = hash(key.as_bytes());
        let mut list = Vec::with_capacity(self.0.len() + 1);
        let (at, found) = match self.search(hash, key.as_bytes()) {
            Ok(at) => (at, true),
            Err(at) => (at, false),
        };
        list.extend(self.0.iter().take(at).cloned());
        list.extend(value.map(|value| Entry { hash, key: key.into(), value }));
        list.extend(self.0.iter().skip(at + usize::from(found)).cloned());
        Self(list.into())
    }
}

impl<V> Index<V> {
    pub(crate) fn get(&self, hash: u64, key: &[u8]) -> Option<&V> {
        let at = self.search(hash, key).ok()?;
        self.0.get(at).map(|entry| &entry.value)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.0.iter().map(|entry| (&*entry.key, &entry.value))
    }

    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn search(&self, hash: u64, key: &[u8]) -> Result<usize, usize> {
        self.0.binary_search_by(|entry| entry.order(hash, key))
    }
}

impl<V> Entry<V> {
    fn order(&self, hash: u64, key: &[u8]) -> Ordering {
        self.hash.cmp(&hash).then_with(|| self.key.as_bytes().cmp(key))
    }
}

/// Multiplies and rotates eight bytes at a time. Spreads real names well and withstands nobody: see the module.
pub(crate) fn hash(key: &[u8]) -> u64 {
    /// 2^64 divided by the golden ratio: multiples of it are spread evenly.
    const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
    let (words, rest) = key.as_chunks::<8>();
    // The last word overlaps the one before; a key that is shorter than a word is filled up.
    let last = key.last_chunk().copied().unwrap_or_else(|| {
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        last
    });
    let mix = |state: u64, word: u64| (state.rotate_left(5) ^ word).wrapping_mul(SPREAD);
    let state = words.iter().fold(key.len() as u64, |state, word| mix(state, u64::from_le_bytes(*word)));
    mix(state, u64::from_le_bytes(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_hashes_are_told_apart_by_key() {
        let entry = |key: &str| Entry { hash: 7, key: key.into(), value: key.len() };
        let index = Index(Box::from([entry("a"), entry("bb"), entry("ccc")]));
        assert_eq!(index.get(7, b"bb"), Some(&2));
        assert_eq!(index.get(7, b"bc"), None);
    }

    #[test]
    fn the_first_of_two_equal_keys_stays() {
        let index = Index::new([("a".into(), 1), ("a".into(), 2)]);
        assert_eq!(index.get(hash(b"a"), b"a"), Some(&1));
        assert_eq!(index.iter().count(), 1);
    }

    #[test]
    fn a_key_can_be_set_replaced_and_removed() {
        let one = Index::default().with("a", Some(1)).with("b", Some(2));
        let two = one.with("a", Some(3)).with("b", None).with("c", None);
        assert_eq!(two.iter().collect::<Vec<_>>(), [("a", &3)]);
        assert_eq!(one.get(hash(b"b"), b"b"), Some(&2));
    }
}
