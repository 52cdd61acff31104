//! Which route of one host a path leads to.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::client_auth::{ClientAuth, RouteAuth};
use crate::expression::{Automaton, ExpressionSet};
use crate::index::{self, Index};
use crate::pattern::PathPattern;
use crate::route::{PathKind, Route};
use crate::tls::TlsWish;

/// Routes of one host by path. Immutable; snapshots share it.
#[derive(Debug, Default)]
pub struct PathTable {
    exact: Index<Arc<Route>>,
    prefixes: Prefixes,
    expressions: Option<Box<ExpressionSet>>,
    default: Option<Arc<Route>>,
    closed: bool,
    client_auth: Box<[Arc<ClientAuth>]>,
    tls: TlsWish,
}

impl PathTable {
    /// A table of these routes. Of two with one pattern the first stays. `closed`: a request for this host that nothing
    /// here matches is not looked for under less specific hosts.
    #[must_use]
    pub fn new(routes: impl IntoIterator<Item = (PathPattern, Arc<Route>)>, closed: bool) -> Self {
        Self::with(&[], routes, closed)
    }

    /// As [`Self::new`], looking for expressions by `automata` as far as they go.
    #[must_use]
    pub fn with(
        automata: &[Arc<Automaton>],
        routes: impl IntoIterator<Item = (PathPattern, Arc<Route>)>,
        closed: bool,
    ) -> Self {
        let (mut exact, mut prefixes, mut expressions, mut default) = (Vec::new(), Vec::new(), Vec::new(), None);
        let mut client_auth: Vec<Arc<ClientAuth>> = Vec::new();
        for (pattern, route) in routes {
            if let Some(RouteAuth { policy, .. }) = &route.client_auth
                && !client_auth.contains(policy)
            {
                client_auth.push(Arc::clone(policy));
            }
            match pattern.kind {
                PathKind::Exact => exact.push((pattern.key, route)),
                PathKind::Prefix => prefixes.push((pattern.key, route)),
                PathKind::Expression => expressions.push((pattern.key, route)),
                PathKind::Default => default = default.or(Some(route)),
            }
        }
        let client_auth = client_auth.into();
        Self {
            exact: Index::new(exact),
            prefixes: Prefixes::new(prefixes),
            expressions: ExpressionSet::new(expressions, automata).map(Box::new),
            default,
            closed,
            client_auth,
            tls: TlsWish::default(),
        }
    }

    /// The same routes, of a host that says this of its handshakes.
    #[must_use]
    pub fn under(self, tls: TlsWish) -> Self {
        Self { tls, ..self }
    }

    /// The route of a canonical path: an equal `Exact`, else the longest `Prefix` or the first expression, whichever is written
    /// longer, else the default. An `Exact` path that matches is as long as the request's, so it never loses to a `Prefix` by length.
    #[must_use]
    pub fn find(&self, path: &[u8]) -> Option<&Arc<Route>> {
        let exact = if self.exact.is_empty() { None } else { self.exact.get(index::hash(path), path) };
        let other = || match &self.expressions {
            None => self.prefixes.find(path),
            Some(expressions) => first(self.prefixes.find(path), expressions.find(path)),
        };
        exact.or_else(other).or(self.default.as_ref())
    }

    /// The route that is written for exactly this pattern.
    #[must_use]
    pub fn get(&self, pattern: &PathPattern) -> Option<&Arc<Route>> {
        match pattern.kind {
            PathKind::Exact => self.exact.get(index::hash(pattern.key.as_bytes()), pattern.key.as_bytes()),
            PathKind::Prefix => self.prefixes.get(&pattern.key),
            PathKind::Expression => self.expressions.as_ref()?.get(&pattern.key),
            PathKind::Default => self.default.as_ref(),
        }
    }

    #[cfg(test)]
    pub(crate) fn shares_expressions_with(&self, other: &Self) -> bool {
        match (&self.expressions, &other.expressions) {
            (Some(own), Some(other)) => own.shares_with(other),
            _ => false,
        }
    }

    /// How many times a path is read to find out which expression matches it.
    #[must_use]
    pub fn scans(&self) -> usize {
        self.expressions.as_ref().map_or(0, |expressions| expressions.scans())
    }

