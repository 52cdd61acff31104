use bulkhead_model::balance::{Affinity, HashBy, Mode, SameSite, Side, Sticky};
use bulkhead_model::canary::{Canary, HeaderRule, Says};
use bulkhead_model::{Action, Backend, Template};

use super::world::{World, certificate, ingress, rules, secret, service, slice};
use crate::{Kind, Object, references};

/// An Ingress for `a.test` with annotations of ingress-nginx, one a line.
fn annotated(name: &str, day: u8, annotations: &str, lines: &[&str]) -> String {
    let manifest = ingress(name, day, &rules(lines));
    let lines = annotations.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<String> = lines.map(|line| format!("nginx.ingress.kubernetes.io/{line}")).collect();
    let (_, short) = name.split_once('/').unwrap();
    manifest.replacen(&format!("name: {short}"), &format!("name: {short}, annotations: {{{}}}", lines.join(", ")), 1)
}

fn main_rule(annotations: &str) -> String {
    annotated("mill/main", 1, annotations, &["a.test / Prefix one:80"])
}

fn canary(annotations: &str) -> String {
    annotated("mill/next", 2, &format!("canary: 'true'\n{annotations}"), &["a.test / Prefix two:80"])
}

fn world(manifests: &[String]) -> World {
    let services = ["mill/one", "mill/two", "farm/two"].map(service).concat();
    let slices = slice("mill/s", "one", &["10.1.0.1"]) + &slice("mill/t", "two", &["10.1.0.2"]);
    World::new(&(manifests.concat() + &services + &slices))
}

/// The canary of the only route.
fn of(world: &World) -> Option<Canary> {
    let snapshot = world.snapshot();
    let mut routes = snapshot.hosts.iter();
    let route = routes.next().unwrap();
    assert!(routes.next().is_none());
    route.filters.as_ref()?.canary.clone()
}

fn main_backend(world: &World) -> std::sync::Arc<Backend> {
    let snapshot = world.snapshot();
    let Action::Forward(backends) = &snapshot.hosts.iter().next().unwrap().action else { panic!() };
    std::sync::Arc::clone(&backends[0].backend)
}

#[test]
fn a_canary_makes_no_route_and_takes_what_its_annotations_say() {
    let world = world(&[
        main_rule(""),
        canary("canary-by-header: X-New\ncanary-by-header-value: blue\ncanary-by-cookie: fresh\ncanary-weight: '7'"),
    ]);
    assert_eq!(world.routes(), ["a.test / Prefix mill/main mill/one:80 1"]);
    assert_eq!(world.codes(), [""; 0]);
    let canary = of(&world).unwrap();
    assert_eq!(&*canary.backend.name, "mill/two:80");
    let header = HeaderRule { name: "x-new".into(), says: Says::Value("blue".into()) };
    assert_eq!(canary.share.header, Some(header));
    assert_eq!(canary.share.cookie.as_deref(), Some("fresh"));
    assert_eq!((canary.share.weight, canary.share.total, canary.sticks), (7, 100, true));
}

#[test]
fn shares_are_read_as_ingress_nginx_reads_them() {
    for (annotations, weight, total, says) in [
        ("canary-weight: '30'", 30, 100, None),
        ("canary-weight: '30'\ncanary-weight-total: '50'", 30, 100, None),
        ("canary-weight: '30'\ncanary-weight-total: '1000'", 30, 1000, None),
        ("canary-by-header: a", 0, 100, Some(Says::Word)),
        ("canary-by-header: a\ncanary-by-header-pattern: '^b+$'", 0, 100, Some(Says::pattern("^b+$").unwrap())),
        (
            "canary-by-header: a\ncanary-by-header-value: c\ncanary-by-header-pattern: b",
            0,
            100,
            Some(Says::Value("c".into())),
        ),
    ] {
        let share = of(&world(&[main_rule(""), canary(annotations)])).unwrap().share;
        assert_eq!((share.weight, share.total), (weight, total), "{annotations}");
        assert_eq!(share.header.map(|rule| rule.says), says, "{annotations}");
    }
}

