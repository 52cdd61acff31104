//! Client certificates: which route asks for which, and what is closed when they cannot be judged.

use bulkhead_crds::lane::HostOwnership;
use bulkhead_model::{Action, Denial};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

use super::world::{World, ingress, lane, objects, rules, service};
use crate::annotation::PREFIX;
use crate::{Kind, Needs, Object, references};

/// The certificate of an issuer, in PEM form.
fn issuer() -> String {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
}

/// A Secret with these entries.
fn issuers(name: &str, entries: &[(&str, &str)]) -> String {
    let (namespace, name) = name.split_once('/').unwrap();
    let entry = |(key, text): &(&str, &str)| format!("{key}: \"{}\"", text.replace('\n', "\\n"));
    let data: Vec<_> = entries.iter().map(entry).collect();
    format!(
        "kind: Secret\napiVersion: v1\nmetadata: {{namespace: {namespace}, name: {name}}}\nstringData: {{{}}}\n---\n",
        data.join(", ")
    )
}

fn good(name: &str) -> String {
    issuers(name, &[("ca.crt", &issuer())])
}

/// An Ingress with annotations of ingress-nginx and one rule a line.
fn site(name: &str, day: u8, annotations: &str, lines: &[&str]) -> String {
    let written = ingress(name, day, &rules(lines));
    let list: Vec<_> = annotations.split("; ").filter(|text| !text.is_empty()).collect();
    let list: Vec<_> = list.iter().map(|text| format!("{PREFIX}{text}")).collect();
    written.replacen("metadata: {", &format!("metadata: {{annotations: {{{}}}, ", list.join(", ")), 1)
}

const ON: &str = "auth-tls-secret: mill/ca";

/// One line a route: host, path, and what it asks, or `open`, or `503`.
fn asked(world: &World) -> Vec<String> {
    let snapshot = world.snapshot();
    let routes = snapshot.hosts.iter().map(|route| {
        let what = match (&route.action, &route.client_auth) {
            (Action::Deny(Denial::PolicyNotServed), None) => "503".to_owned(),
            (Action::Deny(denial), _) => panic!("{denial:?}"),
            (Action::Forward(_), None) => "open".to_owned(),
            (Action::Forward(_), Some(auth)) => {
                let policy = &auth.policy;
                let pass = if auth.pass_certificate { " pass" } else { "" };
                let page = auth.error_page.iter().map(|page| format!(" or {page}")).collect::<String>();
                let subject = policy.subject.iter().map(|rule| format!(" {rule:?}")).collect::<String>();
                format!("{:?} {} {}{pass}{subject}{page}", policy.demand, policy.roots.origin, policy.depth)
            }
        };
        format!("{}{} {what}", route.host, route.path)
    });
    routes.collect()
}

fn said(world: &World) -> Vec<String> {
    world.codes().into_iter().filter(|code| !code.starts_with("NoEndpoints")).collect()
}

#[test]
fn the_annotations_say_whose_certificates_and_how_far() {
    for (annotations, expected) in [
        ("", "open"),
        (ON, "Required mill/ca 1"),
        ("auth-tls-secret: ca", "Required mill/ca 1"),
        ("auth-tls-secret: mill/ca; auth-tls-verify-client: 'on'", "Required mill/ca 1"),
        ("auth-tls-secret: mill/ca; auth-tls-verify-client: optional", "Optional mill/ca 1"),
        ("auth-tls-secret: mill/ca; auth-tls-verify-client: optional_no_ca", "OptionalUntrusted mill/ca 1"),
        ("auth-tls-secret: mill/ca; auth-tls-verify-client: 'off'", "open"),
        ("auth-tls-verify-client: 'off'", "open"),
        ("auth-tls-secret: mill/ca; auth-tls-verify-depth: '3'", "Required mill/ca 3"),
        ("auth-tls-secret: mill/ca; auth-tls-pass-certificate-to-upstream: 'true'", "Required mill/ca 1 pass"),
        ("auth-tls-secret: mill/ca; auth-tls-match-cn: 'CN=(a|b)'", "Required mill/ca 1 SubjectRule(\"CN=(a|b)\")"),
        (
            "auth-tls-secret: mill/ca; auth-tls-error-page: 'https://b.test/why?not=1'",
            "Required mill/ca 1 or https://b.test/why?not=1",
        ),
    ] {
        let manifest =
            site("mill/a", 1, annotations, &["a.test / Prefix web:80"]) + &service("mill/web") + &good("mill/ca");
        let world = World::new(&manifest);
        assert_eq!(asked(&world), [format!("a.test/ {expected}")], "{annotations}");
        assert_eq!(said(&world), Vec::<String>::new(), "{annotations}");
    }
}

