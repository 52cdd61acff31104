use k8s_openapi::api::core::v1::ServiceSpec;
use k8s_openapi::api::networking::v1::NetworkPolicySpec;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::LaneObjects;
use crate::test_support::{RICH, east_west, north_south};

fn traffic(lane: LaneObjects) -> ServiceSpec {
    lane.traffic_service.unwrap().spec.unwrap()
}

fn policy(lane: LaneObjects) -> NetworkPolicySpec {
    lane.network_policy.unwrap().spec.unwrap()
}

#[test]
fn north_south_is_reached_from_outside_and_east_west_from_inside() {
    assert_eq!(traffic(north_south("{}")).type_.as_deref(), Some("LoadBalancer"));
    assert_eq!(traffic(east_west("{}")).type_.as_deref(), Some("ClusterIP"));
}

#[test]
fn a_service_of_type_none_is_not_made() {
    assert!(north_south("{northSouth: {service: {type: None}}}").traffic_service.is_none());
}

#[test]
fn what_a_type_of_service_does_not_know_is_not_written() {
    let fields = "externalTrafficPolicy: Local, loadBalancerClass: a, loadBalancerSourceRanges: [10.0.0.0/8], httpNodePort: 30000, httpsNodePort: 30001";
    let written = |of_type: &str| {
        let spec = traffic(north_south(&format!("{{northSouth: {{service: {{type: {of_type}, {fields}}}}}}}")));
        (
            spec.external_traffic_policy.is_some(),
            spec.load_balancer_class.is_some(),
            spec.load_balancer_source_ranges.is_some(),
            spec.ports.unwrap().iter().all(|port| port.node_port.is_some()),
        )
    };
    assert_eq!(written("LoadBalancer"), (true, true, true, true));
    assert_eq!(written("NodePort"), (true, false, false, true));
    assert_eq!(written("ClusterIP"), (false, false, false, false));
}

#[test]
fn the_traffic_service_leads_to_both_traffic_ports_and_never_to_the_admin_port() {
    for spec in ["{}", RICH] {
        let ports = traffic(north_south(spec)).ports.unwrap();
        let targets: Vec<_> = ports.into_iter().map(|port| port.target_port.unwrap()).collect();
        assert_eq!(targets, ["http", "https"].map(|name| IntOrString::String(name.to_owned())));
    }
}

#[test]
fn the_admin_service_shows_every_pod_also_those_that_are_not_ready() {
    let service = north_south("{}").admin_service;
    assert_eq!(service.metadata.name.as_deref(), Some("quay-north-south-admin"));
    let spec = service.spec.unwrap();
    assert_eq!((spec.cluster_ip.as_deref(), spec.publish_not_ready_addresses), (Some("None"), Some(true)));
}

#[test]
fn annotations_of_ours_cannot_be_set_through_a_service() {
    let service = "{northSouth: {service: {annotations: {bulkhead.io/local-backend: echo, cloud/scheme: internal}}}}";
    let annotations = north_south(service).traffic_service.unwrap().metadata.annotations.unwrap();
    assert_eq!(annotations, [("cloud/scheme".to_owned(), "internal".to_owned())].into());
}

#[test]
fn everybody_reaches_north_south_and_only_pods_reach_east_west() {
    assert_eq!(policy(north_south("{}")).ingress.unwrap()[0].from, None);
    let from = policy(east_west("{}")).ingress.unwrap().remove(0).from.unwrap();
    assert_eq!(from.len(), 1);
    assert_eq!(from[0].namespace_selector, Some(Default::default()));
    assert_eq!(from[0].ip_block, None);
}

#[test]
fn an_east_west_lane_behind_a_load_balancer_is_reached_through_it() {
    let lane = east_west("{eastWest: {service: {type: LoadBalancer}}}");
    assert_eq!(policy(lane).ingress.unwrap()[0].from, None);
}

