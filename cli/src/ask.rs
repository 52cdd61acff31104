//! What `routes` and `findings` have in common: the same page of every gateway that is asked, for people or for programs.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use bulkhead_crds::report::GatewayReport;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::admin::{self, AdminError};
use crate::args::{ADMIN_OFFSET, AskArgs, AskOutput, PORT_BASE};
use crate::table::printable;

/// Why there is nothing to print.
#[derive(Debug, Error)]
enum AskError {
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    #[error(
        "{0}; `bulkhead up` prints the admin address of every lane, and `kubectl port-forward deploy/NAME 9090` opens one of a cluster"
    )]
    Ask(AdminError),
    #[error("cannot write the answers as JSON")]
    Encode(#[source] serde_json::Error),
}

/// What one gateway says.
#[derive(Serialize)]
struct Told<T> {
    admin: SocketAddr,
    /// Namespace, instance and lane; empty when the gateway has read no lane document yet.
    lane: String,
    #[serde(flatten)]
    page: T,
}

/// Prints the page at `path` of every gateway that is asked for; `lines` is what people read of one.
pub(crate) fn run<T: DeserializeOwned + Serialize>(
    arguments: &AskArgs,
    path: &'static str,
    lines: fn(&T) -> String,
) -> ExitCode {
    match text(arguments, path, lines) {
        Ok(text) => match io::stdout().write_all(text.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            // The reader has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Err(error) => crate::complain(&error),
        },
        Err(error) => crate::complain(&error),
    }
}

fn text<T: DeserializeOwned + Serialize>(
    arguments: &AskArgs,
    path: &'static str,
    lines: fn(&T) -> String,
) -> Result<String, AskError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(AskError::Runtime)?;
    let mut told = Vec::new();
    for admin in addresses(arguments) {
        let page: T = runtime.block_on(admin::get(admin, path)).map_err(AskError::Ask)?;
        let status: GatewayReport = runtime.block_on(admin::get(admin, "/v1/status")).map_err(AskError::Ask)?;
        let lane = status.identity.map(|of| format!("{}/{}/{}", of.namespace, of.instance, of.lane.field()));
        told.push(Told { admin, lane: lane.unwrap_or_default(), page });
    }
    match arguments.output {
        AskOutput::Json => serde_json::to_string_pretty(&told).map(|text| text + "\n").map_err(AskError::Encode),
        AskOutput::Table => {
            let one = |gateway: &Told<T>| format!("{}\n{}", title(gateway), lines(&gateway.page));
            Ok(told.iter().map(one).collect::<Vec<_>>().join("\n"))
        }
    }
}

fn addresses(arguments: &AskArgs) -> Vec<SocketAddr> {
    let given: Vec<SocketAddr> = arguments.addresses.iter().chain(&arguments.admin).copied().collect();
    if given.is_empty() { vec![SocketAddr::from((Ipv4Addr::LOCALHOST, PORT_BASE + ADMIN_OFFSET))] } else { given }
}

/// Whose page it is.
fn title<T>(gateway: &Told<T>) -> String {
    if gateway.lane.is_empty() {
        gateway.admin.to_string()
    } else {
        format!("{} at {}", printable(&gateway.lane), gateway.admin)
    }
}

#[cfg(test)]
mod tests {
    use bulkhead_crds::report::RoutesReport;

    use super::*;

    #[test]
    fn without_an_address_the_first_lane_of_up_is_asked() {
        let none = AskArgs { addresses: Vec::new(), admin: Vec::new(), output: AskOutput::Table };
        assert_eq!(addresses(&none), ["127.0.0.1:8280".parse().unwrap()]);
    }

    #[test]
    fn nobody_at_the_admin_port_is_an_error_that_says_what_to_do() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let arguments = AskArgs { addresses: vec![closed], admin: Vec::new(), output: AskOutput::Table };
        let error = text::<RoutesReport>(&arguments, "/v1/routes", |_| String::new()).unwrap_err().to_string();
        assert!(error.contains(&closed.to_string()) && error.contains("bulkhead up"), "{error}");
    }
}
