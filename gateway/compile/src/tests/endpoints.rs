use std::sync::Arc;

use super::world::{World, ingress, lane, objects, rules, service, slice};
use crate::{Changes, Compiler, Kind, Options};

fn base() -> String {
    ingress("mill/a", 1, &rules(&["a.test / Prefix flour:80"])) + &service("mill/flour")
}

fn addresses(changes: &Changes) -> Vec<String> {
    assert!(changes.snapshot.is_none());
    changes.endpoints.iter().flat_map(|(_, new)| new.list.iter().map(|e| e.address.to_string())).collect()
}

#[test]
fn endpoints_change_without_a_snapshot() {
    let mut world = World::new(&base());
    let changes = world.apply(&slice("mill/s", "flour", &["10.1.0.2", "10.1.0.1"])).compile();
    assert_eq!(addresses(&changes), ["10.1.0.1:8080", "10.1.0.2:8080"]);
    assert_eq!(world.routes(), ["a.test / Prefix mill/a mill/flour:80 2"]);
    assert_eq!(world.codes(), [""; 0]);
    assert_eq!(world.compiler.counts().endpoints, 2);

    let changes = world.delete(Kind::EndpointSlice, "mill/s").compile();
    assert!(changes.snapshot.is_none());
    assert_eq!(world.routes(), ["a.test / Prefix mill/a mill/flour:80 503"]);
    assert_eq!(world.codes(), ["NoEndpoints Service mill/flour"]);
}

#[test]
fn an_address_keeps_its_identity_until_it_leaves() {
    let mut world = World::new(&(base() + &slice("mill/s", "flour", &["10.1.0.1", "10.1.0.2"])));
    let changes = world.apply(&slice("mill/s", "flour", &["10.1.0.2", "10.1.0.3"])).compile();
    let (backend, second) = &changes.endpoints[0];
    let kept = Arc::clone(&second.list[0]);

    let changes = world.apply(&slice("mill/s", "flour", &["10.1.0.1", "10.1.0.2"])).compile();
    let third = &changes.endpoints[0].1;
    assert!(Arc::ptr_eq(&kept, &third.list[1]) && !kept.is_retired());
    assert!(third.list[0].id > second.list[1].id, "one that comes back is another");
    assert!(second.list[1].is_retired());
    assert!(Arc::ptr_eq(backend, &changes.endpoints[0].0));
}

#[test]
fn an_address_that_moves_between_slices_stays_the_same() {
    let mut world = World::new(&(base() + &slice("mill/s", "flour", &["10.1.0.1"])));
    let changes = world.apply(&slice("mill/t", "flour", &["10.1.0.1"])).compile();
    assert!(changes.endpoints.is_empty(), "an address in two slices is one endpoint");
    assert!(world.delete(Kind::EndpointSlice, "mill/s").compile().endpoints.is_empty());
    assert_eq!(world.compiler.counts().endpoints, 1);
}

#[test]
fn those_that_leave_are_asked_only_when_nothing_is_ready() {
    let mut world = World::new(&base());
    for (written, asked) in [
        (vec!["10.1.0.1", "10.1.0.2!", "10.1.0.3?"], vec!["10.1.0.1:8080"]),
        (vec!["10.1.0.1?", "10.1.0.2!", "10.1.0.3?"], vec!["10.1.0.2:8080"]),
        (vec!["10.1.0.1?", "10.1.0.3~"], vec![]),
    ] {
        let changes = world.apply(&slice("mill/s", "flour", &written)).compile();
        assert_eq!(addresses(&changes), asked, "{written:?}");
    }
    let unset = slice("mill/s", "flour", &["10.1.0.9"]).replace(", conditions: {ready: true}", "");
    assert_eq!(addresses(&world.apply(&unset).compile()), ["10.1.0.9:8080"]);
}

#[test]
fn slice_ports_are_found_by_the_name_of_the_service_port() {
    let mut world = World::new(&base());
    let other = slice("mill/s", "flour", &["10.1.0.1"]).replace("name: web", "name: admin");
    assert!(world.apply(&other).compile().endpoints.is_empty());
    let udp = slice("mill/s", "flour", &["10.1.0.1"]).replace("port: 8080", "port: 8080, protocol: UDP");
    assert!(world.apply(&udp).compile().endpoints.is_empty());

    let unnamed = |manifest: String| manifest.replace("name: web, ", "");
    world.apply(&unnamed(service("mill/flour")));
    let changes = world.apply(&unnamed(slice("mill/s", "flour", &["10.1.0.1"]))).compile();
    assert_eq!(addresses(&changes), ["10.1.0.1:8080"]);
}

