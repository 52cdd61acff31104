use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::LaneObjects;
use crate::test_support::north_south;

fn with(fields: &str) -> LaneObjects {
    north_south(&format!("{{northSouth: {{{fields}}}}}"))
}

fn budget(lane: LaneObjects) -> Option<IntOrString> {
    lane.disruption_budget.map(|budget| budget.spec.unwrap().max_unavailable.unwrap())
}

fn surge(lane: LaneObjects) -> (IntOrString, IntOrString) {
    let update = lane.deployment.spec.unwrap().strategy.unwrap().rolling_update.unwrap();
    (update.max_unavailable.unwrap(), update.max_surge.unwrap())
}

fn quarter() -> IntOrString {
    IntOrString::String("25%".to_owned())
}

#[test]
fn the_disruption_budget_follows_the_size() {
    let one = Some(IntOrString::Int(1));
    let cases = [(0, None), (1, None), (2, one.clone()), (3, one), (4, Some(quarter())), (100, Some(quarter()))];
    for (replicas, expected) in cases {
        assert_eq!(budget(with(&format!("replicas: {replicas}"))), expected, "{replicas}");
    }
}

#[test]
fn the_disruption_budget_follows_the_fewest_replicas_of_an_autoscaler() {
    assert_eq!(budget(with("autoscaling: {minReplicas: 1, maxReplicas: 9}")), None);
    assert_eq!(budget(with("autoscaling: {minReplicas: 4, maxReplicas: 9}")), Some(quarter()));
}

#[test]
fn a_chosen_disruption_budget_is_kept_at_any_size() {
    assert_eq!(budget(with("replicas: 1, disruption: {maxUnavailable: 0}")), Some(IntOrString::Int(0)));
    assert_eq!(
        budget(with("replicas: 9, disruption: {maxUnavailable: 10%}")),
        Some(IntOrString::String("10%".to_owned()))
    );
}

#[test]
fn pods_that_are_not_ready_never_block_an_eviction() {
    let policy = with("").disruption_budget.unwrap().spec.unwrap().unhealthy_pod_eviction_policy;
    assert_eq!(policy.as_deref(), Some("AlwaysAllow"));
}

#[test]
fn a_rollout_never_takes_a_ready_pod_before_its_successor_is_ready() {
    for (replicas, expected) in [(1, IntOrString::Int(1)), (4, IntOrString::Int(1)), (5, quarter())] {
        assert_eq!(surge(with(&format!("replicas: {replicas}"))), (IntOrString::Int(0), expected), "{replicas}");
    }
}

#[test]
fn replicas_are_two_unless_said_otherwise() {
    let replicas = |fields| with(fields).deployment.spec.unwrap().replicas;
    assert_eq!(replicas(""), Some(2));
    assert_eq!(replicas("replicas: 0"), Some(0));
}

#[test]
fn under_an_autoscaler_replicas_are_left_to_it() {
    let lane = with("autoscaling: {minReplicas: 3, maxReplicas: 9}");
    let autoscaler = lane.autoscaler.unwrap().spec.unwrap();
    assert_eq!((autoscaler.min_replicas, autoscaler.max_replicas), (Some(3), 9));
    assert_eq!(Some(autoscaler.scale_target_ref.name), lane.deployment.metadata.name);
    assert_eq!(lane.deployment.spec.unwrap().replicas, None);
}

#[test]
fn there_is_no_autoscaler_for_a_fixed_number_of_replicas() {
    assert!(with("replicas: 5").autoscaler.is_none());
}
