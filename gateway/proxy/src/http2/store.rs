//! What one connection's responses have handed over to h2, and h2 has not written yet. It is counted over all streams: a client
//! that opens many windows and reads nothing would otherwise have each stream's share held for it.

use std::cell::Cell;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bulkhead_model::settings::Http2;
use bytes::{Buf, Bytes};

/// How much content may be handed over, and what it is handed over as.
pub(crate) trait Room<B> {
    /// Ready when there is room for at least a byte; for how many.
    fn poll_room(&self, cx: &Context<'_>) -> Poll<usize>;

    /// Content to hand over, no more than there was room for.
    fn take(&self, content: &[u8]) -> B;
}

/// Room for whatever a stream's window takes.
pub(crate) struct Boundless;

impl Room<Bytes> for Boundless {
    fn poll_room(&self, _cx: &Context<'_>) -> Poll<usize> {
        Poll::Ready(usize::MAX)
    }

    fn take(&self, content: &[u8]) -> Bytes {
        Bytes::copy_from_slice(content)
    }
}

/// The store of one connection.
#[derive(Debug)]
pub(super) struct Store {
    /// Bytes that streams share, first come, first served.
    most: usize,
    /// Bytes that a stream that holds nothing may hand over, even if the others hold all of that.
    least: usize,
    held: Cell<usize>,
}

impl Store {
    pub(super) fn new(limits: &Http2) -> Rc<Self> {
        Rc::new(Self { most: limits.connection_store, least: limits.stream_store, held: Cell::new(0) })
    }
}

/// One stream's part of it.
///
/// Only a stream that holds something ever waits, and it is woken when some of that is written: no list of those who wait is
/// needed, and nobody waits for what another stream's client does not take.
pub(super) struct Shelf {
    store: Rc<Store>,
    held: Cell<usize>,
    waker: Cell<Option<Waker>>,
}

impl Shelf {
    pub(super) fn new(store: &Rc<Store>) -> Rc<Self> {
        Rc::new(Self { store: Rc::clone(store), held: Cell::new(0), waker: Cell::new(None) })
    }

    fn room(&self) -> usize {
        let Store { most, least, held } = &*self.store;
        match most.saturating_sub(held.get()) {
            // Less than that is not worth a frame.
            shared if shared >= *least => shared,
            _ if self.held.get() == 0 => *least,
            _ => 0,
        }
    }

    fn add(&self, bytes: usize) {
        self.held.set(self.held.get() + bytes);
        self.store.held.set(self.store.held.get() + bytes);
    }

    fn remove(&self, bytes: usize) {
        self.held.set(self.held.get().saturating_sub(bytes));
        self.store.held.set(self.store.held.get().saturating_sub(bytes));
        self.waker.take().into_iter().for_each(Waker::wake);
    }
}

impl Room<Parcel> for Rc<Shelf> {
    fn poll_room(&self, cx: &Context<'_>) -> Poll<usize> {
        match self.room() {
            0 => {
                self.waker.set(Some(cx.waker().clone()));
                Poll::Pending
            }
            room => Poll::Ready(room),
        }
    }

    fn take(&self, content: &[u8]) -> Parcel {
        self.add(content.len());
        let left = Bytes::copy_from_slice(content);
        Parcel { size: left.len(), left, shelf: Some(Self::clone(self)) }
    }
}

/// Content that counts until it is written or thrown away, all of it: its memory is given back at once as well.
#[derive(Default)]
pub(super) struct Parcel {
    left: Bytes,
    size: usize,
    /// `None`: it is empty, and counts for nothing.
    shelf: Option<Rc<Shelf>>,
}

impl Buf for Parcel {
    fn remaining(&self) -> usize {
        self.left.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.left.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.left.advance(count);
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        if let Some(shelf) = &self.shelf {
            shelf.remove(self.size);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn store(most: usize, least: usize) -> Rc<Store> {
        Store::new(&Http2 { connection_store: most, stream_store: least, ..Http2::default() })
    }

    fn room(shelf: &Rc<Shelf>) -> Option<usize> {
        match shelf.poll_room(&Context::from_waker(Waker::noop())) {
            Poll::Ready(room) => Some(room),
            Poll::Pending => None,
        }
    }

    #[test]
    fn whoever_holds_nothing_gets_a_little_when_others_hold_everything() {
        let store = store(100, 10);
        let (greedy, other) = (Shelf::new(&store), Shelf::new(&store));
        assert_eq!(room(&greedy), Some(100));
        let first = greedy.take(&[0; 95]);
        assert_eq!((room(&greedy), room(&other)), (None, Some(10)));
        let second = other.take(&[0; 10]);
        assert_eq!((room(&greedy), room(&other)), (None, None));
        drop(second);
        assert_eq!((room(&greedy), room(&other)), (None, Some(10)));
        drop(first);
        assert_eq!((room(&greedy), room(&other)), (Some(100), Some(100)));
    }

    #[test]
    fn a_piece_counts_until_all_of_it_is_gone() {
        let store = store(100, 10);
        let shelf = Shelf::new(&store);
        let mut parcel = shelf.take(b"abcdef");
        parcel.advance(2);
        assert_eq!((parcel.chunk(), store.held.get()), (&b"cdef"[..], 6));
        drop(parcel);
        assert_eq!(store.held.get(), 0);
    }

    proptest! {
        #[test]
        fn never_more_than_the_store_and_a_little_for_every_stream(
            steps in prop::collection::vec((0_usize..5, 1_usize..200, any::<bool>()), 1..200),
        ) {
            let store = store(300, 20);
            let shelves: [_; 5] = std::array::from_fn(|_| Shelf::new(&store));
            let mut held: [Vec<Parcel>; 5] = Default::default();
            for (at, size, hands_over) in steps {
                if hands_over {
                    if let Some(room) = room(&shelves[at]) {
                        held[at].push(shelves[at].take(&vec![0; size.min(room)]));
                    } else {
                        prop_assert!(!held[at].is_empty(), "only who holds something waits");
                    }
                } else if !held[at].is_empty() {
                    held[at].remove(0);
                }
                let sum: usize = held.iter().flatten().map(|parcel| parcel.size).sum();
                prop_assert_eq!(store.held.get(), sum);
                prop_assert!(sum <= 300 + 5 * 20);
            }
        }
    }
}
