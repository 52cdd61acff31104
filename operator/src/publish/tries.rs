//! What was written into Ingresses lately, or could not be: when each may be tried again. Bounded, for tenants make Ingresses.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::time::Instant;

use super::changes::Change;

/// Least time between two writes of the same words into one Ingress: whoever overwrites them is not fought.
const PATIENCE: Duration = Duration::from_secs(60);
/// Wait after the first failure; each in a row doubles it.
const FIRST: Duration = Duration::from_secs(10);
/// Longest wait: what somebody put right is noticed within it.
const LONGEST: Duration = Duration::from_secs(300);
/// Tries that are remembered, of some 50 bytes each. What there is beyond them waits until some are forgotten.
const MOST: usize = 100_000;

/// Tries, by the hash of field manager, namespace and name: one that is taken for another waits a little longer.
#[derive(Default)]
pub(super) struct Tries {
    hasher: RandomState,
    last: HashMap<u64, Try>,
}

struct Try {
    when: Instant,
    words: u64,
    /// Failures in a row.
    failures: u32,
}

impl Try {
    fn wait(&self) -> Duration {
        match self.failures {
            0 => PATIENCE,
            count => FIRST.saturating_mul(1_u32.checked_shl(count - 1).unwrap_or(u32::MAX)).min(LONGEST),
        }
    }
}

impl Tries {
    /// Whether to write it now.
    pub(super) fn is_due(&self, change: &Change, now: Instant) -> bool {
        match self.last.get(&self.key(change)) {
            Some(last) if last.failures == 0 && last.words != self.words(change) => true,
            Some(last) => now.duration_since(last.when) >= last.wait(),
            None => self.last.len() < MOST,
        }
    }

    /// It was written.
    pub(super) fn wrote(&mut self, change: &Change, now: Instant) {
        self.note(change, now, |_| 0);
    }

    /// It could not be written.
    pub(super) fn failed(&mut self, change: &Change, now: Instant) {
        self.note(change, now, |failures| failures.saturating_add(1));
    }

    /// Forgets what no longer waits. A failure is remembered twice as long, so that the next one is not the first.
    pub(super) fn forget_old(&mut self, now: Instant) {
        self.last.retain(|_, last| {
            let factor = if last.failures == 0 { 1 } else { 2 };
            now.duration_since(last.when) < last.wait() * factor
        });
    }

    fn note(&mut self, change: &Change, now: Instant, failures: impl Fn(u32) -> u32) {
        let (key, words) = (self.key(change), self.words(change));
        let before = self.last.get(&key).map_or(0, |last| last.failures);
        self.last.insert(key, Try { when: now, words, failures: failures(before) });
    }

    fn key(&self, change: &Change) -> u64 {
        self.hasher.hash_one((&change.manager, &change.namespace, &change.name))
    }

    fn words(&self, change: &Change) -> u64 {
        let points = change.addresses.iter().map(|point| {
            let ports = point.ports.iter().flatten().map(|port| (port.port, &port.protocol)).collect::<Vec<_>>();
            (&point.ip, &point.hostname, ports)
        });
        self.hasher.hash_one(points.collect::<Vec<_>>())
    }
}

/// Changes of one turn.
pub(super) struct Turn {
    /// What to write now.
    pub(super) due: Vec<Change>,
    /// Whether there is something to write that has to wait.
    pub(super) waits: bool,
    /// Whether there may be more that is due.
    pub(super) more: bool,
}

/// Of what `changes` says of each of `all`, begun at the place `start` and round, at most `most` that are due. `start` becomes where the
/// next turn begins.
pub(super) fn turn<T>(
    all: &[T],
    start: &mut usize,
    most: usize,
    changes: impl Fn(&T) -> Vec<Change>,
    is_due: impl Fn(&Change) -> bool,
) -> Turn {
    let (before, after) = all.split_at(start.checked_rem(all.len()).unwrap_or_default());
    let mut turn = Turn { due: Vec::new(), waits: false, more: false };
    for one in after.iter().chain(before) {
        if turn.due.len() >= most {
            turn.more = true;
            return turn;
        }
        *start = start.wrapping_add(1);
        let (due, waiting): (Vec<_>, Vec<_>) = changes(one).into_iter().partition(&is_due);
        turn.waits |= !waiting.is_empty();
        turn.due.extend(due);
    }
    turn
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn change(number: usize, ip: &str) -> Change {
        Change {
            namespace: "team".to_owned(),
            name: format!("web-{number}"),
            uid: "u1".to_owned(),
            manager: "bulkhead:infra:edge:north-south".to_owned(),
            addresses: vec![k8s_openapi::api::networking::v1::IngressLoadBalancerIngress {
                ip: Some(ip.to_owned()),
                ..Default::default()
            }],
        }
    }

    #[test]
    fn ingresses_that_cannot_be_written_neither_hold_up_others_nor_are_written_without_end() {
        const FORBIDDEN: usize = 600;
        let all: Vec<usize> = (0..FORBIDDEN + 300).collect();
        let (begin, mut tries, mut start) = (Instant::now(), Tries::default(), 0);
        let mut written = vec![false; all.len()];
        let mut refused = 0;
        for round in 0..600_u32 {
            let now = begin + Duration::from_secs(1) * round;
            tries.forget_old(now);
            let looked = Cell::new(0);
            let changes = |number: &usize| {
                looked.set(looked.get() + 1);
                if written[*number] { Vec::new() } else { vec![change(*number, "203.0.113.7")] }
            };
            let turn = turn(&all, &mut start, 200, changes, |change| tries.is_due(change, now));
            assert!(looked.get() <= all.len() && turn.due.len() <= 200);
            for change in turn.due {
                let number: usize = change.name.trim_start_matches("web-").parse().expect("a number");
                if number < FORBIDDEN {
                    refused += 1;
                    tries.failed(&change, now);
                } else {
                    written[number] = true;
                    tries.wrote(&change, now);
                }
            }
            if round == 4 {
                assert_eq!(written.iter().filter(|written| **written).count(), 300, "after five turns");
            }
        }
        // At 0, 10, 30, 70, 150 and 310 s, as a turn has room for them.
        assert!((FORBIDDEN..=FORBIDDEN * 6).contains(&refused), "{refused}");
    }

    #[test]
    fn the_same_words_wait_and_others_do_not_until_a_write_fails() {
        let (begin, mut tries) = (Instant::now(), Tries::default());
        let (one, other) = (change(1, "203.0.113.7"), change(1, "203.0.113.8"));
        tries.wrote(&one, begin);
        assert!(!tries.is_due(&one, begin + Duration::from_secs(59)));
        assert!(tries.is_due(&one, begin + PATIENCE));
        assert!(tries.is_due(&other, begin));
        tries.failed(&other, begin);
        assert!(!tries.is_due(&one, begin + Duration::from_secs(9)));
        assert!(tries.is_due(&one, begin + FIRST));
        tries.wrote(&one, begin + FIRST);
        assert!(tries.is_due(&other, begin + FIRST));
    }

    #[test]
    fn what_is_remembered_has_an_end() {
        let (begin, mut tries) = (Instant::now(), Tries::default());
        for number in 0..MOST {
            tries.failed(&change(number, "203.0.113.7"), begin);
        }
        assert!(!tries.is_due(&change(MOST, "203.0.113.7"), begin));
        tries.forget_old(begin + FIRST * 2);
        assert!(tries.last.is_empty());
        assert!(tries.is_due(&change(MOST, "203.0.113.7"), begin + FIRST * 2));
    }
}