#[test]
fn a_share_that_cannot_be_read_is_nothing() {
    let long = format!("canary-by-header: a\ncanary-by-header-pattern: '{}'", "(a|b)".repeat(300));
    let huge = format!("canary-by-header: a\ncanary-by-header-value: '{}'", "b".repeat(1 << 20));
    for annotations in [
        "canary-weight: most",
        "canary-weight: '-1'",
        "canary-weight: '1'\ncanary-weight-total: x",
        "canary-by-header: 'a b'",
        "canary-by-header: a\ncanary-by-header-pattern: '('",
        "canary-by-header: a\ncanary-by-header-pattern: '(?!b)'",
        "canary-by-header: a\ncanary-by-header-pattern: '((a{99}){99}){99}'",
        "canary-by-header: a\ncanary-by-header-value: \"b\\u0001\"",
        "canary-by-cookie: a=b",
        &long,
        &huge,
    ] {
        let world = world(&[main_rule(""), canary(annotations)]);
        assert_eq!(world.routes(), ["a.test / Prefix mill/main mill/one:80 1"]);
        assert!(of(&world).is_none(), "{annotations:.80}");
        assert!(
            world.codes().iter().all(|code| code.starts_with("CanaryNotServed Ingress mill/next")),
            "{annotations:.80}"
        );
        assert!(!world.codes().is_empty(), "{annotations:.80}");
    }
}

#[test]
fn a_canary_that_is_switched_off_or_not_switched_on_never_takes_everything() {
    for (annotations, is_canary) in [
        ("canary: 'false'", false),
        ("canary: 'false'\ncanary-weight: '0'", false),
        ("canary: 'false'\ncanary-weight: '10'", true),
        ("canary-weight: '10'", true),
        ("canary-by-header: x-new", true),
        ("canary: 'yes'", true),
    ] {
        let alone = annotated("mill/next", 1, annotations, &["a.test / Prefix two:80"]);
        let world = world(&[alone]);
        assert_eq!(world.routes().is_empty(), is_canary, "{annotations}");
        assert_eq!(world.codes().iter().any(|code| code.starts_with("CanaryNotServed")), is_canary, "{annotations}");
    }
}

#[test]
fn a_canary_belongs_to_a_rule_of_its_own_namespace_with_its_host_path_and_type() {
    for (name, line, served) in [
        ("mill/next", "a.test / Prefix two:80", true),
        ("mill/next", "a.test / ImplementationSpecific two:80", true),
        ("mill/next", "a.test / Exact two:80", false),
        ("mill/next", "a.test /x Prefix two:80", false),
        ("mill/next", "b.test / Prefix two:80", false),
        ("farm/next", "a.test / Prefix two:80", false),
    ] {
        // Older than the rule, so that it would win if it made one.
        let canary = annotated(name, 1, "canary: 'true'\ncanary-weight: '100'", &[line]);
        let main = annotated("mill/main", 2, "", &["a.test / Prefix one:80"]);
        let world = world(&[main, canary]);
        assert_eq!(world.routes(), ["a.test / Prefix mill/main mill/one:80 1"], "{name} {line}");
        assert_eq!(of(&world).is_some(), served, "{name} {line}");
        let field = "spec.rules[0].http.paths[0].backend";
        let wanted = if served { vec![] } else { vec![format!("CanaryNotServed Ingress {name} {field}")] };
        assert_eq!(world.codes(), wanted, "{name} {line}");
    }
}

#[test]
fn the_oldest_canary_of_the_namespace_is_the_one() {
    let foreign = annotated("farm/older", 1, "canary: 'true'", &["a.test / Prefix two:80"]);
    let second = annotated("mill/second", 3, "canary: 'true'\ncanary-weight: '9'", &["a.test / Prefix one:80"]);
    let mut world = world(&[main_rule(""), foreign, second, canary("canary-weight: '5'")]);
    assert_eq!(of(&world).unwrap().share.weight, 5);
    let codes = world.codes();
    assert_eq!(codes.iter().filter(|code| code.starts_with("CanaryNotServed")).count(), 2, "{codes:?}");
    assert!(world.findings.iter().any(|finding| finding.message.contains("mill/next is older")), "{codes:?}");
    world.delete(Kind::Ingress, "mill/next").compile();
    assert_eq!(of(&world).unwrap().share.weight, 9);
    world.delete(Kind::Ingress, "mill/main").compile();
    assert_eq!(world.routes(), [""; 0]);
}

#[test]
fn a_host_of_canaries_only_does_not_shadow_a_wildcard() {
    let wide = annotated("mill/wide", 3, "", &["*.test / Prefix one:80"]);
    let mut lane = super::world::lane();
    lane.profile = bulkhead_crds::lane::Profile::IngressNginx;
    let services = ["mill/one", "mill/two"].map(service).concat();
    let world = World::of(lane, &(wide + &canary("canary-weight: '100'") + &services));
    let snapshot = world.snapshot();
    let route = snapshot.hosts.route(b"a.test", &bulkhead_model::Target::parse(b"/").unwrap()).unwrap();
    assert_eq!(&*route.origin, "mill/wide");
}

