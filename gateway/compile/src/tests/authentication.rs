//! Names and passwords, and fields of responses: what they need of other objects, and what is closed when they cannot be had.

use bulkhead_model::authentication::Satisfy;
use bulkhead_model::{Action, Denial};

use super::world::{World, data, ingress, objects, rules, service};
use crate::annotation::PREFIX;
use crate::{Kind, Needs, Object, ReferenceKind, references};

const HASH: &str = "{SHA}87u9ZqY9S/F0eUBXjsPQEDUw4h0=";
const BASIC: &str = "auth-type: basic; auth-secret: users";

/// An Ingress with annotations of ingress-nginx for a.test.
fn site(annotations: &str) -> String {
    let written = ingress("mill/web", 1, &rules(&["a.test / Prefix web:80"]));
    let list: Vec<_> = annotations.split("; ").map(|text| format!("{PREFIX}{text}")).collect();
    written.replacen("metadata: {", &format!("metadata: {{annotations: {{{}}}, ", list.join(", ")), 1)
        + &service("mill/web")
}

fn users(name: &str) -> String {
    data("Secret", "stringData", name, &[("auth", &format!("zoe:{HASH}"))])
}

fn fields(name: &str, entries: &[(&str, &str)]) -> String {
    data("ConfigMap", "data", name, entries)
}

/// What becomes of the route: `open`, `503`, or what it asks; and the codes of what is said of the Ingress.
fn outcome(world: &World) -> (String, Vec<String>) {
    let snapshot = world.snapshot();
    let route = snapshot.hosts.iter().next().unwrap();
    let filters = route.filters.as_deref();
    let what = match (&route.action, filters.and_then(|filters| filters.authentication.as_ref())) {
        (Action::Deny(Denial::PolicyNotServed), _) => "503".to_owned(),
        (Action::Deny(denial), _) => panic!("{denial:?}"),
        (Action::Forward(_), None) => "open".to_owned(),
        (Action::Forward(_), Some(asked)) => {
            let allow = if asked.allow.is_empty() { "" } else { " or an address" };
            let access = filters.and_then(|filters| filters.access.as_ref());
            let access =
                access.map_or(String::new(), |list| format!(" behind {} {}", list.deny.len(), list.allow.is_some()));
            let satisfy = if asked.satisfy == Satisfy::Any { " any" } else { "" };
            match &asked.basic {
                None => "asked elsewhere".to_owned(),
                Some(basic) => format!("{:?}{satisfy}{allow}{access}", basic.users),
            }
        }
    };
    let codes = world.findings.iter().map(|finding| finding.code.clone()).filter(|code| code != "NoEndpoints");
    (what, codes.collect())
}

#[test]
fn the_annotations_say_who_is_let_in() {
    let one = "Users { count: 1, .. }";
    for (annotations, what, codes) in [
        ("auth-type: basic; auth-secret: users", one.to_owned(), &[][..]),
        ("auth-type: Basic; auth-secret: mill/users; auth-realm: the mill", one.to_owned(), &[]),
        ("auth-type: basic; auth-secret: users; auth-secret-type: auth-file", one.to_owned(), &[]),
        ("auth-type: basic; auth-secret: map; auth-secret-type: auth-map", one.to_owned(), &["UsersLeftOut"]),
        ("auth-type: basic; auth-secret: users; satisfy: any", format!("{one} any"), &[]),
        (
            "auth-type: basic; auth-secret: users; satisfy: any; allowlist-source-range: 10.0.0.0/8",
            format!("{one} any or an address"),
            &[],
        ),
        (
            "auth-type: basic; auth-secret: users; satisfy: any; allowlist-source-range: 10.0.0.0/8; denylist-source-range: 10.1.0.0/16",
            format!("{one} any or an address behind 1 false"),
            &[],
        ),
        (
            "auth-type: basic; auth-secret: users; satisfy: all; allowlist-source-range: 10.0.0.0/8",
            format!("{one} behind 0 true"),
            &[],
        ),
        ("auth-type: basic; auth-secret: users; satisfy: none", one.to_owned(), &["AnnotationUnreadable"]),
        ("auth-type: basic; auth-secret: users; auth-realm: \"a\\nb\"", one.to_owned(), &["AnnotationUnreadable"]),
        ("satisfy: any", "open".to_owned(), &[]),
        ("auth-realm: the mill", "open".to_owned(), &["AnnotationNotServed"]),
        ("auth-type: basic", "503".to_owned(), &["ProtectionUnreadable"]),
        ("auth-secret: users", "503".to_owned(), &["ProtectionUnreadable"]),
        ("auth-type: digest; auth-secret: users", "503".to_owned(), &["ProtectionUnreadable"]),
        ("auth-type: ldap; auth-secret: users", "503".to_owned(), &["ProtectionUnreadable"]),
        ("auth-type: basic; auth-secret: farm/users", "503".to_owned(), &["ProtectionUnreadable"]),
        ("auth-type: basic; auth-secret: mill/", "503".to_owned(), &["ProtectionUnreadable"]),
        ("auth-type: basic; auth-secret: users; auth-secret-type: token", "503".to_owned(), &["ProtectionUnreadable"]),
        ("auth-type: basic; auth-secret: missing", "503".to_owned(), &["UsersBroken"]),
        ("auth-type: basic; auth-secret: map", "503".to_owned(), &["UsersBroken"]),
        ("auth-type: basic; auth-secret: plain", "503".to_owned(), &["UsersBroken"]),
    ] {
        let map = data("Secret", "stringData", "mill/map", &[("zoe", HASH), ("adam", "hunter2")]);
        let plain = data("Secret", "stringData", "mill/plain", &[("auth", "zoe:hunter2")]);
        let world = World::new(&(site(annotations) + &users("mill/users") + &users("farm/users") + &map + &plain));
        let codes = codes.iter().map(|code| (*code).to_owned()).collect();
        assert_eq!(outcome(&world), (what, codes), "{annotations}");
        assert!(!format!("{:?}", world.findings).contains("hunter2"), "a password must not be repeated");
    }
}

