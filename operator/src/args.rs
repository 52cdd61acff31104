//! The command line. Every flag has an environment variable.

use std::net::SocketAddr;
use std::path::PathBuf;

use bulkhead_operator::manifests::{GATEWAY_IMAGE, NAMESPACE, WEBHOOK_LISTEN, WEBHOOK_SERVICE};
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
    /// Name of this replica, which no other running one may have: of several replicas one acts, and its name is in the Lease
    /// bulkhead-operator of --operator-namespace. A replica that finds its own name there takes it for that of its earlier self.
    #[arg(long, env = "POD_NAME", value_name = "NAME", default_value_t = host_name())]
    pub(crate) replica: String,
    /// Where /livez, /readyz and /metrics are served. Port 0 takes a free one, named in the log.
    #[arg(long, env = "BULKHEAD_HEALTH", value_name = "ADDR:PORT", default_value = "127.0.0.1:9090")]
    pub(crate) health: SocketAddr,
    /// Namespaces whose instances may serve other namespaces too. With any given, instances elsewhere are accepted only if their scope is their
    /// own namespace; with none, every instance may ask for what it likes.
    #[arg(long, env = "BULKHEAD_PLATFORM_NAMESPACES", value_name = "NAMESPACE", value_delimiter = ',')]
    pub(crate) platform_namespaces: Vec<String>,
    /// How many instances take a new default image at the same time, in the order of their spec.rollout.wave.
    #[arg(long, env = "BULKHEAD_ROLLOUT_AT_ONCE", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) rollout_at_once: u16,
    /// How long a lane must run a new default image well before the next one takes it.
    #[arg(long, env = "BULKHEAD_ROLLOUT_SOAK_SECONDS", value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(..=86_400))]
    pub(crate) rollout_soak_seconds: u64,
    /// Serve the admission webhook, which says at `kubectl apply` what is wrong with GatewayInstances and with Ingresses of their classes, and
    /// tell the API server of it. Without this flag an operator takes back what one with it told.
    #[arg(long, env = "BULKHEAD_WEBHOOK")]
    pub(crate) webhook: bool,
    /// Where the webhook listens.
    #[arg(long, env = "BULKHEAD_WEBHOOK_LISTEN", value_name = "ADDR:PORT", default_value = WEBHOOK_LISTEN)]
    pub(crate) webhook_listen: SocketAddr,
    /// Name of the Service, in --operator-namespace, whose port 443 leads to the webhook.
    #[arg(long, env = "BULKHEAD_WEBHOOK_SERVICE", value_name = "NAME", default_value = WEBHOOK_SERVICE)]
    pub(crate) webhook_service: String,
    /// What becomes of objects while no webhook answers: Ignore stores them unseen, Fail refuses them.
    #[arg(long, env = "BULKHEAD_WEBHOOK_FAILURE_POLICY", value_enum, default_value_t = FailurePolicy::Ignore)]
    pub(crate) webhook_failure_policy: FailurePolicy,
    /// How lines are written to standard error. RUST_LOG chooses which: info by default.
    #[arg(long, env = "BULKHEAD_LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    pub(crate) log_format: LogFormat,
}

/// Name of the machine; of a pod, unless it is told otherwise, the name of the pod.
fn host_name() -> String {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().into_owned()
}

/// As Kubernetes has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub(crate) enum FailurePolicy {
    /// Objects are stored.
    Ignore,
    /// Objects are refused.
    Fail,
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
