use bulkhead_compile::annotation;
use bulkhead_compile::directives::{self, Instead};

use super::settings::has_field;
use super::verdict::{Counts, IngressReport, Item, Verdict};
use super::*;
use crate::args::ClusterArgs;

const SERVICE: &str =
    "---\napiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: mill}\nspec: {ports: [{port: 80}]}\n";

/// An Ingress with these annotations, a line each.
fn ingress(name: &str, class: &str, annotations: &str) -> String {
    let annotations: String = annotations.lines().map(|line| format!("    {line}\n")).collect();
    let annotations = if annotations.is_empty() { String::new() } else { format!("  annotations:\n{annotations}") };
    let class = if class.is_empty() { String::new() } else { format!("  ingressClassName: {class}\n") };
    format!(
        "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: {name}\n  namespace: mill\n{annotations}spec:\n{class}  \
         rules: [{{host: {name}.example, http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: web, port: \
         {{number: 80}}}}}}}}]}}}}]\n"
    )
}

fn audit_of(text: &str, class: Option<&str>) -> Audit {
    let mut material = Material::default();
    material.add_text("a.yaml", text);
    judge::judge(&material, class)
}

fn only(text: &str) -> IngressReport {
    let audit = audit_of(&format!("{text}{SERVICE}"), None);
    assert!(audit.problems.is_empty(), "{:?}", audit.problems);
    audit.ingresses.into_iter().next().unwrap()
}

fn verdicts(items: &[Item]) -> Vec<(&str, Verdict)> {
    items.iter().map(|item| (item.field.rsplit('/').next().unwrap(), item.verdict)).collect()
}

#[test]
fn every_annotation_comes_to_a_verdict() {
    let cases: [(&str, &[(&str, Verdict)]); 10] = [
        ("", &[]),
        ("cert-manager.io/issuer: a", &[]),
        ("nginx.ingress.kubernetes.io/proxy-body-size: 8m", &[("proxy-body-size", Verdict::Honoured)]),
        ("nginx.ingress.kubernetes.io/proxy-body-size: much", &[("proxy-body-size", Verdict::Ignored)]),
        (
            "nginx.ingress.kubernetes.io/whitelist-source-range: everybody",
            &[("whitelist-source-range", Verdict::Refused)],
        ),
        (
            "nginx.ingress.kubernetes.io/whitelist-source-range: 10.0.0.0/8\nnginx.ingress.kubernetes.io/allowlist-source-range: 10.0.0.0/8",
            &[("whitelist-source-range", Verdict::Ignored), ("allowlist-source-range", Verdict::Honoured)],
        ),
        (
            "nginx.ingress.kubernetes.io/whitelist-source-range: office\nnginx.ingress.kubernetes.io/allowlist-source-range: 10.0.0.0/8",
            &[("whitelist-source-range", Verdict::Refused), ("allowlist-source-range", Verdict::Honoured)],
        ),
        ("nginx.ingress.kubernetes.io/server-snippet: ''", &[("server-snippet", Verdict::Honoured)]),
        ("nginx.ingress.kubernetes.io/invented-later: a", &[("invented-later", Verdict::Refused)]),
        ("alb.ingress.kubernetes.io/scheme: internal", &[("scheme", Verdict::Ignored)]),
    ];
    for (annotations, expected) in cases {
        let report = only(&ingress("web", "nginx", annotations));
        assert_eq!(verdicts(&report.items), expected, "{annotations}");
        let worst = expected.iter().map(|(_, verdict)| *verdict).max().unwrap_or(Verdict::Honoured);
        assert_eq!(report.verdict, worst, "{annotations}");
    }
}

#[test]
fn what_is_not_honoured_says_why_or_what_to_do() {
    for annotation in ["proxy-body-size: much", "server-snippet: deny all;", "invented-later: a"] {
        let report = only(&ingress("web", "nginx", &format!("nginx.ingress.kubernetes.io/{annotation}")));
        let item = report.items.first().unwrap();
        assert!(!item.message.is_empty() && !item.remedy.is_empty(), "{item:?}");
    }
}

