//! Fixtures for the tests of this crate.

use bulkhead_crds::lane::{
    HostOwnership, LANE_DOCUMENT_VERSION, LaneClasses, LaneClientAddress, LaneDocument, LaneDrain, LaneIdentity,
    LaneLimits, LaneScope, LaneTls, LaneUpstream, NamespaceSet, Profile,
};
use bulkhead_crds::names::LaneName;

/// A lane document with documented defaults, for class `harbour`.
pub(crate) fn lane_document() -> LaneDocument {
    LaneDocument {
        version: LANE_DOCUMENT_VERSION.to_owned(),
        identity: LaneIdentity {
            namespace: "port".to_owned(),
            instance: "harbour".to_owned(),
            uid: "0b5e6a5e-7d38-4a35-8f0f-3f1f9b8a7c11".to_owned(),
            lane: LaneName::NorthSouth,
        },
        config_generation: 3,
        classes: LaneClasses { own: "harbour".to_owned(), also_serve: ["pier".to_owned()].into() },
        scope: LaneScope { namespaces: NamespaceSet::All, host_ownership: HostOwnership::Shared },
        profile: Profile::Standard,
        client_address: LaneClientAddress {
            proxy_protocol: false,
            trusted_cidrs: Vec::new(),
            append_forwarded_for: false,
        },
        tls: LaneTls::default(),
        limits: LaneLimits {
            request_head_bytes: 32 << 10,
            request_target_bytes: 8 << 10,
            request_fields: 100,
            request_content_bytes: 1 << 20,
            request_head_ms: 10_000,
            request_content_idle_ms: 60_000,
            response_stall_ms: 60_000,
            keep_alive_idle_ms: 75_000,
            keep_alive_requests: 10_000,
            keep_alive_age_ms: 3_600_000,
            connections: 1_000,
            tls_handshake_ms: 10_000,
        },
        upstream: LaneUpstream {
            connect_ms: 2_000,
            read_ms: 60_000,
            send_ms: 60_000,
            max_idle_per_endpoint: 16,
            keep_alive_ms: 60_000,
            tries: 2,
        },
        drain: LaneDrain { lameduck_ms: 50, timeout_ms: 1_000 },
        keyring: Vec::new(),
    }
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
