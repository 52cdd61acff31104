//! What a process stops doing before it runs out of memory or descriptors: a ladder, climbed as far as the pressure says and
//! left a little later than it was climbed.

/// How full something is, in thousandths; more than all of it is all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pressure(u16);

/// All of it.
const FULL: u16 = 1000;

impl Pressure {
    /// `used` of `most`. Of nothing, everything is used.
    #[must_use]
    pub fn of(used: u64, most: u64) -> Self {
        let thousandths = u128::from(used) * u128::from(FULL) / u128::from(most.max(1));
        Self(u16::try_from(thousandths).unwrap_or(FULL).min(FULL))
    }

    /// In thousandths.
    #[must_use]
    pub const fn thousandths(self) -> u16 {
        self.0
    }
}

/// How far a process goes to keep itself alive. Each level includes those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Everything is as the settings say.
    #[default]
    Normal,
    /// Connections without a request are closed much sooner, and what was kept for later is given back.
    ShrinkIdle,
    /// Connections are closed after their response.
    NoKeepAlive,
    /// New requests are answered 503 with Retry-After.
    Refuse,
    /// Connections wait in the kernel, or are refused by it.
    StopAccepting,
}

/// One rung of the ladder.
#[derive(Clone, Copy, Debug)]
pub struct Rung {
    /// What it is.
    pub level: Level,
    /// Its word in logs.
    pub name: &'static str,
    /// Thousandths from which on it is taken.
    pub from: u16,
    /// What happens there, for documentation.
    pub effect: &'static str,
}

/// The ladder, from the ground up.
pub const LADDER: [Rung; 5] = [
    Rung { level: Level::Normal, name: "normal", from: 0, effect: "nothing" },
    Rung {
        level: Level::ShrinkIdle,
        name: "shrink_idle",
        from: 800,
        effect: "connections without a request are closed after 10 s, and pooled buffers and connections to backends are given back",
    },
    Rung {
        level: Level::NoKeepAlive,
        name: "no_keep_alive",
        from: 880,
        effect: "connections are closed after their response, and after 2 s without a request",
    },
    Rung {
        level: Level::Refuse,
        name: "refuse",
        from: 930,
        effect: "new requests are answered 503 with `Retry-After`, and responses that their clients do not take are broken off after 1 s",
    },
    Rung { level: Level::StopAccepting, name: "stop_accepting", from: 970, effect: "no connection is accepted" },
];

/// Thousandths below its rung at which a level is left: less than any two rungs are apart, more than two readings differ by
/// chance.
const SLACK: u16 = 30;
/// Thousandths of the memory that clients must hold for requests to be refused on its account. Where they hold less, what
/// fills the memory is not theirs (routes, or pages that the allocator keeps): refusing them would win nothing back, and would
/// never end.
const WORTH_REFUSING: u16 = 100;

impl Level {
    /// The level after a reading. `memory` and `descriptors` are how full they are, where that is known; `held` is how much
    /// of the memory clients may hold.
    #[must_use]
    pub fn next(self, memory: Pressure, held: Pressure, descriptors: Pressure) -> Self {
        let by_memory = self.by(memory);
        let by_memory = if held.0 < WORTH_REFUSING { by_memory.min(Self::NoKeepAlive) } else { by_memory };
        by_memory.max(self.by(descriptors))
    }

    /// The level that one reading alone calls for: the highest whose rung it reaches, or this one until it is below.
    fn by(self, pressure: Pressure) -> Self {
        let slack = |rung: &Rung| if rung.level <= self { SLACK } else { 0 };
        let reached = LADDER.iter().rev().find(|rung| pressure.0 >= rung.from.saturating_sub(slack(rung)));
        reached.map_or(Self::Normal, |rung| rung.level)
    }

    /// Of a number that stands for one: the position in [`LADDER`].
    #[must_use]
    pub fn from_index(index: u8) -> Self {
        LADDER.get(usize::from(index)).map_or(Self::Normal, |rung| rung.level)
    }

