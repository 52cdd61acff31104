//! What others may refuse the operator: rights, room, pods. Of each: the lane that it concerns says why, the other and other instances go on, and what is
//! wanted comes to be by itself once nobody refuses it.

use anyhow::{Context, Result, ensure};
use bulkhead_crds::names::LaneName;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, ResourceQuota, Service};
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use serde_json::json;

use crate::world::operator::{Lone, Operator};
use crate::world::routes::{backend, route};
use crate::world::{Fleet, SMALL, SOON};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![
        test(rights_that_are_withdrawn_and_returned_are_told_and_need_no_restart),
        test(a_quota_of_pods_is_told_by_the_lane_it_concerns_and_recovered_from),
        test(pods_that_pod_security_refuses_are_told_and_recovered_from),
        test(an_instance_in_a_namespace_that_ends_makes_no_noise),
        test(a_field_of_a_service_that_never_changes_is_told_with_the_command_that_helps),
    ]
}

const LANE: LaneName = LaneName::NorthSouth;

async fn rights_that_are_withdrawn_and_returned_are_told_and_need_no_restart(cluster: &'static Cluster) -> Result<()> {
    let lone = Lone::take(cluster).await?;
    let operator = Operator::start(lone.cluster, 19_107).await?;
    let fleet = Fleet::create(lone.cluster, "rightless", SMALL).await?;
    let _shop = backend(lone.cluster, &fleet.namespace, "shop").await?;
    route(lone.cluster, &fleet.namespace, "shop", &fleet.class(LANE), "rightless.example", "shop").await?;
    fleet.wait_phase("Listening").await?;
    fleet.wait_status(LANE, "rightless.example", 200).await?;
    let gateways = fleet.gateways.of(LANE);

    // All that it may do everywhere; what it may do with its own Lease lies in its namespace.
    let bindings = Api::<ClusterRoleBinding>::all(lone.cluster.admin.clone());
    let mut binding = bindings.get("bulkhead-operator").await.context("the binding of the operator")?;
    bindings.delete("bulkhead-operator", &DeleteParams::default()).await?;
    let services = Api::<Service>::namespaced(lone.cluster.admin.clone(), &fleet.namespace);
    services.delete(&fleet.class(LANE), &DeleteParams::default()).await?;
    fleet.patch(json!({"northSouth": {"limits": {"requestFields": 91}}})).await?;
    operator.process.wait_log("is forbidden", SOON).await?;
    fleet.wait_status(LANE, "rightless.example", 200).await?;
    let told = operator.process.log().matches("is forbidden").count();
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    let more = operator.process.log().matches("is forbidden").count() - told;
    // Each of two dozen watches tries again at its own, growing pace, and so does the instance.
    ensure!(more < 150, "{more} lines in 5 s");
    operator.process.ensure_running()?;

    binding.metadata.resource_version = None;
    binding.metadata.uid = None;
    binding.metadata.managed_fields = None;
    bindings.create(&PostParams::default(), &binding).await?;
    wait_for("the Service that was deleted", SOON * 2, async || {
        operator.process.ensure_running()?;
        Ok(services.get(&fleet.class(LANE)).await.map(|_| ())?)
    })
    .await?;
    fleet.wait_phase("Listening").await?;
    ensure!(fleet.gateways.of(LANE) == gateways, "the gateways were replaced");
    fleet.wait_status(LANE, "rightless.example", 200).await
}

async fn a_quota_of_pods_is_told_by_the_lane_it_concerns_and_recovered_from(cluster: &'static Cluster) -> Result<()> {
    Operator::shared(cluster).await?;
    let namespace = cluster.namespace("crowded").await?;
    let quota = |pods: &str| {
        format!("{{apiVersion: v1, kind: ResourceQuota, metadata: {{name: few}}, spec: {{hard: {{pods: '{pods}'}}}}}}")
    };
    cluster.apply(&namespace, &quota("1")).await?;
    let quotas = Api::<ResourceQuota>::namespaced(cluster.admin.clone(), &namespace);
    wait_for("a quota in force", SOON, async || {
        let used = quotas.get("few").await?.status.and_then(|status| status.used);
        ensure!(used.is_some(), "nobody has counted yet");
        Ok(())
    })
    .await?;
    let fleet = Fleet::create_in(cluster, namespace, SMALL).await?;
    let lane = wait_for("one lane without pods that says why, and one that works", SOON, async || {
        let has = async |of, reason| {
            for lane in LaneName::ALL {
                if condition(&fleet, lane, of).await.is_ok_and(|condition| condition.reason == reason) {
                    return Ok(lane);
                }
            }
            anyhow::bail!("no lane has {of} {reason}: {:?}", fleet.instance().await?.status)
        };
        has("ConfigLoaded", "Loaded").await?;
        let lane = has("Available", "NoPodsAvailable").await?;
        let told = condition(&fleet, lane, "Available").await?.message;
        ensure!(told.contains("exceeded quota: few"), "it says {told:?}");
        Ok(lane)
    })
    .await?;
    let ready = fleet.wait_condition("Ready", "False", "LanesNotReady").await?;
    ensure!(ready.message.contains(lane.slug()) && ready.message.contains("exceeded quota"), "it says {ready:?}");
    cluster.apply(&fleet.namespace, &quota("10")).await?;
    fleet.wait_phase("Listening").await
}

