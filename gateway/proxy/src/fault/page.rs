//! The page of the book that is the table of faults; `WRITE_DOCS=1` writes it.

use std::fmt::Write as _;
use std::path::Path;

use super::{Blame, Fault};

const HEAD: &str = "\
<!-- generated from the table of faults (`WRITE_DOCS=1 cargo test -p bulkhead-proxy --lib fault`); edit the program, not this file -->
# Faults

Why a request was refused, or its response not finished. A gateway counts each as `bulkhead_faults_total{reason=\"…\"}`, and writes at most one line a
second and reason into its log, on standard error: how often it happened since the line before, and of the first time the client's address and, where
it is known, the host that was asked for. What clients do wrong is told at level `INFO`, the rest at `WARN`.

    {\"level\":\"WARN\",\"message\":\"no endpoint accepted a connection\",\"reason\":\"connect_failed\",\"count\":12,\"client\":\"192.0.2.7\",\"detail\":\"shop.example.com\",…}

A response that was begun cannot have another status: it is broken off visibly, and its fault is counted all the same. *Closed*: the client is told nothing,
or nothing more, and its connection ends (in HTTP/2 mostly its stream alone). Calls of gRPC get the status of gRPC that belongs to it instead. Three more reasons stand in
the log alone: `endpoint_ejected` (an endpoint is not asked for a while: it has failed too often in a row), `accept_failed` (the system gave no
connection although a client had come) and `handshake_unconfigured` (there is no configuration for the TLS that a client asks for).

| reason | a client sees | caused by | what happened |
|---|---|---|---|
";

fn page() -> String {
    let mut page = HEAD.to_owned();
    for fault in Fault::all() {
        let row = fault.row();
        let seen = match (row.status, row.keeps) {
            (0, _) => "closed".to_owned(),
            (status, true) => status.to_string(),
            (status, false) => format!("{status}, closed"),
        };
        let by = match row.blame {
            Blame::Client => "client",
            Blame::Gateway => "gateway or configuration",
            Blame::Upstream => "backend",
        };
        let what = match fault {
            Fault::Refused(refusal) => refusal.to_string(),
            _ => row.text.to_owned(),
        };
        let _ = writeln!(page, "| `{}` | {seen} | {by} | {what} |", row.name);
    }
    page
}

#[test]
fn the_book_has_the_table_as_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/faults.md");
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page(), "docs/faults.md is stale: WRITE_DOCS=1 cargo test -p bulkhead-proxy --lib fault");
}
