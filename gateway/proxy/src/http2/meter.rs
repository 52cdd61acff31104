//! How often a client sends what brings neither a request nor content. Each such frame is cheap to send and has to be looked
//! at, answered or both (CVE-2019-9512, -9514, -9515, -9518; CVE-2023-44487).

use std::cell::{Cell, RefCell};

use bulkhead_model::budget::{Budget, Purse};
use bulkhead_model::settings::Http2;
use tokio::time::Instant;

use super::PREFACE;
use crate::fault::Fault;

/// Frame types (RFC 9113 §6).
mod frame {
    pub(super) const DATA: u8 = 0;
    pub(super) const HEADERS: u8 = 1;
    pub(super) const RST_STREAM: u8 = 3;
    pub(super) const SETTINGS: u8 = 4;
    pub(super) const WINDOW_UPDATE: u8 = 8;
    pub(super) const CONTINUATION: u8 = 9;
    /// Flag of the last frame of a request's content.
    pub(super) const END_STREAM: u8 = 1;
    /// Flag of the frame with which a field block is complete.
    pub(super) const END_HEADERS: u8 = 4;
    /// Bytes of a frame's head: length, type, flags and stream (RFC 9113 §4.1).
    pub(super) const HEAD: usize = 9;
}

/// Counts the frames of one connection.
#[derive(Debug)]
pub(super) struct Meter {
    resets: Budget,
    settings: Budget,
    control: Budget,
    begin: Instant,
    over: Cell<Option<Fault>>,
    /// Since when part of a head is there and the rest is awaited.
    half: Cell<Option<Instant>>,
    /// Streams whose first head is complete.
    streams: Cell<u32>,
    state: RefCell<State>,
}

#[derive(Debug)]
struct State {
    /// The newest stream (RFC 9113 §5.1.1: their numbers grow).
    newest: u32,
    /// Whether the head that has begun is the first of its stream, not its trailers.
    opens: bool,
    /// Bytes that are passed over before the next frame begins.
    skip: usize,
    /// What is known of the next frame's head.
    head: [u8; frame::HEAD],
    known: usize,
    /// Whether a request's head has begun, and is not complete.
    in_head: bool,
    /// Whether it is complete with the frame that is passed over now.
    ends_head: bool,
    resets: Purse,
    settings: Purse,
    control: Purse,
}

impl State {
    /// Notes the end of a head.
    fn settle(&mut self, streams: &Cell<u32>) {
        if self.skip == 0 && self.ends_head {
            streams.set(streams.get().saturating_add(self.opens.into()));
            (self.in_head, self.ends_head, self.opens) = (false, false, false);
        }
    }

    /// Notes the beginning of a head.
    fn open(&mut self, stream: u32) {
        if stream > self.newest {
            (self.newest, self.opens) = (stream, true);
        }
    }
}

impl Meter {
    pub(super) fn new(limits: &Http2) -> Self {
        let state = State {
            newest: 0,
            opens: false,
            skip: PREFACE.len(),
            head: [0; frame::HEAD],
            known: 0,
            in_head: false,
            ends_head: false,
            resets: Purse::full(limits.resets, 0),
            settings: Purse::full(limits.settings_frames, 0),
            control: Purse::full(limits.control_frames, 0),
        };
        Self {
            resets: limits.resets,
            settings: limits.settings_frames,
            control: limits.control_frames,
            begin: Instant::now(),
            over: Cell::new(None),
            half: Cell::new(None),
            streams: Cell::new(0),
            state: RefCell::new(state),
        }
    }

    /// What the client has done too often.
    pub(super) fn over(&self) -> Option<Fault> {
        self.over.get()
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.get().is_some()
    }

    /// Streams that were begun, and whose first head has come.
    pub(super) fn streams(&self) -> u32 {
        self.streams.get()
    }

    /// Since when a client owes the rest of a head.
    pub(super) fn half_since(&self) -> Option<Instant> {
        self.half.get()
    }

    /// Takes the bytes that have come.
    pub(super) fn look(&self, mut bytes: &[u8]) {
        let mut state = self.state.borrow_mut();
        while !bytes.is_empty() {
            let skipped = state.skip.min(bytes.len());
            state.skip -= skipped;
            state.settle(&self.streams);
            bytes = bytes.get(skipped..).unwrap_or_default();
            let known = state.known;
            let taken = bytes.len().min(frame::HEAD - known);
            if let (Some(to), Some(from)) = (state.head.get_mut(known..known + taken), bytes.get(..taken)) {
                to.copy_from_slice(from);
            }
            state.known += taken;
            bytes = bytes.get(taken..).unwrap_or_default();
            if state.known == frame::HEAD {
                self.count(&mut state);
                state.settle(&self.streams);
            }
        }
        // A head that came in one read, as most do, is not timed.
        if !state.in_head {
            self.half.set(None);
        } else if self.half.get().is_none() {
            self.half.set(Some(Instant::now()));
        }
    }