async fn pods_that_pod_security_refuses_are_told_and_recovered_from(cluster: &'static Cluster) -> Result<()> {
    Operator::shared(cluster).await?;
    let namespace = cluster.namespace("strict").await?;
    let namespaces = Api::<Namespace>::all(cluster.admin.clone());
    let enforce = async |level: &str| {
        let labels = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": level}}});
        namespaces.patch(&namespace, &PatchParams::default(), &Patch::Merge(labels)).await
    };
    enforce("restricted").await?;
    // Not among the sysctls that Pod Security calls safe.
    let spec = "{northSouth: {replicas: 1, sysctls: {somaxconn: 4096}}, eastWest: {replicas: 1}}";
    let fleet = Fleet::create_in(cluster, namespace.clone(), spec).await?;
    let told = wait_for("a lane that says what is refused", SOON, async || {
        let told = condition(&fleet, LANE, "Available").await?;
        ensure!(told.message.contains("violates PodSecurity"), "it says {told:?}");
        let other = condition(&fleet, LaneName::EastWest, "ConfigLoaded").await?;
        ensure!(other.reason == "Loaded", "the other lane says {other:?}");
        Ok(told)
    })
    .await?;
    ensure!(told.message.contains("net.core.somaxconn"), "it does not say which: {told:?}");
    fleet.apply(SMALL).await?;
    fleet.wait_phase("Listening").await
}

async fn an_instance_in_a_namespace_that_ends_makes_no_noise(cluster: &'static Cluster) -> Result<()> {
    let lone = Lone::take(cluster).await?;
    let operator = Operator::start(lone.cluster, 19_108).await?;
    let fleet = Fleet::create(lone.cluster, "doomed", SMALL).await?;
    let other = Fleet::create(lone.cluster, "spared", SMALL).await?;
    fleet.wait_phase("Listening").await?;
    other.wait_phase("Listening").await?;
    // Something keeps the namespace from going, and the instance was asked to stay.
    let held = "{apiVersion: v1, kind: ConfigMap, metadata: {name: held, finalizers: [tests.example/held]}}";
    lone.cluster.apply(&fleet.namespace, held).await?;
    fleet.patch(json!({"deletionProtection": true})).await?;
    fleet.wait_phase("Listening").await?;
    let namespaces = Api::<Namespace>::all(lone.cluster.admin.clone());
    namespaces.delete(&fleet.namespace, &DeleteParams::default()).await?;
    fleet.wait_phase("Deleting").await?;
    let told = wait_for("a lane that says so", SOON, async || {
        let told = condition(&fleet, LANE, "RolledOut").await?;
        ensure!(told.reason == "ApplyFailed", "it says {told:?}");
        Ok(told.message)
    })
    .await?;
    ensure!(told.contains(&format!("namespace {} is being deleted", fleet.namespace)), "it says {told:?}");
    let before = operator.process.log().lines().count();
    tokio::time::sleep(std::time::Duration::from_secs(8)).await;
    let said = operator.process.log().lines().count() - before;
    ensure!(said < 20, "{said} lines in 8 s about a namespace that ends");
    other.patch(json!({"northSouth": {"limits": {"requestFields": 92}}})).await?;
    other.wait_phase("Listening").await?;

    fleet.patch(json!({"deletionProtection": false})).await?;
    wait_for("the end of the instance", SOON * 2, async || {
        ensure!(fleet.api().get_opt(&fleet.name).await?.is_none(), "it is still there");
        Ok(())
    })
    .await?;
    let free = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    let maps = Api::<ConfigMap>::namespaced(lone.cluster.admin.clone(), &fleet.namespace);
    maps.patch("held", &PatchParams::default(), &free).await?;
    wait_for("the end of the namespace", SOON * 2, async || {
        ensure!(namespaces.get_opt(&fleet.namespace).await?.is_none(), "it is still there");
        Ok(())
    })
    .await
}

async fn a_field_of_a_service_that_never_changes_is_told_with_the_command_that_helps(
    cluster: &'static Cluster,
) -> Result<()> {
    let class = |name: &str| {
        format!("{{northSouth: {{replicas: 1, service: {{loadBalancerClass: {name}}}}}, eastWest: {{replicas: 1}}}}")
    };
    let fleet = Fleet::listening(cluster, "fixed", &class("example.com/one")).await?;
    let services = Api::<Service>::namespaced(cluster.admin.clone(), &fleet.namespace);
    let uid = services.get(&fleet.class(LANE)).await?.uid();
    fleet.apply(&class("example.com/two")).await?;
    let told = wait_for("a lane that says that it cannot", SOON, async || {
        let told = condition(&fleet, LANE, "RolledOut").await?;
        ensure!(told.reason == "ApplyFailed", "it says {told:?}");
        Ok(told.message)
    })
    .await?;
    let command = format!("kubectl -n {} delete service {}", fleet.namespace, fleet.class(LANE));
    ensure!(told.contains(&command), "it says {told:?}");
    ensure!(services.get(&fleet.class(LANE)).await?.uid() == uid, "the Service was made anew without anybody's word");
    let other = condition(&fleet, LaneName::EastWest, "RolledOut").await?;
    ensure!(other.reason != "ApplyFailed", "the other lane says {other:?}");

    // As the command does.
    services.delete(&fleet.class(LANE), &DeleteParams::default()).await?;
    fleet.wait_phase("Listening").await?;
    wait_for("the class that was asked for", SOON, async || {
        let found = services.get(&fleet.class(LANE)).await?.spec.and_then(|spec| spec.load_balancer_class);
        ensure!(found.as_deref() == Some("example.com/two"), "it is {found:?}");
        let told = condition(&fleet, LANE, "RolledOut").await?;
        ensure!(told.reason != "ApplyFailed", "it says {told:?}");
        Ok(())
    })
    .await
}

/// A condition of a lane.
async fn condition(fleet: &Fleet, lane: LaneName, of: &str) -> Result<Condition> {
    let status = fleet.instance().await?.status.unwrap_or_default();
    let conditions = status.lane(lane).map(|lane| lane.conditions.clone()).unwrap_or_default();
    conditions.into_iter().find(|condition| condition.type_ == of).with_context(|| format!("{lane} has no {of}"))
}
