use bulkhead_crds::lane::{HostOwnership, Profile};
use bulkhead_model::{Action, Denial};

use super::world::{World, ingress, lane, rules, service, slice};

pub(super) fn annotated(name: &str, day: u8, annotations: &str, lines: &[&str]) -> String {
    let short = name.split_once('/').unwrap().1;
    let all: Vec<String> = annotations
        .split(", ")
        .filter(|one| !one.is_empty())
        .map(|one| format!("nginx.ingress.kubernetes.io/{one}"))
        .collect();
    ingress(name, day, &rules(lines)).replacen(
        &format!("name: {short}"),
        &format!("name: {short}, annotations: {{{}}}", all.join(", ")),
        1,
    )
}

pub(super) fn world(profile: Profile, manifest: &str) -> World {
    let mut lane = lane();
    lane.profile = profile;
    lane.scope.host_ownership = HostOwnership::Shared;
    let farm = service("farm/flour") + &slice("farm/flour", "flour", &["10.1.0.2"]);
    World::of(
        lane,
        &(manifest.to_owned() + &service("mill/flour") + &slice("mill/flour", "flour", &["10.1.0.1"]) + &farm),
    )
}

/// Which path a request is served by, or by which it is refused.
pub(super) fn found(world: &World, path: &str) -> String {
    let snapshot = world.snapshot();
    match snapshot.hosts.find("a.test", path) {
        None => "none".to_owned(),
        Some(route) if matches!(route.action, Action::Deny(Denial::PolicyNotServed)) => format!("503 {}", route.path),
        Some(route) => route.path.to_string(),
    }
}

#[test]
fn in_the_profile_standard_only_an_ingress_s_own_paths_are_expressions() {
    let world = world(
        Profile::Standard,
        &(annotated(
            "mill/a",
            1,
            "use-regex: 'true'",
            &[
                "a.test /v[0-9]+/ ImplementationSpecific flour:80",
                "a.test /plain ImplementationSpecific flour:80",
                "a.test /p.* Prefix flour:80",
                "a.test /elements Prefix flour:80",
                "a.test /exact Exact flour:80",
            ],
        ) + &annotated("farm/b", 2, "", &["a.test /other.x Prefix flour:80"])),
    );
    for (path, wanted) in [
        ("/v12/items", "/v[0-9]+/"),
        ("/V12/items", "/v[0-9]+/"),
        ("/plainly", "/plain"),
        ("/pond", "/p.*"),
        ("/elements/a", "/elements"),
        ("/elementsa", "none"),
        ("/exact", "/exact"),
        ("/exact/a", "none"),
        ("/other.x", "/other.x"),
        ("/otherxx", "none"),
        ("/OTHER.x", "none"),
    ] {
        assert_eq!(found(&world, path), wanted, "{path}");
    }
    assert_eq!(world.codes(), [""; 0]);
}

#[test]
fn in_the_profile_of_ingress_nginx_one_expression_makes_all_paths_of_its_host_some() {
    for annotation in ["use-regex: 'true'", "rewrite-target: /"] {
        let world = world(
            Profile::IngressNginx,
            &(annotated("mill/a", 1, annotation, &["a.test /v[0-9]+/ ImplementationSpecific flour:80"])
                + &annotated("farm/b", 2, "", &["a.test /other Prefix flour:80", "a.test /exact.y Exact flour:80"])
                + &annotated("farm/c", 2, "", &["b.test /other Prefix flour:80"])),
        );
        for (path, wanted) in [
            ("/V12/items", "/v[0-9]+/"),
            ("/otherwise", "/other"),
            ("/OTHER", "/other"),
            ("/exactxy/z", "/exact.y"),
            ("/x/other", "none"),
        ] {
            assert_eq!(found(&world, path), wanted, "{annotation} {path}");
        }
        assert!(world.snapshot().hosts.find("b.test", "/otherwise").is_none(), "of other hosts nothing changes");
    }
}

#[test]
fn a_rewrite_to_the_own_path_makes_no_expressions() {
    let manifest = annotated("mill/a", 1, "rewrite-target: /a", &["a.test /a Prefix flour:80"]);
    let world = world(Profile::IngressNginx, &manifest);
    assert_eq!((found(&world, "/a/b"), found(&world, "/ab")), ("/a".to_owned(), "none".to_owned()));
}

