//! What every controller of Ingresses owes to those who write them: the cases of the conformance suite that the Kubernetes project kept for
//! Ingress, table by table (default backend, hosts, classes, load balancing, paths), against the real API server.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use bulkhead_crds::names::LaneName;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::echo::{Echo, EchoBackend};
use bulkhead_tests::exchange::{self, Answer};
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::Api;

use crate::world::routes::{PORT, backend, route, serve};
use crate::world::tls::{Authority, shown};
use crate::world::{Fleet, SMALL, SOON, address};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![
        test(a_default_backend_takes_every_host_path_and_method),
        test(hosts_are_found_exactly_or_by_one_label),
        test(an_ingress_of_an_unknown_class_is_left_alone),
        test(every_endpoint_of_a_service_has_its_share),
        test(paths_are_matched_by_element_or_exactly),
    ]
}

const LANE: LaneName = LaneName::NorthSouth;

/// Method, host, path, and the Service that answers; none: 404.
type Row = (&'static str, &'static str, &'static str, Option<&'static str>);

/// An instance, and the Services of its namespace.
struct Stage {
    fleet: Fleet,
    _backends: Vec<EchoBackend>,
}

impl Stage {
    async fn new(cluster: &'static Cluster, prefix: &str, services: &[&str]) -> Result<Self> {
        let fleet = Fleet::listening(cluster, prefix, SMALL).await?;
        let mut backends = Vec::new();
        for service in services {
            backends.push(backend(cluster, &fleet.namespace, service).await?);
        }
        Ok(Self { fleet, _backends: backends })
    }

    /// Applies an Ingress of the lane's class.
    async fn ingress(&self, name: &str, spec: &str) -> Result<()> {
        let class = self.fleet.class(LANE);
        let yaml = format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: {name}}}\nspec:\n  ingressClassName: {class}\n{spec}"
        );
        self.fleet.cluster.apply(&self.fleet.namespace, &yaml).await.map(|_| ())
    }

    async fn ask(&self, method: &str, host: &str, path: &str) -> Result<Answer> {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        exchange::send(self.fleet.gateway(LANE)?, request).await
    }

    /// Awaits what is served, and then asks for every row.
    async fn expect(&self, rows: &[Row]) -> Result<()> {
        for (method, host, path, service) in rows.iter().filter(|row| row.3.is_some()) {
            wait_for(&format!("{method} {host}{path}"), SOON, async || self.look(method, host, path, *service).await)
                .await?;
        }
        for (method, host, path, service) in rows {
            self.look(method, host, path, *service).await?;
        }
        Ok(())
    }

    async fn look(&self, method: &str, host: &str, path: &str, service: Option<&str>) -> Result<()> {
        let answer = self.ask(method, host, path).await?;
        let Some(service) = service else {
            ensure!(answer.status == 404, "{method} {host}{path} is answered {}: {}", answer.status, answer.text());
            return Ok(());
        };
        let echo: Echo =
            answer.json().with_context(|| format!("{method} {host}{path}: {} {}", answer.status, answer.text()))?;
        let expected = format!("{}/{service}", self.fleet.namespace);
        ensure!(echo.backend == expected, "{method} {host}{path} leads to {}", echo.backend);
        ensure!(
            (echo.method.as_str(), echo.path.as_str(), echo.host.as_str()) == (method, path, host),
            "the backend saw {echo:?}"
        );
        Ok(())
    }
}

/// One path of a rule.
fn path(path: &str, kind: &str, service: &str, port: &str) -> String {
    format!("{{path: {path}, pathType: {kind}, backend: {{service: {{name: {service}, port: {{{port}}}}}}}}}")
}

fn rule(host: &str, paths: &[String]) -> String {
    format!("  - {{host: {host:?}, http: {{paths: [{}]}}}}\n", paths.join(", "))
}

async fn a_default_backend_takes_every_host_path_and_method(cluster: &'static Cluster) -> Result<()> {
    let stage = Stage::new(cluster, "default", &["echo"]).await?;
    stage.ingress("default-backend", "  defaultBackend: {service: {name: echo, port: {number: 80}}}\n").await?;
    stage
        .expect(&[
            ("GET", "my-host", "/", Some("echo")),
            ("GET", "my-host", "/sub", Some("echo")),
            ("GET", "some-host", "/", Some("echo")),
            ("GET", "some-host", "/resource", Some("echo")),
            ("POST", "some-host", "/resource", Some("echo")),
            ("DELETE", "some-host", "/resource", Some("echo")),
        ])
        .await
}

async fn hosts_are_found_exactly_or_by_one_label(cluster: &'static Cluster) -> Result<()> {
    let stage = Stage::new(cluster, "hosts", &["wildcard", "exact", "secure", "named"]).await?;
    let namespace = stage.fleet.namespace.clone();
    let (authority, secure) = (Authority::new("servers")?, "secure.conformance.example");
    let certificate = authority.sign(secure)?;
    cluster.apply(&namespace, &certificate.secret("conformance-tls")).await?;
    let number = |service| path("/", "Prefix", service, "number: 80");
    let rules = [
        rule("*.conformance.test", &[number("wildcard")]),
        rule("foo.bar.conformance", &[number("exact")]),
        rule("named-port.conformance", &[path("/", "Prefix", "named", "name: http")]),
        rule(secure, &[number("secure")]),
    ];
    let tls = format!("  tls: [{{hosts: [{secure}], secretName: conformance-tls}}]\n");
    stage.ingress("host-rules", &format!("{tls}  rules:\n{}", rules.concat())).await?;
    stage
        .expect(&[
            ("GET", "foo.conformance.test", "/", Some("wildcard")),
            ("GET", "a.b.conformance.test", "/", None),
            ("GET", "conformance.test", "/", None),
            ("GET", "foo.bar.conformance", "/", Some("exact")),
            ("GET", "bar.conformance", "/", None),
            ("GET", "not.foo.bar.conformance", "/", None),
            ("GET", "named-port.conformance", "/", Some("named")),
            ("GET", "elsewhere.example", "/", None),
            ("GET", secure, "/", Some("secure")),
        ])
        .await?;
    // A client that believes the authority, and nobody else.
    let mut client = shown(&stage.fleet, LANE, &authority, secure, &certificate).await?;
    ensure!(client.get(secure)? == 200, "the host is not served under TLS");
    Ok(())
}

