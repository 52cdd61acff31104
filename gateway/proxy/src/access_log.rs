//! The access log on its way out. A data thread gathers lines in a buffer of its own and hands it over when it is full, or soon
//! after; one thread writes. When what it writes to takes no more, lines are dropped and counted: no request ever waits for its line.

mod line;

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

pub(crate) use self::line::Line;
use self::line::Written;

/// Bytes of lines that are handed over at once: as many as a pipe holds.
const CHUNK_BYTES: usize = 64 << 10;
/// Longest that a line waits for others.
const GATHER: Duration = Duration::from_millis(100);
/// Chunks that wait for the writer: 4 MiB of lines in a process, and twice that if all lines are as long as can be.
const CHUNKS: usize = 64;
/// How often a process that ends looks whether everything is written.
const SETTLE: Duration = Duration::from_millis(2);

/// Lines, and how many.
#[derive(Debug, Default)]
struct Chunk {
    text: Vec<u8>,
    lines: u64,
}

/// The way to the thread that writes.
#[derive(Debug)]
pub(crate) struct Outlet {
    chunks: SyncSender<Chunk>,
    /// Chunks that were handed over and are not written.
    pending: Arc<AtomicU64>,
    /// Lines that nobody will read.
    dropped: Arc<AtomicU64>,
    /// Where they come from, until there is somebody to write.
    waiting: Mutex<Option<Receiver<Chunk>>>,
}

impl Outlet {
    pub(crate) fn new() -> Self {
        let (chunks, receiver) = sync_channel(CHUNKS);
        let waiting = Mutex::new(Some(receiver));
        Self { chunks, pending: Arc::default(), dropped: Arc::default(), waiting }
    }

    /// Lines that were dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Starts the thread that writes to `out`, which may block. Called again it does nothing.
    pub(crate) fn write_to(&self, mut out: impl Write + Send + 'static) -> std::io::Result<()> {
        let Some(chunks) = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take() else { return Ok(()) };
        let (pending, dropped) = (Arc::clone(&self.pending), Arc::clone(&self.dropped));
        let writing = move || {
            let mut torn = false;
            for Chunk { text, lines } in chunks {
                // What broke off may have ended inside a line, which the next one must not go on with.
                let mended = if torn { out.write_all(b"\n") } else { Ok(()) };
                torn = mended.and_then(|()| out.write_all(&text)).and_then(|()| out.flush()).is_err();
                if torn {
                    dropped.fetch_add(lines, Ordering::Relaxed);
                }
                pending.fetch_sub(1, Ordering::Release);
            }
        };
        std::thread::Builder::new().name("access-log".to_owned()).spawn(writing).map(drop)
    }

    fn hand_over(&self, chunk: Chunk) {
        let lines = chunk.lines;
        self.pending.fetch_add(1, Ordering::Relaxed);
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.chunks.try_send(chunk) {
            self.pending.fetch_sub(1, Ordering::Relaxed);
            self.dropped.fetch_add(lines, Ordering::Relaxed);
        }
    }

    /// Waits until all that was handed over is written, at most until `until`.
    pub(crate) async fn settle(&self, until: Instant) {
        while self.pending.load(Ordering::Acquire) > 0 && Instant::now() < until {
            sleep(SETTLE).await;
        }
    }
}

/// The lines of one thread that are not handed over yet.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    chunk: RefCell<Chunk>,
    /// The wall clock as the formats write it, made anew every second.
    clock: RefCell<Written>,
    /// Lines are handed over one by one: the thread ends soon.
    hurried: Cell<bool>,
    begun: Notify,
}

impl Gathered {
    /// Takes one line.
    pub(crate) fn add(&self, outlet: &Outlet, line: &Line<'_>) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let full = {
            let (mut chunk, mut clock) = (self.chunk.borrow_mut(), self.clock.borrow_mut());
            if chunk.lines == 0 {
                chunk.text.reserve(CHUNK_BYTES);
                self.begun.notify_one();
            }
            line.write(&mut chunk.text, clock.at(now));
            chunk.lines += 1;
            chunk.text.len() >= CHUNK_BYTES - (CHUNK_BYTES >> 3)
        };
        if full || self.hurried.get() {
            self.hand_over(outlet);
        }
    }

    /// Hands over what there is, and from now on every line at once.
    pub(crate) fn hurry(&self, outlet: &Outlet) {
        self.hurried.set(true);
        self.hand_over(outlet);
    }

    fn hand_over(&self, outlet: &Outlet) {
        let chunk = self.chunk.take();
        if chunk.lines > 0 {
            outlet.hand_over(chunk);
        }
    }

    /// Hands lines over that have waited long enough. Never ends.
    pub(crate) async fn drain(&self, outlet: &Outlet) {
        loop {
            self.begun.notified().await;
            sleep(GATHER).await;
            self.hand_over(outlet);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Takes one write, and then no other before it is told to.
    struct Stuck(mpsc::Sender<usize>, mpsc::Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
            self.0.send(text.len()).map_err(std::io::Error::other)?;
            self.1.recv().map_err(std::io::Error::other)?;
            Ok(text.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_are_dropped_and_counted_when_nobody_takes_them() {
        let outlet = Outlet::new();
        let (wrote, seen) = mpsc::channel();
        let (go_on, told) = mpsc::channel();
        outlet.write_to(Stuck(wrote, told)).unwrap();
        let chunk = || Chunk { text: b"a\nb\n".to_vec(), lines: 2 };
        outlet.hand_over(chunk());
        // The writer holds the first one, and is stuck.
        seen.recv().unwrap();
        for _ in 0..CHUNKS + 3 {
            outlet.hand_over(chunk());
        }
        assert_eq!(outlet.dropped(), 6);
        // Whoever reads breaks: what waits is counted as well.
        drop(go_on);
        while outlet.pending.load(Ordering::Acquire) > 0 {
            std::thread::yield_now();
        }
        assert_eq!(outlet.dropped(), 6 + 2 * (CHUNKS as u64 + 1));
    }
}
