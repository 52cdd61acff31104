//! `bulkhead routes`: what gateways have loaded.

use std::process::ExitCode;

use bulkhead_crds::report::{RouteReport, RoutesReport};

use crate::args::AskArgs;
use crate::table::{align, printable};

/// Prints the routes of every gateway that is asked for.
pub(crate) fn run(arguments: &AskArgs) -> ExitCode {
    crate::ask::run(arguments, "/v1/routes", lines)
}

fn lines(report: &RoutesReport) -> String {
    if report.routes.is_empty() {
        return "no routes: no Ingress that this lane may serve names its class\n".to_owned();
    }
    let rows: Vec<[String; 7]> = report.routes.iter().map(row).collect();
    align(["HOST", "PATH", "TYPE", "INGRESS", "BACKEND", "ENDPOINTS", "UNAVAILABLE"], &rows)
}

fn row(route: &RouteReport) -> [String; 7] {
    let endpoints = route.endpoints.to_string();
    // Why there is none stands in the last column.
    let is_told_twice = route.backend.strip_prefix("none: ") == Some(&route.unavailable);
    let backend = if is_told_twice { "none" } else { &route.backend };
    [&route.host, &route.path, &route.path_type, &route.ingress, backend, &endpoints, &route.unavailable].map(printable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> RoutesReport {
        let route = RouteReport {
            host: "*.port.example".to_owned(),
            path: "/".to_owned(),
            path_type: "Prefix".to_owned(),
            ingress: "port/quay".to_owned(),
            backend: "port/pier:80".to_owned(),
            endpoints: 2,
            unavailable: String::new(),
        };
        RoutesReport { snapshot: 7, routes: vec![route] }
    }

    #[test]
    fn why_a_route_has_no_backend_is_said_once() {
        let mut report = report();
        report.routes[0].unavailable = "it is closed".to_owned();
        report.routes[0].backend = "none: it is closed".to_owned();
        let line = lines(&report).lines().last().unwrap().to_owned();
        assert!(line.ends_with("none     2          it is closed"), "{line}");
        assert_eq!(line.matches("closed").count(), 1);
    }

    #[test]
    fn a_route_is_one_line() {
        let expected = "HOST            PATH  TYPE    INGRESS    BACKEND       ENDPOINTS  UNAVAILABLE\n\
                        *.port.example  /     Prefix  port/quay  port/pier:80  2\n";
        assert_eq!(lines(&report()), expected);
    }
}
