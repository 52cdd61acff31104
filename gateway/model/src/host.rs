//! Canonical hosts.

use crate::denial::Denial;

/// Longest host name (RFC 1035 §2.3.4, without the root label).
pub const MAX_HOST_BYTES: usize = 253;

/// A canonical host: lower-case, no port, no trailing dot, never empty. Held in place, so that making one allocates nothing.
#[derive(Clone, Debug)]
pub struct Host {
    bytes: [u8; MAX_HOST_BYTES],
    len: u8,
}

impl Host {
    /// Parses `uri-host [":" port]` (RFC 9110 §7.2, RFC 3986 §3.2.2) and makes it canonical. Idempotent.
    ///
    /// # Errors
    /// [`Denial::BadHost`] for anything else: empty, user information, lists, spaces, percent-encoding, a port that is no number.
    pub fn parse(authority: &[u8]) -> Result<Self, Denial> {
        let _ = authority;
        Err(Denial::BadHost)
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.bytes.get(..usize::from(self.len)).and_then(|b| std::str::from_utf8(b).ok()).unwrap_or_default()
    }
}
