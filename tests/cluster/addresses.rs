//! What Ingresses say of where they are reached.

use anyhow::{Context, Result, ensure};
use bulkhead_crds::names::LaneName;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::{Api, ListParams, Patch, PatchParams};
use serde_json::json;

use crate::world::operator::Operator;
use crate::world::routes::route;
use crate::world::{Fleet, SMALL, SOON};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![
        test(an_ingress_says_where_its_lane_is_reached_and_no_longer_than_it_is),
        test(the_status_of_ingresses_of_others_is_theirs_until_asked_for),
        test(an_address_that_does_not_come_is_explained_as_the_cluster_does),
        test(a_lane_on_node_ports_is_reached_at_the_nodes_of_its_pods),
    ]
}

async fn an_address_that_does_not_come_is_explained_as_the_cluster_does(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "pending", SMALL).await?;
    let (namespace, name) = (&fleet.namespace, fleet.class(LANE));
    let service = Api::<Service>::namespaced(cluster.admin.clone(), namespace).get(&name).await?;
    let uid = service.metadata.uid.context("a Service without UID")?;
    // As the cloud's controller writes it, which this control plane has none of.
    let event = format!(
        "{{apiVersion: v1, kind: Event, metadata: {{name: {name}.1, namespace: {namespace}}}, type: Warning, reason: SyncLoadBalancerFailed, \
         message: \"Error syncing load balancer: the project's quota of addresses\\u001b[2J is used up\", lastTimestamp: \"2026-01-01T00:00:00Z\", \
         involvedObject: {{apiVersion: v1, kind: Service, namespace: {namespace}, name: {name}, uid: {uid}}}}}"
    );
    cluster.apply(namespace, &event).await?;
    let exposed = async || {
        let status = fleet.instance().await?.status.unwrap_or_default();
        let lane = status.lane(LANE).context("no lane")?;
        lane.conditions.iter().find(|one| one.type_ == "Exposed").cloned().context("no condition")
    };
    wait_for("what the cluster says of it", SOON * 2, async || {
        let exposed = exposed().await?;
        let says =
            "SyncLoadBalancerFailed: Error syncing load balancer: the project's quota of addresses[2J is used up.";
        ensure!(exposed.reason == "AddressPending" && exposed.message.contains(says), "{exposed:?}");
        Ok(())
    })
    .await?;
    cluster.set_load_balancer(namespace, &name, FIRST.into()).await?;
    wait_for("the address", SOON, async || {
        let exposed = exposed().await?;
        ensure!(exposed.reason == "AddressAssigned" && !exposed.message.contains("Sync"), "{exposed:?}");
        Ok(())
    })
    .await
}

const LANE: LaneName = LaneName::NorthSouth;
const FIRST: [u8; 4] = [203, 0, 113, 21];
const SECOND: [u8; 4] = [203, 0, 113, 22];

async fn an_ingress_says_where_its_lane_is_reached_and_no_longer_than_it_is(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "reached", SMALL).await?;
    let (name, team) = (fleet.class(LANE), cluster.namespace("team").await?);
    route(cluster, &team, "shop", &name, "reached.example", "shop").await?;
    says(cluster, &team, "shop", &[]).await?;
    cluster.set_load_balancer(&fleet.namespace, &name, FIRST.into()).await?;
    says(cluster, &team, "shop", &["203.0.113.21"]).await?;
    cluster.set_load_balancer(&fleet.namespace, &name, SECOND.into()).await?;
    says(cluster, &team, "shop", &["203.0.113.22"]).await?;
    // One that comes later, and one that somebody else says something of, which is its lane's to say.
    route(cluster, &team, "later", &name, "later.example", "shop").await?;
    says(cluster, &team, "later", &["203.0.113.22"]).await?;

    // To the other lane, then to a class of nobody.
    let inside = fleet.class(LaneName::EastWest);
    let services = Api::<Service>::namespaced(cluster.admin.clone(), &fleet.namespace);
    let ip = services.get(&inside).await?.spec.and_then(|spec| spec.cluster_ip).unwrap_or_default();
    route(cluster, &team, "shop", &inside, "reached.example", "shop").await?;
    says(cluster, &team, "shop", &[&ip]).await?;
    route(cluster, &team, "shop", "nobodys", "reached.example", "shop").await?;
    says(cluster, &team, "shop", &[]).await?;

    // A lane that is switched off, and an instance that goes.
    route(cluster, &team, "shop", &inside, "reached.example", "shop").await?;
    says(cluster, &team, "shop", &[&ip]).await?;
    fleet.patch(json!({"eastWest": {"enabled": false}})).await?;
    says(cluster, &team, "shop", &[]).await?;
    says(cluster, &team, "later", &["203.0.113.22"]).await?;
    fleet.api().delete(&fleet.name, &Default::default()).await?;
    says(cluster, &team, "later", &[]).await
}

