//! The commands and their arguments. What stands here is what `--help` prints.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::gateway::GatewayArgs;
use crate::up::listen::Listen;

/// First port of `up` unless another is asked for: where people expect a web server that needs no privilege.
pub(crate) const PORT_BASE: u16 = 8080;
/// TLS ports lie this far above the HTTP ports of their lanes, beyond the HTTP ports of all of them.
pub(crate) const HTTPS_OFFSET: u16 = 100;
/// Admin ports of `up` begin this far above its first port.
pub(crate) const ADMIN_OFFSET: u16 = 200;

/// Bulkhead runs a fleet of isolated ingress gateways
///
/// A GatewayInstance is one traffic domain of two lanes: northSouth for traffic that enters, eastWest for traffic between services.
/// Each lane is a gateway of its own that serves only the Ingresses of its own class.
#[derive(Debug, Parser)]
#[command(name = "bulkhead", version, subcommand_required = true, arg_required_else_help = true, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  bulkhead up docs/examples/shop            run every lane of these manifests here, without Kubernetes
  bulkhead render docs/examples/shop        print what the operator would create in a cluster
  bulkhead audit --context production       see what becomes of the Ingresses of a cluster, before moving them
  bulkhead routes                           print what the first lane of `bulkhead up` has loaded

Named kubectl-bulkhead and found in PATH, this program is a kubectl plugin: `kubectl bulkhead render FILE`.";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the lanes of a directory of manifests on this machine, without Kubernetes
    ///
    /// Reads the manifests (*.yaml, *.yml, *.json) under a directory, plans every GatewayInstance as the operator does, and starts one gateway
    /// process per lane on loopback ports. The directory is watched: what is written or renamed into it takes effect
    /// within milliseconds, without a restart and without cutting a connection. A lane that dies is started again; Ctrl-C drains all
    /// of them, a second Ctrl-C ends them at once.
    ///
    /// Services find their endpoints in EndpointSlice manifests, where loopback addresses are allowed here. A Service annotated
    /// `bulkhead.io/local-backend: echo` gets a built-in backend that answers with what it saw of the request, as JSON; a path that
    /// ends with /status/503 is answered with that status, and one that ends with /download?bytes=N&rate=R with N bytes at R bytes a second.
    ///
    /// Differs from a cluster: ports and endpoints on loopback, one process per lane, no lameduck time before a drain. HTTPS is
    /// served as well, beside plain HTTP.
    #[command(after_help = UP_EXAMPLES)]
    Up(UpArgs),

    /// Print what the operator would create for GatewayInstances
    ///
    /// Writes every object of every lane as YAML documents, in the order in which they are applied. The UID of an instance, which
    /// only a cluster can give, is derived from its namespace and name unless the manifest has one. Nothing is sent anywhere.
    ///
    /// Ends with status 0 when everything could be planned, and 1 when a file could not be read or an instance is not acceptable; problems are written to standard error with file and line.
    #[command(after_help = RENDER_EXAMPLES)]
    Render(RenderArgs),

    /// See what becomes of another controller's Ingresses, before moving them
    ///
    /// Reads Ingresses of every class but Bulkhead's own, from manifests or from a cluster, and runs the compiler that gateways run on them,
    /// as a lane with the profile IngressNginx would. Prints what is honoured, what is approximated and with which difference, what does
    /// nothing, and what is refused with what to write instead. Of snippets it names the directives and what replaces each. An
    /// installation of ingress-nginx that it finds (its Deployment and ConfigMap) becomes a GatewayInstance that says the same.
    ///
    /// A cluster is only read: Ingresses, IngressClasses, Services, and the objects of ingress-nginx. Secrets are not asked for, so what needs
    /// one is listed as not checked.
    ///
    /// Ends with status 0 when nothing is refused, 1 when something is, and 2 when the command line is wrong or something could not be read.
    #[command(after_help = AUDIT_EXAMPLES)]
    Audit(AuditArgs),

    /// Print the routes that gateways have loaded
    ///
    /// Asks the admin port of each gateway. A route that is answered by the gateway itself says why in the last column.
    #[command(after_help = ROUTES_EXAMPLES)]
    Routes(AskArgs),

    /// Print everything that gateways cannot take literally
    ///
    /// Asks the admin port of each gateway for its findings, errors first. `bulkhead up` and the status of an instance show the first 16 only.
    #[command(after_help = FINDINGS_EXAMPLES)]
    Findings(AskArgs),

    /// Run one lane (started by `up`)
    #[command(hide = true)]
    Gateway(GatewayArgs),
}

