//! The gateway's container.

use std::collections::BTreeMap;

use bulkhead_crds::names::{ADMIN_PORT, ADMIN_PORT_NAME, HTTP_PORT, HTTP_PORT_NAME, HTTPS_PORT, HTTPS_PORT_NAME};
use k8s_openapi::api::core::v1::{
    Capabilities, Container, ContainerPort, EnvVar, EnvVarSource, HTTPGetAction, ObjectFieldSelector, Probe,
    ResourceRequirements, SecurityContext,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::lane::context::LaneContext;
use crate::names;

/// The one container. It has no preStop hook: the gateway itself keeps accepting for a while after the signal to stop.
pub(super) fn gateway(lane: &LaneContext<'_>) -> Container {
    let instance = lane.instance;
    let document = names::lane_document(instance.name(), lane.name);
    Container {
        name: "gateway".to_owned(),
        image: Some(image(lane)),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        command: Some(vec!["/bulkhead-gateway".to_owned()]),
        args: Some(vec!["run".to_owned()]),
        env: Some(vec![
            env("BULKHEAD_LANE", format!("configmap:{}/{document}", instance.namespace())),
            env("BULKHEAD_SOURCE", "kubernetes".to_owned()),
            // Not to be sent to itself by endpoints that others write.
            env_of_field("BULKHEAD_POD_IPS", "status.podIPs".to_owned()),
            // Empty where Kubernetes does not label pods with their zone, which it does from version 1.35 on.
            env_of_field("BULKHEAD_ZONE", "metadata.labels['topology.kubernetes.io/zone']".to_owned()),
            // Buffers that a flood made go back to the node when it is over. By default the allocator of glibc keeps them for itself,
            // and the memory looks full for ever (mallopt(3), M_MMAP_THRESHOLD).
            env("MALLOC_MMAP_THRESHOLD_", "32768".to_owned()),
        ]),
        ports: Some(vec![
            port(HTTP_PORT_NAME, HTTP_PORT),
            port(HTTPS_PORT_NAME, HTTPS_PORT),
            port(ADMIN_PORT_NAME, ADMIN_PORT),
        ]),
        resources: Some(lane.spec.resources.clone().unwrap_or_else(default_resources)),
        // A minute to start. It does not wait for the API server: a lane must come up, not ready, while that is away.
        startup_probe: Some(Probe { period_seconds: Some(1), failure_threshold: Some(60), ..probe("/livez") }),
        // A minute without an answer. A process that is merely flooded must not be killed on top.
        liveness_probe: Some(Probe { period_seconds: Some(10), failure_threshold: Some(6), ..probe("/livez") }),
        readiness_probe: Some(Probe { period_seconds: Some(3), failure_threshold: Some(2), ..probe("/readyz") }),
        security_context: Some(security_context()),
        ..Container::default()
    }
}

/// What the instance pins; else what the lane keeps until its turn; else what the installation offers.
fn image(lane: &LaneContext<'_>) -> String {
    let pinned = &lane.instance.spec().image;
    if pinned.is_empty() {
        lane.gathered.images.get(&lane.name).unwrap_or(&lane.site.image).clone()
    } else {
        pinned.clone()
    }
}

/// Resources when the user gives none; what the user gives replaces them as a whole.
///
/// A gateway idles on far less. There is no limit on CPU, because throttling shows as latency; the one on memory keeps a flood from taking
/// the node along, and is what the limit on connections is derived from.
fn default_resources() -> ResourceRequirements {
    let quantities = |pairs: &[(&str, &str)]| -> BTreeMap<String, Quantity> {
        pairs.iter().map(|(name, quantity)| ((*name).to_owned(), Quantity((*quantity).to_owned()))).collect()
    };
    ResourceRequirements {
        requests: Some(quantities(&[("cpu", "100m"), ("memory", "128Mi")])),
        limits: Some(quantities(&[("memory", "512Mi")])),
        claims: None,
    }
}

/// What the restricted Pod Security Standard asks of a container, and a root file system that nothing can be left on.
fn security_context() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None }),
        read_only_root_filesystem: Some(true),
        ..SecurityContext::default()
    }
}

fn probe(path: &str) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String(ADMIN_PORT_NAME.to_owned()),
            ..HTTPGetAction::default()
        }),
        // A busy node answers late; one second, the default of Kubernetes, has taken healthy pods out of service.
        timeout_seconds: Some(3),
        ..Probe::default()
    }
}

fn env(name: &str, value: String) -> EnvVar {
    EnvVar { name: name.to_owned(), value: Some(value), value_from: None }
}

/// What a field of the pod itself says.
fn env_of_field(name: &str, field_path: String) -> EnvVar {
    let field = ObjectFieldSelector { api_version: Some("v1".to_owned()), field_path };
    let source = EnvVarSource { field_ref: Some(field), ..EnvVarSource::default() };
    EnvVar { name: name.to_owned(), value: None, value_from: Some(source) }
}

fn port(name: &str, number: u16) -> ContainerPort {
    ContainerPort {
        name: Some(name.to_owned()),
        container_port: i32::from(number),
        protocol: Some("TCP".to_owned()),
        ..ContainerPort::default()
    }
}