/// As in Istio CVE-2026-41413, where an address that others chose led to what only the proxy could reach.
#[test]
fn a_gateway_is_not_sent_to_addresses_that_are_not_backends() {
    let refused = [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "0.1.2.3",
        "169.254.169.254",
        "169.254.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "100.100.100.200",
        "192.0.0.192",
    ];
    let mut all = refused.to_vec();
    all.push("10.1.0.1");
    let world = World::new(&(base() + &slice("mill/s", "flour", &all)));
    assert_eq!(world.routes(), ["a.test / Prefix mill/a mill/flour:80 1"]);
    let said = world.codes().iter().filter(|code| code.starts_with("EndpointRefused EndpointSlice mill/s")).count();
    assert_eq!(said, refused.len());

    let v6 = ["::1", "::", "fe80::1", "ff02::1", "fd00:ec2::254", "::ffff:127.0.0.1", "::ffff:169.254.169.254"];
    let slice = slice("mill/s", "flour", &v6).replace("IPv4", "IPv6");
    let world = World::new(&(base() + &slice));
    assert_eq!(world.routes(), ["a.test / Prefix mill/a mill/flour:80 503"]);
    assert_eq!(world.codes().iter().filter(|code| code.starts_with("EndpointRefused")).count(), v6.len());
}

#[test]
fn addresses_inside_of_others_are_judged_as_what_they_lead_to() {
    for (written, inner, asked) in [
        ("64:ff9b::a9fe:a9fe", "169.254.169.254", false),
        ("64:ff9b::7f00:1", "127.0.0.1", false),
        ("64:ff9b::6464:64c8", "100.100.100.200", false),
        ("64:ff9b::a01:1", "10.1.0.1", true),
        ("64:ff9b:1::a9fe:a9fe", "169.254.169.254", false),
        ("64:ff9b:1:a:0:0:a9fe:a9fe", "169.254.169.254", false),
        ("64:ff9b:1:a9fe:a9:fe00::", "169.254.169.254", false),
        ("64:ff9b:1:a01:0:100::", "10.1.0.1", true),
        ("64:ff9b:1::a01:1", "10.1.0.1", true),
        ("64:ff9b:2::a9fe:a9fe", "nothing", true),
        ("2002:a9fe:a9fe::1", "169.254.169.254", false),
        ("2002:7f00:1::1", "127.0.0.1", false),
        ("2002:a01:1::1", "10.1.0.1", true),
        ("::169.254.169.254", "169.254.169.254", false),
        ("::127.0.0.1", "127.0.0.1", false),
        ("::10.1.0.1", "10.1.0.1", true),
    ] {
        for loopback_endpoints in [false, true] {
            let mut compiler = Compiler::new(Options { loopback_endpoints, ..Options::default() });
            compiler.set_lane(lane());
            let slice = slice("mill/s", "flour", &[written]).replace("IPv4", "IPv6");
            let manifest = super::world::OWN_CLASS.to_owned() + "\n---\n" + &base() + &slice;
            objects(&manifest).into_iter().for_each(|object| compiler.apply(object));
            compiler.compile();
            assert_eq!(compiler.counts().endpoints == 1, asked, "{written} leads to {inner}");
        }
    }
}

#[test]
fn loopback_is_taken_where_the_options_say_so_and_nothing_else_with_it() {
    let mut compiler = Compiler::new(Options { loopback_endpoints: true, ..Options::default() });
    compiler.set_lane(lane());
    let manifest = super::world::OWN_CLASS.to_owned()
        + "\n---\n"
        + &base()
        + &slice("mill/s", "flour", &["127.0.0.1", "169.254.169.254", "0.0.0.0"]);
    objects(&manifest).into_iter().for_each(|object| compiler.apply(object));
    compiler.compile();
    assert_eq!(compiler.counts().endpoints, 1);
}

#[test]
fn endpoints_that_are_no_addresses_are_left_out_and_said() {
    for (manifest, field) in [
        (slice("mill/s", "flour", &["a.test"]).replace("IPv4", "FQDN"), "addressType"),
        (slice("mill/s", "flour", &["a.test"]), "endpoints[0].addresses[0]"),
        (slice("mill/s", "flour", &["::1"]), "endpoints[0].addresses[0]"),
        (slice("mill/s", "flour", &["10.1.0.1"]).replace("[\"10.1.0.1\"]", "[]"), "endpoints[0].addresses[0]"),
    ] {
        let world = World::new(&(base() + &manifest));
        assert_eq!(world.codes()[0], format!("EndpointUnreadable EndpointSlice mill/s {field}"));
        assert_eq!(world.compiler.counts().endpoints, 0);
    }
    // Spellings that some readers of addresses take for loopback or a metadata service.
    for written in [
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "localhost",
        "169.254.169.254.",
        "169.254.169.254%eth0",
        "169.254.169.254:80",
        "10.1.0.1/x",
        "[::1]",
        "metadata.google.internal",
    ] {
        let world = World::new(&(base() + &slice("mill/s", "flour", &[written])));
        assert!(world.codes()[0].starts_with("EndpointUnreadable "), "{written}");
        assert_eq!(world.compiler.counts().endpoints, 0, "{written}");
    }
}