#[test]
fn what_a_canary_does_not_say_is_told_so_and_asks_for_nothing() {
    const NGINX: &str = "nginx.ingress.kubernetes.io/";
    let canary = format!("{NGINX}canary: 'true'\n{NGINX}canary-weight: '5'\n");
    let others = ["rewrite-target: /$1", "configuration-snippet: deny all;", "proxy-body-size: 8m"];
    let main = ingress("web", "nginx", "");
    for count in [1, 3] {
        let others: String = others.iter().take(count).map(|line| format!("{NGINX}{line}\n")).collect();
        let next = ingress("next", "nginx", &format!("{canary}{others}")).replace("next.example", "web.example");
        let text = text::page(&audit_of(&format!("{main}{next}"), None), false);
        let text: Vec<&str> = text.split_whitespace().collect();
        let text = text.join(" ");
        assert!(text.contains("not looked at: this Ingress is a canary"), "{text}");
        assert!(text.contains("Nothing needs doing") && !text.contains("keep the Ingress on a controller"), "{text}");
        assert!(!text.contains("then remove the snippet"), "{text}");
    }
}

#[test]
fn a_switch_that_is_off_is_honoured() {
    for annotation in ["enable-modsecurity: 'false'", "enable-opentelemetry: 'false'", "enable-opentracing: 'false'"] {
        let report = only(&ingress("web", "nginx", &format!("nginx.ingress.kubernetes.io/{annotation}")));
        assert_eq!(report.items.len(), 1, "{annotation}");
        assert_eq!(report.verdict, Verdict::Honoured, "{annotation}");
    }
}

#[test]
fn a_snippet_names_what_replaces_it() {
    let report =
        only(&ingress("web", "nginx", "nginx.ingress.kubernetes.io/configuration-snippet: 'deny all; gzip on;'"));
    let names: Vec<&str> = report.items[0].directives.iter().map(|directive| directive.name.as_str()).collect();
    assert_eq!(names, ["deny", "gzip"]);
}

#[test]
fn the_ingresses_of_other_classes_are_judged_apart() {
    let text = format!(
        "{}{}{}",
        ingress("web", "outer", ""),
        ingress("web2", "inner", "").replace("web2.example", "web.example"),
        ingress("web3", "", "")
    );
    let audit = audit_of(&format!("{text}{SERVICE}"), None);
    assert_eq!(audit.ingresses.len(), 3);
    assert_eq!(audit.total, Counts { honoured: 3, ..Counts::default() }, "one path of two classes is no conflict");
    let chosen = audit_of(&text, Some("inner"));
    assert_eq!(chosen.ingresses.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["web2"]);
}

#[test]
fn two_rules_for_one_path_of_a_class_are_found() {
    let text = format!(
        "{}{}",
        ingress("web", "nginx", ""),
        ingress("web2", "nginx", "").replace("web2.example", "web.example")
    );
    let audit = audit_of(&format!("{text}{SERVICE}"), None);
    assert_eq!(audit.total.refused, 1);
    let second = audit.ingresses.iter().find(|one| one.name == "web2").unwrap();
    assert_eq!(second.items[0].code.as_deref(), Some("DuplicatePath"));
}

#[test]
fn our_own_classes_are_no_candidates() {
    let class = "---\napiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: ours}\nspec: {controller: bulkhead.io/gateway}\n";
    let audit = audit_of(&format!("{class}{}", ingress("web", "ours", "")), None);
    assert!(audit.ingresses.is_empty());
    let why = "No Ingresses to audit: all are of classes that are Bulkhead's own (ours).\n";
    assert!(text::page(&audit, false).starts_with(why));
    let instance = "---\napiVersion: bulkhead.io/v1alpha1\nkind: GatewayInstance\nmetadata: {name: edge, namespace: a}\nspec: {eastWest: {ingressClass: {name: inner}}}\n";
    for class in ["inner", "edge-north-south"] {
        assert!(audit_of(&format!("{instance}{}", ingress("web", class, "")), None).ingresses.is_empty(), "{class}");
    }
}

#[test]
fn a_class_that_nobody_names_is_a_wrong_command_line() {
    let audit = audit_of(&ingress("web", "nginx", ""), Some("ngimx"));
    let why = "No Ingresses to audit: none is of the class ngimx; those that there are name nginx.\n";
    assert!(text::page(&audit, false).starts_with(why), "{}", text::page(&audit, false));
    assert_eq!(status(&audit), UNREADABLE);
    assert_eq!(status(&audit_of("", None)), 0);
}

