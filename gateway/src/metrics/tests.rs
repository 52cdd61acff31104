use std::collections::BTreeSet;
use std::sync::Arc;

use bulkhead_crds::finding::{Finding, ObjectRef};
use bulkhead_model::limits::{self, Counter};
use bulkhead_model::overload::{Level, Pressure};
use bulkhead_proxy::fault::Fault;
use bulkhead_proxy::ledger::Status;

use super::*;

fn readings() -> Readings {
    let mut latency = Histogram::default();
    latency.counts[0] = 3;
    latency.counts[2] = 1;
    *latency.counts.last_mut().unwrap() = 1;
    latency.sum_us = 2_000_150;
    let tally = Tally {
        responses: [1, 0, 20, 3, 4, 5],
        refused: vec![("route_not_found", 7), ("head_too_large", 0)],
        latency,
        ..Tally::default()
    };
    let overload = Reading {
        memory: Some(Pressure::of(93, 100)),
        descriptors: Some(Pressure::of(1, 1)),
        level: Level::StopAccepting,
    };
    Readings {
        tally,
        connections: 12,
        most_connections: 1709,
        served: 3,
        ready: true,
        draining: false,
        overload,
        control: Arc::default(),
        accounts: None,
        pod: "web-7".to_owned(),
    }
}

#[test]
fn names_are_unique_and_say_their_unit() {
    let names: BTreeSet<_> = FAMILIES.iter().map(|family| family.name).collect();
    assert_eq!(names.len(), FAMILIES.len());
    for family in &FAMILIES {
        assert!(family.name.starts_with("bulkhead_"), "{}", family.name);
        assert_eq!(family.name.ends_with("_total"), family.kind == Kind::Counter, "{}", family.name);
        assert!(!family.help.ends_with('.') && !family.help.contains('\n'), "{}", family.name);
    }
}

#[test]
fn every_family_is_introduced_and_has_a_sample() {
    let page = page(&readings());
    for family in &FAMILIES {
        assert!(page.contains(&format!("# TYPE {} {}\n", family.name, family.kind.as_str())), "{}", family.name);
        let sample = page.lines().filter(|line| !line.starts_with('#')).any(|line| line.starts_with(family.name));
        assert!(sample, "{}", family.name);
    }
    assert!(page.ends_with('\n'));
}

#[test]
fn samples_have_their_labels_and_values() {
    let page = page(&readings());
    for line in [
        "bulkhead_ready 1",
        "bulkhead_connections 12",
        "bulkhead_connections_limit 1709",
        "bulkhead_overload_level 4",
        "bulkhead_overload_pressure_ratio{of=\"memory\"} 0.930",
        "bulkhead_overload_pressure_ratio{of=\"descriptors\"} 1.000",
        "bulkhead_responses_total{class=\"none\"} 1",
        "bulkhead_responses_total{class=\"2xx\"} 20",
        "bulkhead_faults_total{reason=\"route_not_found\"} 7",
        "bulkhead_faults_total{reason=\"head_too_large\"} 0",
        "bulkhead_request_duration_seconds_bucket{le=\"0.000064\"} 3",
        "bulkhead_request_duration_seconds_bucket{le=\"0.000256\"} 3",
        "bulkhead_request_duration_seconds_bucket{le=\"0.001024\"} 4",
        "bulkhead_request_duration_seconds_bucket{le=\"+Inf\"} 5",
        "bulkhead_request_duration_seconds_sum 2.000150",
        "bulkhead_request_duration_seconds_count 5",
    ] {
        assert!(page.lines().any(|found| found == line), "{line} is missing in\n{page}");
    }
}

#[test]
fn findings_are_counted_by_code_and_those_that_are_not_found_are_shown_as_none() {
    let finding = |code: FindingCode| Finding {
        object: ObjectRef::new("Ingress", "mill", "web"),
        field: String::new(),
        severity: code.severity(),
        code: code.as_str().to_owned(),
        message: String::new(),
        remedy: String::new(),
    };
    let findings = [FindingCode::BadPath, FindingCode::BadPath, FindingCode::NoEndpoints].map(finding);
    let control = Arc::new(ControlState { findings: Arc::<[_]>::from(findings).into(), ..ControlState::default() });
    let page = page(&Readings { control, ..readings() });
    let lines: Vec<&str> = page.lines().filter(|line| line.starts_with("bulkhead_findings{")).collect();
    assert_eq!(lines.len(), FindingCode::ALL.len());
    for line in [
        "bulkhead_findings{code=\"BadPath\",severity=\"error\"} 2",
        "bulkhead_findings{code=\"NoEndpoints\",severity=\"warning\"} 1",
        "bulkhead_findings{code=\"BadHost\",severity=\"error\"} 0",
    ] {
        assert!(lines.contains(&line), "{line} is missing in {lines:?}");
    }
}

#[test]
fn label_values_are_escaped() {
    assert_eq!(escape("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
}

/// What the table of bounds says is counted must be counted somewhere.
#[test]
fn every_bound_is_counted_where_the_table_says() {
    let reasons: BTreeSet<_> = Fault::all().map(|fault| fault.row().name).collect();
    let metrics: BTreeSet<_> = FAMILIES.iter().map(|family| family.name).collect();
    for limit in limits::all() {
        match limit.counter {
            Counter::Fault(reason) => assert!(reasons.contains(reason), "{}: {reason}", limit.name),
            Counter::Metric(metric) => assert!(metrics.contains(metric), "{}: {metric}", limit.name),
            Counter::Nowhere => {}
        }
    }
}

#[test]
fn metrics_of_ingress_nginx_are_there_when_they_are_asked_for() {
    assert!(!page(&readings()).contains("nginx_ingress_controller_"));
    let labels = Labels {
        host: "a.test".to_owned(),
        ingress: "mill/web".to_owned(),
        service: "mill/flour:80".to_owned(),
        canary: "mill/bran:http".to_owned(),
        method: "GET",
        status: Status::of(200),
    };
    let mut account = Account::default();
    account.durations.counts[1] = 2;
    account.durations.counts[11] = 1;
    account.durations.sum_us = 20_000_000;
    account.response_bytes = 7;
    let page = page(&Readings { accounts: Some([(labels, account)].into()), ..readings() });
    let labels = "canary=\"mill-bran-http\",controller_class=\"bulkhead.io/gateway\",controller_namespace=\"\",controller_pod=\"web-7\",host=\"a.test\",ingress=\"web\",method=\"GET\",namespace=\"mill\",service=\"flour\",status=\"200\"";
    for (name, more, value) in [
        ("requests", "", "3"),
        ("request_duration_seconds_bucket", ",le=\"0.005\"", "0"),
        ("request_duration_seconds_bucket", ",le=\"0.01\"", "2"),
        ("request_duration_seconds_bucket", ",le=\"10\"", "2"),
        ("request_duration_seconds_bucket", ",le=\"+Inf\"", "3"),
        ("request_duration_seconds_sum", "", "20.000000"),
        ("response_size_sum", "", "7"),
        ("response_size_count", "", "3"),
    ] {
        let line = format!("nginx_ingress_controller_{name}{{{labels}{more}}} {value}");
        assert!(page.lines().any(|found| found == line), "{line} is missing in\n{page}");
    }
    let names: Vec<_> = page.lines().filter(|line| line.starts_with("# TYPE ")).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
}
