//! What waits to be checked, list of users by list of users: each has its turn, however many wait for another.

use std::collections::VecDeque;

use bulkhead_model::limits;

use super::Busy;

/// What waits, at most. Who comes later is told so.
const WAITING: usize = limits::PASSWORDS.size();
/// What waits for one list, at most.
const WAITING_FOR_ONE: usize = limits::PASSWORDS_EACH.size();

/// What waits. No list in it is empty.
#[derive(Debug)]
pub(super) struct Turns<J> {
    /// In the order of their turns.
    lists: VecDeque<(u64, VecDeque<J>)>,
    waiting: usize,
}

impl<J> Default for Turns<J> {
    fn default() -> Self {
        Self { lists: VecDeque::new(), waiting: 0 }
    }
}

impl<J> Turns<J> {
    /// Puts in what waits for a list. Where all places are taken, a list that has more than this one gives up its last, which is
    /// returned: who keeps many waiting takes no place from who does not.
    pub(super) fn push(&mut self, list: u64, job: J, is_wanted: impl Fn(&J) -> bool) -> Result<Option<J>, Busy> {
        if self.waiting >= WAITING || self.count(list) >= WAITING_FOR_ONE {
            self.sweep(is_wanted);
        }
        let own = self.count(list);
        if own >= WAITING_FOR_ONE {
            return Err(Busy);
        }
        let mut given_up = None;
        if self.waiting >= WAITING {
            let longest =
                self.lists.iter_mut().max_by_key(|(_, jobs)| jobs.len()).filter(|(_, jobs)| jobs.len() > own + 1);
            let (_, jobs) = longest.ok_or(Busy)?;
            given_up = jobs.pop_back();
            self.waiting -= 1;
        }
        self.waiting += 1;
        match self.lists.iter_mut().find(|(other, _)| *other == list) {
            Some((_, jobs)) => jobs.push_back(job),
            None => self.lists.push_back((list, VecDeque::from([job]))),
        }
        Ok(given_up)
    }

    /// What has waited longest for the list whose turn it is.
    pub(super) fn pop(&mut self) -> Option<J> {
        let (list, mut jobs) = self.lists.pop_front()?;
        let job = jobs.pop_front()?;
        self.waiting -= 1;
        if !jobs.is_empty() {
            self.lists.push_back((list, jobs));
        }
        Some(job)
    }

    fn count(&self, list: u64) -> usize {
        self.lists.iter().find(|(other, _)| *other == list).map_or(0, |(_, jobs)| jobs.len())
    }

    /// Takes out what nobody waits for any more.
    fn sweep(&mut self, is_wanted: impl Fn(&J) -> bool) {
        for (_, jobs) in &mut self.lists {
            jobs.retain(&is_wanted);
        }
        self.lists.retain(|(_, jobs)| !jobs.is_empty());
        self.waiting = self.lists.iter().map(|(_, jobs)| jobs.len()).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn always(_: &(u64, usize)) -> bool {
        true
    }

    fn drain(turns: &mut Turns<(u64, usize)>) -> Vec<(u64, usize)> {
        std::iter::from_fn(|| turns.pop()).collect()
    }

    #[test]
    fn lists_take_turns_however_many_wait_for_one() {
        let mut turns = Turns::default();
        for n in 0..5 {
            turns.push(1, (1, n), always).unwrap();
        }
        turns.push(2, (2, 0), always).unwrap();
        turns.push(3, (3, 0), always).unwrap();
        assert_eq!(turns.pop(), Some((1, 0)));
        turns.push(2, (2, 1), always).unwrap();
        assert_eq!(drain(&mut turns), [(2, 0), (3, 0), (1, 1), (2, 1), (1, 2), (1, 3), (1, 4)]);
        assert_eq!(turns.waiting, 0);
    }

    #[test]
    fn one_list_has_so_many_places_and_no_lists_together_leave_none_to_another() {
        let mut turns = Turns::default();
        let of_one = (0..).take_while(|n| turns.push(1, (1, *n), always).is_ok()).count();
        assert_eq!(of_one, WAITING_FOR_ONE);
        let mut list = 2;
        while turns.waiting < WAITING {
            for n in 0..WAITING_FOR_ONE {
                turns.push(list, (list, n), always).unwrap();
            }
            list += 1;
        }
        // Everybody who comes finds a place until all have the same.
        for other in 100..100 + WAITING as u64 / 2 {
            let given_up = turns.push(other, (other, 0), always).unwrap();
            assert!(given_up.is_some_and(|(from, n)| from < 100 && n > 0), "{given_up:?}");
            assert_eq!(turns.waiting, WAITING);
        }
        assert_eq!(turns.push(list, (list, 0), always).map(|gone| gone.is_some()), Ok(true));
        let first: Vec<u64> = (0..list).filter_map(|_| turns.pop().map(|(list, _)| list)).collect();
        assert!(first.contains(&1) && first.contains(&100), "{first:?}");
    }

    #[test]
    fn a_place_of_what_nobody_waits_for_is_free() {
        let mut turns = Turns::default();
        for n in 0..WAITING_FOR_ONE {
            turns.push(1, (1, n), always).unwrap();
        }
        assert_eq!(turns.push(1, (1, 99), always), Err(Busy));
        assert_eq!(turns.push(1, (1, 99), |(_, n)| *n == 3), Ok(None));
        assert_eq!(drain(&mut turns), [(1, 3), (1, 99)]);
    }
}
