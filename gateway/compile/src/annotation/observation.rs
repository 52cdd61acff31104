//! What is written down about requests.

use super::reader::{Reader, Stake};
use super::row::{Group, Row, State, Use};

const ACCESS_LOG: &str = "enable-access-log";

const REWRITE_LOG: State = State::Ignored(
    "Remove the annotation: there is no log of rewrites. The built-in backend of `bulkhead up` answers with the path that it got.",
);
const TRACES: State = State::Ignored(
    "Remove the annotation: no spans are made here. The fields `traceparent` and `tracestate` of the W3C pass through as they come, \
     so a trace that a client begins goes on behind the gateway.",
);

pub(super) const ROWS: &[Row] = &[
    Row::new(ACCESS_LOG, Group::Observation, Use::Must, State::Obeyed),
    Row::new("enable-opentelemetry", Group::Observation, Use::Should, TRACES),
    Row::new("enable-rewrite-log", Group::Observation, Use::Rare, REWRITE_LOG),
    Row::new("opentelemetry-operation-name", Group::Observation, Use::Should, TRACES),
    Row::new("opentelemetry-trust-incoming-span", Group::Observation, Use::Should, TRACES),
];

/// Whether requests have no line in the access log.
pub(super) fn unlogged(reader: &mut Reader<'_, '_>) -> bool {
    reader.switch(ACCESS_LOG, Stake::Comfort) == Some(false)
}
