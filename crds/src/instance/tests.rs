//! What decodes, what does not, and what the defaults are.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::*;
use crate::client_address::ForwardedFor;
use crate::lane::{LaneDrain, LaneHttp2Limits, LaneLimits, LaneUpstream};
use crate::not_obeyed::fields_not_obeyed;
use crate::scope::NamespaceSource;
use crate::service::ServiceType;
use crate::upstream::LoadBalance;

fn decode(yaml: &str) -> Result<GatewayInstanceSpec, String> {
    serde_saphyr::from_str(yaml).map_err(|error| error.to_string())
}

#[test]
fn an_empty_spec_is_complete() {
    let spec = decode("{}").unwrap();
    assert_eq!(spec, GatewayInstanceSpec::default());
    assert_eq!(spec.management_state, ManagementState::Managed);
    assert_eq!(spec.scope.namespaces.from, NamespaceSource::All);
    assert_eq!((spec.rollout.wave, spec.rollout.progress_deadline_seconds, spec.rollout.auto_rollback), (0, 600, true));
    assert_eq!(spec.enabled_lanes().count(), 2);
    assert_eq!(spec.lane(LaneName::NorthSouth).service_type(LaneName::NorthSouth), ServiceType::LoadBalancer);
    assert_eq!(spec.lane(LaneName::EastWest).service_type(LaneName::EastWest), ServiceType::ClusterIp);
    for (name, lane) in spec.enabled_lanes() {
        assert_eq!(lane.class_name("shop", name), format!("shop-{}", name.slug()));
        assert_eq!(lane.fixed_replicas(), Some(2));
        assert_eq!((lane.service.http_port, lane.service.https_port), (80, 443));
        assert_eq!(lane.min_ready_seconds, 10);
        assert!(!lane.ingress_class.is_default);
        assert!(lane.tls.session_tickets);
        assert_eq!(lane.drain.termination_grace_period_seconds(), 80);
        assert!(lane.sysctls.entries().is_empty());
    }
    assert_eq!(fields_not_obeyed(&spec), Vec::<&str>::new());
}

#[test]
fn a_field_that_is_set_leaves_the_defaults_of_its_neighbours() {
    let spec =
        decode("northSouth: {replicas: 3, drain: {timeoutSeconds: 300}, limits: {requestContentBytes: 8Mi}}").unwrap();
    assert_eq!(spec.north_south.fixed_replicas(), Some(3));
    assert_eq!(spec.north_south.drain.resolve(), LaneDrain { lameduck_ms: 15_000, timeout_ms: 300_000 });
    assert_eq!(spec.north_south.limits.resolve().request_content_bytes, 8 << 20);
    assert_eq!(spec.north_south.limits.resolve().request_head_bytes, 32 << 10);
    assert_eq!(spec.east_west, LaneSpec::default());
}

#[test]
fn the_default_limits_are_those_of_the_book() {
    let lane = LaneSpec::default();
    assert_eq!(
        lane.limits.resolve(),
        LaneLimits {
            request_head_bytes: 32 << 10,
            request_target_bytes: 8 << 10,
            request_fields: 100,
            request_content_bytes: 1 << 20,
            first_byte_ms: 10_000,
            request_head_ms: 10_000,
            request_content_idle_ms: 60_000,
            request_content_rate: 240,
            response_stall_ms: 60_000,
            keep_alive_idle_ms: 75_000,
            keep_alive_requests: 10_000,
            keep_alive_age_ms: 3_600_000,
            connections: 0,
            tls_handshake_ms: 10_000,
            http2: LaneHttp2Limits {
                concurrent_streams: 100,
                header_list_bytes: 16 << 10,
                stream_window_bytes: 64 << 10,
                connection_window_bytes: 1 << 20,
            },
        }
    );
    assert_eq!(
        lane.upstream.resolve(),
        LaneUpstream {
            connect_ms: 2000,
            read_ms: 60_000,
            send_ms: 60_000,
            max_idle_per_endpoint: 256,
            keep_alive_ms: 60_000,
            tries: 2,
            load_balance: LoadBalance::RoundRobin,
            external_names: false,
        }
    );
}

