//! The command line. Every flag has an environment variable.

use std::net::SocketAddr;
use std::path::PathBuf;

use bulkhead_operator::manifests::{GATEWAY_IMAGE, NAMESPACE};
use clap::{Parser, Subcommand, ValueEnum};

/// Runs a fleet of isolated ingress gateways: one GatewayInstance, two lanes.
#[derive(Debug, Parser)]
#[command(name = "bulkhead-operator", version)]
pub(crate) struct Args {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Watch a cluster and keep its GatewayInstances as specified.
    ///
    /// Connects as the pod's service account, or as KUBECONFIG says. SIGTERM and SIGINT end it; gateways serve on without it.
    Run(Run),
    /// Write the CustomResourceDefinition, the plain install and the reference pages of the book, as they belong to this version.
    Manifests(Manifests),
}

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    /// Image of the gateways of instances that do not pin one.
    #[arg(long, env = "RELATED_IMAGE_GATEWAY", value_name = "IMAGE", default_value = GATEWAY_IMAGE)]
    pub(crate) image: String,
    /// Namespace of the operator, from which gateways accept questions about what they have loaded.
    #[arg(long, env = "POD_NAMESPACE", value_name = "NAMESPACE", default_value = NAMESPACE)]
    pub(crate) operator_namespace: String,
    /// Where /livez, /readyz and /metrics are served. Port 0 takes a free one, named in the log.
    #[arg(long, env = "BULKHEAD_HEALTH", value_name = "ADDR:PORT", default_value = "127.0.0.1:9090")]
    pub(crate) health: SocketAddr,
    /// How lines are written to standard error. RUST_LOG chooses which: info by default.
    #[arg(long, env = "BULKHEAD_LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    pub(crate) log_format: LogFormat,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// One JSON object a line, for machines.
    Json,
    /// For people.
    Text,
}

/// Arguments of `manifests`.
#[derive(Debug, clap::Args)]
pub(crate) struct Manifests {
    /// Compare with what is on disk instead of writing; fail when something differs or does not belong.
    #[arg(long)]
    pub(crate) check: bool,
    /// Root of the repository: files go to DIR/crds, DIR/olm/plain and DIR/docs/reference.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) out: PathBuf,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_makes_sense() {
        Args::command().debug_assert();
    }
}
