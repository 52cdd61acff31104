use bulkhead_crds::condition::ConditionType;
use bulkhead_crds::lane::LaneIdentity;
use bulkhead_crds::report::{ClassReport, FindingsReport, GatewayReport};
use bulkhead_crds::service::ServiceType;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::json;

use super::*;
use crate::conditions::find;

mod addresses;
mod grace;
mod rollouts;

const START: i64 = 1_000_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(START + second).expect("a time")
}

fn instance(spec: serde_json::Value) -> GatewayInstance {
    serde_json::from_value(json!({
        "apiVersion": "bulkhead.io/v1alpha1", "kind": "GatewayInstance",
        "metadata": { "name": "edge", "namespace": "infra", "uid": "u1", "generation": 3 },
        "spec": spec,
    }))
    .expect("an instance")
}

/// Pods that are ready, of so many wanted; `reason` is that of the Deployment's condition Progressing.
fn deployment(ready: i32, wanted: i32, reason: &str) -> Deployment {
    let progressing = if reason == "ProgressDeadlineExceeded" { "False" } else { "True" };
    serde_json::from_value(json!({
        "metadata": { "generation": 2 },
        "spec": {
            "replicas": wanted,
            "selector": {},
            "template": { "spec": { "containers": [{ "name": "gateway", "image": "gateway:1" }] } },
        },
        "status": {
            "observedGeneration": 2, "replicas": wanted, "updatedReplicas": wanted, "readyReplicas": ready,
            "conditions": [{ "type": "Progressing", "status": progressing, "reason": reason, "message": "As told" }],
        },
    }))
    .expect("a Deployment")
}

fn service(ip: Option<&str>) -> Service {
    let ingress = ip.map(|ip| json!([{ "ip": ip }])).unwrap_or_else(|| json!([]));
    serde_json::from_value(json!({
        "spec": { "clusterIP": "10.96.0.7", "clusterIPs": ["10.96.0.7"] },
        "status": { "loadBalancer": { "ingress": ingress } },
    }))
    .expect("a Service")
}

fn report(lane: LaneName, generation: i64) -> GatewayReport {
    GatewayReport {
        version: "1".to_owned(),
        identity: Some(LaneIdentity {
            namespace: "infra".to_owned(),
            instance: "edge".to_owned(),
            uid: "u1".to_owned(),
            lane,
        }),
        ready: true,
        draining: false,
        waiting_for: String::new(),
        config_generation: generation,
        revision: format!("r{generation}"),
        snapshot: 1,
        classes: vec![ClassReport { name: lane.object_name("edge"), served: true, reason: String::new() }],
        ingresses: 4,
        routes: 9,
        endpoints: 20,
        findings: FindingsReport { errors: 1, warnings: 2, ..FindingsReport::default() },
        source_problems: Vec::new(),
    }
}

fn pod(name: &str, report: Result<GatewayReport, String>) -> PodSeen {
    PodSeen { name: name.to_owned(), ready: true, report }
}

/// A lane with two ready pods that have loaded generation 3.
fn healthy(lane: LaneName) -> LaneSeen {
    LaneSeen {
        lane,
        instance_uid: "u1".to_owned(),
        class: lane.object_name("edge"),
        service_type: ServiceType::ClusterIp,
        wanted: Some(Wanted::Revision("r3".to_owned())),
        max_unavailable: Some(IntOrString::Int(1)),
        deployment: Some(deployment(2, 2, "NewReplicaSetAvailable")),
        service: Some(service(None)),
        address_trouble: None,
        nodes: vec!["192.0.2.1".to_owned()],
        pods: vec![pod("a", Ok(report(lane, 3))), pod("b", Ok(report(lane, 3)))],
        refused: Vec::new(),
        apply_failures: Vec::new(),
        closed_namespaces: Vec::new(),
        next_image: None,
    }
}

fn seen(change: impl Fn(&mut LaneSeen)) -> Seen {
    let mut lanes = LaneName::ALL.map(healthy);
    change(&mut lanes[0]);
    Seen { accepted: Verdict::plain(reason::ACCEPTED), lanes: lanes.to_vec() }
}

fn status_of(conditions: &[Condition], of: ConditionType) -> (&str, &str) {
    let condition = find(conditions, of).expect("the condition is told");
    (&condition.status, &condition.reason)
}

