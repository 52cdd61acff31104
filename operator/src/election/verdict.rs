//! Who leads, judged from what the Lease says and from the own clock. Pure: the Lease and the time come in, what to do goes out.
//!
//! Times that another replica wrote are never compared with a clock of ours: clocks differ and jump. A replica that waits only notes by
//! its own monotonic clock since when the Lease has not changed.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// How long a Lease that nobody renews keeps others off.
pub const LEASE: Duration = Duration::from_secs(15);
/// How long after the begin of its last renewal a leader may act. Less than [`LEASE`] by what a write that has left may take to arrive.
pub const LEAD: Duration = Duration::from_secs(10);
/// Between two looks at the Lease. With [`LEASE`] it bounds the time without a leader.
pub const LOOK: Duration = Duration::from_secs(2);

/// The part of a Lease by which one holding is told from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Who holds it; empty when it was given back.
    pub holder: String,
    /// When the holder says that it renewed it. Different for every renewal.
    pub renewed: Option<Timestamp>,
}

/// A Lease that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its resource version, over which alone it may be written.
    pub version: String,
    /// What it says.
    pub mark: Mark,
    /// How long its holder means to keep others off without renewing it.
    pub lasts: Duration,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Write this into the Lease: over this version, or as a new one where there is none. Whoever succeeds leads.
    Write {
        /// The version that must not have changed.
        over: Option<String>,
        /// What to write.
        mark: Mark,
    },
    /// Somebody else leads: look again later.
    Wait,
    /// Somebody else leads although this replica did: stop at once.
    Lost {
        /// Who.
        holder: String,
    },
}

/// One replica in the election.
#[derive(Clone, Debug)]
pub struct Candidate {
    name: String,
    /// The Lease of another as it was last seen, and since when it has been so.
    seen: Option<(Mark, Instant)>,
    /// What this replica wrote last, and what it tried to write since: an answer that never came may have been a yes.
    written: Option<Mark>,
    tried: Option<Mark>,
    leads: bool,
}

impl Candidate {
    /// A replica that does not lead yet. A Lease under its own name was left by its earlier self, which has ended.
    #[must_use]
    pub const fn new(name: String) -> Self {
        Self { name, seen: None, written: None, tried: None, leads: false }
    }

    /// Its name in the Lease.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What to do about the Lease as it was `found`, at `now` by the monotonic clock. `time` is only written down for people.
    pub fn judge(&mut self, found: Option<&Found>, now: Instant, time: Timestamp) -> Step {
        let over = found.map(|found| found.version.clone());
        let free = match found {
            None => true,
            Some(found) if self.leads => {
                let mine = [&self.written, &self.tried].into_iter().flatten().any(|mark| *mark == found.mark);
                if !mine {
                    return Step::Lost { holder: found.mark.holder.clone() };
                }
                true
            }
            Some(found) => found.mark.holder.is_empty() || found.mark.holder == self.name || self.outlasted(found, now),
        };
        if !free {
            return Step::Wait;
        }
        // The API server keeps microseconds.
        let renewed = Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time);
        let mark = Mark { holder: self.name.clone(), renewed: Some(renewed) };
        self.tried = Some(mark.clone());
        Step::Write { over, mark }
    }

    /// The API server took what was to be written.
    pub fn took(&mut self) {
        self.leads = true;
        self.written = self.tried.clone();
    }

    /// Whether the Lease of another has not changed for as long as it lasts.
    fn outlasted(&mut self, found: &Found, now: Instant) -> bool {
        match &self.seen {
            Some((mark, since)) if *mark == found.mark => {
                now.saturating_duration_since(*since) >= found.lasts.max(LEASE)
            }
            _ => {
                self.seen = Some((found.mark.clone(), now));
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn found(version: &str, holder: &str, renewed: i64) -> Found {
        let mark = Mark { holder: holder.to_owned(), renewed: Some(time(renewed)) };
        Found { version: version.to_owned(), mark, lasts: LEASE }
    }

    fn candidate() -> Candidate {
        Candidate::new("a".to_owned())
    }

    fn writes_over(step: &Step) -> Option<&str> {
        match step {
            Step::Write { over, .. } => Some(over.as_deref().unwrap_or("nothing")),
            _ => None,
        }
    }

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_lease_that_is_missing_given_back_or_of_ones_earlier_self_is_taken_at_once() {
        let cases = [(None, "nothing"), (Some(found("7", "", 0)), "7"), (Some(found("8", "a", 0)), "8")];
        for (lease, over) in cases {
            let step = candidate().judge(lease.as_ref(), Instant::now(), time(1));
            assert_eq!(writes_over(&step), Some(over), "{lease:?}");
        }
    }

    #[test]
    fn the_lease_of_another_is_taken_when_it_has_not_changed_for_as_long_as_it_lasts() {
        let (mut a, start) = (candidate(), Instant::now());
        let mut at = |seconds, lease: &Found| a.judge(Some(lease), start + secs(seconds), time(0));
        assert_eq!(at(0, &found("1", "b", 100)), Step::Wait);
        assert_eq!(at(14, &found("1", "b", 100)), Step::Wait);
        assert_eq!(at(14, &found("2", "b", 102)), Step::Wait);
        assert_eq!(at(28, &found("2", "b", 102)), Step::Wait);
        assert_eq!(writes_over(&at(29, &found("2", "b", 102))), Some("2"));
        let long = Found { lasts: secs(60), ..found("2", "b", 102) };
        assert_eq!(at(61, &long), Step::Wait);
    }

    #[test]
    fn clocks_that_differ_or_jump_change_nothing() {
        let start = Instant::now();
        for theirs in [-1_000_000, 0, 1_000_000] {
            for ours in [-1_000_000, 0, 1_000_000] {
                let mut a = candidate();
                let lease = found("1", "b", theirs);
                assert_eq!(a.judge(Some(&lease), start, time(ours)), Step::Wait);
                assert_eq!(a.judge(Some(&lease), start + secs(14), time(-ours)), Step::Wait);
                assert!(writes_over(&a.judge(Some(&lease), start + secs(15), time(ours))).is_some());
            }
        }
    }

    #[test]
    fn a_leader_renews_what_it_wrote_even_if_the_answer_never_came() {
        let (mut a, start) = (candidate(), Instant::now());
        assert!(writes_over(&a.judge(None, start, time(10))).is_some());
        a.took();
        assert_eq!(writes_over(&a.judge(Some(&found("1", "a", 10)), start, time(12))), Some("1"));
        // No answer: what is found may be the old one as well as the new.
        assert_eq!(writes_over(&a.clone().judge(Some(&found("1", "a", 10)), start, time(14))), Some("1"));
        assert_eq!(writes_over(&a.judge(Some(&found("2", "a", 12)), start, time(14))), Some("2"));
    }

    #[test]
    fn a_leader_that_finds_another_or_a_namesake_has_lost() {
        for (holder, renewed) in [("b", 11), ("a", 11), ("", 10)] {
            let (mut a, start) = (candidate(), Instant::now());
            a.judge(None, start, time(10));
            a.took();
            let step = a.judge(Some(&found("9", holder, renewed)), start, time(12));
            assert_eq!(step, Step::Lost { holder: holder.to_owned() });
        }
    }

    #[test]
    fn a_leader_stops_before_anybody_else_can_begin() {
        assert!(LEAD + secs(3) < LEASE);
        assert!(LEASE + LOOK + secs(2) < secs(20));
    }
}
