//! Which namespaces a lane serves, and may read.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use bulkhead_crds::names::{LABEL_INSTANCE_UID, LaneName};
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use serde_json::json;

use crate::world::operator::{Lone, Operator};
use crate::world::routes::{backend, route};
use crate::world::{Fleet, SOON, objects};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![
        test(a_lane_of_named_namespaces_serves_these_and_may_read_no_other),
        test(a_lane_follows_the_labels_of_namespaces),
        test(a_named_namespace_that_does_not_exist_yet_holds_nothing_up),
        test(a_namespace_that_may_not_be_read_keeps_no_other_from_being_served),
        test(with_platform_namespaces_an_instance_elsewhere_serves_its_own_alone),
        test(a_scope_that_is_widened_and_narrowed_takes_effect_without_a_restart),
    ]
}

const LANE: LaneName = LaneName::NorthSouth;

async fn a_lane_of_named_namespaces_serves_these_and_may_read_no_other(cluster: &'static Cluster) -> Result<()> {
    let [one, two, other] = teams(cluster).await?;
    let fleet = Fleet::listening(cluster, "names", &spec(&format!("{{from: Names, names: [{one}, {two}]}}"))).await?;
    let _backends = routes(&fleet, &[&one, &two, &other]).await?;
    fleet.wait_status(LANE, &host(&one), 200).await?;
    fleet.wait_status(LANE, &host(&two), 200).await?;
    fleet.wait_status(LANE, &host(&other), 404).await?;
    wait_bound(&fleet, &[&one, &two]).await
}

async fn a_lane_follows_the_labels_of_namespaces(cluster: &'static Cluster) -> Result<()> {
    let [one, two, other] = teams(cluster).await?;
    // Whoever comes first installs what the instance is an object of.
    crate::world::operator::Operator::shared(cluster).await?;
    let fleet = Fleet::create(cluster, "select", "{}").await?;
    let selector = format!("{{from: Selector, selector: {{matchLabels: {{edge: {}}}}}}}", fleet.name);
    let label = async |namespace: &str, value: Option<&str>| {
        let patch = Patch::Merge(json!({"metadata": {"labels": {"edge": value}}}));
        Api::<Namespace>::all(cluster.admin.clone()).patch(namespace, &PatchParams::default(), &patch).await
    };
    label(&one, Some(&fleet.name)).await?;
    fleet.apply(&spec(&selector)).await?;
    fleet.wait_phase("Listening").await?;
    let _backends = routes(&fleet, &[&one, &two, &other]).await?;
    fleet.wait_status(LANE, &host(&one), 200).await?;
    fleet.wait_status(LANE, &host(&two), 404).await?;
    wait_bound(&fleet, &[&one]).await?;

    label(&two, Some(&fleet.name)).await?;
    fleet.wait_status(LANE, &host(&two), 200).await?;
    wait_bound(&fleet, &[&one, &two]).await?;

    label(&one, None).await?;
    fleet.wait_status(LANE, &host(&one), 404).await?;
    wait_bound(&fleet, &[&two]).await?;
    fleet.wait_status(LANE, &host(&two), 200).await?;
    fleet.wait_phase("Listening").await
}

async fn a_named_namespace_that_does_not_exist_yet_holds_nothing_up(cluster: &'static Cluster) -> Result<()> {
    let [one, ..] = teams(cluster).await?;
    let late = format!("{one}-late");
    let fleet = Fleet::listening(cluster, "late", &spec(&format!("{{from: Names, names: [{one}, {late}]}}"))).await?;
    let _backends = routes(&fleet, &[&one]).await?;
    fleet.wait_status(LANE, &host(&one), 200).await?;

    cluster.apply("default", &format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {late}}}}}")).await?;
    let _backends = routes(&fleet, &[&late]).await?;
    fleet.wait_status(LANE, &host(&late), 200).await?;
    wait_bound(&fleet, &[&one, &late]).await
}

async fn a_namespace_that_may_not_be_read_keeps_no_other_from_being_served(cluster: &'static Cluster) -> Result<()> {
    let [open, closed, _] = teams(cluster).await?;
    let own = cluster.namespace("barred").await?;
    // Whoever governs a namespace can take the name that the binding there must have.
    let squatted = bulkhead_plan::names::route_reader(&own, &own, LANE);
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": squatted},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "none"}, "subjects": [],
    });
    cluster.apply(&closed, &binding.to_string()).await?;
    crate::world::operator::Operator::shared(cluster).await?;
    let fleet = Fleet::create_in(cluster, own, &spec(&format!("{{from: Names, names: [{open}, {closed}]}}"))).await?;
    fleet.wait_phase("Listening").await?;
    let _backends = routes(&fleet, &[&open, &closed]).await?;
    fleet.wait_status(LANE, &host(&open), 200).await?;
    fleet.wait_status(LANE, &host(&closed), 404).await?;
    wait_for("a condition that names the namespace", SOON * 2, async || {
        let status = fleet.instance().await?.status.unwrap_or_default();
        let conditions = status.lane(LANE).map(|lane| lane.conditions.clone()).unwrap_or_default();
        let loaded = conditions.iter().find(|condition| condition.type_ == "ConfigLoaded");
        ensure!(loaded.is_some_and(|loaded| loaded.message.contains(&closed)), "it says {loaded:?}");
        Ok(())
    })
    .await?;

    let bindings = Api::<RoleBinding>::namespaced(cluster.admin.clone(), &closed);
    bindings.delete(&squatted, &DeleteParams::default()).await?;
    wait_for("the namespace to be served once it may be read", SOON * 3, async || {
        fleet.wait_status(LANE, &host(&closed), 200).await
    })
    .await
}

