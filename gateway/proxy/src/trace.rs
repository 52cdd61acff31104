//! Where requests stand in traces: what their clients say, whether they are recorded, and what their backends are told.

use std::cell::Cell;
use std::num::{NonZeroU64, NonZeroU128};

use bulkhead_http1::{Name, Overlay, RequestHead};
use bulkhead_model::TraceContext;
use bulkhead_model::budget::{Budget, Purse};
use bulkhead_model::limits::{FORCED_SPANS_BURST, FORCED_SPANS_RATE};
use bulkhead_model::trace_context::{self, Parent};
use bulkhead_model::tracing::Tracing;

use crate::dice::Dice;

/// How many requests a thread records because clients want it that it does not trust.
const FORCED: Budget = Budget { burst: FORCED_SPANS_BURST.number(), per_second: FORCED_SPANS_RATE.number() };

/// A request's place in a trace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trace {
    pub(crate) context: TraceContext,
    /// Whether what other systems say of the trace goes on with it.
    keeps_state: bool,
}

impl Trace {
    /// Has a backend told of it, instead of what the client says.
    pub(crate) fn tell(&self, to_backend: &mut Overlay) {
        to_backend.set("traceparent", &self.context.traceparent());
        if !self.keeps_state {
            to_backend.remove("tracestate");
        }
    }
}

/// One thread's source of traces.
#[derive(Debug)]
pub(crate) struct Tracer {
    /// Two sources for one number of 128 bits: one has fewer beginnings than that.
    dice: [Dice; 2],
    forced: Cell<Purse>,
}

impl Default for Tracer {
    fn default() -> Self {
        Self { dice: Default::default(), forced: Cell::new(Purse::full(FORCED, 0)) }
    }
}

impl Tracer {
    /// The place of the request with this head, which was parsed from `bytes`, at `now` in milliseconds. `is_trusted`: whether the peer
    /// is believed in what it says of others.
    pub(crate) fn follow(
        &self,
        tracing: &Tracing,
        is_trusted: bool,
        head: &RequestHead,
        bytes: &[u8],
        now: u64,
    ) -> Trace {
        let of = |name| head.fields.iter().filter(move |field| field.id == name).map(|field| field.value.of(bytes));
        let Some(parent) = Parent::of(of(Name::Traceparent)) else { return self.begin(tracing) };
        // Whoever may not force records nothing more than others do, with a number that is not theirs to choose.
        let is_sampled = parent.is_sampled() && (is_trusted || self.may_force(now) || tracing.share.has(self.trace()));
        let context = TraceContext::go_on(parent, self.span(), is_sampled);
        Trace { context, keeps_state: trace_context::is_tracestate(of(Name::Tracestate)) }
    }

    /// The place of a request that comes from nowhere.
    pub(crate) fn begin(&self, tracing: &Tracing) -> Trace {
        let trace = self.trace();
        Trace { context: TraceContext::begin(trace, self.span(), tracing.share.has(trace)), keeps_state: false }
    }

    fn may_force(&self, now: u64) -> bool {
        let mut purse = self.forced.get();
        let may = purse.spend(FORCED, now);
        self.forced.set(purse);
        may
    }

    fn trace(&self) -> NonZeroU128 {
        let [high, low] = self.dice.each_ref().map(Dice::roll);
        NonZeroU128::new(u128::from(high) << 64 | u128::from(low)).unwrap_or(NonZeroU128::MIN)
    }

    fn span(&self) -> NonZeroU64 {
        NonZeroU64::new(self.dice.each_ref().map(Dice::roll).iter().fold(0, |all, one| all ^ one))
            .unwrap_or(NonZeroU64::MIN)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use bulkhead_model::tracing::{Collector, Share};

    use super::*;

    fn tracing(parts: u32) -> Tracing {
        let collector = Collector::parse("http://127.0.0.1:1").unwrap();
        Tracing { collector, share: Share::of_million(parts), service: "".into(), namespace: "".into() }
    }

    fn follow(tracer: &Tracer, tracing: &Tracing, is_trusted: bool, flags: &str, now: u64) -> Trace {
        let bytes = format!("GET / HTTP/1.1\r\nHost: a\r\ntraceparent: 00-{:032x}-{:016x}-{flags}\r\n\r\n", 7, 8);
        let mut head = RequestHead::default();
        bulkhead_http1::parse_request(bytes.as_bytes(), &Default::default(), &mut head).unwrap();
        tracer.follow(tracing, is_trusted, &head, bytes.as_bytes(), now)
    }

    #[test]
    fn who_is_not_trusted_has_so_many_requests_recorded_and_no_more() {
        let (burst, rate) = (FORCED.burst as usize, FORCED.per_second as usize);
        for (asked, recorded) in [(burst, burst), (burst + 1, burst), (10 * burst, burst)] {
            let (tracer, none) = (Tracer::default(), tracing(0));
            let sampled = |is_trusted, now| follow(&tracer, &none, is_trusted, "01", now).context.is_sampled;
            assert_eq!((0..asked).filter(|_| sampled(false, 5)).count(), recorded, "{asked}");
            assert!((0..10 * burst).all(|_| sampled(true, 5)));
            let later = (0..10 * burst).filter(|_| sampled(false, 1005 + 5)).count();
            assert!((rate..=rate + burst - recorded + 1).contains(&later), "{later} a second later");
        }
    }

    #[test]
    fn who_may_not_force_is_recorded_as_often_as_others() {
        let (tracer, half) = (Tracer::default(), tracing(500_000));
        let sampled = (0..4000).filter(|_| follow(&tracer, &half, false, "01", 0).context.is_sampled).count();
        assert!((1800..2400).contains(&sampled), "{sampled}");
        assert!((0..100).all(|_| !follow(&tracer, &tracing(1_000_000), true, "00", 0).context.is_sampled));
    }

    #[test]
    fn no_two_traces_or_spans_are_the_same() {
        let tracers: [Tracer; 4] = Default::default();
        let all = tracing(1_000_000);
        let begun: Vec<Trace> = tracers.iter().flat_map(|tracer| (0..1000).map(|_| tracer.begin(&all))).collect();
        let traces: BTreeSet<_> = begun.iter().map(|trace| trace.context.trace).collect();
        let spans: BTreeSet<_> = begun.iter().map(|trace| trace.context.span).collect();
        assert_eq!((traces.len(), spans.len()), (4000, 4000));
        assert!(begun.iter().all(|trace| trace.context.is_sampled && trace.context.parent.is_none()));
    }
}
