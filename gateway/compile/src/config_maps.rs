//! All ConfigMaps at hand that an Ingress may refer to.

use std::collections::BTreeMap;

use crate::name::Name;

/// ConfigMaps by name.
#[derive(Debug, Default)]
pub(crate) struct ConfigMaps(BTreeMap<Name, BTreeMap<String, Vec<u8>>>);

impl ConfigMaps {
    /// Puts a ConfigMap in, or takes it out; whether that changes anything.
    pub(crate) fn set(&mut self, name: &Name, data: Option<BTreeMap<String, Vec<u8>>>) -> bool {
        if self.0.get(name) == data.as_ref() {
            return false;
        }
        match data {
            Some(data) => self.0.insert(name.clone(), data),
            None => self.0.remove(name),
        };
        true
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &Name> {
        self.0.keys()
    }

    /// What is in one; `None` when there is no such ConfigMap.
    pub(crate) fn get(&self, name: &Name) -> Option<&BTreeMap<String, Vec<u8>>> {
        self.0.get(name)
    }
}