#[test]
fn an_expression_that_cannot_be_matched_leaves_nothing_to_wider_rules() {
    let long = format!("/admin/({})", "a".repeat(3 << 10));
    let longer = format!("/admin/({})", "a".repeat(9 << 10));
    for path in [
        "/admin/(?!public)(.*)",
        "/admin/(a{99}){99}",
        "/admin/(x)\\\\1",
        "/admin/(",
        &long,
        &longer,
        "/admin/(a|b)*a(a|b){20}",
    ] {
        for profile in [Profile::Standard, Profile::IngressNginx] {
            let world = world(
                profile,
                &annotated(
                    "mill/a",
                    1,
                    "use-regex: 'true'",
                    &[&format!("a.test {path} ImplementationSpecific flour:80"), "a.test / Prefix flour:80"],
                ),
            );
            let refused = format!("503 {}", path.replace("\\\\", "\\"));
            assert_eq!(found(&world, "/admin/users"), refused, "{path}");
            assert_eq!(found(&world, "/Admin/"), refused, "{path}");
            assert_eq!(found(&world, "/other"), "/", "{path}");
            assert_eq!(world.codes(), ["BadExpression Ingress mill/a spec.rules[0].http.paths[0].path"], "{path}");
        }
    }
}

#[test]
fn a_path_that_only_an_expression_can_be_is_one_where_another_ingress_makes_all_of_them_some() {
    let odd = annotated("mill/b", 2, "upstream-vhost: v", &["a.test /x(/|$)(.*) ImplementationSpecific flour:80"]);
    let regex = annotated("mill/a", 1, "use-regex: 'true'", &["a.test /v[0-9]+ ImplementationSpecific flour:80"]);
    let left_out = "BadPath Ingress mill/b spec.rules[0].http.paths[0].path";
    for (profile, manifests, is, codes) in [
        (Profile::IngressNginx, format!("{odd}{regex}"), "/x(/|$)(.*)", &[][..]),
        (Profile::Standard, format!("{odd}{regex}"), "none", &[left_out]),
        (Profile::IngressNginx, odd, "none", &[left_out]),
    ] {
        let world = world(profile, &manifests);
        assert_eq!(found(&world, "/X/y"), is, "{profile:?}");
        assert_eq!(world.codes(), codes, "{profile:?}");
    }
}

#[test]
fn a_rewrite_is_done_on_each_path_but_from_the_root_to_itself() {
    let manifest = annotated(
        "mill/a",
        1,
        "rewrite-target: /, x-forwarded-prefix: /shop",
        &["a.test / Prefix flour:80", "a.test /x(/|$)(.*) Prefix flour:80"],
    );
    let world = world(Profile::Standard, &manifest);
    let rewrites = |path: &str| {
        let snapshot = world.snapshot();
        let route = snapshot.hosts.find("a.test", path).unwrap();
        route.filters.as_ref().is_some_and(|filters| filters.rewrite.is_some())
    };
    assert_eq!((rewrites("/"), rewrites("/x/y")), (false, true));
}

#[test]
fn targets_that_cannot_be_obeyed_protect_by_refusing() {
    for (target, named) in [
        ("/$nobody", "$1 to $9"),
        ("/$host?a", "canonical"),
        ("https://$arg_x/", "host"),
        ("/a?b=c", "canonical"),
        ("\"/a\\r\\nX: y\"", "canonical"),
        ("//evil.test/", "canonical"),
        ("https://$1/", "host"),
        ("/../a", "canonical"),
        ("\"/\\u0007\"", "control"),
    ] {
        let manifest = annotated("mill/a", 1, &format!("rewrite-target: {target}"), &["a.test / Prefix flour:80"]);
        let world = world(Profile::Standard, &manifest);
        assert_eq!(found(&world, "/"), "503 /", "{target}");
        let finding = world.findings.iter().find(|finding| finding.code == "ProtectionUnreadable").unwrap();
        assert!(finding.message.contains(named), "{target}: {}", finding.message);
    }
    let long = format!("rewrite-target: /{}", "a".repeat(1 << 20));
    let world = world(Profile::Standard, &annotated("mill/a", 1, &long, &["a.test / Prefix flour:80"]));
    assert_eq!(found(&world, "/"), "503 /");
}

