//! What waits to be checked: namespaces take turns, and the lists of users of one do among themselves, however many wait for another.

use std::collections::VecDeque;
use std::sync::Arc;

use bulkhead_model::limits;

use super::Busy;

/// What waits, at most. Who comes later is told so.
const WAITING: usize = limits::PASSWORDS.size();
/// What waits for one list, at most.
const WAITING_FOR_ONE: usize = limits::PASSWORDS_EACH.size();

/// What waits. No namespace in it is empty.
#[derive(Debug)]
pub(super) struct Turns<J> {
    /// In the order of their turns.
    spaces: VecDeque<Space<J>>,
    waiting: usize,
}

/// What waits for the lists of one namespace. None of them is empty.
#[derive(Debug)]
struct Space<J> {
    name: Arc<str>,
    /// In the order of their turns.
    lists: VecDeque<(u64, VecDeque<J>)>,
}

impl<J> Default for Turns<J> {
    fn default() -> Self {
        Self { spaces: VecDeque::new(), waiting: 0 }
    }
}

impl<J> Turns<J> {
    /// Puts in what waits for a list of a namespace. Where all places are taken, a namespace that has more than this one gives up one of
    /// its places, or else a list of the same namespace that has more than this list. What is given up is returned: who keeps many
    /// waiting takes no place from who does not.
    pub(super) fn push(
        &mut self,
        (namespace, list): (&Arc<str>, u64),
        job: J,
        is_wanted: impl Fn(&J) -> bool,
    ) -> Result<Option<J>, Busy> {
        if self.waiting >= WAITING || self.count(namespace, list).1 >= WAITING_FOR_ONE {
            self.sweep(is_wanted);
        }
        let (of_space, of_list) = self.count(namespace, list);
        if of_list >= WAITING_FOR_ONE {
            return Err(Busy);
        }
        let mut given_up = None;
        if self.waiting >= WAITING {
            given_up = Some(self.give_up(namespace, of_space, of_list).ok_or(Busy)?);
            self.waiting -= 1;
        }
        self.waiting += 1;
        match self.spaces.iter_mut().find(|space| space.name == *namespace) {
            Some(space) => space.push(list, job),
            None => self.spaces.push_back(Space {
                name: Arc::clone(namespace),
                lists: VecDeque::from([(list, VecDeque::from([job]))]),
            }),
        }
        Ok(given_up)
    }

    /// What has waited longest for the list whose turn it is, in the namespace whose turn it is.
    pub(super) fn pop(&mut self) -> Option<J> {
        let mut space = self.spaces.pop_front()?;
        let (list, mut jobs) = space.lists.pop_front()?;
        let job = jobs.pop_front()?;
        self.waiting -= 1;
        if !jobs.is_empty() {
            space.lists.push_back((list, jobs));
        }
        if !space.lists.is_empty() {
            self.spaces.push_back(space);
        }
        Some(job)
    }

    /// What waits for a namespace, and for one of its lists.
    fn count(&self, namespace: &Arc<str>, list: u64) -> (usize, usize) {
        let space = self.spaces.iter().find(|space| space.name == *namespace);
        space.map_or((0, 0), |space| (space.count(), space.count_of(list)))
    }

    /// The last of the longest list of the namespace that has most, or of this one.
    fn give_up(&mut self, namespace: &Arc<str>, of_space: usize, of_list: usize) -> Option<J> {
        let most = self.spaces.iter_mut().max_by_key(|space| space.count());
        match most.filter(|space| space.count() > of_space + 1) {
            Some(space) => space.give_up(0),
            None => self.spaces.iter_mut().find(|space| space.name == *namespace)?.give_up(of_list + 1),
        }
    }

    /// Takes out what nobody waits for any more.
    fn sweep(&mut self, is_wanted: impl Fn(&J) -> bool) {
        for space in &mut self.spaces {
            for (_, jobs) in &mut space.lists {
                jobs.retain(&is_wanted);
            }
            space.lists.retain(|(_, jobs)| !jobs.is_empty());
        }
        self.spaces.retain(|space| !space.lists.is_empty());
        self.waiting = self.spaces.iter().map(Space::count).sum();
    }
}

impl<J> Space<J> {
    fn count(&self) -> usize {
        self.lists.iter().map(|(_, jobs)| jobs.len()).sum()
    }

    fn count_of(&self, list: u64) -> usize {
        self.lists.iter().find(|(other, _)| *other == list).map_or(0, |(_, jobs)| jobs.len())
    }

    fn push(&mut self, list: u64, job: J) {
        match self.lists.iter_mut().find(|(other, _)| *other == list) {
            Some((_, jobs)) => jobs.push_back(job),
            None => self.lists.push_back((list, VecDeque::from([job]))),
        }
    }

