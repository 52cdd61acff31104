//! All expressions of a host in one automaton: a path is read once, however many there are.

use std::cmp::{Ordering, Reverse};
use std::sync::Arc;

use super::engine::Engine;
use super::{Costly, PathExpression, beginning, encoded};
use crate::denial::Denial;
use crate::route::{Action, PathKind, Route};

/// Routes by expression, in the order in which they are asked: the longest first, of two that are equally long the one that is later
/// in the order of bytes. The first that matches is the one.
#[derive(Debug)]
pub(crate) struct ExpressionSet {
    routes: Box<[Arc<Route>]>,
    automaton: Arc<Automaton>,
    /// Leads nowhere: for paths that cost too much.
    costly: Arc<Route>,
}

/// What is left of expressions; tables with the same ones share it.
#[derive(Debug)]
struct Automaton {
    texts: Box<[String]>,
    engine: Option<Engine>,
}

impl ExpressionSet {
    /// Takes the automaton of `before` if its expressions are the same. Of two routes with one expression the first stays. `None`:
    /// there are no routes.
    pub(crate) fn new(mut entries: Vec<(Arc<str>, Arc<Route>)>, before: Option<&Self>) -> Option<Self> {
        if entries.is_empty() {
            return None;
        }
        entries.sort_by(|(a, _), (b, _)| order(a, b));
        entries.dedup_by(|(later, _), (first, _)| later == first);
        let texts: Box<[String]> =
            entries.iter().map(|(key, route)| matched(key, route.expression.as_deref())).collect();
        let kept = before.map(|set| &set.automaton).filter(|automaton| automaton.texts == texts);
        let automaton = kept.map_or_else(|| Arc::new(Automaton { engine: Engine::new(&texts), texts }), Arc::clone);
        let routes = entries.into_iter().map(|(_, route)| route).collect();
        Some(Self { routes, automaton, costly: Arc::new(costly()) })
    }

    /// The first route that matches.
    pub(crate) fn find(&self, path: &[u8]) -> Option<&Arc<Route>> {
        match self.automaton.engine.as_ref().map_or(Err(Costly), |engine| engine.find(path)) {
            Ok(found) => self.routes.get(found?),
            Err(Costly) => Some(&self.costly),
        }
    }

    /// The route of an expression as it is written.
    pub(crate) fn get(&self, written: &str) -> Option<&Arc<Route>> {
        let at = self.routes.binary_search_by(|route| order(&route.path, written)).ok()?;
        self.routes.get(at)
    }

    #[cfg(test)]
    pub(crate) fn shares_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.automaton, &other.automaton)
    }

    pub(crate) const fn len(&self) -> usize {
        self.routes.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.routes.iter()
    }
}

fn order(a: &str, b: &str) -> Ordering {
    (Reverse(a.len()), Reverse(a)).cmp(&(Reverse(b.len()), Reverse(b)))
}

/// What a route is matched by: its expression, or, as it has none that can be matched, what that would have begun with.
fn matched(key: &str, expression: Option<&PathExpression>) -> String {
    expression.map_or_else(|| beginning(key), |_| encoded(key).into_owned())
}

/// Where paths lead that cost too much: nobody knows which of the expressions match them.
fn costly() -> Route {
    Route {
        host: "".into(),
        path: "".into(),
        kind: PathKind::Expression,
        origin: "".into(),
        client_auth: None,
        expression: None,
        filters: None,
        action: Action::Deny(Denial::PathTooCostly),
    }
}
