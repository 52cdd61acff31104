//! A client's address as text, written once a connection.

use std::fmt::Write as _;
use std::net::IpAddr;

/// Longest text of an IPv6 address (RFC 4291 §2.2 form 3).
const MAX_BYTES: usize = 45;

/// An address in text form, held in place.
#[derive(Clone, Debug)]
pub(crate) struct PeerText {
    bytes: [u8; MAX_BYTES],
    len: u8,
}

impl PeerText {
    pub(crate) fn new(address: IpAddr) -> Self {
        let mut text = Self { bytes: [0; MAX_BYTES], len: 0 };
        // Cannot fail: the array holds the longest form.
        let _ = write!(text, "{address}");
        text
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl std::fmt::Write for PeerText {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let start = usize::from(self.len);
        let room = self.bytes.get_mut(start..start + text.len()).ok_or(std::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len = u8::try_from(start + text.len()).map_err(|_| std::fmt::Error)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::PeerText;

    #[test]
    fn every_address_fits() {
        for text in ["1.2.3.4", "255.255.255.255", "::1", "fe80:1234:5678:9abc:def0:1234:5678:9abc"] {
            assert_eq!(PeerText::new(text.parse().unwrap()).as_bytes(), text.as_bytes());
        }
    }
}
