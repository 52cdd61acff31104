//! Resident memory per connection that made one request and waits.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;

use crate::proxies::Bench;
use crate::site;
use crate::table::Row;
use crate::traffic::Traffic;

/// Connections that are measured.
const CONNECTIONS: usize = 5_000;
/// Connections before them, which pay for what is shared.
const WARM: usize = 200;
/// At most 4 KiB.
const TARGET: f64 = 4096.0;
/// For the last connection to become idle.
const SETTLE: Duration = Duration::from_secs(1);

pub(crate) async fn measure(bench: &Bench) -> Result<Row> {
    let gateway = bench.gateway(Traffic::Http1, &[]).await?;
    let (address, id) = (gateway.proxy.address(), gateway.proxy.process.id());
    let mut held = open(address, WARM)?;
    sleep(SETTLE).await;
    let before = resident(id)?;
    held.extend(open(address, CONNECTIONS)?);
    sleep(SETTLE).await;
    let after = resident(id)?;
    let grown = after.saturating_sub(before);
    let remark = format!("{CONNECTIONS} connections, {before} to {after} KiB");
    Ok(Row { figure: (grown << 10) as f64 / CONNECTIONS as f64, target: TARGET, decimals: 0, remark })
}

/// Connections that have had one answer each.
fn open(address: SocketAddr, count: usize) -> Result<Vec<TcpStream>> {
    (0..count).map(|number| connection(address, number).context("open an idle connection")).collect()
}

fn connection(address: SocketAddr, number: usize) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(format!("GET /p0/ HTTP/1.1\r\nHost: {}\r\n\r\n", site::host(number)).as_bytes())?;
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    // The content is all `x`, as no field is.
    while !answer.ends_with(&[b'x'; site::CONTENT]) {
        let read = stream.read(&mut piece)?;
        ensure!(read > 0, "closed after {} bytes", answer.len());
        answer.extend_from_slice(piece.get(..read).unwrap_or_default());
    }
    Ok(stream)
}

/// Resident memory of a process in KiB.
pub(crate) fn resident(id: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).context("read the state of the gateway")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no resident memory")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