#[test]
fn phases_follow_from_what_is_seen() {
    let managed = instance(json!({}));
    let paused = instance(json!({ "managementState": "Paused" }));
    let refused = Seen { accepted: Verdict::plain(reason::CLASS_TAKEN), ..seen(|_| {}) };
    let cases = [
        ("everything is there", &managed, seen(|_| {}), "Listening"),
        ("no Deployment yet", &managed, seen(|lane| lane.deployment = None), "Pending"),
        (
            "no pod ready",
            &managed,
            seen(|lane| lane.deployment = Some(deployment(0, 2, "ReplicaSetUpdated"))),
            "Pending",
        ),
        (
            "scaled to zero",
            &managed,
            seen(|lane| lane.deployment = Some(deployment(0, 0, "NewReplicaSetAvailable"))),
            "Pending",
        ),
        (
            "one pod of two ready",
            &managed,
            seen(|lane| lane.deployment = Some(deployment(1, 2, "ReplicaSetUpdated"))),
            "Listening",
        ),
        ("one pod behind", &managed, seen(|lane| lane.pods[1].report = Ok(report(lane.lane, 2))), "Running"),
        ("one pod silent", &managed, seen(|lane| lane.pods[1].report = Err("no answer".to_owned())), "Running"),
        ("no pod to ask", &managed, seen(|lane| lane.pods.clear()), "Running"),
        (
            "a pod that is not ready is not asked",
            &managed,
            seen(|lane| {
                lane.pods.push(PodSeen { ready: false, ..pod("c", Err("it is not ready".to_owned())) });
            }),
            "Listening",
        ),
        (
            "class not served",
            &managed,
            seen(|lane| {
                let mut report = report(lane.lane, 3);
                report.classes[0].served = false;
                lane.pods[0].report = Ok(report);
            }),
            "Running",
        ),
        (
            "deadline exceeded",
            &managed,
            seen(|lane| lane.deployment = Some(deployment(1, 2, "ProgressDeadlineExceeded"))),
            "Failed",
        ),
        ("not accepted", &managed, refused.clone(), "Failed"),
        ("paused", &paused, seen(|_| {}), "Paused"),
        ("paused wins over refused", &paused, refused, "Paused"),
    ];
    for (case, instance, seen, phase) in cases {
        assert_eq!(observe(instance, &seen, at(0)).status.phase, phase, "{case}");
    }
}

#[test]
fn every_condition_is_told_at_the_first_visit() {
    let nothing = seen(|lane| *lane = LaneSeen { deployment: None, service: None, pods: Vec::new(), ..lane.clone() });
    let status = observe(&instance(json!({})), &nothing, at(0)).status;
    use bulkhead_crds::condition::Subject;
    for of in ConditionType::ALL.into_iter().filter(|of| *of != ConditionType::DeletionBlocked) {
        let conditions = match of.subject() {
            Subject::Instance => &status.conditions,
            Subject::Lane => &status.lanes[0].conditions,
        };
        assert!(find(conditions, of).is_some_and(|condition| !condition.reason.is_empty()), "{of}");
    }
    assert_eq!(status_of(&status.lanes[0].conditions, ConditionType::Available), ("Unknown", "NotYetObserved"));
    assert_eq!(status.observed_generation, Some(3));
}

#[test]
fn observing_the_same_again_later_changes_nothing() {
    let mut edge = instance(json!({}));
    let healthy = seen(|_| {});
    let first = observe(&edge, &healthy, at(0)).status;
    edge.status = Some(first.clone());
    assert_eq!(observe(&edge, &healthy, at(9_999)).status, first);
}

#[test]
fn a_pod_that_has_the_generation_but_not_the_whole_document_is_behind() {
    let behind = |lane: &mut LaneSeen| {
        lane.pods[0].report = Ok(GatewayReport { revision: "another".to_owned(), ..report(lane.lane, 3) });
    };
    let status = observe(&instance(json!({})), &seen(behind), at(0)).status;
    assert_eq!(status_of(&status.lanes[0].conditions, ConditionType::ConfigLoaded), ("False", "LoadUnderWay"));
    let left_alone = seen(|lane| {
        behind(lane);
        lane.wanted = Some(Wanted::Generation(3));
    });
    let status = observe(&instance(json!({})), &left_alone, at(0)).status;
    assert_eq!(status_of(&status.lanes[0].conditions, ConditionType::ConfigLoaded), ("True", "Loaded"));
}

