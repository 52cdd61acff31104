use k8s_openapi::api::core::v1::{Container, EnvVar, PodSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::test_support::{RICH, north_south};

fn pod(spec: &str) -> PodSpec {
    north_south(spec).deployment.spec.unwrap().template.spec.unwrap()
}

fn container(spec: &str) -> Container {
    let mut containers = pod(spec).containers;
    assert_eq!(containers.len(), 1);
    containers.remove(0)
}

/// Pod Security Standards, profile "restricted".
#[test]
fn pods_pass_the_restricted_pod_security_standard() {
    for spec in ["{}", RICH] {
        let pod = pod(spec);
        let context = pod.security_context.clone().unwrap();
        assert_eq!(context.run_as_non_root, Some(true));
        assert_eq!(context.run_as_user, Some(65532));
        assert_eq!(context.seccomp_profile.unwrap().type_, "RuntimeDefault");
        assert_eq!((pod.host_network, pod.host_pid, pod.host_ipc), (None, None, None));
        assert!(pod.volumes.is_none() && pod.init_containers.is_none());
        let context = pod.containers[0].security_context.clone().unwrap();
        assert_eq!(context.allow_privilege_escalation, Some(false));
        assert_eq!(context.read_only_root_filesystem, Some(true));
        assert_eq!(context.privileged, None);
        let capabilities = context.capabilities.unwrap();
        assert_eq!((capabilities.drop.unwrap(), capabilities.add), (vec!["ALL".to_owned()], None));
    }
}

#[test]
fn a_pod_gets_its_drain_and_a_margin_before_it_is_killed() {
    assert_eq!(pod("{}").termination_grace_period_seconds, Some(15 + 60 + 5));
    let longer = "{northSouth: {drain: {lameduckSeconds: 30, timeoutSeconds: 600}}}";
    assert_eq!(pod(longer).termination_grace_period_seconds, Some(30 + 600 + 5));
}

#[test]
fn a_pod_is_told_its_lane_and_nothing_that_may_change() {
    let value = |env: EnvVar| match (env.value, env.value_from.and_then(|source| source.field_ref)) {
        (Some(value), None) => value,
        (None, Some(field)) => field.field_path,
        both => panic!("{both:?}"),
    };
    let told: Vec<_> = container("{}").env.unwrap().into_iter().map(|env| (env.name.clone(), value(env))).collect();
    let told: Vec<_> = told.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        told,
        [
            ("BULKHEAD_LANE", "configmap:docks/quay-north-south"),
            ("BULKHEAD_SOURCE", "kubernetes"),
            ("BULKHEAD_POD_IPS", "status.podIPs"),
            ("BULKHEAD_ZONE", "metadata.labels['topology.kubernetes.io/zone']"),
            ("MALLOC_MMAP_THRESHOLD_", "32768"),
        ]
    );
}

#[test]
fn the_image_is_that_of_the_site_unless_pinned() {
    assert_eq!(container("{}").image.as_deref(), Some("registry.test/tug:1"));
    assert_eq!(container("{image: registry.test/tug:7}").image.as_deref(), Some("registry.test/tug:7"));
}

#[test]
fn readiness_and_liveness_ask_different_questions_of_the_admin_port() {
    let container = container("{}");
    let asked = |probe: &Option<k8s_openapi::api::core::v1::Probe>| {
        let get = probe.clone().unwrap().http_get.unwrap();
        assert_eq!(get.port, IntOrString::String("admin".to_owned()));
        get.path.unwrap()
    };
    assert_eq!(asked(&container.startup_probe), "/livez");
    assert_eq!(asked(&container.liveness_probe), "/livez");
    assert_eq!(asked(&container.readiness_probe), "/readyz");
}

#[test]
fn resources_of_the_user_replace_the_defaults_as_a_whole() {
    let memory = |spec: &str| {
        let resources = container(spec).resources.unwrap();
        (resources.requests, resources.limits.unwrap()["memory"].clone())
    };
    let (requests, limit) = memory("{}");
    assert_eq!(requests.unwrap()["cpu"], Quantity("100m".to_owned()));
    assert_eq!(limit, Quantity("512Mi".to_owned()));
    assert_eq!(memory("{northSouth: {resources: {limits: {memory: 1Gi}}}}"), (None, Quantity("1Gi".to_owned())));
}

#[test]
fn cpu_is_not_limited_by_default() {
    assert!(!container("{}").resources.unwrap().limits.unwrap().contains_key("cpu"));
}

#[test]
fn pods_are_spread_over_zones_and_nodes_within_a_revision() {
    for (spec, strictness) in
        [("{}", "ScheduleAnyway"), ("{northSouth: {placement: {topologySpread: Required}}}", "DoNotSchedule")]
    {
        let constraints = pod(spec).topology_spread_constraints.unwrap();
        let keys: Vec<_> = constraints.iter().map(|constraint| constraint.topology_key.as_str()).collect();
        assert_eq!(keys, ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]);
        for constraint in constraints {
            assert_eq!(constraint.when_unsatisfiable, strictness);
            assert_eq!(constraint.match_label_keys.unwrap(), ["pod-template-hash"]);
        }
    }
}

#[test]
fn labels_of_the_user_stand_beside_ours_and_never_in_their_place() {
    let labels = "{team: harbour, bulkhead.io/lane: east-west, app.kubernetes.io/name: other, app.kubernetes.io/x: y}";
    let spec = format!("{{northSouth: {{podMetadata: {{labels: {labels}}}}}}}");
    let labels = north_south(&spec).deployment.spec.unwrap().template.metadata.unwrap().labels.unwrap();
    assert_eq!(labels["team"], "harbour");
    assert_eq!(labels["bulkhead.io/lane"], "north-south");
    assert_eq!(labels["app.kubernetes.io/name"], "bulkhead-gateway");
    assert!(!labels.contains_key("app.kubernetes.io/x"));
}

#[test]
fn kernel_settings_are_those_that_are_set() {
    assert_eq!(pod("{}").security_context.unwrap().sysctls, None);
    let sysctls = pod("{northSouth: {sysctls: {somaxconn: 4096}}}").security_context.unwrap().sysctls.unwrap();
    assert_eq!(sysctls.len(), 1);
    assert_eq!((sysctls[0].name.as_str(), sysctls[0].value.as_str()), ("net.core.somaxconn", "4096"));
}

#[test]
fn the_token_is_mounted_because_the_pod_asks_for_it() {
    assert_eq!(pod("{}").automount_service_account_token, Some(true));
    assert_eq!(pod("{}").enable_service_links, Some(false));
}
