//! The gateway of one Bulkhead lane, as a process.

use std::process::ExitCode;

use bulkhead_gateway::{RunArgs, main_with};
use clap::{Parser, Subcommand};

/// Serves one lane of a Bulkhead gateway instance
///
/// Reads its settings from a lane document and its routes from Ingresses, follows both as they change, and never reloads.
#[derive(Parser)]
#[command(name = "bulkhead-gateway", version)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT
    ///
    /// On the first signal the gateway stops being ready, goes on accepting for the lane's lameduck time, then drains and exits
    /// with code 0. A second signal ends it at once.
    Run(RunArgs),
}

fn main() -> ExitCode {
    let Command::Run(args) = CommandLine::parse().command;
    main_with(args)
}
