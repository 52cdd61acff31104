//! Ready-made commands for the first minute: one that reaches each of a few real routes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bulkhead_crds::report::RouteReport;

use super::board::Board;
use crate::name::LaneId;

/// Commands per lane: enough to see that lanes differ, few enough to read.
const PER_LANE: usize = 2;

/// A few commands for every lane, those for different hosts first.
pub(crate) fn attempts(board: &Board) -> Vec<(LaneId, String)> {
    let mut commands = Vec::new();
    for (id, row) in &board.lanes {
        let Some(addresses) = row.addresses else { continue };
        let lane = few(&row.routes).into_iter().map(|route| (id.clone(), command(addresses.http, route)));
        commands.extend(lane);
    }
    commands
}

/// A few routes that work: first one per host, in order, then others.
fn few(routes: &[RouteReport]) -> Vec<&RouteReport> {
    let works = |route: &&RouteReport| route.unavailable.is_empty() && route.endpoints > 0;
    let mut chosen: Vec<&RouteReport> = Vec::new();
    for route in routes.iter().filter(works) {
        if chosen.len() < PER_LANE && chosen.iter().all(|other| other.host != route.host) {
            chosen.push(route);
        }
    }
    for route in routes.iter().filter(works) {
        if chosen.len() < PER_LANE && !chosen.contains(&route) {
            chosen.push(route);
        }
    }
    chosen
}

fn command(http: SocketAddr, route: &RouteReport) -> String {
    let path = if route.path.starts_with('/') { route.path.as_str() } else { "/" };
    let url = quoted(&format!("http://{}{path}", reachable(http)));
    match host(&route.host) {
        Some(host) => format!("curl -H {} {url}", quoted(&format!("Host: {host}"))),
        None => format!("curl {url}"),
    }
}

/// A host that the route takes; `None` when it takes any.
fn host(host: &str) -> Option<String> {
    match host.strip_prefix("*.") {
        Some(parent) => Some(format!("any.{parent}")),
        None if host == "*" || host.is_empty() => None,
        None => Some(host.to_owned()),
    }
}

/// An address that a client on this machine can use.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, address.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (Ipv6Addr::LOCALHOST, address.port()).into(),
        _ => address,
    }
}

/// `text` as one word of a POSIX shell. It comes from manifests, and is meant to be pasted.
fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/:._-[]".contains(&byte);
    if text.bytes().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(host: &str, path: &str) -> RouteReport {
        RouteReport {
            host: host.to_owned(),
            path: path.to_owned(),
            path_type: "Prefix".to_owned(),
            ingress: "port/quay".to_owned(),
            backend: "port/pier:80".to_owned(),
            endpoints: 1,
            unavailable: String::new(),
        }
    }

    #[test]
    fn a_command_reaches_the_route_it_was_made_for() {
        let cases = [
            ("127.0.0.1:8080", "quay.example", "/cranes", "curl -H 'Host: quay.example' http://127.0.0.1:8080/cranes"),
            ("0.0.0.0:80", "*.quay.example", "/", "curl -H 'Host: any.quay.example' http://127.0.0.1:80/"),
            ("[::]:80", "*", "/", "curl http://[::1]:80/"),
            ("127.0.0.1:80", "*", "/a'; rm -rf ~; '", r"curl 'http://127.0.0.1:80/a'\''; rm -rf ~; '\'''"),
        ];
        for (address, host, path, expected) in cases {
            assert_eq!(command(address.parse().unwrap(), &route(host, path)), expected);
        }
    }

    #[test]
    fn different_hosts_come_first_and_broken_routes_never() {
        let mut broken = route("a.example", "/");
        broken.unavailable = "no endpoints".to_owned();
        let routes = [broken, route("b.example", "/1"), route("b.example", "/2"), route("c.example", "/3")];
        let paths: Vec<&str> = few(&routes).iter().map(|route| route.path.as_str()).collect();
        assert_eq!(paths, ["/1", "/3"]);
    }
}
