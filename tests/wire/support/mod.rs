//! The three parties of a case: a client's pieces, a gateway process with its manifests, and a backend that remembers every byte.

pub(crate) mod backend;
pub(crate) mod lane;
pub(crate) mod manifest;
pub(crate) mod message;
pub(crate) mod pieces;
pub(crate) mod site;

use std::time::Duration;

/// Longest wait for anything: far beyond what one machine needs, so that a hang fails where it happens.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
