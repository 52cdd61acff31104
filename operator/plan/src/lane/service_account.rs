//! The identity of a lane's pods.

use k8s_openapi::api::core::v1::ServiceAccount;

use crate::lane::context::LaneContext;
use crate::metadata;

/// A ServiceAccount of the lane's own. Its token is mounted only where a pod asks for it, as the gateways do.
pub(super) fn build(lane: &LaneContext<'_>) -> ServiceAccount {
    ServiceAccount {
        metadata: metadata::owned(lane, lane.object_name()),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}
