//! How many entries namespaces and Ingresses have, and who gives one up when there are no more.

use std::collections::HashMap;

/// Entries of each. None has zero.
#[derive(Debug, Default)]
pub(super) struct Shares {
    namespaces: HashMap<Box<[u8]>, usize>,
    ingresses: HashMap<Box<[u8]>, usize>,
}

impl Shares {
    /// How many an Ingress has.
    pub(super) fn of(&self, ingress: &[u8]) -> usize {
        self.ingresses.get(ingress).copied().unwrap_or_default()
    }

    /// An Ingress has one more.
    pub(super) fn put(&mut self, ingress: &[u8]) {
        *self.namespaces.entry(namespace(ingress).into()).or_default() += 1;
        *self.ingresses.entry(ingress.into()).or_default() += 1;
    }

    /// An Ingress has one less.
    pub(super) fn take(&mut self, ingress: &[u8]) {
        less(&mut self.namespaces, namespace(ingress));
        less(&mut self.ingresses, ingress);
    }

    /// Which Ingress gives one up to this one: that with most, of the namespace with most, or else of the same namespace. Nobody does
    /// who would have less afterwards than who gets it.
    pub(super) fn giver(&self, ingress: &[u8]) -> Option<Box<[u8]>> {
        let own = namespace(ingress);
        let of_own = self.namespaces.get(own).copied().unwrap_or_default();
        let most = self.namespaces.iter().max_by_key(|(_, count)| **count)?;
        let (from, more_than) = if *most.1 > of_own + 1 { (&**most.0, 0) } else { (own, self.of(ingress) + 1) };
        let givers = self.ingresses.iter().filter(|(name, count)| **count > more_than && namespace(name) == from);
        givers.max_by_key(|(_, count)| **count).map(|(name, _)| name.clone())
    }
}

fn namespace(ingress: &[u8]) -> &[u8] {
    ingress.split(|byte| *byte == b'/').next().unwrap_or_default()
}

fn less(counts: &mut HashMap<Box<[u8]>, usize>, name: &[u8]) {
    if let Some(count) = counts.get_mut(name) {
        *count -= 1;
        if *count == 0 {
            counts.remove(name);
        }
    }
}
