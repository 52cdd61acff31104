//! What one thread knows of one endpoint: how much it has to do, how quick it is, how new.

use std::cell::Cell;

use crate::moment::Moment;

/// How long an endpoint is spared after it came, in microseconds: ten seconds are enough for caches, connection pools and just-in-time
/// compilers of most backends to fill.
const WARM_UP: u64 = 10_000_000;
/// The whole share of an endpoint.
pub(super) const WHOLE: u32 = 1 << 10;
/// The share with which a new endpoint begins: a tenth, as little as still shows whether it works.
const FIRST: u32 = WHOLE / 10;
/// Half of what was known of an endpoint's latency is forgotten after this time without an answer, in microseconds: long
/// enough to remember a slow endpoint, short enough to try it again.
const DECAY: u64 = 10_000_000;

/// Longest latency that counts, twelve days in microseconds: times [`DECAY`] it is still a number.
const LONGEST: u64 = 1 << 40;

/// One thread's view of one endpoint.
#[derive(Debug, Default)]
pub struct Load {
    in_flight: Cell<u32>,
    /// Peak-sensitive moving average of the time to a response head, in microseconds; 0 while nothing is known.
    latency: Cell<u64>,
    observed: Cell<Moment>,
    /// When it came, while it is spared.
    came: Cell<Option<Moment>>,
    /// What it has saved up towards its next turn while it is spared.
    credit: Cell<u32>,
}

impl Load {
    /// Requests that this thread has sent there and that have not ended.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.in_flight.get()
    }

    /// Notes that a request goes there.
    pub fn begin(&self) {
        self.in_flight.set(self.in_flight.get().saturating_add(1));
    }

    /// Notes that a request has ended.
    pub fn end(&self) {
        self.in_flight.set(self.in_flight.get().saturating_sub(1));
    }

    /// Notes that a response head came after `micros`. A peak counts at once, and is forgotten slowly.
    pub fn observe(&self, micros: u64, now: Moment) {
        let (known, age) = (self.latency.get(), now.since(self.observed.replace(now)));
        let next = if micros >= known { micros } else { micros + fade(known - micros, age) };
        self.latency.set(next.max(1));
    }

    /// Latency as it counts at `now`.
    pub(super) fn latency(&self, now: Moment) -> u64 {
        fade(self.latency.get(), now.since(self.observed.get()))
    }

    /// Spares it from `now` on. Until it has answered it is taken to be as quick as `latency`: otherwise everybody would
    /// ask the one of whom nothing is known.
    pub(super) fn warm_up(&self, now: Moment, latency: u64) {
        self.came.set(Some(now));
        self.latency.set(latency);
        self.observed.set(now);
    }

    /// Its share of requests at `now`, out of [`WHOLE`].
    pub(super) fn share(&self, now: Moment) -> u32 {
        let Some(came) = self.came.get() else { return WHOLE };
        let age = now.since(came);
        if age >= WARM_UP {
            self.came.set(None);
            return WHOLE;
        }
        // Below WHOLE, as age is below WARM_UP.
        FIRST + (u64::from(WHOLE - FIRST) * age / WARM_UP) as u32
    }

    /// Whether a turn in a rotation is really its own: of one that is spared only its share is.
    pub(super) fn takes_turn(&self, now: Moment) -> bool {
        if self.came.get().is_none() {
            return true;
        }
        let credit = self.credit.get() + self.share(now);
        self.credit.set(credit % WHOLE);
        credit >= WHOLE
    }

    /// How bad a choice it is, by requests in flight.
    pub(super) fn requests(&self, now: Moment) -> u64 {
        (u64::from(self.in_flight.get()) + 1) * u64::from(WHOLE) / u64::from(self.share(now))
    }

    /// How bad a choice it is, by the time that its requests in flight will take.
    pub(super) fn delay(&self, now: Moment) -> u64 {
        self.latency(now).max(1).saturating_mul(self.requests(now))
    }
}

/// What is left of `value` after `age` microseconds: half after [`DECAY`], a third after twice that, and so on. Not the
/// usual exponential, which costs a hundred times as much and is no truer.
fn fade(value: u64, age: u64) -> u64 {
    value.min(LONGEST) * DECAY / DECAY.saturating_add(age)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Moment {
        Moment::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_peak_counts_at_once_and_fades() {
        let load = Load::default();
        load.observe(1_000, seconds(1));
        load.observe(80_000, seconds(2));
        assert_eq!(load.latency(seconds(2)), 80_000);
        load.observe(1_000, seconds(12));
        assert_eq!(load.latency(seconds(12)), 1_000 + 79_000 / 2);
        assert_eq!(load.latency(seconds(22)), (1_000 + 79_000 / 2) / 2);
        (13..200).for_each(|second| load.observe(1_000, seconds(second)));
        assert!(load.latency(seconds(199)) < 1_010);
    }

    #[test]
    fn a_new_endpoint_begins_with_a_tenth_and_has_its_whole_share_after_ten_seconds() {
        let load = Load::default();
        assert_eq!(load.share(seconds(3)), WHOLE);
        load.warm_up(seconds(3), 0);
        for (second, share) in [(3, 102), (8, 563), (12, 931), (13, WHOLE), (14, WHOLE)] {
            assert_eq!(load.share(seconds(second)), share, "after {second} s");
        }
    }

    #[test]
    fn of_its_turns_a_new_endpoint_takes_its_share() {
        let load = Load::default();
        load.warm_up(seconds(0), 0);
        assert_eq!((0..1024).filter(|_| load.takes_turn(seconds(5))).count(), 563);
        assert_eq!((0..1024).filter(|_| load.takes_turn(seconds(10))).count(), 1024);
    }
}
