//! Which endpoint is asked.

use bulkhead_model::balance::Method;

use super::reader::{Reader, Stake};
use super::row::{Group, Row, State, Use};

const METHOD: &str = "load-balance";

pub(super) const ROWS: &[Row] = &[Row::new(METHOD, Group::Balancing, Use::Should, State::Obeyed)];

/// How an endpoint is chosen, where requests do not belong together. `None`: as the lane says.
pub(super) fn method(reader: &mut Reader<'_, '_>) -> Option<Method> {
    reader.word(METHOD, &[("round_robin", Method::RoundRobin), ("ewma", Method::PeakEwma)], Stake::Comfort)
}
