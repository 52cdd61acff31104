use serde_json::json;

use super::*;

const NEW: &str = "gateway:2";
const SOAK: Duration = Duration::from_secs(60);
const LANE: LaneName = LaneName::EastWest;

/// A lane that runs [`NEW`] well since second 0.
fn settled() -> (GatewayInstance, Deployment) {
    let condition = |of: &str, status: &str| json!({ "type": of, "status": status, "reason": "Any", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z" });
    let instance = serde_json::from_value(json!({
        "apiVersion": "bulkhead.io/v1alpha1", "kind": "GatewayInstance",
        "metadata": { "name": "edge", "namespace": "infra" }, "spec": {},
        "status": {
            "conditions": [condition("Degraded", "False")],
            "lanes": [{ "name": "eastWest", "conditions": [condition("Available", "True"), condition("ConfigLoaded", "True")] }],
        },
    }));
    let deployment = serde_json::from_value(json!({
        "metadata": { "generation": 2 },
        "spec": {
            "replicas": 2, "selector": {},
            "template": { "spec": { "containers": [{ "name": "gateway", "image": NEW }] } },
        },
        "status": {
            "observedGeneration": 2, "replicas": 2, "updatedReplicas": 2,
            "conditions": [{
                "type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "lastUpdateTime": "1970-01-01T00:00:00Z",
            }],
        },
    }));
    (instance.expect("an instance"), deployment.expect("a Deployment"))
}

fn judged(change: impl Fn(&mut GatewayInstance, &mut Deployment), second: i64) -> State {
    let (mut instance, mut deployment) = settled();
    change(&mut instance, &mut deployment);
    let now = Timestamp::from_second(second).expect("a time");
    state(&instance, LANE, &deployment, &NEW.to_owned(), (SOAK, now))
}

fn status(deployment: &mut Deployment) -> &mut k8s_openapi::api::apps::v1::DeploymentStatus {
    deployment.status.as_mut().expect("a status")
}

fn progress(deployment: &mut Deployment, reason: &str) {
    status(deployment).conditions.as_mut().expect("conditions")[0].reason = Some(reason.to_owned());
}

fn say(instance: &mut GatewayInstance, of: ConditionType, value: &str) {
    let known = instance.status.as_mut().expect("a status");
    let lanes = known.lanes.iter_mut().flat_map(|lane| &mut lane.conditions);
    let condition = known.conditions.iter_mut().chain(lanes).find(|one| one.type_ == of.as_str());
    condition.expect("the condition").status = value.to_owned();
}

#[test]
fn a_lane_has_settled_when_all_its_pods_have_run_the_image_well_for_long_enough() {
    assert_eq!(judged(|_, _| {}, 60), State::Settled);
    assert_eq!(judged(|_, _| {}, 59), State::Moving);
    assert_eq!(judged(|_, lane| status(lane).updated_replicas = Some(1), 900), State::Moving);
    assert_eq!(judged(|_, lane| lane.metadata.generation = Some(3), 900), State::Moving);
    assert_eq!(judged(|_, lane| progress(lane, "ReplicaSetUpdated"), 900), State::Moving);
    assert_eq!(judged(|edge, _| say(edge, ConditionType::Available, "False"), 900), State::Moving);
    assert_eq!(judged(|edge, _| say(edge, ConditionType::ConfigLoaded, "Unknown"), 900), State::Moving);
    assert_eq!(judged(|edge, _| edge.status = None, 900), State::Moving);
}

#[test]
fn an_instance_that_pins_rests_leaves_or_is_refused_holds_up_nobody() {
    type Change = fn(&mut GatewayInstance);
    let cases: [(&str, Change); 4] = [
        ("pins", |edge| edge.spec.image = "gateway:1".to_owned()),
        ("rests", |edge| edge.spec.management_state = ManagementState::Paused),
        ("leaves", |edge| {
            let now = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::UNIX_EPOCH);
            edge.metadata.deletion_timestamp = Some(now);
        }),
        ("is refused", |edge| {
            let condition = &mut edge.status.as_mut().expect("a status").conditions[0];
            (condition.type_, condition.status) = ("Accepted".to_owned(), "False".to_owned());
        }),
    ];
    assert!(follows(&settled().0));
    for (what, change) in cases {
        let (mut instance, _) = settled();
        change(&mut instance);
        assert!(!follows(&instance), "one that {what}");
    }
}

#[test]
fn a_lane_that_misses_its_deadline_degrades_or_went_back_has_failed() {
    assert_eq!(judged(|_, lane| progress(lane, "ProgressDeadlineExceeded"), 900), State::Failed);
    assert_eq!(judged(|edge, _| say(edge, ConditionType::Degraded, "True"), 900), State::Failed);
    let no_address = |edge: &mut GatewayInstance, _: &mut Deployment| {
        say(edge, ConditionType::Degraded, "True");
        edge.status.as_mut().expect("a status").conditions[0].reason = reason::ADDRESS_MISSING.name.to_owned();
    };
    assert_eq!(judged(no_address, 900), State::Settled, "an address is nothing that an image has");
    let back = |image: &'static str| {
        judged(
            move |_, lane| {
                let annotation = (ANNOTATION_ROLLED_BACK.to_owned(), image.to_owned());
                lane.metadata.annotations = Some([annotation].into());
                lane.spec.as_mut().expect("a spec").template.spec.as_mut().expect("pods").containers[0].image =
                    Some("gateway:1".to_owned());
            },
            900,
        )
    };
    assert_eq!(back(NEW), State::Failed);
    assert_eq!(back("gateway:0"), State::Waiting);
}

#[test]
fn a_lane_that_moves_without_progress_for_too_long_has_failed_until_it_settles() {
    let id = InstanceId { namespace: "infra".to_owned(), name: "edge".to_owned(), uid: "u1".to_owned() };
    let at = |second| Timestamp::from_second(second).expect("a time");
    let mut moving = Moving::default();
    let mut judged = |state: State, progress: i64, second: i64| {
        let (namespace, instance) = (id.namespace.clone(), id.name.clone());
        let mut members = vec![(id.clone(), Member { wave: 0, namespace, instance, lane: LANE, state })];
        moving.judge(&mut members, |_, _| (Duration::from_secs(660), Some(at(progress))), at(second));
        members[0].1.state
    };
    assert_eq!(judged(State::Moving, 0, 10_000), State::Moving, "it has just begun, whatever was before");
    assert_eq!(judged(State::Moving, 0, 10_660), State::Moving);
    assert_eq!(judged(State::Moving, 0, 10_661), State::Failed);
    assert_eq!(judged(State::Moving, 10_600, 10_662), State::Moving, "it makes progress");
    assert_eq!(judged(State::Moving, 10_600, 11_261), State::Failed);
    assert_eq!(judged(State::Settled, 10_600, 11_262), State::Settled);
    assert_eq!(judged(State::Moving, 10_600, 11_263), State::Moving);
}