#[test]
fn what_cannot_be_read_closes_the_routes_and_says_which_annotation_it_is() {
    for (annotations, field) in [
        ("auth-tls-secret: farm/ca", "auth-tls-secret"),
        ("auth-tls-secret: mill/../ca", "auth-tls-secret"),
        ("auth-tls-secret: mill/", "auth-tls-secret"),
        ("auth-tls-verify-client: 'on'", "auth-tls-verify-client"),
        ("auth-tls-verify-client: optional_no_ca", "auth-tls-verify-client"),
        ("auth-tls-secret: mill/ca; auth-tls-verify-client: 'yes'", "auth-tls-verify-client"),
        ("auth-tls-secret: mill/ca; auth-tls-verify-client: 'Off'", "auth-tls-verify-client"),
        ("auth-tls-secret: mill/ca; auth-tls-verify-depth: '-1'", "auth-tls-verify-depth"),
        ("auth-tls-secret: mill/ca; auth-tls-verify-depth: '256'", "auth-tls-verify-depth"),
        ("auth-tls-secret: mill/ca; auth-tls-match-cn: alice", "auth-tls-match-cn"),
        ("auth-tls-secret: mill/ca; auth-tls-match-cn: 'CN=('", "auth-tls-match-cn"),
        ("auth-tls-secret: mill/ca; auth-tls-match-cn: 'CN=((a{100}){100}){100}'", "auth-tls-match-cn"),
        ("auth-tls-match-cn: CN=alice", "auth-tls-match-cn"),
    ] {
        let manifest = site("mill/a", 1, annotations, &["a.test / Prefix web:80"])
            + &site("mill/b", 2, "", &["b.test / Prefix web:80"])
            + &service("mill/web")
            + &good("mill/ca")
            + &good("farm/ca");
        let world = World::new(&manifest);
        assert_eq!(asked(&world), ["a.test/ 503", "b.test/ open"], "{annotations}");
        assert_eq!(said(&world), [format!("ClientCertificateBroken Ingress mill/a {PREFIX}{field}")], "{annotations}");
    }
}

#[test]
fn an_empty_wish_is_told_and_never_opens_what_another_one_closes() {
    let note = |name: &str| format!("AnnotationUnreadable Ingress mill/a {PREFIX}{name}");
    let broken = |name: &str| format!("ClientCertificateBroken Ingress mill/a {PREFIX}{name}");
    let (secret, demand, subject) = ("auth-tls-secret", "auth-tls-verify-client", "auth-tls-match-cn");
    for (annotations, expected, told) in [
        ("auth-tls-secret: ''", "open", vec![note(secret)]),
        ("auth-tls-secret: '  '", "open", vec![note(secret)]),
        ("auth-tls-secret: ''; auth-tls-verify-client: 'off'", "open", vec![note(secret)]),
        ("auth-tls-secret: ''; auth-tls-verify-client: 'on'", "503", vec![note(secret), broken(demand)]),
        ("auth-tls-secret: ''; auth-tls-match-cn: CN=alice", "503", vec![broken(subject), note(secret)]),
        ("auth-tls-secret: ca; auth-tls-verify-client: ''", "Required mill/ca 1", vec![note(demand)]),
        ("auth-tls-secret: ca; auth-tls-match-cn: ''", "Required mill/ca 1", vec![note(subject)]),
        ("auth-tls-secret: ca; auth-tls-verify-depth: ''", "Required mill/ca 1", vec![note("auth-tls-verify-depth")]),
        ("auth-tls-secret: ca; auth-tls-error-page: ''", "Required mill/ca 1", vec![note("auth-tls-error-page")]),
        ("auth-tls-verify-depth: ''", "open", vec![note("auth-tls-verify-depth")]),
        (
            "auth-tls-secret: ca; auth-tls-pass-certificate-to-upstream: ''",
            "Required mill/ca 1",
            vec![note("auth-tls-pass-certificate-to-upstream")],
        ),
    ] {
        let manifest =
            site("mill/a", 1, annotations, &["a.test / Prefix web:80"]) + &service("mill/web") + &good("mill/ca");
        let world = World::new(&manifest);
        assert_eq!(asked(&world), [format!("a.test/ {expected}")], "{annotations}");
        assert_eq!(said(&world), told, "{annotations}");
    }
}

