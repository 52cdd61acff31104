//! One lane as a process of its own: this program again, running the gateway until its parent is gone.

use std::process::ExitCode;

use bulkhead_gateway::RunArgs;
use clap::{Args, Subcommand};

/// Arguments of the hidden command `gateway`.
#[derive(Args, Debug)]
pub(crate) struct GatewayArgs {
    /// End together with this process, which must be the parent
    #[arg(long, value_name = "PID")]
    parent: Option<u32>,
    #[command(subcommand)]
    command: GatewayCommand,
}

#[derive(Debug, Subcommand)]
enum GatewayCommand {
    /// Serve one lane
    Run(Box<RunArgs>),
}

/// Runs a lane to its end.
pub(crate) fn run(arguments: GatewayArgs) -> ExitCode {
    if let Some(parent) = arguments.parent
        && let Err(error) = end_with(parent)
    {
        return crate::complain(&error);
    }
    let GatewayCommand::Run(run) = arguments.command;
    bulkhead_gateway::main_with(*run)
}

/// Has the kernel kill this process when `parent` ends, however it ends: nobody would be left to watch over a lane, and its ports
/// would stay taken.
#[cfg(target_os = "linux")]
fn end_with(parent: u32) -> std::io::Result<()> {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};

    set_parent_process_death_signal(Some(Signal::KILL))?;
    // It may have ended before the kernel was asked.
    let still_there = getppid().map(|id| id.as_raw_nonzero().get().unsigned_abs()) == Some(parent);
    if still_there { Ok(()) } else { Err(std::io::Error::other("the process that started this lane is gone")) }
}

/// Ends this process when standard input does: `up` holds the other end of that pipe, and the system closes it however `up` ends.
#[cfg(not(target_os = "linux"))]
fn end_with(_parent: u32) -> std::io::Result<()> {
    let body = || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        std::process::exit(1);
    };
    std::thread::Builder::new().name("parent".to_owned()).spawn(body).map(drop)
}
