//! Where lanes listen.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::str::FromStr;

use bulkhead_crds::names::LaneName;
use thiserror::Error;

use crate::args::{ADMIN_OFFSET, HTTPS_OFFSET};
use crate::name::{InstanceName, LaneId};

/// Lanes that have fixed ports: HTTPS ports begin here, so that HTTP ports end here.
const SLOTS: u16 = 100;

/// One lane on an address of the user's choice: `NAMESPACE/NAME/LANE=ADDRESS:HTTP:HTTPS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listen {
    pub(crate) lane: LaneId,
    /// Where to serve plain HTTP.
    pub(crate) http: SocketAddr,
    /// Port to serve TLS on, at the same address.
    pub(crate) https_port: u16,
}

/// Why a text is no [`Listen`].
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{0:?} is not NAMESPACE/NAME/LANE=ADDRESS:HTTP:HTTPS, such as shop/storefront/northSouth=127.0.0.1:8080:8443")]
pub(crate) struct ListenError(String);

impl FromStr for Listen {
    type Err = ListenError;

    fn from_str(text: &str) -> Result<Self, ListenError> {
        parse(text).ok_or_else(|| ListenError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Listen> {
    let (lane, address) = text.split_once('=')?;
    let mut parts = lane.split('/').filter(|part| !part.is_empty());
    let (namespace, name, lane) = (parts.next()?, parts.next()?, parts.next()?);
    let lane = LaneName::ALL.into_iter().find(|known| known.field() == lane || known.slug() == lane)?;
    let (address, https) = address.rsplit_once(':')?;
    let (address, http) = address.rsplit_once(':')?;
    let address: IpAddr = match address.strip_prefix('[') {
        Some(rest) => IpAddr::V6(rest.strip_suffix(']')?.parse().ok()?),
        None => IpAddr::V4(address.parse().ok()?),
    };
    let instance = InstanceName { namespace: namespace.to_owned(), name: name.to_owned() };
    let (http, https_port) = (SocketAddr::new(address, http.parse().ok()?), https.parse().ok()?);
    parts.next().is_none().then_some(Listen { lane: LaneId { instance, lane }, http, https_port })
}

/// Where one lane listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Addresses {
    /// Plain HTTP.
    pub(crate) http: SocketAddr,
    /// HTTP over TLS.
    pub(crate) https: SocketAddr,
    /// Probes, metrics and status; always on loopback.
    pub(crate) admin: SocketAddr,
}

/// Gives lanes their addresses, and takes them back.
#[derive(Debug)]
pub(crate) struct Ports {
    base: u16,
    chosen: Vec<Listen>,
    taken: BTreeMap<LaneId, (u16, Addresses)>,
}

/// Why a lane gets no address.
#[derive(Debug, Error)]
pub(crate) enum PortError {
    /// Every slot is taken.
    #[error("there are fixed ports for {SLOTS} lanes only: use --http-port-base 0")]
    Exhausted,
    /// The system gave no free port.
    #[error("cannot find a free port on loopback")]
    Free(#[source] std::io::Error),
    /// Somebody else listens there.
    #[error(
        "{what} {address} of {lane} is not available: stop what uses it, or choose others with --http-port-base or --listen"
    )]
    Taken {
        /// Which of the lane's addresses.
        what: &'static str,
        /// The address.
        address: SocketAddr,
        /// The lane.
        lane: LaneId,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
}

impl Ports {
    /// Ports from `base` on, or free ones if that is 0, except for lanes with a `chosen` address.
    pub(crate) fn new(base: u16, chosen: Vec<Listen>) -> Self {
        Self { base, chosen, taken: BTreeMap::new() }
    }

    /// The addresses of a lane: those it has, or new ones.
    ///
    /// # Errors
    /// When there are none left.
    pub(crate) fn take(&mut self, lane: &LaneId) -> Result<Addresses, PortError> {
        if let Some((_, addresses)) = self.taken.get(lane) {
            return Ok(*addresses);
        }
        let used = |slot: &u16| self.taken.values().any(|(taken, _)| taken == slot);
        let slot = (0..SLOTS).find(|slot| !used(slot)).ok_or(PortError::Exhausted)?;
        let mut addresses = self.loopback(slot).map_err(PortError::Free)?;
        // The last one wins, as with any flag that is given twice.
        if let Some(listen) = self.chosen.iter().rfind(|listen| listen.lane == *lane) {
            addresses.http = listen.http;
            addresses.https = SocketAddr::new(listen.http.ip(), listen.https_port);
        }
        self.taken.insert(lane.clone(), (slot, addresses));
        Ok(addresses)
    }

    fn loopback(&self, slot: u16) -> std::io::Result<Addresses> {
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if self.base != 0 {
            let http = self.base.saturating_add(slot);
            let offset = |offset| at(http.saturating_add(offset));
            return Ok(Addresses { http: at(http), https: offset(HTTPS_OFFSET), admin: offset(ADMIN_OFFSET) });
        }
        // All are held until all are known. A lane keeps them when it is started again, so they are found here and not by it.
        let (http, https, admin) = (TcpListener::bind(at(0))?, TcpListener::bind(at(0))?, TcpListener::bind(at(0))?);
        Ok(Addresses { http: http.local_addr()?, https: https.local_addr()?, admin: admin.local_addr()? })
    }

    /// Takes the addresses of a lane that is gone back.
    pub(crate) fn release(&mut self, lane: &LaneId) {
        self.taken.remove(lane);
    }

    /// Lanes that were given an address but are not among `lanes`.
    pub(crate) fn strangers<'a>(&'a self, lanes: &'a [LaneId]) -> impl Iterator<Item = &'a LaneId> {
        self.chosen.iter().map(|listen| &listen.lane).filter(|lane| !lanes.contains(lane))
    }
}

/// Whether nobody listens on a lane's addresses. Gateways share their ports between threads, and the kernel would let two of
/// them share one by mistake; a plain listener finds out.
///
/// # Errors
/// When somebody does.
pub(crate) fn probe(lane: &LaneId, addresses: Addresses) -> Result<(), PortError> {
    for (what, address) in
        [("address", addresses.http), ("TLS address", addresses.https), ("admin address", addresses.admin)]
    {
        if let Err(source) = TcpListener::bind(address) {
            return Err(PortError::Taken { what, address, lane: lane.clone(), source });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(name: &str, lane: LaneName) -> LaneId {
        LaneId { instance: InstanceName { namespace: "port".to_owned(), name: name.to_owned() }, lane }
    }

    #[test]
    fn a_chosen_address_names_lane_address_and_both_ports() {
        let cases = [
            ("port/quay/northSouth=0.0.0.0:80:443", Some((LaneName::NorthSouth, "0.0.0.0:80", 443))),
            ("port/quay/east-west=[::1]:8080:8443", Some((LaneName::EastWest, "[::1]:8080", 8443))),
            ("port/quay/upDown=0.0.0.0:80:443", None),
            ("port/quay=0.0.0.0:80:443", None),
            ("port/quay/northSouth/x=0.0.0.0:80:443", None),
            ("port/quay/northSouth=0.0.0.0:80", None),
            ("port/quay/northSouth=::1:80:443", None),
            ("port/quay/northSouth=localhost:80:443", None),
            ("port/quay/northSouth=0.0.0.0:80:70000", None),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|(name, address, https_port)| Listen {
                lane: lane("quay", name),
                http: address.parse().unwrap(),
                https_port,
            });
            assert_eq!(text.parse::<Listen>().ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_lane_keeps_its_ports_while_it_exists() {
        let (first, second, third) =
            (lane("a", LaneName::NorthSouth), lane("a", LaneName::EastWest), lane("b", LaneName::NorthSouth));
        let mut ports = Ports::new(8080, Vec::new());
        let before = ports.take(&first).unwrap();
        assert_eq!((before.http.port(), before.https.port(), before.admin.port()), (8080, 8180, 8280));
        assert_eq!(ports.take(&second).unwrap().http.port(), 8081);
        ports.release(&first);
        assert_eq!(ports.take(&second).unwrap().http.port(), 8081);
        assert_eq!(ports.take(&third).unwrap().http.port(), 8080, "a port that is free again is given again");
    }

    #[test]
    fn a_chosen_address_moves_its_lane_and_no_other() {
        let chosen = lane("a", LaneName::NorthSouth);
        let mut ports = Ports::new(8080, vec!["port/a/northSouth=127.0.0.9:80:443".parse().unwrap()]);
        assert_eq!(ports.strangers(&[]).collect::<Vec<_>>(), [&chosen]);
        let addresses = ports.take(&chosen).unwrap();
        assert_eq!((addresses.http.to_string().as_str(), addresses.admin.port()), ("127.0.0.9:80", 8280));
        assert_eq!(addresses.https.to_string(), "127.0.0.9:443");
        assert_eq!(ports.take(&lane("a", LaneName::EastWest)).unwrap().http.port(), 8081);
    }

    #[test]
    fn base_zero_takes_free_ports_and_keeps_them() {
        let mut ports = Ports::new(0, Vec::new());
        let id = lane("a", LaneName::NorthSouth);
        let addresses = ports.take(&id).unwrap();
        assert_ne!(addresses.http.port(), addresses.admin.port());
        assert_ne!(addresses.http.port(), addresses.https.port());
        assert_eq!(ports.take(&id).unwrap(), addresses);
        probe(&id, addresses).unwrap();
    }

    #[test]
    fn a_lane_beyond_the_last_slot_is_told_what_to_do() {
        let mut ports = Ports::new(8080, Vec::new());
        for index in 0..SLOTS {
            ports.take(&lane(&format!("a{index}"), LaneName::NorthSouth)).unwrap();
        }
        let error = ports.take(&lane("z", LaneName::NorthSouth)).unwrap_err().to_string();
        assert!(error.contains("--http-port-base 0"), "{error}");
    }

    #[test]
    fn a_port_in_use_names_the_lane_and_the_flag() {
        let holder = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = holder.local_addr().unwrap();
        let any = "127.0.0.1:0".parse().unwrap();
        let addresses = Addresses { http: address, https: any, admin: any };
        let error = probe(&lane("quay", LaneName::EastWest), addresses).unwrap_err().to_string();
        assert!(error.contains("port/quay/eastWest") && error.contains("--http-port-base"), "{error}");
        assert!(error.contains(&address.to_string()), "{error}");
    }
}
