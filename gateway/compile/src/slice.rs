//! One EndpointSlice: addresses, whether they take requests, and under which ports.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use bulkhead_crds::finding::Finding;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};

use crate::code::FindingCode;
use crate::compiler::Options;
use crate::findings::{Notes, quote};
use crate::name::Name;

/// Names the Service a slice belongs to (EndpointSlice API reference).
const LABEL_SERVICE: &str = "kubernetes.io/service-name";
/// Where clouds hand out credentials, besides the link-local 169.254.169.254: AWS over IPv6, Alibaba, Oracle.
const METADATA: [IpAddr; 3] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
];

/// An EndpointSlice, as far as backends need it.
#[derive(Debug, PartialEq)]
pub(crate) struct Slice {
    /// The Service it belongs to. A slice without one is nobody's.
    pub(crate) service: Option<Name>,
    /// TCP ports by the name of the Service's port.
    pub(crate) ports: Vec<(Arc<str>, u16)>,
    /// Addresses that may be asked.
    pub(crate) addresses: Vec<Address>,
    pub(crate) findings: Vec<Finding>,
}

/// An address that may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) ip: IpAddr,
    pub(crate) readiness: Readiness,
    pub(crate) hint: Hint,
}

/// For which zones an endpoint is meant (EndpointSlice API reference, `EndpointHints.forZones`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hint {
    /// It does not say.
    None,
    /// For others.
    Elsewhere,
    /// For this gateway's, among others maybe.
    Here,
}

/// Whether an endpoint takes requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Readiness {
    /// It does.
    Ready,
    /// It is on its way out and still serves: asked only when nothing is ready.
    Leaving,
}

impl Slice {
    pub(crate) fn read(slice: &EndpointSlice, options: &Options) -> Self {
        let name = Name::of(&slice.metadata);
        let mut notes = Notes::new("EndpointSlice", &name);
        let service = slice.metadata.labels.as_ref().and_then(|labels| labels.get(LABEL_SERVICE));
        let ports = slice.ports.iter().flatten().filter(|port| port.protocol.as_deref().unwrap_or("TCP") == "TCP");
        let ports = ports.filter_map(|port| {
            let number = u16::try_from(port.port?).ok().filter(|number| *number != 0)?;
            Some((port.name.as_deref().unwrap_or_default().into(), number))
        });
        Self {
            service: service.filter(|service| !service.is_empty()).map(|service| name.beside(&service.as_str().into())),
            ports: ports.collect(),
            addresses: read_addresses(slice, options, &mut notes),
            findings: notes.into_list(),
        }
    }
}

fn read_addresses(slice: &EndpointSlice, options: &Options, notes: &mut Notes<'_>) -> Vec<Address> {
    let family = slice.address_type.as_str();
    if !matches!(family, "IPv4" | "IPv6") {
        notes.add(FindingCode::EndpointUnreadable, "addressType", || {
            format!("Endpoints of the address type {} are not asked.", quote(family))
        });
        return Vec::new();
    }
    let mut addresses = Vec::with_capacity(slice.endpoints.len());
    for (e, endpoint) in slice.endpoints.iter().enumerate() {
        let Some(readiness) = readiness(endpoint) else { continue };
        // All addresses of an endpoint are interchangeable (EndpointSlice API reference): the first stands for it.
        let written = endpoint.addresses.first().map(String::as_str).unwrap_or_default();
        let field = || format!("endpoints[{e}].addresses[0]");
        let Some(address) = written.parse::<IpAddr>().ok().filter(|ip| ip.is_ipv4() == (family == "IPv4")) else {
            notes.add(FindingCode::EndpointUnreadable, &field(), || {
                format!("{} is not an {family} address, so this endpoint is left out.", quote(written))
            });
            continue;
        };
        let address = address.to_canonical();
        let ports = slice.ports.iter().flatten().filter_map(|port| u16::try_from(port.port?).ok());
        if may_be_asked(address, options) && !is_own_admin(address, ports, options) {
            addresses.push(Address { ip: address, readiness, hint: hint(endpoint, options) });
        } else {
            notes.add(FindingCode::EndpointRefused, &field(), || {
                format!("A gateway does not send requests to {address}, so this endpoint is left out.")
            });
        }
    }
    addresses
}

