//! Annotations that no module reads.

use super::row::{Group, Row, State, Use};

/// What to do about an annotation that routes are served without.
const WITHOUT: State = State::Ignored(
    "Remove the annotation if the route works without it, or keep the Ingress on a controller that obeys it.",
);

pub(super) const ROWS: &[Row] = &[
    Row::new("mirror-target", Group::Proxying, Use::Should, WITHOUT),
    Row::new("mirror-request-body", Group::Proxying, Use::Should, WITHOUT),
    Row::new("mirror-host", Group::Proxying, Use::Should, WITHOUT),
];
