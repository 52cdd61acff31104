use bulkhead_crds::lane::Profile;
use bulkhead_model::expression::PathExpression;
use bulkhead_model::redirect::{HostRedirect, HttpsRedirect, Redirects};

use super::world::{World, ingress, lane, rules, service};

/// An Ingress with these annotations.
pub(super) fn annotated(name: &str, day: u8, annotations: &str, lines: &[&str]) -> String {
    let list: Vec<String> = annotations.split("; ").map(|one| format!("nginx.ingress.kubernetes.io/{one}")).collect();
    let list = format!("metadata: {{annotations: {{{}}}, ", list.join(", "));
    ingress(name, day, &rules(lines)).replacen("metadata: {", &list, 1)
}

fn world(profile: Profile, manifest: &str) -> World {
    let mut document = lane();
    document.profile = profile;
    World::of(document, &(manifest.to_owned() + &service("mill/x")))
}

/// The redirects of the route of `a.test` for a path.
fn redirects(world: &World, path: &str) -> Option<Redirects> {
    world.snapshot().hosts.find("a.test", path)?.filters.as_ref()?.redirects.clone()
}

fn https(world: &World) -> Option<HttpsRedirect> {
    redirects(world, "/")?.https
}

#[test]
fn https_is_wished_for_by_the_profile_or_by_the_ingress() {
    let (standard, nginx) = (Profile::Standard, Profile::IngressNginx);
    let to = |always, strips_slash| Some(HttpsRedirect { always, strips_slash });
    for (profile, annotations, expected) in [
        (standard, "proxy-body-size: 8m", None),
        (nginx, "proxy-body-size: 8m", to(false, true)),
        (standard, "ssl-redirect: 'true'", to(false, false)),
        (nginx, "ssl-redirect: 'false'", None),
        (standard, "force-ssl-redirect: 'true'", to(true, false)),
        (nginx, "ssl-redirect: 'false'; nginx.x/y: z; force-ssl-redirect: 'true'", to(true, true)),
        (standard, "ssl-redirect: 'true'; preserve-trailing-slash: 'false'", to(false, true)),
        (nginx, "preserve-trailing-slash: 'true'", to(false, false)),
    ] {
        let annotations = annotations.replace("nginx.x/y: z; ", "");
        let world = world(profile, &annotated("mill/a", 1, &annotations, &["a.test / Prefix x:80"]));
        assert_eq!(https(&world), expected, "{profile:?} {annotations}");
    }
}

#[test]
fn hosts_are_meant_for_tls_if_any_ingress_with_a_say_has_an_entry_for_them() {
    let with_entry = |name: &str, day, host: &str| {
        ingress(name, day, &format!("tls: [{{hosts: [\"{host}\"]}}]\n{}", rules(&[&format!("{host} /t Prefix x:80")])))
    };
    let mut world = world(Profile::Standard, &ingress("mill/a", 1, &rules(&["a.test / Prefix x:80"])));
    let means = |world: &World, host: &str| world.snapshot().tls.is_meant_for(host);
    assert!(!means(&world, "a.test"));
    world.apply(&with_entry("mill/b", 2, "a.test")).compile();
    assert!(means(&world, "a.test") && !means(&world, "b.a.test") && !means(&world, "test"));
    world.apply(&with_entry("mill/c", 3, "*.a.test")).compile();
    assert!(means(&world, "b.a.test") && !means(&world, "c.b.a.test"));
    world.delete(crate::Kind::Ingress, "mill/b").delete(crate::Kind::Ingress, "mill/c").compile();
    assert!(!means(&world, "a.test") && !means(&world, "b.a.test"));

    let mut document = lane();
    document.scope.host_ownership = bulkhead_crds::lane::HostOwnership::Namespace;
    let manifest = ingress("mill/a", 1, &rules(&["a.test / Prefix x:80"])) + &with_entry("farm/b", 2, "a.test");
    assert!(!means(&World::of(document, &manifest), "a.test"), "who has no say");
}

