//! What holds of a plan as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bulkhead_crds::names::LaneName;
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::api::networking::v1::IngressClass;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use proptest::prelude::*;
use serde_json::Value;

use crate::keyring::{EntryName, KeyringInput};
use crate::test_support::{RICH, instance, named, planned, site, valid};
use crate::{Claim, Gathered, Plan, Platform, Site, plan, validate};

fn values(plan: &Plan) -> Vec<Value> {
    plan.lanes.iter().flat_map(crate::LaneObjects::to_values).collect()
}

fn templates(plan: &Plan) -> Vec<PodTemplateSpec> {
    plan.lanes.iter().map(|lane| lane.deployment.spec.clone().unwrap().template).collect()
}

fn snapshot(name: &str, plan: &Plan) {
    // Other crates of a build may make JSON maps keep the order of insertion.
    insta::with_settings!({ sort_maps => true }, { insta::assert_yaml_snapshot!(name, values(plan)) });
}

#[test]
fn an_empty_spec_is_planned_in_full() {
    snapshot("an_empty_spec", &planned("{}"));
}

#[test]
fn a_rich_spec_is_planned_in_full() {
    snapshot("a_rich_spec", &planned(RICH));
}

#[test]
fn only_enabled_lanes_are_planned() {
    let lanes = |spec| planned(spec).lanes.iter().map(|lane| lane.lane).collect::<Vec<_>>();
    assert_eq!(lanes("{}"), LaneName::ALL);
    assert_eq!(lanes("{eastWest: {enabled: false}}"), [LaneName::NorthSouth]);
}

#[test]
fn every_object_tells_its_owner_and_lane() {
    for value in [planned("{}"), planned(RICH)].iter().flat_map(values) {
        let labels = &value["metadata"]["labels"];
        assert_eq!(labels["bulkhead.io/instance"], "quay", "{value}");
        assert_eq!(labels["bulkhead.io/instance-namespace"], "docks", "{value}");
        assert_eq!(labels["bulkhead.io/instance-uid"], "0b5e-quay", "{value}");
        assert!(["north-south", "east-west"].contains(&labels["bulkhead.io/lane"].as_str().unwrap()), "{value}");
        assert_eq!(labels["app.kubernetes.io/managed-by"], "bulkhead-operator", "{value}");
    }
}

#[test]
fn the_instance_owns_exactly_what_is_in_its_namespace() {
    for value in [planned("{}"), planned(RICH)].iter().flat_map(values) {
        let owner = &value["metadata"]["ownerReferences"][0];
        let inside = value["metadata"]["namespace"] == "docks";
        assert_eq!(inside, owner["uid"] == "0b5e-quay", "{value}");
        assert_eq!(inside, owner["controller"] == true && owner["blockOwnerDeletion"] == true, "{value}");
    }
}

#[test]
fn an_instance_from_a_file_owns_nothing_but_is_told_apart() {
    let plan_of = |namespace, name| {
        let gathered = Gathered::default();
        plan(&validate(&named(namespace, name), &gathered).unwrap(), &site(), &gathered)
    };
    for value in values(&plan_of("docks", "quay")) {
        assert!(value["metadata"].get("ownerReferences").is_none(), "{value}");
    }
    let uid = |plan: &Plan| plan.lanes[0].document.identity.uid.clone();
    assert_eq!(uid(&plan_of("docks", "quay")), uid(&plan_of("docks", "quay")));
    assert_ne!(uid(&plan_of("docks", "quay")), uid(&plan_of("docks-quay", "quay")));
    assert!(!uid(&plan_of("docks", "quay")).is_empty());
}

#[test]
fn no_two_objects_of_a_plan_share_a_name() {
    for plan in [planned("{}"), planned(RICH)] {
        let values = values(&plan);
        let names: BTreeSet<_> = values
            .iter()
            .map(|value| format!("{} {} {}", value["kind"], value["metadata"]["namespace"], value["metadata"]["name"]))
            .collect();
        assert_eq!(names.len(), values.len());
    }
}

