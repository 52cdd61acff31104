//! What a lane's pods are told, and may be told anew while they run.

use bulkhead_crds::lane::{LANE_DOCUMENT_VERSION, LaneClasses, LaneDocument, LaneIdentity, LaneScope};
use bulkhead_crds::names::LANE_DOCUMENT_KEY;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};

use crate::lane::context::LaneContext;
use crate::{metadata, names};

/// The lane document, all defaults resolved.
pub(super) fn build(lane: &LaneContext<'_>, keyring: &[Secret]) -> LaneDocument {
    let LaneContext { instance, spec, .. } = lane;
    LaneDocument {
        version: LANE_DOCUMENT_VERSION.to_owned(),
        identity: LaneIdentity {
            namespace: instance.namespace().to_owned(),
            instance: instance.name().to_owned(),
            uid: instance.uid().to_owned(),
            lane: lane.name,
        },
        config_generation: instance.generation(),
        classes: LaneClasses {
            own: instance.class_name(lane.name),
            also_serve: spec.ingress_class.also_serve.iter().cloned().collect(),
        },
        scope: LaneScope { namespaces: lane.namespaces(), host_ownership: instance.spec().scope.host_ownership },
        profile: instance.spec().profile,
        client_address: spec.client_address.resolve(),
        tls: spec.tls.resolve(),
        limits: spec.limits.resolve(),
        upstream: spec.upstream.resolve(),
        drain: spec.drain.resolve(),
        keyring: keyring.iter().filter_map(|secret| secret.metadata.name.clone()).collect(),
    }
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
