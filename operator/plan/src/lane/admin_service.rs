//! Where the operator and monitoring find the admin port of every pod.

use bulkhead_crds::names::{ADMIN_PORT, ADMIN_PORT_NAME};
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::lane::context::LaneContext;
use crate::{labels, metadata, names};

/// A headless Service, so that each pod can be asked for itself, also those that are not ready: they know why.
pub(super) fn build(lane: &LaneContext<'_>) -> Service {
    Service {
        metadata: metadata::owned(lane, names::admin_service(lane.instance.name(), lane.name)),
        spec: Some(ServiceSpec {
            cluster_ip: Some("None".to_owned()),
            ports: Some(vec![ServicePort {
                name: Some(ADMIN_PORT_NAME.to_owned()),
                port: i32::from(ADMIN_PORT),
                protocol: Some("TCP".to_owned()),
                target_port: Some(IntOrString::String(ADMIN_PORT_NAME.to_owned())),
                ..ServicePort::default()
            }]),
            publish_not_ready_addresses: Some(true),
            selector: Some(labels::pod_labels(lane.instance, lane.name)),
            type_: Some("ClusterIP".to_owned()),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}
