//! One namespace gets nothing of another, whatever it writes.
//!
//! As in Traefik CVE-2026-41174, CVE-2026-65601 and CVE-2026-71325 and Envoy Gateway CVE-2026-53718 (references that led to other
//! namespaces unchecked), Traefik CVE-2026-71327 (two objects with one identity), and Cilium CVE-2024-42486 (a grant that was taken back
//! and stayed in force).

use super::world::{World, certificate, ingress, rules, secret, service, slice};
use crate::{Kind, Object, references};

/// Ways to name an object `name` of namespace `farm` from elsewhere.
fn spellings(name: &str) -> Vec<String> {
    let forms = [
        "farm/NAME",
        "/farm/NAME",
        "farm//NAME",
        "farm/NAME/",
        "mill/../farm/NAME",
        "mill/farm/NAME",
        "../farm/NAME",
        "../../farm/NAME",
        "farm%2FNAME",
        "farm:NAME",
        "farm_NAME",
        "NAME.farm",
        "NAME.farm.svc",
        "NAME.farm.svc.cluster.local",
        "farm.NAME",
        "FARM/NAME",
        "farm\\\\NAME",
        "*/NAME",
        "NAME@farm",
    ];
    forms.iter().map(|form| form.replace("NAME", name)).collect()
}

/// All that farm has, under names that mill has not.
fn farm() -> String {
    let (chain, key) = certificate(&["a.test"]);
    let keys = secret("farm/keys", (&chain, &key));
    let issuers = format!("tls.crt: \"{0}\", ca.crt: \"{0}\"", chain.replace('\n', "\\n"));
    let (head, tail) = keys.split_once("tls.crt: ").unwrap();
    let keys = format!("{head}{issuers}, {}", &tail[tail.find("tls.key").unwrap()..]);
    keys + &service("farm/seed") + &slice("farm/s", "seed", &["10.2.0.1"]) + &slice("farm/t", "flour", &["10.2.0.2"])
}

fn mill() -> String {
    service("mill/flour") + &slice("mill/s", "flour", &["10.1.0.1"])
}

fn annotated(annotations: &str) -> String {
    let written = ingress("mill/a", 1, &rules(&["a.test / Prefix flour:80"]));
    written.replacen("metadata: {", &format!("metadata: {{annotations: {{{annotations}}}, "), 1)
}

/// Secrets that an Ingress has copied into its lane's keyring: names in its own namespace, by construction.
fn copied(manifest: &str) -> Vec<String> {
    let Object::Ingress(ingress) = super::world::objects(manifest).remove(0) else { panic!() };
    references(&ingress).into_iter().map(|reference| reference.name).collect()
}

#[test]
fn a_secret_of_another_namespace_is_never_used_whatever_names_it() {
    const NGINX: &str = "nginx.ingress.kubernetes.io";
    for name in spellings("keys") {
        let shown = ingress(
            "mill/a",
            1,
            &format!("tls: [{{secretName: \"{name}\"}}]\n{}", rules(&["a.test / Prefix flour:80"])),
        );
        let world = World::new(&(shown.clone() + &mill() + &farm()));
        assert_eq!(world.certificates(), Vec::<String>::new(), "{name}");
        assert!(copied(&shown).iter().all(|copied| *copied == name && copied.contains('.')), "{name}");

        let clients = annotated(&format!("{NGINX}/auth-tls-secret: \"{name}\""));
        let world = World::new(&(clients.clone() + &mill() + &farm()));
        assert_eq!(world.routes(), ["a.test / Prefix mill/a none 503"], "{name}");
        assert!(!copied(&clients).contains(&"keys".to_owned()), "{name}");

        let wishes = "backend-protocol: HTTPS, nginx.ingress.kubernetes.io/proxy-ssl-verify: 'on'";
        let backends = annotated(&format!("{NGINX}/{wishes}, {NGINX}/proxy-ssl-secret: \"{name}\""));
        let world = World::new(&(backends.clone() + &mill() + &farm()));
        assert_eq!(world.routes(), ["a.test / Prefix mill/a none 503"], "{name}");
        assert!(!copied(&backends).contains(&"keys".to_owned()), "{name}");
    }
}

#[test]
fn a_service_of_another_namespace_is_never_used_whatever_names_it() {
    for name in spellings("seed") {
        let backend = format!("defaultBackend: {{service: {{name: \"{name}\", port: {{number: 80}}}}}}");
        let world = World::new(&(ingress("mill/a", 1, &backend) + &mill() + &farm()));
        assert_eq!(world.routes(), ["*  Default mill/a none 503"], "{name}");
    }
    // Nor do endpoints that claim to be a Service's, of the same name elsewhere.
    let world = World::new(&(annotated("") + &mill() + &farm()));
    assert_eq!(world.routes(), ["a.test / Prefix mill/a mill/flour:80 1"]);
    let route = world.snapshot().hosts.find("a.test", "/").unwrap().clone();
    let bulkhead_model::Action::Forward(backends) = &route.action else { panic!() };
    let addresses: Vec<_> = backends[0].backend.endpoints().list.iter().map(|one| one.address.to_string()).collect();
    assert_eq!(addresses, ["10.1.0.1:8080"]);
}

