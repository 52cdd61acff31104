use k8s_openapi::api::networking::v1::IngressClass;

use super::*;
use crate::test_support::{instance, named};

fn reasons(instance: &GatewayInstance, gathered: &Gathered) -> Vec<&'static str> {
    match validate(instance, gathered) {
        Ok(_) => Vec::new(),
        Err(rejections) => rejections.iter().map(|rejection| rejection.reason.name).collect(),
    }
}

fn class(rest: &str) -> Gathered {
    let class: IngressClass = serde_saphyr::from_str(rest).unwrap();
    Gathered { classes: vec![class], ..Gathered::default() }
}

fn claimed_by(other: &GatewayInstance) -> Gathered {
    Gathered { others: vec![Claim::of(other)], ..Gathered::default() }
}

/// An instance `name` in `elsewhere` with these classes in its north-south lane.
fn rival(name: &str, created: Option<&str>, classes: &str) -> GatewayInstance {
    let mut rival = instance(&format!("{{northSouth: {{ingressClass: {classes}}}}}"));
    rival.metadata.name = Some(name.to_owned());
    rival.metadata.namespace = Some("elsewhere".to_owned());
    rival.metadata.creation_timestamp = created.map(|time| serde_json::from_value(time.into()).unwrap());
    rival
}

const EARLIER: Option<&str> = Some("2026-02-01T00:00:00Z");
const LATER: Option<&str> = Some("2026-04-01T00:00:00Z");

#[test]
fn an_empty_spec_in_an_empty_cluster_is_accepted() {
    let valid = validate(&instance("{}"), &Gathered::default()).unwrap();
    assert_eq!((valid.namespace(), valid.name(), valid.uid(), valid.generation()), ("docks", "quay", "0b5e-quay", 7));
}

#[test]
fn names_that_no_service_can_have_are_rejected() {
    let cases = [
        ("quay", vec![]),
        ("q", vec![]),
        ("quay-2", vec![]),
        ("2quay", vec!["Invalid"]),
        ("quay.east", vec!["Invalid"]),
        ("Quay", vec!["Invalid"]),
        ("", vec!["Invalid"]),
    ];
    for (name, expected) in cases {
        assert_eq!(reasons(&named("docks", name), &Gathered::default()), expected, "{name}");
    }
}

#[test]
fn a_name_may_have_forty_characters_and_not_one_more() {
    let of_length = |length| named("docks", &"q".repeat(length));
    assert_eq!(reasons(&of_length(40), &Gathered::default()), [""; 0]);
    assert_eq!(reasons(&of_length(41), &Gathered::default()), ["NameTooLong"]);
}

#[test]
fn an_instance_without_namespace_is_rejected() {
    assert_eq!(reasons(&named("", "quay"), &Gathered::default()), ["Invalid"]);
}

#[test]
fn a_class_of_another_controller_is_not_taken_over() {
    let gathered = class("{metadata: {name: quay-north-south}, spec: {controller: k8s.io/ingress-nginx}}");
    let rejections = validate(&instance("{}"), &gathered).unwrap_err();
    assert_eq!(rejections.len(), 1);
    assert_eq!(rejections[0].reason, reason::CLASS_TAKEN);
    assert!(
        rejections[0].message.contains("quay-north-south") && rejections[0].message.contains("k8s.io/ingress-nginx")
    );
    assert!(!rejections[0].remedy.is_empty());
}

#[test]
fn a_class_that_says_it_is_ours_must_carry_our_uid() {
    let cases = [("0b5e-quay", vec![]), ("another", vec!["ClassTaken"]), ("''", vec!["ClassTaken"])];
    for (uid, expected) in cases {
        let labels = format!("labels: {{bulkhead.io/instance-uid: {uid}}}");
        let gathered = class(&format!(
            "{{metadata: {{name: quay-east-west, {labels}}}, spec: {{controller: bulkhead.io/gateway}}}}"
        ));
        assert_eq!(reasons(&instance("{}"), &gathered), expected, "{uid}");
    }
}

#[test]
fn a_class_served_for_another_controller_is_no_conflict() {
    let gathered = class("{metadata: {name: nginx}, spec: {controller: k8s.io/ingress-nginx}}");
    assert_eq!(reasons(&instance("{northSouth: {ingressClass: {alsoServe: [nginx]}}}"), &gathered), [""; 0]);
}

