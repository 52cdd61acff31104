//! The three parties of a wire test: a client's pieces, a gateway process with its manifests, and a backend that remembers every byte.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    clippy::missing_panics_doc,
    reason = "parts of tests: what goes wrong here is a failed test"
)]

pub mod backend;
pub mod lane;
pub mod manifest;
pub mod message;
pub mod pieces;
pub mod site;

use std::time::Duration;

/// Longest wait for anything: far beyond what one machine needs, so that a hang fails where it happens.
pub const PATIENCE: Duration = Duration::from_secs(10);
