//! What is spoken with backends, and whom a gateway believes.

use std::sync::Arc;

use bulkhead_crds::finding::Severity;
use bulkhead_model::backend::Protocol;
use bulkhead_model::upstream_tls::{TlsVersions, Trust};
use bulkhead_model::{Action, Backend, Denial};

use super::world::{World, certificate, ingress, rules, secret, service, slice};
use crate::annotation::PREFIX;
use crate::{Kind, Object, references};

/// Ingress mill/a with annotations, each `name: value`, and its one rule.
fn ingress_with(annotations: &[&str]) -> String {
    let list: String = annotations.iter().map(|one| format!("{PREFIX}{one}, ")).collect();
    let manifest = ingress("mill/a", 1, &rules(&["a.test / Prefix flour:80"]));
    manifest.replace("name: a,", &format!("name: a, annotations: {{{list}}},"))
}

/// The Service of that rule.
fn service_with(app_protocol: &str) -> String {
    let written = if app_protocol.is_empty() { String::new() } else { format!("appProtocol: \"{app_protocol}\", ") };
    service("mill/flour").replace("port: 80", &format!("{written}port: 80")) + &slice("mill/s", "flour", &["10.1.0.1"])
}

/// Secret mill/keys, with the given keys of `ca.crt`, `tls.crt` and `tls.key`, all of one certificate.
fn keys(names: &[&str]) -> String {
    let (chain, key) = certificate(&["flour.test"]);
    let manifest = secret("mill/keys", (&chain, &key));
    let data: String = names
        .iter()
        .map(|name| {
            let text = if *name == "tls.key" { &key } else { &chain };
            format!("{name}: \"{}\", ", text.replace('\n', "\\n"))
        })
        .collect();
    let (head, _) = manifest.split_once("stringData").unwrap();
    format!("{head}stringData: {{{data}}}\n---\n")
}

fn backend(world: &World) -> Result<Arc<Backend>, Denial> {
    let snapshot = world.snapshot();
    let route = snapshot.hosts.iter().next().unwrap();
    match &route.action {
        Action::Forward(backends) => Ok(Arc::clone(&backends[0].backend)),
        Action::Deny(denial) => Err(*denial),
    }
}

/// Protocol, and whether under TLS.
fn spoken(world: &World) -> Option<(Protocol, bool)> {
    backend(world).ok().map(|backend| (backend.protocol, backend.tls.is_some()))
}

fn codes(world: &World) -> Vec<&str> {
    world.findings.iter().map(|finding| &*finding.code).collect()
}

#[test]
fn the_app_protocol_of_a_port_says_what_is_spoken() {
    use Protocol::{Http1, Http2};
    for (written, expected, codes_expected) in [
        ("", (Http1, false), &[][..]),
        ("http", (Http1, false), &[]),
        ("kubernetes.io/ws", (Http1, false), &[]),
        ("kubernetes.io/h2c", (Http2, false), &[]),
        ("grpc", (Http2, false), &[]),
        ("https", (Http1, true), &["BackendNotVerified"]),
        ("HTTPS", (Http1, true), &["BackendNotVerified"]),
        ("kubernetes.io/wss", (Http1, true), &["BackendNotVerified"]),
        ("grpcs", (Http2, true), &["BackendNotVerified"]),
        ("mysql", (Http1, false), &["UnknownBackendProtocol"]),
        ("kubernetes.io/h3", (Http1, false), &["UnknownBackendProtocol"]),
    ] {
        let world = World::new(&(ingress_with(&[]) + &service_with(written)));
        assert_eq!(spoken(&world), Some(expected), "{written}");
        assert_eq!(codes(&world), codes_expected, "{written}");
        for finding in &world.findings {
            assert_eq!((finding.severity, &*finding.field), (Severity::Warning, "spec.ports[0].appProtocol"));
        }
    }
}

