//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

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
    /// Write the CustomResourceDefinition and the plain install, as they belong to this version.
    Manifests(Manifests),
}

/// Arguments of `manifests`.
#[derive(Debug, clap::Args)]
pub(crate) struct Manifests {
    /// Compare with what is on disk instead of writing; fail when something differs or does not belong.
    #[arg(long)]
    pub(crate) check: bool,
    /// Root folder: files go to DIR/crds and DIR/olm/plain.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) out: PathBuf,
}
