//! What this process calls itself in Via (RFC 9110 §7.6.3).

use std::hash::{BuildHasher, Hasher, RandomState};

use crate::protocol::Protocol;

/// A name that nobody outside can guess beforehand, behind each version by which a request may have come.
#[derive(Debug)]
pub(crate) struct Pseudonym {
    http1: Box<str>,
    http2: Box<str>,
}

/// Bytes of a version and the space behind it.
const VERSION: usize = "1.1 ".len();

impl Pseudonym {
    pub(crate) fn new() -> Self {
        let number = RandomState::new().build_hasher().finish();
        Self {
            http1: format!("1.1 bulkhead-{number:016x}").into(),
            http2: format!("2.0 bulkhead-{number:016x}").into(),
        }
    }

    /// The element of Via for a request that came over `protocol`.
    pub(crate) fn via(&self, protocol: Protocol) -> &str {
        match protocol {
            Protocol::Http1 => &self.http1,
            Protocol::Http2 => &self.http2,
        }
    }

    /// The name, which is the same whatever is spoken.
    pub(crate) fn name(&self) -> &str {
        self.http1.get(VERSION..).unwrap_or_default()
    }
}
