//! The list, in the order of Autobahn's chapters.

use super::frame::{Opcode, close, last, more, raw};

const CONTINUATION: u8 = Opcode::CONTINUATION;
const TEXT: u8 = Opcode::TEXT;
const BINARY: u8 = Opcode::BINARY;
const PING: u8 = Opcode::PING;
const PONG: u8 = Opcode::PONG;

/// One conversation.
pub(super) struct Case {
    pub(super) name: String,
    /// What the client sends, frame by frame.
    sends: Vec<Vec<u8>>,
    /// Most bytes of one write.
    chop: usize,
    /// The data and control frames that come back, but for the close.
    pub(super) gets: Vec<(u8, Vec<u8>)>,
    pub(super) ends: Ends,
}

/// How a conversation ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ends {
    /// The server's close has this code; 1005 stands for none (RFC 6455 section 7.1.5).
    Closed(u16),
    /// The server fails the connection (RFC 6455 section 7.1.7).
    Failed,
}

impl Case {
    /// What is written at once.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.sends.iter().flat_map(|frame| frame.chunks(self.chop))
    }

    fn chopped(mut self, chop: usize) -> Self {
        self.name = format!("{}, {chop} bytes a write", self.name);
        self.chop = chop;
        self
    }
}

/// A conversation that the client ends in peace.
fn fine(name: impl Into<String>, mut sends: Vec<Vec<u8>>, gets: Vec<(u8, Vec<u8>)>) -> Case {
    sends.push(close(1000, ""));
    Case { name: name.into(), sends, chop: usize::MAX, gets, ends: Ends::Closed(1000) }
}

/// A message that is sent whole and comes back.
fn echoed(name: impl Into<String>, opcode: u8, payload: impl AsRef<[u8]>) -> Case {
    let payload = payload.as_ref();
    fine(name, vec![last(opcode, payload)], vec![(opcode, payload.to_vec())])
}

/// What no client may send. What it sent well before comes back.
fn broken(name: impl Into<String>, sends: Vec<Vec<u8>>, gets: Vec<(u8, Vec<u8>)>) -> Case {
    Case { name: name.into(), sends, chop: usize::MAX, gets, ends: Ends::Failed }
}

/// Every case.
pub(super) fn all() -> Vec<Case> {
    [framing(), pings(), reserved(), fragments(), utf8(), closes(), sizes()].into_iter().flatten().collect()
}

fn framing() -> Vec<Case> {
    let mut cases = Vec::new();
    for size in [0, 1, 125, 126, 127, 128, 65_535, 65_536] {
        cases.push(echoed(format!("a text of {size} bytes"), TEXT, "*".repeat(size)));
        cases.push(echoed(format!("{size} bytes"), BINARY, vec![0xfe; size]));
    }
    cases.push(echoed("a text of 65,536 bytes", TEXT, "*".repeat(65_536)).chopped(997));
    cases.push(echoed("65,536 bytes", BINARY, vec![0xfe; 65_536]).chopped(997));
    cases.push(echoed("a short text", TEXT, "hello").chopped(1));
    cases
}

fn pings() -> Vec<Case> {
    let ponged = |payload: &[u8]| vec![(PONG, payload.to_vec())];
    let mut cases: Vec<Case> = [0, 1, 125]
        .map(|size| vec![0xff; size])
        .map(|payload| fine(format!("a ping of {} bytes", payload.len()), vec![last(PING, &payload)], ponged(&payload)))
        .into();
    cases.push(fine("a ping byte by byte", vec![last(PING, "hello")], ponged(b"hello")).chopped(1));
    cases.push(broken("a ping of 126 bytes", vec![last(PING, [0; 126])], Vec::new()));
    for payload in ["", "unasked"] {
        cases.push(fine("a pong that nobody asked for", vec![last(PONG, payload)], Vec::new()));
    }
    cases.push(fine("a pong, then a ping", vec![last(PONG, "a"), last(PING, "b")], ponged(b"b")));
    let ten: Vec<(u8, Vec<u8>)> = (0..10_u8).map(|n| (PONG, vec![n; 3])).collect();
    let pings = || ten.iter().map(|(_, payload)| last(PING, payload)).collect::<Vec<_>>();
    // One a write: of pings that come at once, the last alone may be answered (RFC 6455 section 5.5.3).
    cases.push(fine("ten pings", pings(), ten.clone()));
    cases.push(fine("ten pings", pings(), ten.clone()).chopped(1));
    cases
}