#[test]
fn the_annotation_of_an_ingress_outdoes_the_app_protocol() {
    use Protocol::{Http1, Http2};
    for (value, app_protocol, expected) in [
        ("HTTP", "https", Some((Http1, false))),
        ("https", "", Some((Http1, true))),
        ("GRPC", "http", Some((Http2, false))),
        ("grpcs", "", Some((Http2, true))),
        ("''", "grpc", Some((Http2, false))),
        ("H3", "grpc", Some((Http2, false))),
        ("H3", "", Some((Http1, false))),
        ("FCGI", "", None),
        ("auto_http", "", None),
    ] {
        let annotation = format!("backend-protocol: {value}");
        let world = World::new(&(ingress_with(&[&annotation]) + &service_with(app_protocol)));
        assert_eq!(spoken(&world), expected, "{value} over {app_protocol}");
        let code = match expected {
            None => Some("BackendProtocolNotServed"),
            Some((_, true)) => Some("BackendNotVerified"),
            Some(_) if value == "H3" => Some("UnknownBackendProtocol"),
            Some(_) => None,
        };
        assert_eq!(codes(&world), Vec::from_iter(code), "{value} over {app_protocol}");
    }
}

/// `proxy-ssl-verify: on` has switched verification off in a well-known gateway (CVE-2025-66491).
#[test]
fn verification_that_is_switched_on_is_on_or_the_route_answers_503() {
    let secret = "proxy-ssl-secret: mill/keys";
    let roots = &["ca.crt"][..];
    for (annotations, data, verified) in [
        (&[secret, "proxy-ssl-verify: 'on'"][..], roots, Some(true)),
        (&[secret, "proxy-ssl-verify: 'ON'"], roots, Some(true)),
        (&["proxy-ssl-secret: keys", "proxy-ssl-verify: 'on'"], &["ca.crt", "tls.crt", "tls.key"], Some(true)),
        (&[secret, "proxy-ssl-verify: 'off'"], roots, Some(false)),
        (&[secret], roots, Some(false)),
        (&[], &[], Some(false)),
        (&[secret, "proxy-ssl-verify: 'true'"], roots, None),
        (&[secret, "proxy-ssl-verify: 'no'"], roots, None),
        (&[secret, "proxy-ssl-verify: 'on'"], &["tls.crt", "tls.key"], None),
        (&[secret, "proxy-ssl-verify: 'on'"], &[], None),
        (&["proxy-ssl-verify: 'on'"], roots, None),
        (&["proxy-ssl-secret: farm/keys"], roots, None),
        (&["proxy-ssl-secret: mill/other"], roots, None),
        (&[secret], &["ca.crt", "tls.crt"], None),
        (&[secret, "proxy-ssl-verify: 'on'", "proxy-ssl-verify-depth: deep"], roots, None),
        (&[secret, "proxy-ssl-verify: 'on'", "proxy-ssl-name: 'a b'"], roots, None),
        (&["proxy-ssl-server-name: maybe"], roots, None),
    ] {
        let annotations = [annotations, &["backend-protocol: HTTPS"]].concat();
        let world = World::new(&(ingress_with(&annotations) + &service_with("") + &keys(data)));
        let found = backend(&world).map(|backend| match &backend.tls.as_ref().unwrap().trust {
            Trust::Anyone => false,
            Trust::Roots { roots, .. } => !roots.is_empty(),
        });
        assert_eq!(found, verified.ok_or(Denial::PolicyNotServed), "{annotations:?} {data:?}");
        match verified {
            Some(true) => assert_eq!(codes(&world), [""; 0], "{annotations:?}"),
            Some(false) => assert_eq!(codes(&world), ["BackendNotVerified"], "{annotations:?}"),
            None => assert!(codes(&world).contains(&"BackendTlsBroken"), "{annotations:?}"),
        }
    }
}

#[test]
fn an_empty_wish_for_verification_is_told() {
    const SECRET: &str = "proxy-ssl-secret: ''";
    const VERIFY: &str = "proxy-ssl-verify: ''";
    for (annotations, told) in [
        (&["backend-protocol: HTTPS", VERIFY][..], &["AnnotationUnreadable", "BackendNotVerified"][..]),
        (&["backend-protocol: HTTPS", SECRET], &["AnnotationUnreadable", "BackendNotVerified"]),
        (&["backend-protocol: HTTPS", SECRET, "proxy-ssl-verify: 'on'"], &["AnnotationUnreadable", "BackendTlsBroken"]),
    ] {
        let world = World::new(&(ingress_with(annotations) + &service_with("")));
        let mut all: Vec<_> = codes(&world).into_iter().filter(|code| *code != "NoEndpoints").collect();
        all.sort_unstable();
        assert_eq!(all, told, "{annotations:?}");
    }
}

