//! Who may talk to a lane's pods, and to whom they may talk.

use bulkhead_crds::names::{ADMIN_PORT, HTTP_PORT, HTTPS_PORT, LaneName};
use bulkhead_crds::network_policy::NetworkPolicyMode;
use bulkhead_crds::service::ServiceType;
use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort,
    NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::labels::{self, LABEL_NAMESPACE_NAME, map};
use crate::lane::context::LaneContext;
use crate::metadata;

/// IPv4 addresses of clouds' metadata services, which hand credentials of the node to whoever asks: all link-local ones
/// (AWS, Azure, Google and most others, RFC 3927) and Alibaba Cloud's.
const METADATA_V4: [&str; 2] = ["169.254.0.0/16", "100.100.100.200/32"];
/// IPv6 address of AWS's metadata service.
const METADATA_V6: [&str; 1] = ["fd00:ec2::254/128"];
/// Port of DNS (RFC 1035). Node-local DNS caches listen on link-local addresses.
const DNS_PORT: u16 = 53;

/// The lane's NetworkPolicy, unless the user switched it off.
///
/// In: the traffic ports from whom the user chose, else from anywhere, or from pods of the cluster where the lane can be reached
/// only inside it; the admin port from the operator's namespace. Policies add up, so monitoring is let in by one more
/// policy that selects the same pods.
///
/// Out: everything but clouds' metadata services. Where backends and the API server are cannot be said in a policy (addresses of
/// EndpointSlices may lie anywhere, also outside of the cluster), so a narrower rule would cut routes off in silence.
pub(super) fn build(lane: &LaneContext<'_>) -> Option<NetworkPolicy> {
    if lane.spec.network_policy.mode == NetworkPolicyMode::Off {
        return None;
    }
    Some(NetworkPolicy {
        metadata: metadata::owned(lane, lane.object_name()),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(labels::pod_selector(lane.instance, lane.name)),
            policy_types: Some(vec!["Ingress".to_owned(), "Egress".to_owned()]),
            ingress: Some(vec![
                NetworkPolicyIngressRule { from: clients(lane), ports: Some(vec![tcp(HTTP_PORT), tcp(HTTPS_PORT)]) },
                NetworkPolicyIngressRule {
                    from: Some(vec![namespaces(&[(LABEL_NAMESPACE_NAME, &lane.site.operator_namespace)])]),
                    ports: Some(vec![tcp(ADMIN_PORT)]),
                },
            ]),
            egress: Some(egress()),
        }),
    })
}

/// Who may reach the traffic ports; nothing stands for everybody.
fn clients(lane: &LaneContext<'_>) -> Option<Vec<NetworkPolicyPeer>> {
    let chosen = &lane.spec.network_policy.from;
    let inside = match lane.spec.service_type(lane.name) {
        ServiceType::LoadBalancer | ServiceType::NodePort => false,
        ServiceType::ClusterIp | ServiceType::None => lane.name == LaneName::EastWest,
    };
    match (chosen.as_slice(), inside) {
        ([], false) => None,
        ([], true) => Some(vec![namespaces(&[])]),
        (chosen, _) => Some(chosen.to_vec()),
    }
}

fn egress() -> Vec<NetworkPolicyEgressRule> {
    let dns = |protocol: &str| NetworkPolicyPort { protocol: Some(protocol.to_owned()), ..tcp(DNS_PORT) };
    vec![
        // Some network plugins do not count pods among addresses, so they are named apart.
        NetworkPolicyEgressRule { to: Some(vec![namespaces(&[])]), ports: None },
        NetworkPolicyEgressRule {
            to: Some(vec![addresses("0.0.0.0/0", &METADATA_V4), addresses("::/0", &METADATA_V6)]),
            ports: None,
        },
        NetworkPolicyEgressRule {
            to: Some(vec![addresses("169.254.0.0/16", &[])]),
            ports: Some(vec![dns("UDP"), dns("TCP")]),
        },
    ]
}

/// All pods of the namespaces that carry `labels`; of every namespace when there are none.
fn namespaces(labels: &[(&str, &str)]) -> NetworkPolicyPeer {
    let match_labels = (!labels.is_empty()).then(|| map(labels));
    NetworkPolicyPeer {
        namespace_selector: Some(LabelSelector { match_labels, match_expressions: None }),
        ..NetworkPolicyPeer::default()
    }
}

fn addresses(cidr: &str, except: &[&str]) -> NetworkPolicyPeer {
    let except: Vec<_> = except.iter().map(|&block| block.to_owned()).collect();
    NetworkPolicyPeer {
        ip_block: Some(IPBlock { cidr: cidr.to_owned(), except: (!except.is_empty()).then_some(except) }),
        ..NetworkPolicyPeer::default()
    }
}

fn tcp(port: u16) -> NetworkPolicyPort {
    NetworkPolicyPort {
        port: Some(IntOrString::Int(i32::from(port))),
        protocol: Some("TCP".to_owned()),
        end_port: None,
    }
}