const UP_EXAMPLES: &str = "\
Examples:
  bulkhead up docs/examples/shop
  bulkhead up . --http-port-base 0 --output json
  bulkhead up . --listen shop/storefront/northSouth=0.0.0.0:80:443";

const RENDER_EXAMPLES: &str = "\
Examples:
  bulkhead render storefront.yaml
  kubectl -n shop get gwi storefront -o yaml | bulkhead render - | kubectl diff -f -
  kustomize build . | bulkhead render -";

const AUDIT_EXAMPLES: &str = "\
Examples:
  bulkhead audit docs/examples/from-ingress-nginx
  bulkhead audit --context production --class nginx
  bulkhead audit --output markdown manifests > audit.md
  kubectl get ingress,ingressclass,service -A -o yaml | bulkhead audit -";

const ROUTES_EXAMPLES: &str = "\
Examples:
  bulkhead routes                                     the first lane of `bulkhead up`
  bulkhead routes 127.0.0.1:8281 --output json        another one, for programs
  kubectl -n shop port-forward deploy/storefront-north-south 9090 & bulkhead routes 127.0.0.1:9090";

const FINDINGS_EXAMPLES: &str = "\
Examples:
  bulkhead findings                                   of the first lane of `bulkhead up`
  bulkhead findings 127.0.0.1:8281 --output json      of another one, for programs";

/// Arguments of `up`.
#[derive(Args, Clone, Debug)]
pub(crate) struct UpArgs {
    /// Directory of manifests, read with everything below it; names that begin with a dot are left alone
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,

    /// What to print
    #[arg(long, short, value_name = "FORMAT", default_value = "auto")]
    pub(crate) output: UpOutput,

    /// First port: lane i serves HTTP on N+i and HTTPS on N+100+i, and its admin port is N+200+i; 0 takes free ports
    ///
    /// Lanes are numbered in the order of namespace, name, northSouth, eastWest. A lane keeps its ports while it exists.
    #[arg(long, value_name = "N", default_value_t = PORT_BASE, value_parser = port_base)]
    pub(crate) http_port_base: u16,

    /// Data threads of each lane
    #[arg(long, value_name = "N", default_value = "1")]
    pub(crate) threads: NonZeroUsize,

    /// Serve one lane on a chosen address; can be given several times
    ///
    /// LANE is northSouth or eastWest; IPv6 addresses stand in brackets.
    #[arg(long, value_name = "NAMESPACE/NAME/LANE=ADDRESS:HTTP:HTTPS")]
    pub(crate) listen: Vec<Listen>,

    /// Copy the log lines of the lanes to standard error, each behind the name of its lane (not with the table)
    #[arg(long)]
    pub(crate) logs: bool,
}

/// What `up` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum UpOutput {
    /// A table on a terminal, plain lines elsewhere
    Auto,
    /// A live table
    Table,
    /// One line per change
    Plain,
    /// One JSON object per change
    Json,
}

/// Arguments of `render`.
#[derive(Args, Clone, Debug)]
pub(crate) struct RenderArgs {
    /// Files with GatewayInstances, directories of such files, or - for standard input
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,

    /// Image of the gateways of instances that do not pin one [default: that of the manifests of this version]
    #[arg(long, value_name = "IMAGE", env = "RELATED_IMAGE_GATEWAY")]
    pub(crate) image: Option<String>,

    /// Namespace of the operator, which NetworkPolicies let reach the admin ports [default: bulkhead-system]
    #[arg(long, value_name = "NAMESPACE")]
    pub(crate) operator_namespace: Option<String>,
}

/// Arguments of `audit`.
#[derive(Args, Clone, Debug)]
pub(crate) struct AuditArgs {
    /// Directory of manifests, read with everything below it, or - for standard input [default: the cluster of the current context]
    #[arg(value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,

    /// Look only at the Ingresses of this class
    #[arg(long, value_name = "NAME")]
    pub(crate) class: Option<String>,

    /// What to print
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: AuditOutput,
}

/// Which cluster.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ClusterArgs {
    /// Read the cluster of this context of the kubeconfig
    #[arg(long, value_name = "NAME", conflicts_with = "directory")]
    pub(crate) context: Option<String>,

    /// Read the cluster that this kubeconfig names [default: KUBECONFIG, or ~/.kube/config]
    #[arg(long, value_name = "FILE", conflicts_with = "directory")]
    pub(crate) kubeconfig: Option<PathBuf>,
}

/// What `audit` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuditOutput {
    /// A table and paragraphs
    Text,
    /// One JSON object
    Json,
    /// A page for a wiki or an issue
    Markdown,
}

