//! All expressions of a host: a path is read once for each automaton, however many expressions there are.

use std::cmp::Reverse;
use std::sync::Arc;

use super::automaton::Automaton;
use super::literals::Literals;
use super::{Costly, MAX_MATCHED_BYTES, MAX_STEPS, PathExpression, beginning, combine};
use crate::denial::Denial;
use crate::route::{Action, PathKind, Route};

/// Routes by expression, in the order in which they are asked: the longest first, of two that are equally long the one that is later
/// in the order of bytes. The first that matches is the one.
#[derive(Debug)]
pub(crate) struct ExpressionSet {
    routes: Box<[Arc<Route>]>,
    scans: Box<[Scan]>,
    literals: Literals,
    /// Leads nowhere: for paths that cost too much.
    costly: Arc<Route>,
}

/// An automaton, and the places of what it finds among the routes.
#[derive(Debug)]
struct Scan {
    automaton: Arc<Automaton>,
    places: Box<[usize]>,
}

impl ExpressionSet {
    /// Takes those of `automata` that look for nothing else, and makes further ones if they do not look for everything. Of two routes
    /// with one expression the first stays. `None`: there are no routes.
    pub(crate) fn new(mut entries: Vec<(Arc<str>, Arc<Route>)>, automata: &[Arc<Automaton>]) -> Option<Self> {
        if entries.is_empty() {
            return None;
        }
        entries.sort_by(|(a, _), (b, _)| rank(a).cmp(&rank(b)));
        entries.dedup_by(|(later, _), (first, _)| later == first);
        let mut left: Vec<Option<&Arc<PathExpression>>> =
            entries.iter().map(|(_, route)| route.expression.as_ref().filter(|one| !one.is_literal())).collect();
        let mut scans: Vec<Scan> = Vec::new();
        for automaton in automata {
            scans.extend(Scan::new(automaton, &mut left));
        }
        let rest: Vec<Arc<PathExpression>> = left.iter().copied().flatten().cloned().collect();
        for automaton in combine(&rest, usize::MAX).automata {
            scans.extend(Scan::new(&automaton, &mut left));
        }
        let literals = entries.iter().enumerate().filter_map(|(place, (key, route))| match &route.expression {
            None => Some((beginning(key), place)),
            Some(expression) => Some((expression.literal()?, place)),
        });
        let literals = Literals::new(literals);
        let routes = entries.into_iter().map(|(_, route)| route).collect();
        Some(Self { routes, scans: scans.into(), literals, costly: Arc::new(costly()) })
    }

    /// The first route that matches.
    pub(crate) fn find(&self, path: &[u8]) -> Option<&Arc<Route>> {
        match self.place(path) {
            Ok(found) => self.routes.get(found?),
            Err(Costly) => Some(&self.costly),
        }
    }

    fn place(&self, path: &[u8]) -> Result<Option<usize>, Costly> {
        let literal = self.literals.find(path);
        if !self.scans.is_empty() && path.len() > MAX_MATCHED_BYTES {
            return Err(Costly);
        }
        let (mut first, mut left) = (literal, MAX_STEPS);
        for scan in &self.scans {
            let found = scan.automaton.find(path, &mut left)?.and_then(|found| scan.places.get(found).copied());
            first = first.into_iter().chain(found).min();
        }
        Ok(first)
    }

    /// The route of an expression as it is written.
    pub(crate) fn get(&self, written: &str) -> Option<&Arc<Route>> {
        let at = self.routes.binary_search_by(|route| rank(&route.path).cmp(&rank(written))).ok()?;
        self.routes.get(at)
    }

    #[cfg(test)]
    pub(crate) fn shares_with(&self, other: &Self) -> bool {
        let same = |(a, b): (&Scan, &Scan)| Arc::ptr_eq(&a.automaton, &b.automaton);
        self.scans.len() == other.scans.len() && self.scans.iter().zip(&other.scans).all(same)
    }

    pub(crate) const fn len(&self) -> usize {
        self.routes.len()
    }

    pub(crate) const fn scans(&self) -> usize {
        self.scans.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.routes.iter()
    }
}

impl Scan {
    /// `None` if it looks for anything that is not among those that are `left` to be looked for.
    fn new(automaton: &Arc<Automaton>, left: &mut [Option<&Arc<PathExpression>>]) -> Option<Self> {
        let mut places = Vec::new();
        let mut at = 0;
        // Both are in order.
        for expression in automaton.ranked() {
            let found =
                left.get(at..)?.iter().position(|one| one.is_some_and(|one| one.written() == expression.written()))?;
            places.push(at + found);
            at += found + 1;
        }
        for place in &places {
            left.get_mut(*place).into_iter().for_each(|one| *one = None);
        }
        Some(Self { automaton: Arc::clone(automaton), places: places.into() })
    }
}

/// Where an expression stands among those of its host: the smallest is asked first.
pub(super) const fn rank(written: &str) -> (Reverse<usize>, Reverse<&str>) {
    (Reverse(written.len()), Reverse(written))
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
