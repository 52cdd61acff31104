//! When another endpoint is asked, where that is safe.

use std::time::Duration;

/// What of an endpoint makes the next one be asked. It never makes a request be sent again that may have had an effect: that is
/// decided where it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextUpstream {
    /// There is no connection to it.
    pub error: bool,
    /// There is none in time.
    pub timeout: bool,
    /// It answers with one of these.
    pub statuses: Statuses,
    /// Whether a status passes on requests with other methods than the idempotent ones as well (RFC 9110 §9.2.2).
    pub non_idempotent: bool,
    /// For how long after the first; `None`: as long as it takes.
    pub within: Option<Duration>,
}

impl Default for NextUpstream {
    fn default() -> Self {
        Self { error: true, timeout: true, statuses: Statuses::NONE, non_idempotent: false, within: None }
    }
}

/// A set of statuses that another endpoint may be asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statuses(u8);

impl Statuses {
    /// None.
    pub const NONE: Self = Self(0);
    /// Those that can be in a set, as in nginx (`proxy_next_upstream`).
    pub const KNOWN: [u16; 7] = [403, 404, 429, 500, 502, 503, 504];

    /// The set with one more; a status that no set has changes nothing.
    #[must_use]
    pub fn with(self, status: u16) -> Self {
        Self(self.0 | bit(status))
    }

    /// Whether it is in the set.
    #[must_use]
    pub fn has(self, status: u16) -> bool {
        self.0 & bit(status) != 0
    }
}

fn bit(status: u16) -> u8 {
    Statuses::KNOWN.iter().position(|known| *known == status).map_or(0, |at| 1 << at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in_and_nothing_else() {
        for status in Statuses::KNOWN {
            let set = Statuses::NONE.with(status).with(200).with(501);
            let has: Vec<u16> = (100..600).filter(|status| set.has(*status)).collect();
            assert_eq!(has, [status]);
        }
        assert!((0..600).all(|status| !Statuses::NONE.has(status)));
    }
}