/// As in kgateway CVE-2025-64323 and Envoy Gateway CVE-2026-53714, where anybody could speak for anybody on the way of control.
#[test]
fn a_pod_that_answers_for_another_lane_is_not_believed() {
    let foreign = seen(|lane| lane.pods[0].report = Ok(report(LaneName::EastWest, 3)));
    let status = observe(&instance(json!({})), &foreign, at(0)).status;
    assert_eq!(status_of(&status.lanes[0].conditions, ConditionType::ConfigLoaded), ("Unknown", "PodsUnreachable"));
    assert_eq!(status_of(&status.conditions, ConditionType::Ready), ("Unknown", "LanesUnknown"));
    assert_eq!(status.lanes[0].config_generation, None);
}

#[test]
fn a_closed_namespace_is_named_and_degrades_nothing() {
    let closed = seen(|lane| lane.closed_namespaces = vec!["RoleBinding team/x belongs to somebody else.".to_owned()]);
    let observed = observe(&instance(json!({})), &closed, at(0));
    assert_eq!(observed.status.phase, "Listening");
    let lane = &observed.status.lanes[0];
    assert_eq!(status_of(&lane.conditions, ConditionType::RolledOut), ("True", "RolledOut"));
    let message = &find(&lane.conditions, ConditionType::RolledOut).expect("told").message;
    assert!(message.contains("team/x belongs to somebody else"), "{message}");
}

#[test]
fn what_pods_cannot_read_is_told_of_a_lane_that_has_loaded_the_rest() {
    let short = seen(|lane| {
        let source_problems =
            vec!["watch of kind Ingress in namespace team: forbidden".to_owned(), "another".to_owned()];
        lane.pods[1].report = Ok(GatewayReport { source_problems, ..report(lane.lane, 3) });
    });
    let observed = observe(&instance(json!({})), &short, at(0));
    assert_eq!(observed.status.phase, "Listening");
    let lane = &observed.status.lanes[0];
    assert_eq!(status_of(&lane.conditions, ConditionType::ConfigLoaded), ("True", "Loaded"));
    let message = &find(&lane.conditions, ConditionType::ConfigLoaded).expect("told").message;
    let told = "1 of 2 pods cannot read everything; b: watch of kind Ingress in namespace team: forbidden. And 1 more.";
    assert!(message.contains(told), "{message}");
}

#[test]
fn a_pod_that_is_ready_for_no_lane_is_not_believed() {
    let nobody = |lane: &mut LaneSeen| {
        lane.pods = vec![pod("a", Ok(GatewayReport { identity: None, ..report(lane.lane, 3) }))];
    };
    let observed = observe(&instance(json!({})), &seen(nobody), at(0));
    let lane = &observed.status.lanes[0];
    assert_eq!(status_of(&lane.conditions, ConditionType::ConfigLoaded), ("Unknown", "PodsUnreachable"));
    assert_eq!((lane.ingresses, lane.findings.errors), (0, 0));
}

#[test]
fn what_pods_count_and_find_is_told() {
    let status = observe(&instance(json!({})), &seen(|_| {}), at(0)).status;
    let lane = &status.lanes[0];
    assert_eq!((lane.ingresses, lane.routes, lane.findings.errors, lane.findings.warnings), (4, 9, 1, 2));
    assert_eq!((lane.ready.as_str(), lane.image.as_str(), lane.config_generation), ("2/2", "gateway:1", Some(3)));
    assert_eq!(lane.addresses, ["10.96.0.7"]);
}

