//! Which of several replicas acts: the one that holds a Lease. The verdict is in [`verdict`]; here is what reads and writes the Lease.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::Client;
use kube::api::{Api, PostParams};
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

use crate::fence::Fence;

pub mod verdict;

use verdict::{Candidate, Found, LEAD, LEASE, LOOK, Mark, Step};

/// Name of the Lease, in the namespace of the operator.
pub const NAME: &str = "bulkhead-operator";

/// Longest time for one look with its write: after two that hang a leader still has time for a third.
const ATTEMPT: Duration = Duration::from_secs(3);

/// Why a replica that led does so no more.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// Another one holds the Lease.
    #[error("the Lease {NAME} is held by \"{holder}\" now; this replica ends and begins anew")]
    Taken {
        /// Who.
        holder: String,
    },
    /// It could not be renewed.
    #[error("the Lease {NAME} could not be renewed for {} s; this replica ends and begins anew", LEAD.as_secs())]
    Expired,
}

/// One look that came to nothing.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{attempt} Lease {NAME}: {source}")]
    Refused { attempt: &'static str, source: Box<kube::Error> },
    #[error("renewing Lease {NAME}: no answer within {} s", ATTEMPT.as_secs())]
    TimedOut,
}

/// A replica in the election.
pub struct Election {
    api: Api<Lease>,
    candidate: Candidate,
    fence: Fence,
    /// What it last found or wrote: fields of others stay as they are.
    lease: Lease,
}

impl Election {
    /// Joins under `name`, which no other running replica may have. `fence` is open as long as this one leads.
    #[must_use]
    pub fn new(client: Client, namespace: &str, name: String, fence: Fence) -> Self {
        let api = Api::namespaced(client, namespace);
        Self { api, candidate: Candidate::new(name), fence, lease: Lease::default() }
    }

    /// Returns when this replica leads.
    pub async fn won(&mut self) {
        info!(lease = NAME, replica = self.candidate.name(), "standing for election");
        while self.fence.open_until().is_none() {
            // Without the Lease nothing can be lost.
            if self.look().await.is_none() && self.fence.open_until().is_none() {
                sleep(LOOK).await;
            }
        }
        info!(lease = NAME, replica = self.candidate.name(), "leading");
    }

    /// Keeps the Lease, and returns when that failed. No write of this process passes from then on.
    pub async fn lost(&mut self) -> Lost {
        let fence = self.fence.clone();
        let renewed = async {
            loop {
                sleep(LOOK).await;
                if let Some(lost) = self.look().await {
                    return lost;
                }
            }
        };
        tokio::select! {
            biased;
            () = fence.closed() => Lost::Expired,
            lost = renewed => lost,
        }
    }

    /// Gives the Lease back, so that another replica need not wait for its end.
    pub async fn resign(&mut self) {
        if self.fence.open_until().is_none() {
            return;
        }
        self.fence.close();
        let given_back = LeaseSpec {
            holder_identity: Some(String::new()),
            lease_duration_seconds: Some(1),
            ..self.lease.spec.clone().unwrap_or_default()
        };
        let lease = Lease { spec: Some(given_back), ..self.lease.clone() };
        match timeout(ATTEMPT, self.api.replace(NAME, &PostParams::default(), &lease)).await {
            Ok(Ok(_)) => info!(lease = NAME, "gave the lease back"),
            _ => warn!(lease = NAME, "could not give the lease back; others wait for its end"),
        }
    }

    /// Looks once and does what follows; says whether leadership is lost.
    async fn look(&mut self) -> Option<Lost> {
        let begun = Instant::now();
        let looked = timeout(ATTEMPT, self.attempt()).await.unwrap_or(Err(Error::TimedOut));
        match looked {
            Ok(Step::Write { .. }) => self.fence.open(begun + LEAD),
            Ok(Step::Wait) => {}
            Ok(Step::Lost { holder }) => {
                self.fence.close();
                return Some(Lost::Taken { holder });
            }
            Err(error) => warn!("{error}"),
        }
        None
    }

    async fn attempt(&mut self) -> Result<Step, Error> {
        let refused = |attempt| move |source| Error::Refused { attempt, source: Box::new(source) };
        let found = self.api.get_opt(NAME).await.map_err(refused("reading"))?;
        let step = self.candidate.judge(found.as_ref().map(read).as_ref(), Instant::now(), Timestamp::now());
        if let Step::Write { mark, .. } = &step {
            // What was found carries the resource version, so that the API server refuses when it has changed since.
            let lease = written(found.clone(), mark);
            let parameters = PostParams::default();
            self.lease = match &found {
                Some(_) => self.api.replace(NAME, &parameters, &lease).await.map_err(refused("renewing"))?,
                None => self.api.create(&parameters, &lease).await.map_err(refused("creating"))?,
            };
            self.candidate.took();
        }
        Ok(step)
    }
}

fn read(lease: &Lease) -> Found {
    let spec = lease.spec.clone().unwrap_or_default();
    let lasts = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or_default();
    Found {
        version: lease.metadata.resource_version.clone().unwrap_or_default(),
        mark: Mark { holder: spec.holder_identity.unwrap_or_default(), renewed: spec.renew_time.map(|time| time.0) },
        // One that somebody wrote by hand must not keep all replicas off for ever.
        lasts: Duration::from_secs(lasts).min(LEASE * 4),
    }
}

fn written(found: Option<Lease>, mark: &Mark) -> Lease {
    let mut lease = found.unwrap_or_else(|| Lease {
        metadata: ObjectMeta { name: Some(NAME.to_owned()), ..ObjectMeta::default() },
        spec: None,
    });
    let before = lease.spec.take().unwrap_or_default();
    let same = before.holder_identity.as_ref() == Some(&mark.holder);
    let renewed = mark.renewed.map(MicroTime);
    lease.spec = Some(LeaseSpec {
        holder_identity: Some(mark.holder.clone()),
        lease_duration_seconds: Some(i32::try_from(LEASE.as_secs()).unwrap_or(i32::MAX)),
        acquire_time: before.acquire_time.filter(|_| same).or_else(|| renewed.clone()),
        renew_time: renewed,
        lease_transitions: Some(before.lease_transitions.unwrap_or_default().saturating_add(i32::from(!same))),
        ..before
    });
    lease
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(holder: &str, second: i64) -> Mark {
        Mark { holder: holder.to_owned(), renewed: Some(Timestamp::from_second(second).expect("a time")) }
    }

    #[test]
    fn a_renewal_keeps_since_when_it_is_held_and_a_change_of_hands_is_counted() {
        let first = written(None, &mark("a", 10));
        let again = written(Some(first.clone()), &mark("a", 20));
        let other = written(Some(again.clone()), &mark("b", 30));
        let told = |lease: &Lease| {
            let spec = lease.spec.clone().expect("a spec");
            (spec.acquire_time.expect("a time").0.as_second(), spec.lease_transitions)
        };
        assert_eq!([told(&first), told(&again), told(&other)], [(10, Some(1)), (10, Some(1)), (30, Some(2))]);
        assert_eq!(read(&again).mark, mark("a", 20));
        assert_eq!(read(&again).lasts, LEASE);
    }

    #[test]
    fn a_lease_that_says_for_ever_is_not_believed() {
        let mut lease = written(None, &mark("b", 10));
        lease.spec = lease.spec.map(|spec| LeaseSpec { lease_duration_seconds: Some(i32::MAX), ..spec });
        assert_eq!(read(&lease).lasts, LEASE * 4);
    }
}
