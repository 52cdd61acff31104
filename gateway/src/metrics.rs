//! Metrics in the Prometheus text format, version 0.0.4.
//!
//! [`FAMILIES`] is the one table of what there is: names in base units, counters end in `_total`. No label has a value that
//! a client or an author of manifests chooses, so the number of series is fixed. Only what `ingress_nginx` adds where a lane asks for it
//! has labels of Ingresses, in bounded number.

mod ingress_nginx;

use std::collections::BTreeMap;
use std::fmt::Write;

use bulkhead_compile::FindingCode;
use bulkhead_crds::finding::Severity;
use bulkhead_proxy::ledger::{Account, Labels};
use bulkhead_proxy::tally::{Histogram, Tally};

use crate::overload::Reading;
use crate::state::ControlState;
use crate::status;

/// Everything metrics are made of, read at one moment.
pub struct Readings {
    /// Counters of the data threads.
    pub tally: Tally,
    /// Open downstream connections.
    pub connections: u64,
    /// Most of them.
    pub most_connections: u64,
    /// Snapshot that every data thread serves.
    pub served: u64,
    /// Whether requests may be sent.
    pub ready: bool,
    /// Whether a drain has begun.
    pub draining: bool,
    /// How full memory and descriptors are.
    pub overload: Reading,
    /// What the control thread knows.
    pub control: std::sync::Arc<ControlState>,
    /// What came of the requests of every Ingress, if the lane asks for it.
    pub accounts: Option<BTreeMap<Labels, Account>>,
    /// Name of the pod; empty: in none.
    pub pod: String,
}

/// One metric.
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// What kind of metric it is.
    pub kind: Kind,
    /// What it says, as a sentence without a full stop.
    pub help: &'static str,
    read: fn(&Readings, &mut Samples<'_>),
}

/// What kind of metric it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only ever grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Buckets, sum and count.
    Histogram,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

