//! How long something may be wrong before it counts.

use super::*;

#[test]
fn a_lane_short_of_pods_is_degraded_only_after_its_grace_and_never_while_it_rolls_out() {
    let mut edge = instance(json!({}));
    let crashed = seen(|lane| lane.deployment = Some(deployment(0, 2, "NewReplicaSetAvailable")));
    edge.status = Some(observe(&edge, &crashed, at(0)).status);
    let degraded = |seen: &Seen, second| {
        let status = observe(&edge, seen, at(second)).status;
        (status.phase.clone(), status_of(&status.conditions, ConditionType::Degraded).1.to_owned())
    };
    assert_eq!(degraded(&crashed, 29), ("Pending".to_owned(), "Healthy".to_owned()));
    assert_eq!(degraded(&crashed, 30), ("Failed".to_owned(), "LaneDegraded".to_owned()));
    let rolling = seen(|lane| lane.deployment = Some(deployment(0, 2, "ReplicaSetUpdated")));
    assert_eq!(degraded(&rolling, 500), ("Pending".to_owned(), "Healthy".to_owned()));
    assert_eq!(degraded(&seen(|_| {}), 500), ("Listening".to_owned(), "Healthy".to_owned()));
    // Pods that nobody takes do not come up by waiting.
    let refused = seen(|lane| {
        let mut deployment = deployment(0, 2, "ReplicaSetUpdated");
        let why =
            json!({ "type": "ReplicaFailure", "status": "True", "message": "pods \"edge-x7k\" is forbidden: no" });
        let conditions = deployment.status.as_mut().and_then(|status| status.conditions.as_mut());
        conditions.expect("conditions").push(serde_json::from_value(why).expect("a condition"));
        lane.deployment = Some(deployment);
    });
    assert_eq!(degraded(&refused, 60), ("Failed".to_owned(), "LaneDegraded".to_owned()));
    let told = observe(&edge, &refused, at(60)).status.lanes[0].conditions[0].message.clone();
    assert!(told.contains("Pods are refused: forbidden: no.") && !told.contains("x7k"), "{told}");
}

#[test]
fn every_cause_has_a_grace_of_its_own_and_is_looked_at_again_when_that_is_over() {
    let balancer = |lane: &mut LaneSeen| {
        lane.service_type = ServiceType::LoadBalancer;
        lane.service = Some(Service::default());
        lane.address_trouble = Some("SyncLoadBalancerFailed: quota".to_owned());
    };
    let cases: [(&str, Seen, u64, &str); 4] = [
        (
            "no pods",
            seen(|lane| lane.deployment = Some(deployment(0, 9, "NewReplicaSetAvailable"))),
            30,
            "LaneDegraded",
        ),
        (
            "few pods",
            seen(|lane| lane.deployment = Some(deployment(1, 9, "NewReplicaSetAvailable"))),
            60,
            "LaneDegraded",
        ),
        ("not applied", seen(|lane| lane.apply_failures = vec!["a quota".to_owned()]), 60, "ApplyFailed"),
        ("no address", seen(balancer), 90, "AddressMissing"),
    ];
    for (case, seen, grace, reason) in cases {
        let mut edge = instance(json!({}));
        edge.status = Some(observe(&edge, &seen, at(0)).status);
        let look = |second: u64| observe(&edge, &seen, at(i64::try_from(second).expect("a second")));
        let degraded = |second| status_of(&look(second).status.conditions, ConditionType::Degraded).1.to_owned();
        assert_eq!((degraded(grace - 1), degraded(grace)), ("Healthy".to_owned(), reason.to_owned()), "{case}");
        assert_eq!(look(grace - 1).look_again, Duration::from_secs(1), "{case}");
    }
    let status = observe(&instance(json!({})), &seen(balancer), at(0)).status;
    let exposed = find(&status.lanes[0].conditions, ConditionType::Exposed).expect("told");
    assert!(exposed.message.contains("SyncLoadBalancerFailed: quota."), "{}", exposed.message);
}

#[test]
fn pods_that_were_lost_are_not_called_a_rollout() {
    let progressing = |reason: &str, ready| {
        let seen = seen(|lane| lane.deployment = Some(deployment(ready, 2, reason)));
        let conditions = observe(&instance(json!({})), &seen, at(0)).status.conditions;
        status_of(&conditions, ConditionType::Progressing).1.to_owned()
    };
    assert_eq!(progressing("NewReplicaSetAvailable", 1), "ReplacingPods");
    assert_eq!(progressing("ReplicaSetUpdated", 1), "RollingOut");
    assert_eq!(progressing("NewReplicaSetAvailable", 2), "Reconciled");
}

#[test]
fn one_lane_that_cannot_be_applied_says_so_and_leaves_the_other_alone() {
    let mut edge = instance(json!({}));
    let failing = seen(|lane| lane.apply_failures = vec!["applying Service infra/edge: quota.".to_owned()]);
    let status = observe(&edge, &failing, at(0)).status;
    assert_eq!(status_of(&status.lanes[0].conditions, ConditionType::RolledOut), ("False", "ApplyFailed"));
    assert_eq!(status_of(&status.lanes[1].conditions, ConditionType::RolledOut), ("True", "RolledOut"));
    assert!(find(&status.lanes[0].conditions, ConditionType::RolledOut).expect("told").message.contains("quota"));
    edge.status = Some(status);
    let later = observe(&edge, &failing, at(60)).status;
    assert_eq!(status_of(&later.conditions, ConditionType::Degraded), ("True", "ApplyFailed"));
}
