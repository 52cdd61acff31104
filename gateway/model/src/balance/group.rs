//! The endpoints of one backend as one thread knows them, and the choice among them.
//!
//! Whatever the method, an endpoint is passed over that was tried for this request already, that has as many requests in flight
//! as it may have, or that is ejected. Where fewer than half of the endpoints are left by ejections, those are not honoured any more
//! (panic): what is left would break under the load of all, and it is more likely that the failures are ours.

use std::cell::Cell;

use super::load::Load;
use super::policy::Method;
use super::ring::Ring;
use super::sticky::Sticky;
use crate::backend::Endpoint;
use crate::moment::Moment;

/// An endpoint that can be chosen.
pub trait Candidate {
    /// Which.
    fn endpoint(&self) -> &Endpoint;
    /// What this thread knows of it.
    fn load(&self) -> &Load;
}

/// The endpoints of one backend as one thread knows them.
#[derive(Debug)]
pub struct Group<T> {
    /// In order of address.
    members: Vec<T>,
    /// Whose turn was the last.
    turn: usize,
    /// Made when it is first asked for.
    ring: Option<Ring>,
}

/// What a choice takes into account.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The time.
    pub now: Moment,
    /// Any number, another for each choice.
    pub random: u64,
    /// Most requests in flight to one endpoint from this thread.
    pub most: u32,
    /// Requests in flight to all endpoints of the backend from this thread.
    pub in_flight: u32,
    /// Ids of endpoints that were tried before for the same request.
    pub tried: &'a [u64],
}

/// What the endpoint is chosen by.
#[derive(Clone, Copy, Debug)]
pub enum By<'a> {
    /// What is known of endpoints.
    Method(Method),
    /// The place of a key on a ring, and on from there past endpoints that have too much to do.
    Key(u64),
    /// The place of a key on a ring: a session stays where it is, however much there is to do.
    Session(u64),
    /// Any of so many endpoints that follow the place of a key on a ring.
    Subset(u64, u8),
    /// What a cookie says of the endpoint that is meant; another one by the method, where that one is away.
    Token(&'a Sticky, u64, Method),
}

/// An endpoint that is to be asked.
#[derive(Clone, Copy, Debug)]
pub struct Chosen<'g, T> {
    /// Which.
    pub member: &'g T,
    /// Whether ejections are not honoured, because too many are ejected.
    pub panic: bool,
}

/// Why nobody is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nobody {
    /// There is no endpoint.
    NoEndpoints,
    /// Every endpoint that could be asked has as many requests in flight as it may have.
    Full,
    /// Every endpoint that could be asked was tried before.
    Tried,
}

/// How much a loaded endpoint may have, in percent of the mean, where keys decide.
const OF_MEAN: u64 = 125;
/// Requests in flight from one thread that are no load, whatever the mean: without it, the six connections of one browser would
/// be spread over as many endpoints whenever nothing else is going on.
const LIGHT: u32 = 16;

impl<T: Candidate> Group<T> {
    /// A group of `members`, which are in order of address. `start` is any number: threads begin at different places, so
    /// that they do not march in step.
    #[must_use]
    pub fn new(members: Vec<T>, start: u64) -> Self {
        let turn = place(start, members.len());
        Self { members, turn, ring: None }
    }

    /// Its members, in order of address.
    #[must_use]
    pub fn members(&self) -> &[T] {
        &self.members
    }

    /// Takes `members` instead. Those that were not there are spared at first, unless there was nobody at all.
    pub fn replace(&mut self, members: Vec<T>, now: Moment) {
        let known = self.members.iter().map(|member| member.load().latency(now)).filter(|latency| *latency > 0);
        let (sum, count) = known.fold((0_u64, 0_u64), |(sum, count), latency| (sum.saturating_add(latency), count + 1));
        let mean = sum.checked_div(count).unwrap_or_default();
        for new in members.iter().filter(|new| !self.members.is_empty() && !self.has(new.endpoint())) {
            new.load().warm_up(now, mean);
        }
        self.turn = if self.turn < members.len() { self.turn } else { 0 };
        self.members = members;
        self.ring = None;
    }

