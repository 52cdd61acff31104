//! Fields that this version accepts but does not act on yet.
//!
//! The schema is complete from the first version, because tightening it later would break upgrades. So that nobody relies on a field
//! that does nothing, the operator says in a condition which of them an instance has set.

use crate::client_address::ProxyProtocol;
use crate::instance::{GatewayInstanceSpec, Profile};
use crate::lane_spec::LaneSpec;
use crate::limits::Limits;
use crate::names::LaneName;
use crate::rollout::Rollout;
use crate::scope::HostOwnership;
use crate::upstream::Upstream;

/// One field that is not obeyed.
struct Row<T: 'static> {
    /// Paths from `spec`, one per place where the field stands.
    paths: &'static [&'static str],
    /// Whether it asks for something that does not happen.
    set: fn(&T) -> bool,
}

/// Fields of the instance.
const INSTANCE: &[Row<GatewayInstanceSpec>] = &[
    Row { paths: &["spec.deletionProtection"], set: |spec| spec.deletion_protection },
    Row { paths: &["spec.profile"], set: |spec| spec.profile != Profile::default() },
    Row { paths: &["spec.scope.hostOwnership"], set: |spec| spec.scope.host_ownership != HostOwnership::default() },
    Row { paths: &["spec.rollout"], set: |spec| spec.rollout != Rollout::default() },
];

/// Fields of a lane: the path in northSouth, then the path in eastWest.
const LANE: &[Row<LaneSpec>] = &[
    Row {
        paths: &[
            "spec.northSouth.ingressClass.publishStatusForAlsoServed",
            "spec.eastWest.ingressClass.publishStatusForAlsoServed",
        ],
        set: |lane| lane.ingress_class.publish_status_for_also_served,
    },
    Row {
        paths: &["spec.northSouth.clientAddress.proxyProtocol", "spec.eastWest.clientAddress.proxyProtocol"],
        set: |lane| lane.client_address.proxy_protocol != ProxyProtocol::default(),
    },
    Row { paths: &["spec.northSouth.tls", "spec.eastWest.tls"], set: |lane| lane.tls != Default::default() },
    Row {
        paths: &["spec.northSouth.limits.tlsHandshakeTimeout", "spec.eastWest.limits.tlsHandshakeTimeout"],
        set: |lane| lane.limits.tls_handshake_timeout != Limits::default().tls_handshake_timeout,
    },
    Row {
        paths: &["spec.northSouth.limits.http2", "spec.eastWest.limits.http2"],
        set: |lane| lane.limits.http2 != Default::default(),
    },
    Row {
        paths: &["spec.northSouth.upstream.loadBalance", "spec.eastWest.upstream.loadBalance"],
        set: |lane| lane.upstream.load_balance != Upstream::default().load_balance,
    },
    Row {
        paths: &["spec.northSouth.accessLog", "spec.eastWest.accessLog"],
        set: |lane| lane.access_log != Default::default(),
    },
    Row {
        paths: &["spec.northSouth.tracing", "spec.eastWest.tracing"],
        set: |lane| lane.tracing != Default::default(),
    },
    Row {
        paths: &["spec.northSouth.metrics", "spec.eastWest.metrics"],
        set: |lane| lane.metrics != Default::default(),
    },
];

/// Paths of all fields that this version does not obey, for documentation.
#[must_use]
pub fn all() -> Vec<&'static str> {
    let instance = INSTANCE.iter().flat_map(|row| row.paths);
    instance.chain(LANE.iter().flat_map(|row| row.paths)).copied().collect()
}

/// Paths of the fields that `spec` sets away from their defaults and that this version does not obey. Lanes that are not enabled are
/// not looked at.
#[must_use]
pub fn fields_not_obeyed(spec: &GatewayInstanceSpec) -> Vec<&'static str> {
    let mut fields: Vec<_> = INSTANCE.iter().filter(|row| (row.set)(spec)).flat_map(|row| row.paths).copied().collect();
    for (name, lane) in spec.enabled_lanes() {
        let place = match name {
            LaneName::NorthSouth => 0,
            LaneName::EastWest => 1,
        };
        fields.extend(LANE.iter().filter(|row| (row.set)(lane)).filter_map(|row| row.paths.get(place)));
    }
    fields
}