#[test]
fn slices_of_services_that_no_route_refers_to_are_nobodys_business() {
    let mut world = World::new(&base());
    let changes = world.apply(&slice("mill/x", "other", &["127.0.0.1", "10.1.0.1"])).compile();
    assert!(changes.endpoints.is_empty() && changes.snapshot.is_none() && changes.findings.is_none());
    let changes = world.apply(&slice("farm/x", "flour", &["10.1.0.1"])).compile();
    assert!(changes.endpoints.is_empty(), "a Service's slices are of its own namespace");
}

#[test]
fn hints_on_zones_are_honoured_only_when_every_ready_endpoint_carries_them() {
    let zones = |zones: &str| match zones {
        "" => String::new(),
        zones => format!(
            ", hints: {{forZones: [{}]}}",
            zones.split('+').map(|zone| format!("{{name: {zone}}},")).collect::<String>()
        ),
    };
    for (zone, hints, asked) in [
        (Some("a"), ["a", "b", "a+b"], &["1", "3"][..]),
        (Some("b"), ["a", "b", "a+b"], &["2", "3"]),
        (Some("c"), ["a", "b", "a+b"], &["1", "2", "3"]),
        (Some("a"), ["a", "", "a+b"], &["1", "2", "3"]),
        (Some("a"), ["", "", ""], &["1", "2", "3"]),
        (None, ["a", "b", "a+b"], &["1", "2", "3"]),
    ] {
        let mut slice = slice("mill/s", "flour", &["10.1.0.1", "10.1.0.2", "10.1.0.3", "10.1.0.4!"]);
        for (n, hint) in hints.iter().enumerate() {
            let address = format!("[\"10.1.0.{}\"]", n + 1);
            slice = slice.replace(&address, &format!("{address}{}", zones(hint)));
        }
        let options = Options { zone: zone.map(Into::into), ..Options::default() };
        let mut world = World::with(options, &base());
        let mut objects = objects(&slice);
        objects.iter_mut().for_each(crate::Object::trim);
        objects.into_iter().for_each(|object| world.compiler.apply(object));
        let expected: Vec<_> = asked.iter().map(|n| format!("10.1.0.{n}:8080")).collect();
        assert_eq!(addresses(&world.compile()), expected, "{zone:?} {hints:?}");
    }
}

#[test]
fn those_that_leave_are_asked_whatever_their_zone() {
    let leaving = slice("mill/s", "flour", &["10.1.0.1!", "10.1.0.2!"]);
    let options = Options { zone: Some("a".into()), ..Options::default() };
    let hinted = leaving.replace("[\"10.1.0.2\"]", "[\"10.1.0.2\"], hints: {forZones: [{name: b}]}");
    let mut world = World::with(options, &base());
    assert_eq!(addresses(&world.apply(&hinted).compile()).len(), 2);
}

#[test]
fn a_gateway_is_not_sent_to_its_own_admin_pages() {
    let own_admin = vec!["10.1.0.9:8080".parse().unwrap(), "[2001:db8::9]:8080".parse().unwrap()];
    let options = Options { own_admin, ..Options::default() };
    let four = slice("mill/s", "flour", &["10.1.0.9", "10.1.0.1"]);
    let six = |address| slice("mill/s", "flour", &[address]).replace("IPv4", "IPv6");
    for (case, manifest, asked) in [
        ("its own address, and another", four.clone(), 1),
        ("its own address at another port", four.replace("8080", "8081"), 2),
        ("another port beside", four.replace("ports: [", "ports: [{name: more, port: 1}, "), 1),
        ("in IPv6", six("2001:db8::9"), 0),
        ("mapped", six("::ffff:10.1.0.9"), 0),
        ("by a translator", six("64:ff9b::10.1.0.9"), 0),
    ] {
        let mut compiler = Compiler::new(options.clone());
        compiler.set_lane(lane());
        let manifest = super::world::OWN_CLASS.to_owned() + "\n---\n" + &base() + &manifest;
        objects(&manifest).into_iter().for_each(|object| compiler.apply(object));
        let findings = compiler.compile().findings.unwrap_or_default();
        assert_eq!(compiler.counts().endpoints, asked, "{case}");
        let refused = findings.iter().any(|finding| finding.code == "EndpointRefused");
        assert_eq!(refused, asked != 2, "{case}");
    }
}