    /// Whom to ask.
    ///
    /// # Errors
    /// There is nobody.
    pub fn choose(&mut self, by: By<'_>, ask: &Ask<'_>) -> Result<Chosen<'_, T>, Nobody> {
        let panic = Cell::new(None);
        let view = View { members: &self.members, ask, panic: &panic };
        let at = match by {
            By::Method(method) => view.by(method, &mut self.turn),
            By::Key(key) | By::Session(key) => {
                let keys = self.members.iter().map(|member| member.endpoint().key);
                let ring = self.ring.get_or_insert_with(|| Ring::new(keys));
                let is_bound = matches!(by, By::Session(_));
                if is_bound { ring.from(key).find(|at| view.takes(*at)) } else { view.by_key(ring, key) }
            }
            By::Subset(key, size) => {
                let keys = self.members.iter().map(|member| member.endpoint().key);
                view.any_of(self.ring.get_or_insert_with(|| Ring::new(keys)), key, size)
            }
            By::Token(sticky, token, method) => {
                let is_meant = |at: &usize| view.key(*at).is_some_and(|key| sticky.token(key) == token);
                let meant = (0..self.members.len()).find(is_meant).filter(|at| view.takes(*at));
                meant.or_else(|| view.by(method, &mut self.turn))
            }
        };
        match at.and_then(|at| self.members.get(at)) {
            Some(member) => Ok(Chosen { member, panic: panic.get() == Some(true) }),
            None if self.members.is_empty() => Err(Nobody::NoEndpoints),
            None if self.members.iter().any(|member| member.load().in_flight() >= ask.most) => Err(Nobody::Full),
            None => Err(Nobody::Tried),
        }
    }

    /// Whose place on the ring a key is, whatever there is to know of it.
    #[must_use]
    pub fn owner(&mut self, key: u64) -> Option<&T> {
        let keys = self.members.iter().map(|member| member.endpoint().key);
        let at = self.ring.get_or_insert_with(|| Ring::new(keys)).from(key).next();
        at.and_then(|at| self.members.get(at))
    }

    /// Whether there is anybody to ask.
    #[must_use]
    pub fn has_somebody(&self, ask: &Ask<'_>) -> bool {
        let view = View { members: &self.members, ask, panic: &Cell::new(None) };
        (0..self.members.len()).any(|at| view.takes(at))
    }

    /// Whether the endpoint that a cookie stands for is there.
    #[must_use]
    pub fn knows(&self, sticky: &Sticky, token: u64) -> bool {
        self.members.iter().any(|member| sticky.token(member.endpoint().key) == token)
    }

    fn has(&self, endpoint: &Endpoint) -> bool {
        let found = self.members.binary_search_by(|old| old.endpoint().address.cmp(&endpoint.address));
        found.ok().and_then(|at| self.members.get(at)).is_some_and(|old| old.endpoint().id == endpoint.id)
    }
}

/// Members and what is asked of them.
struct View<'v, T> {
    members: &'v [T],
    ask: &'v Ask<'v>,
    /// Whether ejections are not honoured; `None` while nobody was ejected among those looked at.
    panic: &'v Cell<Option<bool>>,
}