#[test]
fn all_else_on_a_canary_is_noted_and_changes_nothing() {
    let others = "canary-weight: '5'\nproxy-body-size: 1k\nallowlist-source-range: 10.0.0.0/33\nbackend-protocol: GRPC\nauth-url: 'http://a.test'\nauth-tls-secret: other/ca";
    let canary = canary(others).replace("  rules:", "  tls: [{secretName: crt, hosts: [a.test]}]\n  rules:");
    let Object::Ingress(object) = super::world::objects(&canary).remove(0) else { panic!() };
    assert!(references(&object).is_empty(), "no Secret is copied for it");
    let (chain, private) = certificate(&["a.test"]);
    let world = world(&[main_rule(""), canary, secret("mill/crt", (&chain, &private))]);
    assert_eq!(world.routes(), ["a.test / Prefix mill/main mill/one:80 1"]);
    assert_eq!(of(&world).unwrap().share.weight, 5);
    let ignored = ["allowlist-source-range", "auth-tls-secret", "auth-url", "backend-protocol", "proxy-body-size"];
    let wanted: Vec<String> = ignored
        .iter()
        .map(|name| format!("AnnotationOnCanary Ingress mill/next nginx.ingress.kubernetes.io/{name}"))
        .collect();
    assert_eq!(world.codes(), wanted);
    assert!(world.findings[0].remedy.starts_with("Nothing needs doing"), "{:?}", world.findings[0]);
    assert!(world.certificates().iter().all(|certificate| !certificate.contains("mill/crt")));
}

#[test]
fn a_canary_need_not_say_again_that_its_path_is_an_expression() {
    for path in ["/x", "/x(/|$)(.*)"] {
        let line = |service: &str| format!("a.test {path} ImplementationSpecific {service}:80");
        let main = annotated("mill/main", 1, "use-regex: 'true'", &[&line("one")]);
        let next = annotated("mill/next", 2, "canary: 'true'\ncanary-weight: '5'", &[&line("two")]);
        let world = world(&[main, next]);
        assert!(of(&world).is_some(), "{path}");
        assert_eq!(world.codes(), [""; 0], "{path}");
    }
}

#[test]
fn a_broken_canary_leaves_its_route_as_it_is() {
    let missing = annotated("mill/next", 2, "canary: 'true'\ncanary-weight: '5'", &["a.test / Prefix three:80"]);
    let world = world(&[main_rule(""), missing]);
    assert_eq!(world.routes(), ["a.test / Prefix mill/main mill/one:80 1"]);
    assert!(of(&world).is_none());
    assert_eq!(world.codes(), ["ServiceNotFound Ingress mill/next spec.rules[0].http.paths[0].backend"]);
    assert!(world.findings[0].message.ends_with("so this canary takes no requests."), "{:?}", world.findings);
}

#[test]
fn a_canary_takes_over_the_sessions_of_its_route_unless_it_decides_each_time() {
    let cookie = "affinity: cookie\nsession-cookie-name: main";
    let own = "affinity: cookie\nsession-cookie-name: own";
    for (behavior, main, own, name, sticks) in [
        ("", cookie, own, Some("main"), true),
        ("sticky", cookie, "", Some("main"), true),
        ("sticky", "", own, Some("own"), true),
        ("legacy", cookie, own, Some("own"), false),
        ("legacy", cookie, "", None, false),
    ] {
        let behavior =
            if behavior.is_empty() { String::new() } else { format!("affinity-canary-behavior: {behavior}\n") };
        let world = world(&[main_rule(main), canary(&format!("{behavior}{own}"))]);
        let canary = of(&world).unwrap();
        assert_eq!(canary.sticks, sticks);
        match (&canary.backend.affinity, name) {
            (Some(Affinity::Sticky(sticky)), Some(name)) => {
                assert_eq!((&*sticky.cookie, sticky.side), (name, Side::Canary))
            }
            (None, None) => {}
            (other, name) => panic!("{other:?} {name:?}"),
        }
    }
}

