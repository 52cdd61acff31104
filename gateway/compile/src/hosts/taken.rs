//! Paths of one namespace that expressions of another take. So ingress-nginx has it: what is written longer is asked first. Where
//! namespaces share a host, both are told.

use std::sync::Arc;

use bulkhead_crds::finding::Finding;
use bulkhead_model::route::PathKind;
use bulkhead_model::{PathTable, Route};

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
        add(findings, &taking.origin, || {
            let loser = &losing.origin;
            format!(
                "The expression {expression} takes requests of the path {path} from Ingress {loser}, which is of another namespace, because it is written longer."
            )
        });
        add(findings, &losing.origin, || {
            let taker = &taking.origin;
            format!(
                "Requests of the path {path} are taken by the expression {expression} of Ingress {taker}, which is of another namespace, because it is written longer."
            )
        });
    }
}

/// The expression of another namespace that takes the path of a route, or what is right below it.
fn taker<'t>(table: &'t PathTable, route: &Route) -> Option<&'t Arc<Route>> {
    // What an expression is meant to match, nobody can say without matching it.
    if route.kind == PathKind::Default || route.expression.as_ref().is_some_and(|one| !one.is_literal()) {
        return None;
    }
    let path = route.path.strip_suffix('/').unwrap_or(&route.path);
    let asked = [route.path.to_string(), format!("{path}/"), format!("{path}/x")];
    let mut found = asked.iter().filter_map(|path| table.find(path.as_bytes()));
    let takes =
        |other: &&Arc<Route>| is_expression(other) && !other.path.is_empty() && namespace(other) != namespace(route);
    found.find(takes)
}

fn add(findings: &mut Vec<Finding>, origin: &str, message: impl FnOnce() -> String) {
    let Some((namespace, name)) = origin.split_once('/') else { return };
    let name = Name::new(namespace, name);
    let mut notes = Notes::new("Ingress", &name);
    notes.add(FindingCode::ExpressionTakesPath, "spec.rules", message);
    findings.extend(notes.into_list());
}

fn is_expression(route: &Route) -> bool {
    route.kind == PathKind::Expression
}

fn namespace(route: &Route) -> &str {
    route.origin.split_once('/').map_or("", |(namespace, _)| namespace)
}
