//! How long something took, as a histogram.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::head;

/// Upper bounds of the buckets, in milliseconds: from a look at the caches to an API server that barely answers.
const BUCKETS_MS: [u64; 8] = [5, 20, 100, 500, 1_000, 5_000, 20_000, 60_000];

/// Durations since the start.
#[derive(Debug, Default)]
pub(super) struct Durations {
    count: AtomicU64,
    milliseconds: AtomicU64,
    buckets: [AtomicU64; BUCKETS_MS.len()],
}

impl Durations {
    /// One more.
    pub(super) fn add(&self, took: Duration) {
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.count.fetch_add(1, Ordering::Relaxed);
        self.milliseconds.fetch_add(milliseconds, Ordering::Relaxed);
        for (bucket, bound) in self.buckets.iter().zip(BUCKETS_MS) {
            bucket.fetch_add(u64::from(milliseconds <= bound), Ordering::Relaxed);
        }
    }

    /// Writes them as `name`.
    pub(super) fn write(&self, text: &mut String, name: &str, help: &str) {
        let total = self.count.load(Ordering::Relaxed);
        head(text, name, "histogram", help);
        for (bucket, bound) in self.buckets.iter().zip(BUCKETS_MS) {
            let count = bucket.load(Ordering::Relaxed);
            let _ = writeln!(text, "{name}_bucket{{le=\"{}\"}} {count}", seconds(bound));
        }
        let _ = writeln!(text, "{name}_bucket{{le=\"+Inf\"}} {total}");
        let _ = writeln!(text, "{name}_sum {}", seconds(self.milliseconds.load(Ordering::Relaxed)));
        let _ = writeln!(text, "{name}_count {total}");
    }
}

/// Milliseconds as seconds, exactly.
fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}
