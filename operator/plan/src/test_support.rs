//! Fixtures: minimal manifests, with names unlike the product's.

use bulkhead_crds::instance::GatewayInstance;
use bulkhead_crds::names::LaneName;

use crate::{Gathered, LaneObjects, Plan, Platform, Site, ValidInstance, plan, validate};

/// A whole specification as `spec`, in flow or block style.
pub(crate) fn instance(spec: &str) -> GatewayInstance {
    let metadata = "metadata: {name: quay, namespace: docks, uid: 0b5e-quay, generation: 7, creationTimestamp: '2026-03-01T00:00:00Z'}";
    manifest(&format!("{metadata}\nspec: {spec}"))
}

/// An instance of this namespace and name, with all defaults and no timestamp.
pub(crate) fn named(namespace: &str, name: &str) -> GatewayInstance {
    manifest(&format!("metadata: {{name: '{name}', namespace: '{namespace}'}}\nspec: {{}}"))
}

fn manifest(rest: &str) -> GatewayInstance {
    serde_saphyr::from_str(&format!("apiVersion: bulkhead.io/v1alpha1\nkind: GatewayInstance\n{rest}")).unwrap()
}

/// Everything about one lane set away from its defaults.
pub(crate) const RICH: &str = "
  image: registry.test/tug:7
  imagePullSecrets: [{name: pull}]
  profile: IngressNginx
  scope:
    namespaces: {from: Names, names: [pier, docks, berth]}
    hostOwnership: Namespace
  rollout: {progressDeadlineSeconds: 300}
  northSouth:
    ingressClass: {name: sea, default: true, alsoServe: [nginx, kong]}
    autoscaling: {minReplicas: 6, maxReplicas: 20, targetCPUUtilizationPercentage: 60, behavior: {scaleDown: {stabilizationWindowSeconds: 120}}}
    resources: {requests: {cpu: '2', memory: 1Gi}, limits: {memory: 2Gi}}
    placement:
      nodeSelector: {pool: edge}
      tolerations: [{key: edge, operator: Exists}]
      affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: arch, operator: In, values: [amd64]}]}]}}}
      topologySpread: Required
      priorityClassName: edge-critical
    podMetadata: {labels: {team: harbour}, annotations: {mesh: 'off'}}
    service:
      type: LoadBalancer
      annotations: {cloud/scheme: internal}
      loadBalancerClass: cloud/nlb
      loadBalancerSourceRanges: [10.0.0.0/8]
      externalTrafficPolicy: Local
      internalTrafficPolicy: Cluster
      trafficDistribution: PreferClose
      ipFamilyPolicy: PreferDualStack
      httpPort: 8000
      httpNodePort: 30080
    disruption: {maxUnavailable: 2}
    drain: {lameduckSeconds: 20, timeoutSeconds: 300}
    minReadySeconds: 30
    networkPolicy: {from: [{ipBlock: {cidr: 10.0.0.0/8}}]}
    sysctls: {localPortRange: '1024 65535', tcpFinTimeout: 20}
    clientAddress: {trustedCIDRs: [10.0.0.0/8], forwardedFor: Append}
    limits: {requestContentBytes: 8Mi}
    upstream: {tries: 3}
  eastWest: {enabled: false}
";

/// An installation.
pub(crate) fn site() -> Site {
    Site {
        operator_namespace: "harbourmaster".to_owned(),
        image: "registry.test/tug:1".to_owned(),
        version: "1.0.0".to_owned(),
        platform: Platform::Kubernetes,
    }
}

/// The accepted form of an instance.
pub(crate) fn valid(spec: &str) -> ValidInstance {
    validate(&instance(spec), &Gathered::default()).unwrap()
}

/// The plan of an instance in an empty cluster.
pub(crate) fn planned(spec: &str) -> Plan {
    plan(&valid(spec), &site(), &Gathered::default())
}

/// One lane of that plan.
pub(crate) fn lane(spec: &str, name: LaneName) -> LaneObjects {
    planned(spec).lanes.into_iter().find(|lane| lane.lane == name).unwrap()
}

/// The north-south lane of a plan.
pub(crate) fn north_south(spec: &str) -> LaneObjects {
    lane(spec, LaneName::NorthSouth)
}

/// The east-west lane of a plan.
pub(crate) fn east_west(spec: &str) -> LaneObjects {
    lane(spec, LaneName::EastWest)
}