async fn a_scope_that_is_widened_and_narrowed_takes_effect_without_a_restart(cluster: &'static Cluster) -> Result<()> {
    let [other, ..] = teams(cluster).await?;
    let fleet = Fleet::listening(cluster, "wide", &spec("{from: Same}")).await?;
    let own = fleet.namespace.clone();
    let _backends = routes(&fleet, &[&own, &other]).await?;
    fleet.wait_status(LANE, &host(&own), 200).await?;
    fleet.wait_status(LANE, &host(&other), 404).await?;
    wait_bound(&fleet, &[&own]).await?;
    let gateways = fleet.gateways.of(LANE);

    fleet.patch(json!({"scope": {"namespaces": {"from": "All"}}})).await?;
    fleet.wait_status(LANE, &host(&other), 200).await?;
    fleet.patch(json!({"scope": {"namespaces": {"from": "Same"}}})).await?;
    fleet.wait_status(LANE, &host(&other), 404).await?;
    wait_bound(&fleet, &[&own]).await?;
    fleet.wait_status(LANE, &host(&own), 200).await?;
    ensure!(fleet.gateways.of(LANE) == gateways, "the gateways were replaced");
    fleet.wait_phase("Listening").await
}

async fn with_platform_namespaces_an_instance_elsewhere_serves_its_own_alone(cluster: &'static Cluster) -> Result<()> {
    let lone = Lone::take(cluster).await?;
    let cluster = lone.cluster;
    let (platform, other) = (cluster.namespace("platform").await?, cluster.namespace("other").await?);
    let allowed = format!("{platform},infra");
    let settings = [("BULKHEAD_PLATFORM_NAMESPACES", allowed.as_str())];
    let operator = Operator::start_set(cluster, "operator", 19_109, &settings).await?;
    let trusted = Fleet::create_in(cluster, platform, &spec("{from: All}")).await?;
    let team = Fleet::create(cluster, "team", &spec("{from: All}")).await?;
    trusted.wait_phase("Listening").await?;
    for scope in ["{from: All}", "{from: Selector, selector: {}}", &format!("{{from: Names, names: [{other}]}}")] {
        team.apply(&spec(scope)).await?;
        let told = team.wait_condition("Accepted", "False", "ScopeNotAllowed").await?;
        ensure!(told.message.contains(&team.namespace), "it says {:?}", told.message);
        let made = objects::of(&team).await?;
        ensure!(made.is_empty(), "{scope} made {:?}", made.keys());
    }
    team.apply(&spec("{from: Same}")).await?;
    team.wait_phase("Listening").await?;
    let _backends = routes(&team, &[&team.namespace, &other]).await?;
    team.wait_status(LANE, &host(&team.namespace), 200).await?;
    team.wait_status(LANE, &host(&other), 404).await?;
    wait_bound(&team, &[&team.namespace]).await?;

    // One that reaches for more keeps what it had.
    team.patch(json!({"scope": {"namespaces": {"from": "All"}}})).await?;
    team.wait_condition("Accepted", "False", "ScopeNotAllowed").await?;
    team.wait_status(LANE, &host(&team.namespace), 200).await?;
    team.wait_status(LANE, &host(&other), 404).await?;
    drop(operator);
    // Without the option every instance may ask for what it likes.
    let _operator = Operator::start(cluster, 19_109).await?;
    team.wait_phase("Listening").await?;
    team.wait_status(LANE, &host(&other), 200).await
}

async fn teams(cluster: &Cluster) -> Result<[String; 3]> {
    Ok([cluster.namespace("team").await?, cluster.namespace("team").await?, cluster.namespace("team").await?])
}

fn spec(namespaces: &str) -> String {
    format!("{{scope: {{namespaces: {namespaces}}}, northSouth: {{replicas: 1}}, eastWest: {{enabled: false}}}}")
}

fn host(namespace: &str) -> String {
    format!("{namespace}.example")
}

/// A backend and a route to it in each namespace.
async fn routes(fleet: &Fleet, namespaces: &[&String]) -> Result<Vec<bulkhead_tests::echo::EchoBackend>> {
    let mut backends = Vec::new();
    for namespace in namespaces {
        backends.push(backend(fleet.cluster, namespace, "shop").await?);
        route(fleet.cluster, namespace, "shop", &fleet.class(LANE), &host(namespace), "shop").await?;
    }
    Ok(backends)
}

/// Awaits that the lane's role for routes is bound in these namespaces and not in the cluster.
async fn wait_bound(fleet: &Fleet, namespaces: &[&String]) -> Result<()> {
    let wanted: BTreeSet<String> = namespaces.iter().map(|name| (*name).clone()).collect();
    let ours = ListParams::default().labels(&format!("{LABEL_INSTANCE_UID}={}", fleet.uid().await?));
    let role = bulkhead_plan::names::route_reader(&fleet.namespace, &fleet.name, LANE);
    wait_for("bindings in the namespaces of the scope", SOON, async || {
        let bindings = Api::<RoleBinding>::all(fleet.cluster.admin.clone()).list(&ours).await?;
        let bound = bindings.into_iter().filter(|binding| binding.role_ref.name == role);
        let bound: BTreeSet<_> = bound.filter_map(|binding| binding.namespace()).collect();
        ensure!(bound == wanted, "bound in {bound:?} instead of {wanted:?}");
        let everywhere = Api::<ClusterRoleBinding>::all(fleet.cluster.admin.clone()).list(&ours).await?;
        ensure!(
            everywhere.iter().all(|binding| binding.role_ref.name != role),
            "routes of the whole cluster may be read"
        );
        Ok(())
    })
    .await
}
