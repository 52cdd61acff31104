//! h2spec's cases against the gateway: all pass but those listed here, and those listed fail.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use bulkhead_tests::gateway::backend::Backend;
use bulkhead_tests::gateway::lane::{Lane, gateway};
use bulkhead_tests::gateway::manifest::{all_of, document, file, ingress, served};
use tokio::process::Command;

use crate::program::program;

/// Longest wait of h2spec for what it expects, in seconds.
const PATIENCE: &str = "2";

/// Fewer cases than this are not the whole suite.
const CASES: usize = 140;

/// Cases that do not pass, each with its section and the reason.
type Exceptions = &'static [(&'static str, &'static str, &'static str)];

const WITHOUT_TLS: Exceptions = &[(
    "http2/3.5",
    "Sends invalid connection preface",
    "what does not begin with the preface is HTTP/1.1 there, and is told in HTTP/1.1 that it is malformed before its connection ends",
)];

const OVER_TLS: Exceptions = &[];

#[tokio::test]
async fn every_case_passes_without_tls() {
    let lane = Lane::start(&document()).await;
    check(&lane, lane.http, &[], WITHOUT_TLS).await;
}

#[tokio::test]
async fn every_case_passes_over_tls() {
    let mut command = gateway();
    command.env("BULKHEAD_HTTPS", "127.0.0.1:0");
    let lane = Lane::start_as(&document(), command).await;
    check(&lane, lane.https(), &["-t", "-k"], OVER_TLS).await;
}

/// Runs every case and compares what failed with the exceptions.
async fn check(lane: &Lane, address: SocketAddr, flags: &[&str], exceptions: Exceptions) {
    let backend = Backend::echo().await;
    lane.put("web.yaml", &file(&[ingress("web", &[all_of("", "web")]), served("web", backend.port())]));
    lane.wait("an endpoint", |report| report.routes == 1 && report.endpoints == 1).await;
    let report = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new(program("h2spec"));
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    command.args(["--strict", "-h", &host, "-p", &port, "-o", PATIENCE, "-j"]).arg(report.path()).args(flags);
    let output = command.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    lane.process.ensure_running().unwrap();
    let cases = read(&std::fs::read_to_string(report.path()).unwrap());
    assert!(cases.len() >= CASES, "only {} cases ran:\n{said}{}", cases.len(), String::from_utf8_lossy(&output.stderr));
    let failed: BTreeSet<(&str, &str)> =
        cases.iter().filter(|(_, passed)| !**passed).map(|((section, name), _)| (&section[..], &name[..])).collect();
    let listed: BTreeSet<(&str, &str)> = exceptions.iter().map(|(section, name, _)| (*section, *name)).collect();
    let (new, gone): (Vec<_>, Vec<_>) = (failed.difference(&listed).collect(), listed.difference(&failed).collect());
    assert!(new.is_empty() && gone.is_empty(), "failed: {new:#?}\nlisted, but passed: {gone:#?}\n{said}");
    println!("cases: {} of h2spec {flags:?}, {} of them listed as exceptions", cases.len(), listed.len());
}

/// Section and name of each case of a report in JUnit's form, and whether it passed.
fn read(report: &str) -> BTreeMap<(String, String), bool> {
    let attribute = |line: &str, name: &str| {
        let value = line.split_once(&format!("{name}=\""))?.1.split('"').next()?;
        Some(value.replace("&#34;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    };
    let case = |element: &str| {
        let (line, rest) = element.split_once('>')?;
        let passed = rest.split("</testcase>").next()?.trim().is_empty();
        Some(((attribute(line, "package")?, attribute(line, "classname")?), passed))
    };
    report.split("<testcase ").skip(1).filter_map(case).collect()
}

#[test]
fn a_report_tells_what_passed() {
    let report = "<testsuite><testcase package=\"http2/1\" classname=\"Sends &#34;a&#34;\" time=\"0\"></testcase>\n\
        <testcase package=\"http2/2\" classname=\"b\" time=\"0\">\n<error>GOAWAY</error>\n</testcase></testsuite>";
    let expected = [(("http2/1", "Sends \"a\""), true), (("http2/2", "b"), false)];
    let own = |((section, name), passed): ((&str, &str), bool)| ((section.to_owned(), name.to_owned()), passed);
    assert_eq!(read(report), expected.map(own).into());
}
