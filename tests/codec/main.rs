//! The codec from outside: laws that hold for all bytes, and what hyper makes of the same bytes.

mod seeds;

#[path = "../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "this is also the library that fuzzers are built from")]
mod laws;
