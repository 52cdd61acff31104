//! Whether a peer that is slow is still one that works: what tells a poor connection from a client that only keeps its place.

use std::time::Duration;

use tokio::time::Instant;

/// A rate that a sender must keep up on average.
///
/// It may fall behind by a while, once; what it sends makes up for that, but is never a credit beyond it. So a pause is
/// allowed wherever it comes, a trickle is not, and time in which nobody waits for the sender does not count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Bytes a second; 0 is any.
    rate: u32,
    /// How far it may fall behind.
    tolerance: Duration,
    /// How far it still may.
    left: Duration,
}

impl Pace {
    pub(crate) fn new(rate: u32, tolerance: Duration) -> Self {
        Self { rate, tolerance, left: tolerance }
    }

    /// After `bytes` were waited for from `since` until `now`: whether the sender still keeps up.
    pub(crate) fn keeps_up(&mut self, since: Instant, now: Instant, bytes: usize) -> bool {
        if self.rate == 0 {
            return true;
        }
        let made_up = Duration::from_secs_f64(bytes as f64 / f64::from(self.rate));
        let Some(left) = (self.left + made_up).checked_sub(now.duration_since(since)) else { return false };
        self.left = left.min(self.tolerance);
        true
    }
}

/// How much must move for a wait to begin anew.
///
/// A receiver that takes a byte now and then to keep its place makes no progress; the end of what is to be sent is for the
/// caller to see.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    /// Bytes since the wait began.
    moved: usize,
}

impl Progress {
    /// `bytes` have moved.
    pub(crate) fn add(&mut self, bytes: usize) {
        self.moved = self.moved.saturating_add(bytes);
    }

    /// Whether `least` bytes have moved since this was last true.
    pub(crate) fn take(&mut self, least: usize) -> bool {
        let enough = self.moved >= least;
        if enough {
            self.moved = 0;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    /// Sends `bytes` every `pause` for at most ten minutes; seconds until that was found too slow.
    async fn drip(rate: u32, pause: Duration, bytes: usize) -> Option<u64> {
        let mut pace = Pace::new(rate, Duration::from_secs(60));
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(600) {
            let since = Instant::now();
            advance(pause).await;
            if !pace.keeps_up(since, Instant::now(), bytes) {
                return Some(begin.elapsed().as_secs());
            }
        }
        None
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_is_found_out_and_a_poor_connection_is_not() {
        let seconds = Duration::from_secs;
        for (pause, bytes, found) in [
            (seconds(1), 1, Some(61)),
            (seconds(10), 1, Some(70)),
            (seconds(59), 1, Some(118)),
            (seconds(1), 120, Some(121)),
            (seconds(1), 239, None),
            (seconds(1), 240, None),
            (seconds(30), 240 * 30, None),
            (seconds(59), 240 * 59, None),
            (Duration::from_millis(10), 3, None),
        ] {
            assert_eq!(drip(240, pause, bytes).await, found, "{bytes} bytes every {pause:?}");
        }
        assert_eq!(drip(0, seconds(59), 1).await, None, "without a rate");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_sent_fast_is_no_credit_for_a_trickle() {
        let mut pace = Pace::new(240, Duration::from_secs(60));
        let begin = Instant::now();
        assert!(pace.keeps_up(begin, begin, 100 << 20));
        advance(Duration::from_secs(61)).await;
        assert!(!pace.keeps_up(begin, Instant::now(), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_nobody_waits_does_not_count() {
        let mut pace = Pace::new(240, Duration::from_secs(60));
        for _ in 0..10 {
            // The backend takes its time.
            advance(Duration::from_secs(300)).await;
            let since = Instant::now();
            assert!(pace.keeps_up(since, Instant::now(), 1));
        }
    }

    #[test]
    fn drops_are_no_progress_until_they_are_a_drink() {
        let mut progress = Progress::default();
        let taken: Vec<bool> = [1000, 23, 1, 0, 5000, 1023]
            .map(|bytes| {
                progress.add(bytes);
                progress.take(1024)
            })
            .to_vec();
        assert_eq!(taken, [false, false, true, false, true, false]);
    }
}
