use bulkhead_crds::lane::HostOwnership;

use super::redirects::annotated;
use super::world::{World, certificate, ingress, lane, rules, secret, service};
use crate::Kind;

fn aliased(name: &str, day: u8, aliases: &str, host: &str) -> String {
    annotated(name, day, &format!("server-alias: '{aliases}'"), &[&format!("{host} / Prefix x:80")])
}

fn owned(manifest: &str) -> World {
    let mut document = lane();
    document.scope.host_ownership = HostOwnership::Namespace;
    World::of(document, manifest)
}

/// Whose routes a host has, as `host ingress`.
fn served(world: &World, host: &str) -> Vec<String> {
    let routes = world.compiler.routes().into_iter().filter(|route| route.host == host);
    routes.map(|route| format!("{} {}", route.path, route.ingress)).collect()
}

const TAKEN: &str = "nginx.ingress.kubernetes.io/server-alias";

#[test]
fn an_alias_is_served_as_its_host_is_whoever_makes_rules_for_that() {
    let more = ingress("mill/b", 2, &rules(&["a.test /b Prefix x:80"]));
    let mut world = World::new(&(aliased("mill/a", 1, "b.test, *.c.test", "a.test") + &more + &service("mill/x")));
    for host in ["a.test", "b.test", "*.c.test"] {
        assert_eq!(served(&world, host), ["/b mill/b", "/ mill/a"], "{host}");
    }
    world.delete(Kind::Ingress, "mill/b").compile();
    assert_eq!(served(&world, "b.test"), ["/ mill/a"]);
    world.apply(&aliased("mill/a", 1, "d.test", "a.test")).compile();
    assert_eq!((served(&world, "b.test").len(), served(&world, "d.test").len()), (0, 1));
    world.delete(Kind::Ingress, "mill/a").compile();
    assert_eq!(world.routes(), [""; 0]);
}

#[test]
fn a_rule_for_a_name_comes_before_an_alias_whatever_its_age() {
    let mut world = World::new(&aliased("mill/a", 1, "b.test", "a.test"));
    assert_eq!(served(&world, "b.test"), ["/ mill/a"]);
    world.apply(&ingress("farm/b", 9, &rules(&["b.test /x Prefix x:80"]))).compile();
    assert_eq!(served(&world, "b.test"), ["/x farm/b"]);
    assert!(world.codes().contains(&format!("NameTaken Ingress mill/a {TAKEN}")));
    world.delete(Kind::Ingress, "farm/b").compile();
    assert_eq!(served(&world, "b.test"), ["/ mill/a"]);
    assert!(!world.codes().iter().any(|code| code.starts_with("NameTaken")));
}

#[test]
fn of_two_aliases_the_older_is_served() {
    let world = World::new(&(aliased("mill/a", 2, "c.test", "a.test") + &aliased("farm/b", 1, "c.test", "b.test")));
    assert_eq!(served(&world, "c.test"), ["/ farm/b"]);
    assert!(world.codes().contains(&format!("NameTaken Ingress mill/a {TAKEN}")));
    assert!(!world.codes().contains(&format!("NameTaken Ingress farm/b {TAKEN}")));
}

#[test]
fn where_hosts_are_owned_an_alias_takes_nothing_from_another_namespace() {
    // A host that another namespace owns gets no names from here.
    let theirs = ingress("farm/old", 1, &rules(&["a.test / Prefix x:80"]));
    let world = owned(&(theirs.clone() + &aliased("mill/a", 2, "b.test", "a.test")));
    assert_eq!(served(&world, "b.test"), [""; 0]);
    assert!(world.codes().contains(&format!("NameTaken Ingress mill/a {TAKEN}")));
    // Nor is anything below a wildcard of another namespace taken out of it.
    let wildcard = ingress("farm/wild", 1, &rules(&["*.shop.test / Prefix x:80"]));
    let mut world = owned(&(wildcard.clone() + &aliased("mill/a", 2, "pay.shop.test", "mill.test")));
    assert_eq!(served(&world, "pay.shop.test"), [""; 0]);
    world.delete(Kind::Ingress, "farm/wild").compile();
    assert_eq!(served(&world, "pay.shop.test"), ["/ mill/a"]);
    world.apply(&wildcard).compile();
    assert_eq!(served(&world, "pay.shop.test"), [""; 0]);
    let www = annotated("mill/a", 2, "from-to-www-redirect: 'true'", &["shop.test / Prefix x:80"]);
    assert_eq!(served(&owned(&(wildcard + &www)), "www.shop.test"), [""; 0]);
}

#[test]
fn the_name_with_www_leads_to_the_one_without_and_back() {
    let www = |host: &str| annotated("mill/a", 1, "from-to-www-redirect: 'true'", &[&format!("{host} / Prefix x:80")]);
    for (host, other) in [("a.test", "www.a.test"), ("www.a.test", "a.test")] {
        let mut world = World::new(&www(host));
        let routes = world.routes();
        assert!(routes.contains(&format!("{other} / Prefix mill/a none 0")), "{routes:?}");
        world.apply(&ingress("farm/b", 9, &rules(&[&format!("{other} /x Prefix x:80")]))).compile();
        assert_eq!(served(&world, other), ["/x farm/b"]);
    }
    let both =
        annotated("mill/a", 1, "from-to-www-redirect: 'true'", &["a.test / Prefix x:80", "www.a.test / Prefix x:80"]);
    let world = World::new(&both);
    assert!(world.snapshot().hosts.iter().all(|route| route.filters.is_none()), "both are served");
    let wild = World::new(&www("*.a.test"));
    assert_eq!(served(&wild, "*.a.test"), ["/ mill/a"]);
    assert_eq!(wild.routes().len(), 1);
}

#[test]
fn an_alias_has_a_certificate_of_its_own_ingress_and_never_decides_on_that_of_another_host() {
    let (chain, key) = certificate(&["a.test", "b.test"]);
    let pair = (&*chain, &*key);
    let with_tls = |manifest: String| {
        manifest.replace("ingressClassName: quay", "ingressClassName: quay\n  tls: [{hosts: [a.test], secretName: s}]")
    };
    let secrets = secret("mill/s", pair) + &secret("farm/s", pair);
    let mut world = World::new(&(with_tls(aliased("mill/a", 1, "b.test", "a.test")) + &secrets));
    assert_eq!(world.certificates(), ["a.test mill/s", "b.test mill/s"]);
    world
        .apply(&ingress(
            "farm/b",
            9,
            &format!("tls: [{{hosts: [b.test], secretName: s}}]\n{}", rules(&["b.test / Prefix x:80"])),
        ))
        .compile();
    assert_eq!(world.certificates(), ["a.test mill/s", "b.test farm/s"], "the younger rule, not the older alias");
    world.delete(Kind::Ingress, "farm/b").compile();
    assert_eq!(world.certificates(), ["a.test mill/s", "b.test mill/s"]);
}

#[test]
fn no_number_of_aliases_is_more_than_a_few() {
    let many: Vec<String> = (0..5_000).map(|n| format!("h{n}.test")).collect();
    let world = World::new(&aliased("mill/a", 1, &many.join(","), "a.test"));
    assert_eq!(world.routes().len(), 33);
    assert!(world.codes().contains(&format!("AnnotationUnreadable Ingress mill/a {TAKEN}")));
}
