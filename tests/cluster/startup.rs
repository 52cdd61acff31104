//! An operator that cannot begin yet, or may not go on.

use std::time::Duration;

use anyhow::{Result, ensure};
use bulkhead_crds::names::LaneName;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{Api, DeleteParams, PostParams};
use serde_json::json;

use crate::world::operator::{self, Lone, NAMESPACE, Operator};
use crate::world::routes::{backend, route};
use crate::world::{Fleet, SMALL, SOON};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![
        test(an_operator_that_may_not_renew_its_lease_ends_and_leads_once_it_may_again),
        test(an_operator_that_starts_before_its_kind_is_defined_waits_for_it),
    ]
}

const LANE: LaneName = LaneName::NorthSouth;
const LEADER: &str = "bulkhead_operator_leader";

async fn an_operator_that_starts_before_its_kind_is_defined_waits_for_it(cluster: &Cluster) -> Result<()> {
    /// The pauses of a watch that fails grow up to half a minute.
    const PATIENCE: Duration = Duration::from_secs(60);
    let cluster = cluster.another().await?;
    operator::install_plain(&cluster).await?;
    let operator = Operator::begin(&cluster, 19_114).await?;
    wait_for("an operator that says what it waits for", SOON, async || {
        operator.process.ensure_running()?;
        let told = operator.readiness().await?;
        ensure!(told.status == 503 && told.text().ends_with("of: GatewayInstance\n"), "it says {:?}", told.text());
        Ok(())
    })
    .await?;
    ensure!(operator.metric(LEADER).await? == 0.0, "one that sees nothing leads");
    operator::define(&cluster).await?;
    wait_for("a ready operator", PATIENCE, async || {
        operator.process.ensure_running()?;
        let told = operator.readiness().await?;
        ensure!(told.status == 200, "it says {:?}", told.text());
        ensure!(operator.metric(LEADER).await? == 1.0, "it does not lead");
        Ok(())
    })
    .await
}

async fn an_operator_that_may_not_renew_its_lease_ends_and_leads_once_it_may_again(
    cluster: &'static Cluster,
) -> Result<()> {
    let lone = Lone::take(cluster).await?;
    let operator = Operator::start(lone.cluster, 19_115).await?;
    let fleet = Fleet::create(lone.cluster, "unleased", SMALL).await?;
    let _shop = backend(lone.cluster, &fleet.namespace, "shop").await?;
    route(lone.cluster, &fleet.namespace, "shop", &fleet.class(LANE), "unleased.example", "shop").await?;
    fleet.wait_phase("Listening").await?;
    fleet.wait_status(LANE, "unleased.example", 200).await?;

    let bindings = Api::<RoleBinding>::namespaced(lone.cluster.admin.clone(), NAMESPACE);
    let mut binding = bindings.get("bulkhead-operator").await?;
    bindings.delete("bulkhead-operator", &DeleteParams::default()).await?;
    let end = operator.process.wait_exit(SOON).await?;
    ensure!(!end.success(), "one that lost its Lease ended with {end}");
    drop(operator);
    let operator = Operator::start(lone.cluster, 19_115).await?;
    fleet.patch(json!({"northSouth": {"limits": {"requestFields": 93}}})).await?;
    operator.process.wait_log("is forbidden", SOON).await?;
    ensure!(operator.metric(LEADER).await? == 0.0, "it leads without a Lease");
    fleet.wait_status(LANE, "unleased.example", 200).await?;

    (binding.metadata.resource_version, binding.metadata.uid, binding.metadata.managed_fields) = (None, None, None);
    bindings.create(&PostParams::default(), &binding).await?;
    fleet.wait_phase("Listening").await?;
    ensure!(operator.metric(LEADER).await? == 1.0, "somebody else leads");
    operator.process.ensure_running()
}
