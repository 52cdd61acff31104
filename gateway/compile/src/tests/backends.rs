use super::world::{World, ingress, rules, service, slice};
use crate::Kind;

fn one(backend: &str) -> String {
    ingress("mill/a", 1, &rules(&[&format!("a.test / Prefix {backend}")]))
}

#[test]
fn ports_are_named_by_number_or_name() {
    for backend in ["flour:80", "flour:web"] {
        let world = World::new(&(one(backend) + &service("mill/flour") + &slice("mill/s", "flour", &["10.1.0.1"])));
        assert_eq!(world.routes(), ["a.test / Prefix mill/a mill/flour:80 1"], "{backend}");
        assert_eq!(world.codes(), [""; 0]);
    }
}

/// A Service that is another name for any host is not followed: as in Skipper CVE-2026-24470.
#[test]
fn what_cannot_be_asked_answers_503_and_says_why() {
    let udp = service("mill/flour").replace("port: 80,", "port: 80, protocol: UDP,");
    let external = service("mill/flour").replace("spec: {", "spec: {type: ExternalName, externalName: evil.test, ");
    let field = "spec.rules[0].http.paths[0].backend";
    for (backend, extra, code) in [
        ("flour:80", String::new(), "ServiceNotFound"),
        ("flour:80", service("farm/flour"), "ServiceNotFound"),
        ("flour:81", service("mill/flour"), "PortNotFound"),
        ("flour:admin", service("mill/flour"), "PortNotFound"),
        ("flour:8080", service("mill/flour"), "PortNotFound"),
        ("flour:80", udp, "PortNotTcp"),
        ("flour:80", external, "ExternalName"),
    ] {
        let world = World::new(&(one(backend) + &extra + &slice("mill/s", "flour", &["10.1.0.1"])));
        assert_eq!(world.routes(), ["a.test / Prefix mill/a none 503"], "{backend} {code}");
        assert_eq!(world.codes(), [format!("{code} Ingress mill/a {field}")], "{backend}");
    }
}

#[test]
fn a_backend_that_is_not_one_service_port_answers_503_and_says_why() {
    for (backend, code) in [
        ("{resource: {kind: Bucket, name: b}}", "ResourceBackend Ingress mill/a spec.defaultBackend.resource"),
        ("{}", "BadBackend Ingress mill/a spec.defaultBackend"),
        ("{service: {name: flour}}", "BadBackend Ingress mill/a spec.defaultBackend.service.port"),
        ("{service: {name: flour, port: {}}}", "BadBackend Ingress mill/a spec.defaultBackend.service.port"),
        (
            "{service: {name: flour, port: {number: 70000}}}",
            "BadBackend Ingress mill/a spec.defaultBackend.service.port",
        ),
        ("{service: {name: flour, port: {number: -1}}}", "BadBackend Ingress mill/a spec.defaultBackend.service.port"),
        (
            "{service: {name: flour, port: {number: 80, name: web}}}",
            "BadBackend Ingress mill/a spec.defaultBackend.service.port",
        ),
    ] {
        let world = World::new(&(ingress("mill/a", 1, &format!("defaultBackend: {backend}")) + &service("mill/flour")));
        assert_eq!(world.routes(), ["*  Default mill/a none 503"], "{backend}");
        assert_eq!(world.codes(), [code], "{backend}");
    }
}

#[test]
fn a_service_that_comes_and_goes_changes_its_routes() {
    let mut world = World::new(&one("flour:80"));
    assert!(world.apply(&service("mill/flour")).compile().snapshot.is_some());
    assert_eq!(world.routes(), ["a.test / Prefix mill/a mill/flour:80 503"]);
    assert_eq!(world.codes(), ["NoEndpoints Service mill/flour"]);
    assert!(world.delete(Kind::Service, "mill/flour").compile().snapshot.is_some());
    assert_eq!(world.routes(), ["a.test / Prefix mill/a none 503"]);
    assert_eq!(world.codes(), ["ServiceNotFound Ingress mill/a spec.rules[0].http.paths[0].backend"]);
}

#[test]
fn one_service_port_is_one_backend_for_as_long_as_it_is_referred_to() {
    let two = ingress("mill/a", 1, &rules(&["a.test / Prefix flour:80", "b.test / Prefix flour:web"]));
    let mut world = World::new(&(two.clone() + &service("mill/flour") + &slice("mill/s", "flour", &["10.1.0.1"])));
    let id = |world: &World, host: &str| {
        let snapshot = world.snapshot();
        let bulkhead_model::Action::Forward(backends) = &snapshot.hosts.find(host, "/").unwrap().action else {
            panic!()
        };
        let backend = &backends[0].backend;
        (backend.id, backend.endpoints().list[0].id)
    };
    let before = id(&world, "a.test");
    assert_eq!(id(&world, "b.test"), before);

    world.apply(&two.replace("a.test", "c.test")).compile();
    assert_eq!(id(&world, "c.test"), before);

    world.delete(Kind::Ingress, "mill/a").compile();
    assert_eq!(world.compiler.counts().endpoints, 0);
    world.apply(&two).compile();
    assert!(id(&world, "a.test").0 > before.1, "numbers are never used twice");
}