#[test]
fn an_error_page_that_is_none_leaves_the_host_as_closed_as_it_is() {
    let note = |name: &str| vec![format!("AnnotationNotServed Ingress mill/a {PREFIX}{name}")];
    for (annotations, expected) in [
        ("auth-tls-secret: mill/ca; auth-tls-error-page: '@named'", "Required mill/ca 1"),
        ("auth-tls-secret: mill/ca; auth-tls-error-page: '/error'", "Required mill/ca 1"),
        ("auth-tls-secret: mill/ca; auth-tls-error-page: 'https://b.test/$request_uri'", "Required mill/ca 1"),
        ("auth-tls-error-page: 'https://b.test'", "open"),
    ] {
        let manifest =
            site("mill/a", 1, annotations, &["a.test / Prefix web:80"]) + &service("mill/web") + &good("mill/ca");
        let world = World::new(&manifest);
        assert_eq!(asked(&world), [format!("a.test/ {expected}")], "{annotations}");
        assert_eq!(said(&world), note("auth-tls-error-page"), "{annotations}");
    }
}

/// As in CVE-2026-27586 and CVE-2026-54762, where a policy whose file or Secret was missing let everybody in.
#[test]
fn issuers_that_are_missing_or_broken_close_their_host_and_no_other() {
    let pem = issuer();
    let list = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for broken in [
        String::new(),
        good("farm/ca"),
        issuers("mill/ca", &[("tls.crt", &pem)]),
        issuers("mill/ca", &[("ca.crt", "")]),
        issuers("mill/ca", &[("ca.crt", "nothing")]),
        issuers("mill/ca", &[("ca.crt", no_certificate)]),
        issuers("mill/ca", &[("ca.crt", &(pem.clone() + no_certificate))]),
        issuers("mill/ca", &[("ca.crt", &pem), ("ca.crl", "nothing")]),
        issuers("mill/ca", &[("ca.crt", &pem), ("ca.crl", list)]),
        issuers("mill/ca", &[("ca.crt", &pem.repeat(513))]),
    ] {
        let manifest = site("mill/a", 1, ON, &["a.test / Prefix web:80"])
            + &site("mill/b", 2, "", &["a.test /open Prefix web:80", "b.test / Prefix web:80"])
            + &service("mill/web");
        let mut world = World::new(&(manifest + &broken));
        assert_eq!(asked(&world), ["a.test/open 503", "a.test/ 503", "b.test/ open"], "{broken}");
        let imposed = "ClientCertificateImposed Ingress mill/b".to_owned();
        let field = format!("ClientCertificateBroken Ingress mill/a {PREFIX}auth-tls-secret");
        assert_eq!(said(&world), [field, imposed.clone()], "{broken}");
        world.apply(&good("mill/ca")).compile();
        assert_eq!(asked(&world)[1], "a.test/ Required mill/ca 1");
        assert_eq!(said(&world), [imposed]);
        world.delete(Kind::Secret, "mill/ca").compile();
        assert_eq!(asked(&world)[1], "a.test/ 503", "a Secret that goes opens nothing");
    }
}

/// As in CVE-2026-85596, where of two policies for one host the weaker one, or none, was used.
#[test]
fn of_two_policies_for_one_host_the_younger_is_closed() {
    let secrets = service("mill/web") + &good("mill/ca") + &good("mill/other");
    for other in [
        "auth-tls-secret: mill/other",
        "auth-tls-secret: mill/ca; auth-tls-verify-client: optional",
        "auth-tls-secret: mill/ca; auth-tls-verify-depth: '2'",
    ] {
        let manifest = site("mill/young", 2, other, &["a.test /young Prefix web:80", "b.test / Prefix web:80"])
            + &site("mill/old", 1, ON, &["a.test / Prefix web:80"]);
        let world = World::new(&(manifest + &secrets));
        let routes = asked(&world);
        assert_eq!(routes[..2], ["a.test/young 503", "a.test/ Required mill/ca 1"], "{other}");
        assert!(!routes[2].ends_with("open") && !routes[2].ends_with("503"), "{other}: {}", routes[2]);
        assert_eq!(said(&world), [format!("ClientCertificateConflict Ingress mill/young {PREFIX}auth-tls-secret")]);
    }
    let same = "auth-tls-secret: ca; auth-tls-verify-client: 'on'; auth-tls-pass-certificate-to-upstream: 'true'";
    let manifest = site("mill/young", 2, same, &["a.test /young Prefix web:80"])
        + &site("mill/old", 1, ON, &["a.test / Prefix web:80"]);
    let world = World::new(&(manifest + &secrets));
    assert_eq!(asked(&world), ["a.test/young Required mill/ca 1 pass", "a.test/ Required mill/ca 1"]);
    assert_eq!(said(&world), Vec::<String>::new(), "what backends are sent is no conflict");
}

