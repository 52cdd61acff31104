//! The plain install, without any package manager: `kubectl apply -k olm/plain`.

use serde_json::{Value, json};

use super::{GATEWAY_IMAGE, kustomization};
use crate::election;

/// Namespace of the operator.
pub const NAMESPACE: &str = "bulkhead-system";
/// ServiceAccount of the operator, and the name of its other objects.
pub const SERVICE_ACCOUNT: &str = "bulkhead-operator";
/// Image of the operator. Under `localhost/`, where no registry can answer in place of the images that a user built: an overlay says
/// where they really are.
pub const OPERATOR_IMAGE: &str = concat!("localhost/bulkhead-operator:", env!("CARGO_PKG_VERSION"));
/// Port of probes and metrics: as in gateways, above 1023.
const HEALTH_PORT: u16 = 9090;

/// Path of the ClusterRole, whose rules are written from a table of their own.
pub(super) const CLUSTER_ROLE: &str = "olm/plain/cluster-role.yaml";

/// Every file but the ClusterRole.
pub(super) fn objects() -> Vec<(&'static str, Value)> {
    vec![
        ("olm/plain/namespace.yaml", namespace()),
        ("olm/plain/service-account.yaml", service_account()),
        ("olm/plain/cluster-role-binding.yaml", cluster_role_binding()),
        ("olm/plain/role.yaml", role()),
        ("olm/plain/role-binding.yaml", role_binding()),
        ("olm/plain/deployment.yaml", deployment()),
        ("olm/plain/disruption-budget.yaml", disruption_budget()),
        ("olm/plain/service.yaml", service()),
        ("olm/plain/network-policy.yaml", network_policy()),
        (
            "olm/plain/kustomization.yaml",
            kustomization(&[
                "../../crds",
                "namespace.yaml",
                "service-account.yaml",
                "cluster-role.yaml",
                "cluster-role-binding.yaml",
                "role.yaml",
                "role-binding.yaml",
                "deployment.yaml",
                "disruption-budget.yaml",
                "service.yaml",
                "network-policy.yaml",
            ]),
        ),
    ]
}

pub(super) fn labels() -> Value {
    json!({ "app.kubernetes.io/name": SERVICE_ACCOUNT, "app.kubernetes.io/part-of": "bulkhead" })
}

fn metadata() -> Value {
    json!({ "name": SERVICE_ACCOUNT, "namespace": NAMESPACE, "labels": labels() })
}

fn namespace() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": NAMESPACE,
            "labels": {
                "app.kubernetes.io/part-of": "bulkhead",
                "pod-security.kubernetes.io/enforce": "restricted",
                "pod-security.kubernetes.io/warn": "restricted",
            },
        },
    })
}

fn service_account() -> Value {
    json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata() })
}

/// The ClusterRole without its rules.
pub(super) fn cluster_role() -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": { "name": SERVICE_ACCOUNT, "labels": labels() },
    })
}

fn cluster_role_binding() -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": { "name": SERVICE_ACCOUNT, "labels": labels() },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": SERVICE_ACCOUNT },
        "subjects": [{ "kind": "ServiceAccount", "name": SERVICE_ACCOUNT, "namespace": NAMESPACE }],
    })
}

/// What the operator may in its own namespace only: elect which of its replicas acts. The Lease is written over the version that was read,
/// never patched.
fn role() -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": metadata(),
        "rules": [
            { "apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"] },
            { "apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": [election::NAME], "verbs": ["get", "update"] },
        ],
    })
}

fn role_binding() -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": metadata(),
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": SERVICE_ACCOUNT },
        "subjects": [{ "kind": "ServiceAccount", "name": SERVICE_ACCOUNT, "namespace": NAMESPACE }],
    })
}

/// A drain of nodes leaves one replica running.
fn disruption_budget() -> Value {
    json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(),
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": { "matchLabels": { "app.kubernetes.io/name": SERVICE_ACCOUNT } },
        },
    })
}

/// Two replicas, on two nodes where there are two: one acts, the other has seen all of the cluster already and takes over when the first
/// is silent.
fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(),
        "spec": {
            "replicas": 2,
            "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 1, "maxSurge": 0 } },
            "selector": { "matchLabels": { "app.kubernetes.io/name": SERVICE_ACCOUNT } },
            "template": {
                "metadata": { "labels": labels() },
                "spec": {
                    "serviceAccountName": SERVICE_ACCOUNT,
                    "terminationGracePeriodSeconds": 30,
                    "topologySpreadConstraints": [{
                        "maxSkew": 1,
                        "topologyKey": "kubernetes.io/hostname",
                        "whenUnsatisfiable": "ScheduleAnyway",
                        "labelSelector": { "matchLabels": { "app.kubernetes.io/name": SERVICE_ACCOUNT } },
                    }],
                    "securityContext": { "runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": { "type": "RuntimeDefault" } },
                    "containers": [container()],
                },
            },
        },
    })
}

fn container() -> Value {
    let probe = |path: &str| json!({ "httpGet": { "path": path, "port": "health" }, "timeoutSeconds": 2 });
    json!({
        "name": "operator",
        "image": OPERATOR_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bulkhead-operator", "run"],
        "args": [format!("--health=[::]:{HEALTH_PORT}")],
        "env": [
            { "name": "RELATED_IMAGE_GATEWAY", "value": GATEWAY_IMAGE },
            { "name": "POD_NAME", "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } } },
            { "name": "POD_NAMESPACE", "valueFrom": { "fieldRef": { "fieldPath": "metadata.namespace" } } },
        ],
        "ports": [{ "name": "health", "containerPort": HEALTH_PORT }],
        "livenessProbe": probe("/livez"),
        "readinessProbe": probe("/readyz"),
        "resources": { "requests": { "cpu": "50m", "memory": "64Mi" }, "limits": { "memory": "256Mi" } },
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": { "drop": ["ALL"] },
            "readOnlyRootFilesystem": true,
        },
    })
}

/// For what scrapes metrics; nothing of the cluster calls the operator.
fn service() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(),
        "spec": {
            "selector": { "app.kubernetes.io/name": SERVICE_ACCOUNT },
            "ports": [{ "name": "metrics", "port": HEALTH_PORT, "targetPort": "health" }],
        },
    })
}

/// In: probes and metrics, from the operator's own namespace; kubelets reach the pods of their node whatever a policy says. Policies add up,
/// so a monitoring system elsewhere is let in by one more that selects the same pods. Out: anything, for the API server and the pods of
/// lanes may be anywhere.
fn network_policy() -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(),
        "spec": {
            "podSelector": { "matchLabels": { "app.kubernetes.io/name": SERVICE_ACCOUNT } },
            "policyTypes": ["Ingress"],
            "ingress": [{ "from": [{ "podSelector": {} }], "ports": [{ "port": HEALTH_PORT, "protocol": "TCP" }] }],
        },
    })
}
