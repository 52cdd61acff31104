//! Reasons of the conditions of an instance.

use crate::condition::ConditionType;
use crate::reason::{ConditionStatus, Reason};

/// The specification is valid and every class it names is free or already its own.
pub const ACCEPTED: Reason = Reason::new(
    ConditionType::Accepted,
    ConditionStatus::True,
    "Accepted",
    "The specification is valid and every class it names is free or already its own.",
    "",
);
/// The specification contradicts itself.
pub const INVALID: Reason = Reason::new(
    ConditionType::Accepted,
    ConditionStatus::False,
    "Invalid",
    "The specification contradicts itself.",
    "Correct the fields that the message names.",
);
/// A class that a lane names exists and belongs to somebody else.
pub const CLASS_TAKEN: Reason = Reason::new(
    ConditionType::Accepted,
    ConditionStatus::False,
    "ClassTaken",
    "A class that a lane names exists and belongs to somebody else.",
    "Delete that IngressClass, or choose another ingressClass.name.",
);
/// Another GatewayInstance claims the same class, and comes first.
pub const CLASS_CLAIMED_TWICE: Reason = Reason::new(
    ConditionType::Accepted,
    ConditionStatus::False,
    "ClassClaimedTwice",
    "Another GatewayInstance claims the same class, and comes first.",
    "Choose another ingressClass.name, or remove the class from alsoServe of one of the two.",
);
/// The name leaves no room for the names of the instance's objects.
pub const NAME_TOO_LONG: Reason = Reason::new(
    ConditionType::Accepted,
    ConditionStatus::False,
    "NameTooLong",
    "The name leaves no room for the names of the instance's objects.",
    "Create the instance anew under a name of at most 40 characters.",
);
/// A field asks for what the version of Kubernetes does not know.
pub const CLUSTER_TOO_OLD: Reason = Reason::new(
    ConditionType::Accepted,
    ConditionStatus::False,
    "ClusterTooOld",
    "A field asks for what the version of Kubernetes does not know.",
    "Change or remove the field that the message names, or upgrade the cluster.",
);
/// The instance may serve its own namespace only.
pub const SCOPE_NOT_ALLOWED: Reason = Reason::new(
    ConditionType::Accepted,
    ConditionStatus::False,
    "ScopeNotAllowed",
    "The operator lets instances of this namespace serve it alone.",
    "Set scope.namespaces.from to Same, or have whoever runs the operator name the namespace in --platform-namespaces.",
);
/// Every enabled lane serves the latest configuration.
pub const READY: Reason = Reason::new(
    ConditionType::Ready,
    ConditionStatus::True,
    "Ready",
    "Every enabled lane serves the latest configuration.",
    "",
);
/// A lane has no available pod, or not all of its ready pods have loaded the latest configuration.
pub const LANES_NOT_READY: Reason = Reason::new(
    ConditionType::Ready,
    ConditionStatus::False,
    "LanesNotReady",
    "A lane has no available pod, or not all of its ready pods have loaded the latest configuration.",
    "Read the conditions of the lane that the message names.",
);
/// The specification was not accepted, so it is not carried out; what ran before runs on.
pub const NOT_ACCEPTED: Reason = Reason::new(
    ConditionType::Ready,
    ConditionStatus::False,
    "NotAccepted",
    "The specification was not accepted, so it is not carried out; what ran before runs on.",
    "Read the condition Accepted.",
);
/// The operator has not looked at the lanes yet.
pub const READY_UNKNOWN: Reason = Reason::new(
    ConditionType::Ready,
    ConditionStatus::Unknown,
    "NotYetObserved",
    "The operator has not looked at the lanes yet.",
    "Wait a few seconds; if it stays, see whether the operator runs.",
);
/// The gateways of a lane cannot be asked what they have loaded; they may well serve.
pub const LANES_UNKNOWN: Reason = Reason::new(
    ConditionType::Ready,
    ConditionStatus::Unknown,
    "LanesUnknown",
    "The gateways of a lane cannot be asked what they have loaded; they may well serve.",
    "Read the condition ConfigLoaded of the lane that the message names.",
);
/// Everything is as the specification says.
pub const RECONCILED: Reason = Reason::new(
    ConditionType::Progressing,
    ConditionStatus::False,
    "Reconciled",
    "Everything is as the specification says.",
    "",
);
/// Objects of a lane are being created.
pub const CREATING: Reason = Reason::new(
    ConditionType::Progressing,
    ConditionStatus::True,
    "Creating",
    "Objects of a lane are being created.",
    "",
);
/// Pods of a lane are being replaced.
pub const ROLLING_OUT: Reason = Reason::new(
    ConditionType::Progressing,
    ConditionStatus::True,
    "RollingOut",
    "Pods of a lane are being replaced.",
    "",
);
/// Pods of a lane were lost or evicted and come back; its pod template is as it was.
pub const REPLACING_PODS: Reason = Reason::new(
    ConditionType::Progressing,
    ConditionStatus::True,
    "ReplacingPods",
    "Pods of a lane were lost or evicted and come back; its pod template is as it was.",
    "",
);
/// Pods of a lane have not all loaded the latest configuration yet.
pub const LOADING: Reason = Reason::new(
    ConditionType::Progressing,
    ConditionStatus::True,
    "LoadingConfiguration",
    "Pods of a lane have not all loaded the latest configuration yet.",
    "",
);
/// There is a new gateway image, and the turn of the instance to take it has not come.
pub const WAITING_FOR_TURN: Reason = Reason::new(
    ConditionType::Progressing,
    ConditionStatus::False,
    "WaitingForTurn",
    "There is a new gateway image, and the turn of the instance to take it has not come.",
    "Wait; if it stays, look for an instance with the Event RolloutStopped. A lower rollout.wave comes earlier.",
);
/// Nothing moves, because the instance is paused, was not accepted, or went back to what worked.
pub const HELD: Reason = Reason::new(
    ConditionType::Progressing,
    ConditionStatus::False,
    "Held",
    "Nothing moves, because the instance is paused, was not accepted, or went back to what worked.",
    "Read the conditions Paused, Accepted and Degraded.",
);
/// Nothing has been wrong for longer than its grace period.
pub const HEALTHY: Reason = Reason::new(
    ConditionType::Degraded,
    ConditionStatus::False,
    "Healthy",
    "Nothing has been wrong for longer than its grace period.",
    "",
);
/// An object of the instance could not be read or applied, again and again.
pub const APPLY_FAILED: Reason = Reason::new(
    ConditionType::Degraded,
    ConditionStatus::True,
    "ApplyFailed",
    "An object of the instance could not be read or applied, again and again.",
    "Read the message: usually a quota, an admission webhook, a missing permission of the operator, or an API server that does not answer in time.",
);
/// A lane has been unavailable, or behind with its configuration, for longer than its grace period.
pub const LANE_DEGRADED: Reason = Reason::new(
    ConditionType::Degraded,
    ConditionStatus::True,
    "LaneDegraded",
    "A lane has been unavailable, or behind with its configuration, for longer than its grace period.",
    "Read the conditions of the lane that the message names, then the events and logs of its pods.",
);
/// The Service of a lane has had no address for longer than its grace period, so clients outside the cluster do not reach it.
pub const ADDRESS_MISSING: Reason = Reason::new(
    ConditionType::Degraded,
    ConditionStatus::True,
    "AddressMissing",
    "The Service of a lane has had no address for longer than its grace period, so clients outside the cluster do not reach it.",
    "Read the condition Exposed of the lane that the message names. Where nothing assigns addresses, choose service.type NodePort or ClusterIP.",
);
/// A lane's new pods did not become available in time.
pub const ROLLOUT_FAILED: Reason = Reason::new(
    ConditionType::Degraded,
    ConditionStatus::True,
    "RolloutFailed",
    "A lane's new pods did not become available in time.",
    "Read the events and logs of the newest pods; correct the image or the pod settings.",
);
/// managementState is Paused.
pub const PAUSED: Reason = Reason::new(
    ConditionType::Paused,
    ConditionStatus::True,
    "Paused",
    "managementState is Paused.",
    "Set managementState to Managed to let the operator act again.",
);
/// The operator keeps the instance as specified.
pub const MANAGED: Reason = Reason::new(
    ConditionType::Paused,
    ConditionStatus::False,
    "Managed",
    "The operator keeps the instance as specified.",
    "",
);
/// Every field that is set is acted upon.
pub const FULLY_OBEYED: Reason = Reason::new(
    ConditionType::FullyObeyed,
    ConditionStatus::True,
    "FullyObeyed",
    "Every field that is set is acted upon.",
    "",
);
/// Fields are set that this version accepts but does not act on.
pub const FIELDS_NOT_OBEYED: Reason = Reason::new(
    ConditionType::FullyObeyed,
    ConditionStatus::False,
    "FieldsNotObeyed",
    "Fields are set that this version accepts but does not act on.",
    "Do not rely on the fields that the message names; remove them, or wait for a version that acts on them.",
);
/// The instance is protected from deletion.
pub const DELETION_PROTECTED: Reason = Reason::new(
    ConditionType::DeletionBlocked,
    ConditionStatus::True,
    "DeletionProtected",
    "The instance is protected from deletion.",
    "Set deletionProtection to false to let the deletion proceed.",
);
/// Pods, addresses or cluster-wide objects of the instance are being taken away.
pub const CLEANING_UP: Reason = Reason::new(
    ConditionType::DeletionBlocked,
    ConditionStatus::True,
    "CleaningUp",
    "Pods, addresses or cluster-wide objects of the instance are being taken away.",
    "Wait; if it stays, read the message for what is not gone. Pods are waited for as long as they may drain, and a minute.",
);
/// Nothing holds the deletion.
pub const NOT_BLOCKED: Reason = Reason::new(
    ConditionType::DeletionBlocked,
    ConditionStatus::False,
    "NotBlocked",
    "Nothing holds the deletion.",
    "",
);
