//! Spans on their way to a collector. A data thread gathers them, encoded, in a buffer of its own and hands it over when it is full,
//! or soon after; whoever sends them takes them from here. There is room for so many bytes: what comes then is dropped and counted,
//! and no request ever waits for its span.

mod encode;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bulkhead_model::limits::WAITING_SPANS;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

pub(crate) use self::encode::Span;
pub use self::encode::request;

/// Bytes of spans that are handed over at once.
const BATCH_BYTES: usize = 64 << 10;
/// Most of them that are kept room for. A span with the longest of all texts is shorter.
const KEPT_BYTES: usize = 2 * BATCH_BYTES;
/// Longest that a span waits for others.
const GATHER: Duration = Duration::from_millis(500);
/// How often a process that ends looks whether everything is sent.
const SETTLE: Duration = Duration::from_millis(5);

/// Spans, each as the field `spans` of a `ScopeSpans` message of OTLP.
#[derive(Debug, Default)]
pub struct Batch {
    /// One behind the other.
    pub bytes: Vec<u8>,
    /// How many.
    pub count: u64,
}

#[derive(Debug, Default)]
struct Queue {
    batches: VecDeque<Batch>,
    bytes: usize,
}

/// The way to whoever sends them.
#[derive(Debug, Default)]
pub struct Spans {
    queue: Mutex<Queue>,
    more: Condvar,
    /// Spans that were handed over, and of which nobody has said yet what came of them.
    pending: AtomicU64,
    dropped: AtomicU64,
    exported: AtomicU64,
}

impl Spans {
    /// Spans that nobody will see.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Spans that a collector has taken.
    #[must_use]
    pub fn exported(&self) -> u64 {
        self.exported.load(Ordering::Relaxed)
    }

    /// Waits for spans, and takes about `most` bytes of them.
    pub fn take(&self, most: usize) -> Batch {
        let mut queue = self.queue();
        loop {
            if let Some(mut taken) = queue.batches.pop_front() {
                while let Some(next) = queue.batches.front()
                    && taken.bytes.len() + next.bytes.len() <= most
                {
                    taken.bytes.extend_from_slice(&next.bytes);
                    taken.count += next.count;
                    queue.batches.pop_front();
                }
                queue.bytes = queue.bytes.saturating_sub(taken.bytes.len());
                return taken;
            }
            queue = self.more.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Says what came of spans that were taken: whether a collector has them.
    pub fn settled(&self, count: u64, is_exported: bool) {
        let counter = if is_exported { &self.exported } else { &self.dropped };
        counter.fetch_add(count, Ordering::Relaxed);
        self.pending.fetch_sub(count, Ordering::Release);
    }

    /// Waits until it is known of all what came of them, at most until `until`.
    pub async fn settle(&self, until: Instant) {
        while self.pending.load(Ordering::Acquire) > 0 && Instant::now() < until {
            sleep(SETTLE).await;
        }
    }

    fn hand_over(&self, batch: Batch) {
        self.pending.fetch_add(batch.count, Ordering::Relaxed);
        let count = batch.count;
        let has_room = {
            let mut queue = self.queue();
            let has_room = queue.bytes + batch.bytes.len() <= WAITING_SPANS.size();
            if has_room {
                queue.bytes += batch.bytes.len();
                queue.batches.push_back(batch);
            }
            has_room
        };
        if has_room {
            self.more.notify_one();
        } else {
            self.settled(count, false);
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The spans of one thread that are not handed over yet.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    batch: RefCell<Batch>,
    /// Spans are handed over one by one: the thread ends soon.
    hurried: Cell<bool>,
    begun: Notify,
}

impl Gathered {
    /// Takes one span.
    pub(crate) fn add(&self, spans: &Spans, span: &Span<'_>) {
        let is_full = {
            let mut batch = self.batch.borrow_mut();
            if batch.count == 0 {
                self.begun.notify_one();
            }
            span.write(&mut batch.bytes);
            batch.count += 1;
            batch.bytes.len() >= BATCH_BYTES
        };
        if is_full || self.hurried.get() {
            self.hand_over(spans);
        }
    }

    /// Hands over what there is, and from now on every span at once.
    pub(crate) fn hurry(&self, spans: &Spans) {
        self.hurried.set(true);
        self.hand_over(spans);
    }

    fn hand_over(&self, spans: &Spans) {
        let mut batch = self.batch.borrow_mut();
        if batch.count == 0 {
            return;
        }
        // Exactly as large as it is: what waits counts by what it says, and room that nobody uses would not be counted.
        let handed = Batch { bytes: batch.bytes.as_slice().into(), count: batch.count };
        batch.bytes.clear();
        batch.bytes.shrink_to(KEPT_BYTES);
        batch.count = 0;
        drop(batch);
        spans.hand_over(handed);
    }

    /// Hands spans over that have waited long enough. Never ends.
    pub(crate) async fn drain(&self, spans: &Spans) {
        loop {
            self.begun.notified().await;
            sleep(GATHER).await;
            self.hand_over(spans);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(bytes: usize) -> Batch {
        Batch { bytes: vec![0; bytes], count: 1 }
    }

    #[test]
    fn so_many_bytes_of_spans_wait_for_a_collector_and_no_more() {
        let most = WAITING_SPANS.size();
        for (bytes, count, dropped) in [(most / 64, 64, 0), (most / 64, 65, 1), (most / 64, 640, 576), (most + 1, 1, 1)]
        {
            let spans = Spans::default();
            (0..count).for_each(|_| spans.hand_over(batch(bytes)));
            assert_eq!(spans.dropped(), dropped, "{count} of {bytes}");
            assert!(spans.queue().bytes <= most);
        }
    }

    #[test]
    fn what_is_taken_makes_room() {
        let spans = Spans::default();
        let half = WAITING_SPANS.size() / 2;
        for _ in 0..10 {
            spans.hand_over(batch(half));
            spans.hand_over(batch(half));
            assert_eq!(spans.take(2 * half).count, 2);
            spans.settled(2, true);
        }
        spans.hand_over(batch(half));
        spans.hand_over(batch(1));
        assert_eq!((spans.take(half).count, spans.take(half).count), (1, 1), "about as many bytes as are asked for");
        assert_eq!((spans.exported(), spans.dropped(), spans.queue().bytes), (20, 0, 0));
    }
}
