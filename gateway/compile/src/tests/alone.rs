//! Of an Ingress alone only what nothing else can change is told.

use bulkhead_crds::finding::Severity;
use k8s_openapi::api::networking::v1::Ingress;

use super::world::lane;
use crate::alone::findings_alone;

/// Codes of errors and of warnings about an Ingress with these annotations and rules, in order.
fn told(annotations: &[(&str, &str)], spec: &str) -> (Vec<String>, Vec<String>) {
    let annotations: Vec<_> =
        annotations.iter().map(|(key, value)| format!("nginx.ingress.kubernetes.io/{key}: {value:?}")).collect();
    let yaml = format!(
        "{{metadata: {{namespace: team, name: web, annotations: {{{}}}}}, spec: {{ingressClassName: whatever, {spec}}}}}",
        annotations.join(", ")
    );
    let ingress: Ingress = serde_saphyr::from_str(&yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    let findings = findings_alone(&ingress, lane());
    let of = |severity| -> Vec<String> {
        findings.iter().filter(|finding| finding.severity == severity).map(|finding| finding.code.clone()).collect()
    };
    (of(Severity::Error), of(Severity::Warning))
}

/// Rules for one host that all lead to a Service which nobody has seen.
fn rules(host: &str, paths: &[(&str, &str)]) -> String {
    let path = |(path, kind): &(&str, &str)| {
        format!("{{path: '{path}', pathType: {kind}, backend: {{service: {{name: web, port: {{name: http}}}}}}}}")
    };
    let paths: Vec<_> = paths.iter().map(path).collect();
    format!("rules: [{{host: '{host}', http: {{paths: [{}]}}}}]", paths.join(", "))
}

fn root(host: &str) -> String {
    rules(host, &[("/", "Prefix")])
}

#[test]
fn what_other_objects_may_bring_is_not_missed() {
    let tls = format!("{}, tls: [{{hosts: [shop.example], secretName: cert}}]", root("shop.example"));
    assert_eq!(told(&[], &tls), (vec![], vec![]));
    for annotations in [
        &[("auth-type", "basic"), ("auth-secret", "users")][..],
        &[("auth-tls-secret", "team/issuers")],
        &[("backend-protocol", "HTTPS"), ("proxy-ssl-secret", "team/backend"), ("proxy-ssl-verify", "on")],
        &[("custom-headers", "fields")],
        &[("auth-url", "https://auth.example/check"), ("auth-proxy-set-headers", "fields")],
        &[("default-backend", "pages")],
        &[("canary", "true"), ("canary-weight", "10")],
        &[("mirror-target", "https://mirror.example/")],
    ] {
        assert_eq!(told(annotations, &root("shop.example")).0, Vec::<String>::new(), "{annotations:?}");
    }
}

#[test]
fn what_is_wrong_by_itself_is_told() {
    let same = rules("shop.example", &[("/a", "Prefix"), ("/a", "Prefix")]);
    let expression = rules("shop.example", &[("/a(?=b)", "ImplementationSpecific")]);
    for (annotations, spec, errors) in [
        (&[][..], root("shop..example"), &["BadHost"][..]),
        (&[], rules("shop.example", &[("/../x", "Prefix")]), &["BadPath"]),
        (&[], same, &["DuplicatePath"]),
        (&[("use-regex", "true")], expression, &["BadExpression"]),
        (&[("whitelist-source-range", "10.0.0.0/8,elsewhere")], root("shop.example"), &["ProtectionUnreadable"]),
        (&[("auth-tls-secret", "other/issuers")], root("shop.example"), &["ClientCertificateBroken"]),
        (&[("canary", "true"), ("canary-weight", "many")], root("shop.example"), &["CanaryNotServed"]),
        (&[("auth-url", "https://$host/check")], root("*.shop.example"), &["ProtectionUnreadable"]),
    ] {
        assert_eq!(told(annotations, &spec).0, errors, "{annotations:?} {spec}");
    }
}

#[test]
fn what_is_served_otherwise_is_a_warning() {
    let size = [("proxy-body-size", "much")];
    assert_eq!(told(&size, &root("shop.example")), (vec![], vec!["AnnotationUnreadable".to_owned()]));
}
