//! `bulkhead-operator`: see `--help`.

mod args;

use anyhow::bail;
use bulkhead_operator::manifests;
use clap::Parser;

use crate::args::{Args, Command, Manifests};

fn main() -> anyhow::Result<()> {
    match Args::parse().command {
        Command::Manifests(args) => write_or_check(&args),
    }
}

fn write_or_check(args: &Manifests) -> anyhow::Result<()> {
    let files = manifests::render()?;
    if !args.check {
        return Ok(manifests::disk::write(&args.out, &files)?);
    }
    let drift = manifests::disk::drift(&args.out, &files)?;
    if drift.is_empty() {
        return Ok(());
    }
    bail!(
        "generated files differ (run `bulkhead-operator manifests --out {}`): {:?}; files that nothing generates (remove them): {:?}",
        args.out.display(),
        drift.stale,
        drift.extra,
    )
}
