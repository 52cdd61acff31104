//! What is said of where a lane is reached.

use super::*;

#[test]
fn a_load_balancer_is_exposed_once_it_has_an_address() {
    let balanced = |ip: Option<&str>| {
        let seen = seen(|lane| {
            lane.service_type = ServiceType::LoadBalancer;
            lane.service = Some(service(ip));
        });
        observe(&instance(json!({})), &seen, at(0)).status
    };
    let waiting = balanced(None);
    assert_eq!(status_of(&waiting.lanes[0].conditions, ConditionType::Exposed), ("False", "AddressPending"));
    assert_eq!(waiting.phase, "Listening");
    let given = balanced(Some("203.0.113.9"));
    assert_eq!(status_of(&given.lanes[0].conditions, ConditionType::Exposed), ("True", "AddressAssigned"));
    assert_eq!(given.lanes[0].addresses, ["203.0.113.9"]);
}

#[test]
fn a_lane_on_node_ports_is_reached_at_its_nodes() {
    let nodes = seen(|lane| lane.service_type = ServiceType::NodePort);
    assert_eq!(observe(&instance(json!({})), &nodes, at(0)).status.lanes[0].addresses, ["192.0.2.1"]);
}
