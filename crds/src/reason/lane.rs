//! Reasons of the conditions of a lane.

use crate::condition::ConditionType;
use crate::reason::{ConditionStatus, Reason};

/// Enough pods are ready.
pub const MINIMUM_AVAILABLE: Reason = Reason::new(
    ConditionType::Available,
    ConditionStatus::True,
    "MinimumReplicasAvailable",
    "Enough pods are ready.",
    "",
);
/// No pod of the lane is ready.
/// Grace: the lane serves nobody: a pod that is replaced takes less.
pub const NO_PODS_AVAILABLE: Reason = Reason::new(
    ConditionType::Available,
    ConditionStatus::False,
    "NoPodsAvailable",
    "No pod of the lane is ready.",
    "Read the events and logs of the lane's pods: image, scheduling, sysctls that kubelets refuse, quotas.",
)
.with_grace(30);
/// Some pods of the lane are ready, but fewer than its disruption budget allows to miss.
/// Grace: the rest serves; a pod that has to wait for a node takes less.
pub const TOO_FEW_AVAILABLE: Reason = Reason::new(
    ConditionType::Available,
    ConditionStatus::False,
    "TooFewAvailable",
    "Some pods of the lane are ready, but fewer than its disruption budget allows to miss.",
    "Read the events of the pods that are not ready.",
)
.with_grace(60);
/// The lane is meant to have no pods.
pub const SCALED_TO_ZERO: Reason = Reason::new(
    ConditionType::Available,
    ConditionStatus::False,
    "ScaledToZero",
    "The lane is meant to have no pods.",
    "Raise replicas, or set enabled to false to take the lane away.",
);
/// The Deployment of the lane has not been looked at by its controller yet.
/// Grace: a controller manager that is replaced takes less.
pub const AVAILABLE_UNKNOWN: Reason = Reason::new(
    ConditionType::Available,
    ConditionStatus::Unknown,
    "NotYetObserved",
    "The Deployment of the lane has not been looked at by its controller yet.",
    "Wait a few seconds; if it stays, see whether the cluster's controller manager runs.",
)
.with_grace(60);
/// All pods run the latest pod template.
pub const ROLLED_OUT: Reason = Reason::new(
    ConditionType::RolledOut,
    ConditionStatus::True,
    "RolledOut",
    "All pods run the latest pod template.",
    "",
);
/// Pods are being replaced.
pub const ROLLOUT_UNDER_WAY: Reason =
    Reason::new(ConditionType::RolledOut, ConditionStatus::False, "RolloutUnderWay", "Pods are being replaced.", "");
/// New pods did not become available within rollout.progressDeadlineSeconds; old ones serve on.
/// Grace: it has waited for its own deadline.
pub const PROGRESS_DEADLINE_EXCEEDED: Reason = Reason::new(
    ConditionType::RolledOut,
    ConditionStatus::False,
    "ProgressDeadlineExceeded",
    "New pods did not become available within rollout.progressDeadlineSeconds; old ones serve on.",
    "Read the events and logs of the newest pods; correct the image or the pod settings.",
)
.with_grace(0);
/// New pods did not become available in time, so the lane went back by itself to the last pod template that worked.
/// Grace: it has waited for its own deadline.
pub const ROLLED_BACK: Reason = Reason::new(
    ConditionType::RolledOut,
    ConditionStatus::False,
    "RolledBack",
    "New pods did not become available in time, so the lane went back by itself to the last pod template that worked.",
    "Correct the image or the pod settings, which is then tried. To try the same again, remove the annotation bulkhead.io/rolled-back-from-image from the Deployment.",
)
.with_grace(0);
/// An object of the lane could not be read or applied.
/// Grace: an API server that restarts takes less.
pub const LANE_APPLY_FAILED: Reason = Reason::new(
    ConditionType::RolledOut,
    ConditionStatus::False,
    "ApplyFailed",
    "An object of the lane could not be read or applied.",
    "Read the message: usually a quota, an admission webhook, a missing permission of the operator, or an API server that does not answer in time.",
)
.with_grace(60);
/// The Deployment of the lane has not been looked at by its controller yet.
pub const ROLLED_OUT_UNKNOWN: Reason = Reason::new(
    ConditionType::RolledOut,
    ConditionStatus::Unknown,
    "NotYetObserved",
    "The Deployment of the lane has not been looked at by its controller yet.",
    "Wait a few seconds; if it stays, see whether the cluster's controller manager runs.",
);
/// The Service of the lane has its address.
pub const ADDRESS_ASSIGNED: Reason = Reason::new(
    ConditionType::Exposed,
    ConditionStatus::True,
    "AddressAssigned",
    "The Service of the lane has its address.",
    "",
);
/// service.type is None: reaching the lane is left to you.
pub const EXPOSED_BY_USER: Reason = Reason::new(
    ConditionType::Exposed,
    ConditionStatus::True,
    "NoServiceWanted",
    "service.type is None: reaching the lane is left to you.",
    "",
);
/// The Service of type LoadBalancer has no address yet.
/// Grace: clouds take up to a minute for a load balancer.
pub const ADDRESS_PENDING: Reason = Reason::new(
    ConditionType::Exposed,
    ConditionStatus::False,
    "AddressPending",
    "The Service of type LoadBalancer has no address yet.",
    "See whether the cluster has a load balancer controller for it, and read the events of the Service.",
)
.with_grace(90);
/// The Service of the lane does not exist yet.
pub const EXPOSED_UNKNOWN: Reason = Reason::new(
    ConditionType::Exposed,
    ConditionStatus::Unknown,
    "NotYetObserved",
    "The Service of the lane does not exist yet.",
    "Wait a few seconds; if it stays, read the condition RolledOut.",
);
/// Every ready pod has loaded the latest configuration and watches its class.
pub const LOADED: Reason = Reason::new(
    ConditionType::ConfigLoaded,
    ConditionStatus::True,
    "Loaded",
    "Every ready pod has loaded the latest configuration and watches its class.",
    "",
);
/// Some ready pods still serve an earlier configuration.
/// Grace: even a lane with 10,000 Ingresses loads in seconds.
pub const LOAD_UNDER_WAY: Reason = Reason::new(
    ConditionType::ConfigLoaded,
    ConditionStatus::False,
    "LoadUnderWay",
    "Some ready pods still serve an earlier configuration.",
    "",
)
.with_grace(60);
/// The lane's IngressClass is missing or not its own, so it serves no Ingress.
/// Grace: a class that somebody deleted is made again at once.
pub const CLASS_NOT_OWNED: Reason = Reason::new(
    ConditionType::ConfigLoaded,
    ConditionStatus::False,
    "ClassNotOwned",
    "The lane's IngressClass is missing or not its own, so it serves no Ingress.",
    "Read the message; delete the foreign class or choose another ingressClass.name.",
)
.with_grace(60);
/// There is no ready pod that could have loaded anything.
pub const NO_READY_PODS: Reason = Reason::new(
    ConditionType::ConfigLoaded,
    ConditionStatus::False,
    "NoReadyPods",
    "There is no ready pod that could have loaded anything.",
    "Read the condition Available.",
);
/// The operator cannot reach the admin port of the lane's pods; they may well serve.
pub const PODS_UNREACHABLE: Reason = Reason::new(
    ConditionType::ConfigLoaded,
    ConditionStatus::Unknown,
    "PodsUnreachable",
    "The operator cannot reach the admin port of the lane's pods; they may well serve.",
    "See whether a NetworkPolicy lets the operator reach port 9090 of the pods.",
);
