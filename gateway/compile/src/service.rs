//! One Service: which of its ports a route can name.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::networking::v1::ServiceBackendPort;

use crate::code::FindingCode;
use crate::compiler::Options;
use crate::slice::may_be_asked;
use crate::spoken::Spoken;

/// How a route names a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PortRef {
    Number(u16),
    Name(Arc<str>),
}

impl PortRef {
    /// A number or a name, not both and not neither. The API server writes the zero value for what is not set.
    pub(crate) fn read(port: &ServiceBackendPort) -> Option<Self> {
        let number = port.number.filter(|number| *number != 0);
        let name = port.name.as_deref().filter(|name| !name.is_empty());
        match (number, name) {
            (Some(number), None) => u16::try_from(number).ok().map(Self::Number),
            (None, Some(name)) => Some(Self::Name(name.into())),
            _ => None,
        }
    }
}

impl fmt::Display for PortRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// A Service, as far as routes need it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ports {
    /// The host that the Service is another name for; empty if it says none.
    pub(crate) external_name: Option<Arc<str>>,
    /// Its cluster IP, if it has one that may be asked.
    address: Option<IpAddr>,
    list: Vec<Port>,
}

/// A port of a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Port {
    pub(crate) number: u16,
    /// Empty if it has none. EndpointSlices name their ports after it.
    pub(crate) name: Arc<str>,
    /// Its place in the Service.
    pub(crate) position: usize,
    pub(crate) app_protocol: AppProtocol,
    tcp: bool,
}

/// What a Service says is spoken on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AppProtocol {
    /// Nothing.
    Unset,
    Known(Spoken),
    /// Something that is not spoken here.
    Unknown(Box<str>),
}

impl AppProtocol {
    fn read(written: Option<&str>) -> Self {
        match written.unwrap_or_default() {
            "" => Self::Unset,
            word => Spoken::of_app_protocol(word).map_or_else(|| Self::Unknown(word.into()), Self::Known),
        }
    }

    pub(crate) const fn spoken(&self) -> Option<Spoken> {
        match self {
            Self::Known(spoken) => Some(*spoken),
            Self::Unset | Self::Unknown(_) => None,
        }
    }
}

impl Ports {
    pub(crate) fn read(service: &Service, options: &Options) -> Self {
        let spec = service.spec.as_ref();
        let ports = spec.iter().flat_map(|spec| spec.ports.iter().flatten());
        let list = ports.enumerate().filter_map(|(position, port)| {
            Some(Port {
                number: u16::try_from(port.port).ok().filter(|number| *number != 0)?,
                name: port.name.as_deref().unwrap_or_default().into(),
                position,
                app_protocol: AppProtocol::read(port.app_protocol.as_deref()),
                tcp: port.protocol.as_deref().unwrap_or("TCP") == "TCP",
            })
        });
        let list: Vec<Port> = list.collect();
        // `None`, as it stands there, is the word for a Service without one.
        let address = spec.and_then(|spec| spec.cluster_ip.as_deref()?.parse::<IpAddr>().ok());
        let is_own = |address: IpAddr| {
            options.own_admin.iter().any(|own| own.ip() == address && list.iter().any(|port| port.number == own.port()))
        };
        Self {
            external_name: spec
                .filter(|spec| spec.type_.as_deref() == Some("ExternalName"))
                .map(|spec| host(spec.external_name.as_deref().unwrap_or_default())),
            address: address
                .map(|address| address.to_canonical())
                .filter(|address| may_be_asked(*address, options) && !is_own(*address)),
            list,
        }
    }

    /// Its cluster IP, if it has one that may be asked.
    pub(crate) const fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// The TCP port that a route means. One number may stand for a TCP and a UDP port.
    pub(crate) fn find(&self, wanted: &PortRef) -> Result<&Port, FindingCode> {
        if self.external_name.is_some() {
            return Err(FindingCode::ExternalName);
        }
        self.listed(wanted)
    }

    /// The port that a route means of a Service that is another name for a host: one that it lists, or any number, as in
    /// ingress-nginx.
    pub(crate) fn of_host(&self, wanted: &PortRef) -> Result<Cow<'_, Port>, FindingCode> {
        match (self.listed(wanted), wanted) {
            (Err(FindingCode::PortNotFound), PortRef::Number(number)) => Ok(Cow::Owned(Port {
                number: *number,
                name: "".into(),
                position: 0,
                app_protocol: AppProtocol::Unset,
                tcp: true,
            })),
            (listed, _) => listed.map(Cow::Borrowed),
        }
    }

    fn listed(&self, wanted: &PortRef) -> Result<&Port, FindingCode> {
        let mut named = self.list.iter().filter(|port| match wanted {
            PortRef::Number(number) => port.number == *number,
            PortRef::Name(name) => port.name == *name,
        });
        let first = named.next().ok_or(FindingCode::PortNotFound)?;
        std::iter::once(first).chain(named).find(|port| port.tcp).ok_or(FindingCode::PortNotTcp)
    }

    /// The first TCP port.
    pub(crate) fn first(&self) -> Result<&Port, FindingCode> {
        if self.external_name.is_some() {
            return Err(FindingCode::ExternalName);
        }
        self.list.iter().find(|port| port.tcp).ok_or(FindingCode::PortNotTcp)
    }
}

/// A host as it is resolved: in lower case, without the dot at its end.
fn host(written: &str) -> Arc<str> {
    written.strip_suffix('.').unwrap_or(written).to_ascii_lowercase().into()
}
