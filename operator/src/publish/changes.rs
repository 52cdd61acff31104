//! Which Ingresses need another status. Pure: the Ingresses, as they were last seen, and what each lane has to say come in.

use std::collections::BTreeSet;

use bulkhead_compile::class_of;
use bulkhead_crds::service::ServiceType;
use bulkhead_crds::status::ADDRESSES;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::networking::v1::{Ingress, IngressLoadBalancerIngress, IngressPortStatus};

/// Every field manager of a lane's status begins so.
const MANAGERS: &str = "bulkhead:";

/// Where clients reach a lane, as the status of an Ingress has it.
pub type Addresses = Vec<IngressLoadBalancerIngress>;

/// What one lane has to say, and of which Ingresses.
#[derive(Clone, Debug)]
pub struct Voice {
    /// Its field manager.
    pub manager: String,
    /// The classes whose Ingresses get its addresses; empty for a lane that is no more.
    pub classes: BTreeSet<String>,
    /// Namespaces in which they lie; everywhere when absent.
    pub namespaces: Option<BTreeSet<String>>,
    /// Its addresses; without any, nothing is said.
    pub addresses: Addresses,
}

/// One status to write.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Namespace of the Ingress.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its UID: another one of the same name is left alone.
    pub uid: String,
    /// Who writes.
    pub manager: String,
    /// What; nothing takes back what was written before.
    pub addresses: Addresses,
}

/// The field manager of a lane. At most 125 characters of the 128 that one may have.
#[must_use]
pub fn manager(namespace: &str, instance: &str, lane: &str) -> String {
    format!("{MANAGERS}{namespace}:{instance}:{lane}")
}

/// Namespace and name of the instance that a field manager of ours speaks for.
#[must_use]
pub fn speaks_for(manager: &str) -> Option<(&str, &str)> {
    let (namespace, rest) = manager.strip_prefix(MANAGERS)?.split_once(':')?;
    Some((namespace, rest.split_once(':')?.0))
}

/// Whether a field manager is a lane.
#[must_use]
pub fn is_ours(manager: &str) -> bool {
    manager.starts_with(MANAGERS)
}

/// The lanes that have a say in the status of a cached Ingress, as [`crate::lean`] keeps them.
pub fn speakers(ingress: &Ingress) -> impl Iterator<Item = &str> {
    ingress.metadata.managed_fields.iter().flatten().filter_map(|entry| entry.manager.as_deref())
}

/// What to write into `ingress` for the lanes of one instance.
pub fn of<'a>(ingress: &'a Ingress, voices: &'a [Voice]) -> impl Iterator<Item = Change> + 'a {
    let meta = &ingress.metadata;
    let namespace = meta.namespace.as_deref().unwrap_or_default();
    voices.iter().filter_map(move |voice| {
        let served = class_of(ingress).is_some_and(|class| voice.classes.contains(class))
            && voice.namespaces.as_ref().is_none_or(|namespaces| namespaces.contains(namespace))
            && meta.deletion_timestamp.is_none();
        let says = if served { voice.addresses.clone() } else { Vec::new() };
        let spoke = speakers(ingress).any(|manager| manager == voice.manager);
        let right = match says.is_empty() {
            true => !spoke,
            false => spoke && found(ingress) == says,
        };
        (!right).then(|| Change {
            namespace: namespace.to_owned(),
            name: meta.name.clone().unwrap_or_default(),
            uid: meta.uid.clone().unwrap_or_default(),
            manager: voice.manager.clone(),
            addresses: says,
        })
    })
}

/// What takes back the words of lanes whose instance is not among `known` (namespace and name).
pub fn of_strangers(ingress: &Ingress, known: &BTreeSet<(String, String)>) -> Vec<Change> {
    let gone = |manager: &&str| {
        speaks_for(manager).is_some_and(|(namespace, name)| !known.contains(&(namespace.to_owned(), name.to_owned())))
    };
    let silent = |manager: &str| Voice {
        manager: manager.to_owned(),
        classes: BTreeSet::new(),
        namespaces: None,
        addresses: Vec::new(),
    };
    let voices: Vec<_> = speakers(ingress).filter(gone).map(silent).collect();
    of(ingress, &voices).collect()
}

fn found(ingress: &Ingress) -> Addresses {
    let balancer = ingress.status.as_ref().and_then(|status| status.load_balancer.as_ref());
    balancer.and_then(|balancer| balancer.ingress.clone()).unwrap_or_default()
}

/// Where clients reach a lane: what its load balancer says; the nodes that its pods run on, ready ones first to count; or the addresses of
/// its Service inside the cluster.
#[must_use]
pub fn addresses(service_type: ServiceType, service: Option<&Service>, pods: &[&Pod]) -> Addresses {
    let Some(service) = service else { return Vec::new() };
    let plain = |ip: String| IngressLoadBalancerIngress { ip: Some(ip), ..IngressLoadBalancerIngress::default() };
    match service_type {
        ServiceType::LoadBalancer => balanced(service),
        ServiceType::NodePort => nodes(pods).into_iter().map(plain).collect(),
        ServiceType::ClusterIp => cluster_ips(service).into_iter().map(plain).collect(),
        ServiceType::None => Vec::new(),
    }
}

fn balanced(service: &Service) -> Addresses {
    let balancer = service.status.as_ref().and_then(|status| status.load_balancer.as_ref());
    let points = balancer.and_then(|balancer| balancer.ingress.clone()).unwrap_or_default();
    let usable = points.into_iter().filter(|point| point.ip.is_some() || point.hostname.is_some());
    usable
        .take(ADDRESSES)
        .map(|point| IngressLoadBalancerIngress {
            hostname: point.hostname,
            ip: point.ip,
            ports: point.ports.map(|ports| {
                let port = |port: k8s_openapi::api::core::v1::PortStatus| IngressPortStatus {
                    error: port.error,
                    port: port.port,
                    protocol: port.protocol,
                };
                ports.into_iter().map(port).collect()
            }),
        })
        .collect()
}

fn cluster_ips(service: &Service) -> Vec<String> {
    let spec = service.spec.clone().unwrap_or_default();
    let ips = spec.cluster_ips.or_else(|| spec.cluster_ip.map(|ip| vec![ip])).unwrap_or_default();
    ips.into_iter().filter(|ip| !ip.is_empty() && ip != "None").take(ADDRESSES).collect()
}

/// Addresses of the nodes that ready pods run on. While none is ready, of those that any runs on: a lane that restarts has not moved.
#[must_use]
pub fn nodes(pods: &[&Pod]) -> Vec<String> {
    let ready = |pod: &Pod| {
        let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
        conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
    };
    let hosts = |of: &dyn Fn(&Pod) -> bool| -> BTreeSet<String> {
        let chosen = pods.iter().filter(|pod| of(pod));
        chosen.filter_map(|pod| pod.status.as_ref()?.host_ip.clone()).filter(|ip| !ip.is_empty()).collect()
    };
    let serving = hosts(&ready);
    let nodes = if serving.is_empty() { hosts(&|_| true) } else { serving };
    nodes.into_iter().take(ADDRESSES).collect()
}

#[cfg(test)]
mod tests;