fn reserved() -> Vec<Case> {
    let hello = || vec![(TEXT, b"hello".to_vec())];
    let mut cases = Vec::new();
    for bits in 1..8_u8 {
        cases.push(broken(format!("reserved bits {bits}"), vec![raw(0x80 | bits << 4, TEXT, b"x")], Vec::new()));
        cases.push(broken(
            format!("reserved bits {bits} of a ping"),
            vec![raw(0x80 | bits << 4, PING, b"x")],
            Vec::new(),
        ));
    }
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        cases.push(broken(format!("opcode {opcode}"), vec![last(opcode, "")], Vec::new()));
        cases.push(broken(
            format!("opcode {opcode} after a text"),
            vec![last(TEXT, "hello"), last(opcode, "x")],
            hello(),
        ));
    }
    cases
}

fn fragments() -> Vec<Case> {
    let joined = || vec![(TEXT, b"onetwo".to_vec())];
    let two = || vec![more(TEXT, "one"), last(CONTINUATION, "two")];
    let between = |middle: Vec<u8>| vec![more(TEXT, "one"), middle, last(CONTINUATION, "two")];
    vec![
        fine("two fragments", two(), joined()),
        fine("two fragments", two(), joined()).chopped(1),
        fine(
            "a ping between fragments",
            between(last(PING, "p")),
            vec![(PONG, b"p".to_vec()), (TEXT, b"onetwo".to_vec())],
        ),
        fine("a pong between fragments", between(last(PONG, "p")), joined()),
        fine(
            "empty fragments",
            vec![more(TEXT, ""), more(CONTINUATION, ""), last(CONTINUATION, "")],
            vec![(TEXT, Vec::new())],
        ),
        fine("an empty last fragment", vec![more(TEXT, "onetwo"), last(CONTINUATION, "")], joined()),
        fine("two fragmented messages", [two(), two()].concat(), [joined(), joined()].concat()),
        broken("a fragmented ping", vec![more(PING, "a")], Vec::new()),
        broken("a fragmented pong", vec![more(PONG, "a")], Vec::new()),
        broken("a last continuation of nothing", vec![last(CONTINUATION, "x")], Vec::new()),
        broken("a continuation of nothing", vec![more(CONTINUATION, "x")], Vec::new()),
        broken("a continuation after the end", [two(), vec![last(CONTINUATION, "x")]].concat(), joined()),
        broken("a new message inside another", vec![more(TEXT, "one"), last(TEXT, "two")], Vec::new()),
        broken("a new fragmented message inside another", vec![more(TEXT, "one"), more(TEXT, "two")], Vec::new()),
    ]
}