#[test]
fn the_class_of_a_lane_that_is_off_is_nobodys_concern() {
    let gathered = class("{metadata: {name: quay-east-west}, spec: {controller: other/one}}");
    assert_eq!(reasons(&instance("{eastWest: {enabled: false}}"), &gathered), [""; 0]);
}

#[test]
fn the_older_of_two_instances_keeps_a_class() {
    let ours = "{northSouth: {ingressClass: {name: sea, alsoServe: [nginx]}}}";
    let cases = [
        (rival("pier", EARLIER, "{name: sea}"), vec!["ClassClaimedTwice"]),
        (rival("pier", EARLIER, "{alsoServe: [sea]}"), vec![]),
        (rival("pier", EARLIER, "{alsoServe: [nginx]}"), vec!["ClassClaimedTwice"]),
        (rival("pier", EARLIER, "{name: sea, alsoServe: [nginx]}"), vec!["ClassClaimedTwice", "ClassClaimedTwice"]),
        (rival("pier", LATER, "{alsoServe: [nginx]}"), vec![]),
        (rival("pier", EARLIER, "{name: lake}"), vec![]),
        (rival("pier", LATER, "{name: sea}"), vec![]),
        (rival("pier", None, "{name: sea}"), vec![]),
    ];
    for (rival, expected) in cases {
        assert_eq!(
            reasons(&instance(ours), &claimed_by(&rival)),
            expected,
            "{:?}",
            rival.spec.north_south.ingress_class
        );
    }
}

#[test]
fn instances_of_one_name_in_two_namespaces_claim_one_default_class() {
    let rival = rival("quay", EARLIER, "{}");
    assert_eq!(reasons(&instance("{}"), &claimed_by(&rival)), ["ClassClaimedTwice", "ClassClaimedTwice"]);
}

#[test]
fn of_instances_of_one_second_the_first_by_name_keeps_a_class() {
    let ours = instance("{northSouth: {ingressClass: {name: sea}}}");
    let mut first = rival("pier", None, "{name: sea}");
    first.metadata.creation_timestamp = ours.metadata.creation_timestamp.clone();
    first.metadata.namespace = Some("aft".to_owned());
    assert_eq!(reasons(&ours, &claimed_by(&first)), ["ClassClaimedTwice"]);
    assert_eq!(reasons(&first, &claimed_by(&ours)), [""; 0]);
}

#[test]
fn of_instances_from_files_none_is_called_older() {
    let mut ours = instance("{northSouth: {ingressClass: {name: sea}}}");
    ours.metadata.creation_timestamp = None;
    let mut first = rival("pier", None, "{name: sea}");
    first.metadata.namespace = Some("aft".to_owned());
    let rejections = validate(&ours, &claimed_by(&first)).unwrap_err();
    let told = rejections[0].to_string();
    assert!(told.contains("neither has a creationTimestamp, so aft/pier comes first by name"), "{told}");
    assert!(!told.contains("older"), "{told}");
}

#[test]
fn an_instance_does_not_quarrel_with_itself() {
    assert_eq!(reasons(&instance("{}"), &claimed_by(&instance("{}"))), [""; 0]);
}

#[test]
fn lanes_that_would_share_a_class_are_rejected_even_if_one_name_is_the_default() {
    let cases = [
        ("{northSouth: {ingressClass: {name: quay-east-west}}}", vec!["Invalid"]),
        ("{northSouth: {ingressClass: {alsoServe: [quay-east-west]}}}", vec!["Invalid"]),
        ("{northSouth: {ingressClass: {name: quay-east-west}}, eastWest: {enabled: false}}", vec![]),
        ("{northSouth: {ingressClass: {alsoServe: [quay-north-south]}}}", vec!["Invalid"]),
    ];
    for (spec, expected) in cases {
        assert_eq!(reasons(&instance(spec), &Gathered::default()), expected, "{spec}");
    }
}

#[test]
fn a_field_that_the_cluster_does_not_know_is_rejected_when_its_version_is_known() {
    let cases = [
        ("PreferSameNode", Some(33), vec!["ClusterTooOld"]),
        ("PreferSameZone", Some(33), vec!["ClusterTooOld"]),
        ("PreferSameZone", Some(34), vec![]),
        ("PreferSameZone", None, vec![]),
        ("PreferClose", Some(33), vec![]),
    ];
    for (wanted, kubernetes_minor, expected) in cases {
        let gathered = Gathered { kubernetes_minor, ..Gathered::default() };
        let spec = format!("{{eastWest: {{service: {{trafficDistribution: {wanted}}}}}}}");
        assert_eq!(reasons(&instance(&spec), &gathered), expected, "{wanted} on {kubernetes_minor:?}");
    }
}

