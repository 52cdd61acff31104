//! How many clients a process has room for.

use crate::limits::CONTENT_BUFFER;
use crate::settings::Limits;

/// What the system lets a process have. `None`: as much as it likes, or nobody knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// File descriptors.
    pub descriptors: Option<u64>,
}

/// Bytes of a TLS session while records are on their way in both directions: keys, and a record of 16 KiB with its frame.
const SESSION_BYTES: u64 = 24 << 10;
/// Share of the memory that clients may fill, in percent. The rest is for routes and certificates, the pools of threads, what
/// the kernel keeps for sockets, and what an allocator cannot give back.
const SHARE_OF_CLIENTS: u64 = 60;
/// Fewest connections, however small the process: with fewer, two browsers would fill it.
const LEAST: u64 = 64;

impl Room {
    /// Most client connections: as many as settings say, else as many as fit even if each of them does its worst with one
    /// request, and leaves every one of them a descriptor for its backend.
    #[must_use]
    pub fn connections(&self, limits: &Limits) -> usize {
        if limits.connections > 0 {
            return limits.connections;
        }
        let by_memory = self.memory.map(|bytes| bytes / 100 * SHARE_OF_CLIENTS / worst_case(limits));
        let by_descriptors = self.descriptors.map(|descriptors| descriptors / 2);
        let most = by_memory.into_iter().chain(by_descriptors).min();
        most.map_or(usize::MAX, |most| usize::try_from(most.max(LEAST)).unwrap_or(usize::MAX))
    }
}

/// Bytes of a connection without a request, under TLS.
const IDLE_BYTES: u64 = 8 << 10;

/// Most bytes that so many connections hold, with so many requests in flight on them: an estimate that is rather too large.
#[must_use]
pub fn held(limits: &Limits, connections: u64, in_flight: u64) -> u64 {
    connections.saturating_mul(IDLE_BYTES).saturating_add(in_flight.saturating_mul(worst_case(limits)))
}

/// Most bytes that a connection makes this process hold with one request in flight: a session, a head, and one buffer of
/// content in either direction.
///
/// One of HTTP/2 may have many in flight, for which [`Room::connections`] leaves no room: it would be room for a few hundred
/// clients. [`held`] counts each of them, and the levels of overload go by that.
#[must_use]
pub fn worst_case(limits: &Limits) -> u64 {
    SESSION_BYTES + limits.head_bytes as u64 + 2 * CONTENT_BUFFER.default
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    #[test]
    fn the_scarcer_of_memory_and_descriptors_decides() {
        let limits = Settings::default().limits;
        let mib = |mib: u64| Some(mib << 20);
        for (memory, descriptors, most) in [
            (mib(512), Some(1 << 20), 1709),
            (mib(512), Some(1024), 512),
            (mib(4096), None, 13_677),
            (None, Some(20_000), 10_000),
            (mib(1), Some(1 << 20), 64),
            (None, None, usize::MAX),
        ] {
            assert_eq!(Room { memory, descriptors }.connections(&limits), most, "{memory:?} {descriptors:?}");
        }
    }

    #[test]
    fn whoever_allows_larger_heads_has_room_for_fewer_clients() {
        let mut limits = Settings::default().limits;
        let room = Room { memory: Some(512 << 20), descriptors: None };
        let before = room.connections(&limits);
        limits.head_bytes = 256 << 10;
        assert!(room.connections(&limits) < before);
    }

    #[test]
    fn what_settings_say_is_done() {
        let mut limits = Settings::default().limits;
        limits.connections = 7;
        assert_eq!(Room { memory: Some(1), descriptors: Some(1) }.connections(&limits), 7);
    }
}
