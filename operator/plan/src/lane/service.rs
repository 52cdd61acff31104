//! Where clients reach a lane.

use bulkhead_crds::names::{HTTP_PORT_NAME, HTTPS_PORT_NAME};
use bulkhead_crds::service::{IpFamilyPolicy, ServiceType, TrafficDistribution, TrafficPolicy};
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::lane::context::LaneContext;
use crate::{labels, metadata};

/// The Service as the user described it; none for type None. It has a port for plain HTTP and one for TLS.
///
/// Fields that only some types know are written for those types only, because the API server refuses them elsewhere.
pub(super) fn build(lane: &LaneContext<'_>) -> Option<Service> {
    let wanted = &lane.spec.service;
    let service_type = lane.spec.service_type(lane.name);
    let balanced = service_type == ServiceType::LoadBalancer;
    let on_nodes = balanced || service_type == ServiceType::NodePort;
    Some(Service {
        metadata: ObjectMeta {
            annotations: labels::added_annotations(&wanted.annotations),
            ..metadata::owned(lane, lane.object_name())
        },
        spec: Some(ServiceSpec {
            type_: Some(service_type.service_type()?.to_owned()),
            selector: Some(labels::pod_labels(lane.instance, lane.name)),
            ports: Some(vec![
                port(HTTP_PORT_NAME, wanted.http_port, wanted.http_node_port.filter(|_| on_nodes)),
                port(HTTPS_PORT_NAME, wanted.https_port, wanted.https_node_port.filter(|_| on_nodes)),
            ]),
            load_balancer_class: wanted.load_balancer_class.clone().filter(|_| balanced),
            load_balancer_source_ranges: Some(wanted.load_balancer_source_ranges.clone())
                .filter(|ranges| balanced && !ranges.is_empty()),
            external_traffic_policy: wanted.external_traffic_policy.filter(|_| on_nodes).map(traffic_policy),
            internal_traffic_policy: wanted.internal_traffic_policy.map(traffic_policy),
            traffic_distribution: wanted.traffic_distribution.map(TrafficDistribution::as_str).map(str::to_owned),
            ip_family_policy: wanted.ip_family_policy.map(IpFamilyPolicy::as_str).map(str::to_owned),
            ..ServiceSpec::default()
        }),
        status: None,
    })
}

/// A port that leads to the container port of the same name.
fn port(name: &str, number: i32, node_port: Option<i32>) -> ServicePort {
    ServicePort {
        name: Some(name.to_owned()),
        port: number,
        protocol: Some("TCP".to_owned()),
        target_port: Some(IntOrString::String(name.to_owned())),
        node_port,
        // No appProtocol: some clouds turn it into a health check of `/`, which an ingress answers 404.
        app_protocol: None,
    }
}

fn traffic_policy(policy: TrafficPolicy) -> String {
    policy.as_str().to_owned()
}
