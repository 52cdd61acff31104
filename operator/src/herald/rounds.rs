//! When to look at which instance. Pure; the time is an argument.

use std::collections::HashMap;
use std::time::Duration;

use bulkhead_crds::instance::GatewayInstance;
use kube::runtime::reflector::ObjectRef;
use tokio::time::Instant;

/// From a request to the first look, and from each look to the next: a gateway reads and compiles a change in milliseconds, and when it is busy
/// in seconds. Whatever takes longer is seen when its report is read.
const LOOKS: [Duration; 4] =
    [Duration::from_millis(300), Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(8)];
/// Least time between two looks, and what is added to it for each MiB that was read at the first: a gateway that always has something else to
/// say keeps nobody busy.
const LEAST: Duration = Duration::from_secs(1);
/// Until a look that did not come to its end is tried again.
const AGAIN: Duration = Duration::from_secs(30);

type Instance = ObjectRef<GatewayInstance>;

/// How a look ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rest {
    /// Bytes that were read.
    pub(super) read: usize,
    /// Whether something is left to do.
    pub(super) is_unfinished: bool,
}

impl Rest {
    /// Of two looks together.
    pub(super) fn and(self, other: Self) -> Self {
        Self { read: self.read + other.read, is_unfinished: self.is_unfinished || other.is_unfinished }
    }
}

/// Instances that are to be looked at. As many at most as there are.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    of: HashMap<Instance, Round>,
}

#[derive(Debug)]
struct Round {
    /// When the next look is due.
    due: Instant,
    /// No look is due earlier, whoever asks.
    earliest: Instant,
    /// Which of [`LOOKS`] it is.
    step: usize,
    is_running: bool,
    /// Whether somebody asked while it was running.
    is_asked: bool,
}

impl Rounds {
    /// Somebody asks for a look.
    pub(super) fn ask(&mut self, instance: Instance, now: Instant) {
        let due = now + LOOKS[0];
        let round = self.of.entry(instance).or_insert(Round {
            due,
            earliest: now,
            step: 0,
            is_running: false,
            is_asked: false,
        });
        if round.is_running {
            round.is_asked = true;
            return;
        }
        // A first look that is due is not put off by those who ask again and again.
        round.due = round.due.min(due).max(round.earliest);
        round.step = 0;
    }

    /// The instance whose look has been due for longest.
    pub(super) fn take(&mut self, now: Instant) -> Option<Instance> {
        let waiting = self.of.iter_mut().filter(|(_, round)| !round.is_running && round.due <= now);
        let (instance, round) = waiting.min_by_key(|(_, round)| round.due)?;
        round.is_running = true;
        Some(instance.clone())
    }

    /// When the next look is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.of.values().filter(|round| !round.is_running).map(|round| round.due).min()
    }

    /// A look that was taken has ended.
    pub(super) fn ended(&mut self, instance: &Instance, rest: Rest, now: Instant) {
        let Some(round) = self.of.get_mut(instance) else { return };
        round.is_running = false;
        let pause = LEAST + LEAST * u32::try_from(rest.read >> 20).unwrap_or(u32::MAX);
        round.earliest = now + if rest.is_unfinished { AGAIN } else { pause };
        let was_asked = std::mem::take(&mut round.is_asked);
        round.step = if was_asked || rest.is_unfinished { 0 } else { round.step + 1 };
        match LOOKS.get(round.step) {
            Some(wait) => round.due = (now + *wait).max(round.earliest),
            None => {
                self.of.remove(instance);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(name: &str) -> Instance {
        ObjectRef::new(name).within("infra")
    }

    fn milliseconds(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    /// When looks are taken within an hour of being asked at these times, each of which ends at once with `rest`.
    fn looks(asked: &[u64], rest: Rest, until: u64) -> Vec<u64> {
        let (mut rounds, start) = (Rounds::default(), Instant::now());
        let mut taken = Vec::new();
        for now in (0..until).step_by(50) {
            let at = start + milliseconds(now);
            if asked.contains(&now) {
                rounds.ask(instance("edge"), at);
            }
            if let Some(instance) = rounds.take(at) {
                taken.push(now);
                rounds.ended(&instance, rest, at);
            }
        }
        taken
    }

    #[test]
    fn a_change_is_looked_at_soon_and_a_few_times_more_and_then_no_more() {
        let all = [300, 1300, 4300, 12300];
        assert_eq!(looks(&[0], Rest::default(), 3_600_000), all);
        assert_eq!(looks(&[], Rest::default(), 60_000), [0; 0]);
    }

    #[test]
    fn changes_without_end_neither_put_a_look_off_nor_hurry_it() {
        let asked: Vec<_> = (0..10_000).step_by(50).collect();
        let taken = looks(&asked, Rest::default(), 10_000);
        assert_eq!(taken[0], 300);
        assert!(taken.windows(2).all(|two| two[1] - two[0] >= 1000 && two[1] - two[0] <= 1050), "{taken:?}");
        let long = Rest { read: 8 << 20, is_unfinished: false };
        assert_eq!(looks(&asked, long, 10_000), [300, 9300]);
    }

    #[test]
    fn what_is_not_finished_is_looked_at_again_later_and_not_at_once_when_somebody_asks() {
        let unfinished = Rest { read: 0, is_unfinished: true };
        assert_eq!(looks(&[0, 1000, 2000], unfinished, 61_000), [300, 30_300, 60_300]);
    }

    #[test]
    fn who_asks_while_a_look_runs_is_looked_at_afterwards_and_the_longest_due_comes_first() {
        let (mut rounds, start) = (Rounds::default(), Instant::now());
        let at = |number| start + milliseconds(number);
        rounds.ask(instance("b"), start);
        rounds.ask(instance("a"), at(100));
        assert_eq!(rounds.next(), Some(at(300)));
        assert_eq!(rounds.take(at(299)), None);
        assert_eq!(rounds.take(at(500)), Some(instance("b")));
        rounds.ask(instance("b"), at(500));
        assert_eq!(rounds.take(at(500)), Some(instance("a")));
        assert_eq!((rounds.take(at(90_000)), rounds.next()), (None, None));
        rounds.ended(&instance("b"), Rest::default(), at(600));
        assert_eq!(rounds.next(), Some(at(1600)));
        rounds.ended(&instance("gone"), Rest::default(), at(600));
    }
}
