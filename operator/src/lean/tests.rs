use bulkhead_compile::{class_of, references};
use k8s_openapi::api::core::v1::Secret;
use serde_json::json;

use super::*;

fn lean(ingress: &serde_json::Value) -> Ingress {
    let lean: LeanIngress = serde_json::from_str(&ingress.to_string()).expect("an Ingress");
    lean.0
}

#[test]
fn of_an_ingress_only_its_class_and_what_it_refers_to_are_kept() {
    let whole = json!({
        "metadata": { "name": "web", "namespace": "team", "uid": "u1", "resourceVersion": "7", "labels": { "a": "b" }, "annotations": {
            LEGACY_CLASS: "nginx",
            "nginx.ingress.kubernetes.io/auth-tls-secret": "issuers",
            "nginx.ingress.kubernetes.io/auth-tls-verify-client": "optional",
            "nginx.ingress.kubernetes.io/proxy-ssl-secret": "behind",
            "nginx.ingress.kubernetes.io/auth-type": "basic",
            "nginx.ingress.kubernetes.io/auth-secret": "users",
            "nginx.ingress.kubernetes.io/auth-secret-type": "auth-map",
            "nginx.ingress.kubernetes.io/auth-realm": "the mill",
            "nginx.ingress.kubernetes.io/custom-headers": "team/fields",
            "nginx.ingress.kubernetes.io/auth-proxy-set-headers": "told",
            "note": "x".repeat(1000),
        } },
        "spec": {
            "rules": [{ "host": "a.example" }],
            "defaultBackend": { "service": { "name": "web" } },
            "tls": [{ "hosts": ["a.example"], "secretName": "cert" }],
        },
    });
    let before: Ingress = serde_json::from_value(whole.clone()).expect("an Ingress");
    let after = lean(&whole);
    assert_eq!((class_of(&after), references(&after)), (class_of(&before), references(&before)));
    assert_eq!((class_of(&after), references(&after).len()), (Some("nginx"), 6));
    let ObjectMeta { name, namespace, uid, resource_version, labels, annotations, .. } = after.metadata;
    let named = [name, namespace, uid, resource_version].map(Option::unwrap_or_default);
    assert_eq!(named, ["web", "team", "u1", "7"]);
    assert_eq!((labels, annotations.map(|annotations| annotations.len())), (None, Some(9)));
    let spec = after.spec.expect("a spec");
    assert_eq!((spec.rules, spec.default_backend), (None, None));
    assert_eq!(spec.tls.expect("entries").first().expect("one").hosts, None);
}

#[test]
fn what_an_author_writes_without_end_is_not_kept_without_end() {
    let name = "n".repeat(NAME_BYTES + 1);
    let mut tls = vec![json!({ "hosts": vec!["a"; 10_000], "secretName": name })];
    tls.extend((0..TLS + 5).map(|number| json!({ "secretName": format!("s{number}") })));
    let ours = json!({ "manager": "bulkhead:infra:edge:north-south", "operation": "Apply", "subresource": "status",
        "fieldsV1": { "f:status": { "f:loadBalancer": { "f:ingress": {} } } } });
    let points =
        vec![json!({ "ip": "203.0.113.7", "ports": vec![json!({ "port": 1, "protocol": "TCP" }); 100] }); 1000];
    let kept = lean(&json!({
        "metadata": { "managedFields": vec![ours; 1000], "annotations": {
            LEGACY_CLASS: "x".repeat(5000), "nginx.ingress.kubernetes.io/auth-secret": "ä".repeat(5000),
        } },
        "spec": { "ingressClassName": "x".repeat(5000), "tls": tls },
        "status": { "loadBalancer": { "ingress": points } },
    }));
    assert!(kept.metadata.annotations.expect("annotations").values().all(|value| value.len() <= VALUE_BYTES));
    assert_eq!(kept.metadata.managed_fields.expect("speakers").len(), SPEAKERS);
    let spec = kept.spec.expect("a spec");
    assert_eq!(spec.tls.map(|entries| entries.len()), Some(TLS));
    assert_eq!(spec.ingress_class_name.map(|class| class.len()), Some(VALUE_BYTES));
    let points = kept.status.and_then(|status| status.load_balancer?.ingress).expect("points");
    assert_eq!(points.len(), ADDRESSES + 1);
    assert!(points.iter().all(|point| point.ports.as_ref().is_some_and(|ports| ports.len() <= PORTS)));
}

#[test]
fn who_wrote_what_is_read_whatever_shape_it_has() {
    let speaks = |fields: serde_json::Value| {
        let entry = json!({ "manager": "bulkhead:infra:edge:north-south", "operation": "Apply", "subresource": "status", "fieldsV1": fields });
        lean(&json!({ "metadata": { "managedFields": [entry] } })).metadata.managed_fields.is_some()
    };
    let cases = [
        (json!({ "f:status": { "f:loadBalancer": {} } }), true),
        (json!({ "f:metadata": { "f:labels": {} }, "f:status": { "f:other": 1, "f:loadBalancer": null } }), true),
        (json!({ "f:status": {} }), false),
        (json!({ "f:spec": { "f:loadBalancer": {} } }), false),
        (json!({ "f:status": null }), false),
        (json!({ "f:status": ["f:loadBalancer", 1, -1, 1.5, true, "x"] }), false),
        (json!("f:status"), false),
        (json!(null), false),
    ];
    for (fields, expected) in cases {
        assert_eq!(speaks(fields.clone()), expected, "{fields}");
    }
    let absent =
        json!({ "metadata": { "managedFields": null, "annotations": null }, "spec": { "tls": null }, "status": {} });
    assert_eq!(lean(&absent).metadata.managed_fields, None);
}

#[test]
fn of_what_is_only_referred_to_the_name_is_kept() {
    let secret = json!({ "metadata": { "name": "cert", "namespace": "team", "resourceVersion": "7", "annotations": { "a": "b" } }, "data": {} });
    let named: Named<Secret> = serde_json::from_str(&secret.to_string()).expect("a Secret");
    let name = Some("cert".to_owned());
    let meta = ObjectMeta {
        name,
        namespace: Some("team".to_owned()),
        resource_version: Some("7".to_owned()),
        ..ObjectMeta::default()
    };
    assert_eq!(named.meta(), &meta);
    assert!(<Named<Secret> as Resource>::metadata_api());
}