#[test]
fn sessions_are_as_the_annotations_say() {
    let all = "affinity: cookie\naffinity-mode: persistent\nsession-cookie-name: route\nsession-cookie-path: /shop\nsession-cookie-max-age: '60'\nsession-cookie-expires: '61'\nsession-cookie-domain: a.test\nsession-cookie-samesite: None\nsession-cookie-conditional-samesite-none: 'true'\nsession-cookie-secure: 'true'\nsession-cookie-change-on-failure: 'true'";
    let world = world(&[main_rule(all)]);
    assert_eq!(world.codes(), [""; 0]);
    let backend = main_backend(&world);
    let Some(Affinity::Sticky(Sticky { cookie, mode, side, moves, salt, attributes })) = &backend.affinity else {
        panic!()
    };
    assert_eq!((&**cookie, *mode, *side, *moves), ("route", Mode::Persistent, Side::Main, true));
    assert_ne!(*salt, 0, "it is the lane's");
    assert_eq!((attributes.max_age, attributes.expires), (Some(60), Some(61)));
    assert_eq!((attributes.domain.as_deref(), attributes.path.as_deref()), (Some("a.test"), Some("/shop")));
    assert_eq!(
        (attributes.same_site, attributes.secure, attributes.spares_old_clients),
        (Some(SameSite::None), true, true)
    );
}

#[test]
fn nothing_gets_into_a_cookie_that_could_end_it() {
    for (name, value) in [
        ("session-cookie-name", "a=b"),
        ("session-cookie-name", "a\\r\\nSet-Cookie: b"),
        ("session-cookie-name", "a;b"),
        ("session-cookie-path", "/; Domain=b.test"),
        ("session-cookie-path", "shop"),
        ("session-cookie-path", "/a\\r\\nX: y"),
        ("session-cookie-domain", "a.test; Secure"),
        ("session-cookie-domain", "a.test\\nX: y"),
        ("session-cookie-max-age", "-1"),
        ("session-cookie-expires", "1h"),
        ("session-cookie-samesite", "Some"),
        ("affinity-mode", "random"),
    ] {
        let world = world(&[main_rule(&format!("affinity: cookie\n{name}: \"{value}\""))]);
        assert_eq!(
            world.codes(),
            [format!("AnnotationUnreadable Ingress mill/main nginx.ingress.kubernetes.io/{name}")],
            "{value}"
        );
        let Some(Affinity::Sticky(sticky)) = &main_backend(&world).affinity else { panic!() };
        assert_eq!(*sticky, Sticky::new("INGRESSCOOKIE", Mode::Balanced, sticky.salt), "{name} {value}");
    }
    let huge = format!("affinity: cookie\nsession-cookie-path: '/{}'", "a".repeat(1 << 20));
    assert_eq!(world(&[main_rule(&huge)]).codes().len(), 1);
}

#[test]
fn requests_belong_together_by_cookie_before_they_do_by_key() {
    let text = |text| HashBy::Template(Template::parse(text).unwrap());
    let hash = |by| Some(Affinity::Hash(by));
    for (annotations, wanted, findings) in [
        ("upstream-hash-by: $request_uri", hash(text("$request_uri")), 0),
        ("upstream-hash-by: '${http_x_user}-$host'", hash(text("${http_x_user}-$host")), 0),
        ("upstream-hash-by: $geoip_city", None, 1),
        ("upstream-hash-by: 'a$'", None, 1),
        ("upstream-hash-by: $host\nupstream-hash-by-subset: 'true'", Some(Affinity::Subset(text("$host"), 3)), 0),
        (
            "upstream-hash-by: $host\nupstream-hash-by-subset: 'true'\nupstream-hash-by-subset-size: '5'",
            Some(Affinity::Subset(text("$host"), 5)),
            0,
        ),
        ("affinity: ip", None, 1),
        ("load-balance: chash", None, 1),
        ("load-balance: chash\nupstream-hash-by: $uri", hash(text("$uri")), 0),
        ("load-balance: sticky_balanced", None, 1),
    ] {
        let world = world(&[main_rule(annotations)]);
        assert_eq!(main_backend(&world).affinity, wanted, "{annotations}");
        assert_eq!(world.codes().len(), findings, "{annotations}");
    }
    let both = world(&[main_rule("affinity: cookie\nupstream-hash-by: $host")]);
    assert!(matches!(main_backend(&both).affinity, Some(Affinity::Sticky(_))));
}

#[test]
fn ingresses_with_different_affinity_to_one_service_port_do_not_share_a_backend() {
    let other = annotated("mill/other", 2, "affinity: cookie", &["b.test / Prefix one:80"]);
    let third = annotated("mill/third", 3, "affinity: cookie", &["c.test /x Prefix one:80"]);
    let world = world(&[main_rule(""), other, third]);
    let snapshot = world.snapshot();
    let ids: Vec<u64> = snapshot
        .hosts
        .iter()
        .map(|route| match &route.action {
            Action::Forward(backends) => backends[0].backend.id,
            Action::Deny(_) => 0,
        })
        .collect();
    assert!(ids[0] != ids[1] && ids[1] == ids[2], "{ids:?}");
}
