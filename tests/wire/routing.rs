//! Which backend a request reaches, as the manifests say it: by host, path, port, age and endpoints.

use crate::support::backend::Backend;
use crate::support::lane::Lane;
use crate::support::manifest::{CLASS, Path, all_of, document, file, ingress, served, service, slices};

/// Requests as (host, path) and what answers: a backend's name, or a status.
pub(crate) async fn expect(lane: &Lane, table: &[(&str, &str, &str)]) {
    let mut wrong = Vec::new();
    for (host, path, expected) in table {
        let answer = lane.get(host, path).await;
        let seen = if answer.status == 200 { answer.text() } else { answer.status.to_string() };
        if seen != *expected {
            wrong.push(format!("{host}{path}: {seen}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn the_most_particular_host_wins_and_what_it_leaves_over_falls_to_the_next() {
    let lane = Lane::start(&document()).await;
    let (exact, wild, any) = (Backend::named("exact").await, Backend::named("wild").await, Backend::named("any").await);
    expect(&lane, &[("www.hosts.test", "/", "404")]).await;
    let paths = [
        Path { host: "www.hosts.test", path: "/only", kind: "Prefix", service: "exact" },
        all_of("*.hosts.test", "wild"),
        Path { host: "", path: "/any", kind: "Prefix", service: "any" },
    ];
    lane.put(
        "hosts.yaml",
        &file(&[
            ingress("hosts", &paths),
            served("exact", exact.port()),
            served("wild", wild.port()),
            served("any", any.port()),
        ]),
    );
    lane.wait_for("www.hosts.test", "/only", 200, "exact").await;
    let table = [
        ("WWW.Hosts.TEST", "/only", "exact"),
        ("www.hosts.test:8080", "/only", "exact"),
        ("www.hosts.test.", "/only", "exact"),
        ("www.hosts.test", "/other", "wild"),
        ("api.hosts.test", "/", "wild"),
        ("xwww.hosts.test", "/only", "wild"),
        ("a.b.hosts.test", "/any", "any"),
        ("a.b.hosts.test", "/", "404"),
        ("hosts.test", "/any", "any"),
        ("hosts.test", "/", "404"),
        ("whosts.test", "/", "404"),
        ("other.example", "/any/x", "any"),
        ("127.0.0.1", "/any", "any"),
        ("[::1]:80", "/any", "any"),
        ("other.example", "/", "404"),
    ];
    expect(&lane, &table).await;
}

#[tokio::test]
async fn the_longest_path_wins_and_exact_before_prefix() {
    let lane = Lane::shared().await;
    let names = ["root", "prefix", "exact", "long", "both-exact", "both-prefix", "impl", "slash", "exact-slash"];
    let mut backends = Vec::new();
    for name in names {
        backends.push(Backend::named(name).await);
    }
    let path = |path, kind, service| Path { host: "paths-of.test", path, kind, service };
    let rules = [
        path("/foo", "Prefix", "prefix"),
        path("/foo/exact", "Exact", "exact"),
        path("/foo/bar/baz", "Prefix", "long"),
        path("/both", "Prefix", "both-prefix"),
        path("/both", "Exact", "both-exact"),
        path("/impl", "ImplementationSpecific", "impl"),
        path("/slash/", "Prefix", "slash"),
        path("/exact/", "Exact", "exact-slash"),
    ];
    let mut manifests = vec![ingress("paths-of", &rules)];
    manifests.extend(names.iter().zip(&backends).map(|(name, backend)| served(name, backend.port())));
    lane.put("paths-of.yaml", &file(&manifests));
    lane.wait_for("paths-of.test", "/foo", 200, "prefix").await;
    let rows = [
        ("/foo", "prefix"),
        ("/foo/", "prefix"),
        ("/foo/x", "prefix"),
        ("/foobar", "404"),
        ("/FOO", "404"),
        ("/foo/exact", "exact"),
        ("/foo/exact/", "prefix"),
        ("/foo/exact/x", "prefix"),
        ("/foo/bar", "prefix"),
        ("/foo/bar/bazz", "prefix"),
        ("/foo/bar/baz", "long"),
        ("/foo/bar/baz/x", "long"),
        ("/both", "both-exact"),
        ("/both/", "both-prefix"),
        ("/both?x", "both-exact"),
        ("/impl/x", "impl"),
        ("/implx", "404"),
        ("/slash", "slash"),
        ("/slash/", "slash"),
        ("/slash/x", "slash"),
        ("/slashx", "404"),
        ("/exact", "404"),
        ("/exact/", "exact-slash"),
        ("/exact/x", "404"),
        ("/", "404"),
    ];
    let rows: Vec<_> = rows.iter().map(|(path, expected)| ("paths-of.test", *path, *expected)).collect();
    expect(&lane, &rows).await;
    // A path is added to the host by another Ingress, and taken away again.
    lane.put("paths-of-2.yaml", &ingress("paths-of-2", &[path("/", "Prefix", "root")]));
    lane.wait_for("paths-of.test", "/", 200, "root").await;
    expect(&lane, &[("paths-of.test", "/exact", "root"), ("paths-of.test", "/foo", "prefix")]).await;
    lane.remove("paths-of-2.yaml");
    lane.wait_for("paths-of.test", "/", 404, "").await;
    lane.remove("paths-of.yaml");
    lane.wait_for("paths-of.test", "/foo", 404, "").await;
}

#[tokio::test]
async fn a_default_backend_takes_what_rules_leave_over_and_alone_everything() {
    let lane = Lane::start(&document()).await;
    let (ruled, left, all) = (Backend::named("ruled").await, Backend::named("left").await, Backend::named("all").await);
    let backend = |name: &str| format!("  defaultBackend: {{service: {{name: {name}, port: {{number: 80}}}}}}\n");
    let with_rules =
        ingress("rules", &[Path { host: "default.test", path: "/ruled", kind: "Prefix", service: "ruled" }])
            + &backend("left");
    lane.put("rules.yaml", &file(&[with_rules, served("ruled", ruled.port()), served("left", left.port())]));
    lane.wait_for("default.test", "/ruled", 200, "ruled").await;
    expect(
        &lane,
        &[("default.test", "/", "left"), ("default.test", "/ruled/x", "ruled"), ("other.example", "/", "404")],
    )
    .await;
    let alone = ingress("alone", &[]).replace("  rules:\n", "") + &backend("all");
    lane.put("alone.yaml", &file(&[alone, served("all", all.port())]));
    lane.wait_for("other.example", "/", 200, "all").await;
    expect(&lane, &[("default.test", "/", "left"), ("default.test", "/ruled", "ruled"), ("127.0.0.1", "/x", "all")])
        .await;
}

#[tokio::test]
async fn ports_are_found_by_number_and_by_name_and_what_is_missing_costs_one_route() {
    let lane = Lane::start(&document()).await;
    let (web, other) = (Backend::named("web").await, Backend::named("other").await);
    let rule = |path: &str, service: &str, port: &str| {
        format!(
            "\n      - {{path: {path}, pathType: Prefix, backend: {{service: {{name: {service}, port: {{{port}}}}}}}}}"
        )
    };
    let rules = rule("/number", "two", "number: 80")
        + &rule("/name", "two", "name: other")
        + &rule("/no-number", "two", "number: 81")
        + &rule("/no-name", "two", "name: nothing")
        + &rule("/no-service", "later", "number: 80")
        + &rule("/no-endpoints", "empty", "number: 80");
    let ingress = format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: ports, namespace: shop}}\nspec:\n  ingressClassName: {CLASS}\n  rules:\n  - host: ports.test\n    http:\n      paths:{rules}\n"
    );
    let two = "apiVersion: v1\nkind: Service\nmetadata: {name: two, namespace: shop}\nspec:\n  ports: [{name: http, port: 80}, {name: other, port: 90}]\n";
    let slice = format!(
        "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{name: two-1, namespace: shop, labels: {{kubernetes.io/service-name: two}}}}\naddressType: IPv4\nendpoints: [{{addresses: [127.0.0.1], conditions: {{ready: true}}}}]\nports: [{{name: http, port: {}}}, {{name: other, port: {}}}]\n",
        web.port(),
        other.port()
    );
    lane.put("ports.yaml", &file(&[ingress, two.to_owned(), slice, service("empty")]));
    lane.wait_for("ports.test", "/number", 200, "web").await;
    let row = |path, expected| ("ports.test", path, expected);
    expect(
        &lane,
        &[
            row("/name", "other"),
            row("/no-number", "503"),
            row("/no-name", "503"),
            row("/no-service", "503"),
            row("/no-endpoints", "503"),
        ],
    )
    .await;
    let report = lane.status().await;
    let mut codes: Vec<&str> = report.findings.sample.iter().map(|finding| finding.code.as_str()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["NoEndpoints", "PortNotFound", "PortNotFound", "ServiceNotFound"]);
    // What was missing comes, and the finding goes.
    lane.put("later.yaml", &served("later", web.port()));
    lane.wait_for("ports.test", "/no-service", 200, "web").await;
    lane.put("empty.yaml", &slices("empty", &[(other.port(), "ready: true")]));
    lane.wait_for("ports.test", "/no-endpoints", 200, "other").await;
    let report = lane.wait("two findings", |report| report.findings.errors + report.findings.warnings == 2).await;
    assert!(
        report.findings.sample.iter().all(|finding| finding.object.to_string() == "Ingress shop/ports"),
        "{report:?}"
    );
}

#[tokio::test]
async fn endpoints_that_leave_are_asked_only_when_nothing_is_ready() {
    let lane = Lane::shared().await;
    let (ready, leaving, unready) =
        (Backend::named("ready").await, Backend::named("leaving").await, Backend::named("unready").await);
    let endpoints = |conditions: [&str; 3]| {
        slices(
            "ends",
            &[(ready.port(), conditions[0]), (leaving.port(), conditions[1]), (unready.port(), conditions[2])],
        )
    };
    let (is_ready, is_leaving, is_unready) =
        ("ready: true", "ready: false, serving: true, terminating: true", "ready: false, serving: false");
    lane.put("ends.yaml", &file(&[ingress("ends", &[all_of("ends.test", "ends")]), service("ends")]));
    lane.wait_for("ends.test", "/", 503, "").await;
    for (conditions, expected) in [
        ([is_ready, is_leaving, is_unready], "ready"),
        ([is_unready, is_leaving, is_unready], "leaving"),
        (["", is_leaving, is_unready], "ready"),
        ([is_unready, is_unready, "ready: false, serving: true"], "503"),
        ([is_leaving, is_unready, "ready: true, serving: true, terminating: true"], "unready"),
    ] {
        lane.put("ends-slices.yaml", &endpoints(conditions));
        let (status, content) = if expected == "503" { (503, "no ready endpoint") } else { (200, expected) };
        lane.wait_for("ends.test", "/", status, content).await;
        expect(&lane, &[("ends.test", "/", expected); 6]).await;
    }
    lane.remove("ends-slices.yaml");
    lane.wait_for("ends.test", "/", 503, "").await;
    lane.remove("ends.yaml");
}

#[tokio::test]
async fn every_ready_endpoint_takes_its_turn() {
    let lane = Lane::shared().await;
    let (one, two) = (Backend::named("one").await, Backend::named("two").await);
    let slices = slices("turns", &[(one.port(), "ready: true"), (two.port(), "ready: true")]);
    lane.put("turns.yaml", &file(&[ingress("turns", &[all_of("turns.test", "turns")]), service("turns"), slices]));
    lane.wait_for("turns.test", "/", 200, "one").await;
    lane.wait_for("turns.test", "/", 200, "two").await;
    // On one connection, so on one data thread, they alternate.
    let mut client = lane.connect().await;
    let mut seen = Vec::new();
    for _ in 0..8 {
        client.write("GET / HTTP/1.1\r\nHost: turns.test\r\n\r\n").await.unwrap();
        seen.push(client.answer().await.unwrap().text());
    }
    assert!(seen.windows(2).all(|pair| pair[0] != pair[1]), "{seen:?}");
    lane.remove("turns.yaml");
}

#[tokio::test]
async fn of_two_ingresses_with_one_path_the_older_is_served() {
    let lane = Lane::start(&document()).await;
    let (old, young) = (Backend::named("old").await, Backend::named("young").await);
    lane.put("services.yaml", &file(&[served("old", old.port()), served("young", young.port())]));
    let born = |name: &str, time: &str| {
        ingress(name, &[all_of("age.test", name)])
            .replace("namespace: shop}", &format!("namespace: shop, creationTimestamp: '{time}'}}"))
    };
    lane.put("young.yaml", &born("young", "2026-02-01T00:00:00Z"));
    lane.wait_for("age.test", "/", 200, "young").await;
    lane.put("old.yaml", &born("old", "2026-01-01T00:00:00Z"));
    lane.wait_for("age.test", "/", 200, "old").await;
    let report = lane.wait("a finding", |report| report.findings.errors == 1).await;
    let finding = &report.findings.sample[0];
    assert_eq!((finding.object.to_string().as_str(), finding.code.as_str()), ("Ingress shop/young", "DuplicatePath"));
    lane.remove("old.yaml");
    lane.wait_for("age.test", "/", 200, "young").await;
    lane.wait("no finding", |report| report.findings.errors == 0).await;
}
