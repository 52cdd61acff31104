use std::path::Path;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::ClusterRole;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::*;

#[test]
fn the_files_on_disk_are_those_that_are_rendered() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let drift = disk::drift(root, &render().expect("manifests render")).expect("files are readable");
    assert!(
        drift.is_empty(),
        "run `cargo run -p bulkhead-operator -- manifests` in the root of the repository, and remove extra files: {drift:?}"
    );
}

#[test]
fn a_file_nobody_renders_and_a_file_edited_by_hand_are_both_noticed() {
    let root = std::env::temp_dir().join(format!("bulkhead-manifests-{}", std::process::id()));
    let files = render().expect("manifests render");
    disk::write(&root, &files).expect("files are written");
    let clean = disk::drift(&root, &files).expect("files are readable");
    std::fs::write(root.join("crds/old.yaml"), "").expect("a file is written");
    std::fs::write(root.join("olm/plain/service.yaml"), "").expect("a file is written");
    let drift = disk::drift(&root, &files).expect("files are readable");
    std::fs::remove_dir_all(&root).expect("the folder is removed");
    assert_eq!(clean, disk::Drift::default());
    assert_eq!(drift.extra, [PathBuf::from("crds/old.yaml")]);
    assert_eq!(drift.stale, [PathBuf::from("olm/plain/service.yaml")]);
}

#[test]
fn a_folder_that_is_not_the_repository_is_recognized_by_what_is_not_there() {
    let root = std::env::temp_dir().join(format!("bulkhead-elsewhere-{}", std::process::id()));
    let drift = disk::drift(&root, &render().expect("manifests render")).expect("a missing folder is no error");
    assert!(drift.stale.is_empty() && drift.extra.is_empty());
    let text = drift.to_string();
    assert!(text.starts_with("\nnot there: is this the root of the repository? crds/"), "{text}");
}

#[test]
fn the_cluster_role_holds_the_table_and_every_rule_stands_under_its_reason() {
    let files = render().expect("manifests render");
    let text = files.get(Path::new(plain::CLUSTER_ROLE)).expect("the role is rendered");
    let role: ClusterRole = serde_saphyr::from_str(text).expect("the role is YAML");
    let rules: Vec<_> = rbac::TABLE.iter().map(rbac::Row::rule).collect();
    assert_eq!(role.rules.expect("rules"), rules);
    let reasons = text
        .lines()
        .zip(text.lines().skip(1))
        .filter(|(above, line)| line.starts_with("- ") && above.starts_with("# "));
    assert_eq!(reasons.count(), rbac::TABLE.len());
}

#[test]
fn every_file_reads_back_as_the_object_it_was_made_from() {
    for (path, object) in plain::objects().into_iter().chain(webhook::objects()) {
        let files = render().expect("manifests render");
        let text = files.get(Path::new(path)).expect("the file is rendered");
        let read: Value = serde_saphyr::from_str(text).expect("the file is YAML");
        assert_eq!(read, object, "{path}");
    }
}

#[test]
fn no_right_is_a_wildcard_and_none_lets_the_operator_grant_more_than_it_holds() {
    for row in rbac::TABLE {
        for word in row.resources.iter().chain(row.verbs).chain([&row.group]) {
            assert!(!["*", "escalate", "bind", "impersonate"].contains(word), "{row:?}");
        }
        assert!(row.why.ends_with('.'), "{row:?}");
    }
}

#[test]
fn a_second_replica_stands_by_and_one_is_replaced_at_a_time() {
    let files = render().expect("manifests render");
    let text = files.get(Path::new("olm/plain/deployment.yaml")).expect("the Deployment is rendered");
    let deployment: Deployment = serde_saphyr::from_str(text).expect("the Deployment is YAML");
    let spec = deployment.spec.expect("a spec");
    assert_eq!(spec.replicas, Some(2));
    let update = spec.strategy.and_then(|strategy| strategy.rolling_update).expect("a rolling update");
    assert_eq!(update.max_unavailable, Some(IntOrString::Int(1)));
    let container = spec.template.spec.expect("a spec").containers.into_iter().next().expect("a container");
    let name = container.env.into_iter().flatten().find(|variable| variable.name == "POD_NAME").expect("a name");
    let field = name.value_from.and_then(|source| source.field_ref).expect("of the pod");
    assert_eq!(field.field_path, "metadata.name", "two replicas of one name would both act");
}

