use std::net::IpAddr;

use bulkhead_crds::lane::LaneDocument;

use super::world::{World, ingress, lane, rules, service};
use crate::Kind;

fn open() -> LaneDocument {
    let mut lane = lane();
    lane.upstream.external_names = true;
    lane
}

fn external(host: &str) -> String {
    service("mill/flour").replace("spec: {", &format!("spec: {{type: ExternalName, externalName: {host}, "))
}

fn ips(list: &[&str]) -> Vec<IpAddr> {
    list.iter().map(|ip| ip.parse().unwrap()).collect()
}

fn endpoints(world: &World) -> Vec<String> {
    let snapshot = world.snapshot();
    let route = snapshot.hosts.find("a.test", "/").unwrap();
    let bulkhead_model::Action::Forward(backends) = &route.action else { return vec!["503".to_owned()] };
    backends[0].backend.endpoints().list.iter().map(|endpoint| endpoint.address.to_string()).collect()
}

#[test]
fn an_external_name_is_followed_where_the_lane_says_so_and_nowhere_else() {
    let manifest = ingress("mill/a", 1, &rules(&["a.test / Prefix flour:80"])) + &external("Flour.example.");
    let mut world = World::new(&manifest);
    assert_eq!((endpoints(&world), world.compiler.names().len()), (vec!["503".to_owned()], 0));

    world.dns.insert("flour.example", ips(&["192.0.2.1", "2001:db8::1"]));
    world.compiler.set_lane(open());
    world.compile();
    assert_eq!(endpoints(&world), ["192.0.2.1:80", "[2001:db8::1]:80"]);
    assert_eq!(world.codes(), [""; 0]);

    world.compiler.set_lane(lane());
    world.compile();
    assert_eq!((endpoints(&world), world.compiler.names().len()), (vec!["503".to_owned()], 0));
    assert_eq!(world.codes(), ["ExternalName Ingress mill/a spec.rules[0].http.paths[0].backend"]);
}

#[test]
fn a_name_that_moves_changes_endpoints_without_a_snapshot() {
    let manifest = ingress("mill/a", 1, &rules(&["a.test / Prefix flour:8443"])) + &external("flour.example");
    let mut world = World::of(open(), &manifest);
    assert_eq!(world.codes(), [""; 0], "nobody has looked yet");
    world.compiler.set_addresses("flour.example", ips(&["192.0.2.1"]));
    let changes = world.compile();
    assert!(changes.snapshot.is_none() && changes.endpoints.len() == 1);
    assert_eq!(endpoints(&world), ["192.0.2.1:8443"]);

    // Rebinding: what an endpoint must not be, a name does not lead to, however good its former addresses were.
    world.compiler.set_addresses("flour.example", ips(&["169.254.169.254", "127.0.0.1"]));
    world.compile();
    assert_eq!(endpoints(&world), [""; 0]);
    assert_eq!(world.codes(), ["EndpointRefused Service mill/flour", "EndpointRefused Service mill/flour"]);

    world.compiler.set_addresses("flour.example", []);
    world.compile();
    assert_eq!(world.codes(), ["NameNotResolved Service mill/flour"]);

    world.compiler.set_addresses("other.example", ips(&["192.0.2.1"]));
    assert!(!world.compiler.is_dirty(), "nobody asks for it");
    world.delete(Kind::Ingress, "mill/a").compile();
    assert!(world.compiler.names().is_empty());
}

#[test]
fn an_external_name_that_is_no_host_is_not_followed() {
    for host in ["\"\"", "a/b", "\"10.0.0.1:80\"", "a..b"] {
        let manifest = ingress("mill/a", 1, &rules(&["a.test / Prefix flour:80"])) + &external(host);
        assert_eq!(endpoints(&World::of(open(), &manifest)), ["503"], "{host}");
    }
    let manifest = ingress("mill/a", 1, &rules(&["a.test / Prefix flour:80"])) + &external("192.0.2.7");
    let world = World::of(open(), &manifest);
    assert_eq!((endpoints(&world), world.compiler.names().len()), (vec!["192.0.2.7:80".to_owned()], 0));
}
