//! Which route a host and a path lead to.

use std::sync::Arc;

use crate::client_auth::ClientAuth;
use crate::denial::Denial;
use crate::index::{self, Index};
use crate::path::Target;
use crate::path_table::PathTable;
use crate::pattern::HostPattern;
use crate::route::Route;

/// Routes by host: exact first, then the one-label wildcard, then those for every host.
///
/// A rule without a host is for all traffic (Ingress API reference, `IngressRule.host`), so a request that nothing of its
/// exact host matches is looked for under the wildcard and then under the rules for every host. The most specific host
/// that matches at all wins, whatever the lengths of the paths, and its own default backend counts as a match. A host
/// whose table is closed ends the search.
#[derive(Clone, Debug, Default)]
pub struct HostTable {
    exact: Hosts,
    wildcard: Hosts,
    any: Option<Arc<PathTable>>,
}

impl HostTable {
    /// The route of a canonical host and a request target, whoever reads it.
    ///
    /// A backend may take escaped slashes for slashes, in all places or in some. It must not find itself on a path of
    /// another route by that. The longest prefix that both readings of the path share is then that of every reading in
    /// between: routes have no escaped slashes, so what matches a path matches it with more of its slashes unescaped.
    ///
    /// # Errors
    /// [`Denial::NoRoute`], and [`Denial::AmbiguousSlash`] where the readings lead to different routes.
    pub fn route(&self, host: impl AsRef<[u8]>, target: &Target<'_>) -> Result<&Arc<Route>, Denial> {
        let route = self.find(&host, &target.path);
        if let Some(other) = target.separated()
            && route.map(Arc::as_ptr) != self.find(&host, other).map(Arc::as_ptr)
        {
            return Err(Denial::AmbiguousSlash);
        }
        route.ok_or(Denial::NoRoute)
    }

    /// The route of a canonical host and path, read as it is written.
    #[must_use]
    pub fn find(&self, host: impl AsRef<[u8]>, path: impl AsRef<[u8]>) -> Option<&Arc<Route>> {
        let (host, path) = (host.as_ref(), path.as_ref());
        let exact = self.exact.get(host);
        match exact.and_then(|table| table.find(path)) {
            Some(route) => return Some(route),
            None if exact.is_some_and(|table| table.is_closed()) => return None,
            None => {}
        }
        let wildcard = memchr::memchr(b'.', host).and_then(|dot| self.wildcard.get(host.get(dot + 1..)?));
        match wildcard.and_then(|table| table.find(path)) {
            Some(route) => return Some(route),
            None if wildcard.is_some_and(|table| table.is_closed()) => return None,
            None => {}
        }
        self.any.as_ref()?.find(path)
    }

    /// The most specific host that has rules and that a canonical host is, or belongs to: what a handshake is answered by. A request
    /// that is served by the rules of a less specific host came in under the policies of this one.
    #[must_use]
    pub fn most_specific(&self, host: impl AsRef<[u8]>) -> Option<&Arc<PathTable>> {
        let host = host.as_ref();
        let wildcard = || memchr::memchr(b'.', host).and_then(|dot| self.wildcard.get(host.get(dot + 1..)?));
        self.exact.get(host).or_else(wildcard).or(self.any.as_ref())
    }

    /// What a handshake for a canonical host is to ask: every policy of the most specific host that has rules. A request that
    /// is served by the rules of a less specific host, under a policy that is not among these, was not asked for that one.
    #[must_use]
    pub fn client_auth(&self, host: impl AsRef<[u8]>) -> &[Arc<ClientAuth>] {
        self.most_specific(host).map_or(&[], |table| table.client_auth())
    }

    /// The routes written for a host.
    #[must_use]
    pub fn get(&self, host: &HostPattern) -> Option<&Arc<PathTable>> {
        match host {
            HostPattern::Exact(name) => self.exact.get(name.as_bytes()),
            HostPattern::Wildcard(domain) => self.wildcard.get(domain.as_bytes()),
            HostPattern::Any => self.any.as_ref(),
        }
    }

    /// Sets or removes the routes of one host. What other snapshots share is not touched.
    pub fn set(&mut self, host: &HostPattern, table: Option<Arc<PathTable>>) {
        match host {
            HostPattern::Exact(name) => self.exact.set(name, table),
            HostPattern::Wildcard(domain) => self.wildcard.set(domain, table),
            HostPattern::Any => self.any = table,
        }
    }

    /// Every host with its routes, in the order they are asked: exact hosts by name, wildcards by domain, then every host.
    #[must_use]
    pub fn hosts(&self) -> Vec<(HostPattern, &Arc<PathTable>)> {
        let exact = self.exact.iter().map(|(name, table)| (HostPattern::Exact(name.into()), table));
        let wildcard = self.wildcard.iter().map(|(domain, table)| (HostPattern::Wildcard(domain.into()), table));
        let mut hosts: Vec<_> = exact.chain(wildcard).chain(self.any.iter().map(|t| (HostPattern::Any, t))).collect();
        hosts.sort_by(|(a, _), (b, _)| a.cmp(b));
        hosts
    }

    /// Every route, hosts in order, paths in order of precedence.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.hosts().into_iter().flat_map(|(_, table)| table.routes())
    }
}

impl FromIterator<(HostPattern, Arc<PathTable>)> for HostTable {
    fn from_iter<T: IntoIterator<Item = (HostPattern, Arc<PathTable>)>>(hosts: T) -> Self {
        let mut table = Self::default();
        for (host, paths) in hosts {
            table.set(&host, Some(paths));
        }
        table
    }
}

/// Parts a set of hosts is kept in. A change copies one part: at 5,000 hosts about twenty entries.
const PARTS: usize = 256;

/// Hosts of one kind, in parts that snapshots share.
#[derive(Clone, Debug, Default)]
struct Hosts {
    /// Empty, or [`PARTS`] of them.
    parts: Vec<Arc<Index<Arc<PathTable>>>>,
}

impl Hosts {
    fn get(&self, host: &[u8]) -> Option<&Arc<PathTable>> {
        let hash = index::hash(host);
        self.parts.get(part_of(hash))?.get(hash, host)
    }

    fn set(&mut self, host: &str, table: Option<Arc<PathTable>>) {
        if self.parts.is_empty() {
            self.parts = vec![Arc::default(); PARTS];
        }
        if let Some(part) = self.parts.get_mut(part_of(index::hash(host.as_bytes()))) {
            *part = Arc::new(part.with(host, table));
        }
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &Arc<PathTable>)> {
        self.parts.iter().flat_map(|part| part.iter())
    }
}

/// The top bits, which a multiplication mixes best.
const fn part_of(hash: u64) -> usize {
    (hash >> (u64::BITS - PARTS.ilog2())) as usize
}

#[cfg(test)]
mod tests;
