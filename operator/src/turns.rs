//! Whose turn it is. In: who is wanted, and when. Out: reconciles, those of one instance one after the other, so many at once, and first come,
//! first served.
//!
//! The controller of kube takes whichever of those that wait its hash table holds first. With more busy instances than are reconciled at once,
//! one of them may then wait for as long as the others are busy.

use std::collections::{HashMap, HashSet, VecDeque};
use std::future::Future;
use std::hash::Hash;
use std::time::Duration;

use bulkhead_crds::instance::GatewayInstance;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use kube::runtime::reflector::ObjectRef;
use tokio::time::{Instant, sleep_until};

use crate::watch::Requests;

/// When to come back to an instance that was reconciled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// After this time, or when something changes.
    After(Duration),
    /// When something changes.
    OnChange,
}

/// Who waits, and who has his turn.
#[derive(Debug)]
pub struct Turns<K> {
    at_once: usize,
    /// Those whose time has not come.
    due: HashMap<K, Instant>,
    /// Those whose time has come, the first that came first.
    line: VecDeque<K>,
    /// The same as in `line`.
    waiting: HashSet<K>,
    busy: HashSet<K>,
}

impl<K: Clone + Eq + Hash> Turns<K> {
    /// Nobody waits; at most `at_once` have their turn at the same time.
    #[must_use]
    pub fn new(at_once: usize) -> Self {
        Self { at_once, due: HashMap::new(), line: VecDeque::new(), waiting: HashSet::new(), busy: HashSet::new() }
    }

    /// Somebody is wanted at `when`, or before, if he was wanted before. One who stands in line keeps his place.
    pub fn want(&mut self, who: K, when: Instant) {
        if !self.waiting.contains(&who) {
            let due = self.due.entry(who).or_insert(when);
            *due = when.min(*due);
        }
    }

    /// Whose turn it is now, until he is [`done`](Self::done); nobody while as many as may have theirs. Nobody has two at once.
    pub fn next(&mut self, now: Instant) -> Option<K> {
        self.line_up(now);
        if self.busy.len() >= self.at_once {
            return None;
        }
        let place = self.line.iter().position(|who| !self.busy.contains(who))?;
        let who = self.line.remove(place)?;
        self.waiting.remove(&who);
        self.busy.insert(who.clone());
        Some(who)
    }

    /// Somebody has had his turn.
    pub fn done(&mut self, who: &K) {
        self.busy.remove(who);
    }

    /// When the time of the next one comes who does not stand in line.
    #[must_use]
    pub fn wakes(&self) -> Option<Instant> {
        self.due.values().min().copied()
    }

    fn line_up(&mut self, now: Instant) {
        let mut come: Vec<_> = self.due.extract_if(|_, when| *when <= now).collect();
        come.sort_by_key(|(_, when)| *when);
        for (who, _) in come {
            self.waiting.insert(who.clone());
            self.line.push_back(who);
        }
    }
}

/// Gives everybody whom `requests` name a turn, `bunch` after the first of a bunch of requests, and again as his last one says; each request is
/// `noted`. Once `stopped` is done, those that run come to their end and no other begins.
pub async fn run<F>(
    mut turns: Turns<ObjectRef<GatewayInstance>>,
    requests: &Requests,
    noted: impl Fn(&ObjectRef<GatewayInstance>),
    bunch: Duration,
    reconcile: impl Fn(ObjectRef<GatewayInstance>) -> F,
    stopped: impl Future,
) where
    F: Future<Output = Again>,
{
    let mut running = FuturesUnordered::new();
    tokio::pin!(stopped);
    loop {
        while let Some(who) = turns.next(Instant::now()) {
            let turn = reconcile(who.clone());
            running.push(async { (who, turn.await) });
        }
        let wakes = turns.wakes();
        tokio::select! {
            _ = &mut stopped => break,
            Some((who, again)) = running.next() => {
                turns.done(&who);
                if let Again::After(time) = again {
                    turns.want(who, Instant::now() + time);
                }
            }
            asked = requests.all() => {
                let when = Instant::now() + bunch;
                for who in asked {
                    noted(&who);
                    turns.want(who, when);
                }
            }
            () = sleep_until(wakes.unwrap_or_else(Instant::now)), if wakes.is_some() => {}
        }
    }
    while running.next().await.is_some() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(turns: &mut Turns<&'static str>, now: Instant) -> Vec<&'static str> {
        std::iter::from_fn(|| turns.next(now)).collect()
    }

    #[test]
    fn whoever_came_first_is_first_however_often_others_are_wanted() {
        let (now, mut turns) = (Instant::now(), Turns::new(1));
        let names = ["a", "b", "c", "d", "e", "f"];
        for (nth, name) in (0..).zip(names) {
            turns.want(name, now + Duration::from_millis(nth));
        }
        let mut order = Vec::new();
        for nth in 0..12 {
            let now = now + Duration::from_secs(nth + 1);
            let who = turns.next(now).expect("somebody");
            // Wanted again before he is done, as somebody whose objects change all the time.
            turns.want(who, now);
            turns.done(&who);
            order.push(who);
        }
        assert_eq!(order, [names, names].concat());
    }

    #[test]
    fn nobody_has_two_turns_at_once_and_what_came_meanwhile_is_not_lost() {
        let (now, mut turns) = (Instant::now(), Turns::new(3));
        turns.want("a", now);
        assert_eq!(all(&mut turns, now), ["a"]);
        turns.want("a", now);
        turns.want("b", now);
        assert_eq!(all(&mut turns, now), ["b"]);
        turns.done(&"a");
        assert_eq!(all(&mut turns, now), ["a"]);
    }

    #[test]
    fn no_more_have_their_turn_than_may() {
        let (now, mut turns) = (Instant::now(), Turns::new(2));
        ["a", "b", "c"].into_iter().for_each(|name| turns.want(name, now));
        assert_eq!(all(&mut turns, now).len(), 2);
        turns.done(&"a");
        turns.done(&"b");
        assert_eq!(all(&mut turns, now).len(), 1);
    }

    #[test]
    fn the_earlier_time_counts() {
        let (now, mut turns) = (Instant::now(), Turns::new(1));
        let second = |nth| now + Duration::from_secs(nth);
        turns.want("a", second(30));
        turns.want("a", second(1));
        turns.want("a", second(20));
        assert_eq!(turns.wakes(), Some(second(1)));
        assert_eq!(all(&mut turns, now), Vec::<&str>::new());
        assert_eq!(all(&mut turns, second(1)), ["a"]);
        assert_eq!(turns.wakes(), None);
    }
}
