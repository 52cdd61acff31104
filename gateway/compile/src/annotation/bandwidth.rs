//! How fast each response is sent.

use std::num::NonZeroU64;

use bulkhead_model::bandwidth::Bandwidth;

use super::reader::{Reader, Stake};
use super::row::{Group, Row, State, Use};

const RATE: &str = "limit-rate";
const AFTER: &str = "limit-rate-after";

/// In ingress-nginx it is about what has been gathered.
const ALWAYS: State =
    State::Approximated("It holds for every response, where ingress-nginx needs proxy-buffering to be on as well.");

pub(super) const ROWS: &[Row] =
    &[Row::new(RATE, Group::Access, Use::Rare, ALWAYS), Row::new(AFTER, Group::Access, Use::Rare, State::Obeyed)];

/// Both are in KiB, as nginx reads `k`.
const UNIT: u64 = 1 << 10;
/// Highest of both, in KiB: 1 TiB.
const MOST: u64 = 1 << 30;

/// 0 is no limit.
pub(super) fn read(reader: &mut Reader<'_, '_>) -> Option<Bandwidth> {
    let rate = reader.number(RATE, 0..=MOST, Stake::Protection);
    let after = reader.number(AFTER, 0..=MOST, Stake::Comfort).unwrap_or_default();
    Some(Bandwidth { rate: NonZeroU64::new(rate? * UNIT)?, after: after * UNIT })
}
