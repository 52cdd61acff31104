//! Which route a host and a path lead to.

use std::collections::HashMap;
use std::sync::Arc;

use crate::route::Route;

/// Routes by host: exact first, then the one-label wildcard, then those for every host.
#[derive(Clone, Debug, Default)]
pub struct HostTable {
    exact: HashMap<Box<str>, Arc<PathTable>>,
    wildcard: HashMap<Box<str>, Arc<PathTable>>,
    any: Option<Arc<PathTable>>,
}

/// Routes of one host by path.
#[derive(Debug, Default)]
pub struct PathTable {}

impl HostTable {
    /// The route of a canonical host and path.
    #[must_use]
    pub fn find(&self, host: &str, path: &str) -> Option<&Arc<Route>> {
        let _ = (host, path, &self.exact, &self.wildcard, &self.any);
        None
    }
}
