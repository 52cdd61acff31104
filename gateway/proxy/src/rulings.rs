//! What services have said of requests, as long as it holds: of one thread, within a bound.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use tokio::time::Instant;

/// Answers of one generation. Two are kept: what was not asked for while the younger one filled up is forgotten.
const GENERATION: usize = 2048;
/// Largest answer that is kept, in bytes of its fields: with all of both generations, 16 MiB.
const LARGEST: usize = 4 << 10;

/// What a service has said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ruling {
    pub(crate) status: u16,
    /// Fields for the backend: which of those that it is told, and the value.
    pub(crate) for_backend: Vec<(usize, Vec<u8>)>,
    /// Fields for the client.
    pub(crate) for_client: Vec<(&'static str, Vec<u8>)>,
    /// Whether it holds for more than one request.
    pub(crate) may_be_kept: bool,
}

/// Rulings by key.
#[derive(Debug, Default)]
pub(crate) struct Rulings(RefCell<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Box<[u8]>, (Rc<Ruling>, Instant)>,
    old: HashMap<Box<[u8]>, (Rc<Ruling>, Instant)>,
}

/// A beginning of keys that no other parts have.
pub(crate) fn key<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> Vec<u8> {
    let mut key = Vec::new();
    for part in parts {
        key.extend_from_slice(&part.len().to_le_bytes());
        key.extend_from_slice(part);
    }
    key
}

impl Rulings {
    /// What was said, if it still holds.
    pub(crate) fn get(&self, key: &[u8], now: Instant) -> Option<Rc<Ruling>> {
        let mut generations = self.0.borrow_mut();
        if let Some((ruling, until)) = generations.young.get(key) {
            return (now < *until).then(|| Rc::clone(ruling));
        }
        let (key, (ruling, until)) = generations.old.remove_entry(key).filter(|(_, (_, until))| now < *until)?;
        generations.insert(key, (Rc::clone(&ruling), until));
        Some(ruling)
    }

    /// Keeps what was said until `until`.
    pub(crate) fn put(&self, key: Box<[u8]>, ruling: Rc<Ruling>, until: Instant) {
        let fields = ruling.for_backend.iter().map(|(_, value)| value.len());
        let bytes = fields.chain(ruling.for_client.iter().map(|(_, value)| value.len())).sum::<usize>();
        if bytes + key.len() <= LARGEST {
            self.0.borrow_mut().insert(key, (ruling, until));
        }
    }
}

impl Generations {
    fn insert(&mut self, key: Box<[u8]>, kept: (Rc<Ruling>, Instant)) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, kept);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn ruling(status: u16) -> Rc<Ruling> {
        Rc::new(Ruling { status, ..Ruling::default() })
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_said_holds_for_its_time_and_its_key() {
        let (rulings, now) = (Rulings::default(), Instant::now());
        rulings.put(b"a"[..].into(), ruling(200), now + Duration::from_secs(5));
        assert_eq!(rulings.get(b"a", now).unwrap().status, 200);
        assert!(rulings.get(b"b", now).is_none());
        assert!(rulings.get(b"a", now + Duration::from_secs(5)).is_none());
        assert_ne!(key([&b"a"[..], b"bc"]), key([&b"ab"[..], b"c"]));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_asked_for_outlives_what_is_not_and_all_of_it_is_bounded() {
        let (rulings, now) = (Rulings::default(), Instant::now());
        let until = now + Duration::from_secs(60);
        rulings.put(b"kept"[..].into(), ruling(200), until);
        for n in 0..10 * GENERATION {
            rulings.put(n.to_le_bytes()[..].into(), ruling(401), until);
            assert!(rulings.get(b"kept", now).is_some(), "{n}");
        }
        let generations = rulings.0.borrow();
        assert!(generations.young.len() + generations.old.len() <= 2 * GENERATION);
        drop(generations);
        rulings.put(vec![7; LARGEST + 1].into(), ruling(200), until);
        assert!(rulings.get(&[7; LARGEST + 1], now).is_none());
    }
}
