//! How much memory the regular expressions of a lane may take, and who has it: the older Ingress, in its own namespace and in the lane.
//!
//! What an Ingress wants on a host follows from the rules of that host alone, and who has room from what all want: so it is the same in
//! whatever order they come, and who was there first loses nothing to who comes later.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bulkhead_model::HostPattern;
use bulkhead_model::limits::{EXPRESSION_ROOM, EXPRESSION_ROOM_EACH};
use thiserror::Error;

use crate::age::Age;

/// Bytes that all expressions may take, each for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpressionRoom {
    /// Those of one namespace.
    pub each: usize,
    /// Those of the lane.
    pub lane: usize,
}

impl Default for ExpressionRoom {
    fn default() -> Self {
        Self { each: EXPRESSION_ROOM_EACH.size(), lane: EXPRESSION_ROOM.size() }
    }
}

/// Why there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Full {
    #[error("older ones of its namespace take the room that a namespace has in this lane")]
    Namespace,
    #[error("older ones take the room that this lane has")]
    Lane,
}

/// Who wants room, and who has none.
#[derive(Debug, Default)]
pub(crate) struct ExpressionRooms {
    room: ExpressionRoom,
    /// By age, and on which host.
    wants: BTreeMap<(Age, HostPattern), usize>,
    of_host: BTreeMap<HostPattern, Vec<Age>>,
    /// What all want, and what those of a namespace want.
    all: usize,
    each: BTreeMap<Arc<str>, usize>,
    full: BTreeMap<(Age, HostPattern), Full>,
}

impl ExpressionRooms {
    pub(crate) fn new(room: ExpressionRoom) -> Self {
        Self { room, ..Self::default() }
    }

    /// Whether an Ingress has room for its expressions on a host, as far as is known.
    pub(crate) fn has_room(&self, age: &Age, host: &HostPattern) -> Result<(), Full> {
        if self.full.is_empty() {
            return Ok(());
        }
        self.full.get(&(age.clone(), host.clone())).map_or(Ok(()), |full| Err(*full))
    }

    /// Takes what is wanted on a host now.
    pub(crate) fn set(&mut self, host: &HostPattern, wants: &BTreeMap<Age, usize>) {
        for age in self.of_host.remove(host).unwrap_or_default() {
            let space = Arc::clone(&age.name.namespace);
            let Some(bytes) = self.wants.remove(&(age, host.clone())) else { continue };
            self.all -= bytes;
            let left = self.each.get(&space).map_or(0, |all| all - bytes);
            if left == 0 {
                self.each.remove(&space)
            } else {
                self.each.insert(space, left)
            };
        }
        for (age, bytes) in wants {
            self.wants.insert((age.clone(), host.clone()), *bytes);
            self.all += bytes;
            *self.each.entry(Arc::clone(&age.name.namespace)).or_default() += bytes;
        }
        if !wants.is_empty() {
            self.of_host.insert(host.clone(), wants.keys().cloned().collect());
        }
    }

    /// Gives room to whom it is due, now that it is known what all want: hosts on which that has changed anything.
    pub(crate) fn settle(&mut self) -> BTreeSet<HostPattern> {
        let fits = self.all <= self.room.lane && self.each.values().all(|bytes| *bytes <= self.room.each);
        let full = if fits { BTreeMap::new() } else { self.share() };
        if full.is_empty() && self.full.is_empty() {
            return BTreeSet::new();
        }
        let before = std::mem::replace(&mut self.full, full);
        let now = &self.full;
        let lost = now.iter().filter(|(who, why)| before.get(who) != Some(why)).map(|((_, host), _)| host);
        // Whoever wants nothing any more has been looked at already.
        let won =
            before.keys().filter(|who| !now.contains_key(who) && self.wants.contains_key(who)).map(|(_, host)| host);
        lost.chain(won).cloned().collect()
    }

    /// Who has no room if the older ones have theirs. What is left is given to those who need no more than that.
    fn share(&self) -> BTreeMap<(Age, HostPattern), Full> {
        let (mut all, mut each) = (0_usize, BTreeMap::<&Arc<str>, usize>::new());
        let mut full = BTreeMap::new();
        for (who, bytes) in &self.wants {
            let own = each.entry(&who.0.name.namespace).or_default();
            if *own + bytes > self.room.each {
                full.insert(who.clone(), Full::Namespace);
            } else if all + bytes > self.room.lane {
                full.insert(who.clone(), Full::Lane);
            } else {
                *own += bytes;
                all += bytes;
            }
        }
        full
    }
}
