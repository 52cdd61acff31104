//! Pooled byte buffers: held while there is data, given back while there is none, so that an idle connection owns no buffer.

use std::cell::RefCell;
use std::rc::Rc;

use bulkhead_model::limits;

/// A request head and what came with it. Grows up to the head limit, and only for clients that send that much.
pub(crate) const HEAD_BUFFER_BYTES: usize = 16 << 10;
/// Content. Reads of 64 KiB cost a third less CPU per byte than reads of 16 KiB; larger ones gain nothing.
pub(crate) const CONTENT_BUFFER_BYTES: usize = limits::CONTENT_BUFFER.size();
/// Buffers of a kind kept per thread: enough for the requests that are in flight at once on a busy core (4 MiB of content).
const KEPT: usize = 64;

/// The free lists of one thread.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    heads: RefCell<Vec<Vec<u8>>>,
    contents: RefCell<Vec<Vec<u8>>>,
}

impl Buffers {
    pub(crate) fn head(self: &Rc<Self>) -> Buffer {
        self.take(&self.heads, HEAD_BUFFER_BYTES)
    }

    pub(crate) fn content(self: &Rc<Self>) -> Buffer {
        self.take(&self.contents, CONTENT_BUFFER_BYTES)
    }

    /// Frees the buffers that nobody uses.
    pub(crate) fn clear(&self) {
        self.heads.take();
        self.contents.take();
    }

    fn take(self: &Rc<Self>, free: &RefCell<Vec<Vec<u8>>>, size: usize) -> Buffer {
        let bytes = free.borrow_mut().pop().unwrap_or_else(|| Vec::with_capacity(size));
        Buffer { bytes, start: 0, pool: Rc::clone(self) }
    }
}

/// Bytes read and not yet consumed: `bytes[start..]`. Goes back to its thread's pool when dropped.
#[derive(Debug)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    pool: Rc<Buffers>,
}

impl Buffer {
    /// What has been read and not consumed.
    pub(crate) fn filled(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    pub(crate) fn filled_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.start..).unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start >= self.bytes.len()
    }

    /// Drops `count` bytes from the front.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.bytes.len());
    }

    /// Where to read more into. Never reallocates by itself: call [`Self::reserve`] first.
    pub(crate) fn spare(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Whether a read would find no room.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes.len() == self.bytes.capacity()
    }

    /// Makes room for at least one more byte: moves what is there to the front, or grows up to `most` bytes.
    /// `false` when `most` bytes are already held.
    pub(crate) fn reserve(&mut self, most: usize) -> bool {
        if !self.is_full() {
            return true;
        }
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
            return true;
        }
        if self.bytes.len() >= most {
            return false;
        }
        self.bytes.reserve_exact(self.bytes.len().min(most - self.bytes.len()).max(1));
        true
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let free = match self.bytes.capacity() {
            HEAD_BUFFER_BYTES => &self.pool.heads,
            CONTENT_BUFFER_BYTES => &self.pool.contents,
            // It grew for one unusual message: the next one starts small again.
            _ => return,
        };
        let mut free = free.borrow_mut();
        if free.len() < KEPT {
            let mut bytes = std::mem::take(&mut self.bytes);
            bytes.clear();
            free.push(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_buffer_is_used_again() {
        let pool = Rc::new(Buffers::default());
        let mut one = pool.head();
        one.spare().extend_from_slice(b"abc");
        let place = one.filled().as_ptr();
        drop(one);
        let two = pool.head();
        assert!(two.is_empty());
        assert_eq!(two.bytes.as_ptr(), place);
    }

    #[test]
    fn room_is_made_by_moving_before_growing_and_never_beyond_the_bound() {
        let pool = Rc::new(Buffers::default());
        let mut buffer = pool.head();
        buffer.spare().resize(HEAD_BUFFER_BYTES, 7);
        buffer.consume(HEAD_BUFFER_BYTES - 2);
        assert!(buffer.reserve(HEAD_BUFFER_BYTES));
        assert_eq!(buffer.filled(), [7, 7]);
        assert_eq!(buffer.bytes.capacity(), HEAD_BUFFER_BYTES);
        buffer.spare().resize(HEAD_BUFFER_BYTES, 7);
        assert!(!buffer.reserve(HEAD_BUFFER_BYTES));
        assert!(buffer.reserve(HEAD_BUFFER_BYTES + 100));
        buffer.spare().resize(HEAD_BUFFER_BYTES + 100, 7);
        assert!(!buffer.reserve(HEAD_BUFFER_BYTES + 100));
    }
}
