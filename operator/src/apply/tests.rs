use std::collections::BTreeSet;

use bulkhead_crds::instance::GatewayInstance;
use bulkhead_plan::{Gathered, Plan, Platform, Site};
use k8s_openapi::api::rbac::v1::PolicyRule;

use super::*;
use crate::manifests::rbac;
use crate::ours::could_be_of;

/// Plans that together hold every kind of object there is.
fn plans() -> Vec<Plan> {
    let specs = [
        json!({}),
        json!({
            "scope": { "namespaces": { "from": "Names", "names": ["team", "shop"] } },
            "northSouth": {
                "autoscaling": { "maxReplicas": 5 },
                "resources": { "requests": { "cpu": "1" } },
                "networkPolicy": { "mode": "Managed" },
            },
        }),
    ];
    specs.into_iter().map(plan).collect()
}

fn plan(spec: Value) -> Plan {
    let instance: GatewayInstance = serde_json::from_value(json!({
        "apiVersion": "bulkhead.io/v1alpha1", "kind": "GatewayInstance",
        "metadata": { "name": "edge", "namespace": "infra", "uid": "u1", "generation": 3 }, "spec": spec,
    }))
    .expect("an instance");
    let gathered = Gathered::default();
    let valid = bulkhead_plan::validate(&instance, &gathered).expect("a valid instance");
    let site = Site {
        operator_namespace: "bulkhead-system".to_owned(),
        image: "gateway:1".to_owned(),
        version: "1".to_owned(),
        platform: Platform::Kubernetes,
    };
    bulkhead_plan::plan(&valid, &site, &gathered)
}

#[test]
fn every_planned_object_is_applied_under_a_name_of_its_own() {
    for lane in plans().iter().flat_map(|plan| &plan.lanes) {
        let objects = planned(lane);
        assert_eq!(objects.len(), lane.to_values().len());
        let keys: BTreeSet<_> = objects.iter().map(|object| &object.key).collect();
        assert_eq!(keys.len(), objects.len());
        for object in &objects {
            assert!(!object.key.name.is_empty());
            assert_eq!(object.key.namespace.is_empty(), !object.key.kind.namespaced(), "{}", object.key);
        }
    }
}

#[test]
fn every_kind_is_planned_by_somebody_and_in_the_version_it_is_applied_in() {
    let mut kinds = BTreeSet::new();
    for lane in plans().iter().flat_map(|plan| &plan.lanes) {
        for object in planned(lane) {
            let api_version = object.value.pointer("/apiVersion").and_then(Value::as_str);
            assert_eq!(api_version, Some(object.key.kind.resource().api_version.as_str()), "{}", object.key);
            kinds.insert(object.key.kind);
        }
    }
    assert_eq!(kinds, Kind::ALL.into_iter().collect());
}

#[test]
fn everything_that_gateways_are_granted_the_operator_holds_itself() {
    let mut rules: Vec<PolicyRule> = Vec::new();
    for lane in plans().iter().flat_map(|plan| &plan.lanes) {
        for object in planned(lane) {
            if let Some(granted) = object.value.get("rules") {
                let granted: Vec<PolicyRule> = serde_json::from_value(granted.clone()).expect("rules");
                rules.extend(granted);
            }
        }
    }
    assert!(rules.len() > 10, "the plans grant {} rules", rules.len());
    for rule in &rules {
        assert!(rbac::covers(rule), "{rule:?}");
    }
    let too_much = PolicyRule { verbs: vec!["update".to_owned()], ..rules.remove(0) };
    assert!(!rbac::covers(&too_much));
}

#[test]
fn everything_planned_can_be_found_again_by_its_owner() {
    let edge = InstanceId { namespace: "infra".to_owned(), name: "edge".to_owned(), uid: "u1".to_owned() };
    for lane in plans().iter().flat_map(|plan| &plan.lanes) {
        for object in planned(lane) {
            let metadata = object.value.get("metadata").cloned().expect("metadata");
            let metadata = serde_json::from_value(metadata).expect("metadata");
            assert!(edge.owns(&metadata), "{}", object.key);
            assert!(could_be_of(&object.key, "infra", "edge"), "{}", object.key);
            assert_eq!(InstanceId::labelled(&metadata).as_ref(), Some(&edge), "{}", object.key);
        }
    }
}

#[test]
fn only_a_binding_in_a_namespace_of_others_closes_that_namespace_instead_of_failing_the_lane() {
    let edge = InstanceId { namespace: "infra".to_owned(), name: "edge".to_owned(), uid: "u1".to_owned() };
    let cases = [
        (Kind::RoleBinding, "team", true),
        (Kind::RoleBinding, "infra", false),
        (Kind::Deployment, "infra", false),
        (Kind::ClusterRole, "", false),
    ];
    for (kind, namespace, closes) in cases {
        let key = Key { kind, namespace: namespace.to_owned(), name: "x".to_owned() };
        assert_eq!(Error::Foreign { key: key.clone() }.closes(&key, &edge), closes, "{key}");
        let late = Error::Call(CallError::TimedOut { attempt: "applying".to_owned() });
        assert!(!late.closes(&key, &edge), "{key}");
    }
}

#[test]
fn an_equal_plan_has_equal_hashes_and_a_changed_object_another_one() {
    let hashes = |spec: Value| -> Vec<(Key, u64)> {
        let objects = plan(spec).lanes.into_iter().flat_map(|lane| planned(&lane));
        objects.map(|object| (object.key, object.hash)).collect()
    };
    let (first, again) = (hashes(json!({})), hashes(json!({})));
    assert_eq!(first, again);
    let changed = hashes(json!({ "northSouth": { "service": { "annotations": { "a": "b" } } } }));
    let differing: Vec<_> =
        first.iter().zip(&changed).filter(|(old, new)| old != new).map(|((key, _), _)| key.kind).collect();
    assert_eq!(differing, [Kind::Service]);
}
