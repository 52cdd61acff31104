use std::fmt::Write as _;

use bulkhead_gateway::source::manifest;

use super::*;
use crate::audit::judge::judge;
use crate::audit::material::Material;
use crate::docs::assert_generated;

/// A ConfigMap and a Deployment of ingress-nginx in the namespace `edge`.
fn installation(data: &str, flags: &str) -> Material {
    let text = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings, namespace: edge}}\ndata: {{{data}}}\n---\napiVersion: \
         apps/v1\nkind: Deployment\nmetadata: {{name: controller, namespace: edge}}\nspec:\n  replicas: 3\n  template: {{spec: \
         {{containers: [{{name: c, image: example/ingress-nginx/controller:v1, args: [/nginx-ingress-controller, \
         '--configmap=$(POD_NAMESPACE)/settings'{flags}]}}]}}}}\n"
    );
    let mut material = Material::default();
    material.add_text("edge.yaml", &text);
    assert!(material.problems.is_empty(), "{:?}", material.problems);
    material
}

fn report(data: &str, flags: &str) -> ControllerReport {
    judge(&installation(data, flags), None).controllers.into_iter().next().unwrap()
}

fn spec(report: &ControllerReport) -> serde_json::Value {
    let [one] = manifest::parse(&report.instance).unwrap().try_into().unwrap();
    let manifest::Content::Other(other) = one.content else { panic!("an instance: {one:?}") };
    crate::instance::admit(&other.value).unwrap();
    other.value
}

#[test]
fn a_setting_becomes_the_field_that_says_the_same() {
    let cases = [
        ("proxy-body-size: 20m", "northSouth/limits/requestContentBytes", "\"20Mi\""),
        ("keep-alive: '120'", "northSouth/limits/keepAliveIdleTimeout", "\"120s\""),
        ("worker-shutdown-timeout: 4m", "northSouth/drain/timeoutSeconds", "240"),
        ("large-client-header-buffers: 4 16k", "northSouth/limits/requestHeadBytes", "\"64Ki\""),
        ("ssl-protocols: TLSv1.3", "northSouth/tls/minVersion", "\"1.3\""),
        ("load-balance: ewma", "northSouth/upstream/loadBalance", "\"PeakEwma\""),
        ("disable-access-log: 'true'", "northSouth/accessLog/format", "\"Off\""),
        (
            "use-forwarded-headers: 'true', proxy-real-ip-cidr: '10.0.0.0/8,192.0.2.1/32'",
            "northSouth/clientAddress/trustedCIDRs",
            "[\"10.0.0.0/8\",\"192.0.2.1/32\"]",
        ),
        ("use-proxy-protocol: 'true'", "northSouth/clientAddress/trustedCIDRs", "[\"0.0.0.0/0\",\"::/0\"]"),
        ("use-proxy-protocol: 'true'", "northSouth/clientAddress/proxyProtocol", "\"Accept\""),
    ];
    for (data, path, expected) in cases {
        let spec = spec(&report(data, ""));
        let found = spec.pointer(&format!("/spec/{path}")).unwrap_or_else(|| panic!("{data}: {spec}"));
        assert_eq!(found.to_string(), expected, "{data}");
    }
}

#[test]
fn a_flag_becomes_the_field_that_says_the_same() {
    let flags = ", --ingress-class, edge, --watch-namespace=mill, --default-ssl-certificate=edge/wildcard, --enable-metrics, \
                 --shutdown-grace-period=12";
    let report = report("", flags);
    let spec = spec(&report);
    let at = |path: &str| spec.pointer(path).map(ToString::to_string).unwrap_or_default();
    assert_eq!(report.classes, ["edge"]);
    assert_eq!(at("/metadata/namespace"), "\"edge\"");
    assert_eq!(at("/spec/northSouth/ingressClass/alsoServe"), "[\"edge\"]");
    assert_eq!(at("/spec/scope/namespaces"), "{\"from\":\"Names\",\"names\":[\"mill\"]}");
    assert_eq!(at("/spec/northSouth/tls/defaultCertificate/name"), "\"wildcard\"");
    assert_eq!(at("/spec/northSouth/drain/lameduckSeconds"), "12");
    assert_eq!(at("/spec/northSouth/replicas"), "3");
    assert_eq!(at("/spec/northSouth/metrics/ingressNginxNames"), "true");
}

#[test]
fn whom_to_trust_is_not_taken_from_a_list_that_ingress_nginx_does_not_use() {
    let spec = spec(&report("proxy-real-ip-cidr: 10.0.0.0/8", ""));
    assert!(spec.pointer("/spec/northSouth/clientAddress").is_none(), "{spec}");
}