/// The IngressClass `sea` of this controller, with this instance's UID in its label.
fn sea(controller: &str, uid: &str) -> IngressClass {
    let labels = format!("labels: {{bulkhead.io/instance-uid: {uid}}}");
    serde_saphyr::from_str(&format!("{{metadata: {{name: sea, {labels}}}, spec: {{controller: {controller}}}}}"))
        .unwrap()
}

fn with_uid(mut instance: GatewayInstance, uid: &str) -> GatewayInstance {
    instance.metadata.uid = Some(uid.to_owned());
    instance
}

#[test]
fn listing_the_class_of_another_instance_costs_only_the_one_that_lists_it() {
    let victim = || instance("{northSouth: {ingressClass: {name: sea}}}");
    let classes = [vec![], vec![sea(CONTROLLER, "0b5e-quay")]];
    for (age, classes) in [EARLIER, LATER, None].into_iter().flat_map(|age| classes.iter().map(move |c| (age, c))) {
        let thief = with_uid(rival("thief", age, "{alsoServe: [sea]}"), "7h1ef");
        let of = |other: &GatewayInstance| Gathered { classes: classes.clone(), ..claimed_by(other) };
        assert_eq!(reasons(&victim(), &of(&thief)), [""; 0], "{age:?} {classes:?}");
        let rejections = validate(&thief, &of(&victim())).unwrap_err();
        assert!(rejections.iter().all(|rejection| rejection.remedy == "Remove it from alsoServe."), "{rejections:?}");
        assert!(rejections.iter().all(|rejection| rejection.message.contains("sea")), "{rejections:?}");
    }
}

#[test]
fn a_class_of_a_gateway_is_served_for_nobody_but_the_instance_it_was_made_for() {
    let cases = [
        (sea(CONTROLLER, "another"), vec!["ClassTaken"]),
        (sea(CONTROLLER, "''"), vec!["ClassTaken"]),
        (sea(CONTROLLER, "0b5e-quay"), vec![]),
        (sea("example.com/sea", "another"), vec![]),
    ];
    for (class, expected) in cases {
        let gathered = Gathered { classes: vec![class.clone()], ..Gathered::default() };
        let lister = instance("{northSouth: {ingressClass: {alsoServe: [sea]}}}");
        assert_eq!(reasons(&lister, &gathered), expected, "{class:?}");
    }
}

#[test]
fn of_two_that_claim_a_class_as_their_own_the_one_it_was_made_for_keeps_it() {
    let ours = instance("{northSouth: {ingressClass: {name: sea}}}");
    for (age, uid, keeps) in
        [(EARLIER, "0b5e-quay", true), (LATER, "0b5e-quay", true), (EARLIER, "7h1ef", false), (LATER, "7h1ef", false)]
    {
        let other = with_uid(rival("pier", age, "{name: sea}"), "7h1ef");
        let of = |other: &GatewayInstance| Gathered { classes: vec![sea(CONTROLLER, uid)], ..claimed_by(other) };
        assert_eq!(reasons(&ours, &of(&other)).is_empty(), keeps, "{age:?} {uid}");
        assert_eq!(reasons(&other, &of(&ours)).is_empty(), !keeps, "{age:?} {uid}");
    }
}

#[test]
fn a_claim_to_the_class_of_another_controller_as_ones_own_freezes_nobody_who_serves_it() {
    let server = instance("{northSouth: {ingressClass: {alsoServe: [sea]}}}");
    for age in [EARLIER, LATER] {
        let squatter = rival("squatter", age, "{name: sea}");
        let of = |other: &GatewayInstance| Gathered { classes: vec![sea("example.com/sea", "x")], ..claimed_by(other) };
        assert_eq!(reasons(&server, &of(&squatter)), [""; 0]);
        assert_eq!(reasons(&squatter, &of(&server)), ["ClassTaken"]);
    }
}