    /// Its word in logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        LADDER.iter().find(|rung| rung.level == self).map_or("normal", |rung| rung.name)
    }

    /// How long a client may take nothing of its response, where it could be `limit` in peace. Of all that fills the memory this is
    /// the most, and the only part that does not go by itself.
    #[must_use]
    pub fn stall(self, limit: std::time::Duration) -> std::time::Duration {
        match self {
            Self::Normal | Self::ShrinkIdle | Self::NoKeepAlive => limit,
            Self::Refuse | Self::StopAccepting => limit.min(std::time::Duration::from_secs(1)),
        }
    }

    /// How long a connection may be without a request, where it could be `limit` in peace. Long enough to be of use to a
    /// page that is being loaded, even on the higher levels.
    #[must_use]
    pub fn idle(self, limit: std::time::Duration) -> std::time::Duration {
        use std::time::Duration;
        match self {
            Self::Normal => limit,
            Self::ShrinkIdle => limit.min(Duration::from_secs(10)),
            Self::NoKeepAlive | Self::Refuse | Self::StopAccepting => limit.min(Duration::from_secs(2)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Level::{NoKeepAlive, Normal, Refuse, ShrinkIdle, StopAccepting};
    use super::*;

    const NONE: Pressure = Pressure(0);
    const ALL: Pressure = Pressure(FULL);

    #[test]
    fn the_ladder_is_climbed_at_its_rungs_and_left_below_them() {
        let mut level = Normal;
        for (memory, expected) in [
            (799, Normal),
            (800, ShrinkIdle),
            (879, ShrinkIdle),
            (880, NoKeepAlive),
            (930, Refuse),
            (969, Refuse),
            (970, StopAccepting),
            (1000, StopAccepting),
            (941, StopAccepting),
            (939, Refuse),
            (900, Refuse),
            (899, NoKeepAlive),
            (930, Refuse),
            (850, NoKeepAlive),
            (849, ShrinkIdle),
            (770, ShrinkIdle),
            (769, Normal),
            (999, StopAccepting),
            (0, Normal),
        ] {
            level = level.next(Pressure(memory), ALL, NONE);
            assert_eq!(level, expected, "{memory}");
        }
    }

    #[test]
    fn memory_that_clients_do_not_hold_never_makes_them_be_refused() {
        assert_eq!(Normal.next(ALL, Pressure(99), NONE), NoKeepAlive);
        assert_eq!(StopAccepting.next(ALL, Pressure(99), NONE), NoKeepAlive);
        assert_eq!(Normal.next(ALL, Pressure(100), NONE), StopAccepting);
        assert_eq!(Normal.next(ALL, NONE, Pressure(931)), Refuse, "descriptors are always those of clients");
    }

    #[test]
    fn a_reading_is_never_more_than_everything() {
        for (used, most, expected) in
            [(0, 0, 0), (1, 0, 1000), (1, 3, 333), (7, 3, 1000), (u64::MAX, 1, 1000), (u64::MAX, u64::MAX, 1000)]
        {
            assert_eq!(Pressure::of(used, most).thousandths(), expected, "{used}/{most}");
        }
    }

    #[test]
    fn a_level_is_its_place_on_the_ladder() {
        for (index, rung) in LADDER.iter().enumerate() {
            assert_eq!((rung.level as usize, Level::from_index(index as u8)), (index, rung.level));
            assert_eq!(rung.level.name(), rung.name);
        }
        assert!(LADDER.windows(2).all(|two| two[1].from > two[0].from + SLACK));
    }

    proptest! {
        #[test]
        fn more_pressure_never_means_a_lower_level(level in 0_u8..5, less in 0_u16..=1000, more in 0_u16..=1000) {
            let (level, less, more) = (Level::from_index(level), less.min(more), less.max(more));
            prop_assert!(level.next(Pressure(less), ALL, NONE) <= level.next(Pressure(more), ALL, NONE));
        }

        #[test]
        fn a_steady_reading_settles_at_once(level in 0_u8..5, memory in 0_u16..=1000, descriptors in 0_u16..=1000) {
            let next = |level: Level| level.next(Pressure(memory), ALL, Pressure(descriptors));
            let first = next(Level::from_index(level));
            prop_assert_eq!(next(first), first);
        }
    }
}
