//! The plain install with the admission webhook switched on: `kubectl apply -k olm/webhook`.

use serde_json::{Value, json};

use super::plain::{NAMESPACE, SERVICE_ACCOUNT, labels};

/// Name of the webhook's Service.
pub const SERVICE: &str = "bulkhead-webhook";
/// Where the webhook listens unless told otherwise.
pub const LISTEN: &str = "[::]:9443";
/// Its port: as all of ours, above 1023.
const PORT: u16 = 9443;

/// Every file.
pub(super) fn objects() -> Vec<(&'static str, Value)> {
    vec![
        ("olm/webhook/kustomization.yaml", kustomization()),
        ("olm/webhook/service.yaml", service()),
        ("olm/webhook/network-policy.yaml", network_policy()),
    ]
}

/// One argument and one port more.
fn kustomization() -> Value {
    let container = "/spec/template/spec/containers/0";
    let patch = format!(
        "- {{op: add, path: {container}/args/-, value: --webhook}}\n\
         - {{op: add, path: {container}/ports/-, value: {{name: webhook, containerPort: {PORT}}}}}\n"
    );
    json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": ["../plain", "service.yaml", "network-policy.yaml"],
        "patches": [{ "target": { "kind": "Deployment", "name": SERVICE_ACCOUNT }, "patch": patch }],
    })
}

fn metadata() -> Value {
    json!({ "name": SERVICE, "namespace": NAMESPACE, "labels": labels() })
}

fn service() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(),
        "spec": {
            "selector": { "app.kubernetes.io/name": SERVICE_ACCOUNT },
            "ports": [{ "name": "webhook", "port": crate::webhook::configuration::SERVICE_PORT, "targetPort": "webhook" }],
        },
    })
}

/// In: reviews, from anywhere, for no policy can name an API server. What else may come in is in the policy of the plain install.
fn network_policy() -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(),
        "spec": {
            "podSelector": { "matchLabels": { "app.kubernetes.io/name": SERVICE_ACCOUNT } },
            "policyTypes": ["Ingress"],
            "ingress": [{ "ports": [{ "port": PORT, "protocol": "TCP" }] }],
        },
    })
}
