//! The one table of bounds: what each is by default, where it is set, what a client sees of it, and where it is counted.
//!
//! [`crate::Settings`] takes its defaults from here, and the documentation is made from it.

use std::time::Duration;

/// One bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What is bounded, as a table says it.
    pub name: &'static str,
    /// How much, unless somebody says otherwise.
    pub default: u64,
    /// What [`Self::default`] counts.
    pub unit: Unit,
    /// Below `spec.northSouth` and `spec.eastWest`; empty where nobody can set it.
    pub field: &'static str,
    /// What happens beyond it, as a client sees it.
    pub seen: &'static str,
    /// Where it is counted.
    pub counter: Counter,
}

/// What a bound counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Bytes.
    Bytes,
    /// Bytes in a second.
    BytesPerSecond,
    /// Milliseconds.
    Milliseconds,
    /// Times in a second.
    PerSecond,
}

/// Where it is counted that a bound was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// As a reason of `bulkhead_faults_total`.
    Fault(&'static str),
    /// In a metric of its own.
    Metric(&'static str),
    /// Nowhere: keeping it is nobody's fault and does no harm.
    Nowhere,
}

impl Limit {
    const fn new(
        name: &'static str,
        (default, unit): (u64, Unit),
        field: &'static str,
        seen: &'static str,
        counter: Counter,
    ) -> Self {
        Self { name, default, unit, field, seen, counter }
    }

    /// The default, as a number of things or bytes.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.default as usize
    }

    /// The default, as a number of things or bytes that protocols write in 32 bits.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.default as u32
    }

    /// The default, as a time.
    #[must_use]
    pub const fn time(&self) -> Duration {
        Duration::from_millis(self.default)
    }
}

const fn kib(kib: u64) -> (u64, Unit) {
    (kib << 10, Unit::Bytes)
}

const fn seconds(seconds: u64) -> (u64, Unit) {
    (seconds * 1000, Unit::Milliseconds)
}

const fn count(count: u64) -> (u64, Unit) {
    (count, Unit::Count)
}

mod client;
mod http2;
mod routes;
mod upstream;

pub use client::*;
pub use http2::*;
pub use routes::*;
pub use upstream::*;

/// Every bound, in the order in which a connection meets them.
pub fn all() -> impl Iterator<Item = &'static Limit> {
    CLIENT.into_iter().chain(HTTP2).chain(ROUTES).chain(UPSTREAM)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Counter, Unit, all};

    #[test]
    fn every_bound_has_a_name_of_its_own_and_says_what_happens() {
        let mut names = BTreeSet::new();
        for limit in all() {
            assert!(names.insert(limit.name), "{} stands twice", limit.name);
            assert!(!limit.seen.is_empty() && !limit.seen.ends_with('.'), "{}", limit.name);
            assert!(!limit.field.starts_with("spec"), "{}", limit.name);
        }
    }

    #[test]
    fn what_is_refused_with_a_status_is_counted() {
        for limit in all() {
            let refuses = limit.seen.split(|c: char| !c.is_ascii_digit()).any(|word| word.len() == 3 && word >= "400");
            assert!(!refuses || limit.counter != Counter::Nowhere, "{}", limit.name);
        }
    }

    #[test]
    fn every_time_is_at_least_a_moment() {
        assert!(all().filter(|limit| limit.unit == Unit::Milliseconds).all(|limit| limit.default >= 100));
    }
}