#[test]
fn a_broken_secret_takes_nothing_down_that_is_in_clear_text() {
    let world = World::new(&(ingress_with(&["proxy-ssl-secret: mill/gone"]) + &service_with("")));
    assert_eq!(spoken(&world), Some((Protocol::Http1, false)));
    assert_eq!(codes(&world), ["BackendTlsUnused"]);
}

#[test]
fn names_versions_depth_and_identity_are_as_the_annotations_say() {
    let wishes = ["backend-protocol: GRPCS", "proxy-ssl-secret: mill/keys", "proxy-ssl-verify: 'on'"];
    let all = service_with("") + &keys(&["ca.crt", "tls.crt", "tls.key"]);
    let world = World::new(&(ingress_with(&wishes) + &all));
    let tls = backend(&world).unwrap().tls.clone().unwrap();
    assert_eq!(tls.name.to_str(), "flour.mill.svc");
    assert_eq!((tls.asks_for_name, tls.versions), (false, TlsVersions::Both));
    assert_eq!(&*tls.identity.as_ref().unwrap().origin, "mill/keys");
    let more = [
        &wishes[..],
        &[
            "proxy-ssl-name: bread.test",
            "proxy-ssl-server-name: 'on'",
            "proxy-ssl-protocols: TLSv1.1 TLSv1.3",
            "proxy-ssl-verify-depth: '2'",
        ],
    ]
    .concat();
    let world = World::new(&(ingress_with(&more) + &all));
    let tls = backend(&world).unwrap().tls.clone().unwrap();
    assert_eq!(tls.name.to_str(), "bread.test");
    assert_eq!((tls.asks_for_name, tls.versions), (true, TlsVersions::V13));
    assert!(matches!(tls.trust, Trust::Roots { depth: Some(2), .. }));
}

#[test]
fn two_ingresses_that_speak_to_one_port_in_two_ways_share_no_endpoint() {
    let plain = ingress("mill/b", 2, &rules(&["b.test / Prefix flour:80"]));
    let wishes = ["backend-protocol: HTTPS", "proxy-ssl-secret: mill/keys", "proxy-ssl-verify: 'on'"];
    let world = World::new(&(ingress_with(&wishes) + &plain + &service_with("https") + &keys(&["ca.crt"])));
    let snapshot = world.snapshot();
    let mut ids = Vec::new();
    for route in snapshot.hosts.iter() {
        let Action::Forward(backends) = &route.action else { panic!("{route:?}") };
        ids.push((backends[0].backend.id, backends[0].backend.endpoints().list[0].id));
    }
    assert_eq!(ids.len(), 2);
    assert!(ids[0].0 != ids[1].0 && ids[0].1 != ids[1].1, "{ids:?}");
}

#[test]
fn a_secret_that_changes_makes_another_backend_and_one_that_comes_back_serves_again() {
    let wishes = ["backend-protocol: HTTPS", "proxy-ssl-secret: mill/keys", "proxy-ssl-verify: 'on'"];
    let manifest = ingress_with(&wishes) + &service_with("");
    let mut world = World::new(&manifest);
    assert_eq!(backend(&world).unwrap_err(), Denial::PolicyNotServed);
    world.apply(&keys(&["ca.crt"])).compile();
    let first = backend(&world).unwrap();
    world.apply(&manifest).compile();
    assert!(Arc::ptr_eq(&first, &backend(&world).unwrap()), "what is as before stays");
    world.apply(&keys(&["ca.crt"])).compile();
    let second = backend(&world).unwrap();
    assert_ne!(first.id, second.id, "other roots, other connections");
    world.delete(Kind::Secret, "mill/keys").compile();
    assert_eq!(backend(&world).unwrap_err(), Denial::PolicyNotServed);
    assert_eq!(world.codes(), ["BackendTlsBroken Ingress mill/a spec.rules[0].http.paths[0].backend"]);
}

#[test]
fn the_secret_of_backends_is_among_what_an_ingress_refers_to() {
    for (value, expected) in [("mill/keys", Some("keys")), ("keys", Some("keys")), ("farm/keys", None), ("''", None)] {
        let manifest = ingress_with(&[&format!("proxy-ssl-secret: {value}")]);
        let Object::Ingress(ingress) = super::world::objects(&manifest).remove(0) else { panic!() };
        let names: Vec<_> = references(&ingress).into_iter().map(|reference| reference.name).collect();
        assert_eq!(names, Vec::from_iter(expected.map(str::to_owned)), "{value}");
    }
}