#[test]
fn the_order_of_claims_and_classes_leaves_no_trace_in_the_verdict() {
    let ours = instance("{northSouth: {ingressClass: {name: sea, alsoServe: [nginx, lake]}}}");
    let mut others = vec![
        Claim::of(&rival("a", EARLIER, "{alsoServe: [sea, nginx]}")),
        Claim::of(&rival("b", LATER, "{name: nginx}")),
        Claim::of(&rival("c", EARLIER, "{name: sea, alsoServe: [lake]}")),
        Claim::of(&rival("d", EARLIER, "{name: sea}")),
    ];
    let mut lake = sea(CONTROLLER, "another");
    lake.metadata.name = Some("lake".to_owned());
    let mut classes = vec![lake, sea(CONTROLLER, "other")];
    let judge = |others: &[Claim], classes: &[IngressClass]| {
        validate(&ours, &Gathered { others: others.to_vec(), classes: classes.to_vec(), ..Gathered::default() })
    };
    let straight = judge(&others, &classes);
    assert_eq!(straight.as_ref().unwrap_err().len(), 5);
    for _ in 0..others.len() {
        others.rotate_left(1);
        classes.reverse();
        assert_eq!(judge(&others, &classes), straight);
    }
}

#[test]
fn an_instance_that_is_confined_may_serve_its_own_namespace_only() {
    let cases = [
        ("{}", false),
        ("{scope: {namespaces: {from: Same}}}", true),
        ("{scope: {namespaces: {from: Names, names: [docks]}}}", true),
        ("{scope: {namespaces: {from: Names, names: [docks, pier]}}}", false),
        ("{scope: {namespaces: {from: Selector, selector: {}}}}", false),
    ];
    for (spec, allowed) in cases {
        let confined = Gathered { confined: true, ..Gathered::default() };
        let expected = if allowed { vec![] } else { vec!["ScopeNotAllowed"] };
        assert_eq!(reasons(&instance(spec), &confined), expected, "{spec}");
        assert_eq!(reasons(&instance(spec), &Gathered::default()), Vec::<&str>::new(), "{spec}");
    }
}

#[test]
fn an_instance_that_is_confined_has_classes_of_its_own_only() {
    let scope = "scope: {namespaces: {from: Same}}";
    for (lane, allowed) in [
        ("{ingressClass: {name: sea}}", true),
        ("{ingressClass: {default: true}}", false),
        ("{ingressClass: {alsoServe: [nginx]}}", false),
        ("{enabled: false, ingressClass: {default: true}}", true),
    ] {
        for field in ["northSouth", "eastWest"] {
            let confined = Gathered { confined: true, ..Gathered::default() };
            let asks = instance(&format!("{{{scope}, {field}: {lane}}}"));
            let expected = if allowed { vec![] } else { vec!["ScopeNotAllowed"] };
            assert_eq!(reasons(&asks, &confined), expected, "{field} {lane}");
            assert_eq!(reasons(&asks, &Gathered::default()), [""; 0], "{field} {lane}");
        }
    }
}

#[test]
fn a_confined_claim_takes_no_class_from_an_instance_of_the_platform() {
    let ours = "scope: {namespaces: {from: Same}}, northSouth: {ingressClass: ";
    for age in [EARLIER, LATER] {
        let cases: [(&str, &str, &[&str]); 3] = [
            ("{alsoServe: [sea]}", "{name: sea}", &["ClassClaimedTwice"]),
            ("{name: sea}", "{name: sea}", &["ClassClaimedTwice"]),
            ("{name: sea}", "{alsoServe: [sea]}", &["ScopeNotAllowed", "ClassClaimedTwice"]),
        ];
        for (own, other, tenant) in cases {
            let mut rival = rival("pier", age, other);
            let of = |claims: &GatewayInstance, confined| Gathered {
                others: vec![Claim::of(claims).confined(confined)],
                ..Gathered::default()
            };
            let of_platform = instance(&format!("{{{ours}{own}}}}}"));
            assert_eq!(reasons(&of_platform, &of(&rival, true)), [""; 0], "{age:?} {own} {other}");
            rival.spec.scope = of_platform.spec.scope.clone();
            rival.spec.scope.namespaces.from = NamespaceSource::Same;
            let judged = Gathered { confined: true, ..of(&of_platform, false) };
            assert_eq!(reasons(&rival, &judged), tenant, "{age:?} {own} {other}");
        }
    }
    let tenant = instance(&format!("{{{ours}{{name: sea}}}}}}"));
    let rejected = Claim::of(&rival("pier", EARLIER, "{alsoServe: [sea]}")).confined(true);
    let judged = Gathered { confined: true, others: vec![rejected], ..Gathered::default() };
    assert_eq!(reasons(&tenant, &judged), [""; 0], "what is not allowed blocks no other tenant");
}