#[test]
fn a_code_that_is_no_redirect_is_as_if_it_were_not_written() {
    for (annotations, status, to) in [
        ("permanent-redirect: 'https://b.test'", 301, "https://b.test"),
        ("permanent-redirect: 'https://b.test'; permanent-redirect-code: '308'", 308, "https://b.test"),
        ("permanent-redirect: 'https://b.test'; permanent-redirect-code: '304'", 301, "https://b.test"),
        ("permanent-redirect: 'https://b.test'; permanent-redirect-code: '200'", 301, "https://b.test"),
        ("temporal-redirect: 'https://c.test'; temporal-redirect-code: '307'", 307, "https://c.test"),
        ("temporal-redirect: 'https://c.test'; permanent-redirect: 'https://b.test'", 302, "https://c.test"),
    ] {
        let world = world(Profile::Standard, &annotated("mill/a", 1, annotations, &["a.test / Prefix x:80"]));
        let moved = redirects(&world, "/").unwrap().moved.unwrap();
        assert_eq!((moved.status, moved.to.fixed().unwrap().as_str()), (status, to), "{annotations}");
    }
}

#[test]
fn groups_of_a_path_are_kept_where_a_redirect_has_them() {
    let annotations = "use-regex: 'true'; permanent-redirect: 'https://b.test/$1'";
    let manifest = annotated("mill/a", 1, annotations, &["a.test /old/(.*) ImplementationSpecific x:80"]);
    let world = world(Profile::Standard, &manifest);
    let snapshot = world.snapshot();
    let route = snapshot.hosts.find("a.test", "/old/x").unwrap();
    let kept = PathExpression::parse("/old/(.*)", true).unwrap();
    assert_eq!(route.expression.as_deref(), Some(&kept));
}

#[test]
fn a_page_for_slash_is_for_the_whole_host_but_for_what_another_namespace_has() {
    let paged =
        |name: &str, day, path: &str| annotated(name, day, "app-root: /app", &[&format!("a.test {path} Prefix x:80")]);
    let sends = |manifest: &str| {
        let world = world(Profile::Standard, manifest);
        let host = redirects(&world, "/").and_then(|redirects| redirects.host);
        let others = redirects(&world, "/app").and_then(|redirects| redirects.host);
        assert_eq!(others, None, "only / itself");
        (matches!(host, Some(HostRedirect::Root(_))), world)
    };
    let plain = |name: &str, day| ingress(name, day, &rules(&["a.test / Prefix x:80"]));
    assert!(sends(&paged("mill/a", 1, "/")).0);
    assert!(sends(&paged("mill/a", 1, "/app")).0, "where nobody has /");
    assert!(sends(&(paged("mill/a", 2, "/app") + &plain("mill/b", 1))).0, "the same namespace");
    let (sent, world) = sends(&(paged("mill/a", 1, "/app") + &plain("farm/b", 2)));
    assert!(!sent, "another namespace has /");
    assert!(
        world.codes().contains(&"AnnotationNotServed Ingress mill/a nginx.ingress.kubernetes.io/app-root".to_owned())
    );
    let (sent, world) = sends(&annotated("mill/a", 1, "app-root: /app; auth-snippet: x", &["a.test / Prefix x:80"]));
    assert!(!sent);
    assert_eq!(world.routes(), ["a.test / Prefix mill/a none 503"], "what is not protected answers nothing else");
}

#[test]
fn a_slash_at_the_end_is_asked_for_as_nginx_does() {
    let found = |profile, lines: &[&str], path: &str| {
        let world = world(profile, &ingress("mill/a", 1, &rules(lines)));
        world.snapshot().hosts.find("a.test", path).map(|route| {
            let redirects = route.filters.as_ref().and_then(|filters| filters.redirects.as_ref());
            redirects.is_some_and(|redirects| matches!(redirects.host, Some(HostRedirect::Slash(_))))
        })
    };
    let nginx = Profile::IngressNginx;
    for (lines, path, expected) in [
        (&["a.test /foo/ Prefix x:80"][..], "/foo", Some(true)),
        (&["a.test /foo/ Prefix x:80"], "/foo/", Some(false)),
        (&["a.test /foo/ Prefix x:80"], "/foo/bar", Some(false)),
        (&["a.test /foo/ Exact x:80"], "/foo", Some(true)),
        (&["a.test /foo/ Exact x:80"], "/foo/", Some(false)),
        (&["a.test /foo/ Exact x:80", "a.test /foo Exact x:80"], "/foo", Some(false)),
        (&["a.test /foo Prefix x:80"], "/foo", Some(false)),
        (&["a.test / Prefix x:80"], "/", Some(false)),
    ] {
        assert_eq!(found(nginx, lines, path), expected, "{lines:?} {path}");
    }
    // As the Ingress specification has it.
    assert_eq!(found(Profile::Standard, &["a.test /foo/ Prefix x:80"], "/foo"), Some(false));
    assert_eq!(found(Profile::Standard, &["a.test /foo/ Exact x:80"], "/foo"), None);
}
