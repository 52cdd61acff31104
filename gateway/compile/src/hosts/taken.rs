//! Paths of one namespace that expressions of another take. So ingress-nginx has it: what is written longer is asked first. Where
//! namespaces share a host, both are told.

use std::sync::Arc;

use bulkhead_crds::finding::Finding;
use bulkhead_model::route::PathKind;
use bulkhead_model::{Action, Denial, PathTable, Route};

use crate::code::FindingCode;
use crate::findings::{MAX_PER_OBJECT, Notes, quote};
use crate::name::Name;

/// Notes what expressions take of other namespaces' paths, once for each path, and as often as anybody reads.
pub(super) fn note(table: &PathTable, findings: &mut Vec<Finding>) {
    let routes = table.routes();
    let first = routes.first().map(|route| namespace(route));
    if !routes.iter().any(|route| is_expression(route)) || routes.iter().all(|route| Some(namespace(route)) == first) {
        return;
    }
    let taken = routes.into_iter().filter_map(|route| Some((route, taker(table, route)?)));
    for (losing, taking) in taken.take(MAX_PER_OBJECT) {
        let (expression, path) = (quote(&taking.path), quote(&losing.path));
        let (loser, taker) = (&losing.origin, &taking.origin);
        if is_closed(taking) {
            add(findings, taker, FindingCode::ExpressionTakesPath, || {
                format!(
                    "The expression {expression} is not served, and closes requests of the path {path} of Ingress {loser}, which is of another namespace, because it is written longer."
                )
            });
            add(findings, loser, FindingCode::ExpressionClosesPath, || {
                format!(
                    "Requests of the path {path} answer 503: they may be meant for the expression {expression} of Ingress {taker}, which is of another namespace, is written longer, and is not served."
                )
            });
            continue;
        }
        add(findings, taker, FindingCode::ExpressionTakesPath, || {
            format!(
                "The expression {expression} takes requests of the path {path} from Ingress {loser}, which is of another namespace, because it is written longer."
            )
        });
        add(findings, loser, FindingCode::ExpressionTakesPath, || {
            format!(
                "Requests of the path {path} are taken by the expression {expression} of Ingress {taker}, which is of another namespace, because it is written longer."
            )
        });
    }
}

/// The expression of another namespace that takes the path of a route, or what is right below it.
fn taker<'t>(table: &'t PathTable, route: &Route) -> Option<&'t Arc<Route>> {
    if route.kind == PathKind::Default {
        return None;
    }
    let takes =
        |other: &&Arc<Route>| is_expression(other) && !other.path.is_empty() && namespace(other) != namespace(route);
    // What an expression is meant to match, nobody can say without matching it; but what is closed by one that is asked before it, and is
    // for all that begins alike, is.
    if route.expression.as_ref().is_some_and(|one| !one.is_literal()) {
        let closes =
            |other: &&Arc<Route>| takes(other) && other.expression.is_none() && other.precedence() < route.precedence();
        return table.find(beginning(&route.path).as_bytes()).filter(closes);
    }
    let path = route.path.strip_suffix('/').unwrap_or(&route.path);
    let asked = [route.path.to_string(), format!("{path}/"), format!("{path}/x")];
    let mut found = asked.iter().filter_map(|path| table.find(path.as_bytes()));
    found.find(takes)
}

/// An expression up to the first mark in it.
fn beginning(path: &str) -> &str {
    path.split(['(', '[', '{', '^', '$', '*', '+', '?', '\\', '|', '.']).next().unwrap_or_default()
}

fn add(findings: &mut Vec<Finding>, origin: &str, code: FindingCode, message: impl FnOnce() -> String) {
    let Some((namespace, name)) = origin.split_once('/') else { return };
    let name = Name::new(namespace, name);
    let mut notes = Notes::new("Ingress", &name);
    notes.add(code, "spec.rules", message);
    findings.extend(notes.into_list());
}

/// Whether whatever an expression takes answers 503.
fn is_closed(route: &Route) -> bool {
    matches!(route.action, Action::Deny(Denial::PolicyNotServed))
}

fn is_expression(route: &Route) -> bool {
    route.kind == PathKind::Expression
}

fn namespace(route: &Route) -> &str {
    route.origin.split_once('/').map_or("", |(namespace, _)| namespace)
}
