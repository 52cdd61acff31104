//! The way out of an instance, in the order that loses no request: its gateways are told to stop, which they do when they have answered what
//! they have; its Ingresses name its addresses no more; then its classes and permissions go, and at last the finalizer.

use std::time::Duration;

use bulkhead_crds::instance::GatewayInstance;
use bulkhead_crds::names::LaneName;
use bulkhead_plan::names;
use tokio::time::Instant;

use crate::call::CallError;
use crate::cleanup;
use crate::context::Context;
use crate::kind::{Key, Kind};
use crate::owner::InstanceId;
use crate::publish::still_told;
use crate::remove::remove;

/// How long after the time that its pods may take an instance is let go nevertheless: a node that is gone never says that its pods are.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is still awaited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Pods that have not ended.
    pub pods: usize,
    /// Ingresses that still name addresses of the instance.
    pub told: usize,
}

impl Left {
    /// As a sentence; nothing when all is done.
    #[must_use]
    pub fn sentence(self) -> Option<String> {
        let parts = [
            (self.pods > 0).then(|| format!("{} pods have not ended", self.pods)),
            (self.told > 0).then(|| format!("{} Ingresses still name its addresses", self.told)),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| format!("{}.", parts.join(" and ")))
    }
}

/// Stops the gateways, then says what is left; when nothing is, or for too long, removes what no owner reference collects.
///
/// # Errors
/// When something cannot be deleted.
pub async fn tear_down(instance: &GatewayInstance, id: &InstanceId, context: &Context) -> Result<Left, CallError> {
    let began = context.remember(id, |memory| *memory.leaving_since.get_or_insert_with(Instant::now));
    for lane in LaneName::ALL {
        // The autoscaler first, which has nothing to scale then.
        for kind in [Kind::HorizontalPodAutoscaler, Kind::Deployment] {
            let key = Key { kind, namespace: id.namespace.clone(), name: names::object(&id.name, lane) };
            if context.caches.child(&key).is_some_and(|child| child.metadata.deletion_timestamp.is_none()) {
                remove(&key, id, context).await?;
            }
        }
    }
    let left = Left { pods: context.caches.pods_left(id), told: still_told(id, context) };
    if left != Left::default() && began.elapsed() < patience(instance) {
        return Ok(left);
    }
    cleanup::clean_up(id, context).await?;
    Ok(Left::default())
}

/// The longest that the pods of a lane may take, and some more.
fn patience(instance: &GatewayInstance) -> Duration {
    let grace = |lane| {
        let drain = &instance.spec.lane(lane).drain;
        u64::try_from(drain.lameduck_seconds.saturating_add(drain.timeout_seconds)).unwrap_or_default()
    };
    let longest = LaneName::ALL.into_iter().map(grace).max().unwrap_or_default();
    Duration::from_secs(longest) + PATIENCE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told_and_nothing_is_not() {
        assert_eq!(Left::default().sentence(), None);
        let all = Left { pods: 2, told: 5 };
        assert_eq!(all.sentence().as_deref(), Some("2 pods have not ended and 5 Ingresses still name its addresses."));
        assert_eq!(Left { told: 0, ..all }.sentence().as_deref(), Some("2 pods have not ended."));
    }

    #[test]
    fn pods_are_given_the_time_to_drain_that_their_lane_has() {
        let mut instance = GatewayInstance::new("edge", Default::default());
        instance.spec.east_west.drain.timeout_seconds = 3600;
        assert!(patience(&instance) > Duration::from_secs(3600) + PATIENCE / 2);
    }
}
