//! What is known of each client: bounded, whoever asks and from however many addresses.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Bounds, Over, Rate};
use crate::denial::Denial;
use crate::moment::Moment;

/// Parts of a zone, each under a lock of its own: more than a gateway has threads, so that they seldom meet.
const SHARDS: usize = 16;
/// Clients of a part that have asked lately. As many who asked before them are remembered as well, so a zone knows 65,536 clients
/// at most, in some 5 MiB: a client is forgotten only after 2,048 others have come to its part.
const GENERATION: usize = 2048;
/// Clients that all zones of a process know together, in some 40 MiB. Zones forget sooner when there are more.
const MOST_CLIENTS: usize = 1 << 19;
/// Bits of an IPv6 address that are one client's: whoever has one address of a /64 has all of them (RFC 6177 §2).
const CLIENT_BITS: u32 = 64;

/// How many clients all zones may know together.
#[derive(Debug)]
pub struct Space {
    known: AtomicUsize,
    most: usize,
}

impl Default for Space {
    fn default() -> Self {
        Self::of(MOST_CLIENTS)
    }
}

impl Space {
    /// For `most` clients.
    #[must_use]
    pub const fn of(most: usize) -> Self {
        Self { known: AtomicUsize::new(0), most }
    }

    /// Clients that are known now.
    #[must_use]
    pub fn known(&self) -> usize {
        self.known.load(Ordering::Relaxed)
    }

    fn has_room(&self) -> bool {
        self.known() < self.most
    }

    fn add(&self) {
        self.known.fetch_add(1, Ordering::Relaxed);
    }

    fn give_back(&self, clients: usize) {
        self.known.fetch_sub(clients, Ordering::Relaxed);
    }
}

/// The clients of all routes that share their limits. Equal to another one with the same bounds, whatever they have counted.
#[derive(Debug)]
pub struct Zone {
    bounds: Bounds,
    shards: [Mutex<Shard>; SHARDS],
    space: Arc<Space>,
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.bounds == other.bounds
    }
}

/// Two generations of clients: when the younger one is full, the older one is forgotten, and the younger becomes the older.
#[derive(Debug, Default)]
struct Shard {
    young: BTreeMap<u128, Client>,
    old: BTreeMap<u128, Client>,
}

/// What is known of a client. All times are in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Client {
    /// When what it has asked this second is paid for.
    second: u64,
    /// The same for the minute.
    minute: u64,
    /// Requests that are there.
    present: u32,
}

impl Zone {
    /// A zone that knows nobody yet.
    #[must_use]
    pub fn new(bounds: Bounds, space: Arc<Space>) -> Self {
        Self { bounds, shards: Default::default(), space }
    }

    /// The bounds on each client.
    #[must_use]
    pub const fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// What is shared with other zones.
    #[must_use]
    pub const fn space(&self) -> &Arc<Space> {
        &self.space
    }

    /// Counts a request of `client`, and while the result lives, that it is there. One that is refused counts for nothing.
    ///
    /// # Errors
    /// Which limit it exceeds.
    pub fn enter(self: &Arc<Self>, client: IpAddr, now: Moment) -> Result<Option<Place>, Over> {
        let key = key(client);
        let now = now.as_micros().saturating_mul(1000);
        let mut shard = self.shard(key);
        let client = shard.client(key, &self.space);
        if self.bounds.connections.is_some_and(|most| client.present >= most.get()) {
            return Err(Over { denial: Denial::ConnectionsLimited, seconds: 1 });
        }
        let second = take(self.bounds.per_second, client.second, now)?;
        client.minute = take(self.bounds.per_minute, client.minute, now)?;
        client.second = second;
        Ok(self.bounds.connections.map(|_| {
            client.present += 1;
            Place { zone: Arc::clone(self), key }
        }))
    }

    fn leave(&self, key: u128) {
        let mut shard = self.shard(key);
        let Shard { young, old } = &mut *shard;
        let generation = if young.contains_key(&key) { young } else { old };
        let Some(client) = generation.get_mut(&key) else { return };
        client.present = client.present.saturating_sub(1);
        let Bounds { per_second, per_minute, .. } = self.bounds;
        if client.present == 0 && per_second.is_none() && per_minute.is_none() {
            generation.remove(&key);
            self.space.give_back(1);
        }
    }

    fn shard(&self, key: u128) -> MutexGuard<'_, Shard> {
        let [first, ..] = &self.shards;
        let shard = self.shards.get(place(key)).unwrap_or(first);
        // What is written under the lock is whole after every statement.
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Zone {
    fn drop(&mut self) {
        let lock = |shard: &mut Mutex<Shard>| {
            let shard = shard.get_mut().unwrap_or_else(PoisonError::into_inner);
            shard.young.len() + shard.old.len()
        };
        self.space.give_back(self.shards.iter_mut().map(lock).sum());
    }
}

impl Shard {
    fn client(&mut self, key: u128, space: &Space) -> &mut Client {
        if !self.young.contains_key(&key) {
            let known = self.old.remove(&key);
            if known.is_none() {
                self.make_room(space);
                space.add();
            }
            if self.young.len() >= GENERATION {
                self.turn(space);
            }
            self.young.insert(key, known.unwrap_or_default());
        }
        self.young.entry(key).or_default()
    }

    /// If all zones together are full, this part forgets all that it can: at worst each knows one client more than there is
    /// room for, and those that are present.
    fn make_room(&mut self, space: &Space) {
        for _ in 0..2 {
            if !space.has_room() {
                self.turn(space);
            }
        }
    }

    /// Forgets the older generation, but for clients that are present: their limit would be forgotten with them, and there
    /// are no more of them than requests in flight.
    fn turn(&mut self, space: &Space) {
        let gone = std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
        let before = gone.len();
        self.young.extend(gone.into_iter().filter(|(_, client)| client.present > 0));
        space.give_back(before - self.young.len());
    }
}

/// A request that is there, for as long as this lives.
#[derive(Debug)]
pub struct Place {
    zone: Arc<Zone>,
    key: u128,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.zone.leave(self.key);
    }
}

fn take(rate: Option<Rate>, paid: u64, now: u64) -> Result<u64, Over> {
    let Some(rate) = rate else { return Ok(0) };
    let over = |early: u64| Over { denial: Denial::RateLimited, seconds: early.div_ceil(super::SECOND).max(1) };
    rate.take(paid, now).map_err(over)
}

/// The address of a client as a number. Those of IPv4 have a form in IPv6 that no client has (RFC 4291 §2.5.5.2).
fn key(client: IpAddr) -> u128 {
    match client.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits() >> CLIENT_BITS << CLIENT_BITS,
    }
}

/// Which part of a zone a client is in: every bit counts, and neighbours are spread.
fn place(key: u128) -> usize {
    let folded = (key >> 64) as u64 ^ key as u64;
    // 2^64 by the golden ratio (Fibonacci hashing): the high bits of the product depend on all others.
    (folded.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize % SHARDS
}
