//! What there is of an instance, whatever its kind.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use bulkhead_crds::names::LABEL_INSTANCE;
use bulkhead_plan::{Gathered, Plan, Site};
use bulkhead_tests::cluster::Cluster;
use kube::ResourceExt;
use kube::api::{Api, DynamicObject, ListParams};
use kube::core::ApiResource;
use kube::discovery::{Discovery, verbs};
use serde_json::Value;

use super::Fleet;

/// Kind, namespace and name.
pub(crate) type Id = (String, String, String);

/// Every kind of object that can be listed, custom ones included. Events tell of what was, and stay.
pub(crate) async fn kinds(cluster: &Cluster) -> Result<Vec<ApiResource>> {
    let discovery = Discovery::new(cluster.admin.clone()).run().await.context("ask for every kind")?;
    let kinds = discovery.groups().flat_map(|group| group.recommended_resources());
    let listed = kinds.filter(|(kind, can)| {
        can.supports_operation(verbs::LIST) && kind.kind != "Event" && kind.kind != "ComponentStatus"
    });
    Ok(listed.map(|(kind, _)| kind).collect())
}

/// Every object that a label selector finds, with its UID and resource version.
pub(crate) async fn labelled(cluster: &Cluster, selector: &str) -> Result<BTreeMap<Id, (String, String)>> {
    let mut found = BTreeMap::new();
    for kind in kinds(cluster).await? {
        let api = Api::<DynamicObject>::all_with(cluster.admin.clone(), &kind);
        let list = api.list_metadata(&ListParams::default().labels(selector)).await;
        for object in list.with_context(|| format!("list {}", kind.plural))?.items {
            let id = (kind.kind.clone(), object.namespace().unwrap_or_default(), object.name_any());
            found.insert(id, (object.uid().unwrap_or_default(), object.resource_version().unwrap_or_default()));
        }
    }
    Ok(found)
}

/// Every object of a fleet.
pub(crate) async fn of(fleet: &Fleet) -> Result<BTreeMap<Id, (String, String)>> {
    labelled(fleet.cluster, &format!("{LABEL_INSTANCE}={}", fleet.name)).await
}

/// What the plan says of a fleet in an otherwise empty cluster, no Ingress referring to anything.
pub(crate) async fn plan(fleet: &Fleet) -> Result<Plan> {
    let gathered = Gathered::default();
    let valid =
        bulkhead_plan::validate(&fleet.instance().await?, &gathered).map_err(|why| anyhow::anyhow!("{why:?}"))?;
    Ok(bulkhead_plan::plan(&valid, &Site::default(), &gathered))
}

/// The identities of planned objects.
pub(crate) async fn planned(fleet: &Fleet) -> Result<BTreeSet<Id>> {
    let plan = plan(fleet).await?;
    Ok(plan.lanes.iter().flat_map(|lane| lane.to_values()).map(|value| id(&value)).collect())
}

pub(crate) fn id(value: &Value) -> Id {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    (text("/kind"), text("/metadata/namespace"), text("/metadata/name"))
}

/// Kinds that controllers make of what the operator makes, with its labels.
pub(crate) const DERIVED: [&str; 4] = ["Pod", "ReplicaSet", "Endpoints", "EndpointSlice"];