fn utf8() -> Vec<Case> {
    let mut cases = Vec::new();
    for text in [
        "κόσμε",
        "\u{80}",
        "\u{7ff}",
        "\u{800}",
        "\u{ffff}",
        "\u{d7ff}",
        "\u{e000}",
        "\u{fffd}",
        "\u{10000}",
        "\u{10ffff}",
        "\0",
    ] {
        cases.push(echoed(format!("the text {}", text.escape_unicode()), TEXT, text));
        // Cut inside of characters.
        let bytes = text.as_bytes();
        let pieces =
            bytes.iter().enumerate().map(|(at, byte)| more(if at == 0 { TEXT } else { CONTINUATION }, [*byte]));
        let sends = pieces.chain([last(CONTINUATION, "")]).collect();
        cases.push(fine(
            format!("the text {} in fragments", text.escape_unicode()),
            sends,
            vec![(TEXT, bytes.to_vec())],
        ));
    }
    let invalid: [&[u8]; 14] = [
        b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
        b"\x80",
        b"\xbf",
        b"\xc0\x80",
        b"\xc1\xbf",
        b"\xe0\x80\x80",
        b"\xed\xa0\x80",
        b"\xed\xbf\xbf",
        b"\xf0\x80\x80\x80",
        b"\xf4\x90\x80\x80",
        b"\xf8\x88\x80\x80\x80",
        b"\xfe",
        b"\xff",
        b"\xce",
    ];
    for bytes in invalid {
        let name = bytes.escape_ascii();
        cases.push(broken(format!("a text that is none: {name}"), vec![last(TEXT, bytes)], Vec::new()));
        let (first, rest) = bytes.split_at(1);
        let sends = vec![more(TEXT, first), last(CONTINUATION, rest)];
        cases.push(broken(format!("a text that is none, in fragments: {name}"), sends, Vec::new()));
        cases.push(echoed(format!("bytes that need not be text: {name}"), BINARY, bytes));
    }
    cases
}

fn closes() -> Vec<Case> {
    let ending = |name: String, sends: Vec<Vec<u8>>, code: u16| Case {
        name,
        sends,
        chop: usize::MAX,
        gets: Vec::new(),
        ends: Ends::Closed(code),
    };
    let mut cases = vec![
        ending("a close without a code".to_owned(), vec![last(Opcode::CLOSE, "")], 1005),
        ending("a close with the longest reason".to_owned(), vec![close(1000, "*".repeat(123))], 1000),
        ending("a text after the close".to_owned(), vec![close(1000, ""), last(TEXT, "late")], 1000),
        ending("a ping after the close".to_owned(), vec![close(1000, ""), last(PING, "late")], 1000),
        broken("a close of one byte", vec![last(Opcode::CLOSE, "x")], Vec::new()),
        broken("a close with too long a reason", vec![close(1000, "*".repeat(124))], Vec::new()),
        broken("a close whose reason is no text", vec![close(1000, b"\xce\xba\xed\xa0\x80")], Vec::new()),
    ];
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999] {
        cases.push(ending(format!("code {code}"), vec![close(code, "bye")], code));
    }
    for code in [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535] {
        cases.push(broken(format!("code {code}"), vec![close(code, "")], Vec::new()));
    }
    cases
}

fn sizes() -> Vec<Case> {
    const KIB: usize = 1 << 10;
    let mut cases = Vec::new();
    for size in [64 * KIB, 256 * KIB, 1024 * KIB, 4096 * KIB] {
        cases.push(echoed(format!("a text of {} KiB", size / KIB), TEXT, "*".repeat(size)));
        cases.push(echoed(format!("{} KiB", size / KIB), BINARY, vec![0xfe; size]));
    }
    for chop in [64, 256, 1024, 4096] {
        cases.push(echoed("a text of 256 KiB", TEXT, "*".repeat(256 * KIB)).chopped(chop));
    }
    for fragment in [64, 256, 1024, 65_536] {
        let payload = vec![0xfe; 1024 * KIB];
        let pieces: Vec<&[u8]> = payload.chunks(fragment).collect();
        let end = pieces.len() - 1;
        let sends = pieces.iter().enumerate().map(|(at, piece)| {
            raw(if at == end { 0x80 } else { 0 }, if at == 0 { BINARY } else { CONTINUATION }, piece)
        });
        let name = format!("1 MiB in fragments of {fragment} bytes");
        cases.push(fine(name, sends.collect(), vec![(BINARY, payload.clone())]));
    }
    let ten: Vec<(u8, Vec<u8>)> = (0..100_u8).map(|n| (BINARY, vec![n; 16 << 10])).collect();
    cases.push(fine("a hundred messages", ten.iter().map(|(_, payload)| last(BINARY, payload)).collect(), ten));
    cases
}