async fn the_status_of_ingresses_of_others_is_theirs_until_asked_for(cluster: &'static Cluster) -> Result<()> {
    Operator::shared(cluster).await?;
    let team = cluster.namespace("theirs").await?;
    cluster
        .apply(&team, &format!("{{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {{name: {team}}}, spec: {{controller: others.example/ingress}}}}"))
        .await?;
    let spec =
        format!("{{northSouth: {{replicas: 1, ingressClass: {{alsoServe: [{team}]}}}}, eastWest: {{enabled: false}}}}");
    let fleet = Fleet::listening(cluster, "migrating", &spec).await?;
    cluster.set_load_balancer(&fleet.namespace, &fleet.class(LANE), FIRST.into()).await?;
    route(cluster, &team, "theirs", &team, "theirs.example", "shop").await?;
    route(cluster, &team, "ours", &fleet.class(LANE), "ours.example", "shop").await?;
    let ingresses = Api::<Ingress>::namespaced(cluster.admin.clone(), &team);
    let status = json!({"status": {"loadBalancer": {"ingress": [{"hostname": "theirs.example"}]}}});
    ingresses.patch_status("theirs", &PatchParams::default(), &Patch::Merge(status)).await?;
    says(cluster, &team, "ours", &["203.0.113.21"]).await?;
    says(cluster, &team, "theirs", &["theirs.example"]).await?;

    fleet.patch(json!({"northSouth": {"ingressClass": {"publishStatusForAlsoServed": true}}})).await?;
    says(cluster, &team, "theirs", &["203.0.113.21"]).await?;
    fleet.wait_condition("FullyObeyed", "True", "FullyObeyed").await?;
    fleet.patch(json!({"northSouth": {"ingressClass": {"publishStatusForAlsoServed": false}}})).await?;
    says(cluster, &team, "theirs", &[]).await
}

async fn a_lane_on_node_ports_is_reached_at_the_nodes_of_its_pods(cluster: &'static Cluster) -> Result<()> {
    let spec = "{northSouth: {replicas: 1, service: {type: NodePort}}, eastWest: {enabled: false}}";
    let fleet = Fleet::listening(cluster, "nodes", spec).await?;
    route(cluster, &fleet.namespace, "shop", &fleet.class(LANE), "nodes.example", "shop").await?;
    let pods = Api::<k8s_openapi::api::core::v1::Pod>::namespaced(cluster.admin.clone(), &fleet.namespace);
    let pods = pods.list(&ListParams::default()).await?.items;
    let node = pods.iter().find_map(|pod| pod.status.as_ref()?.host_ip.clone()).unwrap_or_default();
    ensure!(!node.is_empty(), "no pod has a node");
    says(cluster, &fleet.namespace, "shop", &[&node]).await?;
    wait_for("the node in the status of the lane", SOON, async || {
        let status = fleet.instance().await?.status.unwrap_or_default();
        let addresses = status.lane(LANE).map(|lane| lane.addresses.clone()).unwrap_or_default();
        ensure!(addresses == [node.clone()], "the addresses are {addresses:?}");
        Ok(())
    })
    .await
}

/// Awaits that the status of an Ingress holds these addresses and no other.
async fn says(cluster: &Cluster, namespace: &str, name: &str, wanted: &[&str]) -> Result<()> {
    let ingresses = Api::<Ingress>::namespaced(cluster.admin.clone(), namespace);
    wait_for(&format!("{wanted:?} in the status of {namespace}/{name}"), SOON, async || {
        let live = ingresses.get(name).await?;
        let managers = live.metadata.managed_fields.iter().flatten().filter_map(|entry| entry.manager.clone());
        let ours: Vec<_> = managers.filter(|manager| manager.starts_with("bulkhead:")).collect();
        ensure!(!wanted.is_empty() || ours.is_empty(), "it is still managed by {ours:?}");
        let balancer = live.status.and_then(|status| status.load_balancer);
        let points = balancer.and_then(|balancer| balancer.ingress).unwrap_or_default();
        let found: Vec<_> = points.into_iter().filter_map(|point| point.ip.or(point.hostname)).collect();
        ensure!(found == wanted, "it says {found:?}");
        Ok(())
    })
    .await
}
