//! Tests against a real control plane. In: a sandbox with etcd, kube-apiserver and kube-controller-manager, shared by all tests of
//! the run. Out: one result per function in the tables of the modules.
//!
//! Faults and what must hold under them are in `proofs`, with the tests that show it.
//!
//! A new test is an `async fn its_claim(cluster: &Cluster) -> anyhow::Result<()>` in a module here, named in the module's `tests()`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test binary: a panic is a failed test, and its output is for a developer"
)]

use std::process::{ExitCode, exit};

use anyhow::Context;
use bulkhead_tests::cluster::components::Components;
use bulkhead_tests::cluster::{Cluster, sandbox};
use bulkhead_tests::suite::Test;
use libtest_mimic::{Arguments, Trial};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

mod addresses;
mod audits;
mod certificates;
mod classes;
mod conformance;
mod control_plane;
mod crash;
mod deletion;
mod drift;
mod fairness;
mod faults;
mod fights;
mod findings;
mod keyring;
mod leader;
mod leaks;
mod lifecycle;
mod load;
mod outage;
mod proofs;
mod quiet;
mod refusals;
mod rights;
mod rollout;
mod schema;
mod scope;
mod shapes;
mod shipped;
mod startup;
mod storm;
mod switches;
mod transitions;
mod versions;
mod weather;
mod webhook;
mod world;

/// Tests at once: they wait more than they compute, but share two cores with the control plane.
const THREADS: usize = 4;

fn tests() -> Vec<Test<Cluster>> {
    // Those that take long begin first.
    let modules = [
        storm::tests(),
        weather::tests(),
        quiet::tests(),
        transitions::tests(),
        rollout::tests(),
        faults::tests(),
        crash::tests(),
        deletion::tests(),
        refusals::tests(),
        startup::tests(),
        fights::tests(),
        versions::tests(),
        leader::tests(),
        outage::tests(),
        leaks::tests(),
        webhook::tests(),
        lifecycle::tests(),
        load::tests(),
        keyring::tests(),
        certificates::tests(),
        rights::tests(),
        fairness::tests(),
        classes::tests(),
        conformance::tests(),
        drift::tests(),
        scope::tests(),
        switches::tests(),
        addresses::tests(),
        findings::tests(),
        schema::tests(),
        audits::tests(),
        shapes::tests(),
        shipped::tests(),
        control_plane::tests(),
        proofs::tests(),
    ];
    modules.into_iter().flatten().collect()
}

fn main() -> ExitCode {
    start().unwrap_or_else(|error| {
        eprintln!("the cluster tests could not start: {error:#}");
        ExitCode::FAILURE
    })
}

fn start() -> anyhow::Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let listed: Vec<Trial> = tests().into_iter().map(Test::listed).collect();
    if arguments.list || listed.iter().all(|trial| arguments.is_filtered_out(trial)) {
        return Ok(libtest_mimic::run(&arguments, listed).exit_code());
    }

    let components = Components::find_or_build()?;
    sandbox::enter()?;
    run(&arguments, &components)
}

fn run(arguments: &Arguments, components: &Components) -> anyhow::Result<ExitCode> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.install_default().ok().context("install the TLS provider before any other")?;
    let runtime = Runtime::new().context("start a runtime")?;
    runtime.spawn(end_on_signal());

    let started = Instant::now();
    let cluster = runtime.block_on(Cluster::start(components))?;
    eprintln!("control plane ready in {:.1} s, logs in {}", started.elapsed().as_secs_f32(), cluster.dir.display());
    // Shared by threads that libtest-mimic owns; its processes end with the sandbox.
    let cluster: &'static Cluster = Box::leak(Box::new(cluster));

    let trials = tests().into_iter().map(|test| test.trial(runtime.handle().clone(), cluster)).collect();
    let conclusion = libtest_mimic::run(arguments, trials);
    if !conclusion.has_failed() {
        // Logs are for failures. What cannot be removed is forgotten by the next run.
        let _ = std::fs::remove_dir_all(sandbox::run_folder()?);
    }
    Ok(conclusion.exit_code())
}

/// The first process of a namespace is ended by no signal it does not handle.
async fn end_on_signal() -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    exit(130)
}
