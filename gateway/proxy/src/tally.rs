//! Counters. Each thread writes its own, with plain loads and stores; a scrape adds the threads up.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::fault::Fault;
use crate::ledger::Book;

/// Upper bounds of the latency buckets in microseconds: powers of four, 64 µs to 17 min, so that finding one is a bit count.
pub const LATENCY_BOUNDS_US: [u64; 13] = [
    64,
    256,
    1024,
    4096,
    16_384,
    65_536,
    262_144,
    1_048_576,
    4_194_304,
    16_777_216,
    67_108_864,
    268_435_456,
    1_073_741_824,
];

/// A copy of the counters, summed over all threads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Downstream connections accepted.
    pub accepted: u64,
    /// Downstream connections open now.
    pub open: u64,
    /// Connections closed at once because the limit was reached.
    pub over_limit: u64,
    /// Connections closed because no request came in time.
    pub idle_closed: u64,
    /// Connections that had served as many requests, or for as long, as they may.
    pub worn_out: u64,
    /// Streams of HTTP/2 that clients began and that were refused before anything looked at their requests.
    pub unserved_streams: u64,
    /// Exchanges in flight now.
    pub in_flight: u64,
    /// Request heads received complete and well-formed.
    pub requests: u64,
    /// Final responses begun, by status class; index 0 counts exchanges that ended without one.
    pub responses: [u64; 6],
    /// Upstream connections opened.
    pub upstream_connects: u64,
    /// TLS handshakes with backends that succeeded.
    pub upstream_handshakes: u64,
    /// TLS handshakes with backends that failed, their certificate not being taken among the reasons.
    pub upstream_handshake_failures: u64,
    /// Requests sent on a pooled upstream connection.
    pub upstream_reuses: u64,
    /// Connections that became a WebSocket.
    pub tunnels: u64,
    /// Requests sent a second time.
    pub retries: u64,
    /// Requests not sent a second time because too many were.
    pub retries_refused: u64,
    /// Copies of requests that were answered.
    pub mirrors_answered: u64,
    /// Copies of requests that were not answered, or not in time.
    pub mirrors_failed: u64,
    /// Copies of requests that were not sent.
    pub mirrors_dropped: u64,
    /// Endpoints left out for a while because they failed too often in a row.
    pub ejections: u64,
    /// Requests for which ejections were not honoured, because more than half of the endpoints were ejected.
    pub balance_panics: u64,
    /// Lines of the access log that were dropped, because nobody took them.
    pub access_log_dropped: u64,
    /// Spans that a collector has taken.
    pub spans_exported: u64,
    /// Spans that nobody will see.
    pub spans_dropped: u64,
    /// Requests that are not counted by Ingress, because there would be too many time series.
    pub uncounted: u64,
    /// Connections that ended in a panic. Always 0 unless there is a defect.
    pub panics: u64,
    /// Content bytes received from clients.
    pub bytes_in: u64,
    /// Content bytes sent to clients.
    pub bytes_out: u64,
    /// Faults by name; every name is listed.
    pub refused: Vec<(&'static str, u64)>,
    /// From the complete request head to the end of the response.
    pub latency: Histogram,
}

/// A histogram of durations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    /// Upper bounds in microseconds, ascending.
    pub bounds_us: &'static [u64],
    /// Observations per bucket, not cumulative; one more than bounds, for what is larger than all of them.
    pub counts: Vec<u64>,
    /// Sum of all observations in microseconds.
    pub sum_us: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { bounds_us: &LATENCY_BOUNDS_US, counts: vec![0; LATENCY_BOUNDS_US.len() + 1], sum_us: 0 }
    }
}

/// A number that one thread writes and any thread reads.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Not an atomic addition, and need not be: there is one writer.
    pub(crate) fn add(&self, more: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
    }

    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One thread's counters.
#[derive(Debug)]
pub(crate) struct ThreadTally {
    pub(crate) accepted: Counter,
    pub(crate) open: Counter,
    pub(crate) over_limit: Counter,
    pub(crate) idle_closed: Counter,
    pub(crate) worn_out: Counter,
    pub(crate) unserved_streams: Counter,
    pub(crate) in_flight: Counter,
    pub(crate) requests: Counter,
    pub(crate) responses: [Counter; 6],
    pub(crate) upstream_connects: Counter,
    pub(crate) upstream_handshakes: Counter,
    pub(crate) upstream_handshake_failures: Counter,
    pub(crate) upstream_reuses: Counter,
    pub(crate) tunnels: Counter,
    pub(crate) retries: Counter,
    pub(crate) retries_refused: Counter,
    pub(crate) mirrors_answered: Counter,
    pub(crate) mirrors_failed: Counter,
    pub(crate) mirrors_dropped: Counter,
    pub(crate) ejections: Counter,
    pub(crate) balance_panics: Counter,
    pub(crate) panics: Counter,
    pub(crate) bytes_in: Counter,
    pub(crate) bytes_out: Counter,
    pub(crate) served: Counter,
    /// Requests that are in no entry of `book`, because it has too many.
    pub(crate) uncounted: Counter,
    /// By Ingress, where that is asked for.
    pub(crate) book: Book,
    faults: Box<[Counter]>,
    latency: Box<[Counter]>,
    latency_sum_us: Counter,
}