#[test]
fn only_pods_beside_the_operator_may_reach_it_and_only_at_the_port_it_has() {
    let files = render().expect("manifests render");
    let text = |path: &str| files.get(Path::new(path)).expect("the file is rendered").as_str();
    let deployment: Deployment =
        serde_saphyr::from_str(text("olm/plain/deployment.yaml")).expect("the Deployment is YAML");
    let pods = deployment.spec.expect("a spec").template;
    let policy: NetworkPolicy =
        serde_saphyr::from_str(text("olm/plain/network-policy.yaml")).expect("the policy is YAML");
    let policy = policy.spec.expect("a spec");
    let selected = policy.pod_selector.expect("pods are selected").match_labels.expect("by labels");
    let labels = pods.metadata.and_then(|metadata| metadata.labels).expect("pods have labels");
    assert!(selected.iter().all(|(name, value)| labels.get(name) == Some(value)), "{selected:?} selects {labels:?}");
    let rules = policy.ingress.expect("rules");
    let [rule] = rules.as_slice() else { panic!("one rule: {rules:?}") };
    let from = rule.from.as_deref().expect("somebody");
    assert!(from.iter().all(|peer| peer.namespace_selector.is_none() && peer.ip_block.is_none()), "{from:?}");
    let ports: Vec<_> = rule.ports.iter().flatten().filter_map(|port| port.port.clone()).collect();
    let container = pods.spec.expect("a spec").containers.into_iter().next().expect("a container");
    let opened: Vec<_> = container.ports.iter().flatten().map(|port| port.container_port).collect();
    assert_eq!(ports, opened.into_iter().map(IntOrString::Int).collect::<Vec<_>>());
}

#[test]
fn the_webhook_is_the_plain_install_with_one_argument_one_port_and_what_leads_there() {
    let files = render().expect("manifests render");
    let value = |path: &str| -> Value {
        serde_saphyr::from_str(files.get(Path::new(path)).expect("the file is rendered")).expect("YAML")
    };
    let list = value("olm/webhook/kustomization.yaml");
    assert_eq!(list["resources"], serde_json::json!(["../plain", "service.yaml", "network-policy.yaml"]));
    let patch: Value = serde_saphyr::from_str(list["patches"][0]["patch"].as_str().expect("a patch")).expect("YAML");
    let added: Vec<_> = patch.as_array().expect("steps").iter().map(|step| &step["value"]).collect();
    let port = &added[1]["containerPort"];
    assert_eq!(added[0], "--webhook");
    let listens = format!(":{port}");
    let default = crate::manifests::webhook::LISTEN;
    assert!(default.ends_with(&listens), "{default} is not {listens}");

    let service = value("olm/webhook/service.yaml");
    assert_eq!(service["metadata"]["name"], WEBHOOK_SERVICE);
    assert_eq!(service["spec"]["ports"][0]["port"], crate::webhook::configuration::SERVICE_PORT);
    assert_eq!(service["spec"]["ports"][0]["targetPort"], added[1]["name"]);
    let deployment = value("olm/plain/deployment.yaml");
    assert_eq!(service["spec"]["selector"], deployment["spec"]["selector"]["matchLabels"]);
    let policy = value("olm/webhook/network-policy.yaml");
    assert_eq!(policy["spec"]["podSelector"]["matchLabels"], deployment["spec"]["selector"]["matchLabels"]);
    assert_eq!(policy["spec"]["ingress"], serde_json::json!([{ "ports": [{ "port": port, "protocol": "TCP" }] }]));
}