#[test]
fn what_has_no_field_says_what_to_do_and_what_protects_is_refused() {
    let report = report(
        "use-gzip: 'true', whitelist-source-range: 10.0.0.0/8, hsts: 'true', ssl-redirect: 'true', generate-request-id: 'false', frobnicate: a, keep-alive: long",
        "",
    );
    let of = |key: &str| report.settings.iter().find(|one| one.setting.starts_with(key)).unwrap();
    assert_eq!(of("use-gzip").verdict, Verdict::Ignored);
    assert_eq!(of("whitelist-source-range").verdict, Verdict::Refused);
    assert_eq!(of("ssl-redirect").verdict, Verdict::Honoured, "it is the default");
    assert_eq!(of("hsts:").verdict, Verdict::Ignored, "it is the default, and not so here");
    assert_eq!(of("generate-request-id").verdict, Verdict::Honoured, "it is off");
    assert_eq!(of("frobnicate").message, "It is not known.");
    assert_eq!(of("keep-alive").message, "The value cannot be read.");
}

#[test]
fn ports_of_tcp_are_reported_as_not_served() {
    let mut material = installation("", ", --tcp-services-configmap=edge/tcp");
    material.add_text(
        "tcp.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: tcp, namespace: edge}\ndata: {'5432': mill/db:5432}\n",
    );
    let audit = judge(&material, None);
    let tcp = audit.controllers[0].settings.first().unwrap();
    assert_eq!((tcp.setting.as_str(), tcp.verdict), ("tcp port 5432: mill/db:5432", Verdict::Refused));
    assert!(audit.is_refused());
}

#[test]
fn where_no_deployment_says_which_it_is_a_config_map_is_the_controllers_by_its_name_or_its_label() {
    let found = |name: &str, labels: &str| {
        let text = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: edge, labels: {{{labels}}}}}\ndata: {{keep-alive: '75'}}\n"
        );
        let mut material = Material::default();
        material.add_text("map.yaml", &text);
        assert!(material.problems.is_empty(), "{:?}", material.problems);
        judge(&material, None).controllers.len()
    };
    const LABEL: &str = "app.kubernetes.io/name: ingress-nginx";
    let cases = [
        ("ingress-nginx-controller", "", 1),
        ("front-door", LABEL, 1),
        ("front-door", "app.kubernetes.io/name: wordpress", 0),
        ("front-door", "", 0),
        ("front-door-tcp", LABEL, 0),
        ("front-door-custom-add-headers", LABEL, 0),
    ];
    for (name, labels, expected) in cases {
        assert_eq!(found(name, labels), expected, "{name} {labels}");
    }
}

#[test]
fn a_hostile_setting_makes_no_instance_that_an_api_server_would_refuse() {
    let long = "9".repeat(100_000);
    let data = format!(
        "keep-alive: '{long}', proxy-body-size: '{long}g', proxy-real-ip-cidr: 'a,b', use-proxy-protocol: 'true'"
    );
    let report = report(&data, ", \"--ingress-class=\\e[2J\", '--watch-namespace=../..'");
    spec(&report);
    assert!(report.settings.iter().all(|one| one.setting.chars().count() <= 81), "{report:?}");
    assert!(!format!("{report:?}").contains('\u{1b}'));
}

#[test]
fn every_row_is_complete_and_stands_once() {
    let mut seen = std::collections::BTreeSet::new();
    for (of, row) in keys().map(|row| ("key", row)).chain(flags().map(|row| ("flag", row))) {
        assert!(seen.insert((of, row.key)), "{} stands twice", row.key);
        let (path, text) = match row.meaning {
            Meaning::Field(path, read, note) => {
                assert!(row.default.is_empty() || read(row.default).is_some(), "the default of {} is none", row.key);
                (Some(path), note)
            }
            Meaning::Moot(text) | Meaning::Instead(text) | Meaning::Lacking(text) | Meaning::Protects(text) => {
                (None, text)
            }
        };
        assert!(path.is_some() || !text.is_empty(), "{}", row.key);
        assert!(text.is_empty() || text.ends_with('.'), "{}: {text}", row.key);
        let named = text.split('`').skip(1).step_by(2).filter_map(|word| word.strip_prefix("spec."));
        for path in path.into_iter().chain(named.filter(|path| *path != "defaultBackend")) {
            assert!(has_field(path), "{}: there is no field {path}", row.key);
        }
    }
}

#[test]
fn the_book_has_the_table_of_settings() {
    let mut text = String::new();
    for (title, rows) in [("key of the ConfigMap", keys().collect::<Vec<_>>()), ("flag", flags().collect())] {
        let _ = write!(text, "\n| {title} | default | field of the GatewayInstance | |\n|---|---|---|---|\n");
        for row in rows {
            let default = if row.default.is_empty() { String::new() } else { format!("`{}`", row.default) };
            let (field, sentence) = match row.meaning {
                Meaning::Field(path, _, note) => (format!("`spec.{path}`"), note.to_owned()),
                Meaning::Moot(why) => ("nothing to do".to_owned(), why.to_owned()),
                Meaning::Instead(what) | Meaning::Lacking(what) => ("none".to_owned(), what.to_owned()),
                Meaning::Protects(what) => ("none, refused".to_owned(), what.to_owned()),
            };
            let _ = writeln!(text, "| `{}` | {default} | {field} | {sentence} |", row.key);
        }
    }
    assert_generated("docs/ingress-nginx.md", "controller settings", &text);
}
