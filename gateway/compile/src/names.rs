//! Hosts that are asked by name, and the addresses that somebody has found for them.
//!
//! Nothing is resolved here. What comes in is judged like an address in an EndpointSlice, each time, so that a name that leads
//! elsewhere from one moment to the next leads nowhere else than any other backend could.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::compiler::Options;
use crate::slice::{is_own_admin, may_be_asked};

/// Most addresses of one name that are asked: many times what a message of DNS holds without being cut (RFC 1035 §4.2.1).
const MOST_ADDRESSES: usize = 256;

/// Addresses by host.
#[derive(Debug, Default)]
pub(crate) struct Names {
    options: Options,
    found: BTreeMap<Arc<str>, BTreeSet<IpAddr>>,
}

/// What is known of a host.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Where it may be asked.
    pub(crate) addresses: BTreeSet<SocketAddr>,
    /// Addresses that nobody is sent to.
    pub(crate) refused: BTreeSet<IpAddr>,
    /// Whether somebody has looked.
    pub(crate) is_known: bool,
}

impl Names {
    pub(crate) fn new(options: Options) -> Self {
        Self { options, found: BTreeMap::new() }
    }

    /// Takes all addresses that a host has now; whether they are others than before.
    pub(crate) fn set(&mut self, host: &Arc<str>, addresses: impl IntoIterator<Item = IpAddr>) -> bool {
        let addresses: BTreeSet<IpAddr> =
            addresses.into_iter().map(|address| address.to_canonical()).take(MOST_ADDRESSES).collect();
        let before = self.found.insert(Arc::clone(host), addresses);
        before.as_ref() != self.found.get(host)
    }

    /// Forgets all hosts but these.
    pub(crate) fn keep(&mut self, wanted: &BTreeSet<Arc<str>>) {
        self.found.retain(|host, _| wanted.contains(host));
    }

    /// Where a host is asked on a port. One that is an address is known without anybody looking.
    pub(crate) fn place(&self, host: &str, port: u16) -> Place {
        let literal = address(host).map(|address| BTreeSet::from([address.to_canonical()]));
        let Some(found) = literal.as_ref().or_else(|| self.found.get(host)) else { return Place::default() };
        let mut place = Place { is_known: true, ..Place::default() };
        for &address in found {
            let may = may_be_asked(address, &self.options);
            if may && !is_own_admin(address, std::iter::once(port), &self.options) {
                place.addresses.insert(SocketAddr::new(address, port));
            } else {
                place.refused.insert(address);
            }
        }
        place
    }
}

/// The address that a host is, if it is one.
pub(crate) fn address(host: &str) -> Option<IpAddr> {
    host.parse().ok()
}

/// Whether a host can be asked for: labels of letters, digits, hyphens and underscores (RFC 1035 §2.3.4 for how long), or an address.
pub(crate) fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=63).contains(&label.len()) && label.bytes().all(inner)
    };
    address(host).is_some() || (host.len() <= 253 && host.split('.').all(is_label))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(options: Options, found: &[&str]) -> Place {
        let mut names = Names::new(options);
        let host: Arc<str> = "a.test".into();
        names.set(&host, found.iter().map(|text| text.parse().unwrap()));
        names.place(&host, 80)
    }

    #[test]
    fn no_name_leads_to_where_no_endpoint_may_be() {
        let hostile = [
            "127.0.0.1",
            "::1",
            "169.254.169.254",
            "fd00:ec2::254",
            "fe80::1",
            "224.0.0.1",
            "0.0.0.0",
            "::",
            "::ffff:127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "100.100.100.200",
        ];
        let judged = place(Options::default(), &hostile);
        assert_eq!(judged.addresses, BTreeSet::new());
        assert_eq!(judged.refused.len(), hostile.len() - 1, "one is another spelling of another: {judged:?}");
        let judged = place(Options::default(), &["10.1.0.1", "2001:db8::1", "127.0.0.1"]);
        assert_eq!(judged.addresses.len(), 2);
        for literal in ["169.254.169.254", "::1", "127.0.0.1"] {
            assert_eq!(Names::default().place(literal, 80).addresses, BTreeSet::new(), "{literal}");
        }
        assert!(Names::default().place("10.1.0.1", 80).is_known && !Names::default().place("a.test", 80).is_known);
    }

    #[test]
    fn no_name_leads_to_the_admin_pages() {
        let own_admin = vec!["10.1.0.1:80".parse().unwrap(), "127.0.0.1:81".parse().unwrap()];
        let judged =
            place(Options { own_admin, loopback_endpoints: true, ..Options::default() }, &["10.1.0.1", "127.0.0.1"]);
        assert_eq!(judged.addresses, BTreeSet::from(["127.0.0.1:80".parse().unwrap()]));
    }

    #[test]
    fn hosts_are_names_or_addresses() {
        for host in ["a", "a-b.c_d.test", "10.0.0.1", "::1", "xn--80ak6aa92e.com"] {
            assert!(is_host(host), "{host}");
        }
        for host in ["", ".", "a..b", "a b", "a/b", "a:1", "[::1]", "\u{e4}.test", &"a".repeat(64), &"a.".repeat(127)] {
            assert!(!is_host(host), "{host}");
        }
    }
}
