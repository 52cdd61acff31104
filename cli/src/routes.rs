//! `bulkhead routes`: what gateways have loaded.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use bulkhead_crds::report::{GatewayReport, RouteReport, RoutesReport};
use serde::Serialize;
use thiserror::Error;

use crate::admin::{self, AdminError};
use crate::args::{ADMIN_OFFSET, PORT_BASE, RoutesArgs, RoutesOutput};
use crate::table::{align, printable};

/// Why the routes cannot be shown.
#[derive(Debug, Error)]
enum RoutesError {
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    #[error(
        "{0}; `bulkhead up` prints the admin address of every lane, and `kubectl port-forward deploy/NAME 9090` opens one of a cluster"
    )]
    Ask(AdminError),
    #[error("cannot write the routes as JSON")]
    Encode(#[source] serde_json::Error),
}

/// What one gateway has loaded.
#[derive(Serialize)]
struct Loaded {
    admin: SocketAddr,
    /// Namespace, instance and lane; empty when the gateway has read no lane document yet.
    lane: String,
    #[serde(flatten)]
    report: RoutesReport,
}

/// Prints the routes of every gateway that is asked for.
pub(crate) fn run(arguments: &RoutesArgs) -> ExitCode {
    match text(arguments) {
        Ok(text) => match io::stdout().write_all(text.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            // The reader has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Err(error) => crate::complain(&error),
        },
        Err(error) => crate::complain(&error),
    }
}

fn text(arguments: &RoutesArgs) -> Result<String, RoutesError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(RoutesError::Runtime)?;
    let mut loaded = Vec::new();
    for admin in addresses(arguments) {
        let report = runtime.block_on(admin::get(admin, "/v1/routes")).map_err(RoutesError::Ask)?;
        let status: GatewayReport = runtime.block_on(admin::get(admin, "/v1/status")).map_err(RoutesError::Ask)?;
        let lane = status.identity.map(|of| format!("{}/{}/{}", of.namespace, of.instance, of.lane.field()));
        loaded.push(Loaded { admin, lane: lane.unwrap_or_default(), report });
    }
    match arguments.output {
        RoutesOutput::Json => {
            serde_json::to_string_pretty(&loaded).map(|text| text + "\n").map_err(RoutesError::Encode)
        }
        RoutesOutput::Table => {
            let one = |gateway: &Loaded| format!("{}\n{}", title(gateway), lines(&gateway.report));
            Ok(loaded.iter().map(one).collect::<Vec<_>>().join("\n"))
        }
    }
}

fn addresses(arguments: &RoutesArgs) -> Vec<SocketAddr> {
    let given: Vec<SocketAddr> = arguments.addresses.iter().chain(&arguments.admin).copied().collect();
    if given.is_empty() { vec![SocketAddr::from((Ipv4Addr::LOCALHOST, PORT_BASE + ADMIN_OFFSET))] } else { given }
}

/// Whose routes they are.
fn title(gateway: &Loaded) -> String {
    if gateway.lane.is_empty() {
        gateway.admin.to_string()
    } else {
        format!("{} at {}", printable(&gateway.lane), gateway.admin)
    }
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
    [&route.host, &route.path, &route.path_type, &route.ingress, &route.backend, &endpoints, &route.unavailable]
        .map(|cell| printable(cell))
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
    fn a_route_is_one_line() {
        let expected = "HOST            PATH  TYPE    INGRESS    BACKEND       ENDPOINTS  UNAVAILABLE\n\
                        *.port.example  /     Prefix  port/quay  port/pier:80  2\n";
        assert_eq!(lines(&report()), expected);
    }

    #[test]
    fn without_an_address_the_first_lane_of_up_is_asked() {
        let none = RoutesArgs { addresses: Vec::new(), admin: Vec::new(), output: RoutesOutput::Table };
        assert_eq!(addresses(&none), ["127.0.0.1:8280".parse().unwrap()]);
    }

    #[test]
    fn nobody_at_the_admin_port_is_an_error_that_says_what_to_do() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let arguments = RoutesArgs { addresses: vec![closed], admin: Vec::new(), output: RoutesOutput::Table };
        let error = text(&arguments).unwrap_err().to_string();
        assert!(error.contains(&closed.to_string()) && error.contains("bulkhead up"), "{error}");
    }
}