impl Default for ThreadTally {
    fn default() -> Self {
        Self {
            accepted: Counter::default(),
            open: Counter::default(),
            over_limit: Counter::default(),
            idle_closed: Counter::default(),
            worn_out: Counter::default(),
            unserved_streams: Counter::default(),
            in_flight: Counter::default(),
            requests: Counter::default(),
            responses: Default::default(),
            upstream_connects: Counter::default(),
            upstream_handshakes: Counter::default(),
            upstream_handshake_failures: Counter::default(),
            upstream_reuses: Counter::default(),
            tunnels: Counter::default(),
            retries: Counter::default(),
            retries_refused: Counter::default(),
            mirrors_answered: Counter::default(),
            mirrors_failed: Counter::default(),
            mirrors_dropped: Counter::default(),
            ejections: Counter::default(),
            balance_panics: Counter::default(),
            panics: Counter::default(),
            bytes_in: Counter::default(),
            bytes_out: Counter::default(),
            served: Counter::default(),
            uncounted: Counter::default(),
            book: Book::default(),
            faults: Fault::all().map(|_| Counter::default()).collect(),
            latency: (0..=LATENCY_BOUNDS_US.len()).map(|_| Counter::default()).collect(),
            latency_sum_us: Counter::default(),
        }
    }
}

impl ThreadTally {
    pub(crate) fn fault(&self, fault: Fault) {
        if let Some(counter) = self.faults.get(fault.index()) {
            counter.add(1);
        }
    }

    pub(crate) fn response(&self, status: u16) {
        if let Some(counter) = self.responses.get(usize::from(status / 100)) {
            counter.add(1);
        }
    }

    pub(crate) fn latency(&self, us: u64) {
        if let Some(counter) = self.latency.get(bucket(us)) {
            counter.add(1);
        }
        self.latency_sum_us.add(us);
    }

    pub(crate) fn add_to(&self, sum: &mut Tally) {
        sum.accepted += self.accepted.get();
        sum.open += self.open.get();
        sum.over_limit += self.over_limit.get();
        sum.idle_closed += self.idle_closed.get();
        sum.worn_out += self.worn_out.get();
        sum.unserved_streams += self.unserved_streams.get();
        sum.in_flight += self.in_flight.get();
        sum.requests += self.requests.get();
        for (total, counter) in sum.responses.iter_mut().zip(&self.responses) {
            *total += counter.get();
        }
        sum.upstream_connects += self.upstream_connects.get();
        sum.upstream_handshakes += self.upstream_handshakes.get();
        sum.upstream_handshake_failures += self.upstream_handshake_failures.get();
        sum.upstream_reuses += self.upstream_reuses.get();
        sum.tunnels += self.tunnels.get();
        sum.retries += self.retries.get();
        sum.retries_refused += self.retries_refused.get();
        sum.mirrors_answered += self.mirrors_answered.get();
        sum.mirrors_failed += self.mirrors_failed.get();
        sum.mirrors_dropped += self.mirrors_dropped.get();
        sum.ejections += self.ejections.get();
        sum.balance_panics += self.balance_panics.get();
        sum.uncounted += self.uncounted.get();
        sum.panics += self.panics.get();
        sum.bytes_in += self.bytes_in.get();
        sum.bytes_out += self.bytes_out.get();
        if sum.refused.is_empty() {
            sum.refused = Fault::all().map(|fault| (fault.row().name, 0)).collect();
        }
        for ((_, total), counter) in sum.refused.iter_mut().zip(&self.faults) {
            *total += counter.get();
        }
        for (total, counter) in sum.latency.counts.iter_mut().zip(&self.latency) {
            *total += counter.get();
        }
        sum.latency.sum_us += self.latency_sum_us.get();
    }
}

/// Index of the first bound that is not below `us`.
fn bucket(us: u64) -> usize {
    let bits = u64::BITS - us.saturating_sub(1).leading_zeros();
    (bits.saturating_sub(5) / 2).min(LATENCY_BOUNDS_US.len() as u32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_falls_into_the_first_bucket_that_holds_it() {
        for us in (0..100_000).chain((0..40).map(|bit| 1 << bit)).chain((0..40).map(|bit| (1 << bit) + 1)) {
            let expected = LATENCY_BOUNDS_US.iter().position(|bound| us <= *bound).unwrap_or(LATENCY_BOUNDS_US.len());
            assert_eq!(bucket(us), expected, "{us}");
        }
    }

    #[test]
    fn threads_add_up() {
        let (one, two) = (ThreadTally::default(), ThreadTally::default());
        one.fault(Fault::NotReady);
        two.fault(Fault::NotReady);
        two.response(204);
        two.latency(70);
        let mut sum = Tally::default();
        one.add_to(&mut sum);
        two.add_to(&mut sum);
        assert_eq!(sum.refused.iter().find(|(name, _)| *name == "not_ready"), Some(&("not_ready", 2)));
        assert_eq!(sum.responses, [0, 0, 1, 0, 0, 0]);
        assert_eq!((sum.latency.counts[1], sum.latency.sum_us), (1, 70));
    }
}
