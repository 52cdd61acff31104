use bulkhead_crds::finding::Severity;

use super::world::{World, ingress, rules, service, slice};

fn world(annotation: &str) -> World {
    let manifest = ingress("mill/a", 1, &rules(&["a.test / Prefix flour:80"]));
    let manifest = manifest.replace("name: a,", &format!("name: a, annotations: {{{annotation}}},"));
    World::new(&(manifest + &service("mill/flour") + &slice("mill/s", "flour", &["10.1.0.1"])))
}

#[test]
fn a_protection_that_is_not_offered_answers_503() {
    for annotation in [
        "auth-type: basic",
        "auth-url: 'http://auth.test'",
        "auth-tls-secret: mill/ca",
        "whitelist-source-range: 10.0.0.0/8",
        "allowlist-source-range: ''",
        "denylist-source-range: 10.0.0.0/8",
        "limit-rps: '5'",
        "limit-connections: '5'",
        "enable-modsecurity: 'true'",
        "proxy-ssl-secret: mill/ca",
        "backend-protocol: https",
    ] {
        let world = world(&format!("nginx.ingress.kubernetes.io/{annotation}"));
        assert_eq!(world.routes(), ["a.test / Prefix mill/a none 503"], "{annotation}");
        let key = annotation.split(':').next().unwrap();
        assert_eq!(world.codes(), [format!("PolicyNotServed Ingress mill/a nginx.ingress.kubernetes.io/{key}")]);
        assert_eq!(world.findings[0].severity, Severity::Error);
    }
}

#[test]
fn every_other_annotation_is_named_and_the_route_served() {
    for annotation in [
        "ssl-redirect: 'true'",
        "rewrite-target: /",
        "never-heard-of: x",
        "enable-modsecurity: 'false'",
        "backend-protocol: HTTP",
        "canary: 'false'",
    ] {
        let world = world(&format!("nginx.ingress.kubernetes.io/{annotation}"));
        assert_eq!(world.routes(), ["a.test / Prefix mill/a mill/flour:80 1"], "{annotation}");
        let key = annotation.split(':').next().unwrap();
        assert_eq!(world.codes(), [format!("AnnotationNotServed Ingress mill/a nginx.ingress.kubernetes.io/{key}")]);
        assert_eq!(world.findings[0].severity, Severity::Warning);
    }
}

#[test]
fn annotations_of_others_are_theirs() {
    assert_eq!(world("example.test/auth-type: basic").codes(), [""; 0]);
}

#[test]
fn a_canary_never_takes_the_traffic_of_the_ingress_it_shadows() {
    let world = world("nginx.ingress.kubernetes.io/canary: 'true', nginx.ingress.kubernetes.io/canary-weight: '5'");
    assert_eq!(world.routes(), [""; 0]);
    assert_eq!(world.codes()[0], "CanaryNotServed Ingress mill/a nginx.ingress.kubernetes.io/canary");
}