/// Arguments of `routes` and `findings`: whom to ask.
#[derive(Args, Clone, Debug)]
pub(crate) struct AskArgs {
    /// Admin addresses of gateways [default: 127.0.0.1:8280, the first lane of `bulkhead up`]
    #[arg(value_name = "ADDR:PORT", value_parser = admin_address)]
    pub(crate) addresses: Vec<SocketAddr>,

    /// The same, as a flag
    #[arg(long, value_name = "ADDR:PORT", value_parser = admin_address)]
    pub(crate) admin: Vec<SocketAddr>,

    /// What to print
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: AskOutput,
}

/// What `routes` and `findings` print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AskOutput {
    /// Aligned columns
    Table,
    /// One JSON array with one report per gateway
    Json,
}

/// The highest first port that leaves room for the admin ports of 100 lanes.
const HIGHEST_PORT_BASE: u16 = u16::MAX - ADMIN_OFFSET - 100;

fn port_base(text: &str) -> Result<u16, String> {
    let port: u16 = text.parse().map_err(|_| format!("{text:?} is no port"))?;
    match port {
        0..=HIGHEST_PORT_BASE => Ok(port),
        _ => Err(format!("admin ports lie {ADMIN_OFFSET} above the first port: choose one up to {HIGHEST_PORT_BASE}")),
    }
}

/// An address as it is shown in many places: bare, or as the URL of an admin port.
fn admin_address(text: &str) -> Result<SocketAddr, String> {
    let bare = text.strip_prefix("http://").unwrap_or(text);
    let bare = bare.split('/').next().unwrap_or(bare);
    let bare = bare.strip_prefix("localhost:").map_or_else(|| bare.to_owned(), |port| format!("127.0.0.1:{port}"));
    bare.parse().map_err(|_| "write an IP address and a port, such as 127.0.0.1:8280".to_owned())
}

/// The command line of this process. Ends the process with help or an error where clap would.
pub(crate) fn parse() -> Cli {
    let mut command = Cli::command();
    if std::env::args_os().next().is_some_and(|program| is_kubectl_plugin(&program)) {
        command = command.name("kubectl bulkhead").bin_name("kubectl bulkhead");
    }
    Cli::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
}

/// Whether kubectl started us: it looks for a program of this name and passes on what follows `kubectl bulkhead`.
fn is_kubectl_plugin(program: &OsStr) -> bool {
    Path::new(program).file_stem() == Some(OsStr::new("kubectl-bulkhead"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn up(words: &[&str]) -> Result<UpArgs, String> {
        let cli = Cli::try_parse_from(["bulkhead", "up"].iter().chain(words)).map_err(|error| error.to_string())?;
        match cli.command {
            Command::Up(arguments) => Ok(arguments),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn every_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn up_needs_only_a_directory() {
        let arguments = up(&["manifests"]).unwrap();
        assert_eq!(arguments.directory, Path::new("manifests"));
        assert_eq!((arguments.output, arguments.http_port_base, arguments.threads.get()), (UpOutput::Auto, 8080, 1));
        assert!(up(&[]).unwrap_err().contains("<DIR>"));
    }

    #[test]
    fn a_first_port_that_leaves_no_room_for_admin_ports_is_refused() {
        assert_eq!(up(&[".", "--http-port-base", "65235"]).unwrap().http_port_base, 65_235);
        assert!(up(&[".", "--http-port-base", "65236"]).unwrap_err().contains("choose one up to 65235"));
        assert!(up(&[".", "--http-port-base", "x"]).is_err());
        assert!(up(&[".", "--threads", "0"]).is_err(), "a lane without threads serves nobody");
    }

    #[test]
    fn an_admin_address_may_be_the_url_that_up_prints() {
        for text in ["127.0.0.1:8282", "http://127.0.0.1:8282", "http://127.0.0.1:8282/v1/routes", "localhost:8282"] {
            assert_eq!(admin_address(text), Ok("127.0.0.1:8282".parse().unwrap()), "{text}");
        }
        assert!(admin_address("quay").unwrap_err().contains("such as 127.0.0.1:8280"));
    }

    #[test]
    fn only_the_plugin_name_is_a_plugin() {
        let cases =
            [("kubectl-bulkhead", true), ("/usr/bin/kubectl-bulkhead", true), ("bulkhead", false), ("kubectl", false)];
        for (program, expected) in cases {
            assert_eq!(is_kubectl_plugin(OsStr::new(program)), expected, "{program}");
        }
    }
}