#[test]
fn a_policy_is_for_all_of_its_host_and_nobody_shuts_the_door_of_another_namespace() {
    let services = service("mill/web") + &service("farm/web") + &good("mill/ca") + &good("farm/ca");
    // The namespace that had the host first: for every route, also of others, also of an older Ingress without a policy.
    let first = site("mill/oldest", 1, "", &["a.test / Prefix web:80"])
        + &site("mill/old", 2, ON, &["a.test /old Prefix web:80"])
        + &site("farm/young", 3, "", &["a.test /young Prefix web:80"]);
    let world = World::new(&(first + &services));
    let policy = "Required mill/ca 1";
    assert_eq!(
        asked(&world),
        [format!("a.test/young {policy}"), format!("a.test/old {policy}"), format!("a.test/ {policy}")]
    );
    assert_eq!(
        said(&world),
        ["ClientCertificateImposed Ingress farm/young", "ClientCertificateImposed Ingress mill/oldest"]
    );
    // Another namespace: for its own routes.
    let second = site("mill/old", 1, "", &["a.test / Prefix web:80"])
        + &site("farm/young", 3, "auth-tls-secret: ca", &["a.test /young Prefix web:80"])
        + &site("farm/younger", 4, "", &["a.test /younger Prefix web:80"]);
    let mut world = World::new(&(second + &services));
    let policy = "Required farm/ca 1";
    assert_eq!(
        asked(&world),
        [format!("a.test/younger {policy}"), format!("a.test/young {policy}"), "a.test/ open".to_owned()]
    );
    let asks = world.snapshot().hosts.client_auth("a.test").len();
    assert_eq!(asks, 1, "the handshake asks, for those routes that need it");
    world.delete(Kind::Ingress, "farm/young").compile();
    assert_eq!(asked(&world), ["a.test/younger open", "a.test/ open"]);
    assert!(world.snapshot().hosts.client_auth("a.test").is_empty());
}

#[test]
fn where_hosts_are_owned_nobody_but_the_owner_has_a_policy() {
    let mut owned = lane();
    owned.scope.host_ownership = HostOwnership::Namespace;
    let manifest = site("mill/old", 1, "", &["a.test / Prefix web:80"])
        + &site("farm/young", 2, "auth-tls-secret: ca", &["a.test /young Prefix web:80"])
        + &service("mill/web")
        + &good("farm/ca");
    let world = World::of(owned, &manifest);
    assert_eq!(asked(&world), ["a.test/ open"]);
}

#[test]
fn a_policy_follows_its_secret_and_leaves_everything_else_the_same() {
    let manifest = site("mill/a", 1, ON, &["a.test / Prefix web:80"])
        + &site("mill/b", 2, "auth-tls-secret: b", &["b.test / Prefix web:80"])
        + &service("mill/web");
    let (kept, changed) = (good("mill/b"), good("mill/ca"));
    let mut world = World::new(&(manifest + &kept + &changed));
    let policy = |world: &World, host: &str| world.snapshot().hosts.client_auth(host)[0].clone();
    let before = (policy(&world, "a.test"), policy(&world, "b.test"));
    world.apply(&kept).apply(&changed);
    assert!(!world.compiler.is_dirty(), "equal Secrets change nothing");
    world.apply(&good("mill/ca")).compile();
    assert_ne!(before.0, policy(&world, "a.test"));
    assert!(std::sync::Arc::ptr_eq(&before.1, &policy(&world, "b.test")));
}

#[test]
fn a_wildcards_policy_is_asked_for_below_it_unless_the_host_has_rules_of_its_own() {
    let manifest = site("mill/a", 1, ON, &["*.x.test / Prefix web:80"])
        + &site("mill/b", 2, "", &["open.x.test / Prefix web:80"])
        + &service("mill/web")
        + &good("mill/ca");
    let world = World::new(&manifest);
    let asks = |host: &str| world.snapshot().hosts.client_auth(host).len();
    assert_eq!((asks("a.x.test"), asks("open.x.test"), asks("x.test"), asks("a.b.x.test")), (1, 0, 0, 0));
}

#[test]
fn an_ingress_refers_to_the_issuers_of_its_clients() {
    let needs = |annotations: &str, spec: &str| {
        let written = site("mill/a", 1, annotations, &[]).replace("rules:", spec);
        let Object::Ingress(ingress) = &objects(&written)[0] else { panic!() };
        references(ingress).into_iter().map(|reference| (reference.name, reference.needs)).collect::<Vec<_>>()
    };
    let ca = |needs| vec![("ca".to_owned(), needs)];
    assert_eq!(needs(ON, ""), ca(Needs::ISSUERS));
    assert_eq!(needs(ON, "tls: [{secretName: ca}]"), ca(Needs::ISSUERS.or(Needs::CERTIFICATE)));
    assert_eq!(needs("auth-tls-secret: farm/ca", ""), []);
    assert_eq!(needs("auth-tls-secret: ca; auth-tls-verify-client: 'off'", ""), []);
}
