//! Which certificate a host gets, and what is said when it gets none.

use std::sync::Arc;

use bulkhead_crds::lane::HostOwnership;
use bulkhead_crds::tls::{SecretName, TlsVersion};
use bulkhead_model::HostPattern;
use bulkhead_model::tls::MinVersion;

use super::world::{World, certificate, ingress, lane, rules, secret};
use crate::Kind;

fn site(name: &str, day: u8, tls: &str, hosts: &[&str]) -> String {
    let lines: Vec<String> = hosts.iter().map(|host| format!("{host} / Prefix x:80")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    ingress(name, day, &format!("tls: {tls}\n{}", rules(&lines)))
}

fn good(name: &str, hosts: &[&str]) -> String {
    let (chain, key) = certificate(hosts);
    secret(name, (&chain, &key))
}

/// What is said of certificates: services are not what these tests are about.
fn said(world: &World) -> Vec<String> {
    world.codes().into_iter().filter(|code| code.contains("Certificate") || code.contains("Host")).collect()
}

#[test]
fn a_certificate_is_shown_for_the_hosts_of_its_entry_that_a_rule_is_for() {
    for (tls, hosts, expected) in [
        ("[{secretName: s, hosts: [a.test]}]", ["a.test", "b.test"], vec!["a.test mill/s"]),
        ("[{secretName: s, hosts: [a.test, b.test]}]", ["a.test", "b.test"], vec!["a.test mill/s", "b.test mill/s"]),
        ("[{secretName: s, hosts: [A.Test.]}]", ["a.test", "b.test"], vec!["a.test mill/s"]),
        ("[{secretName: s}]", ["a.test", "*.x.test"], vec!["a.test mill/s", "*.x.test mill/s"]),
        ("[{secretName: s, hosts: [\"*.test\"]}]", ["a.test", "b.test"], vec!["a.test mill/s", "b.test mill/s"]),
        ("[{secretName: s, hosts: [\"*.x.test\"]}]", ["*.x.test", "b.y.x.test"], vec!["*.x.test mill/s"]),
        ("[{secretName: s, hosts: [a.test]}]", ["*.test", "b.x.test"], vec!["a.test mill/s"]),
        ("[{secretName: s, hosts: [a.test]}]", ["*", "b.x.test"], vec!["a.test mill/s"]),
        ("[{hosts: [a.test]}]", ["a.test", "b.test"], vec![]),
        ("[{hosts: [a.test]}, {secretName: s}]", ["a.test", "b.test"], vec!["b.test mill/s"]),
    ] {
        let names = ["a.test", "b.test", "*.x.test"];
        let world = World::new(&(site("mill/a", 1, tls, &hosts) + &good("mill/s", &names)));
        assert_eq!(world.certificates(), expected, "{tls} {hosts:?}");
        assert_eq!(said(&world), Vec::<String>::new(), "{tls} {hosts:?}");
    }
}

#[test]
fn an_ingress_has_no_say_on_hosts_that_none_of_its_rules_is_for() {
    let tls = "[{secretName: s, hosts: [victim.test, a.test, \"*.other.test\", \"*\"]}]";
    let world = World::new(&(site("mill/a", 1, tls, &["a.test"]) + &good("mill/s", &["a.test"])));
    assert_eq!(world.certificates(), ["a.test mill/s"]);
    assert_eq!(
        said(&world),
        [
            "CertificateUnused Ingress mill/a spec.tls[0].hosts[0]",
            "CertificateUnused Ingress mill/a spec.tls[0].hosts[2]",
            "BadHost Ingress mill/a spec.tls[0].hosts[3]",
        ]
    );
}

#[test]
fn a_secret_that_holds_no_certificate_leaves_the_default_one_and_says_why() {
    let (chain, key) = certificate(&["a.test"]);
    let (other, other_key) = certificate(&["a.test"]);
    let pem = |label: &str, body: &str| format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
    for (content, code) in [
        (Some((&*chain, &*other_key)), "KeyMismatch"),
        (Some(("", &*key)), "Unreadable"),
        (Some(("not a certificate", &*key)), "Unreadable"),
        (Some((&*chain, "")), "Unreadable"),
        (Some((&*chain, &*chain)), "Unreadable"),
        (Some((&*pem("CERTIFICATE", "AAAA"), &*key)), "Unreadable"),
        (Some((&*pem("CERTIFICATE", "?"), &*key)), "Unreadable"),
        (Some((&*chain, &*pem("PRIVATE KEY", "AAAA"))), "Unreadable"),
        (Some((&*chain.repeat(11), &*key)), "Unreadable"),
        (Some((&*(other.clone() + &chain), &*key)), "KeyMismatch"),
        (None, "NotFound"),
    ] {
        let held = content.map(|content| secret("mill/s", content)).unwrap_or_default();
        let world = World::new(&(site("mill/a", 1, "[{secretName: s}]", &["a.test"]) + &held));
        assert_eq!(world.certificates(), Vec::<String>::new());
        assert_eq!(said(&world), [format!("Certificate{code} Ingress mill/a spec.tls[0].secretName")], "{content:?}");
        assert_eq!(world.routes().len(), 1, "the host is served");
        let text = format!("{:?} {:?}", world.findings, world.compiler);
        for line in key.lines().chain(other_key.lines()).filter(|line| !line.starts_with("-----")) {
            assert!(!text.contains(line), "a finding or a debug line repeats a part of a key");
        }
    }
}

#[test]
fn a_secret_without_one_of_its_two_parts_is_unreadable() {
    let (chain, key) = certificate(&["a.test"]);
    for part in ["tls.crt", "tls.key"] {
        let held = secret("mill/s", (&chain, &key)).replace(part, "other");
        let world = World::new(&(site("mill/a", 1, "[{secretName: s}]", &["a.test"]) + &held));
        assert_eq!(said(&world), ["CertificateUnreadable Ingress mill/a spec.tls[0].secretName"]);
        let message = &world.findings.iter().find(|finding| finding.code.starts_with("Cert")).unwrap().message;
        assert!(message.contains(&format!("has no {part}")), "{message}");
    }
}

/// As in Traefik CVE-2026-41174 and CVE-2026-65601.
#[test]
fn a_secret_of_another_namespace_cannot_be_had() {
    for name in ["s", "farm/s", "../farm/s"] {
        let tls = format!("[{{secretName: \"{name}\"}}]");
        let world = World::new(&(site("mill/a", 1, &tls, &["a.test"]) + &good("farm/s", &["a.test"])));
        assert_eq!(world.certificates(), Vec::<String>::new(), "{name}");
        assert_eq!(said(&world), ["CertificateNotFound Ingress mill/a spec.tls[0].secretName"], "{name}");
    }
}

#[test]
fn the_oldest_ingress_has_its_will_for_a_host_also_when_its_secret_breaks() {
    let old = site("mill/old", 1, "[{secretName: s}]", &["a.test"]);
    let young = site("farm/young", 2, "[{secretName: t}]", &["a.test", "b.test"]);
    let secrets = good("mill/s", &["a.test"]) + &good("farm/t", &["a.test", "b.test"]);
    let mut world = World::new(&(young.clone() + &old + &secrets));
    assert_eq!(world.certificates(), ["a.test mill/s", "b.test farm/t"]);
    assert_eq!(said(&world), ["CertificateConflict Ingress farm/young spec.tls[0]"]);
    world.delete(Kind::Secret, "mill/s").compile();
    assert_eq!(world.certificates(), ["b.test farm/t"]);
    world.delete(Kind::Ingress, "mill/old").compile();
    assert_eq!(world.certificates(), ["a.test farm/t", "b.test farm/t"]);
    assert_eq!(said(&world), Vec::<String>::new());
}

#[test]
fn ingresses_that_share_a_secret_are_in_no_conflict_and_entries_of_one_that_differ_are() {
    let shared =
        site("mill/a", 1, "[{secretName: s}]", &["a.test"]) + &site("mill/b", 2, "[{secretName: s}]", &["a.test"]);
    let world = World::new(&(shared + &good("mill/s", &["a.test"])));
    assert_eq!(said(&world), Vec::<String>::new());
    let tls = "[{secretName: s, hosts: [a.test]}, {secretName: t, hosts: [a.test]}]";
    let world = World::new(&(site("mill/a", 1, tls, &["a.test"]) + &good("mill/s", &["a.test"])));
    assert_eq!(world.certificates(), ["a.test mill/s"]);
    assert_eq!(said(&world), ["CertificateConflict Ingress mill/a spec.tls[1]"]);
}

#[test]
fn where_hosts_are_owned_only_the_owner_has_a_say() {
    let mut owned = lane();
    owned.scope.host_ownership = HostOwnership::Namespace;
    let owner = site("mill/old", 1, "[]", &["a.test"]);
    let other = site("farm/young", 2, "[{secretName: t, hosts: [a.test]}]", &["*"]);
    let mut world = World::of(owned, &(owner + &other + &good("farm/t", &["a.test"])));
    assert_eq!(world.certificates(), Vec::<String>::new());
    assert_eq!(said(&world), ["HostNotOwned Ingress farm/young spec.tls[0]"]);
    world.delete(Kind::Ingress, "mill/old").compile();
    assert_eq!(world.certificates(), ["a.test farm/t"]);
}

#[test]
fn a_certificate_for_other_names_gives_way_to_the_default_one() {
    let world =
        World::new(&(site("mill/a", 1, "[{secretName: s}]", &["a.test", "*.b.test"]) + &good("mill/s", &["*.b.test"])));
    assert_eq!(world.certificates(), ["*.b.test mill/s"]);
    assert_eq!(said(&world), ["CertificateNotForHost Ingress mill/a spec.tls[0]"]);
    assert_eq!(world.routes().len(), 2, "the host is served");
}

/// Seconds from 1970 to the beginning of a day of January 2025.
const fn day(day: u64) -> u64 {
    1_735_689_600 + (day - 1) * 86_400
}

/// A Secret with a certificate that is valid from the beginning of one day of January 2025 to that of another.
fn dated(name: &str, host: &str, (from, to): (u8, u8)) -> String {
    let mut params = rcgen::CertificateParams::new([host.to_owned()]).unwrap();
    (params.not_before, params.not_after) = (rcgen::date_time_ymd(2025, 1, from), rcgen::date_time_ymd(2025, 1, to));
    let key = rcgen::KeyPair::generate().unwrap();
    secret(name, (&params.self_signed(&key).unwrap().pem(), &key.serialize_pem()))
}

#[test]
fn a_certificate_is_shown_from_its_first_second_to_its_last_as_time_passes() {
    let sites =
        site("mill/a", 1, "[{secretName: s}]", &["a.test"]) + &site("mill/b", 2, "[{secretName: t}]", &["b.test"]);
    let mut world = World::new(&(sites + &dated("mill/s", "a.test", (10, 20)) + &dated("mill/t", "b.test", (1, 31))));
    assert_eq!(world.certificates(), ["a.test mill/s", "b.test mill/t"], "nobody has said what time it is");
    let early = Some("CertificateNotYetValid Ingress mill/a spec.tls[0].secretName");
    let expired = Some("CertificateExpired Ingress mill/a spec.tls[0].secretName");
    for (now, shown, finding) in [
        (day(5), false, early),
        (day(10) - 1, false, early),
        (day(10), true, None),
        (day(15), true, None),
        (day(20), true, None),
        (day(20) + 1, false, expired),
        (day(25), false, expired),
        // A clock that was wrong is set right.
        (day(15), true, None),
    ] {
        world.compiler.set_time(now);
        world.compile();
        let expected: &[&str] = if shown { &["a.test mill/s", "b.test mill/t"] } else { &["b.test mill/t"] };
        assert_eq!(world.certificates(), expected, "{now}");
        assert_eq!(said(&world), finding.into_iter().collect::<Vec<_>>(), "{now}");
        assert_eq!(world.routes().len(), 2, "the host is served");
        world.compiler.set_time(now + 60);
        assert_eq!(world.compiler.is_dirty(), now == day(10) - 1 || now == day(20), "{now}");
        world.compiler.set_time(now);
        world.compile();
    }
}

#[test]
fn a_second_in_which_nothing_ends_costs_nothing_and_the_one_in_which_something_does_is_not_missed() {
    let site = site("mill/a", 1, "[{secretName: s}]", &["a.test"]);
    let mut world = World::new(&(site + &dated("mill/s", "a.test", (10, 20))));
    world.compiler.set_time(day(15));
    world.compile();
    for (now, dirty) in
        [(day(15), false), (day(16), false), (day(20) - 1, false), (day(20), false), (day(20) + 1, true)]
    {
        world.compiler.set_time(now);
        assert_eq!(world.compiler.is_dirty(), dirty, "{now}");
    }
}

#[test]
fn certificates_are_counted_by_what_has_become_of_them() {
    let hosts = ["a.test", "b.test", "c.test", "d.test", "e.test"];
    let tls: Vec<_> = hosts.iter().map(|host| format!("{{secretName: {}, hosts: [{host}]}}", &host[..1])).collect();
    let secrets = dated("mill/a", "a.test", (1, 20))
        + &dated("mill/b", "b.test", (1, 10))
        + &dated("mill/c", "c.test", (16, 31))
        + &dated("mill/d", "other.test", (1, 31));
    let mut world = World::new(&(site("mill/x", 1, &format!("[{}]", tls.join(", ")), &hosts) + &secrets));
    world.compiler.set_time(day(15));
    world.compile();
    let counts = world.compiler.certificates();
    assert_eq!((counts.shown, counts.expired, counts.not_yet_valid, counts.unusable), (1, 1, 1, 2));
    assert_eq!(counts.first_expiry, Some(day(20)));
    world.delete(Kind::Ingress, "mill/x").compile();
    assert_eq!(world.compiler.certificates(), crate::Certificates::default());
}

#[test]
fn a_default_certificate_that_has_expired_is_replaced_by_the_stand_in() {
    let mut lane = lane();
    lane.tls.default_certificate = Some(SecretName { name: "d".to_owned() });
    let mut world = World::of(lane, &dated("rivers/d", "a.test", (1, 10)));
    assert_eq!(world.certificates(), ["* rivers/d"]);
    world.compiler.set_time(day(11));
    world.compile();
    assert_eq!(world.certificates(), Vec::<String>::new());
    assert_eq!(
        said(&world),
        ["CertificateExpired GatewayInstance rivers/delta spec.northSouth.tls.defaultCertificate.name"]
    );
}

#[test]
fn the_default_certificate_is_a_secret_beside_the_instance() {
    let mut lane = lane();
    lane.tls.default_certificate = Some(SecretName { name: "d".to_owned() });
    lane.tls.min_version = TlsVersion::V13;
    lane.tls.reject_unknown_sni = true;
    lane.tls.session_tickets = false;
    let mut world = World::of(lane.clone(), &good("mill/d", &["a.test"]));
    assert_eq!(
        said(&world),
        ["CertificateNotFound GatewayInstance rivers/delta spec.northSouth.tls.defaultCertificate.name"]
    );
    world.apply(&good("rivers/d", &["a.test"])).compile();
    assert_eq!((world.certificates(), said(&world)), (vec!["* rivers/d".to_owned()], Vec::new()));
    let tls = Arc::clone(&world.snapshot().tls);
    assert_eq!((tls.policy.min_version, tls.policy.tickets, tls.reject_unknown), (MinVersion::V13, false, true));
    lane.tls.default_certificate = None;
    world.compiler.set_lane(lane);
    world.compile();
    assert_eq!(world.certificates(), Vec::<String>::new());
}

#[test]
fn a_change_of_one_secret_leaves_every_other_certificate_the_same() {
    let manifest = site(
        "mill/a",
        1,
        "[{secretName: s, hosts: [a.test]}, {secretName: t, hosts: [b.test]}]",
        &["a.test", "b.test"],
    );
    let (unchanged, changed) = (good("mill/s", &["a.test"]), good("mill/t", &["b.test"]));
    let mut world = World::new(&(manifest + &unchanged + &changed));
    let of =
        |world: &World, host: &str| Arc::clone(world.snapshot().tls.get(&HostPattern::parse(host).unwrap()).unwrap());
    let before = (of(&world, "a.test"), of(&world, "b.test"));
    world.apply(&unchanged).apply(&changed);
    assert!(!world.compiler.is_dirty(), "equal Secrets change nothing");
    let published = world.apply(&good("mill/t", &["b.test"])).compile();
    assert!(published.snapshot.is_some());
    assert!(Arc::ptr_eq(&before.0, &of(&world, "a.test")));
    assert!(!Arc::ptr_eq(&before.1, &of(&world, "b.test")));
    world.apply(&good("mill/unused", &["a.test"]));
    assert!(!world.compiler.is_dirty(), "a Secret that nobody names changes nothing");
}
