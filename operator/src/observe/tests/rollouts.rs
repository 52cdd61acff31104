//! What is said of a new image.

use super::*;

#[test]
fn a_lane_that_went_back_to_what_worked_says_so_and_serves_on() {
    let back = seen(|lane| {
        let annotations = [("bulkhead.io/rolled-back-from-image".to_owned(), "gateway:2".to_owned())];
        lane.deployment.as_mut().expect("a Deployment").metadata.annotations = Some(annotations.into());
    });
    let status = observe(&instance(json!({})), &back, at(0)).status;
    assert_eq!(status_of(&status.lanes[0].conditions, ConditionType::RolledOut), ("False", "RolledBack"));
    assert_eq!(status_of(&status.conditions, ConditionType::Degraded), ("True", "RolloutFailed"));
    assert_eq!(status_of(&status.conditions, ConditionType::Progressing), ("False", "Held"));
    assert_eq!(status_of(&status.conditions, ConditionType::Ready), ("True", "Ready"));
    assert!(find(&status.conditions, ConditionType::Degraded).expect("told").message.contains("gateway:2"));
    assert_eq!(status.phase, "Failed");
}

#[test]
fn a_lane_that_waits_for_its_turn_says_for_which_image() {
    let waits = seen(|lane| lane.next_image = Some("gateway:2".to_owned()));
    let status = observe(&instance(json!({})), &waits, at(0)).status;
    assert_eq!(status_of(&status.conditions, ConditionType::Progressing), ("False", "WaitingForTurn"));
    assert!(find(&status.conditions, ConditionType::Progressing).expect("told").message.contains("gateway:2"));
    assert_eq!(status.phase, "Listening");
}
