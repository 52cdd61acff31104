//! When certificates begin and cease to be valid, so that they can be judged anew when they do.

use std::collections::BTreeMap;

use bulkhead_model::HostPattern;
use bulkhead_model::x509::{Phase, Validity};

use crate::report::Certificates;

/// The certificates that hosts want, and the time.
#[derive(Debug, Default)]
pub(crate) struct Calendar {
    /// Seconds since 1970. `None`: nobody has said, so every certificate counts as valid.
    now: Option<u64>,
    /// By the host that wants it; [`HostPattern::Any`] stands for the default certificate.
    entries: BTreeMap<HostPattern, Entry>,
    /// Whether `next` is as it should be.
    known: bool,
    /// The first second in which a phase is another.
    next: Option<u64>,
}

/// What has come of a host's wish for a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// `None`: there is none, or it cannot be read.
    pub(crate) validity: Option<Validity>,
    /// Whether it is the one that clients are shown.
    pub(crate) shown: bool,
}

impl Calendar {
    /// In what phase a certificate is now.
    pub(crate) fn phase(&self, validity: Validity) -> Phase {
        self.now.map_or(Phase::Valid, |now| validity.phase(now))
    }

    /// Moves on, or back; the hosts whose certificate is in another phase now.
    pub(crate) fn set_now(&mut self, now: u64) -> Vec<HostPattern> {
        let before = self.now.replace(now);
        let has_come = |next: Option<u64>| next.is_some_and(|next| next <= now);
        if self.known && before.is_some_and(|before| before <= now) && !has_come(self.next) {
            return Vec::new();
        }
        let phases = |validity: Validity| (before.map_or(Phase::Valid, |at| validity.phase(at)), validity.phase(now));
        let dated = self.entries.iter().filter_map(|(host, entry)| Some((host, entry.validity?)));
        let turned = dated.clone().filter(|(_, validity)| {
            let (was, is) = phases(*validity);
            was != is
        });
        let turned = turned.map(|(host, _)| host.clone()).collect();
        self.next = dated.filter_map(|(_, validity)| validity.next_change(now)).min();
        self.known = true;
        turned
    }

    /// Notes what a host wants, or that it wants nothing.
    pub(crate) fn set(&mut self, host: &HostPattern, entry: Option<Entry>) {
        self.known = false;
        match entry {
            Some(entry) => self.entries.insert(host.clone(), entry),
            None => self.entries.remove(host),
        };
    }

    /// How many there are of which kind.
    pub(crate) fn count(&self) -> Certificates {
        let mut counts = Certificates::default();
        for entry in self.entries.values() {
            let counter = match entry.validity.map(|validity| self.phase(validity)) {
                _ if entry.shown => &mut counts.shown,
                Some(Phase::Expired) => &mut counts.expired,
                Some(Phase::Early) => &mut counts.not_yet_valid,
                Some(Phase::Valid) | None => &mut counts.unusable,
            };
            *counter += 1;
        }
        let shown = self.entries.values().filter(|entry| entry.shown);
        counts.first_expiry = shown.filter_map(|entry| Some(entry.validity?.not_after)).min();
        counts
    }
}
