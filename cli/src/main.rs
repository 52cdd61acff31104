//! Bulkhead from the command line: try it without Kubernetes, see what it would create, what it would
//! make of another controller's Ingresses, and what a gateway has loaded.
//!
//! In: manifests, and the admin port of gateways. Out: processes, tables, JSON lines, YAML. Every decision is taken where
//! the cluster takes it: what an instance becomes in `bulkhead-plan`, what a lane serves in `bulkhead-compile`, inside the
//! gateway processes that `up` starts from this very program.
//!
//! Read `args` for the commands, `up` for how a fleet runs on a laptop, `planning` for what `up` and `render` share, `audit` for what
//! those who come from ingress-nginx are told.

mod admin;
mod args;
mod ask;
mod audit;
#[cfg(test)]
mod docs;
mod findings;
mod folder;
mod gateway;
mod instance;
mod locate;
mod manifests;
mod name;
mod planning;
mod render;
mod routes;
mod strict;
mod table;
mod up;

use std::process::ExitCode;

use args::Command;

fn main() -> ExitCode {
    match args::parse().command {
        // First of all, and without a runtime: a lane brings its own.
        Command::Gateway(arguments) => gateway::run(arguments),
        Command::Up(arguments) => up::run(arguments),
        Command::Render(arguments) => render::run(&arguments),
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Routes(arguments) => routes::run(&arguments),
        Command::Findings(arguments) => findings::run(&arguments),
    }
}

/// A line on standard error. Nobody may be reading it any more: what is left to do, and the exit code, do not depend on it.
fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Says why a command ended, with every cause.
fn complain(error: &dyn std::error::Error) -> ExitCode {
    let mut text = format!("bulkhead: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    say(&text);
    ExitCode::FAILURE
}