#[test]
fn a_route_opens_and_closes_with_the_secret_of_its_users() {
    let mut world = World::new(&site(BASIC));
    assert_eq!(outcome(&world).0, "503");
    world.apply(&users("farm/users")).compile();
    assert_eq!(outcome(&world).0, "503", "another namespace's Secret is none");
    world.apply(&users("mill/users")).compile();
    assert_eq!(outcome(&world), ("Users { count: 1, .. }".to_owned(), vec![]));
    let two = data("Secret", "stringData", "mill/users", &[("auth", &format!("zoe:{HASH}\nadam:{HASH}"))]);
    world.apply(&two).compile();
    assert_eq!(outcome(&world).0, "Users { count: 2, .. }");
    assert!(world.apply(&two).compile().snapshot.is_none(), "nothing has changed");
    world.delete(Kind::Secret, "mill/users").compile();
    assert_eq!(outcome(&world), ("503".to_owned(), vec!["UsersBroken".to_owned()]));
}

#[test]
fn a_route_opens_and_closes_with_the_config_map_of_its_fields() {
    let mut world = World::new(&site("custom-headers: mill/fields"));
    assert_eq!(outcome(&world), ("503".to_owned(), vec!["ResponseFieldsBroken".to_owned()]));
    world.apply(&fields("mill/fields", &[("X-Frame-Options", "DENY"), ("Content-Length", "1")])).compile();
    assert_eq!(outcome(&world), ("open".to_owned(), vec!["ResponseFieldsLeftOut".to_owned()]));
    assert!(world.filters()[0].contains("X-Frame-Options"), "{:?}", world.filters());
    world.apply(&fields("mill/fields", &[("X-A", "1\r\nSet-Cookie: x")])).compile();
    assert_eq!(outcome(&world), ("503".to_owned(), vec!["ResponseFieldsBroken".to_owned()]));
    world.apply(&fields("mill/fields", &[("X-A", "1")])).compile();
    assert_eq!(outcome(&world), ("open".to_owned(), vec![]));
    world.delete(Kind::ConfigMap, "mill/fields").compile();
    assert_eq!(outcome(&world).0, "503");
    let foreign = World::new(&(site("custom-headers: farm/fields") + &fields("farm/fields", &[("X-A", "1")])));
    assert_eq!(outcome(&foreign), ("503".to_owned(), vec!["ProtectionUnreadable".to_owned()]));
}

#[test]
fn a_route_opens_and_closes_with_the_config_map_of_what_its_service_is_told() {
    const ASKS: &str = "auth-url: http://10.0.0.1/verify; auth-proxy-set-headers";
    let outcome = |world: &World| outcome(world).1;
    let mut world = World::new(&site(&format!("{ASKS}: told")));
    let broken = vec!["AuthFieldsBroken".to_owned()];
    assert_eq!(outcome(&world), broken);
    world.apply(&fields("mill/told", &[("X-Shop", "$host"), ("X-Forwarded-For", "10.0.0.1")])).compile();
    assert_eq!(outcome(&world), ["AuthFieldsLeftOut"]);
    world.apply(&fields("mill/told", &[("X-Shop", "$nothing")])).compile();
    assert_eq!(outcome(&world), broken);
    world.apply(&fields("mill/told", &[("X-Shop", "a")])).compile();
    assert_eq!(outcome(&world), [""; 0]);
    world.delete(Kind::ConfigMap, "mill/told").compile();
    assert_eq!(outcome(&world), broken);
    let foreign = World::new(&(site(&format!("{ASKS}: farm/told")) + &fields("farm/told", &[("X-A", "1")])));
    assert_eq!(outcome(&foreign), ["ProtectionUnreadable"]);
    let alone = World::new(&site("auth-proxy-set-headers: told"));
    assert_eq!(outcome(&alone), ["AnnotationNotServed"]);
}

#[test]
fn what_is_needed_of_users_and_fields_is_referred_to() {
    let needs = |annotations: &str| {
        let objects = objects(&site(annotations));
        let Object::Ingress(ingress) = &objects[0] else { panic!() };
        let all = references(ingress).into_iter();
        all.map(|reference| (reference.kind, reference.name, reference.needs)).collect::<Vec<_>>()
    };
    let secret = |needs| vec![(ReferenceKind::Secret, "users".to_owned(), needs)];
    assert_eq!(needs(BASIC), secret(Needs::USERS));
    assert_eq!(needs(&format!("{BASIC}; auth-secret-type: auth-map")), secret(Needs::USER_MAP));
    assert_eq!(needs(&format!("{BASIC}; auth-tls-secret: mill/users")), secret(Needs::USERS.or(Needs::ISSUERS)));
    assert_eq!(needs("auth-proxy-set-headers: told"), [(ReferenceKind::ConfigMap, "told".to_owned(), Needs::NOTHING)]);
    assert_eq!(needs("custom-headers: fields"), [(ReferenceKind::ConfigMap, "fields".to_owned(), Needs::NOTHING)]);
    for nothing in
        ["auth-type: digest; auth-secret: users", "auth-type: basic; auth-secret: farm/users", "auth-secret: users"]
    {
        assert_eq!(needs(nothing), [], "{nothing}");
    }
    for path in ["../kube-system", "a?b", "A"] {
        assert_eq!(needs(&format!("custom-headers: {path:?}")), [], "{path}");
    }
}
