use super::world::{World, ingress, rules, service};

#[test]
fn path_types_become_exact_or_prefix() {
    let world = World::new(
        &(ingress(
            "mill/flour",
            1,
            &rules(&[
                "a.test /x Exact flour:80",
                "a.test /y Prefix flour:web",
                "a.test /z ImplementationSpecific flour:80",
                "a.test /q \"\" flour:80",
                "a.test /w Odd flour:80",
                "b.test  ImplementationSpecific flour:80",
            ]),
        ) + &service("mill/flour")),
    );
    assert_eq!(
        world.routes(),
        [
            "a.test /x Exact mill/flour mill/flour:80 503",
            "a.test /q Prefix mill/flour mill/flour:80 503",
            "a.test /w Prefix mill/flour mill/flour:80 503",
            "a.test /y Prefix mill/flour mill/flour:80 503",
            "a.test /z Prefix mill/flour mill/flour:80 503",
            "b.test / Prefix mill/flour mill/flour:80 503",
        ]
    );
    assert_eq!(
        world.codes(),
        ["UnknownPathType Ingress mill/flour spec.rules[4].http.paths[0].pathType", "NoEndpoints Service mill/flour"]
    );
}

#[test]
fn a_bad_host_or_path_costs_only_its_own_rule() {
    for (line, code) in [
        ("10.0.0.1 / Prefix flour:80", "BadHost Ingress mill/flour spec.rules[0].host"),
        ("*.*.test / Prefix flour:80", "BadHost Ingress mill/flour spec.rules[0].host"),
        ("a_b..test / Prefix flour:80", "BadHost Ingress mill/flour spec.rules[0].host"),
        ("a.test:80 / Prefix flour:80", "BadHost Ingress mill/flour spec.rules[0].host"),
        ("a.test x Prefix flour:80", "BadPath Ingress mill/flour spec.rules[0].http.paths[0].path"),
        ("a.test  Exact flour:80", "BadPath Ingress mill/flour spec.rules[0].http.paths[0].path"),
        ("a.test /../x Prefix flour:80", "BadPath Ingress mill/flour spec.rules[0].http.paths[0].path"),
        ("a.test /%2fx Prefix flour:80", "BadPath Ingress mill/flour spec.rules[0].http.paths[0].path"),
        ("a.test /x?y Prefix flour:80", "BadPath Ingress mill/flour spec.rules[0].http.paths[0].path"),
        (
            "a.test /x[^/]+ ImplementationSpecific flour:80",
            "BadPath Ingress mill/flour spec.rules[0].http.paths[0].path",
        ),
    ] {
        let spec = rules(&[line, "good.test / Prefix flour:80"]);
        let world = World::new(&(ingress("mill/flour", 1, &spec) + &service("mill/flour")));
        assert_eq!(world.routes(), ["good.test / Prefix mill/flour mill/flour:80 503"], "{line}");
        assert_eq!(world.codes()[0], code, "{line}");
    }
}

#[test]
fn rules_are_found_by_what_requests_are_made_into() {
    let spec = rules(&["SHOP.Test /caf%c3%a9 Exact flour:80"]);
    let mut world = World::new("");
    let changes = world.apply(&(ingress("mill/flour", 1, &spec) + &service("mill/flour"))).compile();
    let snapshot = changes.snapshot.unwrap();
    assert!(snapshot.hosts.find("shop.test", "/caf%C3%A9").is_some());
}

#[test]
fn a_path_that_is_refused_is_told_why() {
    for (path, words) in [
        ("mill", "The path \"mill\" does not begin with `/`, so"),
        ("^/mill", "does not begin with `/`; it looks like a regular expression"),
        ("/mill/..%2fother", "once it is canonical"),
    ] {
        let world = World::new(&ingress("mill/flour", 1, &rules(&[&format!("a.test {path} Prefix flour:80")])));
        let finding = world.findings.iter().find(|finding| finding.code == "BadPath").unwrap();
        assert!(finding.message.contains(words), "{path}: {}", finding.message);
    }
}
