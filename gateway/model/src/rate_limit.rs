//! How often clients of a route may ask, and how many of their requests may be there at once: a leaky bucket for each client.

mod clients;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

pub use self::clients::{Place, Space, Zone};
use crate::answer::Answer;
use crate::denial::Denial;
use crate::moment::Moment;
use crate::settings::Network;

/// The limits of a route, and what those are told who exceed them.
#[derive(Clone, Debug, PartialEq)]
pub struct RateLimit {
    /// What is counted, for all routes that share it.
    pub zone: Arc<Zone>,
    /// Clients that are not counted.
    pub exempt: Box<[Network]>,
    /// 429 (RFC 6585 §4), or 503 as in ingress-nginx.
    pub status: u16,
    /// Whether they are told when to ask again (RFC 9110 §10.2.3).
    pub says_when: bool,
}

/// Bounds on each client. What is not there is not bounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Requests in a second.
    pub per_second: Option<Rate>,
    /// Requests in a minute.
    pub per_minute: Option<Rate>,
    /// Requests at once.
    pub connections: Option<NonZeroU32>,
}

/// A rate, and how far it may be exceeded for a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Nanoseconds that each request takes up.
    interval: u64,
    /// Nanoseconds that a client may be ahead of its rate.
    ahead: u64,
}

/// Nanoseconds in a second.
const SECOND: u64 = 1_000_000_000;

impl Rate {
    /// `limit` requests in a second, and `burst` at once beyond the first.
    #[must_use]
    pub fn per_second(limit: NonZeroU32, burst: u64) -> Self {
        Self::new(SECOND, limit, burst)
    }

    /// `limit` requests in a minute, and `burst` at once beyond the first.
    #[must_use]
    pub fn per_minute(limit: NonZeroU32, burst: u64) -> Self {
        Self::new(60 * SECOND, limit, burst)
    }

    fn new(period: u64, limit: NonZeroU32, burst: u64) -> Self {
        let interval = period / u64::from(limit.get());
        Self { interval, ahead: interval.saturating_mul(burst) }
    }

    /// Whether a request may pass at `now`, of a client whose last one is paid for at `paid`. Says when this one is, or how long
    /// it is too early. All in nanoseconds.
    ///
    /// A bucket that leaks one request an interval and overflows by `burst` is full for as long as `paid` is in the future, so one
    /// number is all there is to keep of it.
    const fn take(self, paid: u64, now: u64) -> Result<u64, u64> {
        let begin = if paid > now { paid } else { now };
        match (begin - now).checked_sub(self.ahead) {
            None | Some(0) => Ok(begin.saturating_add(self.interval)),
            Some(early) => Err(early),
        }
    }
}

/// A limit is exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Over {
    /// Which one.
    pub denial: Denial,
    /// Whole seconds after which it is worth asking again; at least one.
    pub seconds: u64,
}

impl RateLimit {
    /// Counts a request, and while the result lives, that it is there.
    ///
    /// # Errors
    /// What the client is told if it may not ask now.
    pub fn admit(&self, client: IpAddr, now: Moment) -> Result<Option<Place>, Answer> {
        if self.exempt.iter().any(|network| network.contains(client)) {
            return Ok(None);
        }
        self.zone.enter(client, now).map_err(|over| {
            let when = self.says_when.then(|| ("Retry-After", over.seconds.to_string().into_bytes()));
            Answer { status: self.status, fields: when.into_iter().collect(), denial: Some(over.denial) }
        })
    }
}
