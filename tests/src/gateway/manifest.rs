//! The objects a lane serves, as YAML, and its document.

use std::fmt::Write;

use bulkhead_crds::lane::{LaneDocument, LaneDrain, LaneIdentity};
use bulkhead_crds::lane_spec::LaneSpec;
use bulkhead_crds::names::{
    CONTROLLER, GROUP, LABEL_INSTANCE, LABEL_INSTANCE_NAMESPACE, LABEL_INSTANCE_UID, LABEL_LANE, LaneName,
};

/// Name of the lane's class.
pub const CLASS: &str = "harbour";

/// The document of lane `port/harbour/north-south`, with limits that a test can reach and times that it never does.
pub fn document() -> LaneDocument {
    let identity = LaneIdentity {
        namespace: "port".to_owned(),
        instance: "harbour".to_owned(),
        uid: "0b5e6a5e-7d38-4a35-8f0f-3f1f9b8a7c11".to_owned(),
        lane: LaneName::NorthSouth,
    };
    let mut lane = LaneDocument::of(identity, CLASS, &LaneSpec::default());
    lane.config_generation = 1;
    lane.classes.also_serve = ["pier".to_owned()].into();
    lane.limits.request_head_ms = 60_000;
    lane.limits.connections = 10_000;
    lane.drain = LaneDrain { lameduck_ms: 0, timeout_ms: 5_000 };
    lane
}

/// The lane's class, as the operator makes it, for an instance with this UID.
pub fn class(uid: &str) -> String {
    let identity = document().identity;
    let (namespace, instance, lane) = (identity.namespace, identity.instance, identity.lane.slug());
    format!(
        "apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata:
  name: {CLASS}
  labels: {{{LABEL_INSTANCE}: {instance}, {LABEL_INSTANCE_NAMESPACE}: {namespace}, {LABEL_INSTANCE_UID}: {uid}, {LABEL_LANE}: {lane}}}
spec:
  controller: {CONTROLLER}
  parameters: {{apiGroup: {GROUP}, kind: GatewayInstance, name: {instance}, namespace: {namespace}, scope: Namespace}}
"
    )
}

/// One path of an Ingress.
#[derive(Clone, Copy)]
pub struct Path<'a> {
    pub host: &'a str,
    pub path: &'a str,
    pub kind: &'a str,
    pub service: &'a str,
}

/// Every path of a host, by prefix.
pub fn all_of<'a>(host: &'a str, service: &'a str) -> Path<'a> {
    Path { host, path: "/", kind: "Prefix", service }
}

/// An Ingress of the lane's class in namespace `shop`, whose paths lead to port 80 of their Services. An empty host is no host.
pub fn ingress(name: &str, paths: &[Path<'_>]) -> String {
    let rules = paths.iter().fold(String::new(), |mut rules, Path { host, path, kind, service }| {
        let host = if host.is_empty() { String::new() } else { format!("host: '{host}', ") };
        let _ = write!(
            rules,
            "\n  - {{{host}http: {{paths: [{{path: '{path}', pathType: {kind}, backend: {{service: {{name: {service}, port: {{number: 80}}}}}}}}]}}}}"
        );
        rules
    });
    format!(
        "apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}, namespace: shop}}
spec:
  ingressClassName: {CLASS}
  rules:{rules}
"
    )
}

/// A Service in namespace `shop` with port 80, named `http`.
pub fn service(name: &str) -> String {
    format!(
        "apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: shop}}
spec:
  ports: [{{name: http, port: 80, targetPort: 8080}}]
"
    )
}

/// The endpoints of a Service: loopback ports, each with the conditions of its Pod.
pub fn slices(service: &str, endpoints: &[(u16, &str)]) -> String {
    let mut text = String::new();
    for (number, (port, conditions)) in endpoints.iter().enumerate() {
        let _ = write!(
            text,
            "---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {service}-{number}, namespace: shop, labels: {{kubernetes.io/service-name: {service}}}}}
addressType: IPv4
endpoints: [{{addresses: [127.0.0.1], conditions: {{{conditions}}}}}]
ports: [{{name: http, port: {port}, protocol: TCP}}]
"
        );
    }
    text
}

/// A Service and one ready endpoint.
pub fn served(name: &str, port: u16) -> String {
    format!("{}{}", service(name), slices(name, &[(port, "ready: true")]))
}

/// Several manifests as one file.
pub fn file(documents: &[String]) -> String {
    documents.join("---\n")
}