#[test]
fn one_object_that_cannot_be_read_hides_no_other_and_is_told() {
    let bad = ingress("bad", "nginx", "nginx.ingress.kubernetes.io/limit-rps: 10");
    let unknown = ingress("lost", "nginx", "").replace("kind: Ingress", "kind: ingress");
    for (text, problems) in [(&bad, 1), (&unknown, 1), (&format!("{bad}{unknown}"), 1)] {
        let audit =
            audit_of(&format!("{}{text}{}{SERVICE}", ingress("web", "nginx", ""), ingress("api", "nginx", "")), None);
        assert_eq!(audit.total, Counts { honoured: 2, ..Counts::default() });
        assert_eq!((audit.problems.len(), status(&audit)), (problems, UNREADABLE), "{:?}", audit.problems);
    }
    let misspelt = ingress("web", "nginx", "").replace("spec:", "  anotations: {a: b}\nspec:");
    let audit = audit_of(&format!("{misspelt}{SERVICE}"), None);
    assert_eq!((audit.remarks.len(), audit.problems.len()), (1, 0), "{:?} {:?}", audit.remarks, audit.problems);
}

#[test]
fn services_and_secrets_that_were_not_read_are_not_missing() {
    let tls = ingress("web", "nginx", "")
        .replace("  rules:", "  tls: [{hosts: [web.example], secretName: web-tls}]\n  rules:");
    let without = audit_of(&tls, None);
    assert_eq!(verdicts(&without.ingresses[0].items), [("spec.tls[0].secretName", Verdict::NotChecked)]);
    let other = SERVICE.replace("name: web", "name: other");
    let with = audit_of(&format!("{tls}{other}"), None);
    assert!(with.ingresses[0].items.iter().any(|item| item.code.as_deref() == Some("ServiceNotFound")));
}

/// A gateway in a pod has them, whatever the machine has that audits.
#[test]
fn an_authentication_service_is_judged_as_by_a_gateway_that_has_the_authorities_of_its_platform() {
    let report = only(&ingress("web", "nginx", "nginx.ingress.kubernetes.io/auth-url: https://$host/oauth2/auth"));
    assert_eq!(verdicts(&report.items), [("auth-url", Verdict::Approximated)], "{:?}", report.items);
}

#[test]
fn an_older_name_counts_beside_a_newer_one_that_is_empty() {
    let of = |newer: &str| {
        let names = format!(
            "nginx.ingress.kubernetes.io/limit-rps: '5'\nnginx.ingress.kubernetes.io/limit-allowlist: '{newer}'\nnginx.ingress.kubernetes.io/limit-whitelist: 10.0.0.0/8"
        );
        let report = only(&ingress("web", "nginx", &names));
        let item = |name: &str| report.items.iter().find(|item| item.field.ends_with(name)).unwrap().verdict;
        (item("limit-allowlist"), item("limit-whitelist"))
    };
    assert_eq!(of("10.1.0.0/16"), (Verdict::Honoured, Verdict::Ignored));
    assert_eq!(of(" "), (Verdict::Ignored, Verdict::Honoured));
}

const FIELDS: &str = "nginx.ingress.kubernetes.io/custom-headers: fields";

fn config_map(key: &str) -> String {
    format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: fields, namespace: mill}}\ndata: {{{key}: a}}\n")
}

#[test]
fn a_config_map_beside_the_ingress_is_read() {
    let of = |key: &str| only(&format!("{}{}", ingress("web", "nginx", FIELDS), config_map(key)));
    assert_eq!(verdicts(&of("X-Mill").items), [("custom-headers", Verdict::Approximated)]);
    let refused = of("Bad Name");
    assert_eq!(verdicts(&refused.items), [("custom-headers", Verdict::Refused)], "{refused:?}");
    assert_eq!(refused.items[0].code.as_deref(), Some("ResponseFieldsBroken"));
}

