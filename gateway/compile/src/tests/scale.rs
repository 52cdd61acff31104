use std::sync::Arc;

use bulkhead_model::HostPattern;
use serde_json::{Value, json};

use super::world::{World, ingress, rules, service};
use crate::Object;

/// Hundreds of hosts, and one host with two thousand paths.
#[test]
fn many_routes_compile_and_one_change_touches_one_host() {
    let lines: Vec<String> = (0..2000).map(|n| format!("big.test /p{n}/x Prefix flour:80")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut world = World::new(&service("mill/flour"));
    for n in 0..500 {
        world.apply(&ingress(&format!("mill/i{n}"), 1, &rules(&[&format!("h{n}.test / Prefix flour:80")])));
    }
    let snapshot = world.apply(&ingress("mill/big", 1, &rules(&lines))).compile().snapshot.unwrap();
    assert_eq!(world.compiler.counts().routes, 2500);
    assert_eq!(&*snapshot.hosts.find("big.test", "/p1999/x/y").unwrap().path, "/p1999/x");
    assert!(snapshot.hosts.find("big.test", "/p1999/xy").is_none());
}

/// Ingresses of a large cluster, each with a host, a Service and ten endpoints of its own.
const MANY: usize = 10_000;

fn one_ingress(number: usize, path: &str) -> Object {
    let backend = json!({"service": {"name": format!("s{number}"), "port": {"number": 80}}});
    let rule = json!({"host": format!("h{number}.test"), "http": {"paths": [{"path": path, "pathType": "Prefix", "backend": backend}]}});
    let spec = json!({"ingressClassName": "quay", "rules": [rule]});
    Object::Ingress(read(json!({"metadata": {"name": format!("i{number}"), "namespace": "mill"}, "spec": spec})))
}

fn one_service(number: usize) -> Object {
    let spec = json!({"ports": [{"name": "web", "port": 80, "targetPort": 8080}]});
    Object::Service(read(json!({"metadata": {"name": format!("s{number}"), "namespace": "mill"}, "spec": spec})))
}

fn one_slice(number: usize, endpoints: u8) -> Object {
    let address = |last: u8| json!({"addresses": [format!("10.{}.{}.{last}", number / 250, number % 250)], "conditions": {"ready": true}});
    let metadata = json!({"name": format!("e{number}"), "namespace": "mill", "labels": {"kubernetes.io/service-name": format!("s{number}")}});
    let endpoints: Vec<Value> = (1..=endpoints).map(address).collect();
    Object::EndpointSlice(read(
        json!({"metadata": metadata, "addressType": "IPv4", "endpoints": endpoints, "ports": [{"name": "web", "port": 8080}]}),
    ))
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

#[test]
fn ten_thousand_ingresses_and_a_hundred_thousand_endpoints_are_served_and_changed_one_by_one() {
    let mut world = World::new("");
    for number in 0..MANY {
        world.compiler.apply(one_service(number));
        world.compiler.apply(one_slice(number, 10));
        world.compiler.apply(one_ingress(number, "/"));
    }
    let first = world.compiler.compile().snapshot.unwrap();
    let counts = world.compiler.counts();
    assert_eq!((counts.ingresses, counts.routes, counts.endpoints), (10_000, 10_000, 100_000));
    for number in (0..MANY).step_by(97) {
        let route = first.hosts.find(format!("h{number}.test"), "/x").unwrap();
        assert_eq!(*route.origin, *format!("mill/i{number}"));
    }

    world.compiler.apply(one_slice(7, 9));
    let changes = world.compiler.compile();
    assert!(changes.snapshot.is_none(), "endpoints are not routes");
    assert_eq!((changes.endpoints.len(), changes.endpoints[0].1.list.len()), (1, 9));

    world.compiler.apply(one_ingress(7, "/only"));
    let second = world.compiler.compile().snapshot.unwrap();
    assert!(second.hosts.find("h7.test", "/x").is_none() && second.hosts.find("h7.test", "/only").is_some());
    let table = |hosts: &bulkhead_model::HostTable, number: usize| {
        Arc::clone(hosts.get(&HostPattern::parse(&format!("h{number}.test")).unwrap()).unwrap())
    };
    let shared = (0..MANY).filter(|number| Arc::ptr_eq(&table(&first.hosts, *number), &table(&second.hosts, *number)));
    assert_eq!(shared.count(), MANY - 1);
}