#[test]
fn too_few_pods_are_told_by_what_the_disruption_budget_allows() {
    let cases = [
        (Some(IntOrString::Int(1)), 4, 3, "MinimumReplicasAvailable"),
        (Some(IntOrString::Int(1)), 4, 2, "TooFewAvailable"),
        (Some(IntOrString::String("25%".to_owned())), 10, 7, "MinimumReplicasAvailable"),
        (Some(IntOrString::String("25%".to_owned())), 10, 6, "TooFewAvailable"),
        (None, 1, 1, "MinimumReplicasAvailable"),
        (None, 1, 0, "NoPodsAvailable"),
    ];
    for (budget, wanted, ready, reason) in cases {
        let seen = seen(|lane| {
            lane.max_unavailable = budget.clone();
            lane.deployment = Some(deployment(ready, wanted, "NewReplicaSetAvailable"));
        });
        let status = observe(&instance(json!({})), &seen, at(0)).status;
        let told = status_of(&status.lanes[0].conditions, ConditionType::Available).1;
        assert_eq!(told, reason, "{ready} of {wanted} with {budget:?}");
    }
}

#[test]
fn a_deployment_whose_controller_has_not_looked_yet_is_not_called_rolled_out() {
    let stale = seen(|lane| {
        if let Some(deployment) = &mut lane.deployment {
            deployment.metadata.generation = Some(3);
        }
    });
    let status = observe(&instance(json!({})), &stale, at(0)).status;
    assert_eq!(status_of(&status.lanes[0].conditions, ConditionType::RolledOut), ("Unknown", "NotYetObserved"));
    assert_eq!(status_of(&status.lanes[0].conditions, ConditionType::Available), ("True", "MinimumReplicasAvailable"));
}

#[test]
fn fields_that_are_not_obeyed_are_named_where_people_look() {
    let edge = instance(json!({ "eastWest": { "metrics": { "perHost": true } } }));
    let status = observe(&edge, &seen(|_| {}), at(0)).status;
    assert_eq!(status_of(&status.conditions, ConditionType::FullyObeyed), ("False", "FieldsNotObeyed"));
    for of in [ConditionType::Accepted, ConditionType::FullyObeyed] {
        assert!(find(&status.conditions, of).expect("told").message.contains("spec.eastWest.metrics.perHost"), "{of}");
    }
}

#[test]
fn a_deletion_keeps_what_was_known_and_says_what_holds_it() {
    let mut edge = instance(json!({}));
    edge.status = Some(observe(&edge, &seen(|_| {}), at(0)).status);
    let held = Verdict::with(reason::CLEANING_UP, "deleting IngressClass edge: no.");
    let before = |edge: &GatewayInstance| edge.status.clone().expect("a status");
    let status = deleting(&edge, before(&edge), &held, at(5));
    assert_eq!(status.phase, "Deleting");
    assert_eq!(status_of(&status.conditions, ConditionType::DeletionBlocked), ("True", "CleaningUp"));
    assert_eq!(status_of(&status.conditions, ConditionType::Ready), ("True", "Ready"));
    edge.status = Some(status.clone());
    assert_eq!(deleting(&edge, before(&edge), &held, at(50)), status);
    // One that is protected is looked at as ever, and keeps since when it is held.
    let anew = observe(&edge, &seen(|_| {}), at(60)).status;
    assert_eq!(deleting(&edge, anew, &held, at(60)).conditions.last(), status.conditions.last());
}

#[test]
fn the_next_look_comes_soon_only_while_pods_load() {
    let edge = instance(json!({}));
    let look = |seen: &Seen| observe(&edge, seen, at(0)).look_again;
    assert_eq!(look(&seen(|_| {})), WHEN_STEADY);
    assert_eq!(look(&seen(|lane| lane.pods[0].report = Ok(report(lane.lane, 2)))), WHILE_LOADING);
    assert_eq!(look(&seen(|lane| lane.deployment = None)), WHILE_WAITING);
    let refused = Seen { accepted: Verdict::plain(reason::INVALID), ..seen(|_| {}) };
    assert_eq!(look(&refused), WHEN_STEADY);
}

#[test]
fn what_a_pod_says_reaches_the_status_without_control_characters_and_bounded() {
    let hostile = seen(|lane| {
        let mut report = report(lane.lane, 2);
        report.waiting_for = format!("\u{1b}[31m{}", "x".repeat(100_000));
        lane.pods[0].report = Ok(report);
    });
    let status = observe(&instance(json!({})), &hostile, at(0)).status;
    let message = &find(&status.lanes[0].conditions, ConditionType::ConfigLoaded).expect("told").message;
    assert!(!message.chars().any(char::is_control));
    assert!(message.len() < 1_000);
}