/// `None`: it does not take requests. Unset conditions are as good as their documented defaults.
fn readiness(endpoint: &Endpoint) -> Option<Readiness> {
    let conditions = endpoint.conditions.as_ref();
    let is = |condition: Option<bool>| condition == Some(true);
    match conditions {
        Some(c) if c.ready == Some(false) => (is(c.serving) && is(c.terminating)).then_some(Readiness::Leaving),
        _ => Some(Readiness::Ready),
    }
}

fn hint(endpoint: &Endpoint, options: &Options) -> Hint {
    let zones = endpoint.hints.as_ref().and_then(|hints| hints.for_zones.as_deref()).unwrap_or_default();
    match options.zone.as_deref() {
        _ if zones.is_empty() => Hint::None,
        Some(own) if zones.iter().any(|zone| zone.name == own) => Hint::Here,
        _ => Hint::Elsewhere,
    }
}

/// Whether it leads to the admin pages of the gateway itself, under which of these ports ever.
pub(crate) fn is_own_admin(address: IpAddr, mut ports: impl Iterator<Item = u16>, options: &Options) -> bool {
    let inner = embedded(address).into_iter().flatten().map(IpAddr::V4);
    let own: Vec<_> =
        inner.chain([address]).flat_map(|ip| options.own_admin.iter().filter(move |own| own.ip() == ip)).collect();
    ports.any(|port| own.iter().any(|own| own.port() == port))
}

/// Addresses that lead into the gateway's own pod, its node or its cloud account are nobody's backends, whoever writes them.
pub fn may_be_asked(address: IpAddr, options: &Options) -> bool {
    if address.is_loopback() {
        return options.loopback_endpoints;
    }
    // A translator or relay in the network would take the request there, and never to this machine's own loopback.
    if embedded(address).into_iter().flatten().any(|inner| !may_be_asked(IpAddr::V4(inner), &Options::default())) {
        return false;
    }
    let local = match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast() || v4.octets().first() == Some(&0),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    !(local || address.is_unspecified() || address.is_multicast() || METADATA.contains(&address))
}

/// The IPv4 addresses that an IPv6 address may lead to: by NAT64 (RFC 6052 section 2.1, RFC 8215), by 6to4 (RFC 3056 section 2), or in
/// the retired IPv4-compatible form (RFC 4291 section 2.5.5.1).
fn embedded(address: IpAddr) -> [Option<Ipv4Addr>; 4] {
    let IpAddr::V6(v6) = address else { return [None; 4] };
    let [_, _, _, _, _, _, o6, o7, _, o9, o10, o11, o12, o13, o14, o15] = v6.octets();
    let last = Some(Ipv4Addr::new(o12, o13, o14, o15));
    match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, ..] | [0, 0, 0, 0, 0, 0, ..] => [last, None, None, None],
        [0x64, 0xff9b, 1, ..] => {
            // A network may use any prefix of this block, so any of the places of RFC 6052 section 2.2 may hold the address. Where a
            // longer prefix has zeros, none does.
            let places = [[o12, o13, o14, o15], [o6, o7, o9, o10], [o7, o9, o10, o11], [o9, o10, o11, o12]];
            places.map(|octets| Some(Ipv4Addr::from(octets)).filter(|ip| ip.octets().first() != Some(&0)))
        }
        [0x2002, high, low, ..] => {
            let bits = (u32::from(high) << 16) | u32::from(low);
            [Some(Ipv4Addr::from_bits(bits)), None, None, None]
        }
        _ => [None; 4],
    }
}