    /// The last of the longest list, if that has more than so many. Only of a namespace that goes on having some.
    fn give_up(&mut self, more_than: usize) -> Option<J> {
        let longest = self.lists.iter_mut().max_by_key(|(_, jobs)| jobs.len());
        let (_, jobs) = longest.filter(|(_, jobs)| jobs.len() > more_than)?;
        let job = jobs.pop_back();
        self.lists.retain(|(_, jobs)| !jobs.is_empty());
        job
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn always(_: &(u64, usize)) -> bool {
        true
    }

    /// A list of a namespace that has no other.
    fn alone(list: u64) -> (Arc<str>, u64) {
        (list.to_string().into(), list)
    }

    fn push(turns: &mut Turns<(u64, usize)>, (namespace, list): (Arc<str>, u64), n: usize) -> Pushed {
        turns.push((&namespace, list), (list, n), always)
    }

    type Pushed = Result<Option<(u64, usize)>, Busy>;

    fn drain(turns: &mut Turns<(u64, usize)>) -> Vec<(u64, usize)> {
        std::iter::from_fn(|| turns.pop()).collect()
    }

    #[test]
    fn lists_take_turns_however_many_wait_for_one() {
        let mut turns = Turns::default();
        for n in 0..5 {
            push(&mut turns, alone(1), n).unwrap();
        }
        push(&mut turns, alone(2), 0).unwrap();
        push(&mut turns, alone(3), 0).unwrap();
        assert_eq!(turns.pop(), Some((1, 0)));
        push(&mut turns, alone(2), 1).unwrap();
        assert_eq!(drain(&mut turns), [(2, 0), (3, 0), (1, 1), (2, 1), (1, 2), (1, 3), (1, 4)]);
        assert_eq!(turns.waiting, 0);
    }

    #[test]
    fn one_list_has_so_many_places_and_no_lists_together_leave_none_to_another() {
        let mut turns = Turns::default();
        let of_one = (0..).take_while(|n| push(&mut turns, alone(1), *n).is_ok()).count();
        assert_eq!(of_one, WAITING_FOR_ONE);
        let mut list = 2;
        while turns.waiting < WAITING {
            for n in 0..WAITING_FOR_ONE {
                push(&mut turns, alone(list), n).unwrap();
            }
            list += 1;
        }
        // Everybody who comes finds a place until all have the same.
        for other in 100..100 + WAITING as u64 / 2 {
            let given_up = push(&mut turns, alone(other), 0).unwrap();
            assert!(given_up.is_some_and(|(from, n)| from < 100 && n > 0), "{given_up:?}");
            assert_eq!(turns.waiting, WAITING);
        }
        assert_eq!(push(&mut turns, alone(list), 0).map(|gone| gone.is_some()), Ok(true));
        let first: Vec<u64> = (0..list).filter_map(|_| turns.pop().map(|(list, _)| list)).collect();
        assert!(first.contains(&1) && first.contains(&100), "{first:?}");
    }

    #[test]
    fn a_place_of_what_nobody_waits_for_is_free() {
        let mut turns = Turns::default();
        for n in 0..WAITING_FOR_ONE {
            push(&mut turns, alone(1), n).unwrap();
        }
        assert_eq!(push(&mut turns, alone(1), 99), Err(Busy));
        assert_eq!(turns.push((&alone(1).0, 1), (1, 99), |(_, n)| *n == 3), Ok(None));
        assert_eq!(drain(&mut turns), [(1, 3), (1, 99)]);
    }

    #[test]
    fn a_namespace_with_many_lists_waits_no_less_than_one_with_one() {
        let (mill, mut turns): (Arc<str>, _) = ("mill".into(), Turns::default());
        for list in 0..WAITING as u64 {
            assert_eq!(push(&mut turns, (Arc::clone(&mill), list), 0), Ok(None));
        }
        assert_eq!(push(&mut turns, (Arc::clone(&mill), 999), 0), Err(Busy), "each of its lists has one");
        // Others find places, and have their turns at once.
        for n in 0..3 {
            assert!(push(&mut turns, alone(1000), n).is_ok_and(|gone| gone.is_some_and(|(list, _)| list < 999)));
        }
        assert_eq!(turns.waiting, WAITING);
        let first: Vec<_> = (0..6).filter_map(|_| turns.pop()).collect();
        assert_eq!(first, [(0, 0), (1000, 0), (1, 0), (1000, 1), (2, 0), (1000, 2)]);
        assert_eq!(drain(&mut turns).len(), WAITING - 6);
        assert_eq!(turns.waiting, 0);
    }

    #[test]
    fn lists_of_one_namespace_give_up_places_to_each_other() {
        let (mill, mut turns): (Arc<str>, _) = ("mill".into(), Turns::default());
        for list in [1, 2] {
            (0..WAITING_FOR_ONE).for_each(|n| assert!(push(&mut turns, (Arc::clone(&mill), list), n).is_ok()));
        }
        let gone = push(&mut turns, (Arc::clone(&mill), 3), 0);
        assert!(gone.is_ok_and(|gone| gone.is_some_and(|(_, n)| n == WAITING_FOR_ONE - 1)));
        assert_eq!(
            (turns.waiting, turns.pop(), turns.pop(), turns.pop()),
            (WAITING, Some((1, 0)), Some((2, 0)), Some((3, 0)))
        );
    }
}
