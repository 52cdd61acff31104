//! The metrics of ingress-nginx that its dashboards and Flagger read, under its names, for lanes that ask for them.

use std::collections::BTreeMap;
use std::fmt::Write;

use bulkhead_crds::names::CONTROLLER;
use bulkhead_proxy::ledger::{Account, BOUNDS_US, Labels};
use bulkhead_proxy::tally::Histogram;

use super::{Readings, Seconds, escape};

/// What all of its names begin with.
const PREFIX: &str = "nginx_ingress_controller_";
/// [`BOUNDS_US`] as ingress-nginx writes them, in seconds: whoever queries a bucket names it as a text.
const BOUNDS: [&str; BOUNDS_US.len()] = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10"];

/// Writes them behind the metrics of Bulkhead.
pub(super) fn write(now: &Readings, accounts: &BTreeMap<Labels, Account>, text: &mut String) {
    let identity = now.control.identity.as_ref();
    let namespace = identity.map(|identity| identity.namespace.as_str()).unwrap_or_default();
    let pod = escape(&now.pod);
    let controller = format!(
        "controller_class=\"{CONTROLLER}\",controller_namespace=\"{}\",controller_pod=\"{pod}\"",
        escape(namespace)
    );
    process(now, &controller, text);
    let accounts: Vec<_> = accounts.iter().map(|(labels, account)| (written(labels, &controller), account)).collect();
    requests(&accounts, text);
    durations("request_duration_seconds", &accounts, |account| &account.durations, text);
    durations("response_duration_seconds", &accounts, |account| &account.upstream, text);
    sizes("request_size", &accounts, |account| account.request_bytes, text);
    sizes("response_size", &accounts, |account| account.response_bytes, text);
}

/// What dashboards list controllers by, and what is not of one Ingress.
fn process(now: &Readings, controller: &str, text: &mut String) {
    let active = ",state=\"active\"";
    let (accepted, handled) = (",state=\"accepted\"", ",state=\"handled\"");
    for (name, kind, samples) in [
        ("config_hash", "gauge", &[("", now.control.published)][..]),
        ("config_last_reload_successful", "gauge", &[("", u64::from(now.ready))]),
        ("success", "counter", &[("", now.control.counters.snapshots)]),
        ("nginx_process_connections", "gauge", &[(active, now.connections)]),
        (
            "nginx_process_connections_total",
            "counter",
            &[(accepted, now.tally.accepted), (handled, now.tally.accepted)],
        ),
        ("nginx_process_requests_total", "counter", &[("", now.tally.requests)]),
    ] {
        begin(name, kind, text);
        for (label, value) in samples {
            let _ = writeln!(text, "{PREFIX}{name}{{{controller}{label}}} {value}");
        }
    }
}

fn requests(accounts: &[(String, &Account)], text: &mut String) {
    begin("requests", "counter", text);
    for (labels, account) in accounts {
        let _ = writeln!(text, "{PREFIX}requests{{{labels}}} {}", count(&account.durations));
    }
}

fn durations(name: &str, accounts: &[(String, &Account)], of: impl Fn(&Account) -> &Histogram, text: &mut String) {
    begin(name, "histogram", text);
    for (labels, account) in accounts {
        let histogram = of(account);
        let mut below = 0;
        for (bound, count) in BOUNDS.iter().zip(&histogram.counts) {
            below += count;
            let _ = writeln!(text, "{PREFIX}{name}_bucket{{{labels},le=\"{bound}\"}} {below}");
        }
        let (all, sum) = (count(histogram), Seconds(u128::from(histogram.sum_us)));
        let _ = writeln!(text, "{PREFIX}{name}_bucket{{{labels},le=\"+Inf\"}} {all}");
        let _ = writeln!(text, "{PREFIX}{name}_sum{{{labels}}} {sum}\n{PREFIX}{name}_count{{{labels}}} {all}");
    }
}

fn sizes(name: &str, accounts: &[(String, &Account)], of: impl Fn(&Account) -> u64, text: &mut String) {
    begin(name, "summary", text);
    for (labels, account) in accounts {
        let (sum, all) = (of(account), count(&account.durations));
        let _ = writeln!(text, "{PREFIX}{name}_sum{{{labels}}} {sum}\n{PREFIX}{name}_count{{{labels}}} {all}");
    }
}

fn begin(name: &str, kind: &str, text: &mut String) {
    let _ = writeln!(text, "# HELP {PREFIX}{name} As in ingress-nginx\n# TYPE {PREFIX}{name} {kind}");
}

fn count(histogram: &Histogram) -> u64 {
    histogram.counts.iter().sum()
}

fn written(labels: &Labels, controller: &str) -> String {
    let (namespace, ingress) = labels.ingress.split_once('/').unwrap_or_default();
    let service = labels.service.split_once('/').map(|(_, service)| service).unwrap_or_default();
    let service = service.rsplit_once(':').map_or(service, |(name, _)| name);
    let host = if labels.host.is_empty() { String::new() } else { format!("host=\"{}\",", escape(&labels.host)) };
    format!(
        "canary=\"{}\",{controller},{host}ingress=\"{}\",method=\"{}\",namespace=\"{}\",service=\"{}\",status=\"{}\"",
        escape(&labels.canary.replace(['/', ':'], "-")),
        escape(ingress),
        labels.method,
        escape(namespace),
        escape(service),
        labels.status,
    )
}
