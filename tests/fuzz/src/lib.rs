//! Laws that hold for all bytes a stranger can send. Each is a function of bytes that panics where it is broken: a fuzzer looks
//! for such bytes (`targets/`), and an ordinary test, which compiles this file as well, runs each over the bytes in `seeds/`.
//!
//! ```text
//! cargo install cargo-fuzz && mkdir -p tests/fuzz/corpus/forwarding
//! cargo +nightly fuzz run --fuzz-dir tests/fuzz forwarding tests/fuzz/corpus/forwarding tests/fuzz/seeds/forwarding
//! ```
//!
//! What it finds goes into `seeds/` under a name that says what it is, so that it stays found.

mod answering;
mod content;
mod edits;
mod forwarding;
mod heads;
mod names;
mod origins;
mod plain;

/// A law, and the folder of seeds that it shares its name with.
pub type Law = (&'static str, fn(&[u8]));

/// Every law.
pub const LAWS: &[Law] = &[
    ("answering", answering::answering),
    ("chunked_content", content::chunked_content),
    ("edits", edits::edits),
    ("forwarding", forwarding::forwarding),
    ("path_and_host", names::path_and_host),
    ("proxy_protocol", origins::proxy_protocol),
    ("request_head", heads::request_head),
    ("response_head", heads::response_head),
];

/// Holds the law of this name against `bytes`.
pub fn hold(name: &str, bytes: &[u8]) {
    let law = LAWS.iter().find(|(known, _)| *known == name);
    assert!(law.is_some(), "there is no law {name}");
    if let Some((_, law)) = law {
        law(bytes);
    }
}
