//! Fields that this version accepts but does not act on yet.
//!
//! The schema is complete from the first version, because tightening it later would break upgrades. So that nobody relies on a field
//! that does nothing, the operator says in a condition which of them an instance has set, and the documentation lists them all.

use crate::instance::GatewayInstanceSpec;
use crate::lane_spec::LaneSpec;
use crate::names::LaneName;

/// A field that is not obeyed, for documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotObeyed {
    /// Paths from `spec`, one per place where the field stands.
    pub paths: &'static [&'static str],
    /// What happens whatever the field says.
    pub instead: &'static str,
}

/// One row of the table.
struct Row {
    about: NotObeyed,
    /// Whether it asks for something that does not happen.
    set: fn(&LaneSpec) -> bool,
}

impl Row {
    const fn new(paths: &'static [&'static str], instead: &'static str, set: fn(&LaneSpec) -> bool) -> Self {
        Self { about: NotObeyed { paths, instead }, set }
    }
}

/// Fields of a lane: the path in northSouth, then the path in eastWest.
const LANE: &[Row] = &[Row::new(
    &["spec.northSouth.metrics.perHost", "spec.eastWest.metrics.perHost"],
    "the standard metrics have no label for the host: without ingressNginxNames it adds nothing",
    |lane| lane.metrics.per_host && !lane.metrics.ingress_nginx_names,
)];

/// The table, for documentation.
pub fn rows() -> impl Iterator<Item = NotObeyed> {
    LANE.iter().map(|row| row.about)
}

/// Paths of all fields that this version does not obey.
#[must_use]
pub fn all() -> Vec<&'static str> {
    rows().flat_map(|row| row.paths).copied().collect()
}

/// Paths of the fields that `spec` sets away from their defaults and that this version does not obey. Lanes that are not enabled are
/// not looked at.
#[must_use]
pub fn fields_not_obeyed(spec: &GatewayInstanceSpec) -> Vec<&'static str> {
    let mut fields = Vec::new();
    for (name, lane) in spec.enabled_lanes() {
        let place = match name {
            LaneName::NorthSouth => 0,
            LaneName::EastWest => 1,
        };
        fields.extend(LANE.iter().filter(|row| (row.set)(lane)).filter_map(|row| row.about.paths.get(place)));
    }
    fields
}
