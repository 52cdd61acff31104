use proptest::prelude::*;

use bulkhead_crds::lane::Profile;
use bulkhead_model::{Action, Denial};

use super::expressions::annotated;
use super::world::{OWN_CLASS, World, ingress, lane, objects, rules, service};
use crate::findings::MAX_PER_OBJECT;
use crate::object::MAX_PATHS;
use crate::{Compiler, FindingCode, Object, Options, references};

#[test]
fn findings_of_one_object_are_bounded_and_their_texts_fit_the_schema() {
    let lines: Vec<String> = (0..500).map(|n| format!("a.test /{}{n}\\\\ Prefix x:80", "é".repeat(3000))).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let world = World::new(&ingress("mill/a", 1, &rules(&lines)));
    assert_eq!(world.findings.len(), MAX_PER_OBJECT + 1);
    assert!(world.codes().iter().any(|code| code == "MoreFindings Ingress mill/a"));
    for finding in &world.findings {
        assert!(finding.message.chars().count() <= 1024 && finding.field.chars().count() <= 256);
        assert!(finding.remedy.chars().count() <= 1024 && finding.code.len() <= 64);
        assert!(!finding.message.contains('\n'));
    }
}

#[test]
fn a_path_longer_than_any_request_is_refused() {
    let spec = |n: usize| rules(&[&format!("a.test /{} Prefix flour:80", "a".repeat(n))]);
    let world = |n| World::new(&(ingress("mill/a", 1, &spec(n)) + &service("mill/flour")));
    assert_eq!(world(8191).routes().len(), 1);
    assert_eq!(world(8192).routes().len(), 0);
}

/// A list that outgrew its bound ended every proxy of a large network on 18 November 2025: here the rest goes on.
#[test]
fn an_ingress_of_more_paths_than_are_looked_at_has_its_host_closed_for_the_others_and_hears_of_it() {
    for (paths, routes, said) in [(2_000, 2_000, 0), (2_001, 2_001, 1), (2_500, 2_001, 1)] {
        let lines: Vec<String> = (0..paths).map(|n| format!("a.test /{n} Exact flour:80")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let mut object = super::world::objects(&ingress("mill/a", 1, &rules(&lines))).remove(0);
        for trimmed in [false, true] {
            let mut world = World::new(&service("mill/flour"));
            if trimmed {
                object.trim();
            }
            world.compiler.apply(object.clone());
            world.compile();
            assert_eq!(world.routes().len(), routes, "{paths} {trimmed}");
            let too_many = world.findings.iter().filter(|finding| finding.code == "TooManyPaths");
            assert_eq!(too_many.filter(|finding| finding.message.contains("2000")).count(), said, "{paths} {trimmed}");
        }
    }
}

/// Those that are not read may be to protect what a wider rule has open.
#[test]
fn paths_that_are_not_read_are_left_to_no_other_ingress_of_their_namespace() {
    let mut lines: Vec<String> = (0..2_000).map(|n| format!("a.test /p{n} Prefix flour:80")).collect();
    lines.push("a.test /secret Prefix flour:80".to_owned());
    lines.extend((0..3).map(|n| format!("b{n}.test /secret Prefix flour:80")));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut many = super::world::objects(&annotated("mill/many", 2, "", &lines)).remove(0);
    let open = ["a.test / Prefix flour:80", "c.test / Prefix flour:80", "*.test / Prefix flour:80"];
    let farm = service("farm/flour") + &annotated("farm/open", 3, "", &["a.test /farm Prefix flour:80"]);
    let manifest = service("mill/flour") + &annotated("mill/open", 1, "", &open) + &farm;
    for trimmed in [false, true] {
        if trimmed {
            many.trim();
        }
        for profile in [Profile::Standard, Profile::IngressNginx] {
            let mut world = super::expressions::world(profile, &manifest);
            world.compiler.apply(many.clone());
            world.compile();
            let snapshot = world.snapshot();
            for (host, path, origin, closed) in [
                ("a.test", "/p7/x", "mill/many", false),
                ("a.test", "/secret", "mill/open", true),
                ("b2.test", "/secret", "mill/many", true),
                ("c.test", "/secret", "mill/open", false),
                ("other.test", "/secret", "mill/open", false),
                ("a.test", "/farm/x", "farm/open", false),
            ] {
                let route = snapshot.hosts.find(host, path).unwrap();
                let is_closed = matches!(route.action, Action::Deny(Denial::PolicyNotServed));
                assert_eq!((&*route.origin, is_closed), (origin, closed), "{host}{path} {profile:?} {trimmed}");
            }
            let told: Vec<String> = world.codes().into_iter().filter(|code| code.starts_with("TooMany")).collect();
            let of_open = "TooManyPaths Ingress mill/open spec.rules[0].http.paths[0].backend";
            assert_eq!(told, ["TooManyPaths Ingress mill/many spec.rules", of_open]);
        }
    }
}

#[test]
fn every_code_is_a_word_with_a_remedy_and_none_is_used_twice() {
    let mut words: Vec<_> = FindingCode::ALL.iter().map(|code| code.as_str()).collect();
    assert!(words.is_sorted());
    words.dedup();
    assert_eq!(words.len(), FindingCode::ALL.len());
    for code in FindingCode::ALL {
        assert_eq!(format!("{code:?}"), code.as_str());
        assert!(code.remedy().ends_with('.') && code.remedy().len() < 1024);
    }
}

#[test]
fn an_ingress_refers_to_the_secrets_of_its_tls_entries() {
    let spec = "tls: [{secretName: b}, {hosts: [x.test]}, {secretName: a}, {secretName: b}, {secretName: \"\"}]";
    let Object::Ingress(ingress) = &super::world::objects(&ingress("mill/a", 1, spec))[0] else { panic!() };
    let names: Vec<_> = references(ingress).into_iter().map(|reference| reference.name).collect();
    assert_eq!(names, ["a", "b"]);
}

/// Text that is likely to be taken for something.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-b.*/%;:\\[\\]-]{0,8}",
        any::<String>(),
        proptest::sample::select(vec![
            "/",
            "a.test",
            "*.a.test",
            "10.0.0.1",
            "Prefix",
            "Exact",
            "80",
            "web",
            "quay",
            "TCP",
            "UDP",
            "IPv4",
            "ExternalName"
        ])
        .prop_map(str::to_owned),
    ]
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let scalar = prop_oneof![
        2 => text().prop_map(serde_json::Value::from),
        1 => any::<i32>().prop_map(serde_json::Value::from),
        1 => any::<bool>().prop_map(serde_json::Value::from),
    ];
    (proptest::collection::vec(text(), 12), proptest::collection::vec(any::<i32>(), 3), scalar).prop_map(|(t, n, _)| {
        serde_json::json!([
            {"metadata": {"namespace": t[0], "name": t[1], "annotations": {&t[2]: t[3], (format!("nginx.ingress.kubernetes.io/{}", t[2])): t[3]}},
             "spec": {"ingressClassName": "quay",
                "defaultBackend": {"service": {"name": t[4], "port": {"number": n[0], "name": t[5]}}},
                "rules": [{"host": t[6], "http": {"paths": [{"path": t[7], "pathType": t[8], "backend": {"service": {"name": t[4], "port": {"name": t[5]}}}}]}}]}},
            {"metadata": {"namespace": t[0], "name": t[4]},
             "spec": {"type": t[9], "ports": [{"name": t[5], "port": n[1], "protocol": t[10]}]}},
            {"metadata": {"namespace": t[0], "name": t[11], "labels": {"kubernetes.io/service-name": t[4]}},
             "addressType": t[10], "endpoints": [{"addresses": [t[6]]}], "ports": [{"name": t[5], "port": n[2]}]}
        ])
    })
}