const fn counter(name: &'static str, help: &'static str, read: fn(&Readings, &mut Samples<'_>)) -> Family {
    Family { name, kind: Kind::Counter, help, read }
}

const fn gauge(name: &'static str, help: &'static str, read: fn(&Readings, &mut Samples<'_>)) -> Family {
    Family { name, kind: Kind::Gauge, help, read }
}

/// Every metric there is.
pub const FAMILIES: [Family; 52] = [
    gauge("bulkhead_build_info", "Always 1; the label tells the version", |_, out| {
        out.labelled("version", env!("CARGO_PKG_VERSION"), 1);
    }),
    gauge("bulkhead_ready", "1 while requests may be sent to this gateway", |now, out| out.one(now.ready.into())),
    gauge("bulkhead_draining", "1 once a drain has begun", |now, out| out.one(now.draining.into())),
    gauge("bulkhead_connections", "Open client connections", |now, out| out.one(now.connections)),
    counter("bulkhead_connections_accepted_total", "Client connections accepted", |now, out| {
        out.one(now.tally.accepted)
    }),
    counter(
        "bulkhead_connections_over_limit_total",
        "Client connections closed at once because too many were open",
        |now, out| {
            out.one(now.tally.over_limit);
        },
    ),
    gauge("bulkhead_connections_limit", "Most open client connections", |now, out| out.one(now.most_connections)),
    counter(
        "bulkhead_connections_idle_closed_total",
        "Client connections closed because no request came in time",
        |now, out| out.one(now.tally.idle_closed),
    ),
    counter(
        "bulkhead_connections_worn_out_total",
        "Client connections ended because they had served as many requests, or for as long, as they may",
        |now, out| out.one(now.tally.worn_out),
    ),
    counter(
        "bulkhead_http2_streams_refused_total",
        "HTTP/2 streams refused before anything looked at their requests: too many at once, header lists too large, malformed or taken back",
        |now, out| out.one(now.tally.unserved_streams),
    ),
    gauge("bulkhead_requests_in_flight", "Requests being received, forwarded or answered", |now, out| {
        out.one(now.tally.in_flight);
    }),
    gauge(
        "bulkhead_overload_level",
        "What is done against overload: 0 nothing, 1 idle connections are closed sooner, 2 connections are closed after their response, \
         3 requests are refused, 4 no connection is accepted",
        |now, out| out.one(now.overload.level as u64),
    ),
    gauge(
        "bulkhead_overload_pressure_ratio",
        "How full something is that the process can run out of; absent where there is no bound",
        |now, out| {
            for (of, pressure) in [("memory", now.overload.memory), ("descriptors", now.overload.descriptors)] {
                if let Some(pressure) = pressure {
                    out.thousandths("of", of, pressure.thousandths());
                }
            }
        },
    ),
    counter("bulkhead_requests_total", "Well-formed requests received", |now, out| out.one(now.tally.requests)),
    counter(
        "bulkhead_responses_total",
        "Responses begun, by status class; none counts exchanges that ended without one",
        responses,
    ),
    counter("bulkhead_faults_total", "Requests refused or failed, by reason", |now, out| {
        for (reason, count) in &now.tally.refused {
            out.labelled("reason", reason, *count);
        }
    }),
    Family {
        name: "bulkhead_request_duration_seconds",
        kind: Kind::Histogram,
        help: "From the complete head of a request to the end of its response",
        read: |now, out| out.histogram(&now.tally.latency),
    },
    counter("bulkhead_request_content_bytes_total", "Bytes of content received from clients", |now, out| {
        out.one(now.tally.bytes_in)
    }),
    counter("bulkhead_response_content_bytes_total", "Bytes of content sent to clients", |now, out| {
        out.one(now.tally.bytes_out)
    }),
    counter("bulkhead_upstream_connects_total", "Connections opened to backends", |now, out| {
        out.one(now.tally.upstream_connects)
    }),
    counter("bulkhead_upstream_handshakes_total", "TLS handshakes with backends that succeeded", |now, out| {
        out.one(now.tally.upstream_handshakes);
    }),
    counter("bulkhead_upstream_handshake_failures_total", "TLS handshakes with backends that failed", |now, out| {
        out.one(now.tally.upstream_handshake_failures);
    }),
    counter("bulkhead_upstream_reuses_total", "Requests sent on a kept connection to a backend", |now, out| {
        out.one(now.tally.upstream_reuses);
    }),
    counter("bulkhead_tunnels_total", "Connections that became a WebSocket", |now, out| out.one(now.tally.tunnels)),
    counter("bulkhead_retries_total", "Requests sent to a backend a second time", |now, out| {
        out.one(now.tally.retries)
    }),
    counter(
        "bulkhead_retries_refused_total",
        "Requests not sent a second time because too many had been already",
        |now, out| out.one(now.tally.retries_refused),
    ),
    counter(
        "bulkhead_endpoint_ejections_total",
        "Endpoints not asked for a while because they failed too often in a row",
        |now, out| out.one(now.tally.ejections),
    ),
    counter("bulkhead_mirrors_answered_total", "Copies of requests that were answered", |now, out| {
        out.one(now.tally.mirrors_answered);
    }),
    counter(
        "bulkhead_mirrors_failed_total",
        "Copies of requests that were not answered, or not in time",
        |now, out| {
            out.one(now.tally.mirrors_failed);
        },
    ),
    counter("bulkhead_mirrors_dropped_total", "Copies of requests that were not sent", |now, out| {
        out.one(now.tally.mirrors_dropped);
    }),
    counter(
        "bulkhead_balance_panics_total",
        "Requests sent as if no endpoint were ejected, because more than half of them were",
        |now, out| out.one(now.tally.balance_panics),
    ),
    counter(
        "bulkhead_access_log_dropped_total",
        "Lines of the access log dropped because standard output took no more",
        |now, out| out.one(now.tally.access_log_dropped),
    ),
    counter("bulkhead_spans_exported_total", "Spans that the collector has taken", |now, out| {
        out.one(now.tally.spans_exported);
    }),
    counter(
        "bulkhead_spans_dropped_total",
        "Spans dropped because the collector took none, or because too many waited for it",
        |now, out| out.one(now.tally.spans_dropped),
    ),
    counter(
        "bulkhead_requests_uncounted_total",
        "Requests left out of the metrics by Ingress, which would be too many",
        |now, out| out.one(now.tally.uncounted),
    ),
    counter("bulkhead_connection_panics_total", "Client connections ended by a defect of the gateway", |now, out| {
        out.one(now.tally.panics);
    }),
    gauge("bulkhead_snapshot_published", "Number of the last snapshot published", |now, out| {
        out.one(now.control.published)
    }),
    gauge("bulkhead_snapshot_served", "Number of the snapshot that every data thread serves", |now, out| {
        out.one(now.served)
    }),
    gauge(
        "bulkhead_config_generation",
        "Generation of the instance that the served snapshot was made from",
        |now, out| {
            out.one(u64::try_from(status::served_generation(&now.control, now.served)).unwrap_or_default());
        },
    ),
    gauge("bulkhead_ingresses", "Ingresses served", |now, out| out.one(now.control.counts.ingresses.into())),
    gauge("bulkhead_routes", "Routes served", |now, out| out.one(now.control.counts.routes.into())),
    gauge("bulkhead_endpoints", "Endpoints known", |now, out| out.one(now.control.counts.endpoints.into())),
    gauge("bulkhead_certificates", "Certificates that hosts want, by what has become of them", |now, out| {
        let certificates = &now.control.certificates;
        out.labelled("state", "shown", certificates.shown.into());
        out.labelled("state", "expired", certificates.expired.into());
        out.labelled("state", "not_yet_valid", certificates.not_yet_valid.into());
        out.labelled("state", "unusable", certificates.unusable.into());
    }),
    gauge(
        "bulkhead_certificate_expiry_timestamp_seconds",
        "When the first of the certificates that are shown expires, in seconds since 1970; 0 if none is",
        |now, out| out.one(now.control.certificates.first_expiry.unwrap_or_default()),
    ),
    gauge("bulkhead_findings", "Findings of the served configuration, by code and severity", findings),
    gauge(
        "bulkhead_source_problems",
        "Files, objects and watches that cannot be read; their last good state is kept",
        |now, out| {
            out.one(now.control.source_problems.len() as u64);
        },
    ),
    counter("bulkhead_lane_documents_refused_total", "Lane documents that could not be taken", |now, out| {
        out.one(now.control.counters.lane_documents_refused);
    }),
    counter("bulkhead_compiles_total", "Compiles of the configuration that ended", |now, out| {
        out.one(now.control.counters.compiles)
    }),
    counter("bulkhead_compile_seconds_total", "Time spent in compiles", |now, out| {
        out.seconds(now.control.counters.compile_time.as_micros());
    }),
    counter("bulkhead_compile_panics_total", "Compiles ended by a defect of the gateway", |now, out| {
        out.one(now.control.counters.compile_panics);
    }),
    counter("bulkhead_snapshots_total", "Snapshots published", |now, out| out.one(now.control.counters.snapshots)),
    counter("bulkhead_endpoint_changes_total", "Endpoint changes published without a snapshot", |now, out| {
        out.one(now.control.counters.endpoint_changes);
    }),
];

/// Every code, also those that nothing is found of: an alert on a code then sees it come.
fn findings(now: &Readings, out: &mut Samples<'_>) {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for finding in now.control.findings.iter() {
        *counts.entry(&finding.code).or_default() += 1;
    }
    for code in FindingCode::ALL {
        let severity = match code.severity() {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let count = counts.get(code.as_str()).copied().unwrap_or_default();
        out.labelled_twice(("code", code.as_str()), ("severity", severity), count);
    }
}

fn responses(now: &Readings, out: &mut Samples<'_>) {
    for (class, count) in ["none", "1xx", "2xx", "3xx", "4xx", "5xx"].iter().zip(now.tally.responses) {
        out.labelled("class", class, count);
    }
}

/// The page.
#[must_use]
pub fn page(now: &Readings) -> String {
    let mut text = String::new();
    for family in &FAMILIES {
        // Writing to a String cannot fail.
        let _ =
            writeln!(text, "# HELP {} {}\n# TYPE {} {}", family.name, family.help, family.name, family.kind.as_str());
        (family.read)(now, &mut Samples { name: family.name, text: &mut text });
    }
    if let Some(accounts) = &now.accounts {
        ingress_nginx::write(now, accounts, &mut text);
    }
    text
}

/// Writes the samples of one metric.
struct Samples<'a> {
    name: &'static str,
    text: &'a mut String,
}

impl Samples<'_> {
    fn one(&mut self, value: u64) {
        let _ = writeln!(self.text, "{} {value}", self.name);
    }

    fn seconds(&mut self, micros: u128) {
        let _ = writeln!(self.text, "{} {}", self.name, Seconds(micros));
    }

    fn labelled(&mut self, label: &str, value: &str, count: u64) {
        let _ = writeln!(self.text, "{}{{{label}=\"{}\"}} {count}", self.name, escape(value));
    }

    fn labelled_twice(&mut self, first: (&str, &str), second: (&str, &str), count: u64) {
        let [first, second] = [first, second].map(|(label, value)| format!("{label}=\"{}\"", escape(value)));
        let _ = writeln!(self.text, "{}{{{first},{second}}} {count}", self.name);
    }

    fn thousandths(&mut self, label: &str, value: &str, count: u16) {
        let (whole, part) = (count / 1000, count % 1000);
        let _ = writeln!(self.text, "{}{{{label}=\"{value}\"}} {whole}.{part:03}", self.name);
    }

    /// Buckets are cumulative in the format, and are not in the histogram.
    fn histogram(&mut self, histogram: &Histogram) {
        let mut below: u64 = 0;
        let mut counts = histogram.counts.iter();
        for (bound, count) in histogram.bounds_us.iter().zip(counts.by_ref()) {
            below += count;
            let _ = writeln!(self.text, "{}_bucket{{le=\"{}\"}} {below}", self.name, Seconds(u128::from(*bound)));
        }
        let all = counts.fold(below, |all, count| all + count);
        let _ = writeln!(self.text, "{}_bucket{{le=\"+Inf\"}} {all}", self.name);
        let _ = writeln!(self.text, "{}_sum {}", self.name, Seconds(u128::from(histogram.sum_us)));
        let _ = writeln!(self.text, "{}_count {all}", self.name);
    }
}

/// Microseconds, shown as seconds without rounding.
struct Seconds(u128);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// A label value as the format wants it: backslash, double quote and line feed are escaped.
fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests;