    fn count(&self, state: &mut State) {
        let [a, b, c, kind, flags, stream @ ..] = state.head;
        state.known = 0;
        state.skip = u32::from_be_bytes([0, a, b, c]) as usize;
        // Read only for frames that count.
        let now = || u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (affordable, fault) = match kind {
            frame::RST_STREAM => (state.resets.spend(self.resets, now()), Fault::TooManyResets),
            frame::SETTINGS => (state.settings.spend(self.settings, now()), Fault::TooManyControlFrames),
            frame::HEADERS | frame::CONTINUATION => {
                if kind == frame::HEADERS {
                    // The first bit means nothing.
                    state.open(u32::from_be_bytes(stream) & (u32::MAX >> 1));
                }
                state.in_head = true;
                state.ends_head = flags & frame::END_HEADERS != 0;
                return;
            }
            // At most one a request says nothing but that it has ended.
            frame::DATA if state.skip > 0 || flags & frame::END_STREAM != 0 => return,
            // As many as the response that they make room for asks for.
            frame::WINDOW_UPDATE => return,
            // What nobody knows the meaning of brings nothing either.
            _ => (state.control.spend(self.control, now()), Fault::TooManyControlFrames),
        };
        if !affordable {
            self.over.set(Some(fault));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(kind: u8, payload: usize) -> Vec<u8> {
        let [_, a, b, c] = u32::try_from(payload).unwrap().to_be_bytes();
        let mut bytes = vec![a, b, c, kind, 0, 0, 0, 0, 1];
        bytes.resize(bytes.len() + payload, 3);
        bytes
    }

    fn limits() -> Http2 {
        let budget = Budget { burst: 3, per_second: 0 };
        Http2 { resets: budget, settings_frames: budget, control_frames: budget, ..Http2::default() }
    }

    proptest! {
        #[test]
        fn what_is_counted_does_not_depend_on_where_reads_end(cuts in prop::collection::vec(1_usize..40, 1..20)) {
            let frames = [frame(6, 8), frame(1, 300), frame(4, 0), frame(0, 70), frame(0, 0), frame(8, 4), frame(3, 4), frame(2, 5)];
            let bytes = [PREFACE.to_vec(), frames.concat()].concat();
            let meter = Meter::new(&limits());
            let (mut rest, mut cuts) = (&bytes[..], cuts.into_iter().cycle());
            while !rest.is_empty() {
                let (now, later) = rest.split_at(cuts.next().unwrap().min(rest.len()));
                meter.look(now);
                rest = later;
            }
            prop_assert_eq!(meter.over(), None);
            meter.look(&frame(6, 8));
            prop_assert_eq!(meter.over(), Some(Fault::TooManyControlFrames));
        }
    }

    #[test]
    fn a_head_is_owed_from_its_first_byte_that_is_alone_to_its_last() {
        let head = |kind: u8, flags: u8, payload: usize| {
            let mut bytes = frame(kind, payload);
            bytes[4] = flags;
            bytes
        };
        let whole = head(frame::HEADERS, frame::END_HEADERS, 30);
        let parts = [
            head(frame::HEADERS, 0, 30),
            head(frame::CONTINUATION, 0, 3),
            head(frame::CONTINUATION, frame::END_HEADERS, 0),
        ];
        let after = frame(0, 5);
        for (bytes, ends) in [
            (whole.clone(), whole.len()),
            ([&whole[..], &after].concat(), whole.len()),
            (parts.concat(), parts.concat().len()),
        ] {
            let meter = Meter::new(&limits());
            meter.look(PREFACE);
            for (at, byte) in bytes.iter().enumerate() {
                meter.look(&[*byte]);
                // The ninth byte tells what it is.
                assert_eq!(meter.half_since().is_some(), (8..ends - 1).contains(&at), "{at} of {ends}");
            }
            let meter = Meter::new(&limits());
            meter.look(&[PREFACE, &bytes].concat());
            assert_eq!(meter.half_since(), None);
        }
    }

    #[test]
    fn a_stream_is_begun_once_with_its_first_head() {
        let meter = Meter::new(&limits());
        meter.look(PREFACE);
        let head = |stream: u8, flags: u8| {
            let mut bytes = frame(frame::HEADERS, 20);
            (bytes[4], bytes[8]) = (flags, stream);
            bytes
        };
        let mut end = frame(frame::CONTINUATION, 0);
        end[4] = frame::END_HEADERS;
        // The third is of trailers.
        for (bytes, streams) in [
            (head(1, frame::END_HEADERS), 1),
            (head(5, frame::END_HEADERS), 2),
            (head(5, frame::END_HEADERS), 2),
            (head(7, 0), 2),
            (end, 3),
        ] {
            let (last, before) = bytes.split_last().unwrap();
            let known = meter.streams();
            meter.look(before);
            assert_eq!(meter.streams(), known);
            meter.look(&[*last]);
            assert_eq!(meter.streams(), streams);
        }
    }

    #[test]
    fn frames_that_nobody_knows_are_counted_and_windows_are_not() {
        let meter = Meter::new(&limits());
        meter.look(PREFACE);
        for _ in 0..1000 {
            meter.look(&frame(frame::WINDOW_UPDATE, 4));
        }
        assert_eq!(meter.over(), None);
        for _ in 0..4 {
            meter.look(&frame(0xbb, 0));
        }
        assert_eq!(meter.over(), Some(Fault::TooManyControlFrames));
    }

    #[test]
    fn settings_have_a_budget_of_their_own_and_the_end_of_a_request_needs_none() {
        let meter = Meter::new(&limits());
        meter.look(PREFACE);
        let mut end = frame(frame::DATA, 0);
        end[4] = frame::END_STREAM;
        for _ in 0..100 {
            meter.look(&end);
        }
        for _ in 0..3 {
            meter.look(&frame(frame::SETTINGS, 6));
            meter.look(&frame(6, 8));
            assert_eq!(meter.over(), None);
        }
        meter.look(&frame(frame::SETTINGS, 6));
        assert_eq!(meter.over(), Some(Fault::TooManyControlFrames));
    }

    #[test]
    fn requests_that_are_taken_back_have_a_budget_of_their_own() {
        let meter = Meter::new(&limits());
        meter.look(PREFACE);
        for _ in 0..3 {
            meter.look(&frame(3, 4));
            assert_eq!(meter.over(), None);
        }
        meter.look(&frame(3, 4));
        assert_eq!(meter.over(), Some(Fault::TooManyResets));
    }
}
