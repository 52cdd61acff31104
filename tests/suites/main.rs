//! Suites that others wrote, or that follow theirs, against a real gateway process.
//!
//! `h2spec` runs the conformance tests of that name, `grpc` the interoperability tests of gRPC, each as the program its project
//! ships (`tools/build` builds them); `websocket` is a list of cases after the Autobahn test suite's. The attacks are a program
//! of their own, in `attack`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test binary: a panic is a failed test, and its output is for a developer"
)]

mod grpc;
mod h2spec;
mod program;
mod websocket;