proptest! {
    /// No object, however odd, makes the compiler panic, and what it says of them stays within bounds.
    #[test]
    fn no_object_is_too_odd(rounds in proptest::collection::vec(json(), 1..4)) {
        let mut compiler = Compiler::new(Options::default());
        compiler.set_lane(lane());
        super::world::objects(OWN_CLASS).into_iter().for_each(|object| compiler.apply(object));
        for round in rounds {
            let part = |at: usize| round[at].clone();
            compiler.apply(serde_json::from_value::<k8s_openapi::api::networking::v1::Ingress>(part(0)).unwrap().into());
            compiler.apply(serde_json::from_value::<k8s_openapi::api::core::v1::Service>(part(1)).unwrap().into());
            compiler.apply(serde_json::from_value::<k8s_openapi::api::discovery::v1::EndpointSlice>(part(2)).unwrap().into());
            for finding in compiler.compile().findings.iter().flat_map(|list| list.iter()) {
                prop_assert!(finding.message.chars().count() <= 1024 && finding.field.chars().count() <= 256);
            }
            prop_assert!(compiler.routes().len() <= 3 * 4);
        }
    }
}

/// Whoever copies Secrets reads each: an object of 3 MiB could name 100,000. As in Traefik CVE-2026-26998 and its kin.
#[test]
fn an_ingress_has_no_more_secrets_looked_for_than_it_can_have_hosts() {
    let entries: String = (0..MAX_PATHS + 10).map(|n| format!("{{secretName: s{n}}}, ")).collect();
    let manifest = ingress("mill/a", 1, &format!("tls: [{entries}]"));
    let Object::Ingress(ingress) = objects(&manifest).remove(0) else { panic!() };
    assert_eq!(references(&ingress).len(), MAX_PATHS);
}
