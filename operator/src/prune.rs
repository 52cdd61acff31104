//! After applying: objects of the instance that are no longer planned go, such as those of a lane that was switched off.

use std::collections::BTreeSet;

use bulkhead_crds::names::LaneName;
use tracing::warn;

use crate::caches::Child;
use crate::context::Context;
use crate::kind::Key;
use crate::ours::could_be_of;
use crate::owner::InstanceId;
use crate::remove::remove;

/// What should go, in the order in which it should: the reverse of that in which it was applied. Lanes in `unsettled` were not applied in
/// full, so what they leave behind may still be in use. What no plan of the instance could have named is none of ours and stays.
#[must_use]
pub fn surplus(
    id: &InstanceId,
    children: &[Child],
    planned: &BTreeSet<Key>,
    unsettled: &BTreeSet<LaneName>,
) -> Vec<Key> {
    let goes = |child: &&Child| {
        child.meta.deletion_timestamp.is_none()
            && !planned.contains(&child.key)
            && could_be_of(&child.key, &id.namespace, &id.name)
            && child.lane.is_none_or(|lane| !unsettled.contains(&lane))
    };
    let mut keys: Vec<_> = children.iter().filter(goes).map(|child| child.key.clone()).collect();
    keys.sort_by(|left, right| right.cmp(left));
    keys
}

/// Removes what is no longer planned. What cannot be removed now is tried again at the next reconcile; returns whether anything failed.
pub async fn prune(
    id: &InstanceId,
    planned: &BTreeSet<Key>,
    unsettled: &BTreeSet<LaneName>,
    context: &Context,
) -> bool {
    let mut failed = false;
    for key in surplus(id, &context.caches.children_of(id), planned, unsettled) {
        match remove(&key, id, context).await {
            Ok(()) => {
                context.remember(id, |memory| memory.applied.remove(&key));
            }
            Err(error) => {
                failed = true;
                context.metrics.failed("prune", error.kind());
                warn!(instance = %id, "{error}");
            }
        }
    }
    failed
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};

    use super::*;
    use crate::kind::Kind;

    fn edge() -> InstanceId {
        InstanceId { namespace: "infra".to_owned(), name: "edge".to_owned(), uid: "u1".to_owned() }
    }

    fn key(kind: Kind, name: &str) -> Key {
        Key { kind, namespace: "infra".to_owned(), name: name.to_owned() }
    }

    fn child(kind: Kind, name: &str, lane: Option<LaneName>) -> Child {
        Child { key: key(kind, name), lane, meta: ObjectMeta::default() }
    }

    #[test]
    fn what_is_planned_stays_and_the_rest_goes_last_applied_first() {
        let children = [
            child(Kind::ServiceAccount, "edge-east-west", Some(LaneName::EastWest)),
            child(Kind::Deployment, "edge-east-west", Some(LaneName::EastWest)),
            child(Kind::Deployment, "edge-north-south", Some(LaneName::NorthSouth)),
            child(Kind::IngressClass, "edge-east-west", Some(LaneName::EastWest)),
        ];
        let planned = BTreeSet::from([key(Kind::Deployment, "edge-north-south")]);
        let kinds: Vec<_> =
            surplus(&edge(), &children, &planned, &BTreeSet::new()).into_iter().map(|key| key.kind).collect();
        assert_eq!(kinds, [Kind::IngressClass, Kind::Deployment, Kind::ServiceAccount]);
    }

    #[test]
    fn a_lane_that_could_not_be_applied_keeps_what_it_has_and_the_other_does_not() {
        let children = [
            child(Kind::Secret, "edge-north-south-keyring-1", Some(LaneName::NorthSouth)),
            child(Kind::Secret, "edge-east-west-keyring-1", Some(LaneName::EastWest)),
        ];
        let unsettled = BTreeSet::from([LaneName::NorthSouth]);
        assert_eq!(
            surplus(&edge(), &children, &BTreeSet::new(), &unsettled),
            [key(Kind::Secret, "edge-east-west-keyring-1")]
        );
    }

    #[test]
    fn what_only_carries_our_labels_stays() {
        let children = [child(Kind::ConfigMap, "settings-of-a-tenant", Some(LaneName::NorthSouth))];
        assert_eq!(surplus(&edge(), &children, &BTreeSet::new(), &BTreeSet::new()), []);
    }

    #[test]
    fn what_is_being_deleted_is_not_deleted_again() {
        let mut gone = child(Kind::Service, "edge-east-west", None);
        gone.meta.deletion_timestamp = Some(Time(jiff::Timestamp::UNIX_EPOCH));
        assert_eq!(surplus(&edge(), &[gone], &BTreeSet::new(), &BTreeSet::new()), []);
    }
}
