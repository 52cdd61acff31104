//! What one address may take of the server, so that nobody takes all of it: whoever fills his share is in his own way only.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::REVIEW_BYTES;

/// Connections of one address. All API servers of a cluster may be behind one, and keep one connection for each review at a time.
pub(super) const CONNECTIONS: usize = 64;
/// Bytes of reviews of one address: two of the largest, or a thousand of the usual ones.
const BYTES: usize = 2 * REVIEW_BYTES;
/// Verdicts of one address at once. There are more than that for all, so that nobody waits for one address only.
const VERDICTS: usize = 1;
/// Bits of an IPv6 address that are one peer's: whoever has a network of 64 bits has all addresses in it (RFC 4291 section 2.5.4).
const NETWORK: u128 = !0 << 64;

/// Everybody who is connected.
#[derive(Default)]
pub(super) struct Peers(Mutex<HashMap<IpAddr, Weak<Peer>>>);

/// One address, as long as anything of it is under way.
pub(super) struct Peer {
    connections: Arc<Semaphore>,
    pub(super) bytes: Arc<Semaphore>,
    pub(super) verdicts: Arc<Semaphore>,
}

/// One connection of a peer.
pub(super) struct Guest {
    pub(super) peer: Arc<Peer>,
    _place: OwnedSemaphorePermit,
}

impl Peers {
    /// Lets a connection in; nothing where its address has as many as it may.
    pub(super) fn enter(&self, address: IpAddr) -> Option<Guest> {
        let mut peers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // As many as there are connections at most.
        peers.retain(|_, peer| peer.strong_count() > 0);
        let known = peers.entry(whose(address)).or_default();
        let peer = known.upgrade().unwrap_or_else(|| {
            let peer = Arc::new(Peer::new());
            *known = Arc::downgrade(&peer);
            peer
        });
        let place = Arc::clone(&peer.connections).try_acquire_owned().ok()?;
        Some(Guest { peer, _place: place })
    }
}

impl Peer {
    pub(super) fn new() -> Self {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self { connections: semaphore(CONNECTIONS), bytes: semaphore(BYTES), verdicts: semaphore(VERDICTS) }
    }
}

/// The address that stands for all of the same peer.
fn whose(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & NETWORK)),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_gets_it_back_and_others_have_theirs() {
        let peers = Peers::default();
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        let mut all: Vec<_> = (0..CONNECTIONS).filter_map(|_| peers.enter(address("192.0.2.1"))).collect();
        assert_eq!(all.len(), CONNECTIONS);
        assert!(peers.enter(address("192.0.2.1")).is_none());
        assert!(peers.enter(address("::ffff:192.0.2.1")).is_none(), "the same in another dress");
        assert!(peers.enter(address("192.0.2.2")).is_some());
        all.pop();
        assert!(peers.enter(address("192.0.2.1")).is_some());
        all.clear();
        assert!(peers.enter(address("2001:db8::1")).is_some());
        assert_eq!(peers.0.lock().expect("a lock").len(), 1, "who is gone is forgotten");
    }

    #[test]
    fn a_network_of_one_site_is_one_peer() {
        let address = |text: &str| whose(text.parse().expect("an address"));
        assert_eq!(address("2001:db8::1"), address("2001:db8::ffff:1"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
    }
}
