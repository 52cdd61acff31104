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
        (rival("pier", EARLIER, "{alsoServe: [sea]}"), vec!["ClassClaimedTwice"]),
        (rival("pier", EARLIER, "{alsoServe: [nginx]}"), vec!["ClassClaimedTwice"]),
        (rival("pier", EARLIER, "{name: sea, alsoServe: [nginx]}"), vec!["ClassClaimedTwice", "ClassClaimedTwice"]),
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
