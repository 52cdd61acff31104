use serde_json::{Value, json};

use super::*;

fn ingress(class: &str, speakers: &[&str], ip: Option<&str>) -> Ingress {
    let entries: Vec<Value> = speakers
        .iter()
        .map(|manager| {
            json!({ "manager": manager, "operation": "Apply", "subresource": "status",
                "fieldsV1": { "f:status": { "f:loadBalancer": { "f:ingress": {} } } } })
        })
        .collect();
    let points = ip.map(|ip| json!([{ "ip": ip }])).unwrap_or_else(|| json!([]));
    let ingress: crate::lean::LeanIngress = serde_json::from_value(json!({
        "metadata": { "name": "web", "namespace": "team", "uid": "i1", "managedFields": entries },
        "spec": { "ingressClassName": class },
        "status": { "loadBalancer": { "ingress": points } },
    }))
    .expect("an Ingress");
    ingress.0
}

fn at(ip: &str) -> Addresses {
    vec![IngressLoadBalancerIngress { ip: Some(ip.to_owned()), ..IngressLoadBalancerIngress::default() }]
}

fn voice(addresses: Addresses) -> Voice {
    Voice { manager: EDGE.to_owned(), classes: ["edge".to_owned()].into(), namespaces: None, addresses }
}

const EDGE: &str = "bulkhead:infra:edge:north-south";
const MINE: &str = "203.0.113.7";

/// What is written into one Ingress: nothing, or the addresses.
fn written(ingress: &Ingress, voice: Voice) -> Option<Addresses> {
    let changes: Vec<_> = of(ingress, &[voice]).collect();
    assert!(changes.len() <= 1);
    changes.into_iter().next().map(|change| {
        assert_eq!((change.namespace.as_str(), change.name.as_str(), change.uid.as_str()), ("team", "web", "i1"));
        assert_eq!(change.manager, EDGE);
        change.addresses
    })
}

#[test]
fn an_ingress_of_the_lane_gets_its_addresses_and_is_left_alone_once_it_has_them() {
    for ip in [None, Some("192.0.2.1")] {
        assert_eq!(written(&ingress("edge", &[], ip), voice(at(MINE))), Some(at(MINE)));
    }
    assert_eq!(written(&ingress("edge", &[EDGE], Some(MINE)), voice(at(MINE))), None);
    assert_eq!(written(&ingress("edge", &[EDGE], Some("192.0.2.1")), voice(at(MINE))), Some(at(MINE)));
}

#[test]
fn what_was_said_is_taken_back_when_class_scope_or_address_are_lost_and_nothing_of_others_is() {
    let ours = ingress("edge", &[EDGE], Some(MINE));
    let elsewhere = Voice { namespaces: Some(BTreeSet::new()), ..voice(at(MINE)) };
    let switched_off = Voice { classes: BTreeSet::new(), ..voice(at(MINE)) };
    for silent in [elsewhere, switched_off, voice(Vec::new())] {
        assert_eq!(written(&ours, silent.clone()), Some(Vec::new()), "{silent:?}");
        assert_eq!(written(&ingress("edge", &["nginx"], Some("192.0.2.1")), silent), None);
    }
    assert_eq!(written(&ingress("other", &[EDGE], Some(MINE)), voice(at(MINE))), Some(Vec::new()));
    assert_eq!(written(&ingress("other", &[], Some("192.0.2.1")), voice(at(MINE))), None);
    assert_eq!(written(&ingress("edge", &[], None), voice(Vec::new())), None);
}

#[test]
fn an_ingress_that_moves_between_lanes_is_taken_back_by_one_and_given_to_the_other() {
    let voices = [
        voice(at(MINE)),
        Voice {
            manager: "bulkhead:infra:edge:east-west".to_owned(),
            classes: ["inside".to_owned()].into(),
            ..voice(at("10.96.0.7"))
        },
    ];
    let moved = ingress("inside", &[EDGE], Some(MINE));
    let changes: Vec<_> = of(&moved, &voices).map(|change| (change.manager, change.addresses)).collect();
    assert_eq!(changes[0], (EDGE.to_owned(), Vec::new()));
    assert_eq!(changes[1].1, at("10.96.0.7"));
}

#[test]
fn only_words_of_instances_that_are_gone_are_those_of_strangers() {
    let known = BTreeSet::from([("infra".to_owned(), "edge".to_owned())]);
    assert_eq!(of_strangers(&ingress("edge", &[EDGE, "nginx"], Some(MINE)), &known), []);
    let gone = "bulkhead:infra:old:east-west";
    let changes = of_strangers(&ingress("edge", &[EDGE, gone], Some(MINE)), &known);
    assert_eq!(changes.len(), 1);
    assert_eq!((changes[0].manager.as_str(), changes[0].addresses.is_empty()), (gone, true));
}

#[test]
fn a_manager_says_whom_it_speaks_for_and_fits() {
    assert_eq!(manager("infra", "edge", "north-south"), EDGE);
    assert_eq!(speaks_for(EDGE), Some(("infra", "edge")));
    for other in ["nginx", "bulkhead:", "bulkhead:infra", "bulkhead:infra:edge"] {
        assert_eq!(speaks_for(other), None, "{other}");
    }
    assert!(manager(&"n".repeat(63), &"i".repeat(40), "north-south").len() <= 128);
}

fn service(value: Value) -> Service {
    serde_json::from_value(value).expect("a Service")
}

fn pod(host: &str, ready: bool) -> Pod {
    let status = if ready { "True" } else { "False" };
    serde_json::from_value(json!({
        "status": { "hostIP": host, "conditions": [{ "type": "Ready", "status": status }] },
    }))
    .expect("a pod")
}

#[test]
fn addresses_are_those_at_which_the_kind_of_service_is_reached() {
    let service = service(json!({
        "spec": { "clusterIP": "10.96.0.7", "clusterIPs": ["10.96.0.7", "fd00::7"] },
        "status": { "loadBalancer": { "ingress": [
            { "ip": "203.0.113.7", "ports": [{ "port": 80, "protocol": "TCP" }] }, { "hostname": "lb.example" }, {},
        ] } },
    }));
    let pods = [pod("192.0.2.2", true), pod("192.0.2.1", true), pod("192.0.2.2", true), pod("192.0.2.9", false)];
    let of = |service_type| {
        let addresses = addresses(service_type, Some(&service), &pods.iter().collect::<Vec<_>>());
        addresses.into_iter().filter_map(|point| point.ip.or(point.hostname)).collect::<Vec<_>>()
    };
    assert_eq!(of(ServiceType::LoadBalancer), ["203.0.113.7", "lb.example"]);
    assert_eq!(of(ServiceType::NodePort), ["192.0.2.1", "192.0.2.2"]);
    assert_eq!(of(ServiceType::ClusterIp), ["10.96.0.7", "fd00::7"]);
    assert_eq!(of(ServiceType::None), Vec::<String>::new());
    assert_eq!(addresses(ServiceType::LoadBalancer, None, &[]), []);
    let ports = addresses(ServiceType::LoadBalancer, Some(&service), &[])[0].ports.clone().expect("ports");
    assert_eq!((ports[0].port, ports[0].protocol.as_str()), (80, "TCP"));
}

#[test]
fn a_lane_whose_pods_all_restart_has_not_moved() {
    let pods = [pod("192.0.2.2", false), pod("", false)];
    assert_eq!(nodes(&pods.iter().collect::<Vec<_>>()), ["192.0.2.2"]);
}
