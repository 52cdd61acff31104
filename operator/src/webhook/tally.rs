//! Counts of reviews, in the text format of Prometheus. All labels are words of this program.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::review::Subject;

/// Upper bounds of the buckets of durations, in milliseconds: up to as long as anybody waits.
const BUCKETS_MS: [u64; 6] = [1, 5, 25, 100, 500, 2_000];

/// Reviews since the start.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    reviews: BTreeMap<(Subject, &'static str), u64>,
    buckets: [u64; BUCKETS_MS.len()],
    microseconds: u64,
}

impl Tally {
    /// One review ended with a word for its verdict.
    pub fn reviewed(&self, subject: Subject, word: &'static str, took: Duration) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.reviews.entry((subject, word)).or_default() += 1;
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        counts.microseconds = counts.microseconds.saturating_add(microseconds);
        for (bucket, bound) in counts.buckets.iter_mut().zip(BUCKETS_MS) {
            *bucket += u64::from(microseconds <= bound * 1000);
        }
    }

    /// All of it; nothing before the first review.
    #[must_use]
    pub fn text(&self) -> String {
        const REVIEWS: &str = "bulkhead_operator_reviews_total";
        const DURATION: &str = "bulkhead_operator_review_duration_seconds";
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        if counts.reviews.is_empty() {
            return text;
        }
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "# HELP {REVIEWS} Objects that the webhook reviewed, by what became of them.\n# TYPE {REVIEWS} counter"
        );
        for ((subject, verdict), count) in &counts.reviews {
            let _ = writeln!(text, "{REVIEWS}{{resource=\"{}\",verdict=\"{verdict}\"}} {count}", subject.plural());
        }
        let _ = writeln!(text, "# HELP {DURATION} How long reviews took.\n# TYPE {DURATION} histogram");
        for (count, bound) in counts.buckets.iter().zip(BUCKETS_MS) {
            let _ = writeln!(text, "{DURATION}_bucket{{le=\"{}.{:03}\"}} {count}", bound / 1000, bound % 1000);
        }
        let total: u64 = counts.reviews.values().sum();
        let (seconds, rest) = (counts.microseconds / 1_000_000, counts.microseconds % 1_000_000);
        let _ = writeln!(text, "{DURATION}_bucket{{le=\"+Inf\"}} {total}");
        let _ = writeln!(text, "{DURATION}_sum {seconds}.{rest:06}\n{DURATION}_count {total}");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reviews_are_counted_by_resource_and_verdict_and_their_time_by_bucket() {
        let tally = Tally::default();
        assert_eq!(tally.text(), "");
        tally.reviewed(Subject::Ingresses, "refused", Duration::from_micros(700));
        tally.reviewed(Subject::Ingresses, "refused", Duration::from_millis(30));
        tally.reviewed(Subject::Instances, "allowed", Duration::from_secs(3));
        let text = tally.text();
        for line in [
            "bulkhead_operator_reviews_total{resource=\"ingresses\",verdict=\"refused\"} 2",
            "bulkhead_operator_reviews_total{resource=\"gatewayinstances\",verdict=\"allowed\"} 1",
            "bulkhead_operator_review_duration_seconds_bucket{le=\"0.001\"} 1",
            "bulkhead_operator_review_duration_seconds_bucket{le=\"2.000\"} 2",
            "bulkhead_operator_review_duration_seconds_bucket{le=\"+Inf\"} 3",
            "bulkhead_operator_review_duration_seconds_sum 3.030700",
            "bulkhead_operator_review_duration_seconds_count 3",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