#[test]
fn what_is_not_among_the_files_is_told_from_what_was_not_read() {
    let password = "nginx.ingress.kubernetes.io/auth-type: basic\nnginx.ingress.kubernetes.io/auth-secret: fields";
    for (annotations, kind) in [(FIELDS, "ConfigMap"), (password, "Secret")] {
        // An object of the other kind that has the name is another one.
        let beside = if kind == "Secret" { config_map("X-Mill") } else { String::new() };
        let text = format!("{}{beside}{SERVICE}", ingress("web", "nginx", annotations));
        let mut material = Material::default();
        material.add_text("a.yaml", &text);
        for (is_complete, said) in [(true, "is not among these files"), (false, "was not read")] {
            material.is_complete = is_complete;
            let audit = judge::judge(&material, None);
            let item = audit.ingresses[0].items.iter().find(|item| item.verdict == Verdict::NotChecked).unwrap();
            assert!(item.message.contains(&format!("{kind} mill/fields {said}")), "{}", item.message);
        }
    }
}

#[test]
fn the_status_tells_fine_refused_and_unreadable_apart() {
    let fine = audit_of(&ingress("web", "nginx", ""), None);
    let refused = audit_of(&ingress("web", "nginx", "nginx.ingress.kubernetes.io/server-snippet: a b;"), None);
    let unreadable = audit_of("kind: [", None);
    assert_eq!([&fine, &refused, &unreadable].map(status), [0, 1, 2]);
    let open = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ingress-nginx-controller}\ndata: {whitelist-source-range: 10.0.0.0/8}\n";
    assert_eq!(status(&audit_of(open, None)), 1, "a setting of the controller that protects is not carried over");
}

#[test]
fn a_directory_that_is_not_there_is_an_error_that_names_it() {
    let arguments = AuditArgs {
        directory: Some("/nonexistent/manifests".into()),
        cluster: ClusterArgs::default(),
        class: None,
        output: AuditOutput::Text,
    };
    let error = audit(&arguments).unwrap_err().to_string();
    assert!(error.contains("/nonexistent/manifests"), "{error}");
    assert_eq!(format!("{:?}", run(&arguments)), format!("{:?}", ExitCode::from(2)));
}

/// Annotations of a hostile author must neither steer a terminal, nor end a cell of a table, nor fill a disk.
#[test]
fn no_output_repeats_what_a_stranger_wrote_as_it_is() {
    let long = "x".repeat(1 << 20);
    let text = format!(
        "{}{}",
        ingress("web", "nginx", "nginx.ingress.kubernetes.io/whitelist-source-range: \"a\\e[2J|<b>`\\n# b\""),
        ingress("web2", "nginx", &format!("nginx.ingress.kubernetes.io/server-snippet: '{long}'"))
    );
    let audit = audit_of(&text, None);
    assert_eq!(audit.total.refused, 2, "{:?}", audit.problems);
    let (plain, page) = (text::page(&audit, false), markdown::page(&audit));
    for output in [&plain, &page] {
        assert!(output.len() < 8 << 10, "{}", output.len());
        assert!(!output.contains(|c: char| c.is_control() && c != '\n'), "{output}");
    }
    assert!(!page.contains("<b>") && !page.contains("\n# b"), "{page}");
    assert!(!plain.contains("\u{1b}") && text::page(&audit, true).contains("\u{1b}[31mrefused\u{1b}[0m"));
}

#[test]
fn every_output_says_the_same() {
    let audit = audit_of(
        &format!(
            "{}{}{SERVICE}",
            ingress("web", "nginx", "nginx.ingress.kubernetes.io/whitelist-source-range: office"),
            ingress("web2", "nginx", "nginx.ingress.kubernetes.io/proxy-read-timeout: '5'")
        ),
        None,
    );
    insta::assert_snapshot!("text", text::page(&audit, false));
    insta::assert_snapshot!("markdown", markdown::page(&audit));
    insta::assert_json_snapshot!("json", audit);
}

#[test]
fn what_replaces_a_directive_exists() {
    for (_, instead) in directives::replacements() {
        match instead {
            Instead::Annotations(names) => {
                names.iter().for_each(|name| assert!(annotation::row(name).is_some(), "{name}"));
            }
            Instead::Field(path) => assert!(has_field(&format!("northSouth.{path}")), "{path}"),
            Instead::Sentence(text) => {
                let quoted: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
                for path in quoted.iter().filter_map(|word| word.strip_prefix("spec.")) {
                    assert!(has_field(path), "{path}");
                }
                for name in quoted.iter().filter(|word| !word.starts_with("spec.")) {
                    assert!(annotation::row(name).is_some(), "{name}");
                }
            }
        }
    }
}