#[test]
fn objects_come_after_what_they_need() {
    let kinds: Vec<_> = planned(RICH).lanes[0].to_values().iter().map(|value| value["kind"].clone()).collect();
    let expected = [
        "ServiceAccount",
        "Role",
        "RoleBinding",
        "ClusterRole",
        "RoleBinding",
        "RoleBinding",
        "RoleBinding",
        "ClusterRole",
        "ClusterRoleBinding",
        "Secret",
        "ConfigMap",
        "NetworkPolicy",
        "Service",
        "Service",
        "Deployment",
        "PodDisruptionBudget",
        "HorizontalPodAutoscaler",
        "IngressClass",
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn every_selector_matches_the_pods_of_its_lane_alone() {
    let plan = planned("{}");
    for (lane, other) in [(&plan.lanes[0], &plan.lanes[1]), (&plan.lanes[1], &plan.lanes[0])] {
        let deployment = lane.deployment.spec.as_ref().unwrap();
        let spread = deployment.template.spec.as_ref().unwrap().topology_spread_constraints.as_ref().unwrap();
        let policy = lane.network_policy.as_ref().unwrap().spec.as_ref().unwrap();
        let budget = lane.disruption_budget.as_ref().unwrap().spec.as_ref().unwrap();
        let service = lane.traffic_service.as_ref().unwrap().spec.as_ref().unwrap();
        let admin = lane.admin_service.spec.as_ref().unwrap();
        let mut selectors = vec![
            deployment.selector.match_labels.as_ref().unwrap(),
            policy.pod_selector.as_ref().unwrap().match_labels.as_ref().unwrap(),
            budget.selector.as_ref().unwrap().match_labels.as_ref().unwrap(),
            service.selector.as_ref().unwrap(),
            admin.selector.as_ref().unwrap(),
        ];
        selectors.extend(
            spread.iter().map(|constraint| constraint.label_selector.as_ref().unwrap().match_labels.as_ref().unwrap()),
        );
        let matches = |selector: &BTreeMap<String, String>, template: &PodTemplateSpec| {
            let labels = template.metadata.as_ref().unwrap().labels.as_ref().unwrap();
            selector.iter().all(|(key, value)| labels.get(key) == Some(value))
        };
        for selector in selectors {
            assert!(matches(selector, &deployment.template));
            assert!(!matches(selector, &other.deployment.spec.as_ref().unwrap().template));
        }
    }
}

#[test]
fn an_operator_of_another_version_replaces_no_pod() {
    let newer = Site { version: "9.9.9".to_owned(), operator_namespace: "elsewhere".to_owned(), ..site() };
    let plan_on = |site| plan(&valid("{}"), site, &Gathered::default());
    assert_eq!(templates(&plan_on(&site())), templates(&plan_on(&newer)));
}

#[test]
fn settings_replace_no_pod() {
    let settings = "{
        profile: IngressNginx,
        scope: {namespaces: {from: Same}, hostOwnership: Namespace},
        rollout: {wave: 3, progressDeadlineSeconds: 900, autoRollback: false},
        northSouth: {
            ingressClass: {name: sea, alsoServe: [nginx]}, replicas: 9, minReadySeconds: 60,
            clientAddress: {proxyProtocol: Accept, trustedCIDRs: [10.0.0.0/8]}, tls: {minVersion: '1.3'},
            limits: {requestHeadBytes: 64Ki, connections: 9}, upstream: {tries: 5}, accessLog: {format: 'Off'},
            tracing: {sampleRatio: '0.5'}, metrics: {perHost: true}, disruption: {maxUnavailable: 1},
            service: {type: NodePort, httpPort: 8000}, networkPolicy: {mode: 'Off'}
        }
    }";
    assert_ne!(planned(settings), planned("{}"));
    assert_eq!(templates(&planned(settings)), templates(&planned("{}")));
}

#[test]
fn a_new_generation_or_key_replaces_no_pod() {
    let before = instance("{}");
    let mut after = before.clone();
    after.metadata.generation = Some(8);
    let keys = KeyringInput {
        entries: [(EntryName::new("pier", "tls", "tls.crt"), vec![1])].into(),
        ..KeyringInput::default()
    };
    let with_keys = Gathered { keyrings: [(LaneName::NorthSouth, keys)].into(), ..Gathered::default() };
    let plan_of = |instance, gathered| plan(&validate(instance, gathered).unwrap(), &site(), gathered);
    let (before, after) = (plan_of(&before, &Gathered::default()), plan_of(&after, &with_keys));
    assert_ne!(before, after);
    assert_eq!(templates(&before), templates(&after));
}

#[test]
fn a_change_of_one_lane_leaves_the_other_as_it_is() {
    let changed =
        planned("{northSouth: {replicas: 9, image: x, limits: {connections: 9}, podMetadata: {labels: {a: b}}}}");
    assert_ne!(changed.lanes[0], planned("{}").lanes[0]);
    assert!(changed.lanes[1] == planned("{}").lanes[1]);
}

#[test]
fn on_openshift_the_platform_chooses_the_user() {
    let openshift = Site { platform: Platform::OpenShift, ..site() };
    for template in templates(&plan(&valid("{}"), &openshift, &Gathered::default())) {
        let context = template.spec.unwrap().security_context.unwrap();
        assert_eq!((context.run_as_user, context.run_as_group, context.run_as_non_root), (None, None, Some(true)));
    }
}

#[test]
fn a_plan_in_a_log_shows_no_key() {
    let keys = KeyringInput {
        entries: [(EntryName::new("pier", "tls", "tls.key"), b"AAAA".to_vec())].into(),
        ..KeyringInput::default()
    };
    let gathered = Gathered { keyrings: [(LaneName::NorthSouth, keys)].into(), ..Gathered::default() };
    let plan = plan(&valid("{}"), &site(), &gathered);
    let logged = format!("{gathered:?} {plan:?}");
    assert!(!logged.contains("AAAA") && !logged.contains("65, 65") && !logged.contains("QUFB"), "{logged}");
}

fn foreign_class(name: &str) -> IngressClass {
    serde_saphyr::from_str(&format!("metadata: {{name: {name}}}\nspec: {{controller: example.com/{name}}}")).unwrap()
}

#[test]
fn a_lane_keeps_its_image_until_its_turn_and_a_pinned_one_is_pinned() {
    let waiting = Gathered { images: [(LaneName::NorthSouth, "gateway:0".to_owned())].into(), ..Gathered::default() };
    let images = |spec| {
        let valid = validate(&instance(spec), &waiting).expect("it is valid");
        let lanes = plan(&valid, &site(), &waiting).lanes.into_iter();
        let pods = lanes.filter_map(|lane| lane.deployment.spec?.template.spec?.containers.into_iter().next()?.image);
        pods.collect::<Vec<_>>()
    };
    assert_eq!(images("{}"), ["gateway:0".to_owned(), site().image]);
    assert_eq!(images("{image: 'pinned:3'}"), ["pinned:3", "pinned:3"]);
}

/// One that was there before every fixture, and claims these classes.
fn elder(name: &str, classes: &[&str]) -> Claim {
    let created = instance("{}").metadata.creation_timestamp.map(|time| Time(time.0 - Duration::from_secs(3600)));
    Claim {
        namespace: "elsewhere".to_owned(),
        name: name.to_owned(),
        created,
        classes: classes.iter().map(|&class| class.to_owned()).collect(),
        own: classes.iter().map(|&class| class.to_owned()).collect(),
        confined: false,
    }
}

/// The same things, gathered in two orders. Maps and sets have no order to lose.
fn gathered() -> impl Strategy<Value = (Gathered, Gathered)> {
    let classes = ["kong", "nginx", "traefik"].map(foreign_class).to_vec();
    let others =
        vec![elder("a", &["nginx", "x"]), elder("b", &["nginx"]), elder("c", &["nginx", "lake"]), elder("d", &[])];
    let keys = KeyringInput {
        entries: [(EntryName::new("pier", "tls", "tls.crt"), vec![1])].into(),
        ..KeyringInput::default()
    };
    let straight = Gathered {
        selected_namespaces: ["cove", "bay"].map(str::to_owned).into(),
        absent_namespaces: ["sunken".to_owned()].into(),
        keyrings: [(LaneName::NorthSouth, keys)].into(),
        images: [(LaneName::NorthSouth, "gateway:0".to_owned())].into(),
        classes: classes.clone(),
        others: others.clone(),
        confined: false,
        kubernetes_minor: Some(33),
    };
    (Just(classes).prop_shuffle(), Just(others).prop_shuffle()).prop_map(move |(classes, others)| {
        let shuffled = Gathered { classes, others, ..straight.clone() };
        (straight.clone(), shuffled)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// The order in which things were gathered leaves no trace in a verdict or a plan.
    #[test]
    fn equal_input_in_any_order_gives_an_equal_plan((straight, shuffled) in gathered()) {
        for (class, accepted) in [("sea", true), ("nginx", false), ("lake", false)] {
            let scope = "scope: {namespaces: {from: Selector, selector: {}}}";
            let instance = instance(&format!("{{{scope}, northSouth: {{ingressClass: {{name: {class}}}}}}}"));
            let outcome = |gathered: &Gathered| {
                validate(&instance, gathered).map(|valid| values(&plan(&valid, &site(), gathered)))
            };
            prop_assert_eq!(outcome(&straight).is_ok(), accepted);
            prop_assert_eq!(outcome(&straight), outcome(&shuffled));
        }
    }
}
