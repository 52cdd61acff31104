//! A route: what happens to requests that match a host and a path.

use std::sync::Arc;

use crate::backend::Backend;
use crate::denial::Denial;

/// What a host and path lead to. Immutable; shared by snapshots.
#[derive(Debug)]
pub struct Route {
    /// Host as written: exact, `*.` form, or empty for every other host.
    pub host: Box<str>,
    /// Path as written.
    pub path: Box<str>,
    /// How the path matches.
    pub kind: PathKind,
    /// `namespace/name` of the Ingress it comes from.
    pub origin: Box<str>,
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
    /// Every path that nothing else matches (`spec.defaultBackend`).
    Default,
}

/// What to do with a request.
#[derive(Debug)]
pub enum Action {
    /// Ask one of these backends.
    Forward(Box<[Weighted]>),
    /// Answer with this: the route exists, but what it needs does not.
    Deny(Denial),
}

/// A backend and its share.
#[derive(Debug)]
pub struct Weighted {
    /// The backend.
    pub backend: Arc<Backend>,
    /// Its share of the sum of weights. Never zero.
    pub weight: u32,
}