    /// How many routes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        let expressions = self.expressions.as_ref().map_or(0, |expressions| expressions.len());
        self.exact.len() + self.prefixes.0.len() + expressions + usize::from(self.default.is_some())
    }

    /// Whether there is no route.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether requests that nothing matches stay unmatched, rather than being looked for under less specific hosts.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// What the routes ask of their clients, each policy once.
    #[must_use]
    pub fn client_auth(&self) -> &[Arc<ClientAuth>] {
        &self.client_auth
    }

    /// What the host says of the handshakes that name it.
    #[must_use]
    pub const fn tls(&self) -> TlsWish {
        self.tls
    }

    /// Every route, in order of precedence.
    #[must_use]
    pub fn routes(&self) -> Vec<&Arc<Route>> {
        let exact = self.exact.iter().map(|(_, route)| route);
        let prefixes = self.prefixes.0.iter().map(|prefix| &prefix.route);
        let expressions = self.expressions.iter().flat_map(|expressions| expressions.iter());
        let mut routes: Vec<_> = exact.chain(prefixes).chain(expressions).chain(self.default.as_ref()).collect();
        routes.sort_by_cached_key(|route| route.precedence());
        routes
    }
}

/// Which of two routes that match is asked. One whose expression could not be looked for is: it would have been written for something.
fn first<'t>(prefix: Option<&'t Arc<Route>>, expression: Option<&'t Arc<Route>>) -> Option<&'t Arc<Route>> {
    let is_costly = |route: &Route| route.path.is_empty();
    match (prefix, expression) {
        (Some(prefix), Some(other)) if !is_costly(other) && prefix.precedence() < other.precedence() => Some(prefix),
        (prefix, other) => other.or(prefix),
    }
}

/// Prefixes in element order, each with the longest other prefix that contains it.
///
/// Everything below a prefix stands right behind it in this order. So the longest prefix of a path is the greatest entry
/// that is not greater than the path, or one of those that contain that entry.
#[derive(Debug, Default)]
struct Prefixes(Box<[Prefix]>);

#[derive(Debug)]
struct Prefix {
    key: Arc<str>,
    /// Place of the longest prefix that contains this one; its own place if there is none.
    parent: usize,
    route: Arc<Route>,
}

impl Prefixes {
    fn new(mut entries: Vec<(Arc<str>, Arc<Route>)>) -> Self {
        entries.sort_by(|(a, _), (b, _)| element_order(a.as_bytes(), b.as_bytes()));
        entries.dedup_by(|(later, _), (first, _)| later == first);
        let mut list: Vec<Prefix> = Vec::with_capacity(entries.len());
        // Places of the prefixes around the current one, outermost first.
        let mut around: Vec<usize> = Vec::new();
        for (key, route) in entries {
            let place = list.len();
            while around.pop_if(|at| !list.get(*at).is_some_and(|outer| contains(&outer.key, &key))).is_some() {}
            list.push(Prefix { key, parent: around.last().copied().unwrap_or(place), route });
            around.push(place);
        }
        Self(list.into())
    }

    fn get(&self, key: &str) -> Option<&Arc<Route>> {
        let at = self.0.binary_search_by(|prefix| element_order(prefix.key.as_bytes(), key.as_bytes())).ok()?;
        self.0.get(at).map(|prefix| &prefix.route)
    }

    fn find(&self, path: &[u8]) -> Option<&Arc<Route>> {
        let order = |prefix: &Prefix| element_order(prefix.key.as_bytes(), path);
        let after = self.0.partition_point(|prefix| order(prefix) != Ordering::Greater);
        let mut place = after.checked_sub(1)?;
        let nearest = self.0.get(place)?;
        let common = common_bytes(nearest.key.as_bytes(), path);
        loop {
            let prefix = self.0.get(place)?;
            // All that contain `nearest` agree with it, so lengths tell without another compare.
            if prefix.key.len() <= common && ends_element(path, prefix.key.len()) {
                return Some(&prefix.route);
            }
            if prefix.parent == place {
                return None;
            }
            place = prefix.parent;
        }
    }
}

fn contains(outer: &str, inner: &str) -> bool {
    inner.starts_with(outer) && ends_element(inner.as_bytes(), outer.len())
}

fn ends_element(path: &[u8], at: usize) -> bool {
    path.get(at).is_none_or(|next| *next == b'/')
}

fn common_bytes(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Byte order with `/` below every other byte, so that `/a/b` stands before `/a-b`.
fn element_order(a: &[u8], b: &[u8]) -> Ordering {
    let rank = |byte: &u8| if *byte == b'/' { 0 } else { *byte };
    let common = common_bytes(a, b);
    a.get(common).map(rank).cmp(&b.get(common).map(rank))
}
