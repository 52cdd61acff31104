//! The codec from outside: laws that hold for all bytes, and what hyper makes of the same bytes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test binary: a panic is a failed test, and its output is for a developer"
)]

mod compare;
mod disagreements;
mod fuzzers;
mod grammar;
mod hyper;
mod ours;
mod seeds;
mod theirs;

#[path = "../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "this is also the library that fuzzers are built from")]
mod laws;

#[path = "../../gateway/http1/src/tests/refused.rs"]
mod refused;

use bulkhead_http1::Refusal;
