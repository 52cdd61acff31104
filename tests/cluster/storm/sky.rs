//! What befalls the requests of an operator in a storm. Each instance has a schedule of faults of its own, drawn from a seed; watches, which
//! belong to no instance, break now and then in each of the ways in which watches break.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::world::proxy::{Asked, End, Fate, Weather};

/// A generator of numbers: SplitMix64 (Steele, Lea, Flood 2014), the same for the same seed everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % end.max(1)
    }

    /// One of them.
    pub(super) fn of_these<T: Clone>(&mut self, these: &[T]) -> T {
        these[usize::try_from(self.below(these.len() as u64)).unwrap_or_default()].clone()
    }
}

/// Watches of one kind break so often by an error, after each of which the client waits for longer.
const BREAKS: u64 = 3;

/// An operator that has not asked for anything for so long has nothing to do for an instance, or waits after a failure.
const SILENCE: Duration = Duration::from_millis(1500);

/// The faults of every instance.
#[derive(Default)]
pub(super) struct Sky {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    schedules: BTreeMap<String, Schedule>,
    /// How often each watch was begun, by its path.
    watches: BTreeMap<String, u64>,
    /// All that was spoilt, watches included.
    spoilt: usize,
}

/// The faults that are still to befall one instance, and those that did.
#[derive(Default)]
struct Schedule {
    /// Each with the number of requests that pass before it.
    ahead: VecDeque<(u64, Fate)>,
    /// When something was last asked for.
    asked: Option<Instant>,
    told: Vec<String>,
}

impl Sky {
    /// What a proxy asks.
    pub(super) fn weather(self: &Arc<Self>) -> Weather {
        let sky = Arc::clone(self);
        Arc::new(move |asked| sky.fate(asked))
    }

    /// Draws faults for an instance, which begin at once.
    pub(super) fn arm(&self, instance: &str, random: &mut Random) {
        let faults = (0..2 + random.below(4)).map(|_| (random.below(6), fault(random)));
        let schedule = Schedule { ahead: faults.collect(), ..Schedule::default() };
        self.lock().schedules.insert(instance.to_owned(), schedule);
    }

    /// Whether all faults of an instance have befallen it, or nothing more is asked for.
    pub(super) fn is_spent(&self, instance: &str) -> bool {
        let silent = |schedule: &Schedule| schedule.asked.is_some_and(|asked| asked.elapsed() > SILENCE);
        self.lock().schedules.get(instance).is_none_or(|schedule| schedule.ahead.is_empty() || silent(schedule))
    }

    /// Ends the faults of an instance; those that befell it.
    pub(super) fn calm(&self, instance: &str) -> Vec<String> {
        self.lock().schedules.remove(instance).map(|schedule| schedule.told).unwrap_or_default()
    }

    /// How many requests were spoilt so far.
    pub(super) fn spoilt(&self) -> usize {
        self.lock().spoilt
    }

    fn fate(&self, asked: &Asked) -> Fate {
        if asked.is_of_a_lease() {
            return Fate::Pass;
        }
        let mut inner = self.lock();
        let fate = if asked.is_watch() { inner.watch(asked) } else { inner.call(asked) };
        inner.spoilt += usize::from(!matches!(fate, Fate::Pass));
        fate
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn watch(&mut self, asked: &Asked) -> Fate {
        let path = asked.target.split('?').next().unwrap_or_default();
        let begun = self.watches.entry(path.to_owned()).or_default();
        *begun += 1;
        if *begun > BREAKS {
            return Fate::Pass;
        }
        let mut random = Random::of(path.bytes().fold(*begun, |sum, byte| sum.wrapping_mul(31) + u64::from(byte)));
        let after = Duration::from_millis(1000 + random.below(8000));
        Fate::Stream(match random.below(4) {
            0 => End::Over(after),
            1 => End::Torn(after),
            2 => End::Gone(after),
            _ => End::Stalled(after, Duration::from_secs(3)),
        })
    }

    fn call(&mut self, asked: &Asked) -> Fate {
        let Some(instance) = instance(&asked.target) else { return Fate::Pass };
        let Some(schedule) = self.schedules.get_mut(instance) else { return Fate::Pass };
        schedule.asked = Some(Instant::now());
        let Some((passes, _)) = schedule.ahead.front_mut() else { return Fate::Pass };
        if *passes > 0 {
            *passes -= 1;
            return Fate::Pass;
        }
        let fate = schedule.ahead.pop_front().map_or(Fate::Pass, |(_, fate)| fate);
        schedule.told.push(format!("{fate:?} for {} {}", asked.method, asked.target));
        fate
    }
}

/// One fault. Those that take the client's whole patience are rare, for of these it can bear eight at once.
fn fault(random: &mut Random) -> Fate {
    match random.below(60) {
        0..8 => Fate::Refused(409, None),
        8..16 => Fate::Refused(429, Some(1)),
        16..22 => Fate::Refused(500, None),
        22..26 => Fate::Refused(503, None),
        26..28 => Fate::Refused(504, None),
        28..30 => Fate::Refused(403, None),
        30..40 => Fate::CutAfter,
        40..50 => Fate::CutBefore,
        50..58 => Fate::Slow(Duration::from_millis(200 + random.below(1500))),
        58 => Fate::Hung,
        _ => Fate::Late(Duration::from_secs(11)),
    }
}

/// The instance that a request is about: its name is that of its namespace, and part of every name outside of it.
fn instance(target: &str) -> Option<&str> {
    let begin = target.find(super::PREFIX)?;
    let rest = target.get(begin..)?;
    let end = rest.bytes().skip(super::PREFIX.len()).position(|byte| !byte.is_ascii_digit());
    rest.get(..end.map_or(rest.len(), |end| end + super::PREFIX.len()))
}
