//! How a lane's pods are spread over zones and nodes.

use bulkhead_crds::placement::TopologySpread;
use k8s_openapi::api::core::v1::TopologySpreadConstraint;

use crate::labels;
use crate::lane::context::LaneContext;

/// The label that tells revisions of a Deployment apart (Kubernetes, Deployment controller).
const REVISION: &str = "pod-template-hash";

/// Evenly over zones, then over nodes. Only pods of one revision are counted, else those about to go would push new ones aside; nodes whose
/// taints the pods do not tolerate are not counted either, else they would wait for pods that never come.
pub(super) fn constraints(lane: &LaneContext<'_>) -> Vec<TopologySpreadConstraint> {
    let when_unsatisfiable = match lane.spec.placement.topology_spread {
        TopologySpread::Preferred => "ScheduleAnyway",
        TopologySpread::Required => "DoNotSchedule",
    };
    let constraint = |topology_key: &str| TopologySpreadConstraint {
        topology_key: topology_key.to_owned(),
        max_skew: 1,
        when_unsatisfiable: when_unsatisfiable.to_owned(),
        label_selector: Some(labels::pod_selector(lane.instance, lane.name)),
        match_label_keys: Some(vec![REVISION.to_owned()]),
        node_taints_policy: Some("Honor".to_owned()),
        ..TopologySpreadConstraint::default()
    };
    ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map(constraint).to_vec()
}
