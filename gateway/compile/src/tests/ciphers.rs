//! What hosts say of their handshakes: who has a say, and what is said about lists that cannot be obeyed to the letter.

use bulkhead_crds::lane::HostOwnership;
use bulkhead_model::ciphers::Ciphers;
use bulkhead_model::tls::TlsWish;

use super::world::{World, ingress, lane, rules};
use crate::Kind;
use crate::annotation::PREFIX;

const AES_128: &str = "ssl-ciphers: AES128";
const CHACHA20: &str = "ssl-ciphers: CHACHA20";

/// An Ingress with annotations of ingress-nginx and a rule for each host.
fn site(name: &str, day: u8, annotations: &str, hosts: &[&str]) -> String {
    let lines: Vec<String> = hosts.iter().map(|host| format!("{host} / Prefix web:80")).collect();
    let written = ingress(name, day, &rules(&lines.iter().map(String::as_str).collect::<Vec<_>>()));
    let list: Vec<_> = annotations.split("; ").filter(|text| !text.is_empty()).collect();
    let list: Vec<_> = list.iter().map(|text| format!("{PREFIX}{text}")).collect();
    written.replacen("metadata: {", &format!("metadata: {{annotations: {{{}}}, ", list.join(", ")), 1)
}

/// What a host says.
fn wish(world: &World, host: &str) -> TlsWish {
    world.snapshot().hosts.most_specific(host).unwrap().tls()
}

/// How many ciphers a host says may be agreed on, and whose order counts.
fn says(world: &World, host: &str) -> (Option<u32>, Option<bool>) {
    let TlsWish { ciphers, server_order, .. } = wish(world, host);
    (ciphers.map(|ciphers| ciphers.bits().count_ones()), server_order)
}

fn said(world: &World) -> Vec<String> {
    world.codes().into_iter().filter(|code| code.starts_with("Cipher") || code.starts_with("Annotation")).collect()
}

#[test]
fn a_list_is_obeyed_as_far_as_it_is_spoken_and_the_rest_is_named() {
    let mozilla = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:\
                   ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:\
                   DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384";
    let left_out = format!("CiphersLeftOut Ingress mill/a {PREFIX}ssl-ciphers");
    let refused = format!("CiphersRefused Ingress mill/a {PREFIX}ssl-ciphers");
    for (annotations, expected, code) in [
        ("", (None, None), None),
        ("ssl-ciphers: ''", (None, None), None),
        (AES_128, (Some(2), None), None),
        ("ssl-ciphers: 'HIGH:!aNULL:!MD5'", (Some(6), None), None),
        (&*format!("ssl-ciphers: '{mozilla}'"), (Some(6), None), Some(&left_out)),
        ("ssl-ciphers: 'AES128-SHA:DES-CBC3-SHA'", (None, None), Some(&refused)),
        ("ssl-ciphers: TLS_AES_128_GCM_SHA256", (None, None), Some(&refused)),
        ("ssl-prefer-server-ciphers: 'true'", (None, Some(true)), None),
        ("ssl-prefer-server-ciphers: 'false'; ssl-ciphers: AES128", (Some(2), Some(false)), None),
        (
            "ssl-prefer-server-ciphers: 'on'",
            (None, None),
            Some(&format!("AnnotationNotServed Ingress mill/a {PREFIX}ssl-prefer-server-ciphers")),
        ),
    ] {
        let world = World::new(&site("mill/a", 1, annotations, &["a.test"]));
        assert_eq!(says(&world, "a.test"), expected, "{annotations}");
        assert_eq!(said(&world), code.into_iter().cloned().collect::<Vec<_>>(), "{annotations}");
    }
    let world = World::new(&site("mill/a", 1, &format!("ssl-ciphers: '{mozilla}'"), &["a.test"]));
    let finding = world.findings.iter().find(|finding| finding.code == "CiphersLeftOut").unwrap();
    assert!(finding.message.contains("\"DHE-RSA-AES128-GCM-SHA256\", \"DHE-RSA-AES256-GCM-SHA384\" are not"));
}

#[test]
fn the_oldest_ingress_of_a_host_that_says_something_counts_and_the_others_are_told() {
    let conflict = |name: &str| format!("CipherConflict Ingress mill/{name} {PREFIX}ssl-ciphers");
    let silent = site("mill/a", 1, "", &["a.test"]);
    let older = site("mill/b", 2, AES_128, &["a.test"]);
    let like = site("mill/c", 3, &format!("{AES_128}; ssl-prefer-server-ciphers: 'true'"), &["a.test", "c.test"]);
    let younger = site("mill/d", 4, CHACHA20, &["a.test", "d.test"]);
    let mut world = World::new(&(silent + &older + &like + &younger));
    let bits = |world: &World, host| wish(world, host).ciphers.map(Ciphers::bits);
    assert_eq!(says(&world, "a.test"), (Some(2), Some(true)));
    assert_ne!(bits(&world, "a.test"), bits(&world, "d.test"), "each host has what is its own");
    assert_eq!(bits(&world, "a.test"), bits(&world, "c.test"));
    assert_eq!(said(&world), [conflict("d")]);
    world.delete(Kind::Ingress, "mill/b").delete(Kind::Ingress, "mill/c").compile();
    assert_eq!(bits(&world, "a.test"), bits(&world, "d.test"));
    assert_eq!(said(&world), Vec::<String>::new());
}

#[test]
fn a_neighbour_has_no_say_on_a_host_that_was_there_before_it() {
    for (annotations, ownership) in [("", HostOwnership::Shared), ("", HostOwnership::Namespace)] {
        let mut document = lane();
        document.scope.host_ownership = ownership;
        let ours = site("mill/a", 1, annotations, &["a.test"]);
        let theirs = site("farm/b", 2, CHACHA20, &["a.test", "b.test"]).replace("path: \"/\"", "path: \"/b\"");
        let mut world = World::new(&(ours + &theirs));
        world.compiler.set_lane(document);
        world.compile();
        assert_eq!(says(&world, "a.test"), (None, None));
        assert_eq!(says(&world, "b.test"), (Some(2), None));
        let conflict = format!("CipherConflict Ingress farm/b {PREFIX}ssl-ciphers");
        assert_eq!(said(&world).contains(&conflict), ownership == HostOwnership::Shared, "{:?}", said(&world));
    }
}

#[test]
fn a_change_of_ciphers_makes_its_host_anew_and_shares_every_route() {
    let mut world = World::new(&(site("mill/a", 1, AES_128, &["a.test"]) + &site("mill/b", 2, "", &["b.test"])));
    let before = world.snapshot().hosts.clone();
    world.apply(&site("mill/a", 1, CHACHA20, &["a.test"])).compile();
    let after = world.snapshot().hosts.clone();
    assert_ne!(before.most_specific("a.test").unwrap().tls(), after.most_specific("a.test").unwrap().tls());
    let same = |host: &str| std::sync::Arc::ptr_eq(before.find(host, "/").unwrap(), after.find(host, "/").unwrap());
    assert!(same("a.test") && same("b.test"));
    assert!(std::sync::Arc::ptr_eq(before.most_specific("b.test").unwrap(), after.most_specific("b.test").unwrap()));
}
