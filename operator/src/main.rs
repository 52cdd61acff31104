//! `bulkhead-operator`: see `--help`.

mod args;
mod logging;

use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use bulkhead_operator::client::{client, unfenced};
use bulkhead_operator::fence::Fence;
use bulkhead_operator::fleet::Pace;
use bulkhead_operator::manifests;
use bulkhead_operator::run::{Replica, run};
use bulkhead_operator::webhook::{self, configuration::Webhook};
use bulkhead_plan::{Platform, Site};
use clap::Parser;
use kube::Config;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::{Args, Command, FailurePolicy, Manifests, Run};

fn main() -> anyhow::Result<()> {
    match Args::parse().command {
        Command::Run(args) => operate(args),
        Command::Manifests(args) => write_or_check(&args),
    }
}

#[tokio::main]
async fn operate(args: Run) -> anyhow::Result<()> {
    logging::start(args.log_format)?;
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow!("choosing the TLS implementation: another one was chosen before"))?;
    let config = Config::infer().await.context("finding a cluster: neither a pod's service account nor KUBECONFIG")?;
    let fence = Fence::default();
    let webhook = webhook(&args, config.clone())?;
    let client = client(config, &fence).context("connecting to the API server")?;
    let site = Site {
        operator_namespace: args.operator_namespace,
        image: args.image,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        platform: Platform::Kubernetes,
    };
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let leave = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let pace = Pace { at_once: args.rollout_at_once.into(), soak: Duration::from_secs(args.rollout_soak_seconds) };
    let platform_namespaces =
        (!args.platform_namespaces.is_empty()).then(|| args.platform_namespaces.into_iter().collect());
    let replica = Replica { name: args.replica, fence, health: args.health, pace, platform_namespaces, webhook };
    run(client, site, replica, leave).await
}

/// The webhook, if it is asked for. Its client is behind no fence.
fn webhook(args: &Run, config: Config) -> anyhow::Result<Option<webhook::Options>> {
    if !args.webhook {
        return Ok(None);
    }
    let client = unfenced(config).context("connecting to the API server for the webhook")?;
    let webhook = Webhook {
        namespace: args.operator_namespace.clone(),
        service: args.webhook_service.clone(),
        fails_closed: args.webhook_failure_policy == FailurePolicy::Fail,
    };
    Ok(Some(webhook::Options { listen: args.webhook_listen, webhook, client }))
}

fn write_or_check(args: &Manifests) -> anyhow::Result<()> {
    let files = manifests::render()?;
    if !args.check {
        manifests::disk::write(&args.out, &files)?;
        manifests::sections::write(&args.out)?;
        return say(&format!("{} files written below {}", files.len(), args.out.display()));
    }
    let mut drift = manifests::disk::drift(&args.out, &files)?;
    if drift.missing.is_empty() {
        drift.stale.extend(manifests::sections::stale(&args.out)?);
    }
    if drift.is_empty() {
        return say(&format!("{} files are as rendered", files.len()));
    }
    bail!("comparing the files below {} with what is rendered:{drift}", args.out.display())
}

fn say(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{line}").context("writing to standard output")
}
