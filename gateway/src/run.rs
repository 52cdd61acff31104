//! One gateway process, from start to end.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use bulkhead_compile::Options;
use bulkhead_crds::size::Size;
use bulkhead_model::Room;
use bulkhead_proxy::{Config, Proxy, Publication};

use crate::args::{Objects, RunArgs};
use crate::overload::{self, Memory};
use crate::shutdown::Signals;
use crate::view::View;
use crate::{admin, control, logging, shutdown, stand_in, traces};

/// A whole process: logs, serves until it is told to leave, and gives its exit code. For `main` functions, so that other
/// programs can be a gateway as well.
#[must_use]
pub fn main_with(args: RunArgs) -> ExitCode {
    logging::start(args.log_format);
    run(&args).unwrap_or_else(|error| {
        tracing::error!(error = format!("{error:#}"), "the gateway cannot start");
        ExitCode::FAILURE
    })
}

/// Serves until a signal says to leave. Listeners and sources are up, or this fails at once.
///
/// # Errors
/// When an address is taken, a directory cannot be read or no API server is to be found.
pub fn run(args: &RunArgs) -> anyhow::Result<ExitCode> {
    let objects = args.objects()?;
    // rustls takes no provider by itself; the API client needs one.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        tracing::debug!("a TLS provider is already installed, it is kept");
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start a reactor")?;
    let signals = runtime.block_on(async { Signals::listen() }).context("cannot listen for signals")?;

    let descriptors = overload::raise_limit();
    let memory = Memory::find(args.cgroup.as_deref(), args.memory_limit.map(Size::bytes));
    let room = Room { memory: memory.limit(), descriptors };
    let publication = Publication::new();
    let config = Config {
        http: args.http(),
        https: args.https(),
        stand_in: Some(stand_in::certificate()?),
        threads: args.threads(),
        name: args.lane.label(),
        room,
    };
    let proxy = Proxy::start(config, Arc::clone(&publication))?;
    let proxy = Arc::new(proxy);
    let loopback_endpoints = matches!(objects, Objects::Directories(_));
    let collectors = Options { loopback_endpoints, ..Options::default() };
    traces::start(proxy.spans(), Arc::clone(&publication), collectors)
        .context("cannot start the thread that sends spans")?;
    let control = control::start(control::Inputs {
        lane: args.lane.clone(),
        objects,
        own_admin: args.own_admin(args.admin()),
        zone: args.zone(),
        publication,
    })?;
    let readings =
        overload::start(memory, Arc::downgrade(&proxy)).context("cannot start the thread that watches memory")?;
    let view = View::new(Arc::clone(&proxy), control.state, control.routes, readings);
    let admin = admin::start(args.admin(), view.clone())?;

    let list = |addresses: &[SocketAddr]| addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let (http, https) = (list(proxy.addresses()), list(proxy.tls_addresses()));
    tracing::info!(http, https, %admin, threads = args.threads(), version = env!("CARGO_PKG_VERSION"), "listening");
    Ok(runtime.block_on(shutdown::wait(signals, &view, control.ended)))
}