/// Nobody knows what was meant, so what a good value would have closed or led elsewhere is not left to wider rules.
#[test]
fn a_refused_rewrite_or_switch_leaves_no_path_to_wider_rules() {
    let long = format!("rewrite-target: /{}", "a".repeat(3 << 10));
    let longest = format!("rewrite-target: /{}", "a".repeat(70 << 10));
    for annotation in
        ["rewrite-target: /$namespace/$2", "rewrite-target: /b/$2?x=y", &long, &longest, "use-regex: 'yes'"]
    {
        let short = &annotation[..30.min(annotation.len())];
        for profile in [Profile::Standard, Profile::IngressNginx] {
            let admin = |path: &str, kind: &str| {
                let open = annotated("mill/open", 1, "", &["a.test / Prefix flour:80"]);
                let line = format!("a.test {path} {kind} flour:80");
                world(profile, &(open + &annotated("mill/admin", 2, annotation, &[&line])))
            };
            let world = admin("/admin(/|$)(.*)", "ImplementationSpecific");
            for asked in ["/admin", "/admin/users", "/ADMIN/users"] {
                assert_eq!(found(&world, asked), "503 /admin(/|$)(.*)", "{short} {profile:?} {asked}");
            }
            assert_eq!(found(&world, "/other"), "/", "{short} {profile:?}");
            let name = annotation.split(':').next().unwrap();
            let only = format!("ProtectionUnreadable Ingress mill/admin nginx.ingress.kubernetes.io/{name}");
            assert_eq!(world.codes(), [only], "{short} {profile:?}");

            let world = admin("/admin", "Prefix");
            let other = if profile == Profile::Standard { "/" } else { "503 /admin" };
            assert_eq!(found(&world, "/admin/users"), "503 /admin", "{short} {profile:?}");
            assert_eq!(found(&world, "/ADMIN"), other, "{short} {profile:?}: as with a target that is good");
        }
    }
}

#[test]
fn a_service_is_asked_by_its_own_address_if_it_has_one() {
    let ask = |cluster_ip: &str| {
        let service = service("mill/own").replace("spec: {", &format!("spec: {{{cluster_ip}"));
        let manifest = annotated("mill/a", 1, "service-upstream: 'true'", &["a.test / Prefix own:80"]);
        world(Profile::Standard, &(manifest + &service + &slice("mill/own", "own", &["10.1.0.1", "10.1.0.2"])))
    };
    let addresses = |world: &World| {
        let snapshot = world.snapshot();
        let Action::Forward(backends) = &snapshot.hosts.find("a.test", "/").unwrap().action else { panic!() };
        let endpoints = backends[0].backend.endpoints();
        endpoints.list.iter().map(|endpoint| endpoint.address.to_string()).collect::<Vec<_>>()
    };
    let world = ask("clusterIP: 10.96.0.7, ");
    assert_eq!(addresses(&world), ["10.96.0.7:80"]);
    assert_eq!(world.codes(), [""; 0]);
    // Without one, and where it must not be asked.
    for cluster_ip in ["", "clusterIP: None, ", "clusterIP: 127.0.0.1, ", "clusterIP: 169.254.169.254, "] {
        let world = ask(cluster_ip);
        assert_eq!(addresses(&world), ["10.1.0.1:8080", "10.1.0.2:8080"], "{cluster_ip}");
        assert_eq!(world.codes(), ["NoClusterAddress Ingress mill/a spec.rules[0].http.paths[0].backend"]);
    }
}

#[test]
fn backends_are_told_hosts_and_nothing_else() {
    for (value, readable) in [
        ("inner.test", true),
        ("inner.test:8080", true),
        ("$http_x_tenant.inner.test", true),
        ("\"a b\"", false),
        ("\"a\\r\\nX: y\"", false),
        ("$unknown", false),
        ("https://inner.test", false),
    ] {
        let manifest = annotated("mill/a", 1, &format!("upstream-vhost: {value}"), &["a.test / Prefix flour:80"]);
        let world = world(Profile::Standard, &manifest);
        let route = world.snapshot().hosts.find("a.test", "/").cloned().unwrap();
        assert_eq!(route.filters.is_some(), readable, "{value}");
        assert_eq!(world.codes().is_empty(), readable, "{value}");
    }
}