#[test]
fn clients_that_the_user_chose_take_the_place_of_everybody() {
    for name in ["northSouth", "eastWest"] {
        let spec = format!("{{{name}: {{networkPolicy: {{from: [{{ipBlock: {{cidr: 10.0.0.0/8}}}}]}}}}}}");
        let lane = if name == "northSouth" { north_south(&spec) } else { east_west(&spec) };
        let from = policy(lane).ingress.unwrap().remove(0).from.unwrap();
        assert_eq!(from.len(), 1, "{name}");
        assert_eq!(from[0].ip_block.as_ref().unwrap().cidr, "10.0.0.0/8", "{name}");
    }
}

#[test]
fn only_the_operators_namespace_reaches_the_admin_port() {
    for spec in ["{}", RICH] {
        let rules = policy(north_south(spec)).ingress.unwrap();
        let admin = Some(IntOrString::Int(9090));
        let open: Vec<_> =
            rules.iter().filter(|rule| rule.ports.as_ref().unwrap().iter().any(|port| port.port == admin)).collect();
        let [rule] = open.as_slice() else { panic!("one rule, not {open:?}") };
        assert_eq!(rule.ports.as_ref().unwrap().len(), 1);
        let [peer] = rule.from.as_deref().unwrap() else { panic!("one peer, not {rule:?}") };
        let labels = peer.namespace_selector.as_ref().unwrap().match_labels.as_ref().unwrap();
        assert_eq!(labels["kubernetes.io/metadata.name"], "harbourmaster");
    }
}

#[test]
fn gateways_do_not_reach_the_credentials_of_their_node() {
    let rules = policy(north_south("{}")).egress.unwrap();
    let without_port = rules.iter().filter(|rule| rule.ports.is_none());
    let blocks: Vec<_> =
        without_port.flat_map(|rule| rule.to.iter().flatten()).filter_map(|peer| peer.ip_block.as_ref()).collect();
    assert_eq!(blocks.len(), 2);
    for (block, cidr, metadata) in
        [(blocks[0], "0.0.0.0/0", "169.254.0.0/16"), (blocks[1], "::/0", "fd00:ec2::254/128")]
    {
        assert_eq!(block.cidr, cidr);
        assert!(block.except.as_ref().unwrap().contains(&metadata.to_owned()));
    }
}

#[test]
fn a_network_policy_can_be_switched_off() {
    assert!(north_south("{northSouth: {networkPolicy: {mode: 'Off'}}}").network_policy.is_none());
}

#[test]
fn a_class_is_the_clusters_default_only_when_asked_for() {
    let annotations = |spec| north_south(spec).ingress_class.metadata.annotations;
    assert_eq!(annotations("{}"), None);
    let asked = annotations("{northSouth: {ingressClass: {default: true}}}").unwrap();
    assert_eq!(asked, [("ingressclass.kubernetes.io/is-default-class".to_owned(), "true".to_owned())].into());
}

#[test]
fn a_class_names_its_instance_and_the_document_names_the_class() {
    let lane = north_south("{northSouth: {ingressClass: {name: sea, alsoServe: [nginx]}}}");
    assert_eq!(lane.ingress_class.metadata.name.as_deref(), Some("sea"));
    let spec = lane.ingress_class.spec.unwrap();
    assert_eq!(spec.controller.as_deref(), Some("bulkhead.io/gateway"));
    let parameters = spec.parameters.unwrap();
    assert_eq!((parameters.namespace.as_deref(), parameters.name.as_str()), (Some("docks"), "quay"));
    assert_eq!((parameters.scope.as_deref(), parameters.kind.as_str()), (Some("Namespace"), "GatewayInstance"));
    assert_eq!(lane.document.classes.own, "sea");
    assert_eq!(lane.document.classes.also_serve, ["nginx".to_owned()].into());
}

#[test]
fn the_document_is_read_back_from_its_config_map() {
    for spec in ["{}", RICH] {
        let lane = north_south(spec);
        let text = lane.lane_document.data.unwrap().remove("lane.json").unwrap();
        assert_eq!(serde_json::from_str::<bulkhead_crds::lane::LaneDocument>(&text).unwrap(), lane.document);
        assert_eq!(lane.document.config_generation, 7);
    }
}
