//! What a lane's pods are told, and may be told anew while they run.

use bulkhead_crds::lane::{LaneDocument, LaneIdentity, LanePorts, LaneScope};
use bulkhead_crds::names::LANE_DOCUMENT_KEY;
use bulkhead_crds::service::ServiceSpec;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};

use crate::lane::context::LaneContext;
use crate::{metadata, names};

/// The lane document, all defaults resolved.
pub(super) fn build(lane: &LaneContext<'_>, keyring: &[Secret]) -> LaneDocument {
    let LaneContext { instance, spec, .. } = lane;
    let identity = LaneIdentity {
        namespace: instance.namespace().to_owned(),
        instance: instance.name().to_owned(),
        uid: instance.uid().to_owned(),
        lane: lane.name,
    };
    LaneDocument {
        config_generation: instance.generation(),
        scope: LaneScope { namespaces: lane.namespaces(), host_ownership: instance.spec().scope.host_ownership },
        profile: instance.spec().profile,
        service_ports: ports(&spec.service),
        keyring: keyring.iter().filter_map(|secret| secret.metadata.name.clone()).collect(),
        ..LaneDocument::of(identity, &instance.class_name(lane.name), spec)
    }
    .stamped()
}

/// `None` for numbers that are no ports, which an API server does not take.
fn ports(service: &ServiceSpec) -> Option<LanePorts> {
    Some(LanePorts { http: service.http_port.try_into().ok()?, https: service.https_port.try_into().ok()? })
}

/// The document in the ConfigMap that gateways watch, one field a line.
pub(super) fn config_map(lane: &LaneContext<'_>, document: &LaneDocument) -> ConfigMap {
    // A document is plain data, which cannot fail to be written. Were it otherwise, gateways would refuse the empty text and
    // keep their last good document.
    let text = serde_json::to_string_pretty(document).unwrap_or_default();
    ConfigMap {
        metadata: metadata::owned(lane, names::lane_document(lane.instance.name(), lane.name)),
        data: Some([(LANE_DOCUMENT_KEY.to_owned(), text)].into()),
        ..ConfigMap::default()
    }
}