#[test]
fn a_full_lane_survives_a_round_trip() {
    let yaml = r#"
managementState: Paused
image: registry.example/gateway@sha256:0000000000000000000000000000000000000000000000000000000000000000
imagePullSecrets: [{name: pull}]
scope:
  namespaces: {from: Selector, selector: {matchLabels: {team: shop}}}
northSouth:
  ingressClass: {name: shop, default: true, alsoServe: [nginx]}
  autoscaling: {maxReplicas: 10, targetCPUUtilizationPercentage: 60, behavior: {scaleDown: {stabilizationWindowSeconds: 600}}}
  resources: {requests: {cpu: 500m, memory: 256Mi}, limits: {memory: 512Mi}}
  placement:
    nodeSelector: {pool: edge}
    tolerations: [{key: edge, operator: Exists, effect: NoSchedule}]
    affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: arch, operator: In, values: [amd64]}]}]}}}
    topologySpread: Required
    priorityClassName: system-cluster-critical
  podMetadata: {labels: {cost: shop}, annotations: {example.com/scrape: "true"}}
  service: {type: NodePort, externalTrafficPolicy: Local, httpPort: 8080, httpNodePort: 30080, trafficDistribution: PreferClose, ipFamilyPolicy: PreferDualStack}
  disruption: {maxUnavailable: 25%}
  networkPolicy: {from: [{ipBlock: {cidr: 10.0.0.0/8}}]}
  sysctls: {localPortRange: "1024 65535", tcpFinTimeout: 15}
  clientAddress: {trustedCIDRs: [10.0.0.0/8], forwardedFor: Append}
  tls: {minVersion: "1.3", defaultCertificate: {name: wildcard}, rejectUnknownSNI: true}
  accessLog: {format: IngressNginx, skipPaths: [/healthz]}
  tracing: {endpoint: "http://collector:4318", sampleRatio: "0.25"}
  metrics: {perHost: true}
eastWest: {enabled: false}
"#;
    let spec = decode(yaml).unwrap();
    let lane = &spec.north_south;
    assert_eq!(lane.class_name("any", LaneName::NorthSouth), "shop");
    assert_eq!((lane.fixed_replicas(), lane.least_replicas()), (None, 2));
    assert_eq!(lane.disruption.max_unavailable, Some(IntOrString::String("25%".to_owned())));
    assert_eq!(lane.client_address.forwarded_for, ForwardedFor::Append);
    assert_eq!(lane.tracing.sample_ratio.parts_per_million(), 250_000);
    assert_eq!(
        lane.sysctls.entries(),
        [("net.ipv4.ip_local_port_range", "1024 65535".to_owned()), ("net.ipv4.tcp_fin_timeout", "15".to_owned())]
    );
    assert_eq!(spec.enabled_lanes().map(|(name, _)| name).collect::<Vec<_>>(), [LaneName::NorthSouth]);

    let json = serde_json::to_value(&spec).unwrap();
    assert_eq!(serde_json::from_value::<GatewayInstanceSpec>(json).unwrap(), spec);
}

#[test]
fn values_that_mean_nothing_are_refused() {
    for (yaml, word) in [
        ("managementState: Stopped", "Stopped"),
        ("scope: {namespaces: {from: Some}}", "Some"),
        ("northSouth: {service: {type: ExternalName}}", "ExternalName"),
        ("northSouth: {tls: {minVersion: \"1.1\"}}", "1.1"),
        ("northSouth: {limits: {requestHeadTimeout: 10}}", "10"),
        ("northSouth: {limits: {requestHeadTimeout: 10 seconds}}", "10 seconds"),
        ("northSouth: {limits: {requestHeadBytes: 32k}}", "32k"),
        ("northSouth: {autoscaling: {minReplicas: 2}}", "maxReplicas"),
        ("northSouth: {tracing: {sampleRatio: \"1.5\"}}", "1.5"),
        ("northSouth: {replicas: two}", "two"),
    ] {
        let error = decode(yaml).unwrap_err();
        assert!(error.contains(word), "{yaml}: {error}");
    }
}

#[test]
fn a_field_that_is_set_but_not_obeyed_is_named_in_its_lane() {
    let spec = decode(
        "deletionProtection: true\nnorthSouth: {tracing: {sampleRatio: \"0.5\"}}\neastWest: {limits: {http2: {concurrentStreams: 10}}, metrics: {perHost: true}}",
    )
    .unwrap();
    assert_eq!(fields_not_obeyed(&spec), ["spec.eastWest.metrics.perHost"]);
}

#[test]
fn a_lane_that_is_off_has_no_fields_to_obey() {
    let spec = decode("eastWest: {enabled: false, metrics: {perHost: true}}").unwrap();
    assert_eq!(fields_not_obeyed(&spec), Vec::<&str>::new());
}

#[test]
fn out_of_range_numbers_never_wrap_in_the_lane_document() {
    let spec = decode("northSouth: {limits: {requestFields: -1, connections: -5, requestHeadBytes: 9999Gi}, upstream: {tries: -1}, drain: {timeoutSeconds: -1}}").unwrap();
    let limits = spec.north_south.limits.resolve();
    assert_eq!((limits.request_fields, limits.connections, limits.request_head_bytes), (0, 0, u32::MAX));
    assert_eq!(spec.north_south.upstream.resolve().tries, 1);
    assert_eq!(spec.north_south.drain.resolve().timeout_ms, 0);
}
