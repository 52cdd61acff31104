//! Fixtures for the tests of this crate.

use bulkhead_crds::lane::{LaneDocument, LaneDrain, LaneIdentity};
use bulkhead_crds::lane_spec::LaneSpec;
use bulkhead_crds::names::LaneName;

/// A lane document with documented defaults, for class `harbour`.
pub(crate) fn lane_document() -> LaneDocument {
    let identity = LaneIdentity {
        namespace: "port".to_owned(),
        instance: "harbour".to_owned(),
        uid: "0b5e6a5e-7d38-4a35-8f0f-3f1f9b8a7c11".to_owned(),
        lane: LaneName::NorthSouth,
    };
    let mut lane = LaneDocument::of(identity, "harbour", &LaneSpec::default());
    lane.config_generation = 3;
    lane.classes.also_serve = ["pier".to_owned()].into();
    lane.drain = LaneDrain { lameduck_ms: 50, timeout_ms: 1_000 };
    lane
}

/// Manifests of class `harbour` as [`lane_document`] wants it, with one Ingress for host `crane.example` whose Service has one
/// endpoint at 127.0.0.1, port `port`.
pub(crate) fn manifests(port: u16) -> String {
    use bulkhead_crds::names::{
        CONTROLLER, GROUP, LABEL_INSTANCE, LABEL_INSTANCE_NAMESPACE, LABEL_INSTANCE_UID, LABEL_LANE,
    };
    let identity = lane_document().identity;
    let (namespace, instance, uid, lane) = (identity.namespace, identity.instance, identity.uid, identity.lane.slug());
    format!(
        r#"
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata:
  name: harbour
  labels: {{{LABEL_INSTANCE}: {instance}, {LABEL_INSTANCE_NAMESPACE}: {namespace}, {LABEL_INSTANCE_UID}: {uid}, {LABEL_LANE}: {lane}}}
spec:
  controller: {CONTROLLER}
  parameters: {{apiGroup: {GROUP}, kind: GatewayInstance, name: {instance}, namespace: {namespace}, scope: Namespace}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: crane, namespace: quay}}
spec:
  ingressClassName: harbour
  rules:
  - host: crane.example
    http:
      paths:
      - {{path: /, pathType: Prefix, backend: {{service: {{name: crane, port: {{number: 80}}}}}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: crane, namespace: quay}}
spec:
  ports: [{{name: http, port: 80, targetPort: {port}}}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: crane-1, namespace: quay, labels: {{kubernetes.io/service-name: crane}}}}
addressType: IPv4
endpoints: [{{addresses: [127.0.0.1], conditions: {{ready: true}}}}]
ports: [{{name: http, port: {port}, protocol: TCP}}]
"#
    )
}