impl<T: Candidate> View<'_, T> {
    fn by(&self, method: Method, turn: &mut usize) -> Option<usize> {
        match method {
            Method::RoundRobin => self.in_turn(turn),
            Method::LeastRequests => self.better_of_two(Load::requests),
            Method::PeakEwma => self.better_of_two(Load::delay),
            Method::Random => self.any(),
        }
    }

    /// Whether the member there may be asked.
    fn takes(&self, at: usize) -> bool {
        self.members.get(at).is_some_and(|member| {
            let endpoint = member.endpoint();
            member.load().in_flight() < self.ask.most
                && (!endpoint.health.is_ejected(self.ask.now) || self.panics())
                && !self.ask.tried.contains(&endpoint.id)
        })
    }

    /// Whether fewer than half are left by ejections.
    fn panics(&self) -> bool {
        let panics = self.panic.get().unwrap_or_else(|| {
            let left = self.members.iter().filter(|one| !one.endpoint().health.is_ejected(self.ask.now)).count();
            left * 2 < self.members.len()
        });
        self.panic.set(Some(panics));
        panics
    }

    fn load(&self, at: usize) -> Option<&Load> {
        self.members.get(at).map(Candidate::load)
    }

    fn key(&self, at: usize) -> Option<u64> {
        self.members.get(at).map(|member| member.endpoint().key)
    }

    fn in_turn(&self, turn: &mut usize) -> Option<usize> {
        let (mut at, mut second) = (*turn, None);
        for _ in 0..self.members.len() {
            at = if at + 1 < self.members.len() { at + 1 } else { 0 };
            if self.takes(at) {
                if self.load(at)?.takes_turn(self.ask.now) {
                    *turn = at;
                    return Some(at);
                }
                second = second.or(Some(at));
            }
        }
        *turn = second.unwrap_or(at);
        second
    }

    fn any(&self) -> Option<usize> {
        let (one, other) = self.two();
        let dice = (self.ask.random % u64::from(super::load::WHOLE)) as u32;
        let lucky = self.takes(one) && self.load(one)?.share(self.ask.now) > dice;
        self.or_next(if lucky { one } else { other })
    }

    fn better_of_two(&self, cost: fn(&Load, Moment) -> u64) -> Option<usize> {
        let (one, other) = self.two();
        let cost = |at| self.load(at).map_or(u64::MAX, |load| cost(load, self.ask.now));
        if self.takes(one) && (cost(one) <= cost(other) || !self.takes(other)) {
            return Some(one);
        }
        self.or_next(other)
    }

    /// Two different places at random; the same one twice where there is one only.
    fn two(&self) -> (usize, usize) {
        let (one, rest) = (place(self.ask.random, self.members.len()), self.members.len().saturating_sub(1));
        let other = place(self.ask.random.rotate_left(32), rest);
        (one, if rest > 0 && other >= one { other + 1 } else { other })
    }

    /// The member there, or the next behind it that may be asked.
    fn or_next(&self, at: usize) -> Option<usize> {
        (at..self.members.len()).chain(0..at).find(|at| self.takes(*at))
    }

    /// One of the first `size` different owners from the key's place on that may be asked.
    fn any_of(&self, ring: &Ring, key: u64, size: u8) -> Option<usize> {
        let (mut few, mut count) = ([0; u8::MAX as usize], 0);
        let size = usize::from(size).min(self.members.len());
        for at in ring.from(key) {
            if count == size {
                break;
            }
            if self.takes(at) && !few.iter().take(count).any(|known| *known == at) {
                *few.get_mut(count)? = at;
                count += 1;
            }
        }
        few.get(..count)?.get(place(self.ask.random, count)).copied()
    }

    /// The first owner from the key's place on that has not more to do than the bound: a quarter above the mean, rounded up, or
    /// what is no load (Mirrokni, Thorup, Zadimoghaddam, "Consistent Hashing with Bounded Loads", 2016).
    fn by_key(&self, ring: &Ring, key: u64) -> Option<usize> {
        let within = |count: usize| {
            let bound = bound(self.ask.in_flight, count);
            ring.from(key).find(|at| self.load(*at).is_some_and(|load| load.in_flight() < bound) && self.takes(*at))
        };
        // Only if some may not be asked can all the others be at the bound of all.
        within(self.members.len()).or_else(|| within((0..self.members.len()).filter(|at| self.takes(*at)).count()))
    }
}

/// Most requests in flight to one of `count` endpoints, when there will be one more than `in_flight` to all of them.
fn bound(in_flight: u32, count: usize) -> u32 {
    let most = ((u64::from(in_flight) + 1) * OF_MEAN).div_ceil(100 * (count as u64).max(1));
    u32::try_from(most).unwrap_or(u32::MAX).max(LIGHT)
}

/// A place below `count` for any number; 0 if there is none. The top half of the number decides.
fn place(random: u64, count: usize) -> usize {
    // Below `count`, as the first factor is below 2^32.
    (((random >> 32) * count as u64) >> 32) as usize
}

#[cfg(test)]
mod tests;
