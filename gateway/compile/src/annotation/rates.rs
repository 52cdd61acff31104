//! How often a client may ask, and how many of its requests may be there at once.

use std::num::NonZeroU32;

use bulkhead_model::rate_limit::{Bounds, Rate};
use bulkhead_model::settings::Network;

use super::reader::{Reader, Stake};
use super::row::{Group, Row, State, Use};

const PER_SECOND: &str = "limit-rps";
const PER_MINUTE: &str = "limit-rpm";
const BURST: &str = "limit-burst-multiplier";
const CONNECTIONS: &str = "limit-connections";
const EXEMPT: &str = "limit-allowlist";
const EXEMPT_ALIAS: &str = "limit-whitelist";

/// How all of them count.
const COUNTED: State = State::Approximated(
    "Addresses of IPv6 are counted by network of 64 bits. The profile Standard answers 429 with Retry-After where ingress-nginx answers 503.",
);

pub(super) const ROWS: &[Row] = &[
    Row::new(PER_SECOND, Group::Access, Use::Must, COUNTED),
    Row::new(PER_MINUTE, Group::Access, Use::Must, COUNTED),
    Row::new(BURST, Group::Access, Use::Must, State::Obeyed),
    Row::new(CONNECTIONS, Group::Access, Use::Must, COUNTED),
    Row::new(EXEMPT, Group::Access, Use::Must, State::Obeyed).or(EXEMPT_ALIAS),
];

/// Burst over rate where none is written, as in ingress-nginx.
const DEFAULT_BURST: u64 = 5;
/// Highest burst over rate: what is let pass at once beyond an hour's rate is no limit any more.
const MAX_BURST: u64 = 3600;

/// What an Ingress limits. Its routes share what is counted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rates {
    pub(crate) bounds: Bounds,
    /// Clients that are not counted.
    pub(crate) exempt: Box<[Network]>,
}

pub(super) fn read(reader: &mut Reader<'_, '_>) -> Option<Rates> {
    let (second, minute) = (limit(reader, PER_SECOND), limit(reader, PER_MINUTE));
    let connections = limit(reader, CONNECTIONS);
    if second.is_none() && minute.is_none() && connections.is_none() {
        return None;
    }
    let burst = reader.number(BURST, 0..=MAX_BURST, Stake::Protection).unwrap_or(DEFAULT_BURST);
    let burst = |limit: NonZeroU32| burst.saturating_mul(limit.get().into());
    // An empty list is none, and leaves what the older name says.
    let exempt = if reader.has(EXEMPT) && !reader.is_empty(EXEMPT) { EXEMPT } else { EXEMPT_ALIAS };
    reader.tell_empty(EXEMPT, "it lets nobody ask more often than others");
    let exempt = reader.networks(exempt, Stake::Protection).unwrap_or_default();
    let bounds = Bounds {
        per_second: second.map(|limit| Rate::per_second(limit, burst(limit))),
        per_minute: minute.map(|limit| Rate::per_minute(limit, burst(limit))),
        connections,
    };
    Some(Rates { bounds, exempt })
}

/// 0 is no limit.
fn limit(reader: &mut Reader<'_, '_>, name: &str) -> Option<NonZeroU32> {
    let number = reader.number(name, 0..=u64::from(u32::MAX), Stake::Protection)?;
    NonZeroU32::new(number.try_into().ok()?)
}
