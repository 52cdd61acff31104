//! Routes that change under load: no request may fail, and every change must come to be served.

use std::time::Duration;

use anyhow::Result;
use bulkhead_tests::wait::wait_for;
use tokio::time::sleep;

use crate::proxies::Bench;
use crate::table::Row;
use crate::traffic::Traffic;
use crate::{load, site};

/// Changes, one Ingress each.
const CHANGES: usize = 200;
/// Between two changes.
const PAUSE: Duration = Duration::from_millis(40);
/// How long the load lasts, in seconds: longer than all changes.
const SECONDS: u32 = 10;

pub(crate) async fn measure(bench: &Bench) -> Result<Row> {
    let gateway = bench.gateway(Traffic::Http1, &[]).await?;
    let running = load::begin(bench, Traffic::Http1, gateway.proxy.port, SECONDS)?;
    let new = |change: usize| format!("/new{change}");
    for change in 0..CHANGES {
        gateway.replace(change % site::HOSTS, &new(change))?;
        sleep(PAUSE).await;
    }
    for change in 0..CHANGES {
        let host = site::host(change);
        wait_for("a new route", Duration::from_secs(5), async || {
            gateway.proxy.ensure_serves(&host, &new(change)).await
        })
        .await?;
    }
    let load = running.end()?;
    let remark = format!("{CHANGES} changes, {} requests", load.requests);
    Ok(Row { figure: load.failed as f64, target: 0.0, decimals: 0, remark })
}
