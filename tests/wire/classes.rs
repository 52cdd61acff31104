//! Whose Ingresses a lane serves: those that name a class that is its own, and no others.

use crate::routing::expect;
use crate::support::backend::Backend;
use crate::support::lane::Lane;
use crate::support::manifest::{CLASS, all_of, class, document, file, ingress, served};

#[tokio::test]
async fn a_class_that_is_not_the_lanes_own_serves_nothing_until_it_is() {
    let lane = Lane::start(&document()).await;
    let (backend, uid) = (Backend::named("served").await, document().identity.uid);
    lane.put("web.yaml", &file(&[ingress("web", &[all_of("class.test", "web")]), served("web", backend.port())]));
    lane.wait_for("class.test", "/", 200, "served").await;
    let own = class(&uid);
    for (foreign, reason) in [
        (class("11111111-2222-3333-4444-555555555555"), "instance-uid"),
        (own.replace("controller: bulkhead.io/gateway", "controller: k8s.io/ingress-nginx"), "spec.controller"),
        (own.replace("north-south", "east-west"), "lane"),
        (own.replace("kind: GatewayInstance, name: harbour", "kind: GatewayInstance, name: other"), "parameters.name"),
        (own.replace("namespace: port, scope", "namespace: elsewhere, scope"), "parameters.namespace"),
        (own.replace("apiGroup: bulkhead.io", "apiGroup: example.com"), "apiGroup"),
        (own.split("  parameters").next().unwrap().to_owned(), "spec.parameters"),
        (own.replace("name: harbour\n", "name: elsewhere\n"), "no IngressClass"),
    ] {
        assert_ne!(foreign, own, "{reason}");
        lane.put("class.yaml", &foreign);
        lane.wait_for("class.test", "/", 404, "").await;
        let report = lane.wait(reason, |report| report.classes[0].reason.contains(reason)).await;
        assert_eq!(
            (report.classes[0].served, report.ingresses, report.routes, report.ready),
            (false, 0, 0, true),
            "{reason}"
        );
        lane.put("class.yaml", &own);
        lane.wait_for("class.test", "/", 200, "served").await;
    }
    lane.remove("class.yaml");
    lane.wait_for("class.test", "/", 404, "").await;
    lane.put("class.yaml", &own);
    lane.wait_for("class.test", "/", 200, "served").await;
}

#[tokio::test]
async fn an_ingress_is_served_by_the_class_it_names_and_by_no_other() {
    let lane = Lane::shared().await;
    let backend = Backend::named("named").await;
    let named = |name: &str, class_line: &str, annotation: &str| {
        let text = ingress(name, &[all_of(&format!("{name}.class-of.test"), "class-of")]);
        let text = text.replace(&format!("  ingressClassName: {CLASS}\n"), class_line);
        text.replace("namespace: shop}", &format!("namespace: shop{annotation}}}"))
    };
    let legacy = |class: &str| format!(", annotations: {{kubernetes.io/ingress.class: {class}}}");
    let manifests = [
        named("field", "  ingressClassName: harbour\n", ""),
        named("legacy", "", &legacy("harbour")),
        named("also", "  ingressClassName: pier\n", ""),
        named("both", "  ingressClassName: nginx\n", &legacy("harbour")),
        named("none", "", ""),
        named("other", "  ingressClassName: nginx\n", ""),
        served("class-of", backend.port()),
    ];
    lane.put("class-of.yaml", &file(&manifests));
    lane.wait_for("field.class-of.test", "/", 200, "named").await;
    let expected = [
        ("field", "named"),
        ("legacy", "named"),
        ("also", "named"),
        ("both", "404"),
        ("none", "404"),
        ("other", "404"),
    ];
    for (name, expected) in expected {
        expect(&lane, &[(&format!("{name}.class-of.test"), "/", expected)]).await;
    }
    lane.remove("class-of.yaml");
}
