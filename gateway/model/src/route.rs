//! A route: what happens to requests that match a host and a path.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::backend::Backend;
use crate::client_auth::RouteAuth;
use crate::denial::Denial;
use crate::expression::PathExpression;
use crate::filters::Filters;

/// What a host and path lead to. Immutable; shared by snapshots.
#[derive(Debug)]
pub struct Route {
    /// Host as written: exact, `*.` form, or empty for every other host.
    pub host: Box<str>,
    /// Path as written; empty for [`PathKind::Default`].
    pub path: Box<str>,
    /// How the path matches.
    pub kind: PathKind,
    /// `namespace/name` of the Ingress it comes from.
    pub origin: Box<str>,
    /// What a client must show before anything else is done; `None`: nothing.
    pub client_auth: Option<RouteAuth>,
    /// The path, where it is an expression that can be matched.
    pub expression: Option<Arc<PathExpression>>,
    /// What is done besides; `None`: nothing.
    pub filters: Option<Arc<Filters>>,
    /// What to do.
    pub action: Action,
}

/// How a route's path matches a request's. Ordered by precedence at equal length: `Exact` before `Prefix`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathKind {
    /// The whole path, case-sensitive.
    Exact,
    /// Element-wise: `/a` matches `/a`, `/a/` and `/a/b`, not `/ab`.
    Prefix,
    /// By a regular expression that begins where the path does: [`crate::expression`].
    Expression,
    /// Every path that nothing else matches (`spec.defaultBackend`).
    Default,
}

/// Which of two routes of one host is asked first: the smaller one. The longest path wins; between equal paths,
/// `Exact` (Ingress API reference, "Multiple matches").
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Precedence<'a> {
    length: Reverse<usize>,
    kind: PathKind,
    /// Of two expressions of one length, the one that is later in the order of bytes, as in ingress-nginx.
    expression: Reverse<&'a str>,
    /// Only so that the order is total: two other paths of one length never match the same request.
    path: &'a str,
}

impl Route {
    /// Its place among the routes of its host.
    #[must_use]
    pub fn precedence(&self) -> Precedence<'_> {
        // A slash at the end of a prefix is no part of it: `/a/` is not longer than the exact path `/a`.
        let meant = match self.kind {
            PathKind::Prefix => self.path.strip_suffix('/').unwrap_or(&self.path),
            PathKind::Exact | PathKind::Expression | PathKind::Default => &self.path,
        };
        let expression = Reverse(if self.kind == PathKind::Expression { &*self.path } else { "" });
        Precedence { length: Reverse(meant.len()), kind: self.kind, expression, path: &self.path }
    }
}

/// What to do with a request.
#[derive(Clone, Debug)]
pub enum Action {
    /// Ask one of these backends.
    Forward(Box<[Weighted]>),
    /// Answer with this: the route exists, but what it needs does not.
    Deny(Denial),
}

/// A backend and its share.
#[derive(Clone, Debug)]
pub struct Weighted {
    /// The backend.
    pub backend: Arc<Backend>,
    /// Its share of the sum of weights. Never zero.
    pub weight: u32,
}
