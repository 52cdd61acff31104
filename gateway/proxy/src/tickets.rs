//! Keys of session tickets.
//!
//! A ticket is a session, sealed with a key that only this process has and held by the client. The key is changed every [`PERIOD`], and
//! what the last one has sealed is read for one more: so a key that is stolen opens the sessions of half a day, not of the life of the
//! process (RFC 9325 §7.4), and a client that comes back within one period always finds its ticket taken.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::UnixTime;
use rustls::server::ProducesTickets;

/// Seconds for which a key seals: six hours, so that tickets are good for six to twelve.
const PERIOD: u64 = 6 * 60 * 60;

/// Seals and reads tickets.
pub(crate) struct Tickets {
    /// Seconds since 1970.
    now: Box<dyn Fn() -> u64 + Send + Sync>,
    keys: RwLock<Keys>,
}

#[derive(Clone)]
struct Keys {
    current: Key,
    previous: Option<Key>,
    /// The second in which the current one ceases to seal.
    until: u64,
}

type Key = Arc<dyn ProducesTickets>;

impl Tickets {
    /// With a key that nobody has seen.
    ///
    /// # Errors
    /// When the system gives no randomness for it.
    pub(crate) fn new() -> Result<Self, rustls::Error> {
        Self::by(Box::new(|| UnixTime::now().as_secs()))
    }

    fn by(now: Box<dyn Fn() -> u64 + Send + Sync>) -> Result<Self, rustls::Error> {
        let until = now().saturating_add(PERIOD);
        let keys = RwLock::new(Keys { current: key()?, previous: None, until });
        Ok(Self { now, keys })
    }

    /// The keys that count now; `None` if new ones are due, and the system gives no randomness for them.
    fn keys(&self) -> Option<Keys> {
        let now = (self.now)();
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner).clone();
        if now < keys.until {
            return Some(keys);
        }
        let fresh = key().ok()?;
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been faster.
        if now >= keys.until {
            let last = std::mem::replace(&mut keys.current, fresh);
            let end = keys.until.saturating_add(PERIOD);
            // However late this is noticed, the last key is read until one period after it ceased to seal, and no longer.
            (keys.previous, keys.until) =
                if now < end { (Some(last), end) } else { (None, now.saturating_add(PERIOD)) };
        }
        Some(keys.clone())
    }
}

/// Each of these would change its key by itself as well, every six hours by the clock of the system: no sooner than it is given up here.
fn key() -> Result<Key, rustls::Error> {
    aws_lc_rs::Ticketer::new()
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    /// What clients are told: the longest that any ticket is read.
    fn lifetime(&self) -> u32 {
        u32::try_from(2 * PERIOD).unwrap_or(u32::MAX)
    }

    fn encrypt(&self, session: &[u8]) -> Option<Vec<u8>> {
        self.keys()?.current.encrypt(session)
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let keys = self.keys()?;
        keys.current.decrypt(ticket).or_else(|| keys.previous?.decrypt(ticket))
    }
}

/// Nothing of a key must end up in a log.
impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tickets").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