async fn an_ingress_of_an_unknown_class_is_left_alone(cluster: &'static Cluster) -> Result<()> {
    let stage = Stage::new(cluster, "unknown", &["echo"]).await?;
    let namespace = &stage.fleet.namespace;
    route(cluster, namespace, "other", "some-invalid-class-name", "unknown.example", "echo").await?;
    // What comes after it is served: it has been seen by then.
    route(cluster, namespace, "ours", &stage.fleet.class(LANE), "known.example", "echo").await?;
    stage.expect(&[("GET", "known.example", "/", Some("echo")), ("GET", "unknown.example", "/", None)]).await?;
    let ingress = Api::<Ingress>::namespaced(cluster.admin.clone(), namespace).get("other").await?;
    let addresses = ingress.status.and_then(|status| status.load_balancer).and_then(|balancer| balancer.ingress);
    ensure!(addresses.unwrap_or_default().is_empty(), "somebody wrote the status of an Ingress that is not ours");
    Ok(())
}

async fn every_endpoint_of_a_service_has_its_share(cluster: &'static Cluster) -> Result<()> {
    let stage = Stage::new(cluster, "shares", &[]).await?;
    let namespace = &stage.fleet.namespace;
    let (mut backends, mut ips) = (Vec::new(), Vec::new());
    for nth in 0..10 {
        let ip = address();
        backends.push(EchoBackend::start(&format!("pod-{nth}"), (ip, PORT).into()).await?);
        ips.push(ip);
    }
    serve(cluster, namespace, "echo", &ips).await?;
    route(cluster, namespace, "shares", &stage.fleet.class(LANE), "shares.example", "echo").await?;
    stage.fleet.wait_status(LANE, "shares.example", 200).await?;
    let mut seen = BTreeSet::new();
    for _ in 0..100 {
        let echo: Echo = stage.ask("GET", "shares.example", "/").await?.json()?;
        seen.insert(echo.backend);
    }
    ensure!(seen.len() == 10, "only {seen:?} were asked");
    Ok(())
}

async fn paths_are_matched_by_element_or_exactly(cluster: &'static Cluster) -> Result<()> {
    let services = [
        "foo-exact",
        "foo-prefix",
        "aaa-prefix",
        "aaa-bbb-prefix",
        "foo-slash-exact",
        "aaa-slash-prefix",
        "all-prefix",
    ];
    let stage = Stage::new(cluster, "paths", &services).await?;
    let one = |at: &str, kind: &str, service: &str| path(at, kind, service, "number: 80");
    let rules = [
        rule("exact-path-rules", &[one("/foo", "Exact", "foo-exact")]),
        rule(
            "prefix-path-rules",
            &[
                one("/foo", "Prefix", "foo-prefix"),
                one("/aaa/bbb", "Prefix", "aaa-bbb-prefix"),
                one("/aaa", "Prefix", "aaa-prefix"),
            ],
        ),
        rule("mixed-path-rules", &[one("/foo", "Prefix", "foo-prefix"), one("/foo", "Exact", "foo-exact")]),
        rule(
            "trailing-slash-path-rules",
            &[one("/aaa/bbb/", "Prefix", "aaa-slash-prefix"), one("/foo/", "Exact", "foo-slash-exact")],
        ),
        rule("all-path-rules", &[one("/", "Prefix", "all-prefix")]),
    ];
    stage.ingress("path-rules", &format!("  rules:\n{}", rules.concat())).await?;
    stage
        .expect(&[
            ("GET", "exact-path-rules", "/foo", Some("foo-exact")),
            ("GET", "exact-path-rules", "/foo/", None),
            ("GET", "exact-path-rules", "/FOO", None),
            ("GET", "exact-path-rules", "/bar", None),
            ("GET", "prefix-path-rules", "/foo", Some("foo-prefix")),
            ("GET", "prefix-path-rules", "/foo/", Some("foo-prefix")),
            ("GET", "prefix-path-rules", "/FOO", None),
            ("GET", "prefix-path-rules", "/aaa/bbb", Some("aaa-bbb-prefix")),
            ("GET", "prefix-path-rules", "/aaa/bbb/ccc", Some("aaa-bbb-prefix")),
            ("GET", "prefix-path-rules", "/aaa/ccc", Some("aaa-prefix")),
            ("GET", "prefix-path-rules", "/aaaccc", None),
            ("GET", "mixed-path-rules", "/foo", Some("foo-exact")),
            ("GET", "mixed-path-rules", "/foo/bar", Some("foo-prefix")),
            ("GET", "trailing-slash-path-rules", "/aaa/bbb/", Some("aaa-slash-prefix")),
            ("GET", "trailing-slash-path-rules", "/aaa/bbb", Some("aaa-slash-prefix")),
            ("GET", "trailing-slash-path-rules", "/foo/", Some("foo-slash-exact")),
            ("GET", "trailing-slash-path-rules", "/foo", None),
            ("GET", "all-path-rules", "/anything/at/all", Some("all-prefix")),
        ])
        .await
}
