//! Finds out where hosts are that are asked by name: off the data threads, again and again, and tells the control thread.
//!
//! Names are asked for in full: the search list of a pod would make the gateway's own namespace out of a short name of somebody
//! else's. Whether an address may be asked is not decided here.

mod system;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

pub use system::System;

/// Names that are wanted. Told again when it was not the same in between.
pub type Wanted = BTreeSet<Arc<str>>;

/// All addresses of a host, as of now. None: it has none, or nobody has been able to say for a long time.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// The host.
    pub name: Arc<str>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

/// What an answer says, and for how long it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// None: there is no such host, or it has no address.
    pub addresses: Vec<IpAddr>,
    /// How long it holds.
    pub ttl: Duration,
}

/// Somebody who knows names.
pub trait Lookup {
    /// Asks for the addresses of a host.
    ///
    /// # Errors
    /// Nobody could say. In words, for a log.
    fn lookup(&self, name: &str) -> impl Future<Output = Result<Answer, String>>;
}

/// How long an answer holds at least and at most, whatever it says: a shorter time would only load the nameserver, and nobody waits
/// longer for a host to move.
const TTL: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// First and longest pause after a question that nobody answered.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// How long the last answer is kept while nobody can say: as long as a restart of a cluster's nameservers takes, many times.
const KEPT: Duration = Duration::from_secs(600);
/// For one question, tries included.
const PATIENCE: Duration = Duration::from_secs(15);
/// Questions at once.
const AT_ONCE: usize = 32;
/// Most names that are looked up. Each costs a question per lifetime of its answer.
const MOST: usize = 10_000;
/// Answers that may wait for the control thread.
pub const WAITING: usize = 64;

#[derive(Debug)]
struct Known {
    due: Instant,
    asked: bool,
    failures: u32,
    /// The last answer, and when it came.
    last: Option<(Vec<IpAddr>, Instant)>,
}

/// Looks up all `wanted` names for as long as anybody listens.
pub async fn follow(lookup: impl Lookup, mut wanted: watch::Receiver<Wanted>, found: mpsc::Sender<Found>) {
    let mut known: BTreeMap<Arc<str>, Known> = BTreeMap::new();
    let mut questions = FuturesUnordered::new();
    wanted.mark_changed();
    loop {
        let now = Instant::now();
        let due = known.iter_mut().filter(|(_, one)| !one.asked && one.due <= now);
        for (name, one) in due.take(AT_ONCE.saturating_sub(questions.len())) {
            one.asked = true;
            questions.push(ask(&lookup, Arc::clone(name)));
        }
        let idle = known.values().filter(|one| !one.asked).map(|one| one.due);
        // With all places taken, only an answer makes a new question possible.
        let next = idle.min().filter(|_| questions.len() < AT_ONCE).unwrap_or(now + TTL.1);
        tokio::select! {
            changed = wanted.changed() => {
                if changed.is_err() {
                    return;
                }
                let names = wanted.borrow_and_update().clone();
                adopt(&mut known, &names);
                for (name, one) in &known {
                    let Some((addresses, _)) = &one.last else { continue };
                    let again = Found { name: Arc::clone(name), addresses: addresses.clone() };
                    if found.send(again).await.is_err() {
                        return;
                    }
                }
            }
            Some((name, answer)) = questions.next() => {
                let Some(one) = known.get_mut(&name) else { continue };
                if let Some(addresses) = one.take(&name, answer, Instant::now())
                    && found.send(Found { name, addresses }).await.is_err()
                {
                    return;
                }
            }
            () = sleep_until(next) => {}
        }
    }
}

async fn ask(lookup: &impl Lookup, name: Arc<str>) -> (Arc<str>, Result<Answer, String>) {
    let answer = timeout(PATIENCE, lookup.lookup(&name)).await;
    (name, answer.unwrap_or_else(|_| Err("no answer came in time".to_owned())))
}

/// Forgets names that are not wanted, and asks for those that are new at once.
fn adopt(known: &mut BTreeMap<Arc<str>, Known>, wanted: &Wanted) {
    known.retain(|name, _| wanted.contains(name));
    let now = Instant::now();
    for name in wanted {
        if known.len() >= MOST {
            tracing::error!(most = MOST, "more names are wanted than are looked up; what is asked by the others fails");
            return;
        }
        known.entry(Arc::clone(name)).or_insert(Known { due: now, asked: false, failures: 0, last: None });
    }
}

impl Known {
    /// Takes an answer; the addresses that hold from now on.
    fn take(&mut self, name: &str, answer: Result<Answer, String>, now: Instant) -> Option<Vec<IpAddr>> {
        self.asked = false;
        match answer {
            Ok(Answer { addresses, ttl }) => {
                self.failures = 0;
                self.due = now + ttl.clamp(TTL.0, TTL.1);
                self.last = Some((addresses.clone(), now));
                Some(addresses)
            }
            Err(problem) => {
                self.due = now + PAUSES.1.min(PAUSES.0 * 2_u32.saturating_pow(self.failures));
                self.failures = self.failures.saturating_add(1);
                if self.failures == 1 {
                    tracing::warn!(name, problem, known = self.last.is_some(), "a name cannot be looked up");
                }
                match &self.last {
                    Some((_, at)) if now.duration_since(*at) < KEPT => None,
                    _ => {
                        self.last = Some((Vec::new(), now));
                        Some(Vec::new())
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
