use bulkhead_crds::lane::NamespaceSet;
use k8s_openapi::api::rbac::v1::PolicyRule;

use crate::keyring::{EntryName, KeyringInput};
use crate::test_support::{RICH, north_south, planned, site, valid};
use crate::{Gathered, LaneObjects, plan};
use bulkhead_crds::names::LaneName;

/// `group/resources names verbs` of each rule.
fn told(rules: Option<&Vec<PolicyRule>>) -> Vec<String> {
    let join = |items: &Option<Vec<String>>| items.clone().unwrap_or_default().join(",");
    let rule = |rule: &PolicyRule| {
        assert_eq!(rule.non_resource_urls, None);
        let names = rule.resource_names.as_ref().map_or_else(|| "*".to_owned(), |names| names.join(","));
        format!("{}/{} {names} {}", join(&rule.api_groups), join(&rule.resources), rule.verbs.join(","))
    };
    rules.into_iter().flatten().map(rule).collect()
}

#[test]
fn a_lane_may_read_its_own_document_and_keyring_and_the_routes_and_nothing_else() {
    for spec in ["{}", RICH] {
        let lane = north_south(spec);
        assert_eq!(
            told(lane.role.rules.as_ref()),
            ["/configmaps quay-north-south get,list,watch", "/secrets quay-north-south-keyring-0 get,list,watch"]
        );
        assert_eq!(
            told(lane.route_reader.rules.as_ref()),
            [
                "networking.k8s.io/ingresses * get,list,watch",
                "/services * get,list,watch",
                "discovery.k8s.io/endpointslices * get,list,watch",
            ]
        );
        assert_eq!(told(lane.class_reader.rules.as_ref()), ["networking.k8s.io/ingressclasses * get,list,watch"]);
    }
}

#[test]
fn no_role_is_ever_without_names_for_secrets() {
    // An empty list of names would mean every Secret of the namespace.
    for lane in planned("{}").lanes {
        for rule in lane.role.rules.unwrap() {
            assert!(!rule.resource_names.unwrap().is_empty());
        }
    }
}

#[test]
fn every_shard_of_the_keyring_may_be_read_and_is_announced() {
    let entry = |name: &str| (EntryName::new("pier", name, "tls.crt"), vec![0; 600_000]);
    let keys = KeyringInput { entries: [entry("a"), entry("b")].into(), ..KeyringInput::default() };
    let gathered = Gathered { keyrings: [(LaneName::NorthSouth, keys)].into(), ..Gathered::default() };
    let lane = plan(&valid("{}"), &site(), &gathered).lanes.remove(0);
    let shards = ["quay-north-south-keyring-0", "quay-north-south-keyring-1"];
    let names: Vec<_> = lane.keyring.iter().map(|secret| secret.metadata.name.clone().unwrap()).collect();
    assert_eq!(names, shards);
    assert_eq!(lane.document.keyring, shards);
    assert_eq!(lane.role.rules.unwrap()[1].resource_names.as_ref().unwrap(), &shards);
    assert!(lane.keyring.iter().all(|secret| secret.type_.as_deref() == Some("bulkhead.io/keyring")));
}

/// Names of the cluster-wide binding and namespaces of the others.
fn reach(lane: &LaneObjects) -> (bool, Vec<String>) {
    let namespaces = lane.scoped_bindings.iter().map(|binding| binding.metadata.namespace.clone().unwrap());
    (lane.route_reader_binding.is_some(), namespaces.collect())
}

#[test]
fn permissions_and_document_follow_the_scope() {
    let gathered = Gathered {
        selected_namespaces: ["cove", "bay"].map(str::to_owned).into(),
        absent_namespaces: ["sunken".to_owned()].into(),
        ..Gathered::default()
    };
    let cases = [
        ("{from: All}", true, vec![]),
        ("{from: Same}", false, vec!["docks"]),
        ("{from: Names, names: [pier, berth]}", false, vec!["berth", "pier"]),
        ("{from: Names, names: [pier, sunken]}", false, vec!["pier"]),
        ("{from: Names, names: [sunken]}", false, vec![]),
        ("{from: Selector, selector: {matchLabels: {a: b}}}", false, vec!["bay", "cove"]),
    ];
    for (scope, all, namespaces) in cases {
        let lane = plan(&valid(&format!("{{scope: {{namespaces: {scope}}}}}")), &site(), &gathered).lanes.remove(0);
        let namespaces: Vec<_> = namespaces.into_iter().map(str::to_owned).collect();
        assert_eq!(reach(&lane), (all, namespaces.clone()), "{scope}");
        let told = if all { NamespaceSet::All } else { NamespaceSet::Names(namespaces.into_iter().collect()) };
        assert_eq!(lane.document.scope.namespaces, told, "{scope}");
    }
}

#[test]
fn every_binding_is_for_the_lanes_own_identity() {
    for (lane, name) in planned(RICH).lanes.iter().zip(["quay-north-south", "quay-east-west"]) {
        let mut subjects = vec![&lane.role_binding.subjects, &lane.class_reader_binding.subjects];
        subjects.extend(lane.route_reader_binding.iter().map(|binding| &binding.subjects));
        subjects.extend(lane.scoped_bindings.iter().map(|binding| &binding.subjects));
        for subjects in subjects {
            let [subject] = subjects.as_deref().unwrap() else { panic!("one subject, not {subjects:?}") };
            assert_eq!((subject.kind.as_str(), subject.name.as_str()), ("ServiceAccount", name));
            assert_eq!(subject.namespace.as_deref(), Some("docks"));
        }
        assert_eq!(lane.service_account.metadata.name.as_deref(), Some(name));
        assert_eq!(lane.service_account.automount_service_account_token, Some(false));
    }
}
