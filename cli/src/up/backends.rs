//! Built-in backends: one listener per port of every Service that asks for one, and the EndpointSlices that point to them.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use bulkhead_crds::names::ANNOTATION_LOCAL_BACKEND;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::echo::{self, Identity};
use crate::manifests::Inventory;

/// Most listeners: a directory of manifests must not use up the descriptors of this process.
const LISTENERS: usize = 256;
/// Label by which a slice names its Service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// A port of a Service: its name, empty for a single port without one, and its number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PortId {
    pub(crate) namespace: String,
    pub(crate) service: String,
    pub(crate) name: String,
    pub(crate) number: i32,
}

/// The ports that need a built-in backend, and what is wrong with the annotations that ask for one.
pub(crate) fn wanted(inventory: &Inventory) -> (Vec<PortId>, Vec<String>) {
    let (mut ports, mut problems) = (Vec::new(), Vec::new());
    for ((namespace, name), service) in &inventory.services {
        let annotations = service.metadata.annotations.as_ref();
        match annotations.and_then(|annotations| annotations.get(ANNOTATION_LOCAL_BACKEND)).map(String::as_str) {
            None => {}
            Some("echo") => ports.extend(ports_of(namespace, name, service)),
            Some(other) => problems.push(format!(
                "Service {namespace}/{name}: annotation {ANNOTATION_LOCAL_BACKEND} is {other:?}, the only built-in backend is \"echo\""
            )),
        }
    }
    if ports.len() > LISTENERS {
        problems.push(format!(
            "{} ports ask for a built-in backend, only the first {LISTENERS} have one: use EndpointSlices",
            ports.len()
        ));
        ports.truncate(LISTENERS);
    }
    (ports, problems)
}

fn ports_of<'a>(namespace: &'a str, name: &'a str, service: &'a Service) -> impl Iterator<Item = PortId> + 'a {
    let ports = service.spec.iter().flat_map(|spec| spec.ports.iter().flatten());
    // A gateway forwards HTTP, and so TCP only; TCP is also what a port without a protocol has.
    let tcp = ports.filter(|port| port.protocol.as_deref().is_none_or(|protocol| protocol == "TCP"));
    tcp.map(move |port| PortId {
        namespace: namespace.to_owned(),
        service: name.to_owned(),
        name: port.name.clone().unwrap_or_default(),
        number: port.port,
    })
}

/// Listeners that run.
#[derive(Debug, Default)]
pub(crate) struct Backends {
    running: BTreeMap<PortId, (SocketAddr, JoinHandle<()>)>,
}

impl Backends {
    /// Starts what is missing and ends what is no longer wanted. What could not be started, a sentence each.
    pub(crate) async fn settle(&mut self, wanted: Vec<PortId>) -> Vec<String> {
        self.running.retain(|port, (_, task)| {
            let keep = wanted.contains(port);
            if !keep {
                task.abort();
            }
            keep
        });
        let mut problems = Vec::new();
        for port in wanted {
            if self.running.contains_key(&port) {
                continue;
            }
            match start(&port).await {
                Ok(running) => {
                    self.running.insert(port, running);
                }
                Err(error) => problems.push(format!(
                    "Service {}/{}: cannot start its built-in backend: {error}",
                    port.namespace, port.service
                )),
            }
        }
        problems
    }

    /// Where every port's backend listens.
    pub(crate) fn addresses(&self) -> BTreeMap<PortId, SocketAddr> {
        self.running.iter().map(|(port, (address, _))| (port.clone(), *address)).collect()
    }
}

async fn start(port: &PortId) -> std::io::Result<(SocketAddr, JoinHandle<()>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let identity = Identity { service: port.service.clone(), namespace: port.namespace.clone() };
    Ok((address, tokio::spawn(echo::serve(listener, identity))))
}

/// One slice per Service, with the port of each listener under the name of the Service's port.
pub(crate) fn slices(addresses: &BTreeMap<PortId, SocketAddr>) -> Vec<EndpointSlice> {
    let mut slices: BTreeMap<(&str, &str), Vec<EndpointPort>> = BTreeMap::new();
    for (port, address) in addresses {
        let endpoint_port = EndpointPort {
            name: Some(port.name.clone()),
            port: Some(i32::from(address.port())),
            protocol: Some("TCP".to_owned()),
            app_protocol: None,
        };
        slices.entry((&port.namespace, &port.service)).or_default().push(endpoint_port);
    }
    slices.into_iter().map(|((namespace, service), ports)| slice(namespace, service, ports)).collect()
}

fn slice(namespace: &str, service: &str, ports: Vec<EndpointPort>) -> EndpointSlice {
    EndpointSlice {
        metadata: ObjectMeta {
            namespace: Some(namespace.to_owned()),
            name: Some(format!("{service}-local-backend")),
            labels: Some([(SERVICE_NAME.to_owned(), service.to_owned())].into()),
            ..ObjectMeta::default()
        },
        address_type: "IPv4".to_owned(),
        endpoints: vec![Endpoint {
            addresses: vec![Ipv4Addr::LOCALHOST.to_string()],
            conditions: Some(EndpointConditions { ready: Some(true), ..EndpointConditions::default() }),
            ..Endpoint::default()
        }],
        ports: Some(ports),
    }
}

#[cfg(test)]
mod tests {
    use bulkhead_gateway::source::manifest::parse;

    use super::*;

    fn inventory(annotation: &str, ports: &str) -> Inventory {
        let text = format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: pier, namespace: port, annotations: {{{annotation}}}}}\nspec: {{ports: [{ports}]}}"
        );
        let mut inventory = Inventory::default();
        inventory.add("pier.yaml", &text, &parse(&text).unwrap());
        inventory
    }

    #[test]
    fn only_an_annotated_service_gets_a_backend() {
        assert_eq!(wanted(&inventory("", "{port: 80}")), (Vec::new(), Vec::new()));
        let (ports, problems) = wanted(&inventory("bulkhead.io/local-backend: magic", "{port: 80}"));
        assert!(ports.is_empty());
        assert!(problems[0].contains("Service port/pier") && problems[0].contains("\"echo\""), "{problems:?}");
        let ports = "{name: web, port: 80}, {name: dns, port: 53, protocol: UDP}";
        let (ports, _) = wanted(&inventory("bulkhead.io/local-backend: echo", ports));
        assert_eq!(ports.iter().map(|port| port.name.as_str()).collect::<Vec<_>>(), ["web"]);
    }

    #[tokio::test]
    async fn a_backend_keeps_its_address_while_its_service_stays() {
        let (ports, _) =
            wanted(&inventory("bulkhead.io/local-backend: echo", "{name: web, port: 80}, {name: rpc, port: 90}"));
        let mut backends = Backends::default();
        assert!(backends.settle(ports.clone()).await.is_empty());
        let before = backends.addresses();
        assert_eq!(before.len(), 2);
        backends.settle(ports[..1].to_vec()).await;
        let after = backends.addresses();
        assert_eq!(after.get(&ports[0]), before.get(&ports[0]));
        assert_eq!(after.len(), 1);

        let slices = slices(&before);
        assert_eq!(slices.len(), 1, "one slice holds all ports of a Service");
        assert_eq!(slices[0].metadata.labels.as_ref().unwrap()[SERVICE_NAME], "pier");
        let numbers: Vec<i32> = slices[0].ports.iter().flatten().filter_map(|port| port.port).collect();
        assert_eq!(numbers, before.values().map(|address| i32::from(address.port())).collect::<Vec<_>>());
    }
}