/// What stays apart only by where one name ends: namespace, name and port joined by a hyphen, a dot or nothing are equal here.
#[test]
fn objects_whose_joined_names_are_equal_stay_apart() {
    let owners = [("a", "b-c"), ("a-b", "c"), ("a", "b.c"), ("ab", "c"), ("a", "bc")];
    let mut manifest = String::new();
    for (n, (namespace, name)) in owners.iter().enumerate() {
        let host = format!("h{n}.test");
        let (chain, key) = certificate(&[&host]);
        let object = format!("{namespace}/{name}");
        let tls = format!("tls: [{{secretName: \"{name}\"}}]\n");
        manifest += &ingress(&object, 1, &(tls + &rules(&[&format!("{host} / Prefix {name}:80")])));
        manifest += &service(&object);
        manifest += &slice(&object, name, &[&format!("10.1.0.{n}")]);
        manifest += &secret(&object, (&chain, &key));
    }
    let mut world = World::new(&manifest);
    let all = |world: &World| {
        let mut seen = Vec::new();
        for (n, (namespace, name)) in owners.iter().enumerate() {
            let snapshot = world.snapshot();
            let Some(route) = snapshot.hosts.find(format!("h{n}.test").as_bytes(), b"/") else { continue };
            let bulkhead_model::Action::Forward(backends) = &route.action else { panic!("{route:?}") };
            let backend = &backends[0].backend;
            assert_eq!(
                (&*route.origin, &*backend.name),
                (&*format!("{namespace}/{name}"), &*format!("{namespace}/{name}:80"))
            );
            let addresses: Vec<_> =
                backend.endpoints().list.iter().map(|one| (one.id, one.address.to_string())).collect();
            assert_eq!(addresses.len(), 1);
            assert_eq!(addresses[0].1, format!("10.1.0.{n}:8080"));
            seen.extend([backend.id, addresses[0].0]);
        }
        seen
    };
    let ids = all(&world);
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(
        (ids.len(), distinct.len()),
        (2 * owners.len(), 2 * owners.len()),
        "every backend and endpoint has its own number"
    );
    let expected: Vec<_> =
        owners.iter().enumerate().map(|(n, (space, name))| format!("h{n}.test {space}/{name}")).collect();
    assert_eq!(world.certificates(), expected);
    // What goes takes nothing of its neighbours along.
    for kind in [Kind::Ingress, Kind::Service, Kind::EndpointSlice, Kind::Secret] {
        world.delete(kind, "a/b-c");
    }
    world.compile();
    assert_eq!(all(&world), ids[2..]);
    assert_eq!(world.certificates(), expected[1..]);
}

/// As in ingress-nginx CVE-2025-24513, where the name of a Secret became a path: here it becomes one of a request to the API server, by the
/// operator, which may read all Secrets, and one request that cannot be made would keep the keys of all others from the lane.
#[test]
fn a_name_that_no_secret_can_have_is_not_looked_for() {
    let names = |text: &str| {
        let key = "nginx.ingress.kubernetes.io/auth-tls-secret";
        let mut all = copied(&annotated(&format!("{key}: \"{text}\"")));
        all.extend(copied(&annotated(&format!("nginx.ingress.kubernetes.io/proxy-ssl-secret: \"{text}\""))));
        all.extend(copied(&ingress("mill/a", 1, &format!("tls: [{{secretName: \"{text}\"}}]"))));
        all
    };
    let (longest, longer) = ("k".repeat(253), "k".repeat(254));
    for good in ["keys", "k", "0", "a-b.c--d.9", &longest] {
        assert_eq!(names(good), [good; 3]);
    }
    for bad in [
        "..",
        ".",
        "..%2f..%2ffarm%2fsecrets%2fkeys",
        "..%2F..%2Ffarm%2Fsecrets%2Fkeys",
        "%2e%2e",
        "..\\\\farm",
        "?limit=500",
        "keys?watch=true",
        "keys#x",
        "a b",
        "a\\nb",
        "a\\u0000",
        "schl\u{fc}ssel",
        "Keys",
        "a_b",
        "-a",
        "a-",
        "a..b",
        ".a",
        "a.",
        "a.-b",
        "keys;x",
        "[::1]",
        &longer,
    ] {
        assert_eq!(names(bad), Vec::<String>::new(), "{bad}");
    }
}
